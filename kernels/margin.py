"""Equity, maintenance margin and dust of margin accounts."""

from __future__ import annotations

from .jit import kernel
from .state import Accounts, MarketState
from .structs import Book, Markets

DUST = 1e-9
"""Relative to gross notional + 1: what rounding may leave behind and no rule may act on."""


@kernel
def tiered_maintenance(markets: Markets, m: int, notional: float) -> float:
    """Maintenance of one position before the dynamic factor: max over tiers of rate * notional - deduction."""
    requirement = 0.0
    for t in range(markets.tier_first[m], markets.tier_first[m + 1]):
        requirement = max(requirement, markets.tier_rate[t] * notional - markets.tier_deduction[t])
    return requirement


@kernel
def position_maintenance(markets: Markets, now: MarketState, m: int, quantity: float) -> float:
    """Maintenance of ``quantity`` base units of market m at the mark, dynamic factor included."""
    if quantity == 0.0:
        return 0.0
    return now.factor[m] * tiered_maintenance(markets, m, abs(quantity) * now.mark[m])


@kernel
def equity(book: Book, accounts: Accounts, now: MarketState, i: int) -> float:
    """Equity of account i at the mark."""
    value = accounts.cash[i]
    for j in range(book.first[i], book.first[i + 1]):
        value += accounts.quantity[j] * now.worth[book.market[j]]
    return value


@kernel
def maintenance(book: Book, markets: Markets, accounts: Accounts, now: MarketState, i: int) -> float:
    """Maintenance margin of account i at the mark."""
    total = 0.0
    for j in range(book.first[i], book.first[i + 1]):
        total += position_maintenance(markets, now, book.market[j], accounts.quantity[j])
    return total


@kernel
def gross(book: Book, accounts: Accounts, now: MarketState, i: int) -> float:
    """Gross notional of account i at the mark."""
    total = 0.0
    for j in range(book.first[i], book.first[i + 1]):
        total += abs(accounts.quantity[j]) * now.mark[book.market[j]]
    return total


@kernel
def dust(gross_notional: float) -> float:
    """Smallest amount of money a rule acts on."""
    return DUST * (gross_notional + 1.0)


@kernel
def is_insolvent(book: Book, accounts: Accounts, now: MarketState, i: int) -> bool:
    """Whether account i owes more than dust."""
    value = equity(book, accounts, now, i)
    return value < 0.0 and value < -dust(gross(book, accounts, now, i))


@kernel
def is_flat(book: Book, accounts: Accounts, i: int) -> bool:
    """Whether account i holds no position."""
    for j in range(book.first[i], book.first[i + 1]):
        if accounts.quantity[j] != 0.0:
            return False
    return True


@kernel
def bankruptcy_price(mark: float, quantity: float, account_equity: float, share: float) -> float:
    """Price at which closing ``quantity`` uses up ``share`` of the account's equity.

    The share is that of the position's maintenance in the account's, as dYdX v4
    allots equity to positions (x/clob deleveraging).
    """
    return mark - account_equity * share / quantity
