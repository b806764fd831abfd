"""The oracle: what the venue is told of the fundamental price, and when."""

from __future__ import annotations

import math

from .jit import part
from .records import Records
from .structs import Floats, Markets


@part
def remember_shift(history: Floats, now: Records, step: int) -> None:
    """Keep the permanent impact of ``step`` in the ring ``history`` [lag + 1, m] for a lagging oracle."""
    row = step % history.shape[0]
    for m in range(now.size):
        history[row, m] = now[m].shift


@part
def publish(markets: Markets, now: Records, history: Floats, log_price: Floats, step: int, dt: float) -> None:
    """Update what the oracle shows at the start of ``step``.

    The candidate is F one lag ago, permanent impact of that time included. It is
    taken when the heartbeat has passed or it is ``deviation`` away from the last
    one. ``log_price`` is [s, m].
    """
    for m in range(now.size):
        lag = markets.each[m].oracle_lag
        if lag == 0:
            candidate = now[m].fundamental
        elif step <= lag:
            candidate = math.exp(log_price[0, m])
        else:
            candidate = math.exp(log_price[step - lag, m] + history[(step - lag) % history.shape[0], m])
        elapsed = (step - now[m].published_at) * dt
        change = abs(candidate / now[m].published - 1.0)
        if elapsed >= markets.each[m].oracle_heartbeat or change >= markets.each[m].oracle_deviation:
            now[m].published = candidate
            now[m].published_at = step
