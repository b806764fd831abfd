"""Blocks of price paths: many paths side by side, one per lane."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .jit import kernel, lane_kernel, part, vector_part
from .jumps import Arrivals, Sources, compensate, compensator, sources_of, start_jumps, stop_over, strike_all
from .models import COEFFICIENTS, GIVEN, YEAR, Counter, Lanes, advance, begin, coefficients, rows
from .philox import DIFFUSION, FACTOR, fill_normals, split_seed
from .structs import Clock, Floats, Ints, Models
from .tilt import (
    Tally,
    Tilt,
    allocate_tally,
    judge_lanes,
    lean_all,
    rows_of,
    start_tally,
    untilted,
    write_tally,
)

Key = tuple[np.uint32, np.uint32]
Normals = NDArray[np.float32]

LANE_QUANTUM = 64
"""Lanes are padded to a multiple of it, so that every lane runs through the vector body of every loop (16 float32
times an unroll of 4 in the widest registers) and a path has the same bits in any company."""
LANES = 512
"""Paths simulated together: 100 cost 20 % more time per path, 1000 no less."""
HELD = 32
"""Checks of all markets kept back before they are written out path by path: four cache lines of float64 per path (two:
8 % more time per path-step)."""
PADDING = 8
"""Lanes that keep rows from lying a power of two apart, where few of them fit the cache: writing out took 3 times as
long."""


class Block(NamedTuple):
    """State and scratch of the lanes, reused from block to block.

    Handed whole to two functions only: every array among the arguments of a function costs compile time.
    """

    log_price: Floats
    """[m, lane] log price."""
    variance: Floats
    """[m, lane] variance per year; may be negative inside a scheme."""
    draws: Normals
    """[m, 4, lane] independent normals of two steps: variance and price of the even one, then of the odd one."""
    common: Normals
    """[pair, 4, lane] the same of the common factors, two by two."""
    own: Normals
    """[m, 4, lane] normals that models draw for themselves."""
    shocks: Normals
    """[2, lane] correlated normals of one market in one step: variance, price."""
    work: Floats
    """[2, lane] scratch of the models."""
    memory: Floats
    """[m, row, lane] what models remember besides price and variance."""
    coefficient: Floats
    """[m, COEFFICIENTS] what each model keeps between steps."""
    drift: Floats
    """[m] drift of the log price per model step, jump compensator included."""
    shifted: Floats
    """[m] sum of the deterministic jumps so far; given prices start from it."""
    held: Floats
    """[2, check and market, lane] log prices and variances not yet written out, with PADDING lanes more."""


@kernel
def allocate(models: Models, lanes: int) -> Block:
    """Scratch of a block of ``lanes`` lanes."""
    markets, most = models.model.size, 0
    for m in range(markets):
        most = max(most, rows(models.model[m], models.params[m]))
    return Block(
        np.zeros((markets, lanes)),
        np.zeros((markets, lanes)),
        np.zeros((markets, 4, lanes), np.float32),
        np.zeros((models.loading.shape[1] // 2, 4, lanes), np.float32),
        np.zeros((markets, 4, lanes), np.float32),
        np.zeros((2, lanes), np.float32),
        np.zeros((2, lanes)),
        np.zeros((markets, most, lanes)),
        np.zeros((markets, COEFFICIENTS)),
        np.zeros(markets),
        np.zeros(markets),
        np.zeros((2, max(1, HELD // markets) * markets, lanes + PADDING)),
    )


@part
def fill(row: Floats, value: float) -> None:
    """Put a value into every lane."""
    for lane in range(row.size):
        row[lane] = value


@lane_kernel
def draw(model: Ints, block: Block, pair: int, first_path: int, key: Key) -> None:
    """Independent normals of all markets and common factors for model steps 2 pair + 1 and 2 pair + 2."""
    for m in range(model.size):
        if model[m] != GIVEN:
            fill_normals(block.draws[m], first_path, pair, m, DIFFUSION, key)
    for f in range(block.common.shape[0]):
        fill_normals(block.common[f], first_path, pair, f, FACTOR, key)


@lane_kernel
def own_shocks(weights: Floats, zv: Normals, zx: Normals, variance: Normals, price: Normals) -> None:
    """Start the two shocks of a market with its own normals: a zv for the variance, b zv + c zx for the price."""
    a, b, c = np.float32(weights[0, 0]), np.float32(weights[1, 0]), np.float32(weights[1, 1])
    for lane in range(price.size):
        variance[lane] = a * zv[lane]
        price[lane] = b * zv[lane] + c * zx[lane]


@vector_part
def add_shocks(weights: Floats, z: Normals, y: Normals, variance: Normals, price: Normals) -> None:
    """Add to the two shocks what they take of two normals z and y: weights [2, 2], variance and price first.

    Both at once: a pass per normal is bound by loads and stores and took 1.4 times as long with 32 markets.
    """
    a, b = np.float32(weights[0, 0]), np.float32(weights[0, 1])
    c, d = np.float32(weights[1, 0]), np.float32(weights[1, 1])
    for lane in range(price.size):
        variance[lane] += a * z[lane] + b * y[lane]
        price[lane] += c * z[lane] + d * y[lane]


@lane_kernel
def correlate(models: Models, block: Block, m: int, odd: int) -> None:
    """Correlated shocks of market m in the even or odd step of a draw; zero weights cost nothing.

    The order variance 0, price 0, variance 1, ... makes the factor's rows of a market depend on the markets before it
    only, so adding a market leaves the paths of the others as they were. With common factors a market depends on them
    and on itself.
    """
    factor, loading, draws = models.cholesky, models.loading, block.draws
    v = 2 * m
    zv, zx = 2 * odd, 2 * odd + 1
    variance, price = block.shocks[0], block.shocks[1]
    own_shocks(factor[v : v + 2, v : v + 2], draws[m, zv], draws[m, zx], variance, price)
    for f in range(0, loading.shape[1], 2):
        add_shocks(loading[v : v + 2, f : f + 2], block.common[f // 2, zv], block.common[f // 2, zx], variance, price)
    if loading.shape[1] == 0:
        for other in range(m):
            weights = factor[v : v + 2, 2 * other : 2 * other + 2]
            if weights[0, 0] != 0.0 or weights[0, 1] != 0.0 or weights[1, 0] != 0.0 or weights[1, 1] != 0.0:
                add_shocks(weights, draws[other, zv], draws[other, zx], variance, price)


@lane_kernel
def stretch_of(shock_volatility: Floats, step: int, m: int) -> float:
    """Factor on the volatility of market m from model step ``step`` to the next."""
    return shock_volatility[step, m] if shock_volatility.shape[0] else 1.0


@lane_kernel
def shift(row: Floats, jump: float) -> None:
    """Add a deterministic jump to every lane."""
    for lane in range(row.size):
        row[lane] += jump


@lane_kernel
def lanes_of(models: Models, block: Block, counter: Counter) -> Lanes:
    """What the model of a market steps forward."""
    m = counter.market
    return Lanes(
        block.shocks[0],
        block.shocks[1],
        block.log_price[m],
        block.variance[m],
        block.work,
        block.own[m],
        block.memory[m],
        models.table[models.table_first[m] : models.table_first[m + 1]],
        counter,
    )


@lane_kernel
def step_markets(models: Models, block: Block, step: int, first_path: int, key: Key) -> None:
    """Diffusion and deterministic shocks of all markets in model step ``step`` (from 1)."""
    for m in range(models.model.size):
        if models.model[m] == GIVEN:
            block.coefficient[m, 0] = models.path[step, m] + block.shifted[m]
            block.coefficient[m, 1] = models.path_variance[step, m]
        else:
            correlate(models, block, m, (step - 1) % 2)
        stretch = stretch_of(models.shock_volatility, step - 1, m)
        lanes = lanes_of(models, block, Counter(step, m, first_path, key))
        advance(models.model[m], block.coefficient[m], block.drift[m], stretch, lanes)
        if models.shock_jump.shape[0] and models.shock_jump[step, m] != 0.0:
            block.shifted[m] += models.shock_jump[step, m]
            shift(block.log_price[m], models.shock_jump[step, m])


@lane_kernel
def step_jumps(
    sources: Sources,
    arrivals: Arrivals,
    tally: Tally,
    block: Block,
    step: int,
    dt: float,
    first_path: int,
    key: Key,
) -> None:
    """Arrivals of all sources within model step ``step``, and what their excited intensities call for."""
    for n in range(sources.rate.size):
        if sources.branching[n] > 0.0:
            compensate(sources, arrivals, n, dt, block.log_price)
        if arrivals.soonest[n] <= step * dt:
            strike_all(sources, arrivals, tally, n, step * dt, first_path, key, block.log_price, block.variance)


@lane_kernel
def hold(log_price: Floats, variance: Floats, factor: float, held_price: Floats, held_variance: Floats) -> None:
    """Keep back one check of one market; the variance told is never negative and includes volatility shocks."""
    for lane in range(held_price.size):
        now = variance[lane]
        held_price[lane] = log_price[lane]
        held_variance[lane] = factor * (now if now > 0.0 else 0.0)


@vector_part
def write_out(
    held_price: Floats, held_variance: Floats, place: int, rows: int, log_price: Floats, variance: Floats
) -> None:
    """Copy ``rows`` rows held back, [check and market, lane], to log_price[w, place:] and variance[w, place:]."""
    for w in range(log_price.shape[0]):
        price_out, variance_out = log_price[w, place : place + rows], variance[w, place : place + rows]
        for k in range(price_out.size):
            price_out[k] = held_price[k, w]
        for k in range(variance_out.size):
            variance_out[k] = held_variance[k, w]


@part
def start(models: Models, sources: Sources, block: Block, dt: float, first_path: int, key: Key) -> None:
    """Put every lane at the initial state; dt is the model step in years."""
    for m in range(models.model.size):
        coefficients(models.model[m], models.params[m], dt, block.coefficient[m])
        block.drift[m] = (models.drift[m] + compensator(sources, m)) * dt
        block.shifted[m] = 0.0
        fill(block.log_price[m], models.log_price[m])
        fill(block.variance[m], models.variance[m])
        begin(models.model[m], block.coefficient[m], lanes_of(models, block, Counter(0, m, first_path, key)))


@vector_part
def keep(models: Models, clock: Clock, block: Block, step: int, log_price: Floats, variance: Floats) -> None:
    """Hold the check that falls on a model step, and write out what is held when it is full or the last."""
    markets, lanes = block.log_price.shape
    check = step // clock.substeps
    held_price, held_variance = block.held[0], block.held[1]
    slots = held_price.shape[0] // markets
    slot = check % slots
    for m in range(markets):
        factor = stretch_of(models.shock_volatility, step, m) ** 2
        row = slot * markets + m
        hold(block.log_price[m], block.variance[m], factor, held_price[row, :lanes], held_variance[row, :lanes])
    if slot == slots - 1 or check == clock.checks:
        write_out(held_price, held_variance, (check - slot) * markets, (slot + 1) * markets, log_price, variance)


@vector_part
def follow(
    models: Models,
    clock: Clock,
    block: Block,
    sources: Sources,
    arrivals: Arrivals,
    tally: Tally,
    first_path: int,
    key: Key,
    out: tuple[Floats, Floats],
) -> None:
    """Take the lanes from the initial state to the end, writing log prices and variances [w, check and market]."""
    dt, steps, tilted = clock.dt / (clock.substeps * YEAR), clock.checks * clock.substeps, tally.law.size > 0
    for step in range(steps + 1):
        if step % 2 == 1:
            draw(models.model, block, step // 2, first_path, key)
        if step > 0:
            if tilted:
                lean_all(tally, block.draws, block.common, step, steps)
            step_markets(models, block, step, first_path, key)
            step_jumps(sources, arrivals, tally, block, step, dt, first_path, key)
        if step % clock.substeps == 0:
            if out[0].shape[1] > 0:
                keep(models, clock, block, step, out[0], out[1])
            if tilted and judge_lanes(tally, block.log_price, models.log_price):
                stop_over(sources, arrivals, tally, tally.tilt.level, step, step * dt, first_path, key)
    if tilted:
        stop_over(sources, arrivals, tally, -math.inf, steps, steps * dt, first_path, key)


@kernel
def _simulate(
    models: Models,
    clock: Clock,
    tilt: Tilt,
    seed: int,
    first_path: int,
    log_price: Floats,
    variance: Floats,
    tallies: Floats,
) -> None:
    """As :func:`simulate`; ``tallies`` has a row of :func:`rows_of` numbers per path, or none if nothing is tilted."""
    paths, checks, markets = log_price.shape
    lanes = min(LANES, max(1, (paths + LANE_QUANTUM - 1) // LANE_QUANTUM) * LANE_QUANTUM)
    block, sources, key = allocate(models, lanes), sources_of(models), split_seed(seed)
    tally = allocate_tally(tilt, lanes)
    price_rows = log_price.reshape((paths, checks * markets))
    variance_rows = variance.reshape((paths, checks * markets))
    for first in range(0, paths, lanes):
        last, path = min(paths, first + lanes), first_path + first
        start_tally(tally, path, clock.checks * clock.substeps)
        arrivals = start_jumps(sources, tally, lanes, path, key)
        start(models, sources, block, clock.dt / (clock.substeps * YEAR), path, key)
        out = price_rows[first:last], variance_rows[first:last]
        follow(models, clock, block, sources, arrivals, tally, path, key, out)
        write_tally(tally.rows, tallies[first:last])


def simulate(models: Models, clock: Clock, seed: int, first_path: int, log_price: Floats, variance: Floats) -> None:
    """Simulate paths first_path .. first_path + w - 1 of all markets.

    Parameters
    ----------
    models, clock
        The price models and the time grid.
    seed
        0 .. 2^63 - 1; the key of the random numbers.
    first_path
        Number of the path in row 0; a path's bytes depend on its number, not on w or on its row.
    log_price, variance
        [w, s, m] outputs; index 0 of s is the initial state. The variance is per year and never negative.
    """
    tilt = untilted(models.jump_rate.size, models.model.size)
    _simulate(models, clock, tilt, seed, first_path, log_price, variance, np.zeros((0, 0)))


def simulate_tilted(
    models: Models, clock: Clock, tilt: Tilt, seed: int, first_path: int, log_price: Floats, variance: Floats
) -> Floats:
    """As :func:`simulate`, each path under the law that ``tilt`` gives its number.

    Prices and variances without a check, [w, 0, m], are not written: tallies alone take no memory.

    Returns
    -------
    Floats
        [w, row] tally of every path; a path of law 0 has the bytes that :func:`simulate` gives it.
    """
    tallies = np.zeros((log_price.shape[0], rows_of(tilt)))
    _simulate(models, clock, tilt, seed, first_path, log_price, variance, tallies)
    return tallies
