"""Compound Poisson jumps at exact times, on top of any price model.

A source is one Poisson process. Each of its arrivals may move several markets
at once; the marks of one arrival share a common factor. Merton (1976) and
Bates (1996) are sources that move one market; a crash that hits all of them is
a common source (NUMERICS: diffusion correlation alone cannot reproduce the
joint tail of BTC and ETH). A draw depends on (path, source, arrival, market)
alone, so neither other paths nor other sources change it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .jit import kernel
from .philox import (
    JUMP_COMMON,
    JUMP_MARK,
    JUMP_THINNING,
    JUMP_TIME,
    normal64,
    philox,
    uniform64,
)
from .structs import Floats, Ints, Models
from .vecmath import log64

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
    correlation: Floats
    key: Ints


class Arrivals(NamedTuple):
    """The next arrival of every source in every lane."""

    time: Floats
    """[n, lane] time of the next arrival, years; infinity for a source that never arrives."""
    number: Ints
    """[n, lane] how many arrivals came before it."""
    soonest: Floats
    """[n] earliest next arrival of any lane: most steps need look no further."""


@kernel
def sources_of(models: Models) -> Sources:
    """What this file needs of the models: fewer arrays among the arguments compile faster."""
    return Sources(
        models.jump_rate,
        models.jump_probability,
        models.jump_mean,
        models.jump_std,
        models.jump_correlation,
        models.jump_key,
    )


@kernel
def compensator(sources: Sources, m: int) -> float:
    """Drift per year that makes the jumps of market m a martingale: -sum_n rate p (exp(mean + std^2/2) - 1)."""
    total = 0.0
    for n in range(sources.rate.size):
        chance = sources.rate[n] * sources.probability[n, m]
        if chance > 0.0:
            std = sources.std[n, m]
            total -= chance * math.expm1(sources.mean[n, m] + 0.5 * std * std)
    return total


@kernel
def waiting_time(rate: float, source: int, path: int, number: int, key: Key) -> float:
    """Years between arrival ``number`` - 1 and arrival ``number`` of a source: exponential, -log(U) / rate."""
    stream = U32(JUMP_TIME + U32(source << SOURCE_SHIFT))
    words = philox(U32(path), U32(number), U32(0), stream, key[0], key[1])
    return -log64(uniform64(words[0], words[1])) / rate


@kernel
def mark_of(sources: Sources, n: int, m: int, path: int, number: int, key: Key) -> float:
    """Log price jump that an arrival of source n gives market m; 0 when thinned out.

    mean + std (sqrt(c) Z + sqrt(1 - c) Z_m), Z shared by all markets of the arrival.
    """
    source = U32(sources.key[n] << SOURCE_SHIFT)
    c0, c1, block = U32(path), U32(number), U32(m)
    chance = sources.probability[n, m]
    if chance < 1.0:
        words = philox(c0, c1, block, U32(JUMP_THINNING + source), key[0], key[1])
        if uniform64(words[0], words[1]) >= chance:
            return 0.0
    share = sources.correlation[n]
    common = normal64(philox(c0, c1, U32(0), U32(JUMP_COMMON + source), key[0], key[1]))
    own = normal64(philox(c0, c1, block, U32(JUMP_MARK + source), key[0], key[1]))
    z = math.sqrt(share) * common + math.sqrt(1.0 - share) * own
    return sources.mean[n, m] + sources.std[n, m] * z


@kernel
def start_jumps(sources: Sources, lanes: int, first_path: int, key: Key) -> Arrivals:
    """First arrival of every source in every lane; lane l belongs to path first_path + l."""
    size = sources.rate.size
    arrivals = Arrivals(np.full((size, lanes), math.inf), np.zeros((size, lanes), np.int64), np.full(size, math.inf))
    for n in range(size):
        if sources.rate[n] > 0.0:
            for lane in range(lanes):
                time = waiting_time(sources.rate[n], sources.key[n], first_path + lane, 0, key)
                arrivals.time[n, lane] = time
                arrivals.soonest[n] = min(arrivals.soonest[n], time)
    return arrivals


@kernel
def strike(sources: Sources, arrivals: Arrivals, n: int, lane: int, path: int, key: Key, log_price: Floats) -> None:
    """Apply the pending arrival of source n in one lane and draw the time of the next."""
    number = arrivals.number[n, lane]
    for m in range(log_price.shape[0]):
        if sources.probability[n, m] > 0.0:
            log_price[m, lane] += mark_of(sources, n, m, path, number, key)
    arrivals.number[n, lane] = number + 1
    arrivals.time[n, lane] += waiting_time(sources.rate[n], sources.key[n], path, number + 1, key)


@kernel
def strike_all(
    sources: Sources, arrivals: Arrivals, n: int, until: float, first_path: int, key: Key, log_price: Floats
) -> None:
    """Apply to log_price[m, lane] every arrival of source n up to the time ``until``, in years."""
    arrivals.soonest[n] = math.inf
    for lane in range(arrivals.time.shape[1]):
        while arrivals.time[n, lane] <= until:
            strike(sources, arrivals, n, lane, first_path + lane, key, log_price)
        arrivals.soonest[n] = min(arrivals.soonest[n], arrivals.time[n, lane])
