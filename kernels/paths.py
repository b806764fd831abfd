"""Blocks of price paths: many paths side by side, one per lane."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .jit import kernel, lane_kernel
from .jumps import Arrivals, compensator, start_jumps, strike_all
from .models import COEFFICIENTS, GIVEN, YEAR, Lanes, advance, coefficients
from .philox import DIFFUSION, fill_normals, split_seed
from .structs import Clock, Floats, Models

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
    """State and scratch of the lanes, reused from block to block."""

    log_price: Floats
    """[m, lane] log price."""
    variance: Floats
    """[m, lane] variance per year; may be negative inside a scheme."""
    draws: Normals
    """[m, 4, lane] independent normals of two steps: variance and price of the even one, then of the odd one."""
    shocks: Normals
    """[2, lane] correlated normals of one market in one step: variance, price."""
    work: Floats
    """[2, lane] scratch of the models."""
    coefficient: Floats
    """[m, COEFFICIENTS] what each model keeps between steps."""
    drift: Floats
    """[m] drift of the log price per model step, jump compensator included."""
    shifted: Floats
    """[m] sum of the deterministic jumps so far; given prices start from it."""
    held_price: Floats
    """[CHECKS_HELD, m, lane] log prices not yet written out."""
    held_variance: Floats
    """[CHECKS_HELD, m, lane] their variances."""
    arrivals: Arrivals
    """The next jump of every source and lane."""


@kernel
def allocate(models: Models, lanes: int) -> Block:
    """Scratch of a block of ``lanes`` lanes."""
    m, n = models.model.size, models.jump_rate.size
    return Block(
        np.zeros((m, lanes)),
        np.zeros((m, lanes)),
        np.zeros((m, 4, lanes), np.float32),
        np.zeros((2, lanes), np.float32),
        np.zeros((2, lanes)),
        np.zeros((m, COEFFICIENTS)),
        np.zeros(m),
        np.zeros(m),
        np.zeros((CHECKS_HELD, m, lanes)),
        np.zeros((CHECKS_HELD, m, lanes)),
        Arrivals(np.zeros((n, lanes)), np.zeros((n, lanes), np.int64), np.zeros(n)),
    )


@kernel
def start(models: Models, block: Block, dt: float, first_path: int, key: Key) -> None:
    """Put every lane at the initial state; dt is the model step in years."""
    for m in range(models.model.size):
        coefficients(models.model[m], models.params[m], dt, block.coefficient[m])
        block.drift[m] = (models.drift[m] + compensator(models, m)) * dt
        block.shifted[m] = 0.0
        price, variance = block.log_price[m], block.variance[m]
        for lane in range(price.size):
            price[lane] = models.log_price[m]
            variance[lane] = models.variance[m]
    start_jumps(models, block.arrivals, first_path, key)


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
def shock_market(models: Models, block: Block, m: int, odd: int) -> None:
    """Correlated shocks of market m in the even or odd step of a draw; zero weights cost nothing.

    The order variance 0, price 0, variance 1, ... makes the factor's rows of a market depend on the markets before it
    only, so adding a market leaves the paths of the others as they were.
    """
    v, x = 2 * m, 2 * m + 1
    zv, zx = 2 * odd, 2 * odd + 1
    factor = models.cholesky
    variance, price = block.shocks[0], block.shocks[1]
    own_shocks(factor[v : v + 2, v : v + 2], block.draws[m, zv], block.draws[m, zx], variance, price)
    for q in range(2 * m):
        if factor[v, q] != 0.0 or factor[x, q] != 0.0:
            add_shocks(factor[v, q], factor[x, q], block.draws[q // 2, zv + q % 2], variance, price)


@lane_kernel
def draw(models: Models, block: Block, pair: int, first_path: int, key: Key) -> None:
    """Independent normals of all markets for model steps 2 pair and 2 pair + 1."""
    for m in range(models.model.size):
        if models.model[m] != GIVEN:
            fill_normals(block.draws[m], first_path, pair, m, DIFFUSION, key)


@lane_kernel
def follow_table(models: Models, block: Block, m: int, step: int) -> None:
    """Hand a given market the next entry of its table, moved by the shocks so far."""
    block.coefficient[m, 0] = models.path[step, m] + block.shifted[m]
    block.coefficient[m, 1] = models.path_variance[step, m]


@lane_kernel
def step_market(models: Models, block: Block, m: int, step: int) -> None:
    """Diffusion and deterministic shock of market m in model step ``step`` (from 1)."""
    if models.model[m] == GIVEN:
        follow_table(models, block, m, step)
    else:
        shock_market(models, block, m, (step - 1) % 2)
    stretch = models.shock_volatility[step - 1, m] if models.shock_volatility.shape[0] else 1.0
    price = block.log_price[m]
    lanes = Lanes(block.shocks[0], block.shocks[1], price, block.variance[m], block.work)
    advance(models.model[m], block.coefficient[m], block.drift[m], stretch, lanes)
    if models.shock_jump.shape[0] and models.shock_jump[step, m] != 0.0:
        block.shifted[m] += models.shock_jump[step, m]
        for lane in range(price.size):
            price[lane] += models.shock_jump[step, m]


@lane_kernel
def observe(models: Models, block: Block, slot: int, step: int) -> None:
    """Hold the state back as one check; the variance reported is never negative and includes volatility shocks."""
    for m in range(models.model.size):
        stretch = models.shock_volatility[step, m] if models.shock_volatility.shape[0] else 1.0
        factor = stretch * stretch
        x, v = block.log_price[m], block.variance[m]
        held_price, held_variance = block.held_price[slot, m], block.held_variance[slot, m]
        for lane in range(x.size):
            now = v[lane]
            held_price[lane] = x[lane]
            held_variance[lane] = factor * (now if now > 0.0 else 0.0)


@lane_kernel
def write_out(block: Block, count: int, first_check: int, log_price: Floats, variance: Floats) -> None:
    """Copy ``count`` held checks to log_price[w, s, m] and variance[w, s, m], path by path."""
    for w in range(log_price.shape[0]):
        price_row, variance_row = log_price[w], variance[w]
        for slot in range(count):
            for m in range(log_price.shape[2]):
                price_row[first_check + slot, m] = block.held_price[slot, m, w]
                variance_row[first_check + slot, m] = block.held_variance[slot, m, w]


@lane_kernel
def step_all(models: Models, block: Block, step: int, time: float, first_path: int, key: Key) -> None:
    """Model step ``step`` (from 1), which ends at ``time`` years: diffusion, deterministic shocks, then jumps."""
    if step % 2 == 1:
        draw(models, block, step // 2, first_path, key)
    for m in range(models.model.size):
        step_market(models, block, m, step)
    for n in range(models.jump_rate.size):
        if block.arrivals.soonest[n] <= time:
            strike_all(models, block.arrivals, n, time, first_path, key, block.log_price)


@kernel
def simulate_block(
    models: Models, clock: Clock, block: Block, key: Key, first_path: int, log_price: Floats, variance: Floats
) -> None:
    """Fill log_price[w, s, m] and variance[w, s, m] for at most as many paths as the block has lanes."""
    dt = clock.dt / (clock.substeps * YEAR)
    start(models, block, dt, first_path, key)
    held = 0
    for step in range(clock.checks * clock.substeps + 1):
        if step > 0:
            step_all(models, block, step, step * dt, first_path, key)
        if step % clock.substeps == 0:
            check = step // clock.substeps
            observe(models, block, held, step)
            held += 1
            if held == CHECKS_HELD or check == clock.checks:
                write_out(block, held, check + 1 - held, log_price, variance)
                held = 0


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
    lanes = min(LANES, (paths + LANE_QUANTUM - 1) // LANE_QUANTUM * LANE_QUANTUM)
    block = allocate(models, lanes)
    key = split_seed(seed)
    for first in range(0, paths, lanes):
        last = min(paths, first + lanes)
        simulate_block(models, clock, block, key, first_path + first, log_price[first:last], variance[first:last])
