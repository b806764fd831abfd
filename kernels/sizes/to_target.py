"""Size rule ``to_target``: sell as little as restores the account."""

from __future__ import annotations

from ..jit import part
from ..margin import tiered_maintenance
from ..records import Records
from ..state import Accounts
from ..structs import Book, Markets


@part
def _maintenance_left(book: Book, markets: Markets, accounts: Accounts, now: Records, i: int, kept: float) -> float:
    """Maintenance of account i when ``kept`` of every position is left."""
    total = 0.0
    for j in range(book.accounts[i].first, book.accounts[i].last):
        m = book.positions[j].market
        total += now[m].factor * tiered_maintenance(
            markets, m, kept * abs(accounts.positions[j].quantity) * now[m].mark
        )
    return total


@part
def share(
    book: Book, markets: Markets, accounts: Accounts, now: Records, i: int, equity: float, target: float
) -> float:
    """Least share to close so that equity >= target * maintenance, fills assumed at the mark.

    Maintenance grows with what is kept, so the largest share kept is bracketed
    to one unit in the last place; 200 halvings bracket any double.
    """
    if equity <= 0.0:
        return 1.0
    low, high = 0.0, 1.0
    if target * _maintenance_left(book, markets, accounts, now, i, high) <= equity:
        return 0.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle <= low or middle >= high:
            break
        if target * _maintenance_left(book, markets, accounts, now, i, middle) <= equity:
            low = middle
        else:
            high = middle
    return 1.0 - low
