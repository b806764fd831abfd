"""Laws of rules that venue files are made of: orders that step down, stop rules, prices and shares with bounds."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import conformance
from tests.conformance.case import Json
from tests.venues import cases

pytestmark = pytest.mark.interpreted
EXAMPLES = settings(max_examples=60, derandomize=True, database=None, deadline=None)

LADDER = [[0.0, 0.01], [1_000.0, 0.02], [5_000.0, 0.05], [20_000.0, 0.10], [50_000.0, 0.25]]
ENDS = [low for low, _ in LADDER[1:]]


def margin_of(notional: float) -> float:
    """Maintenance of one position, bracket by bracket."""
    ends = [*ENDS, math.inf]
    return sum(rate * max(0.0, min(notional, end) - low) for (low, rate), end in zip(LADDER, ends, strict=True))


def stepping(values: list[float], cover: float, tiers: int, rest: str) -> Json:
    """One account at a price of 1 in an endless book, with ``cover`` of its maintenance as equity."""
    names = [f"M{n}" for n in range(len(values))]
    wallet = cover * sum(map(margin_of, values))
    account = {
        "name": "a",
        "pool": "A",
        "cash": wallet,
        "positions": {n: [v, 1.0] for n, v in zip(names, values, strict=True)},
    }
    markets = [{"name": n, "price": [1.0, 1.0], "depth": None, "tiers": LADDER} for n in names]
    size = {"type": "step_down", "tiers": tiers, "rest": rest}
    return {"markets": markets, "accounts": [account], "pools": [{"name": "A", "size": size, "layers": []}]}


@EXAMPLES
@given(
    st.lists(st.floats(100.0, 1e5), min_size=1, max_size=3),
    st.floats(0.001, 0.999),
    st.integers(1, 3),
    st.sampled_from(["send", "leave"]),
)
def test_who_has_stepped_down_has_its_margin_again(values: list[float], cover: float, tiers: int, rest: str) -> None:
    """What is left of a cut position ends a tier, and a step less would not do; else nothing is left, or all of it."""
    found = conformance.play(stepping(values, cover, tiers, rest))["accounts"]["a"]
    left, equity = found["q"], found["equity"]
    lowest = sum(margin_of(min(value, ENDS[0])) for value in values)
    if equity < lowest or max(values) <= ENDS[0]:
        assert left == (values if rest == "leave" else [0.0] * len(values))
        return
    assert sum(map(margin_of, left)) <= equity * (1.0 + 1e-9)
    for value, kept in zip(values, left, strict=True):
        assert kept == pytest.approx(value) or any(kept == pytest.approx(end) for end in ENDS)
    heights = [sum(value > end for end in ENDS) for value in values]
    steps = range(tiers, max(heights) + tiers, tiers)
    fitting = [s for s in steps if sum(map(margin_of, stepped(values, heights, s))) <= equity]
    assert left == pytest.approx(stepped(values, heights, fitting[0]), rel=1e-9)


def stepped(values: list[float], heights: list[int], down: int) -> list[float]:
    """Values after every position has gone ``down`` tiers."""
    return [ENDS[max(0, h - down)] if h else value for value, h in zip(values, heights, strict=True)]


EXACT = st.fixed_dictionaries(
    {
        "type": st.just("insurance_fund"),
        "cash": st.sampled_from([0.003, 0.03]),
        "stop": st.fixed_dictionaries(
            {"window": st.just(100.0), "drop": st.sampled_from([0.02, 0.2]), "exact": st.just(True)}
        ),
        "partial": st.booleans(),
    }
)


def ends_at_once(case: Json) -> Json:
    """The case cut to its first step, in which inventory has no time to lose value."""
    markets = [{**market, "price": market["price"][:2], "sigma": market["sigma"][:2]} for market in case["markets"]]
    assets = [{**asset, "price": asset["price"][:2]} for asset in case.get("collateral", [])]
    return {**case, "markets": markets, "collateral": assets, "max_rounds": 1}


@EXAMPLES
@given(cases(layers=st.tuples(EXACT).map(list)))
def test_an_exact_stop_holds_within_a_round(case: Json) -> None:
    """However large the deficits of a round: takeovers leave the fund what its rule says."""
    once = ends_at_once(case)
    result = conformance.play(once)
    for pool in once["pools"]:
        fund = pool["layers"][0]
        found = result["layers"][fund["name"]]
        assert found["paid"] <= fund["stop"]["drop"] * (fund["cash"] + found["received"] + fees_of(result, pool)) + 1e-6


def fees_of(result: Json, pool: Json) -> float:
    return float(result["pools"][pool["name"]]["fees_fund"])


def bounded(kind: str, **rules: Any) -> st.SearchStrategy[list[Json]]:
    """A small fund, or ADL at the mark, which leaves debts, and one layer after it."""
    fund = st.fixed_dictionaries({"type": st.just("insurance_fund"), "cash": st.sampled_from([0.0, 0.003])})
    first = fund if kind == "adl" else st.just({"type": "adl", "rank": "pro_rata_contracts", "price": "mark"})
    layer = st.fixed_dictionaries({"type": st.just(kind), **rules})
    return st.tuples(first, layer).map(list)


@EXAMPLES
@given(
    cases(
        layers=bounded(
            "adl",
            rank=st.sampled_from(["bitmex", "pro_rata_contracts"]),
            price=st.just("bankruptcy"),
            within=st.sampled_from([0.01, 0.05]),
        )
    )
)
def test_nobody_is_closed_further_from_the_mark_than_the_bound(case: Json) -> None:
    result = conformance.play(case)
    for pool in case["pools"]:
        found = result["pools"][pool["name"]]
        assert abs(found["adl_haircut"]) <= pool["layers"][1]["within"] * found["adl_notional"] * (1.0 + 1e-9) + 1e-9


@EXAMPLES
@given(
    cases(
        layers=bounded(
            "socialise",
            rule=st.sampled_from(["maintenance", "equity", "open_interest"]),
            most=st.sampled_from([0.0, 0.0005, 0.01]),
        )
    )
)
def test_no_more_is_shared_than_the_cap(case: Json) -> None:
    result = conformance.play(case)
    for pool in case["pools"]:
        found = result["pools"][pool["name"]]
        most = pool["layers"][1]["most"]
        assert found["socialised"] <= most * (1.0 + 1e-9) + 1e-12
        charged = sum(owner["charged"] for owner in found["owners"].values())
        assert charged == pytest.approx(found["socialised"], rel=1e-9, abs=1e-9)
