"""Laws of pools of liquidity, guaranteed fills and orders at a pace, on random venues in rough weather."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stress.kernels.state import DELEVERAGED
from tests import naive
from tests.conformance import play
from tests.conformance.case import Json
from tests.following import DUST, equities, follow, layer_column, pool_column, scale_of
from tests.naive.compare import on_a_knife_edge
from tests.test_laws_ledger import cash, units
from tests.test_laws_symmetry import assert_same
from tests.venues import ADL, BALANCE, BOOKS, LIQUIDATION, NEUTRAL_BOOKS, SOCIALISE, cases

EXAMPLES = settings(max_examples=30, derandomize=True, database=None, deadline=None)

CAPS = st.fixed_dictionaries(
    {
        "above": st.sampled_from([0.1, 0.5, 0.85]),
        "to": st.sampled_from([0.0, 0.05, 0.09]),
        "payout": st.sampled_from([None, 0.05, 0.6, 0.9]),
        "rank": st.sampled_from(["profit", "bitmex", "pro_rata_profit", "pro_rata_contracts", "random"]),
    }
)
POOL = st.fixed_dictionaries(
    {
        "type": st.just("liquidity_pool"),
        "cash": st.sampled_from([0.05, 0.3, 2.0]),
        "floor": st.sampled_from([0.0, 0.02]),
        "backing": st.booleans(),
    },
    optional={"profit_cap": CAPS},
)
"""``backing`` says whether half of the cash is in the assets of the markets."""
GUARANTOR = st.fixed_dictionaries(
    {"type": st.just("insurance_fund"), "guarantees_fills": st.just(True), **BALANCE},
)
WHEN = st.builds(lambda layer, when: {**layer, "when": when}, ADL, st.sampled_from([None, "unfilled"]))
LAYERS = st.one_of(
    st.tuples(POOL).map(list),
    st.tuples(POOL, SOCIALISE).map(list),
    st.tuples(GUARANTOR, WHEN).map(list),
    st.tuples(GUARANTOR, POOL, WHEN).map(list),
)
PACED = st.fixed_dictionaries(
    {
        "type": st.just("paced"),
        "share": st.sampled_from([0.1, 0.6, 1.0]),
        "least": st.sampled_from([0.0, 500.0]),
        "most": st.sampled_from([None, 2_000.0]),
        "every": st.sampled_from([0.5, 1.0, 3.0]),
    }
)
RULES = st.builds(
    lambda rules, size: {**rules, "size": size or rules["size"]}, LIQUIDATION, st.one_of(st.none(), PACED)
)


def backed(case: Json) -> Json:
    """The case with half of the capital of the pools that are backed in equal parts in the assets of all markets."""
    for pool in case["pools"]:
        for layer in pool["layers"]:
            if layer.pop("backing", False):
                part = 0.5 * layer["cash"] / len(case["markets"])
                layer["backing"] = {market["name"]: part / market["price"][0] for market in case["markets"]}
    return case


def venues(books: st.SearchStrategy[Any] = BOOKS) -> st.SearchStrategy[Any]:
    return cases(layers=LAYERS, liquidation=RULES, books=books).map(backed)


@EXAMPLES
@given(venues())
def test_nothing_is_lost_between_a_pool_and_its_accounts(case: Json) -> None:
    venue, states = follow(case)
    scale = scale_of(case)
    start, posted = cash(venue, states[0]), units(venue, states[0])
    for state in states:
        np.testing.assert_allclose(cash(venue, state), start, rtol=0.0, atol=DUST * scale)
        money = (units(venue, state) - posted) * state.market["mark"]
        np.testing.assert_allclose(money, 0.0, rtol=0.0, atol=DUST * scale)


@EXAMPLES
@given(venues())
def test_bad_debt_is_borne_by_somebody(case: Json) -> None:
    venue, states = follow(case)
    borne = np.bincount(venue.layers["pool"], weights=layer_column(states[-1], "paid"), minlength=venue.pools.size)
    borne += pool_column(states[-1], "residual")
    np.testing.assert_allclose(borne, pool_column(states[-1], "bad_debt"), rtol=1e-9, atol=DUST * scale_of(case))


@EXAMPLES
@given(venues(), st.randoms(use_true_random=False))
def test_the_order_of_accounts_does_not_matter(case: Json, random: Any) -> None:
    accounts = list(case["accounts"])
    random.shuffle(accounts)
    try:
        assert_same(play({**case, "accounts": accounts}), play(case), 1e-8 * scale_of(case), relative=1e-6)
    except AssertionError:
        if not on_a_knife_edge(case, naive.play):
            raise


@EXAMPLES
@given(venues(NEUTRAL_BOOKS))
def test_closing_winners_makes_nobody_insolvent(case: Json) -> None:
    """Whoever is insolvent at the end of a step was in breach: an account that a profit cap closes keeps its equity."""
    for pool in case["pools"]:
        pool["layers"] = [layer for layer in pool["layers"] if layer["type"] == "liquidity_pool"]
    venue, states = follow(case)
    for state in states[1:]:
        value = equities(venue, state)
        won = state.accounts.each["events"] & DELEVERAGED != 0
        assert (value[won & (state.accounts.each["since"] < 0)] >= -DUST * scale_of(case)).all()
