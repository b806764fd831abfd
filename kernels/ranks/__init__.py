"""Which winners auto-deleveraging closes first."""

from __future__ import annotations

from ..jit import kernel
from ..registry import Rule
from .binance import binance
from .bitmex import bitmex
from .hyperliquid import hyperliquid
from .profit import profit

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
)
"""ADL ranks, by number."""

BITMEX, BINANCE, HYPERLIQUID, PROFIT, PRO_RATA_PROFIT = 0, 1, 2, 3, 4


@kernel
def is_queue(rank: int) -> bool:
    """Whether the rank fills winners one after the other, not all in proportion."""
    return rank != PRO_RATA_PROFIT


@kernel
def skips_losers(rank: int) -> bool:
    """Whether positions at a loss are never closed."""
    return rank in (PROFIT, PRO_RATA_PROFIT)


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
    return profit(mark, entry, quantity)
