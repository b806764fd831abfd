"""Laws of the ledger on random venues in rough weather, looked at after every step."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stress.kernels.instruments import SPOT
from stress.kernels.layers import ADL as ADL_KIND
from stress.kernels.layers import INSURANCE_FUND
from stress.kernels.layers import SOCIALISE as SOCIALISE_KIND
from stress.kernels.results import POOL_COLUMNS
from stress.kernels.state import ADL_CLOSED, DELEVERAGED, LIQUIDATED, REDUCED, TAKEN_OVER, State
from stress.kernels.structs import Floats, Venue
from tests.conformance.case import Json
from tests.following import (
    DUST,
    equities,
    follow,
    grosses,
    hedges,
    in_breach,
    layer_column,
    per_pool,
    pool_column,
    quantities,
    scale_of,
)
from tests.venues import ADL, LIQUIDATION, NEUTRAL_BOOKS, SOCIALISE, cases, sample

EXAMPLES = settings(max_examples=150)

NO_MARGIN = NEUTRAL_BOOKS.map(lambda book: {**book, "tiers": [[0, 0.0]]})
ADL_FIRST = st.tuples(ADL, SOCIALISE).map(list)
AT_BANKRUPTCY = LIQUIDATION.map(lambda rules: {**rules, "limit": {"type": "bankruptcy"}})
"""With these, winners have little equity and meet many insolvent accounts that no auction has closed."""


def cash(venue: Venue, state: State) -> Floats:
    """[p] cash of accounts, layers, outside traders and liquidators, before what is written off or added."""
    pools = venue.pools.size
    total = np.bincount(venue.book.accounts["pool"], weights=state.accounts.each["cash"], minlength=pools)
    total += per_pool(venue, state.layers.each["cash"])
    total += state.ledger.each["outside_cash"] + state.ledger.each["liquidators"]
    return np.array(total - pool_column(state, "residual") - pool_column(state, "topped_up"))


def units(venue: Venue, state: State) -> Floats:
    """[p, m] contracts, and units of collateral, of accounts, layers and outside traders."""
    total = np.array(state.ledger.outside_quantity)
    pool = venue.book.accounts["pool"][venue.book.positions["holder"]]
    np.add.at(total, (pool, venue.book.positions["market"]), quantities(state))
    np.add.at(total, venue.layers["pool"], state.layers.quantity + hedges(state))
    return total


@EXAMPLES
@given(cases())
def test_cash_contracts_and_collateral_are_conserved(case: Json) -> None:
    """Contracts sum to nothing; of collateral nobody outside has any at first."""
    venue, states = follow(case)
    # Forced orders can drive a thin book to tens of times the fundamental price: what was traded at it counts too.
    scale = scale_of(case) + float(np.abs(states[-1].ledger.each["outside_cash"]).sum())
    start, assets = cash(venue, states[0]), venue.markets.each["kind"] == SPOT
    posted = units(venue, states[0])
    assert not states[0].ledger.outside_quantity[:, assets].any()
    assert (np.abs(posted[:, ~assets] * states[0].market["mark"][~assets]) <= DUST * scale).all()
    for state in states:
        np.testing.assert_allclose(cash(venue, state), start, rtol=0.0, atol=DUST * scale)
        money = (units(venue, state) - posted) * state.market["mark"]
        np.testing.assert_allclose(money, 0.0, rtol=0.0, atol=DUST * scale)


@EXAMPLES
@given(cases())
def test_bad_debt_is_borne_by_somebody(case: Json) -> None:
    """Negative equity transferred is paid by funds and vaults, in ADL, by those who share it, or by nobody."""
    venue, states = follow(case)
    tolerance = DUST * scale_of(case)
    for state in states:
        paid = layer_column(state, "paid")
        borne = per_pool(venue, paid) + pool_column(state, "residual")
        np.testing.assert_allclose(pool_column(state, "bad_debt"), borne, rtol=0.0, atol=tolerance)
        for kind, name in ((ADL_KIND, "adl_paid"), (SOCIALISE_KIND, "socialised")):
            by_kind = per_pool(venue, np.where(venue.layers["kind"] == kind, paid, 0.0))
            np.testing.assert_allclose(pool_column(state, name), by_kind, rtol=0.0, atol=tolerance)
        fees = per_pool(venue, layer_column(state, "fees"))
        np.testing.assert_allclose(pool_column(state, "fees_fund"), fees, rtol=0.0, atol=tolerance)


@EXAMPLES
@given(cases())
def test_totals_of_a_path_never_fall(case: Json) -> None:
    _, states = follow(case)
    names = ("bad_debt", "adl_notional", "socialised", "residual", "fees", "liquidated_notional", "rounds")
    names += ("topped_up", "reduced_notional")
    for before, after in pairwise(states):
        for name in names:
            assert (pool_column(after, name) >= pool_column(before, name)).all(), name


@EXAMPLES
@given(st.one_of(cases(books=NEUTRAL_BOOKS), cases(books=NO_MARGIN, layers=ADL_FIRST, liquidation=AT_BANKRUPTCY)))
def test_adl_and_shared_losses_make_nobody_insolvent(case: Json) -> None:
    """With marks that stand still in a step, who neither traded in an auction nor was taken over stays solvent.

    So ADL has no reason to close such an account either.
    """
    venue, states = follow(case)
    for before, after in pairwise(states):
        marks = np.array(after.market["mark"])
        slack = DUST * (grosses(venue, before, marks) + scale_of(case))
        events = after.accounts.each["events"]
        safe = (equities(venue, before, marks) >= slack) & (events & (LIQUIDATED | REDUCED | TAKEN_OVER) == 0)
        newly_closed = (events & ~before.accounts.each["events"] & ADL_CLOSED) != 0
        assert not newly_closed[safe].any()
        assert (equities(venue, after, marks) >= -slack)[safe].all()


@EXAMPLES
@given(cases(books=NEUTRAL_BOOKS))
def test_who_is_in_breach_after_the_rounds_is_known(case: Json) -> None:
    """The trigger search passes over blocks; a full scan of the state that the rounds leave finds the same accounts."""
    venue, states = follow(case)
    truncated = np.zeros(venue.pools.size)
    for state in states[1:]:
        seen = state.accounts.each["since"] >= 0
        if (pool_column(state, "truncated_steps") == truncated).all():
            np.testing.assert_array_equal(seen, in_breach(venue, state))
        truncated = pool_column(state, "truncated_steps")


@EXAMPLES
@given(cases(books=NEUTRAL_BOOKS))
def test_a_fund_that_shares_never_pays_itself_under_its_floor(case: Json) -> None:
    """Prices of what it holds may bring it under its floor; what it takes over costs it no more than it has."""
    for pool in case["pools"]:
        for layer in pool["layers"]:
            layer.pop("unwind", None)
            layer.pop("hedge", None)
    venue, states = follow(case)
    for before, after in pairwise(states):
        marks = np.array(after.market["mark"])
        for k, layer in enumerate(venue.layers):
            if layer.kind != INSURANCE_FUND or layer.unlimited or not layer.partial:
                continue
            opened = before.layers.each["cash"][k] + before.layers.quantity[k] @ marks
            closed = after.layers.each["cash"][k] + after.layers.quantity[k] @ marks
            assert closed >= min(opened, layer.floor) - DUST * scale_of(case)


@EXAMPLES
@given(cases())
def test_written_off_accounts_are_flat_and_even(case: Json) -> None:
    """No account ends flat and in debt: what no layer takes is written off at once, and collateral goes before."""
    venue, states = follow(case)
    for state in states[1:]:
        flat = grosses(venue, state) == 0.0
        assert (equities(venue, state)[flat] >= -DUST * scale_of(case)).all()


def test_the_weather_is_rough_enough() -> None:
    """The laws are about something: every outcome of the model happens in many of the cases."""
    happened = dict.fromkeys(POOL_COLUMNS, 0)
    events = 0
    for case in sample(200):
        _, states = follow(case)
        events |= int(np.bitwise_or.reduce(states[-1].accounts.each["events"]))
        for name in happened:
            happened[name] += bool(np.nansum(np.abs(pool_column(states[-1], name))) > 0.0)
    common = ("liquidated_notional", "taken_over_notional", "bad_debt", "required_fund", "first_decline_s")
    assert min(happened[name] for name in common) >= 50
    assert min(happened[name] for name in ("adl_paid", "residual", "residual_open", "truncated_steps")) >= 15
    assert min(happened[name] for name in ("socialised", "fees", "fees_fund")) >= 10
    assert min(happened[name] for name in ("topped_up", "reduced_notional")) >= 10
    assert events & DELEVERAGED
