"""Which winners auto-deleveraging closes first."""

from __future__ import annotations

from ..jit import kernel
from ..registry import Rule
from .binance import binance
from .bitmex import bitmex
from .capped import closable, closable_from_profit
from .contracts import contracts
from .hyperliquid import hyperliquid
from .profit import profit
from .random import nearness, random_start

RANKS: tuple[Rule, ...] = (
    Rule("bitmex", "Return on entry times effective leverage, losers by return over leverage.", "BitMEX documentation"),
    Rule("binance", "Profit over wallet times margin ratio.", "Binance documentation"),
    Rule("hyperliquid", "Price gain times leverage of the position.", "Hyperliquid documentation"),
    Rule("profit", "Unrealised profit; losers are skipped.", "Chitra (2025), arXiv:2512.01112, wealth queue"),
    Rule(
        "pro_rata_profit",
        "All winners together, in proportion to their unrealised profit.",
        "Chitra (2025), arXiv:2512.01112, pro-rata policy",
    ),
    Rule(
        "pro_rata_contracts",
        "All opposite positions together, in proportion to their contracts.",
        "CPMI-IOSCO (2014), recovery of financial market infrastructures, partial tear-up",
    ),
    Rule(
        "pro_rata_capped",
        "As pro_rata_profit, but no position's haircuts exceed its profit.",
        "Chitra (2025), arXiv:2512.01112, capped pro-rata policy",
    ),
    Rule(
        "random",
        "In a fixed order of accounts, by a hash of their names, from a random start.",
        "dYdX v4, x/subaccounts and x/clob deleveraging",
    ),
)
"""ADL ranks, by number."""

BITMEX, BINANCE, HYPERLIQUID, PROFIT, PRO_RATA_PROFIT, PRO_RATA_CONTRACTS, PRO_RATA_CAPPED, RANDOM = range(8)

__all__ = ["RANKS", "is_queue", "most_closed", "nearness", "random_start", "score", "skips_losers"]


@kernel
def is_queue(rank: int) -> bool:
    """Whether the rank fills winners one after the other, not all in proportion."""
    return rank not in (PRO_RATA_PROFIT, PRO_RATA_CONTRACTS, PRO_RATA_CAPPED)


@kernel
def skips_losers(rank: int) -> bool:
    """Whether positions at a loss are never closed."""
    return rank in (PROFIT, PRO_RATA_PROFIT, PRO_RATA_CAPPED)


@kernel
def most_closed(rank: int, quantity: float, equity: float, profit: float, loss: float) -> float:
    """Units of a winner's position that can be closed at a ``loss`` per unit against the mark.

    ``profit`` is the position's, with what ADL has realised of it.
    """
    most = closable(quantity, equity, loss)
    return min(most, closable_from_profit(profit, loss)) if rank == PRO_RATA_CAPPED else most


@kernel
def score(
    rank: int,
    mark: float,
    entry: float,
    quantity: float,
    equity: float,
    maintenance: float,
    share: float,
    account_profit: float,
) -> float:
    """Place in the queue, highest first; the weight of the position for a pro-rata rank.

    ``share`` is the position's share of the account's maintenance,
    ``account_profit`` the account's unrealised profit over all markets.
    """
    if rank == BITMEX:
        return bitmex(mark, entry, quantity, equity, share)
    if rank == BINANCE:
        return binance(equity, maintenance, account_profit)
    if rank == HYPERLIQUID:
        return hyperliquid(mark, entry, quantity, equity)
    if rank == PRO_RATA_CONTRACTS:
        return contracts(quantity)
    return profit(mark, entry, quantity)
