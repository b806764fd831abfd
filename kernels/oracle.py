"""The oracle: what the venue is told of the fundamental price, and when."""

from __future__ import annotations

import math

from .jit import kernel
from .state import MarketState
from .structs import Floats, Markets


@kernel
def remember_shift(history: Floats, now: MarketState, step: int) -> None:
    """Keep the permanent impact of ``step`` in the ring ``history`` [lag + 1, m] for a lagging oracle."""
    row = step % history.shape[0]
    for m in range(now.shift.size):
        history[row, m] = now.shift[m]


@kernel
def publish(markets: Markets, now: MarketState, history: Floats, log_price: Floats, step: int, dt: float) -> None:
    """Update what the oracle shows at the start of ``step``.

    The candidate is F one lag ago, permanent impact of that time included. It is
    taken when the heartbeat has passed or it is ``deviation`` away from the last
    one. ``log_price`` is [s, m].
    """
    for m in range(now.published.size):
        lag = markets.oracle_lag[m]
        if lag == 0:
            candidate = now.fundamental[m]
        elif step <= lag:
            candidate = math.exp(log_price[0, m])
        else:
            candidate = math.exp(log_price[step - lag, m] + history[(step - lag) % history.shape[0], m])
        elapsed = (step - now.published_at[m]) * dt
        change = abs(candidate / now.published[m] - 1.0)
        if elapsed >= markets.oracle_heartbeat[m] or change >= markets.oracle_deviation[m]:
            now.published[m] = candidate
            now.published_at[m] = step
