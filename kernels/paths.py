"""Blocks of price paths: many paths side by side, one per lane."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .jit import kernel, lane_kernel
from .jumps import Arrivals, Sources, compensate, compensator, sources_of, start_jumps, strike_all
from .models import COEFFICIENTS, GIVEN, YEAR, Counter, Lanes, advance, begin, coefficients, rows
from .philox import DIFFUSION, FACTOR, fill_normals, split_seed
from .structs import Clock, Floats, Ints, Models

Key = tuple[np.uint32, np.uint32]
Normals = NDArray[np.float32]

LANE_QUANTUM = 64
"""Lanes are padded to a multiple of it, so that every lane runs through the vector body of every loop (16 float32
times an unroll of 4 in the widest registers) and a path has the same bits in any company."""
LANES = 256
"""Paths simulated together: 100 cost 20 % more time per path, 1000 no less."""
CHECKS_HELD = 8
"""Checks kept back before they are written out path by path: one cache line of float64 per path and market."""


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
    """[2, CHECKS_HELD, m, lane] log prices and variances not yet written out."""


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
        np.zeros(((models.loading.shape[1] + 1) // 2, 4, lanes), np.float32),
        np.zeros((markets, 4, lanes), np.float32),
        np.zeros((2, lanes), np.float32),
        np.zeros((2, lanes)),
        np.zeros((markets, most, lanes)),
        np.zeros((markets, COEFFICIENTS)),
        np.zeros(markets),
        np.zeros(markets),
        np.zeros((2, CHECKS_HELD, markets, lanes)),
    )


@kernel
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


@lane_kernel
def add_shocks(a: float, b: float, z: Normals, variance: Normals, price: Normals) -> None:
    """Add a z to the variance shock and b z to the price shock, z a normal of another market."""
    a32, b32 = np.float32(a), np.float32(b)
    for lane in range(price.size):
        variance[lane] += a32 * z[lane]
        price[lane] += b32 * z[lane]


@lane_kernel
def correlate(models: Models, block: Block, m: int, odd: int) -> None:
    """Correlated shocks of market m in the even or odd step of a draw; zero weights cost nothing.

    The order variance 0, price 0, variance 1, ... makes the factor's rows of a market depend on the markets before it
    only, so adding a market leaves the paths of the others as they were. With common factors a market depends on them
    and on itself.
    """
    factor, loading, draws = models.cholesky, models.loading, block.draws
    v, x = 2 * m, 2 * m + 1
    zv, zx = 2 * odd, 2 * odd + 1
    variance, price = block.shocks[0], block.shocks[1]
    own_shocks(factor[v : v + 2, v : v + 2], draws[m, zv], draws[m, zx], variance, price)
    for f in range(loading.shape[1]):
        add_shocks(loading[v, f], loading[x, f], block.common[f // 2, zv + f % 2], variance, price)
    if loading.shape[1] == 0:
        for q in range(2 * m):
            if factor[v, q] != 0.0 or factor[x, q] != 0.0:
                add_shocks(factor[v, q], factor[x, q], draws[q // 2, zv + q % 2], variance, price)


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
    sources: Sources, arrivals: Arrivals, block: Block, step: int, dt: float, first_path: int, key: Key
) -> None:
    """Arrivals of all sources within model step ``step``, and what their excited intensities call for."""
    for n in range(sources.rate.size):
        if sources.branching[n] > 0.0:
            compensate(sources, arrivals, n, dt, block.log_price)
        if arrivals.soonest[n] <= step * dt:
            strike_all(sources, arrivals, n, step * dt, first_path, key, block.log_price, block.variance)


@lane_kernel
def hold(log_price: Floats, variance: Floats, factor: float, held_price: Floats, held_variance: Floats) -> None:
    """Keep back one check of one market; the variance told is never negative and includes volatility shocks."""
    for lane in range(held_price.size):
        now = variance[lane]
        held_price[lane] = log_price[lane]
        held_variance[lane] = factor * (now if now > 0.0 else 0.0)


@lane_kernel
def write_out(held: Floats, count: int, first_check: int, log_price: Floats, variance: Floats) -> None:
    """Copy ``count`` checks held back to log_price[w, s, m] and variance[w, s, m], path by path."""
    held_price, held_variance = held[0], held[1]
    for w in range(log_price.shape[0]):
        price_row, variance_row = log_price[w], variance[w]
        for slot in range(count):
            for m in range(log_price.shape[2]):
                price_row[first_check + slot, m] = held_price[slot, m, w]
                variance_row[first_check + slot, m] = held_variance[slot, m, w]


@kernel
def start(models: Models, sources: Sources, block: Block, dt: float, first_path: int, key: Key) -> None:
    """Put every lane at the initial state; dt is the model step in years."""
    for m in range(models.model.size):
        coefficients(models.model[m], models.params[m], dt, block.coefficient[m])
        block.drift[m] = (models.drift[m] + compensator(sources, m)) * dt
        block.shifted[m] = 0.0
        fill(block.log_price[m], models.log_price[m])
        fill(block.variance[m], models.variance[m])
        begin(models.model[m], block.coefficient[m], lanes_of(models, block, Counter(0, m, first_path, key)))


@lane_kernel
def keep(models: Models, clock: Clock, block: Block, step: int, log_price: Floats, variance: Floats) -> None:
    """Hold the check that falls on a model step, and write out what is held when it is full or the last."""
    check = step // clock.substeps
    slot = check % CHECKS_HELD
    for m in range(models.model.size):
        factor = stretch_of(models.shock_volatility, step, m) ** 2
        held = block.held
        hold(block.log_price[m], block.variance[m], factor, held[0, slot, m], held[1, slot, m])
    if slot == CHECKS_HELD - 1 or check == clock.checks:
        write_out(block.held, slot + 1, check - slot, log_price, variance)


@kernel
def simulate_block(
    models: Models, clock: Clock, block: Block, key: Key, first_path: int, log_price: Floats, variance: Floats
) -> None:
    """Fill log_price[w, s, m] and variance[w, s, m] for at most as many paths as the block has lanes."""
    dt = clock.dt / (clock.substeps * YEAR)
    sources = sources_of(models)
    arrivals = start_jumps(sources, block.work.shape[1], first_path, key)
    start(models, sources, block, dt, first_path, key)
    for step in range(clock.checks * clock.substeps + 1):
        if step % 2 == 1:
            draw(models.model, block, step // 2, first_path, key)
        if step > 0:
            step_markets(models, block, step, first_path, key)
            step_jumps(sources, arrivals, block, step, dt, first_path, key)
        if step % clock.substeps == 0:
            keep(models, clock, block, step, log_price, variance)


@kernel
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
    paths = log_price.shape[0]
    lanes = min(LANES, max(1, (paths + LANE_QUANTUM - 1) // LANE_QUANTUM) * LANE_QUANTUM)
    block = allocate(models, lanes)
    key = split_seed(seed)
    for first in range(0, paths, lanes):
        last = min(paths, first + lanes)
        simulate_block(models, clock, block, key, first_path + first, log_price[first:last], variance[first:last])
