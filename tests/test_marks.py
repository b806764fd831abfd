"""Marks and oracles: laws of each rule, and both against a reading of the model in plain Python."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stress.kernels.cascade import trace_path
from stress.kernels.marks import MARKS
from stress.kernels.marks.blend import blend
from stress.kernels.marks.median3 import median3, next_basis
from stress.kernels.results import TRACE_MARKET_COLUMNS, TRACE_POOL_COLUMNS
from stress.kernels.structs import Floats
from tests.conformance.case import Json, paths_of, venue_of

pytestmark = pytest.mark.interpreted

PRICES = st.floats(0.01, 1e6)


def traced(case: Json) -> dict[str, Floats]:
    """[s] columns of the first market's step record."""
    venue = venue_of(case)
    steps, markets = venue.clock.checks + 1, venue.markets.each.size
    record = np.zeros((steps, markets, len(TRACE_MARKET_COLUMNS)))
    trace_path(venue, 0, *paths_of(case), np.zeros((steps, venue.pools.size, len(TRACE_POOL_COLUMNS))), record)
    return {name: record[:, 0, c] for c, name in enumerate(TRACE_MARKET_COLUMNS)}


def one_market(price: list[float], **rules: Any) -> Json:
    """A case of one market and one small account that nothing happens to."""
    account = {"name": "a", "pool": "A", "cash": 1e9, "positions": {"M": [1e-6, price[0]]}}
    market = {"name": "M", "price": price, "depth": None, "tiers": [[0, 0.01]], **rules}
    return {"dt": 1.0, "markets": [market], "pools": [{"name": "A", "layers": []}], "accounts": [account]}


@given(PRICES, st.floats(-1e6, 1e6), PRICES, PRICES)
def test_the_median_is_the_middle_of_three(index: float, basis: float, book: float, external: float) -> None:
    assert median3(index, basis, book, external) == sorted((index + basis, book, external))[1]


@given(PRICES, PRICES, st.floats(0.0, 1.0))
def test_a_blend_lies_between_its_prices(index: float, book: float, weight: float) -> None:
    low, high = min(index, book), max(index, book)
    assert low * (1 - 1e-15) <= blend(index, book, weight) <= high * (1 + 1e-15)
    assert blend(index, book, 1.0) == index
    assert blend(index, book, 0.0) == book


@given(st.floats(-100.0, 100.0), PRICES, PRICES, st.floats(0.1, 100.0))
def test_the_average_basis_goes_half_way_in_a_half_life(basis: float, index: float, book: float, days: float) -> None:
    """Whatever the length of the check: two checks of half the length come to the same."""
    whole, half = 1.0 - 2.0**-days, 1.0 - 2.0 ** (-days / 2)
    twice = next_basis(next_basis(basis, index, book, half), index, book, half)
    scale = abs(basis) + index + book
    assert abs(next_basis(basis, index, book, whole) - twice) < 1e-12 * scale
    assert abs(next_basis(basis, index, book, 0.5) - 0.5 * (basis + book - index)) < 1e-12 * scale


class Naive(NamedTuple):
    """What an oracle has taken, and when."""

    taken: float
    at: int


def naive_oracle(price: list[float], oracle: Json) -> list[float]:
    """Prices shown at every step, from the model's words; a check is a second."""
    shown, state = [], Naive(price[0], 0)
    for step in range(len(price)):
        candidate = price[max(0, step - math.ceil(oracle.get("lag", 0)))]
        frozen = any(math.ceil(start) <= step < math.ceil(end) for start, end in oracle.get("frozen", []))
        late = step - state.at >= oracle.get("heartbeat", 0.0)
        far = abs(candidate / state.taken - 1.0) >= oracle.get("deviation", 0.0)
        if not frozen and (late or far):
            state = Naive(candidate, step)
        factor = math.prod(f for start, end, f in oracle.get("spoof", []) if math.ceil(start) <= step < math.ceil(end))
        shown.append(state.taken * factor)
    return shown


WINDOWS = st.tuples(st.integers(0, 48), st.integers(0, 24)).map(lambda w: [w[0] / 4, (w[0] + w[1]) / 4])
ORACLES = st.fixed_dictionaries(
    {
        "lag": st.sampled_from([0, 1, 2.5]),
        "heartbeat": st.sampled_from([0.0, 2.5, 4.0]),
        "deviation": st.sampled_from([0.0, 0.02, 0.1]),
        "frozen": st.lists(WINDOWS, max_size=2),
        "spoof": st.lists(st.tuples(WINDOWS, st.floats(0.5, 2.0)).map(lambda s: [*s[0], s[1]]), max_size=2),
    }
)
PATHS = st.lists(st.floats(50.0, 150.0), min_size=4, max_size=14)


@settings(max_examples=60)
@given(PATHS, ORACLES)
def test_an_oracle_shows_what_the_model_says(price: list[float], oracle: Json) -> None:
    marks = traced(one_market(price, oracle=oracle))["mark"]
    np.testing.assert_allclose(marks, naive_oracle(price, oracle), rtol=1e-12)


def test_outage_and_spoof_hold_from_their_start_until_their_end() -> None:
    price = [100.0, 101.0, 102.0, 103.0, 104.0, 105.0]
    frozen = traced(one_market(price, oracle={"frozen": [[2, 4]]}))["mark"]
    np.testing.assert_allclose(frozen, [100, 101, 101, 101, 104, 105], rtol=1e-12)
    spoofed = traced(one_market(price, oracle={"spoof": [[2, 4, 0.5], [3, 5, 0.1]]}))["mark"]
    np.testing.assert_allclose(spoofed, [100, 101, 51, 5.15, 10.4, 105], rtol=1e-12)
    both = traced(one_market(price, oracle={"frozen": [[2, 5]], "spoof": [[3, 4, 2.0]]}))["mark"]
    np.testing.assert_allclose(both, [100, 101, 101, 202, 101, 105], rtol=1e-12)


def test_windows_are_of_one_market() -> None:
    case = one_market([100.0, 90.0, 80.0], oracle={"frozen": [[1, 3]]})
    case["markets"].insert(0, {"name": "N", "price": [10.0, 9.0, 8.0], "depth": None, "tiers": [[0, 0.01]]})
    case["accounts"][0]["positions"]["N"] = [1e-6, 10.0]
    np.testing.assert_allclose(traced(case)["mark"], [10, 9, 8], rtol=1e-12)


@pytest.mark.parametrize("mark", [{"type": "median3", "half_life": 2.0}, {"type": "blend", "w_index": 0.3}])
@settings(max_examples=30)
@given(PATHS, st.sampled_from([0, 1, 2]))
def test_marks_follow_a_book_that_forced_sales_have_moved(mark: Json, price: list[float], lag: int) -> None:
    """One account is sold out at the first check into a book that does not recover; the basis sees it a check later."""
    price = [100.0, 40.0, *price]
    oracle = {"lag": lag}
    case = one_market(price, oracle=oracle, mark=mark, depth=10.0, half_life=None)
    case["accounts"].append({"name": "b", "pool": "A", "cash": 5.0, "positions": {"M": [20.0, 100.0]}})
    found = traced(case)
    sold = np.abs(found["displacement"]) > 0.0
    assert sold[-1]
    before = np.where(sold & ~np.r_[True, sold[:-1]], price, found["price"])
    basis, expected = 0.0, [100.0]
    for step, index in enumerate(naive_oracle(price, oracle)[1:], 1):
        basis += (1.0 - 2.0 ** (-1.0 / 2.0)) * (before[step] - index - basis)
        book = found["price"][step]
        middle = sorted((index + basis, book, price[step]))[1]
        expected.append(middle if mark["type"] == "median3" else 0.3 * index + 0.7 * book)
    np.testing.assert_allclose(found["mark"], expected, rtol=1e-12)


def test_every_mark_rule_says_what_it_is() -> None:
    assert [rule.name for rule in MARKS] == ["index", "book", "blend", "median3"]
    assert all(rule.sentence.endswith(".") and rule.source for rule in MARKS)
