"""Commands about scenarios: validate, schema, init, scenarios."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from stress.cli import main
from stress.scenario import built_ins, load_scenario
from tests.scenario_text import REFERENCE, write

Output = pytest.CaptureFixture[str]


def test_validate_says_what_will_run(tmp_path: Path, capsys: Output) -> None:
    file = write(tmp_path, REFERENCE)
    assert main(["validate", str(file), "--paths", "500", "--threads", "2"]) == 0
    out = capsys.readouterr().out
    for words in ("example is valid", "500 paths of 1d", "BTC, ETH", "fund > hlp > adl > socialise", "2 threads"):
        assert words in out


def test_validate_json(tmp_path: Path, capsys: Output) -> None:
    file = write(tmp_path, REFERENCE)
    assert main(["validate", str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["digest"] == load_scenario(file).digest
    assert found["book"]["open_interest"]["BTC"] == pytest.approx(1.5e9)
    assert found["checks_per_path"] == 1440
    assert found["estimate"]["seconds"] > 0
    assert found["estimate"]["memory_bytes"] > 0


def test_validate_resolved_prints_a_scenario(tmp_path: Path, capsys: Output) -> None:
    file = write(tmp_path, REFERENCE)
    assert main(["validate", str(file), "--resolved", "--set", "run.paths=3"]) == 0
    again = load_scenario(write(tmp_path, capsys.readouterr().out, "resolved.yaml"))
    assert again.digest == load_scenario(file, paths=3).digest
    assert main(["validate", str(file), "--resolved", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == load_scenario(file).canonical


def test_validate_tells_every_mistake(tmp_path: Path, capsys: Output) -> None:
    file = write(tmp_path, REFERENCE.replace("theta: 0.35", "theta: -1").replace("fee: 50bp", "fee: much"))
    assert main(["validate", str(file)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith(f"{file}:") for line in lines)


def test_mistakes_of_books_and_price_files_are_told_together(tmp_path: Path, capsys: Output) -> None:
    write(tmp_path, "account,market,quantity,entry_price\na,BTC,one,100\n", "positions.csv")
    write(tmp_path, "time,price\n0,1\n60,-2\n", "prices.csv")
    start, end = REFERENCE.index("    book:\n"), REFERENCE.index("    liquidation:\n")
    text = f"{REFERENCE[:start]}    book: {{accounts: positions.csv}}\n{REFERENCE[end:]}"
    model = f"markets.ETH.model={{type: replay, file: {tmp_path / 'prices.csv'}}}"
    assert main(["validate", str(write(tmp_path, text)), "--set", model]) == 2
    told = capsys.readouterr().err
    assert f"{tmp_path / 'positions.csv'}:2" in told
    assert f"{tmp_path / 'prices.csv'}" in told
    assert len(told.splitlines()) == 3  # ETH has random jumps besides


def test_validate_warns_of_accounts_in_breach(tmp_path: Path, capsys: Output) -> None:
    write(tmp_path, "account,market,quantity,entry_price\na,BTC,1,200000\nb,BTC,-1,200000\n", "positions.csv")
    write(tmp_path, "account,asset,amount\na,USD,10\nb,USD,10\n", "balances.csv")
    start, end = REFERENCE.index("    book:\n"), REFERENCE.index("    liquidation:\n")
    book = "    book: {accounts: positions.csv, balances: balances.csv}\n"
    file = write(tmp_path, REFERENCE[:start] + book + REFERENCE[end:])
    assert main(["validate", str(file)]) == 0
    captured = capsys.readouterr()
    assert "warning: 1 account with positions" in captured.err
    assert "1 of the accounts, notional 121,662" in captured.out


def test_schema(tmp_path: Path, capsys: Output) -> None:
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["required"] == ["format", "name"]
    assert "extends" in schema["properties"]
    assert main(["schema", "-o", str(tmp_path / "s.json")]) == 0
    assert json.loads((tmp_path / "s.json").read_text()) == schema
    assert capsys.readouterr().out == ""


def test_init_writes_a_sound_scenario(tmp_path: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    assert capsys.readouterr().out == "scenario.yaml\n"
    assert load_scenario("scenario.yaml").scenario.name == "scenario"
    assert main(["validate", "scenario.yaml"]) == 0


@pytest.mark.parametrize("venue", [known.name for known in built_ins() if known.kind == "venues"])
def test_init_on_top_of_a_venue(tmp_path: Path, venue: str) -> None:
    file = tmp_path / "My Own stress.yaml"
    assert main(["init", venue, "-o", str(file)]) == 0
    loaded = load_scenario(file)
    assert loaded.scenario.name == "my-own-stress"
    assert loaded.files[1].stem == venue


def test_init_does_not_overwrite(tmp_path: Path, capsys: Output) -> None:
    file = tmp_path / "s.yaml"
    file.write_text("precious")
    assert main(["init", "-o", str(file)]) == 2
    assert file.read_text() == "precious"
    assert "exists; --force overwrites it" in capsys.readouterr().err
    assert main(["init", "-o", str(file), "--force"]) == 0
    assert load_scenario(file).scenario.name == "s"


def test_init_knows_the_venues(tmp_path: Path, capsys: Output) -> None:
    assert main(["init", "binanec", "-o", str(tmp_path / "s.yaml")]) == 2
    assert "did you mean 'binance'?" in capsys.readouterr().err
    assert not (tmp_path / "s.yaml").exists()


def test_scenarios_lists_what_can_be_loaded(capsys: Output) -> None:
    assert main(["scenarios"]) == 0
    table = capsys.readouterr().out
    assert main(["scenarios", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    for row in rows:
        assert row["name"] in table
        assert row["title"] == yaml.safe_load(Path(row["file"]).read_text(encoding="utf-8")).get("title", "")
        load_scenario(row["name"])
