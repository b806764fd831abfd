"""The command that describes and writes a book."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stress.cli import main
from stress.errors import ExitCode


def read_from(folder: Path, accounts: str, balances: str = "null") -> Path:
    """The minimal scenario with its book read from files."""
    path = folder / "scenario.yaml"
    path.write_text(
        "format: 1\nname: read\nextends: [minimal]\n"
        f"pools: {{main: {{book: {{synthetic: null, accounts: {accounts}, balances: {balances}}}}}}}\n"
    )
    return path


def test_description(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["book", "minimal"]) == ExitCode.OK
    out = capsys.readouterr().out
    assert "open interest" in out
    assert "market maker" in out


def test_json_has_the_notes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["book", "minimal", "--json"]) == ExitCode.OK
    found = json.loads(capsys.readouterr().out)
    assert found["notes"] == []
    assert found["open_interest"]["BTC"] == pytest.approx(2e8)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_written_book_is_the_same_book(tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    main(["book", "minimal", "--json", "-o", str(tmp_path / "book"), "--format", kind])
    drawn = capsys.readouterr()
    assert f"wrote {tmp_path / 'book' / 'positions'}.{kind}" in drawn.err
    scenario = read_from(tmp_path, f"book/positions.{kind}", f"book/balances.{kind}")
    assert main(["book", str(scenario), "--json"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out) == json.loads(drawn.out)


def test_nothing_is_overwritten_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["book", "minimal", "-o", str(tmp_path)]
    assert main(arguments) == ExitCode.OK
    assert main(arguments) == ExitCode.INVALID
    assert "would be overwritten" in capsys.readouterr().err
    assert main([*arguments, "--force"]) == ExitCode.OK


def test_mistakes_end_with_the_code_of_invalid_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.csv"
    path.write_text("account,market,quantity,entry_price\na,BTC,one,9\n")
    assert main(["book", str(read_from(tmp_path, "p.csv"))]) == ExitCode.INVALID
    assert capsys.readouterr().err == f"{path}:2: quantity: expected a number, got 'one'\n"
