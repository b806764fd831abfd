"""Marks, oracles and books of a scenario: what may be said of them, and what the kernels are given."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from stress.book import terms_of
from stress.build.venue import clock_of, markets_of
from stress.errors import InvalidInput, MalformedInput, MeaninglessInput
from stress.kernels.liquidity import AMM, POWER
from stress.kernels.marks import BLEND, INDEX, MEDIAN3
from stress.kernels.structs import Markets
from stress.scenario import Loaded, Scenario, load_scenario
from stress.scenario.writing import to_yaml
from tests.scenario_text import REFERENCE, write

ORACLE = "oracle: {lag: 3s, heartbeat: 3s, deviation: 0%}"
DISTURBED = (
    "oracle: {outages: [{from: 6h, to: 6h30m}], "
    "spoofs: [{from: 90s, to: 5m, factor: 90%}, {from: 6h, to: 7h, factor: 2}]}"
)


def load(folder: Path, *changes: tuple[str, str]) -> Loaded:
    text = REFERENCE
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return load_scenario(write(folder, text))


def built(scenario: Scenario) -> Markets:
    nobody = [np.zeros(0, dtype=np.int64) for _ in scenario.markets]
    return markets_of(scenario, terms_of(scenario.markets), clock_of(scenario), nobody)


def test_outages_and_spoofs_are_counted_in_checks(tmp_path: Path) -> None:
    found = built(load(tmp_path, (ORACLE, DISTURBED)).scenario).disturbances
    assert found["market"].tolist() == [0, 0, 0]
    assert found["start"].tolist() == [360, 2, 360]
    assert found["end"].tolist() == [390, 5, 420]
    assert found["frozen"].tolist() == [1, 0, 0]
    assert found["factor"].tolist() == [1.0, 0.9, 2.0]


def test_marks_are_given_to_the_kernels(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        ("mark: {type: index}", "mark: {type: median3, half_life: 150s}"),
        ("mark: book", "mark: {type: blend, index: 70%}"),
    )
    each = built(loaded.scenario).each
    assert each["mark_rule"].tolist() == [MEDIAN3, BLEND]
    assert each["mark_index"][1] == 0.7
    assert math.isclose(each["mark_gain"][0], 1.0 - 2.0 ** (-60 / 150))
    assert built(load(tmp_path).scenario).each["mark_rule"][0] == INDEX


def test_a_pool_is_given_to_the_kernels(tmp_path: Path) -> None:
    pool = "liquidity: {type: amm, reserve: 50_000_000, half_life: 5m}"
    each = built(load(tmp_path, ("liquidity: {type: power, depth: unlimited}", pool)).scenario).each
    assert each["liquidity_rule"].tolist() == [POWER, AMM]
    assert each["depth"].tolist() == [60e6 / 121_662, 50e6 / 4_000]
    assert each["drought_exponent"].tolist() == [1.5, 0.0]
    assert each["permanent"].tolist() == [0.1, 0.0]
    assert math.isclose(each["recovery"][1], 2.0 ** (-1 / 5))


def test_a_scenario_with_all_of_it_is_read_back_as_it_was(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        (ORACLE, DISTURBED),
        ("mark: book", "mark: {type: blend, index: 70%}"),
        ("{type: power, depth: unlimited}", "{type: amm, reserve: 5M, half_life: none}"),
    )
    again = load_scenario(write(tmp_path, to_yaml(loaded.scenario), "again.yaml"))
    assert again.digest == loaded.digest
    assert again.scenario == loaded.scenario


MISTAKES = [
    (ORACLE, "oracle: {outages: [{from: 6h, to: 5h}]}", "oracle.outages.0.to", "must be after from"),
    (ORACLE, "oracle: {spoofs: [{from: 1h, to: 1h, factor: 2}]}", "oracle.spoofs.0.to", "must be after from"),
    (ORACLE, "oracle: {spoofs: [{from: 1h, to: 2h, factor: 0}]}", "oracle.spoofs.0.factor", "must be more than 0"),
    (ORACLE, "oracle: {outages: [{from: 61s, to: 119s}]}", "oracle.outages.0", "holds at no margin check"),
    (ORACLE, "oracle: {outages: [{from: 25h, to: 26h}]}", "oracle.outages.0", "every 60 s until 86400 s"),
    (ORACLE, "oracle: {spoofs: [{from: 0s, to: 1m, factor: 2}]}", "oracle.spoofs.0", "holds at no margin check"),
    ("mark: {type: index}", "mark: {type: blend, index: 170%}", "mark.index", "must be at most 100%"),
    ("mark: {type: index}", "mark: {type: median3, half_life: 0}", "mark.half_life", "must be more than 0s"),
]


@pytest.mark.parametrize(("old", "new", "path", "message"), MISTAKES)
def test_what_means_nothing_is_refused(tmp_path: Path, old: str, new: str, path: str, message: str) -> None:
    with pytest.raises(MeaninglessInput) as caught:
        load(tmp_path, (old, new))
    (problem,) = caught.value.problems
    assert problem.path == f"markets.BTC.{path}"
    assert message in problem.message


UNREADABLE = [
    ("{type: amm, reserve: 5M}", "half_life", "is missing"),
    ("{type: amm, half_life: 5m}", "reserve", "is missing: value of one side"),
    ("{type: amm, reserve: 5M, half_life: 5m, depth: 1M}", "depth", "unknown key 'depth'; known: type, reserve"),
    ("{type: amm, reserve: unlimited, half_life: 5m}", "reserve", "got 'unlimited'"),
]


@pytest.mark.parametrize(("book", "key", "message"), UNREADABLE)
def test_a_pool_says_its_size_and_how_it_recovers(tmp_path: Path, book: str, key: str, message: str) -> None:
    with pytest.raises(MalformedInput) as caught:
        load(tmp_path, ("{type: power, depth: unlimited}", book))
    (problem,) = caught.value.problems
    assert problem.path == f"markets.ETH.liquidity.{key}"
    assert message in problem.message


def test_the_new_marks_need_their_number(tmp_path: Path) -> None:
    for word in ("blend", "median3"):
        with pytest.raises(InvalidInput, match="is missing"):
            load(tmp_path, ("mark: book", f"mark: {word}"))


def test_a_window_may_start_before_the_first_check(tmp_path: Path) -> None:
    found = built(load(tmp_path, (ORACLE, "oracle: {outages: [{from: 0s, to: 2m}]}")).scenario).disturbances
    np.testing.assert_array_equal((found["start"], found["end"]), [[0], [2]])
