"""Two runs side by side: what is shown to have moved, and the page that says so."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import stress
from stress.check.compare import HIGHER, LOWER, SAME, TOO_FEW, UNDECIDED, compare, scenario_differences
from stress.check.output.comparison import change
from stress.cli import main
from stress.errors import NotComparable
from stress.report.charts.who_pays import Bar, Waterfall
from stress.report.comparison import interleaved, write_comparison
from tests import fake_run
from tests.fake_run import Fake

Make = Callable[..., stress.Run]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Runs by what they look like, each written once."""
    known: dict[str, stress.Run] = {}

    def made(**fake: Any) -> stress.Run:
        key = repr(sorted(fake.items()))
        if key not in known:
            known[key] = stress.load(fake_run.write(tmp_path_factory.mktemp("run"), Fake(**fake)))
        return known[key]

    return made


def verdicts(before: stress.Run, after: stress.Run) -> dict[str, str]:
    return {moved.label: moved.verdict for moved in compare(before, after).figures}


def test_a_run_is_the_same_as_itself(make: Make) -> None:
    compared = compare(make(), make())
    assert compared.identical
    assert compared.paired
    assert compared.differences == ()
    assert {moved.verdict for moved in compared.figures} == {SAME, TOO_FEW}
    assert all(change(moved) in ("none", "") for moved in compared.figures)


def test_larger_losses_are_shown_and_what_did_not_move_is_not(make: Make) -> None:
    found = verdicts(make(), make(scale=9.5e6, capital=40e6))
    assert found["bad_debt mean"] == found["bad_debt 99%"] == found["bad_debt ES 99%"] == HIGHER
    assert found["adl_haircut mean"] == LOWER
    assert found["P(bad_debt > $0)"] == UNDECIDED
    back = verdicts(make(scale=9.5e6, capital=40e6), make())
    assert back["bad_debt mean"] == back["required_fund 99%"] == LOWER


def test_the_interval_holds_the_change_that_was_made(make: Make) -> None:
    for moved in compare(make(), make(scale=9e6)).figures:
        if moved.metric == "bad_debt" and not moved.probability:
            assert moved.before is not None
            assert moved.low is not None
            assert moved.low <= 0.125 * moved.before <= (moved.high if moved.high is not None else np.inf)


def test_another_seed_shows_nothing_and_says_why(make: Make) -> None:
    compared = compare(make(), make(seed=9))
    assert not compared.paired
    assert ("run.seed", "7", "9") in compared.differences
    assert {moved.verdict for moved in compared.figures} <= {UNDECIDED, SAME, TOO_FEW}


def test_runs_of_other_length_are_paired_over_the_paths_both_have(make: Make) -> None:
    compared = compare(make(paths=3_000), make(paths=10_000))
    assert compared.paired
    assert compared.paths == (3_000, 10_000)


def test_too_few_paths_have_no_verdict(make: Make) -> None:
    found = verdicts(make(paths=500), make(paths=500, scale=9e6))
    assert found["bad_debt 99.9%"] == TOO_FEW


def test_levels_can_be_chosen(make: Make) -> None:
    labels = [moved.label for moved in compare(make(), make(), (0.9,)).figures]
    assert "bad_debt 90%" in labels
    assert "bad_debt 99%" not in labels


def test_pools_in_common_are_compared(make: Make) -> None:
    compared = compare(make(pools=("main", "side")), make(pools=("side", "other")))
    assert {moved.pool for moved in compared.figures} == {"side"}
    with pytest.raises(NotComparable, match="no pool in common: main against other"):
        compare(make(), make(pools=("other",)))


def test_differences_of_scenarios_are_named_by_key() -> None:
    before = {"run": {"paths": 10, "seed": 1}, "shocks": [{"at": 1.0}], "title": "a"}
    after = {"run": {"paths": 10, "seed": 2, "max_rounds": 7}, "shocks": [{"at": 2.5}], "title": "b"}
    assert list(scenario_differences(before, after)) == [
        ("run.seed", "1", "2"),
        ("run.max_rounds", "-", "7"),
        ("shocks.0.at", "1", "2.5"),
    ]


def test_bars_stand_beside_their_counterparts() -> None:
    first = Waterfall((("fund", "f"), ("off", "r")), (Bar("mean", (3.0, 1.0)), Bar("99%", None)))
    second = Waterfall((("fund", "f"), ("adl", "a"), ("off", "r")), (Bar("mean", (1.0, 2.0, 0.0)), Bar("99%", None)))
    both = interleaved(first, second)
    assert [name for name, _ in both.payers] == ["fund", "adl", "off"]
    assert [bar.label for bar in both.bars] == ["mean, before", "mean, after", "99%, before", "99%, after"]
    assert both.bars[0].parts == (3.0, 0.0, 1.0)
    assert both.bars[1].parts == (1.0, 2.0, 0.0)
    assert both.bars[2].parts is None


def test_the_page_holds_figures_and_charts(make: Make, tmp_path: Path) -> None:
    before, after = make(), make(scale=9.5e6, capital=40e6)
    page = write_comparison(before, after, compare(before, after), tmp_path / "page")
    text = (tmp_path / "page" / "compare.md").read_text()
    assert "**Shown to be higher: bad debt mean of pool main" in text
    assert "| pools.main.layers.0.capital | 25,000,000 | 40,000,000 |" in text
    charts = set(re.findall(r"\(charts/([\w-]+)\.svg\)", text))
    assert charts == {"exceedance-main", "fund-main", "payers-main", "paths-main"}
    assert all((tmp_path / "page" / "charts" / f"{name}.png").stat().st_size > 5_000 for name in charts)
    assert page.read_text().count("<svg") == 4
    document = json.loads((tmp_path / "page" / "compare.json").read_text())
    assert document["figures"][0]["verdict"] == HIGHER


@pytest.mark.parametrize("other", [{"share": 0.0}, {"capital": float("nan"), "seed": 9}])
def test_the_page_stands_where_there_is_little_to_show(make: Make, tmp_path: Path, other: dict[str, Any]) -> None:
    before, after = make(), make(**other)
    assert write_comparison(before, after, compare(before, after), tmp_path).is_file()


def test_the_page_stands_where_there_is_nothing_to_show(make: Make, tmp_path: Path) -> None:
    none = make(share=0.0)
    assert write_comparison(none, none, compare(none, none), tmp_path).is_file()


def test_command(make: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = str(make().folder), str(make(scale=9.5e6).folder)
    assert main(["compare", before, after, "-o", str(tmp_path / "page"), "--level", "95%"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"bad_debt mean +\$711k +\$845k +\+1[\d.]+% to \+2[\d.]+% +higher", out)
    assert out.rstrip().endswith("compare.html")
    assert main(["compare", before, after, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["paired"] is True
    assert main(["compare", before, after, "--level", "100%"]) == 2
    assert main(["compare", before, str(tmp_path)]) == 5
