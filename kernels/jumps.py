"""Jumps at exact times, on top of any price model.

A source is one point process. Each of its arrivals may move several markets at
once; the marks of one arrival share a common factor. Merton (1976) and Bates
(1996) are sources that move one market, with jumps of the variance the model
of Duffie, Pan & Singleton (2000); a crash that hits all markets is a common
source (diffusion correlation alone cannot reproduce the joint tail of BTC and
ETH). A source that excites itself is the process of Hawkes (1971): each
arrival raises the intensity, which falls back exponentially. A draw depends on
(path, source, arrival, market) alone, so neither other paths nor other sources
change it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .jit import kernel, lane_kernel, part
from .philox import (
    JUMP_COMMON,
    JUMP_MARK,
    JUMP_THINNING,
    JUMP_TIME,
    JUMP_VARIANCE,
    normal64,
    philox,
    uniform64,
)
from .structs import Floats, Ints, Models
from .tilt import (
    COMMON,
    EXCESS,
    PER_SOURCE,
    Pace,
    Tally,
    Twist,
    first_of_sources,
    pace_of,
    stop_lane,
    tally_arrival,
    tally_mark,
    twist_of,
)
from .vecmath import exp64, log64

U32 = np.uint32
Key = tuple[np.uint32, np.uint32]

SOURCE_SHIFT = 8
"""The stream word of a counter is stream + source * 2^8."""


class Sources(NamedTuple):
    """The jump sources alone, by the names of :class:`stress.kernels.structs.Models` without ``jump_``."""

    rate: Floats
    probability: Floats
    mean: Floats
    std: Floats
    variance: Floats
    slope: Floats
    correlation: Floats
    branching: Floats
    decay: Floats
    key: Ints


class Arrivals(NamedTuple):
    """The next arrival of every source in every lane."""

    time: Floats
    """[n, lane] time of the next arrival, years; infinity for a source that never arrives."""
    number: Ints
    """[n, lane] how many arrivals came before it."""
    soonest: Floats
    """[n] earliest next arrival of any lane: most steps need look no further."""
    last: Floats
    """[n, lane] time of the arrival before it, 0 at first."""
    excess: Floats
    """[n, lane] what excitation added to the intensity, just after the arrival before."""
    falling: Floats
    """[n, lane] the same at the end of the last model step."""


@kernel
def sources_of(models: Models) -> Sources:
    """What this file needs of the models: fewer arrays among the arguments compile faster."""
    return Sources(
        models.jump_rate,
        models.jump_probability,
        models.jump_mean,
        models.jump_std,
        models.jump_variance,
        models.jump_slope,
        models.jump_correlation,
        models.jump_branching,
        models.jump_decay,
        models.jump_key,
    )


@part
def expected_move(sources: Sources, n: int, m: int) -> float:
    """Expected relative move of market m at an arrival of source n: p (E exp(jump) - 1).

    E exp(jump) = exp(mean + std^2 / 2) / (1 - slope variance) (Duffie, Pan & Singleton 2000, section 4).
    """
    std = sources.std[n, m]
    joint = sources.slope[n, m] * sources.variance[n, m]
    return sources.probability[n, m] * (math.expm1(sources.mean[n, m] + 0.5 * std * std) + joint) / (1.0 - joint)


@kernel
def compensator(sources: Sources, m: int) -> float:
    """Drift per year that makes the jumps of market m a martingale where intensities are not excited.

    -sum_n rate (1 - branching) times the expected move; :func:`compensate` does the rest.
    """
    total = 0.0
    for n in range(sources.rate.size):
        if sources.probability[n, m] > 0.0:
            total -= sources.rate[n] * (1.0 - sources.branching[n]) * expected_move(sources, n, m)
    return total


@kernel
def hazards(sources: Sources, n: int, path: int, number: int, key: Key) -> tuple[float, float]:
    """Unit exponentials that the integrals of base intensity and of excess reach at arrival ``number``."""
    stream = U32(JUMP_TIME + U32(sources.key[n] << SOURCE_SHIFT))
    words = philox(U32(path), U32(number), U32(0), stream, key[0], key[1])
    return -log64(uniform64(words[0], words[1])), -log64(uniform64(words[2], words[3]))


@kernel
def base_wait(sources: Sources, n: int, hazard: float) -> float:
    """Years in which the integral of the base intensity reaches ``hazard``."""
    return hazard / (sources.rate[n] * (1.0 - sources.branching[n]))


@kernel
def excess_wait(sources: Sources, n: int, excess: float, hazard: float) -> float:
    """Years in which the integral of an excess that falls off reaches ``hazard``: infinity where it never does."""
    left = 1.0 - sources.decay[n] * hazard / excess if excess > 0.0 else 0.0
    return -log64(left) / sources.decay[n] if left > 0.0 else math.inf


@kernel
def clocks(
    sources: Sources, n: int, excess: float, pace: Pace, path: int, number: int, key: Key
) -> tuple[float, float]:
    """Years from arrival ``number`` - 1 to the next by the base intensity, and by the excess over it, times ``pace``.

    The excess may never bring one (Dassios & Zhao 2013, Electronic Communications in Probability 18:62, algorithm 3.1).
    """
    base, excited = hazards(sources, n, path, number, key)
    return base_wait(sources, n, base / pace.base), excess_wait(sources, n, excess, excited / pace.excess)


@kernel
def waiting_time(sources: Sources, n: int, excess: float, pace: Pace, path: int, number: int, key: Key) -> float:
    """Years from arrival ``number`` - 1 to the next, for an intensity that starts ``excess`` over its base."""
    base, excited = clocks(sources, n, excess, pace, path, number, key)
    return min(base, excited)


@kernel
def common_normal(sources: Sources, n: int, path: int, number: int, key: Key) -> float:
    """The normal that the marks of an arrival share."""
    stream = U32(JUMP_COMMON + U32(sources.key[n] << SOURCE_SHIFT))
    return normal64(philox(U32(path), U32(number), U32(0), stream, key[0], key[1]))


@kernel
def mark_of(
    sources: Sources, n: int, m: int, path: int, number: int, key: Key, twist: Twist
) -> tuple[float, float, bool, float]:
    """Jumps of log price and variance that an arrival of source n gives market m; 0 when thinned out.

    The variance jumps by V, exponential; the log price by mean + slope V + std (sqrt(c) Z + sqrt(1 - c) Z_m), Z shared
    by all markets of the arrival. Then whether the market moved, and Z_m.
    """
    source = U32(sources.key[n] << SOURCE_SHIFT)
    c0, c1, block = U32(path), U32(number), U32(m)
    chance = sources.probability[n, m]
    if chance < 1.0:
        words = philox(c0, c1, block, U32(JUMP_THINNING + source), key[0], key[1])
        if uniform64(words[0], words[1]) >= chance:
            return 0.0, 0.0, False, 0.0
    share = sources.correlation[n]
    common = common_normal(sources, n, path, number, key) + twist.common
    own = normal64(philox(c0, c1, block, U32(JUMP_MARK + source), key[0], key[1])) + twist.own
    z = math.sqrt(share) * common + math.sqrt(1.0 - share) * own
    variance = 0.0
    if sources.variance[n, m] > 0.0:
        words = philox(c0, c1, block, U32(JUMP_VARIANCE + source), key[0], key[1])
        variance = -log64(uniform64(words[0], words[1])) * sources.variance[n, m] * twist.rise
    return sources.mean[n, m] + sources.slope[n, m] * variance + sources.std[n, m] * z, variance, True, own


@kernel
def start_jumps(sources: Sources, tally: Tally, lanes: int, first_path: int, key: Key) -> Arrivals:
    """First arrival of every source in every lane; lane l belongs to path first_path + l.

    Intensities start at their long-run mean, so that jumps are as frequent at the start as at any other time.
    """
    size = sources.rate.size
    shape = (size, lanes)
    arrivals = Arrivals(
        np.full(shape, math.inf),
        np.zeros(shape, np.int64),
        np.full(size, math.inf),
        np.zeros(shape),
        np.zeros(shape),
        np.zeros(shape),
    )
    for n in range(size):
        if sources.rate[n] > 0.0:
            excess = sources.rate[n] * sources.branching[n]
            for lane in range(lanes):
                pace = pace_of(tally, n, 0, lane)
                time = waiting_time(sources, n, excess, pace, first_path + lane, arrivals.number[n, lane], key)
                arrivals.time[n, lane] = time
                arrivals.excess[n, lane] = excess
                arrivals.falling[n, lane] = excess
                arrivals.soonest[n] = min(arrivals.soonest[n], time)
    return arrivals


@lane_kernel
def fall(falling: Floats, remaining: float) -> None:
    """Let the excess intensity of every lane fall to the share ``remaining``."""
    for lane in range(falling.size):
        falling[lane] *= remaining


@lane_kernel
def pay(log_price: Floats, falling: Floats, weight: float) -> None:
    """Take from every lane the drift that its excess intensity calls for."""
    for lane in range(log_price.size):
        log_price[lane] -= weight * falling[lane]


@part
def compensate(sources: Sources, arrivals: Arrivals, n: int, dt: float, log_price: Floats) -> None:
    """Drift of a model step for the excess intensity that source n had when the step began; dt in years."""
    reverted = -math.expm1(-sources.decay[n] * dt)
    for m in range(log_price.shape[0]):
        if sources.probability[n, m] > 0.0:
            pay(log_price[m], arrivals.falling[n], expected_move(sources, n, m) * reverted / sources.decay[n])
    fall(arrivals.falling[n], 1.0 - reverted)


@lane_kernel
def remaining_after(decay: float, years: float) -> float:
    """Share of an excess intensity that is left after a time; exp64 holds down to -708."""
    return exp64(-decay * years) if decay * years < 700.0 else 0.0


@part
def excite(sources: Sources, arrivals: Arrivals, n: int, lane: int, until: float, log_price: Floats) -> None:
    """Raise the intensity after the pending arrival, and compensate for that from there to ``until``, in years."""
    decay, time = sources.decay[n], arrivals.time[n, lane]
    rise = sources.branching[n] * decay
    arrivals.excess[n, lane] = rise + arrivals.excess[n, lane] * remaining_after(decay, time - arrivals.last[n, lane])
    arrivals.last[n, lane] = time
    remaining = remaining_after(decay, until - time)
    arrivals.falling[n, lane] += rise * remaining
    for m in range(log_price.shape[0]):
        if sources.probability[n, m] > 0.0:
            log_price[m, lane] -= expected_move(sources, n, m) * rise * (1.0 - remaining) / decay


@part
def tally_excess(sources: Sources, arrivals: Arrivals, tally: Tally, n: int, lane: int, until: float) -> None:
    """Add to the tally of a lane the integral of its excess since the arrival before, if there was one."""
    if tally.active[lane] > 0.0 and sources.branching[n] > 0.0 and arrivals.number[n, lane] > 0:
        left = remaining_after(sources.decay[n], until - arrivals.last[n, lane])
        integral = arrivals.excess[n, lane] * (1.0 - left) / sources.decay[n]
        tally.rows[first_of_sources(tally.tilt) + PER_SOURCE * n + EXCESS, lane] += integral


@part
def count_arrival(sources: Sources, arrivals: Arrivals, tally: Tally, n: int, lane: int, path: int, key: Key) -> None:
    """Tally the pending arrival of source n in one lane, before it raises the intensity."""
    number, paced = arrivals.number[n, lane], True
    if number > 0 and sources.branching[n] > 0.0:
        pace = pace_of(tally, n, number, lane)
        by_base, excited = clocks(sources, n, arrivals.excess[n, lane], pace, path, number, key)
        paced = by_base <= excited
    tally_excess(sources, arrivals, tally, n, lane, arrivals.time[n, lane])
    common = 0.0
    if sources.correlation[n] > 0.0:
        common = common_normal(sources, n, path, number, key) + tally.tilt.source[COMMON, tally.law[lane], n]
    first = arrivals.time[n, lane] if number == 0 else 0.0
    tally_arrival(tally, n, lane, paced, common, first)


@part
def strike(
    sources: Sources,
    arrivals: Arrivals,
    tally: Tally,
    n: int,
    lane: int,
    path: int,
    key: Key,
    log_price: Floats,
    variance: Floats,
) -> None:
    """Apply the pending arrival of source n in one lane and draw the time of the next."""
    number = arrivals.number[n, lane]
    for m in range(log_price.shape[0]):
        if sources.probability[n, m] > 0.0:
            twist = twist_of(tally, n, m, lane)
            jump, rise, moved, own = mark_of(sources, n, m, path, number, key, twist)
            log_price[m, lane] += jump
            variance[m, lane] += rise
            if moved and tally.law.size > 0:
                scale = sources.variance[n, m]
                tally_mark(tally, n, m, lane, own, rise / scale if scale > 0.0 else 0.0)
    pace = pace_of(tally, n, number + 1, lane)
    arrivals.number[n, lane] = number + 1
    arrivals.last[n, lane] = arrivals.time[n, lane]
    arrivals.time[n, lane] += waiting_time(sources, n, arrivals.excess[n, lane], pace, path, number + 1, key)


@part
def strike_all(
    sources: Sources,
    arrivals: Arrivals,
    tally: Tally,
    n: int,
    until: float,
    first_path: int,
    key: Key,
    log_price: Floats,
    variance: Floats,
) -> None:
    """Apply to log_price[m, lane] and variance[m, lane] every arrival of source n up to ``until``, in years."""
    arrivals.soonest[n] = math.inf
    for lane in range(arrivals.time.shape[1]):
        while arrivals.time[n, lane] <= until:
            if tally.law.size > 0:
                count_arrival(sources, arrivals, tally, n, lane, first_path + lane, key)
            if sources.branching[n] > 0.0:
                excite(sources, arrivals, n, lane, until, log_price)
            strike(sources, arrivals, tally, n, lane, first_path + lane, key, log_price, variance)
        arrivals.soonest[n] = min(arrivals.soonest[n], arrivals.time[n, lane])


@part
def slow_down(
    sources: Sources, arrivals: Arrivals, tally: Tally, n: int, lane: int, now: float, path: int, key: Key
) -> None:
    """Let what is left of the wait for the pending arrival of source n go on at law 0's pace from the time ``now``.

    The part of a unit exponential that its integral has not reached is one again, so no new random number is needed.
    """
    number, excess = arrivals.number[n, lane], arrivals.excess[n, lane]
    pace, passed, decay = pace_of(tally, n, number, lane), now - arrivals.last[n, lane], sources.decay[n]
    if sources.rate[n] > 0.0 and (pace.base != 1.0 or pace.excess != 1.0):
        base, excited = hazards(sources, n, path, number, key)
        base -= (pace.base - 1.0) * passed * sources.rate[n] * (1.0 - sources.branching[n])
        excited -= (pace.excess - 1.0) * excess * (1.0 - remaining_after(decay, passed)) / decay
        wait = min(base_wait(sources, n, base), excess_wait(sources, n, excess, excited))
        arrivals.time[n, lane] = arrivals.last[n, lane] + wait
        arrivals.soonest[n] = min(arrivals.soonest[n], arrivals.time[n, lane])


@part
def stop_over(
    sources: Sources,
    arrivals: Arrivals,
    tally: Tally,
    level: float,
    step: int,
    now: float,
    first_path: int,
    key: Key,
) -> None:
    """Put the lanes whose score has reached the level under law 0; ``now`` is the time after model step ``step``."""
    for lane in range(tally.law.size):
        if tally.active[lane] > 0.0 and tally.score[lane] >= level:
            for n in range(sources.rate.size):
                tally_excess(sources, arrivals, tally, n, lane, now)
                slow_down(sources, arrivals, tally, n, lane, now, first_path + lane, key)
            stop_lane(tally, lane, step)
