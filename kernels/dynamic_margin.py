"""Dynamic margin: maintenance that follows volatility, with notice (MODEL 4).

The factor on maintenance is ``clip((sigma_hat / sigma_ref)^gamma, 1, cap)``
with sigma_hat from exponentially weighted squared log changes of the oracle
price. It is decided every ``interval`` and is in force from the decision plus
``notice``. Changes announced by governance multiply it from their own dates.
"""

from __future__ import annotations

import math

from .jit import part
from .models.lanes import YEAR
from .records import Record, Records
from .results import MARKET_COLUMNS
from .state import Memory
from .structs import Clock, Floats, Markets

PEAK = MARKET_COLUMNS.index("margin_factor_peak")
CALL = MARKET_COLUMNS.index("margin_factor_call")

DAY = 86_400.0


@part
def factor_for(rules: Record, variance: float) -> float:
    """Factor that a decision at this variance, per year, makes; ``rules`` is an INSTRUMENT record."""
    if rules.volatility_power == 0.0:
        return 1.0
    ratio = math.sqrt(variance) / rules.volatility_reference
    return min(rules.factor_cap, max(1.0, ratio**rules.volatility_power))


@part
def start_factors(markets: Markets, now: Records, memory: Memory) -> None:
    """Factors at index 0: what the initial volatility estimate calls for has been in force for long."""
    for m in range(now.size):
        rules = markets.each[m]
        now[m].seen = now[m].published
        now[m].seen_variance = rules.volatility_initial**2
        now[m].decided = factor_for(rules, now[m].seen_variance)
        for row in range(memory.decided.shape[0]):
            memory.decided[row, m] = now[m].decided
        now[m].factor = now[m].decided * _announced(markets, 0, m)


@part
def _announced(markets: Markets, step: int, m: int) -> float:
    return markets.margin_scale[step, m] if markets.margin_scale.shape[0] > 0 else 1.0


@part
def _observe(rules: Record, market: Record, dt: float) -> None:
    """Take the oracle's change since the last check into the volatility estimate."""
    change = math.log(market.published / market.seen)
    market.seen = market.published
    decay = rules.volatility_decay
    market.seen_variance = decay * market.seen_variance + (1.0 - decay) * change * change * (YEAR / dt)


@part
def update_factors(markets: Markets, now: Records, memory: Memory, clock: Clock, step: int) -> bool:
    """Volatility estimates, decisions and the factors in force at ``step``; whether any factor changed."""
    row, changed = step % memory.decided.shape[0], False
    for m in range(now.size):
        rules, market = markets.each[m], now[m]
        if rules.volatility_power > 0.0:
            _observe(rules, market, clock.dt)
            if step % rules.factor_interval == 0:
                market.decided = factor_for(rules, market.seen_variance)
        memory.decided[row, m] = market.decided
        told = memory.decided[(step - rules.factor_notice) % memory.decided.shape[0], m]
        factor = told * _announced(markets, step, m)
        changed = changed or factor != market.factor
        market.factor = factor
    return changed


@part
def observe_factors(now: Records, memory: Memory, market_out: Floats, dt: float, step: int) -> None:
    """Procyclicality: the highest factor, and the largest rise within a day of a factor that has just moved."""
    if memory.factors.shape[0] == 0:
        return
    first = max(0, step - int(DAY / dt))
    for m in range(now.size):
        factor = now[m].factor
        memory.factors[step, m] = factor
        market_out[m, PEAK] = max(market_out[m, PEAK], factor)
        if step == 0 or factor <= memory.factors[step - 1, m]:
            continue
        lowest = factor
        for earlier in range(first, step):
            lowest = min(lowest, memory.factors[earlier, m])
        market_out[m, CALL] = max(market_out[m, CALL], factor / lowest - 1.0)
