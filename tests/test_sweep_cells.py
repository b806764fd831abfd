"""What a sweep varies: words of the command line, wildcards, factors, rules that can be switched off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stress.errors import MalformedInput, UsageError
from stress.scenario import built_ins, load_scenario
from stress.sweep.ablate import RULES, Rule, ablations
from stress.sweep.cells import (
    BASE,
    GRID,
    LIST,
    ONE,
    Varied,
    cells,
    edited,
    matches,
    multiplied,
    number_of,
    parse_varied,
    places,
    split_values,
)
from stress.sweep.run import SweepPlan

CANONICAL: dict[str, Any] = {
    "run": {"paths": 100},
    "markets": {
        "BTC": {"margin": {"tiers": [{"maintenance": 0.01}, {"maintenance": 0.05}]}, "drought": {"floor": 0.1}},
        "ETH": {"margin": {"tiers": [{"maintenance": 0.02}]}, "depth": "unlimited"},
    },
}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a,b", ["a", "b"]),
        ("{type: none},[1, 2],x2", ["{type: none}", "[1, 2]", "x2"]),
        ('"a,b",c', ['"a,b"', "c"]),
        ("10_000_000", ["10_000_000"]),
    ],
)
def test_commas_inside_brackets_and_quotes_belong_to_a_value(text: str, parts: list[str]) -> None:
    assert split_values(text) == parts


@given(st.lists(st.text("abc123%_.", min_size=1), min_size=1, max_size=6, unique=True))
def test_plain_values_come_back(values: list[str]) -> None:
    assert parse_varied(f"run.paths={','.join(values)}") == Varied("run.paths", tuple(values))


@pytest.mark.parametrize("text", ["", "run.paths", "=1", "a..b=1", "run.paths=", "run.paths=1,,2", "run.paths=1,1"])
def test_what_cannot_be_varied_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--vary"):
        parse_varied(text)


def test_grid_list_and_one_at_a_time() -> None:
    varied = [Varied("run.paths", ("1", "2")), Varied("run.seed", ("3", "4"))]
    grid = cells(varied, GRID, CANONICAL)
    assert grid[0].label == BASE
    assert grid[0].overrides == ()
    assert [cell.overrides for cell in grid[1:]] == [
        ("run.paths=1", "run.seed=3"),
        ("run.paths=1", "run.seed=4"),
        ("run.paths=2", "run.seed=3"),
        ("run.paths=2", "run.seed=4"),
    ]
    together = cells(varied, LIST, CANONICAL)
    assert [cell.overrides for cell in together[1:]] == [("run.paths=1", "run.seed=3"), ("run.paths=2", "run.seed=4")]
    assert [cell.label for cell in cells(varied, ONE, CANONICAL)[1:]] == [
        *("run paths 1", "run paths 2", "run seed 3", "run seed 4"),
    ]


def test_wildcards_stand_for_every_place_that_has_the_rest() -> None:
    path = "markets.*.margin.tiers.*.maintenance"
    assert [value for _, value in matches(path, CANONICAL)] == [0.01, 0.05, 0.02]
    assert places(path, "3%", CANONICAL) == [
        "markets.BTC.margin.tiers.0.maintenance",
        "markets.BTC.margin.tiers.1.maintenance",
        "markets.ETH.margin.tiers.0.maintenance",
    ]
    assert places("markets.*.drought.floor", "0%", CANONICAL) == ["markets.BTC.drought.floor"]
    assert places("anything", "0%", CANONICAL) == ["anything"]
    assert places(path, "x2", CANONICAL) == []


def test_factors_multiply_what_is_there() -> None:
    assert multiplied("markets.*.margin.tiers.0.maintenance", "x1.5", CANONICAL) == [
        ("markets.BTC.margin.tiers.0.maintenance", 0.015),
        ("markets.ETH.margin.tiers.0.maintenance", 0.03),
    ]
    assert multiplied("run.paths", "x.5", CANONICAL) == [("run.paths", 50)]
    assert multiplied("run.paths", "7", CANONICAL) == []
    assert number_of("x.5", "run.paths", CANONICAL) == 0.5
    assert number_of("7", "run.paths", CANONICAL) == 100.0
    assert number_of("none", "markets.ETH.depth", CANONICAL) is None


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("markets.*.depht", "1", "markets.* has margin, drought"),
        ("nothing.*", "1", "the top has run, markets"),
        ("markets.ETH.depth", "x2", "'unlimited', which cannot be multiplied"),
    ],
)
def test_paths_that_lead_nowhere_say_what_is_there(path: str, value: str, words: str) -> None:
    with pytest.raises(UsageError, match=words.replace("*", r"\*")):
        cells([Varied(path, (value,))], GRID, CANONICAL)


def test_questions_that_make_no_sense_are_refused() -> None:
    one, two = Varied("run.paths", ("1",)), Varied("run.seed", ("1", "2"))
    with pytest.raises(UsageError, match="as many values"):
        cells([one, two], LIST, CANONICAL)
    with pytest.raises(UsageError, match="varied twice"):
        cells([one, one], GRID, CANONICAL)
    many = Varied("run.seed", tuple(str(n) for n in range(101)))
    with pytest.raises(UsageError, match="more than 10,000"):
        cells([many, Varied("run.paths", many.values)], GRID, CANONICAL)


def test_every_mistake_of_every_cell_is_told_before_anything_runs(tmp_path: Path) -> None:
    varied = (Varied("run.paths", ("10", "none")), Varied("run.horizon", ("1h", "1x")))
    with pytest.raises(MalformedInput) as caught:
        SweepPlan("minimal", varied=varied).cells(tmp_path)
    text = str(caught.value)
    assert "(run paths 10, run horizon 1x)" in text
    assert "(run paths none, run horizon 1h)" in text


@pytest.mark.parametrize("name", [scenario.name for scenario in built_ins()])
def test_every_rule_of_the_built_in_scenarios_can_be_switched_off(name: str, tmp_path: Path) -> None:
    base = load_scenario(name)
    found = ablations(base.canonical)
    labels = [cell.label for cell in found]
    assert len(set(labels)) == len(labels)
    for cell, loaded in SweepPlan(name, ablate=True).cells(tmp_path).pairs[1:] if len(found) > 1 else []:
        assert loaded.digest != base.digest, f"{cell.label} changes nothing"


def test_rules_that_are_off_are_not_switched_off() -> None:
    base = load_scenario("minimal").canonical
    labels = [cell.label for cell in ablations(base)]
    assert labels == [
        BASE,
        *("without order limit", "without liquidation fee", "without takeover before insolvency"),
        *("without unwinding", "without layer adl"),
    ]
    left = edited(base, ablations(base)[-1].edits)
    assert [layer["name"] for layer in left["pools"]["main"]["layers"]] == ["fund"]


def test_factors_reach_durations_and_units_stay(tmp_path: Path) -> None:
    """A half-life is written with a unit, and multiplied without one."""
    varied = (Varied("markets.*.liquidity.half_life", ("x2",)), Varied("pools.main.liquidation.fee", ("1%",)))
    _, (cell, loaded) = SweepPlan("minimal", varied=varied, paths=7).cells(tmp_path).pairs
    assert cell.edits == (("markets.BTC.liquidity.half_life", 600.0),)
    assert cell.overrides == ("pools.main.liquidation.fee=1%",)
    scenario = loaded.scenario
    assert scenario.run.paths == 7
    assert scenario.markets["BTC"].liquidity.half_life == 600.0
    assert scenario.pools["main"].liquidation.fee == 0.01


def test_a_factor_of_one_is_the_scenario_itself(tmp_path: Path) -> None:
    varied = (Varied("markets.*.liquidity.*", ("x1",)),)
    plan = SweepPlan("minimal", varied=(Varied("markets.*.liquidity.depth", ("x1",)),))
    (_, base), (_, same) = plan.cells(tmp_path).pairs
    assert base.digest == same.digest
    with pytest.raises(UsageError, match="cannot be multiplied"):
        SweepPlan("minimal", varied=varied).cells(tmp_path)


def test_a_rule_that_others_need_is_left_out_and_told(tmp_path: Path) -> None:
    needed = Rule("the book of the market", "markets.*.liquidity")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stress.sweep.ablate.RULES", (needed,))
        found = SweepPlan("minimal", ablate=True).cells(tmp_path)
    assert [cell.label for cell, _ in found.pairs] == [BASE, "without layer adl"]
    assert len(found.left_out) == 1
    assert found.left_out[0].startswith("without the book of the market: ")


def test_rules_are_named_once() -> None:
    assert len({rule.name for rule in RULES}) == len({rule.path for rule in RULES}) == len(RULES)
