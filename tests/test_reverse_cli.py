"""``tailstress reverse``: files that reproduce what was found, tables, pages, refusals."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from matplotlib.figure import Figure

import stress
from stress.cli import main
from stress.errors import ExitCode
from stress.report.charts.reverse import Line, least_moves
from stress.reverse.result import odds_words
from tests import reversing


def reverse(*arguments: str) -> int:
    return main(["reverse", *arguments])


def required(file: Path, out: Path, strength: str) -> pd.DataFrame:
    """Paths of a run of the file."""
    assert main(["run", str(file), "--set", f"strength={strength}", "-q", "-o", str(out)]) == ExitCode.OK
    return stress.load(out).paths


@pytest.mark.parametrize(
    ("scenario", "capital", "asked"),
    [
        ("minimal", 2e6, ["--evaluations", "800"]),
        ("oracle-attack", 5e5, ["--evaluations", "1000", "--recovery", "30%"]),
    ],
)
def test_found_files_break_the_venue_and_one_percent_less_does_not(
    scenario: str, capital: float, asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The fund is used up in an ordinary run of the file, also where only the file is left of the search's folder."""
    assert reverse(scenario, *asked, "-q", "--json", "-o", str(tmp_path / "out")) == ExitCode.OK
    said = json.loads(capsys.readouterr().out)
    for key, name in (("smallest", "smallest.yaml"), ("most_likely", "most-likely.yaml")):
        file = tmp_path / name
        shutil.copyfile(tmp_path / "out" / name, file)
        whole = required(file, tmp_path / f"{key}-whole", "1")
        weaker = required(file, tmp_path / f"{key}-weaker", "0.99")
        assert len(whole) == len(weaker) == 1
        assert float(whole["required_fund"].iloc[0]) > capital >= float(weaker["required_fund"].iloc[0])
        event = said["events"][key]
        assert event["verified"]
        assert event["played"][0]["bad_debt"] == pytest.approx(float(whole["bad_debt"].iloc[0]), rel=1e-9, abs=1e-6)
    assert said["events"]["most_likely"]["nats"] <= 1.01 * said["events"]["smallest"]["nats"]
    capsys.readouterr()


def test_the_folder_holds_all_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    file = reversing.two_longs(tmp_path)
    assert reverse(str(file), "--evaluations", "600", "-o", str(out)) == ExitCode.OK
    printed, messages = capsys.readouterr()
    assert printed.splitlines()[-1] == str(out / "report.html")
    assert "Most likely" in printed
    assert "not met" in printed
    assert "of 600 paths" in messages
    names = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    charts = {
        f"charts/{name}.{kind}" for name in ("map", "depth", "windows", "event", "payers") for kind in ("png", "svg")
    }
    assert names == charts | {
        "smallest.yaml", "most-likely.yaml", "candidates.parquet", "reverse.json", "report.html", "report.md",
        "tables/main-accounts.csv", "tables/main-balances.csv",
    }  # fmt: skip
    told = json.loads((out / "reverse.json").read_text())
    candidates = pd.read_parquet(out / "candidates.parquet")
    assert candidates["nats"].is_monotonic_increasing
    assert candidates["nats"].min() <= told["events"]["most_likely"]["nats"] * 1.005
    assert {"move.A", "move.B", "depth_left", "fault", "over_s"} <= set(candidates.columns)
    assert "None" not in (out / "report.md").read_text()


def test_a_folder_of_tables_can_be_moved(tmp_path: Path) -> None:
    assert reverse(str(reversing.one_long(tmp_path)), "--evaluations", "300", "-q", "-o", str(tmp_path / "a")) == 0
    shutil.move(tmp_path / "a", tmp_path / "b")
    (tmp_path / "positions.csv").unlink()
    whole = required(tmp_path / "b" / "most-likely.yaml", tmp_path / "run", "1")
    assert float(whole["bad_debt"].iloc[0]) == pytest.approx(5.0, abs=0.1)
    content = yaml.safe_load((tmp_path / "b" / "most-likely.yaml").read_text())
    assert content["name"] == "one-long-most-likely"
    assert content["pools"]["main"]["book"]["accounts"] == "tables/main-accounts.csv"


def test_the_head_of_a_file_says_how_it_was_found(tmp_path: Path) -> None:
    file = str(reversing.one_long(tmp_path))
    asked = ["--target", "loss=5", "--prior", "depth=2", "--evaluations", "300", "--seed", "4"]
    assert reverse(file, *asked, "-q", "-o", str(tmp_path / "out")) == ExitCode.OK
    head = [line for line in (tmp_path / "out" / "smallest.yaml").read_text().splitlines() if line.startswith("#")]
    assert head[0] == "# The smallest event found that breaks one-long: the bad debt reaches $5.00."
    assert "# Played at strength 1: it happens; at strength 0.99: it does not happen." in head
    assert f"tailstress reverse {file} --target loss=5 --evaluations 300 --prior depth=2 --seed 4" in head[-3]
    assert all(len(line) <= 120 for line in head[:-3])


@pytest.mark.parametrize(
    ("target", "words"),
    [("loss=5", "the bad debt reaches $5.00"), ("residual", "stays unpaid"), ("layer=fund", "takes less than")],
)
def test_other_targets(target: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bad debt of 5 comes at 75; what is more than the fund is left to nobody."""
    file = str(reversing.one_long(tmp_path))
    code = reverse(file, "--target", target, "--evaluations", "300", "-q", "--json", "-o", str(tmp_path / "out"))
    assert code == ExitCode.OK
    said = json.loads(capsys.readouterr().out)
    assert words in said["target_words"]
    assert said["events"]["smallest"]["moves"]["A"] == pytest.approx(-0.25, rel=2e-3)


def test_nothing_found_is_inconclusive_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = str(reversing.one_long(tmp_path)), tmp_path / "out"
    assert reverse(file, "--most", "20%", "--evaluations", "300", "-q", "-o", str(out)) == ExitCode.INCONCLUSIVE
    assert "no event found in which the insurance fund is used up" in capsys.readouterr().err
    assert not (out / "smallest.yaml").exists()


REFUSED: list[tuple[list[str], str]] = [
    (["--target", "fund_depletet"], "no such target; did you mean fund_depleted?"),
    (["--target", "loss=much"], "--target loss: expected an amount"),
    (["--target", "layer=vault"], "no such layer; known: fund"),
    (["--target", "adl"], "no auto-deleveraging in main"),
    (["--pool", "alts"], "no such pool; it has main"),
    (["--market", "B"], "no market 'B'; it has A"),
    (["--over", "2d"], "no window ends within the run"),
    (["--over", "soon"], "--over soon: expected a duration"),
    (["--most", "120%"], "--most: must be from 0.01 to 0.999"),
    (["--prior", "fire=1%"], "--prior fire=1%: expected one of depth, lag"),
    (["--prior", "lag=0%"], "must be more than 0"),
    (["--set", "pools.main.layers.0.capital=unlimited"], "is unlimited, which nothing uses up"),
    (["--set", "pools.main.layers="], "there is no fund"),
]


@pytest.mark.parametrize(("asked", "words"), REFUSED, ids=[" ".join(asked) for asked, _ in REFUSED])
def test_what_cannot_be_asked_is_refused(
    asked: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(reversing.one_long(tmp_path))
    assert reverse(file, *asked, "-q", "-o", str(tmp_path / "out")) == ExitCode.INVALID
    err = capsys.readouterr().err
    assert words in err
    assert "Traceback" not in err


def test_a_full_folder_needs_a_decision(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = str(reversing.one_long(tmp_path)), tmp_path / "out"
    asked = [file, "--evaluations", "300", "-q", "-o", str(out)]
    assert reverse(*asked) == ExitCode.OK
    before = (out / "most-likely.yaml").read_bytes()
    assert reverse(*asked) == ExitCode.INVALID
    assert "--force" in capsys.readouterr().err
    assert reverse(*asked, "--force") == ExitCode.OK
    assert (out / "most-likely.yaml").read_bytes() == before
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes.txt").write_text("mine")
    assert reverse(*asked[:-1], str(other), "--force") == ExitCode.INVALID


def test_charts_say_what_they_lack() -> None:
    figure: Any = Figure()
    axes = figure.subplots(1, 2)
    assert least_moves(axes[0], [Line("up", (None, None))], ["a", "b"], "x", "y") == []
    drawn = least_moves(
        axes[1], [Line("up", (-0.2, None, 0.1)), Line("down", (0.0, 0.3, 0.2))], ["a", "b", "c"], "x", "y"
    )
    assert len(drawn) == 2


def test_odds_in_words() -> None:
    assert odds_words(0.1, 86_400.0) == "in most runs of 24 h"
    assert odds_words(5.0, 86_400.0) == "once in 150 runs of 24 h"
    assert odds_words(14.0, 86_400.0) == "once in 1,200,000 runs of 24 h (3,300 years)"
    assert odds_words(50.0, 86_400.0) == "practically never"
