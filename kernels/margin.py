"""Equity, maintenance margin and dust of margin accounts.

Equity counts collateral at its whole price; the haircut is taken off where
equity is held against maintenance. Gross notional, and with it dust, is that
of contracts alone.
"""

from __future__ import annotations

from .jit import kernel, part
from .records import Records
from .state import Accounts
from .structs import Book, Markets

DUST = 1e-9
"""Relative to gross notional + 1: what rounding may leave behind and no rule may act on."""


@part
def tiered_maintenance(markets: Markets, m: int, notional: float) -> float:
    """Maintenance of one position before the dynamic factor: max over tiers of rate * notional - deduction."""
    requirement = 0.0
    for t in range(markets.each[m].tier_first, markets.each[m].tier_last):
        requirement = max(requirement, markets.tiers[t].rate * notional - markets.tiers[t].deduction)
    return requirement


@part
def position_maintenance(markets: Markets, now: Records, m: int, quantity: float) -> float:
    """Maintenance of ``quantity`` base units of market m at the mark, dynamic factor included."""
    if quantity == 0.0:
        return 0.0
    return now[m].factor * tiered_maintenance(markets, m, abs(quantity) * now[m].mark)


@kernel
def equity(book: Book, accounts: Accounts, now: Records, i: int) -> float:
    """Equity of account i at the mark."""
    value = accounts.each[i].cash
    for j in range(book.accounts[i].first, book.accounts[i].end):
        value += accounts.positions[j].quantity * now[book.positions[j].market].worth
    return value


@part
def haircuts(book: Book, markets: Markets, accounts: Accounts, now: Records, i: int) -> float:
    """What of the equity of account i does not count towards margin."""
    total = 0.0
    for j in range(book.accounts[i].last, book.accounts[i].end):
        m = book.positions[j].market
        total += markets.each[m].haircut * accounts.positions[j].quantity * now[m].mark
    return total


@part
def collateral(book: Book, accounts: Accounts, now: Records, i: int) -> float:
    """Value of the collateral of account i at the mark, haircuts not taken off."""
    total = 0.0
    for j in range(book.accounts[i].last, book.accounts[i].end):
        total += accounts.positions[j].quantity * now[book.positions[j].market].mark
    return total


@part
def maintenance(book: Book, markets: Markets, accounts: Accounts, now: Records, i: int) -> float:
    """Maintenance margin of account i at the mark."""
    total = 0.0
    for j in range(book.accounts[i].first, book.accounts[i].last):
        total += position_maintenance(markets, now, book.positions[j].market, accounts.positions[j].quantity)
    return total


@part
def gross(book: Book, accounts: Accounts, now: Records, i: int) -> float:
    """Gross notional of the contracts of account i at the mark."""
    total = 0.0
    for j in range(book.accounts[i].first, book.accounts[i].last):
        total += abs(accounts.positions[j].quantity) * now[book.positions[j].market].mark
    return total


@kernel
def dust(gross_notional: float) -> float:
    """Smallest amount of money a rule acts on."""
    return DUST * (gross_notional + 1.0)


@part
def is_insolvent(book: Book, accounts: Accounts, now: Records, i: int) -> bool:
    """Whether account i owes more than dust."""
    value = equity(book, accounts, now, i)
    return value < 0.0 and value < -dust(gross(book, accounts, now, i))


@part
def is_flat(book: Book, accounts: Accounts, i: int) -> bool:
    """Whether account i holds no contract; it may hold collateral."""
    for j in range(book.accounts[i].first, book.accounts[i].last):
        if accounts.positions[j].quantity != 0.0:
            return False
    return True


@kernel
def bankruptcy_price(mark: float, quantity: float, account_equity: float, share: float) -> float:
    """Price at which closing ``quantity`` uses up ``share`` of the account's equity.

    The share is that of the position's maintenance in the account's, as dYdX v4
    allots equity to positions (x/clob deleveraging).
    """
    return mark - account_equity * share / quantity
