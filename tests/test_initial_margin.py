"""Initial margin that rises with open interest: the rule's own figures, books drawn under it, accounts above it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stress.book import Positions, Terms, load_books, stack_tiers, summary, terms_of
from stress.book.initial import NO_INITIAL_MARGIN, InitialMargin, initial_rate
from stress.book.synthetic import draw
from stress.errors import InvalidInput
from stress.scenario import load_scenario
from tests.books import synthetic, write

SMALL_CAP = InitialMargin(0.10, 20e6, 50e6)
MID_CAP = InitialMargin(0.05, 40e6, 100e6)
SCENARIO = """\
format: 1
name: initial
run: {paths: 1, horizon: 1h, step: 1h, seed: 1}
markets:
  ALT:
    price: 10
    model: {type: gbm, volatility: 80%}
    liquidity: {type: power, depth: unlimited}
    margin:
      tiers: [{from: 0, maintenance: 5%}]
      initial: {rate: 10%, open_interest: {lower: 20M, upper: 50M}}
pools:
  tables: {book: {accounts: positions.csv, balances: balances.csv}}
  drawn: {book: {synthetic: {accounts: 200, open_interest: {ALT: 25M}, leverage: {median: 8, max: 50}}}}
"""
POSITIONS = "account,market,quantity,entry_price\nrich,ALT,1000000,10\npoor,ALT,-1000000,10\n"
BALANCES = "account,asset,amount\nrich,USD,9000000\npoor,USD,5000000\n"


@pytest.mark.parametrize(
    ("rules", "interest", "rate"),
    [
        (SMALL_CAP, 0.0, 0.10),
        (SMALL_CAP, 20e6, 0.10),
        (SMALL_CAP, 35e6, 0.55),
        (SMALL_CAP, 50e6, 1.0),
        (SMALL_CAP, 5e9, 1.0),
        (MID_CAP, 70e6, 0.525),
        (InitialMargin(0.02, np.inf, np.inf), 1e12, 0.02),
        (NO_INITIAL_MARGIN, 1e12, 0.0),
    ],
)
def test_the_liquidity_tiers_of_dydx(rules: InitialMargin, interest: float, rate: float) -> None:
    """Small-Cap 10 %, 20 to 50 M; Mid-Cap 5 %, 40 to 100 M; by hand."""
    assert initial_rate(rules, interest) == pytest.approx(rate, rel=1e-15)


def terms(*initial: InitialMargin) -> Terms:
    tiers = stack_tiers([[(0.0, 0.0125)], [(0.0, 0.02)]])
    return Terms(("BTC", "ETH"), np.array([121_662.0, 4_300.0]), tiers, initial=initial)


def leverages(book: Positions, rules: Terms) -> np.ndarray:
    return book.per_account(book.notional(rules.prices)) / book.equity(rules.prices)


def test_drawn_accounts_have_their_initial_margin() -> None:
    """Nobody's leverage is over 1 / rate in one market; sizes and sides are those of the book without the rule."""
    free, bound = terms(), terms(InitialMargin(0.1, 1e9, 2e9), NO_INITIAL_MARGIN)
    spec = synthetic(markets_per_account={1: 1.0}, isolated_share=1.0)
    before, after = draw(spec, free), draw(spec, bound)
    np.testing.assert_array_equal(before.quantity, after.quantity)
    in_btc = (after.market[after.first[:-1]] == 0) & (after.kind != "market_maker")
    rate = 0.1 + 0.5 * 0.9
    assert leverages(before, free)[in_btc].max() > 10.0
    assert leverages(after, bound)[in_btc].max() == pytest.approx(1.0 / rate, rel=1e-9)
    np.testing.assert_array_equal(
        leverages(before, free)[~in_btc & (after.kind == "trader")],
        leverages(after, bound)[~in_btc & (after.kind == "trader")],
    )
    assert not after.cannot_open(bound, bound.initial_rates(np.array([1.5e9, 1e9]))).any()


def test_open_interest_is_that_of_all_pools(tmp_path: Path) -> None:
    """25 M drawn and 10 M in tables make 35 M and a rate of 55 %: the short with 5 M on 10 M has too little."""
    write(tmp_path, "positions.csv", POSITIONS)
    write(tmp_path, "balances.csv", BALANCES)
    loaded = load_scenario(write(tmp_path, "scenario.yaml", SCENARIO))
    positions, notes = load_books(loaded.scenario, loaded.locate)
    found = summary(positions, terms_of(loaded.scenario.markets))
    assert found["initial_margin"] == {"ALT": pytest.approx(0.55, rel=1e-9)}
    assert found["under_initial_at_start"] == {"accounts": 1, "notional": 10e6}
    assert [note for note in notes if "initial margin" in note] == [
        "1 account with less than the initial margin: they may hold, but not add"
    ]
    assert found["in_breach_at_start"]["accounts"] == 0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("rate: 10%", "rate: 4%", "must not be less than the first tier's maintenance 0.05"),
        ("upper: 50M", "upper: 20M", "must be more than lower"),
    ],
)
def test_contradictions_are_told(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        load_scenario(write(tmp_path, "scenario.yaml", SCENARIO.replace(old, new)))
