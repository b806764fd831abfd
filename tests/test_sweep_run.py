"""Sweeps over a fake cascade: common random numbers, comparison, resuming, pages."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy import stats

import stress
from stress import engine
from stress.cli import main
from stress.errors import ExitCode
from stress.report.charts.sweep import Bar, End, Point, frontier, heatmap, tornado
from stress.sizing.weights import Weights
from stress.sweep.paired import mean_change, passed
from stress.sweep.result import COLUMNS
from tests import fake_plan

VOLATILITY = "markets.BTC.model.v0=40%,64%,90%"
SWEEP = ["sweep", "minimal", "--paths", "300", "--seed", "3", "--set", "sizing.depletion=10%", "-o", "out"]


@pytest.fixture(autouse=True)
def _fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_plan.install(monkeypatch, fake_plan.FakeCascade())
    monkeypatch.chdir(tmp_path)


def summary() -> pd.DataFrame:
    return pd.read_parquet("out/summary.parquet")


def test_cells_are_compared_over_the_same_paths(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SWEEP, "-q", "--keep-runs", "--vary", VOLATILITY]) == ExitCode.OK
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "out/report.html"
    assert "as it is" in out
    rows = summary()
    assert list(rows["label"]) == ["as it is", "model v0 40%", "model v0 64%", "model v0 90%"]
    assert list(rows["markets.BTC.model.v0 (number)"]) == [0.64, 0.4, 0.64, 0.9]
    assert rows["bad_debt"].is_monotonic_increasing or rows["bad_debt"][1] < rows["bad_debt"][3]
    runs = [stress.load(f"out/cells/000{k}").paths for k in (0, 1, 3)]
    change = (runs[2]["bad_debt"] - runs[0]["bad_debt"]).mean()
    assert rows["bad_debt_change"][3] == pytest.approx(change)
    assert rows["bad_debt_change_low"][3] < change < rows["bad_debt_change_high"][3]
    # The value that the scenario has already is not run again.
    assert rows["bad_debt_change"][2] == rows["fund_change"][2] == 0.0
    required = [run["required_fund"] for run in runs]
    assert rows["depleted_base_fund"][3] == (required[2] > rows["fund"][0]).mean()
    assert rows["depleted_p_value"][2] == 1.0
    assert not Path("out/cells/0002").exists()
    assert set(COLUMNS) <= set(rows.columns)


def test_runs_are_removed_unless_they_are_kept() -> None:
    assert main([*SWEEP, "-q", "--vary", VOLATILITY]) == ExitCode.OK
    assert sorted(path.name for path in Path("out/cells").iterdir()) == [
        *(f"000{k}.{kind}" for k in (0, 1, 3) for kind in ("json", "parquet")),
    ]


def test_json_is_all_there_is_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SWEEP, "-q", "--json", "--vary", VOLATILITY]) == ExitCode.OK
    said = json.loads(capsys.readouterr().out)
    assert said["folder"] == "out"
    assert said["rows"] == json.loads(Path("out/summary.json").read_text())["rows"]


def test_resumed_sweep_runs_what_is_missing_and_ends_alike(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[str] = []
    real = engine.run

    def counted(plan: Any, folder: Path, **options: Any) -> engine.RunResult:
        ran.append(folder.name)
        if len(ran) == 3:
            raise KeyboardInterrupt
        return real(plan, folder, **options)

    monkeypatch.setattr(engine, "run", counted)
    assert main([*SWEEP, "--vary", VOLATILITY]) == ExitCode.INTERRUPTED
    assert "tailstress sweep minimal --vary" in capsys.readouterr().err
    assert main([*SWEEP, "-q", "--vary", VOLATILITY]) == ExitCode.INVALID
    assert main([*SWEEP, "-q", "--resume", "--vary", "markets.BTC.model.v0=40%"]) == ExitCode.NOT_COMPARABLE
    assert main([*SWEEP, "-q", "--resume", "--vary", VOLATILITY]) == ExitCode.OK
    assert ran == ["0000", "0001", "0003", "0003"]
    first = Path("out/summary.json").read_bytes()
    assert main([*SWEEP, "-q", "--force", "--vary", VOLATILITY]) == ExitCode.OK
    assert Path("out/summary.json").read_bytes() == first


def test_folder_of_something_else_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    Path("out").mkdir()
    Path("out/precious.txt").write_text("x")
    for option in ("--force", "--resume"):
        assert main([*SWEEP, "-q", option, "--vary", VOLATILITY]) == ExitCode.INVALID
    assert "holds other files" in capsys.readouterr().err
    assert Path("out/precious.txt").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "at least one --vary"),
        (["--vary", "run.seed=1", "--ablate"], "give one of them"),
        (["--vary", "run.seed=1", "--list", "--one-at-a-time"], "exclude each other"),
        (["--vary", "run.seed=1", "--resume", "--force"], "give one of them"),
        (["--vary", "run.sed=1,2"], "run.sed"),
    ],
)
def test_usage_errors(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SWEEP, *arguments]) == ExitCode.INVALID
    assert words in capsys.readouterr().err
    assert not Path("out").exists()


def charts() -> set[str]:
    return {file.stem for file in Path("out/charts").glob("*.png")}


def test_charts_follow_the_question() -> None:
    one, two = VOLATILITY, "markets.BTC.model.rho=-0.5,0.5"
    assert main([*SWEEP, "-q", "--vary", one]) == ExitCode.OK
    assert charts() == {"adl-main", "frontier-bad-debt-main", "frontier-fund-main"}
    assert main([*SWEEP, "-q", "--force", "--vary", one, "--vary", two]) == ExitCode.OK
    assert charts() == {"adl-main", "map-bad-debt-main", "map-fund-main"}
    assert main([*SWEEP, "-q", "--force", "--one-at-a-time", "--vary", one, "--vary", two]) == ExitCode.OK
    assert charts() == {"adl-main", "tornado-bad-debt-main", "tornado-fund-main"}
    assert main([*SWEEP, "-q", "--force", "--ablate"]) == ExitCode.OK
    # No rule of the cascade that stands in moves anything, and bars of nothing are not drawn.
    assert charts() == {"adl-main"}
    assert "without layer adl" in Path("out/report.md").read_text()


def test_default_folder_depends_on_the_question() -> None:
    for values in ("40%", "50%"):
        assert (
            main(["sweep", "minimal", "--paths", "20", "-q", "--vary", f"markets.BTC.model.v0={values}"]) == ExitCode.OK
        )
    assert len(list(Path("sweeps").iterdir())) == 2


def test_paired_change_is_known_better_than_either_mean() -> None:
    rng = np.random.default_rng(1)
    there = rng.pareto(3.0, 10_000)
    here = 1.1 * there + rng.normal(0.0, 0.01, 10_000)
    change = mean_change(here, there)
    assert change.value == pytest.approx((here - there).mean())
    assert change.low is not None
    assert change.high is not None
    assert change.low < 0.1 * 0.5 < change.high
    assert change.high - change.low < 0.2 * 2 * 1.96 * there.std() / 100.0
    assert mean_change(there, there).value == 0.0
    ones = Weights(np.ones(10_000))
    weighted = mean_change(here, there, weights=(ones, ones))
    assert (weighted.value, weighted.low) == pytest.approx((change.value, change.low))


def test_passing_a_threshold_is_mcnemar() -> None:
    there = np.concatenate([np.full(900, 0.0), np.full(100, 2.0)])
    here = there.copy()
    here[:12] = 2.0
    here[-3:] = 0.0
    moved = passed(here, there, 1.0)
    assert (moved.share, moved.only_here, moved.only_there) == (109 / 1000, 12, 3)
    assert moved.p_value == pytest.approx(stats.binomtest(12, 15).pvalue)
    assert passed(there, there, 1.0).p_value == 1.0
    ones = Weights(np.ones(1000))
    assert passed(here, there, 1.0, (ones, ones)) == moved


def test_weighted_changes_are_those_of_the_law_that_was_not_sampled() -> None:
    """Exponential losses drawn with means 3 and 5 for the two runs: each has the weights of its own mixture."""
    rng = np.random.default_rng(3)
    uniform = rng.random(20_000)
    there, here = 3.0 * -np.log(uniform), 5.0 * -np.log(uniform)
    weights = (Weights(5.0 * np.exp(here / 5.0 - here)), Weights(3.0 * np.exp(there / 3.0 - there)))
    change = mean_change(2.0 * here, there, weights=weights)
    assert change.low is not None
    assert change.high is not None
    assert change.low < 1.0 < change.high
    assert change.high - change.low < 0.2
    moved = passed(2.0 * here, there, 6.0, weights)
    assert moved.share == pytest.approx(math.exp(-3.0), rel=0.05)
    assert moved.p_value < 1e-6
    assert passed(here, there, 6.0, weights).p_value > 0.01


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_frontier_draws_what_has_a_number() -> None:
    figure = Figure()
    points = [
        Point(2.0, "x2", 30.0, 20.0, 40.0),
        Point(1.0, "x1", 10.0, None, None),
        Point(4.0, "x4", None, None, None),
    ]
    _, line, base = frontier(figure.subplots(), points, "depth", "fund", 12.0)
    assert [list(data) for data in line.get_data()] == [[1.0, 2.0], [10.0, 30.0]]  # type: ignore[attr-defined]
    assert base.get_ydata()[0] == 12.0  # type: ignore[attr-defined]
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["x2", "x1", "x4"]
    assert frontier(Figure().subplots(), points[2:], "depth", "fund", None) == []


def test_heatmap_says_every_amount() -> None:
    figure = Figure()
    heatmap(
        figure.subplots(),
        [[1e6, None], [2e6, 3e6]],
        [["", "x"], ["+$1.00M", ""]],
        ["a", "b"],
        ["c", "d"],
        ("row", "column"),
    )
    assert texts(figure) == ["$1.00M", "n/a", "$2.00M", "+$1.00M", "$3.00M"]
    assert heatmap(Figure().subplots(), [[None]], [[""]], ["a"], ["b"], ("row", "column")) == []
    assert heatmap(Figure().subplots(), [[0.0]], [[""]], ["a"], ["b"], ("row", "column"))


def test_tornado_puts_the_widest_row_first() -> None:
    figure = Figure()
    bars = [Bar("small", (End(9.0),)), Bar("wide", (End(2.0, "x1"), End(30.0, "x2", (18.0, 22.0)))), Bar("none", ())]
    artists = tornado(figure.subplots(), bars, 10.0, "fund")
    assert len(artists) == 4
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == ["wide", "small"]
    assert texts(figure)[:2] == ["x1 $2.00", "x2 $30"]
    assert tornado(Figure().subplots(), bars[2:], 10.0, "fund") == []
    assert math.isclose(figure.axes[0].get_xlim()[0], 2.0 - 0.4 * 30.0)
