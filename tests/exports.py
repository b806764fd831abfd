"""States of a clearinghouse as its endpoint answers them, made from a book."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Held:
    """One position of a made-up account."""

    coin: str
    size: float
    entry: float
    mark: float
    margin: float | None = None
    """Equity of an isolated position; None for cross margin."""


def state(cross_equity: float, held: Sequence[Held]) -> dict[str, Any]:
    """Answer for one user; numbers are text, as the endpoint writes them."""
    isolated = sum(one.margin or 0.0 for one in held)
    cross = summary(cross_equity, [one for one in held if one.margin is None])
    return {
        "assetPositions": [{"type": "oneWay", "position": position(one)} for one in held],
        "crossMaintenanceMarginUsed": "0.0",
        "crossMarginSummary": cross,
        "marginSummary": {**cross, "accountValue": repr(cross_equity + isolated)},
        "time": 1_760_000_000_000,
        "withdrawable": repr(max(cross_equity, 0.0)),
    }


def summary(equity: float, held: Sequence[Held]) -> dict[str, str]:
    value = sum(abs(one.size) * one.mark for one in held)
    return {"accountValue": repr(equity), "totalMarginUsed": "0.0", "totalNtlPos": repr(value), "totalRawUsd": "0.0"}


def position(one: Held) -> dict[str, Any]:
    leverage: dict[str, Any] = {"type": "cross", "value": 20}
    if one.margin is not None:
        leverage = {"type": "isolated", "value": 20, "rawUsd": repr(one.margin - one.size * one.mark)}
    return {
        "coin": one.coin,
        "cumFunding": {"allTime": "0.0", "sinceChange": "0.0", "sinceOpen": "0.0"},
        "entryPx": repr(one.entry),
        "leverage": leverage,
        "liquidationPx": None,
        "marginUsed": repr(one.margin if one.margin is not None else abs(one.size) * one.mark / 20),
        "maxLeverage": 40,
        "positionValue": repr(abs(one.size) * one.mark),
        "returnOnEquity": "0.0",
        "szi": repr(one.size),
        "unrealizedPnl": repr(one.size * (one.mark - one.entry)),
    }
