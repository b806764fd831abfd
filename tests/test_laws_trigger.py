"""The trigger search against a full scan, on random walks that nobody answers with an order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance.case import Json
from tests.following import follow, in_breach
from tests.venues import BOOKS, HAIRCUTS, collateralised, populate

STEPS = 60
RULES = {
    "size": {"type": "full"},
    "limit": {"type": "none"},
    "takeover_when": "insolvent",
    "latency": STEPS + 1,
    "capacity": None,
    "layers": [],
}
"""Orders come after the last step, so that breaches come and go by prices alone."""

QUIET = BOOKS.map(lambda book: {**book, "mark": {"type": "index"}})


@st.composite
def walks(draw: st.DrawFn, accounts: st.SearchStrategy[int]) -> Json:
    """Cases of ``STEPS`` small steps, so that most blocks are passed over at most steps."""
    books, seed = draw(st.lists(QUIET, min_size=1, max_size=2)), draw(st.integers(0, 2**32 - 1))
    case = collateralised(populate(seed, STEPS, draw(accounts), books, [RULES], 100), seed, draw(HAIRCUTS))
    calm = draw(st.sampled_from([0.02, 0.2, 1.0]))
    for market in case["markets"]:
        first = market["price"][0]
        market["price"] = [first * (price / first) ** calm for price in market["price"]]
    return case


def assert_found_as_by_full_scan(case: Json) -> None:
    """Compare the running breaches, and when each of them began, after every step."""
    venue, states = follow(case)
    since = np.full(venue.book.accounts.size, -1)
    for step, state in enumerate(states[1:], start=1):
        breach = in_breach(venue, state)
        since = np.where(breach, np.where(since < 0, step, since), -1)
        np.testing.assert_array_equal(state.accounts.each["since"], since)


@settings(max_examples=40)
@given(walks(st.integers(3, 40)))
def test_same_breaches_as_a_full_scan(case: Json) -> None:
    assert_found_as_by_full_scan(case)


def single_longs(wallets: list[float], prices: list[float]) -> Json:
    """Accounts long one unit at 100 with these wallets, over a path of one market; nobody trades."""
    book = {"depth": None, "delta": 1.0, "phi": 0.0, "half_life": None, "mark": {"type": "index"}, "tiers": [[0, 0.01]]}
    case = populate(1, len(prices) - 1, len(wallets), [book], [RULES], 100)
    case["markets"][0] |= {"price": prices}
    for account, wallet in zip(case["accounts"], wallets, strict=True):
        account |= {"cash": wallet, "positions": {"M0": [1.0, 100.0]}}
    return case


def test_an_account_is_found_at_the_very_step_and_again_after_it_has_recovered() -> None:
    prices = [100.0, 99.9, 99.8, 99.7, 95.0, 94.9, 94.8, 99.0, 99.1, 95.0, 95.01, 95.02, 90.0]
    case = single_longs([5.5, 50.0, 5.5, 50.0], prices)
    assert_found_as_by_full_scan(case)
    _, states = follow(case)
    for i in (0, 2):
        seen = [int(state.accounts.each["since"][i]) for state in states]
        assert seen == [-1, -1, -1, -1, 4, 4, 4, -1, -1, 9, 9, 9, 9]
        assert all(state.accounts.each["since"][i + 1] == -1 for state in states)


def test_only_accounts_that_a_move_can_have_hurt_are_looked_at() -> None:
    """Wallets that last for falls of 4, 9, 14, ... % where prices fall by 10 %: two are looked at, 98 never."""
    wallets = [5.0 * (n + 1) for n in range(100)]
    venue, states = follow(single_longs(wallets, [100.0, 99.0, 97.0, 100.0, 90.0, 101.0]))
    looked = states[-1].watch.each["looked"] == states[-1].watch.counts[0].stamp
    distance = (np.array(wallets) - 1.0) / 100.0
    np.testing.assert_array_equal(looked, distance < 0.11)
    assert venue.book.accounts.size == 100
    assert looked.sum() == 2


@pytest.mark.parametrize(("quantity", "rate"), [(1.0, 0.0), (-1.0, 0.0), (-1.0, 0.02)])
@pytest.mark.parametrize("excess", [-1e-6, 1e-6])
def test_an_account_is_found_a_millionth_beyond_its_edge(quantity: float, rate: float, excess: float) -> None:
    """A single position without the slack that netting gives: 20 + q (p - 100) = rate p."""
    edge = 80.0 if quantity > 0.0 else 120.0 / (1.0 + rate)
    book = {"depth": None, "delta": 1.0, "phi": 0.0, "half_life": None, "mark": {"type": "index"}, "tiers": [[0, rate]]}
    case = populate(1, 2, 2, [book], [RULES], 100)
    case["markets"][0]["price"] = [100.0, 100.0, edge * (1.0 - quantity * excess)]
    case["accounts"][0] |= {"cash": 20.0, "positions": {"M0": [quantity, 100.0]}}
    case["accounts"][1] |= {"cash": 80.0, "positions": {"M0": [quantity, 100.0]}}
    _, states = follow(case)
    assert states[-1].accounts.each["since"].tolist() == [2 if excess > 0.0 else -1, -1]
