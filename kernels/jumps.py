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
def waiting_time(sources: Sources, n: int, excess: float, path: int, number: int, key: Key) -> float:
    """Years from arrival ``number`` - 1 to the next, for an intensity that starts ``excess`` over its base.

    The sooner of two: an exponential time of the base, and one of the excess, which may never come (Dassios & Zhao
    2013, Electronic Communications in Probability 18:62, algorithm 3.1).
    """
    stream = U32(JUMP_TIME + U32(sources.key[n] << SOURCE_SHIFT))
    words = philox(U32(path), U32(number), U32(0), stream, key[0], key[1])
    wait = -log64(uniform64(words[0], words[1])) / (sources.rate[n] * (1.0 - sources.branching[n]))
    if excess > 0.0:
        left = 1.0 + sources.decay[n] * log64(uniform64(words[2], words[3])) / excess
        if left > 0.0:
            wait = min(wait, -log64(left) / sources.decay[n])
    return wait


@kernel
def mark_of(sources: Sources, n: int, m: int, path: int, number: int, key: Key) -> tuple[float, float]:
    """Jumps of log price and variance that an arrival of source n gives market m; 0 when thinned out.

    The variance jumps by V, exponential; the log price by mean + slope V + std (sqrt(c) Z + sqrt(1 - c) Z_m), Z shared
    by all markets of the arrival.
    """
    source = U32(sources.key[n] << SOURCE_SHIFT)
    c0, c1, block = U32(path), U32(number), U32(m)
    chance = sources.probability[n, m]
    if chance < 1.0:
        words = philox(c0, c1, block, U32(JUMP_THINNING + source), key[0], key[1])
        if uniform64(words[0], words[1]) >= chance:
            return 0.0, 0.0
    share = sources.correlation[n]
    common = normal64(philox(c0, c1, U32(0), U32(JUMP_COMMON + source), key[0], key[1]))
    own = normal64(philox(c0, c1, block, U32(JUMP_MARK + source), key[0], key[1]))
    z = math.sqrt(share) * common + math.sqrt(1.0 - share) * own
    variance = 0.0
    if sources.variance[n, m] > 0.0:
        words = philox(c0, c1, block, U32(JUMP_VARIANCE + source), key[0], key[1])
        variance = -log64(uniform64(words[0], words[1])) * sources.variance[n, m]
    return sources.mean[n, m] + sources.slope[n, m] * variance + sources.std[n, m] * z, variance


@kernel
def start_jumps(sources: Sources, lanes: int, first_path: int, key: Key) -> Arrivals:
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
                time = waiting_time(sources, n, excess, first_path + lane, arrivals.number[n, lane], key)
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
def strike(
    sources: Sources, arrivals: Arrivals, n: int, lane: int, path: int, key: Key, log_price: Floats, variance: Floats
) -> None:
    """Apply the pending arrival of source n in one lane and draw the time of the next."""
    number = arrivals.number[n, lane]
    for m in range(log_price.shape[0]):
        if sources.probability[n, m] > 0.0:
            jump, rise = mark_of(sources, n, m, path, number, key)
            log_price[m, lane] += jump
            variance[m, lane] += rise
    arrivals.number[n, lane] = number + 1
    arrivals.time[n, lane] += waiting_time(sources, n, arrivals.excess[n, lane], path, number + 1, key)


@part
def strike_all(
    sources: Sources,
    arrivals: Arrivals,
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
            if sources.branching[n] > 0.0:
                excite(sources, arrivals, n, lane, until, log_price)
            strike(sources, arrivals, n, lane, first_path + lane, key, log_price, variance)
        arrivals.soonest[n] = min(arrivals.soonest[n], arrivals.time[n, lane])
