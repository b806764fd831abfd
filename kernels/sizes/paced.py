"""Size rule ``paced``: what the intervals of one check close, in one order."""

from __future__ import annotations

from ..jit import part
from ..records import Record, Records
from ..state import Accounts
from ..structs import Book


@part
def share(pool: Record, notional: float) -> float:
    """Share of one position of ``notional`` that a check closes, before the account's bound."""
    if notional <= pool.size_least:
        return 1.0
    return min(1.0, max(pool.size_share, pool.size_least / notional))


@part
def within(pool: Record, book: Book, accounts: Accounts, now: Records, i: int) -> float:
    """Common factor on the shares of account i that keeps what it sends within ``most``."""
    total = 0.0
    for j in range(book.accounts[i].first, book.accounts[i].last):
        notional = abs(accounts.positions[j].quantity) * now[book.positions[j].market].mark
        if notional > 0.0:
            total += share(pool, notional) * notional
    return 1.0 if total <= pool.size_most else pool.size_most / total
