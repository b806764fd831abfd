"""Collateral on random venues: cash under another name, held and sold by layers, and what its results add up to."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stress.kernels.instruments import SPOT
from stress.kernels.records import Records
from stress.kernels.state import State
from stress.kernels.structs import Venue
from tests.conformance import play
from tests.conformance.case import Json, paths_of, venue_of
from tests.conformance.play import end_state
from tests.following import DUST, end_of, layer_column, per_pool, pool_column, scale_of
from tests.test_laws_ledger import cash, units
from tests.test_laws_symmetry import assert_same
from tests.venues import FUND, LAYERS, TWAP, VAULT, cases

EXAMPLES = settings(max_examples=100)
POSTED = st.lists(st.sampled_from([0.0, 0.05, 0.3]), min_size=1, max_size=2)
SELLERS = st.lists(
    st.one_of(FUND, VAULT).flatmap(lambda layer: TWAP.map(lambda unwind: {**layer, "unwind": unwind})),
    min_size=1,
    max_size=2,
)


def in_cash(case: Json) -> Json:
    """The case with the worth of all collateral at the first price in the wallets instead."""
    case = copy.deepcopy(case)
    price = {asset["name"]: asset["price"][0] for asset in case["collateral"]}
    for account in case["accounts"]:
        account["cash"] += sum(held * price[name] for name, held in account["collateral"].items())
        account["collateral"] = {}
    return case


def without(result: Json, *words: str) -> Json:
    """The result without how equity is divided between cash and collateral."""
    return {
        part: {
            name: {key: value for key, value in entry.items() if part == "markets" or key not in words}
            for name, entry in entries.items()
        }
        if isinstance(entries, dict)
        else entries
        for part, entries in result.items()
    }


@EXAMPLES
@given(cases(haircuts=st.just([0.0, 0.0])))
def test_what_has_a_fixed_price_and_no_haircut_is_money(case: Json) -> None:
    for asset in case["collateral"]:
        asset["price"] = [asset["price"][0]] * len(asset["price"])
    found, expected = (without(play(each), "a", "b") for each in (case, in_cash(case)))
    assert_same(found, expected, 1e-9 * scale_of(case))


@EXAMPLES
@given(cases(haircuts=POSTED, layers=LAYERS))
def test_collateral_taken_over_is_held_or_lost(case: Json) -> None:
    venue, state = end_of(case)
    held = per_pool(venue, layer_column(state, "collateral_end") + layer_column(state, "collateral_loss"))
    taken = pool_column(state, "taken_over_collateral")
    np.testing.assert_allclose(held, taken, rtol=0.0, atol=DUST * scale_of(case))


def with_books(case: Json, depth: float) -> tuple[Venue, State, State]:
    """The venue with books for its collateral, at index 0 and at the end."""
    venue = venue_of(case)
    each: Records = venue.markets.each
    assets = each["kind"] == SPOT
    each["has_book"] = 1
    each["depth"] = np.where(assets, depth / np.exp(paths_of(case)[0][0]), each["depth"])
    start = venue._replace(clock=venue.clock._replace(checks=0))
    return venue, end_state(start, *paths_of(case)), end_state(venue, *paths_of(case))


@EXAMPLES
@given(cases(haircuts=POSTED, layers=SELLERS), st.sampled_from([50.0, 5_000.0, np.inf]))
def test_what_layers_sell_goes_to_outside_traders(case: Json, depth: float) -> None:
    """Cash and collateral are conserved; a sale into a book that gives way brings less than the mark."""
    venue, start, end = with_books(case, depth)
    scale = scale_of(case)
    np.testing.assert_allclose(cash(venue, end), cash(venue, start), rtol=0.0, atol=DUST * scale)
    money = (units(venue, end) - units(venue, start)) * end.market["mark"]
    np.testing.assert_allclose(money, 0.0, rtol=0.0, atol=DUST * scale)
    assets = venue.markets.each["kind"] == SPOT
    assert (end.ledger.outside_quantity[:, assets] >= 0.0).all()
    assert (end.layers.quantity[:, assets] >= 0.0).all()
    assert (end.market["displacement"][assets] <= 0.0).all()


@EXAMPLES
@given(cases(haircuts=POSTED, layers=SELLERS))
def test_a_deep_book_takes_collateral_at_its_price(case: Json) -> None:
    """With a price that stands still, selling at no impact loses nothing."""
    for asset in case["collateral"]:
        asset["price"] = [asset["price"][0]] * len(asset["price"])
    _, _, end = with_books(case, np.inf)
    assume(pool_column(end, "taken_over_collateral").any())
    np.testing.assert_allclose(layer_column(end, "collateral_loss"), 0.0, atol=DUST * scale_of(case))


def case_of(price: list[float], account: Json, layers: list[Json], **pool: Any) -> Json:
    """One long account with USDX, the other side, and a contract of ten units that nobody else moves."""
    market = {"name": "X", "price": [100.0, 97.0, 97.0, 97.0], "depth": 1e-9, "tiers": [[0, 0.01]]}
    other = {"name": "s", "pool": "A", "cash": 900.0, "positions": {"X": [-10.0, 100.0]}}
    long = {"name": "l", "pool": "A", "positions": {"X": [10.0, 100.0]}, **account}
    return {
        "dt": 1.0,
        "markets": [market],
        "collateral": [{"name": "USDX", "price": price, "haircut": 0.0}],
        "accounts": [long, other],
        "pools": [{"name": "A", "limit": {"type": "slippage", "cap": 0.0}, "layers": layers, **pool}],
    }


@pytest.mark.interpreted
def test_a_fund_sells_what_it_took_into_the_book_of_the_asset() -> None:
    """60 USDX taken over at 0.4 and half of it sold at once and half of the rest in the next check.

    The book is flat with a depth of 50 USDX for 1 %: 30 units move it by 0.6 %, from 0.4 to an average of
    0.4 exp(-0.003); the next 15 from there, without recovery, at 0.4 exp(-0.0075).
    """
    fund = {"type": "insurance_fund", "name": "F", "cash": 50.0, "unwind": {"type": "twap", "half_life": 1.0}}
    case = case_of([1.0, 1.0, 0.4, 0.4], {"cash": 0.0, "collateral": {"USDX": 60.0}}, [fund])
    venue, _, state = with_books(case, 50.0)
    assert state.layers.quantity[0, 1] == pytest.approx(15.0)
    sold = 30.0 * 0.4 * np.exp(-0.003) + 15.0 * 0.4 * np.exp(-0.0075)
    assert layer_column(state, "collateral_end")[0] == pytest.approx(15.0 * 0.4)
    assert layer_column(state, "collateral_loss")[0] == pytest.approx(24.0 - sold - 6.0)
    assert state.ledger.outside_quantity[0, 1] == pytest.approx(45.0)
    assert venue.caps.size == 0


@pytest.mark.interpreted
@pytest.mark.parametrize(("seized", "layers"), [(24.0, []), (24.0, [{"type": "socialise", "rule": "equity"}])])
def test_what_is_seized_is_told(seized: float, layers: list[Json]) -> None:
    case = case_of([1.0, 1.0, 0.4, 1.0], {"cash": 0.0, "collateral": {"USDX": 60.0}}, layers, limit={"type": "none"})
    case["markets"][0]["depth"] = None
    venue, state = end_of(case)
    assert pool_column(state, "collateral_seized").tolist() == [seized]
    assert pool_column(state, "bad_debt").tolist() == pytest.approx([6.0])
    assert state.ledger.outside_quantity[0, 1] == 60.0
    assert venue.pools.size == 1


@pytest.mark.interpreted
def test_a_cap_on_an_asset_holds_the_fund_to_it() -> None:
    """A fund that wants 6 of USDX at most takes a quarter of an account that brings 24."""
    fund = {"type": "insurance_fund", "name": "F", "cash": 50.0, "cap": {"X": 1e9}}
    case = case_of([1.0, 1.0, 0.4, 0.4], {"cash": 0.0, "collateral": {"USDX": 60.0}}, [fund])
    venue = venue_of(case)
    venue.caps["market"], venue.caps["most"] = 1, 6.0
    state = end_state(venue, *paths_of(case))
    assert state.layers.quantity[0].tolist() == pytest.approx([2.5, 15.0])
