"""Doors from Python into functions that only kernels call.

The compiled code lies in the folder that is named by the digest of all kernels, so a changed kernel brings a new one;
this file's own changes are seen by its time and size.
"""

from __future__ import annotations

from stress.kernels.auction import clear
from stress.kernels.jit import kernel
from stress.kernels.liquidity import fill_price
from stress.kernels.margin import tiered_maintenance
from stress.kernels.records import Records
from stress.kernels.sizes import to_target
from stress.kernels.state import Accounts, Orders
from stress.kernels.structs import Book, Markets


@kernel
def clear_market(markets: Markets, now: Records, orders: Orders, m: int) -> float:
    """Fill the chained orders of market m; returns the price."""
    return clear(markets, now, orders, m)


@kernel
def average_of(markets: Markets, now: Records, m: int, net: float) -> float:
    """Average price of a net fill."""
    return fill_price(markets, now, m, net)


@kernel
def maintenance_of(markets: Markets, m: int, notional: float) -> float:
    """Maintenance of one position."""
    return tiered_maintenance(markets, m, notional)


@kernel
def share_to_target(
    book: Book, markets: Markets, accounts: Accounts, now: Records, i: int, equity: float, target: float
) -> float:
    """Share of its positions that account i must close."""
    return to_target.share(book, markets, accounts, now, i, equity, target)
