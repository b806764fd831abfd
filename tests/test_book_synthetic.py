"""The synthetic book: what it promises about sizes, sides, leverage, hedges and netting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import kstest

from stress.book import Positions, Terms, stack_tiers
from stress.book.positions import HEDGE, MARKET_MAKER, TRADER
from stress.book.synthetic import GAIN_CAP, SOLVENCY, draw, faults
from stress.kernels.structs import Floats
from tests.books import TERMS, same, synthetic

ONE = {"open_interest": {"BTC": 1.5e9}, "markets_per_account": {1: 1.0}, "hedged_share": 0.0}
"""A book in which an account is one position of a trader, or a market maker's."""


def signed(book: Positions) -> Floats:
    return np.asarray(book.quantity * TERMS.prices[book.market])


def of_kind(book: Positions, *kinds: str) -> NDArray[np.bool_]:
    """Whether each position is held by an account of these kinds."""
    return np.asarray(np.isin(book.kind, kinds)[book.holder])


def test_same_seed_same_book_other_seed_other_book() -> None:
    assert same(draw(synthetic(), TERMS), draw(synthetic(), TERMS))
    assert not same(draw(synthetic(), TERMS), draw(synthetic(seed=8), TERMS))


def test_leverage_leaves_sizes_and_sides_alone() -> None:
    one = draw(synthetic(), TERMS)
    other = draw(synthetic(leverage={"median": 3, "sigma": 0.2, "min": 1, "max": 10}), TERMS)
    np.testing.assert_array_equal(one.quantity, other.quantity)


@settings(max_examples=40)
@given(
    accounts=st.integers(4, 300),
    seed=st.integers(0, 2**63 - 1),
    pareto=st.floats(0.3, 5.0),
    long_share=st.floats(0.0, 1.0),
    isolated_share=st.floats(0.0, 1.0),
    hedged_share=st.floats(0.0, 1.0),
    entry_spread=st.floats(0.0, 0.9),
    makers=st.integers(1, 5),
)
def test_every_book_nets_and_starts_sound(makers: int, **values: float) -> None:
    spec = synthetic(market_makers={"count": makers, "leverage": 3}, **values)
    book = draw(spec, TERMS)
    notional = signed(book)
    for market, interest in ((0, 1.5e9), (1, 1e9)):
        held = notional[book.market == market]
        assert held[held > 0].sum() == pytest.approx(interest, rel=1e-9)
        assert abs(held.sum()) <= 1e-9 * interest
    assert not (book.market == 2).any()
    assert (book.entry > 0).all()
    assert (book.wallet > 0).all()
    assert (np.diff(book.first) > 0).all()
    assert not book.breaches(TERMS).any()
    required = book.maintenance(TERMS.prices, TERMS.tiers)
    assert (book.equity(TERMS.prices) >= (1 - 1e-9) * SOLVENCY * required).all()


def test_sizes_follow_the_pareto_exponent() -> None:
    """Hill (1975) over the largest 2,000 of 40,000 traders; its standard error is 1.2 / sqrt(2000) = 0.027."""
    book = draw(synthetic(accounts=40_000, **ONE), TERMS)
    size = np.sort(np.abs(signed(book))[of_kind(book, TRADER)])[::-1]
    assert 1.0 / np.log(size[:2_000] / size[2_000]).mean() == pytest.approx(1.2, abs=0.1)


def test_leverage_is_log_normal_where_neither_range_nor_margin_binds() -> None:
    law = {"median": 6, "sigma": 0.5, "min": 0.1, "max": 1_000}
    free = Terms(TERMS.names, TERMS.prices, stack_tiers([[(0.0, 0.0)]] * 3))
    book = draw(synthetic(accounts=20_000, leverage=law, **ONE), free)
    traders = book.kind == TRADER
    leverage = (book.per_account(book.notional(free.prices)) / book.equity(free.prices))[traders]
    assert kstest(np.log(leverage / 6) / 0.5, "norm").pvalue > 1e-3
    assert np.median(leverage) == pytest.approx(6, rel=0.03)


def test_leverage_keeps_to_its_range_and_makers_to_theirs() -> None:
    book = draw(synthetic(), TERMS)
    leverage = book.per_account(book.notional(TERMS.prices)) / book.equity(TERMS.prices)
    traders = book.kind != MARKET_MAKER
    assert leverage[traders].max() <= 40 * (1 + 1e-9)
    np.testing.assert_allclose(leverage[~traders], 3.0)


def test_long_share_holds_by_number_and_nearly_by_notional() -> None:
    book = draw(synthetic(accounts=20_000, **ONE), TERMS)
    held = signed(book)[of_kind(book, TRADER)]
    assert (held > 0).mean() == pytest.approx(0.6, abs=1e-3)
    assert held[held > 0].sum() / np.abs(held).sum() == pytest.approx(0.6, abs=0.08)


def test_isolated_share_holds_by_number_and_makers_are_cross() -> None:
    book = draw(synthetic(accounts=5_000, **ONE), TERMS)
    assert book.isolated.sum() == 1_500
    assert not book.isolated[book.kind == MARKET_MAKER].any()


def test_isolated_positions_are_accounts_of_their_own() -> None:
    book = draw(synthetic(), TERMS)
    for i in np.flatnonzero(book.isolated)[:50].tolist():
        market = TERMS.names[book.market[book.first[i]]]
        assert book.first[i + 1] - book.first[i] == 1
        assert book.account_names[i].endswith(f":{market}")
    assert len(set(book.account_names)) == book.accounts


def test_markets_per_account() -> None:
    book = draw(synthetic(accounts=10_000, hedged_share=0.0, isolated_share=0.0), TERMS)
    held = np.diff(book.first)[book.kind == TRADER]
    assert (held == 2).mean() == pytest.approx(0.3, abs=0.02)
    assert set(held.tolist()) == {1, 2}


def test_hedges_mirror_an_account_of_the_same_owner() -> None:
    book = draw(synthetic(isolated_share=0.0), TERMS)
    hedges = np.flatnonzero(book.kind == HEDGE)
    assert len(hedges) == 50  # 5 % of 2,000 accounts are in a pair
    for hedge in hedges.tolist():
        (partner,) = set(np.flatnonzero(book.owner == book.owner[hedge]).tolist()) - {hedge}
        mine, theirs = (slice(book.first[i], book.first[i + 1]) for i in (hedge, partner))
        np.testing.assert_array_equal(book.market[mine], book.market[theirs])
        np.testing.assert_array_equal(book.quantity[mine], -book.quantity[theirs])


def test_entries_spread_around_the_price_and_gains_leave_a_wallet() -> None:
    law = {"median": 2, "sigma": 0.0, "min": 1, "max": 3}
    book = draw(synthetic(accounts=20_000, leverage=law, **ONE), TERMS)
    deviate = np.log(book.entry / TERMS.prices[book.market]) / 0.05
    assert kstest(deviate, "norm").pvalue > 1e-3
    wide = draw(synthetic(entry_spread=0.5), TERMS)
    equity = wide.equity(TERMS.prices)
    assert (equity - wide.wallet).max() <= GAIN_CAP * equity.max()
    assert (wide.wallet >= (1 - GAIN_CAP - 1e-9) * equity).all()


def test_market_makers_hold_the_rest_and_are_named_so() -> None:
    book = draw(synthetic(), TERMS)
    makers = [name for name, kind in zip(book.account_names, book.kind, strict=True) if kind == MARKET_MAKER]
    assert makers == [f"mm-{k:03d}" for k in range(1, 21)]
    held = np.bincount(book.market, weights=signed(book) * of_kind(book, MARKET_MAKER), minlength=3)
    assert held[0] < 0
    assert held[1] < 0  # traders are 60 % long


def test_every_market_has_a_trader() -> None:
    spec = synthetic(accounts=3, hedged_share=0.0, open_interest={"BTC": 1e9, "ETH": 1.0, "SOL": 1e-2})
    book = draw(spec, TERMS)
    assert set(book.market[of_kind(book, TRADER)].tolist()) == {0, 1, 2}


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({"accounts": 1}, ("accounts",)),
        ({"accounts": 2, "hedged_share": 1.0}, ("accounts",)),
        ({"open_interest": {"BTC": 0.0, "ETH": 0.0}}, ("open_interest",)),
        ({"open_interest": {"BTC": 1.0, "ETH": 1e-30}}, ("open_interest", "ETH")),
    ],
)
def test_impossible_specifications_are_refused(changes: dict[str, object], keys: tuple[str, ...]) -> None:
    assert [found for found, _ in faults(synthetic(**changes), TERMS)] == [keys]


def test_names_of_a_pool_carry_its_prefix() -> None:
    book = draw(synthetic(), TERMS, pool=3, prefix="west-")
    assert all(name.startswith("west-") for name in (*book.account_names, *book.owner_names))
    assert set(book.pool.tolist()) == {3}


def test_book_of_the_reference_seed() -> None:
    """A seed draws the same book in every release: figures of the first accounts."""
    book = draw(synthetic(), TERMS)
    np.testing.assert_allclose(
        book.quantity[:3], [-3.0433805195918846, -38.5785028860946, 310.0412014206995], rtol=1e-9
    )
    np.testing.assert_allclose(book.entry[:3], [110270.03506767744, 4178.61903307462, 4313.539850306055], rtol=1e-12)
    np.testing.assert_allclose(book.wallet[:2], [324411.4000264203, 124097.0358744356], rtol=1e-12)
