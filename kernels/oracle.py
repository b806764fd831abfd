"""The oracle: what the venue is told of the fundamental price, and when."""

from __future__ import annotations

import math

from .jit import part
from .records import Records
from .registry import Parameter, Rule
from .structs import Floats, Markets

DISTURBANCES: tuple[Rule, ...] = (
    Rule(
        "outages",
        "The oracle takes no new price from a time until another.",
        "the dYdX chain on 2025-10-10, which stood still for about eight hours",
        (
            Parameter("from", "duration", "Start of the outage."),
            Parameter("to", "duration", "First moment after it."),
        ),
    ),
    Rule(
        "spoofs",
        "The oracle shows its price times a factor from a time until another, whether or not it takes new prices.",
        "Mango Markets on 2022-10-11 and JELLY on 2025-03-26: prices driven to many times their worth",
        (
            Parameter("from", "duration", "Start of the spoof."),
            Parameter("to", "duration", "First moment after it."),
            Parameter("factor", "fraction", "Price shown over the true one."),
        ),
    ),
)
"""What can befall an oracle."""

ORACLE: tuple[Parameter, ...] = (
    Parameter("lag", "duration", "Delay between the fundamental price and what the oracle sees."),
    Parameter("heartbeat", "duration", "Time after which the oracle publishes whatever the change."),
    Parameter("deviation", "fraction", "Relative change that makes it publish before the heartbeat."),
)


@part
def remember_shift(history: Floats, now: Records, step: int) -> None:
    """Keep the permanent impact of ``step`` in the ring ``history`` [lag + 1, m] for a lagging oracle."""
    row = step % history.shape[0]
    for m in range(now.size):
        history[row, m] = now[m].shift


@part
def _candidate(markets: Markets, now: Records, history: Floats, log_price: Floats, step: int, m: int) -> float:
    """F one lag ago, permanent impact of that time included; F(0) before."""
    lag = markets.each[m].oracle_lag
    if lag == 0:
        return now[m].fundamental
    if step <= lag:
        return math.exp(log_price[0, m])
    return math.exp(log_price[step - lag, m] + history[(step - lag) % history.shape[0], m])


@part
def _is_due(markets: Markets, now: Records, candidate: float, step: int, m: int, dt: float) -> bool:
    """Whether the heartbeat has passed or the candidate is ``deviation`` away from the price last taken."""
    elapsed = (step - now[m].taken_at) * dt
    change = abs(candidate / now[m].taken - 1.0)
    return elapsed >= markets.each[m].oracle_heartbeat or change >= markets.each[m].oracle_deviation


@part
def falsified(markets: Markets, m: int, step: int) -> float:
    """Factor of all spoofs in force on what the oracle of market m shows."""
    factor = 1.0
    for w in range(markets.disturbances.size):
        window = markets.disturbances[w]
        if window.market == m and window.start <= step < window.end:
            factor *= window.factor
    return factor


@part
def _is_out(markets: Markets, m: int, step: int) -> bool:
    """Whether an outage of the oracle of market m is in force."""
    for w in range(markets.disturbances.size):
        window = markets.disturbances[w]
        if window.frozen != 0 and window.market == m and window.start <= step < window.end:
            return True
    return False


@part
def publish(markets: Markets, now: Records, history: Floats, log_price: Floats, step: int, dt: float) -> None:
    """Update what the oracle shows at the start of ``step``; ``log_price`` is [s, m]."""
    for m in range(now.size):
        if not _is_out(markets, m, step):
            candidate = _candidate(markets, now, history, log_price, step, m)
            if _is_due(markets, now, candidate, step, m, dt):
                now[m].taken = candidate
                now[m].taken_at = step
        now[m].published = now[m].taken * falsified(markets, m, step)
