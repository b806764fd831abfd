"""Speed of the price paths: ``python benchmarks/prices.py [--paths N] [--repeats N]``.

Prints million path-steps per second and core, every step stored, for each model with 1 to 8 markets, next to a
vectorised NumPy version of the same scheme and to QuantLib's path generator, all timed in the same run. Times are
processor time of the calling thread, so that other work on the machine counts little; the median of the repeats.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import QuantLib as ql
from numpy.typing import NDArray
from scipy.special import ndtr

from stress.kernels.models import GBM, HESTON_EULER, HESTON_QE, YEAR
from stress.kernels.paths import simulate
from stress.kernels.structs import Clock, Models

STEPS = 1440
DT = 60.0 / YEAR
V0, KAPPA, THETA, XI, RHO = 0.30, 12.0, 0.35, 2.5, -0.3
"""A Heston law in the range of calibrations to BTC options; per year."""
JUMPS_PER_YEAR, JUMP_MEAN, JUMP_STD = 20.0, -0.02, 0.04
PRICE_CORRELATION = 0.7
Paths = NDArray[np.float64]


class Case(NamedTuple):
    """A model and what it is compared with."""

    name: str
    number: int
    jumps: bool
    numpy: Callable[[int, np.random.Generator], Paths]
    quantlib: int | None


def models_of(number: int, markets: int, jumps: bool) -> Models:
    """Equal markets with correlated prices; with ``jumps`` each has its own source and all share one."""
    correlation = np.eye(2 * markets)
    correlation[1::2, 1::2] += PRICE_CORRELATION * (1.0 - np.eye(markets)) if markets > 1 else 0.0
    if number != GBM:
        # Every variance loads on all prices through its own: the matrix stays positive definite for any size.
        correlation[1::2, 0::2] = RHO * correlation[1::2, 1::2]
        correlation[0::2, 1::2] = correlation[1::2, 0::2].T
        correlation[0::2, 0::2] = RHO**2 * correlation[1::2, 1::2] + (1.0 - RHO**2) * np.eye(markets)
    touched = np.vstack([np.ones((1, markets)), np.eye(markets)]) if jumps else np.zeros((0, markets))
    none = np.zeros((0, markets))
    parameters = [V0, 0.0, 0.0, 0.0] if number == GBM else [KAPPA, THETA, XI, RHO]
    return Models(
        model=np.full(markets, number),
        params=np.array([parameters] * markets),
        log_price=np.full(markets, math.log(100.0)),
        variance=np.full(markets, V0),
        drift=np.zeros(markets),
        table=np.zeros(0),
        table_first=np.zeros(markets + 1, dtype=np.int64),
        cholesky=np.linalg.cholesky(correlation),
        loading=np.zeros((2 * markets, 0)),
        jump_rate=np.full(len(touched), JUMPS_PER_YEAR),
        jump_probability=touched,
        jump_mean=JUMP_MEAN * touched,
        jump_std=JUMP_STD * touched,
        jump_variance=0.0 * touched,
        jump_slope=0.0 * touched,
        jump_branching=np.zeros(len(touched)),
        jump_decay=np.ones(len(touched)),
        jump_correlation=np.zeros(len(touched)),
        jump_key=np.arange(len(touched)),
        path=none,
        path_variance=none,
        shock_jump=none,
        shock_volatility=none,
    )


def numpy_gbm(paths: int, generator: np.random.Generator) -> Paths:
    """Exact steps, one vector of paths at a time."""
    out = np.empty((STEPS + 1, paths))
    out[0] = math.log(100.0)
    scale, shift = np.float32(math.sqrt(V0 * DT)), -0.5 * V0 * DT
    for k in range(STEPS):
        np.add(out[k], shift + scale * generator.standard_normal(paths, dtype=np.float32), out=out[k + 1])
    return out


def numpy_euler(paths: int, generator: np.random.Generator) -> Paths:
    """Full truncation Euler with float32 normals and float64 state."""
    out = np.empty((STEPS + 1, paths))
    out[0] = math.log(100.0)
    v, rest, root_dt = np.full(paths, V0), math.sqrt(1.0 - RHO**2), math.sqrt(DT)
    for k in range(STEPS):
        zv, zx = generator.standard_normal((2, paths), dtype=np.float32)
        held = np.maximum(v, 0.0)
        root = np.sqrt(held) * root_dt
        np.add(out[k], root * (RHO * zv + rest * zx) - 0.5 * DT * held, out=out[k + 1])
        v += KAPPA * DT * (THETA - held) + XI * root * zv
    return out


def numpy_qe(paths: int, generator: np.random.Generator) -> Paths:
    """Andersen's quadratic-exponential scheme with masks for the exponential branch."""
    out = np.empty((STEPS + 1, paths))
    out[0] = math.log(100.0)
    v, decay = np.full(paths, V0), math.exp(-KAPPA * DT)
    slope, level = XI**2 * decay * (1.0 - decay) / KAPPA, THETA * XI**2 * (1.0 - decay) ** 2 / (2.0 * KAPPA)
    average = 0.5 * DT * (KAPPA * RHO / XI - 0.5)
    for k in range(STEPS):
        zv, zx = generator.standard_normal((2, paths), dtype=np.float32)
        mean = THETA * (1.0 - decay) + decay * v
        psi = (slope * v + level) / mean**2
        inverse = 2.0 / np.minimum(psi, 1.5)
        b2 = inverse - 1.0 + np.sqrt(inverse * (inverse - 1.0))
        following = mean / (1.0 + b2) * (np.sqrt(b2) + zv) ** 2
        high = psi > 1.5
        if high.any():
            mass = (psi[high] - 1.0) / (psi[high] + 1.0)
            upper = ndtr(-zv[high].astype(np.float64))
            tail = np.log((1.0 - mass) / upper) * mean[high] / (1.0 - mass)
            following[high] = np.where(upper < 1.0 - mass, tail, 0.0)
        total = v + following
        noise = np.sqrt(0.5 * DT * (1.0 - RHO**2) * total) * zx
        shift = -RHO * KAPPA * THETA * DT / XI + RHO / XI * (following - v) + average * total
        np.add(out[k], shift + noise, out=out[k + 1])
        v = following
    return out


CASES = (
    Case("gbm", GBM, False, numpy_gbm, None),
    Case("heston euler", HESTON_EULER, False, numpy_euler, ql.HestonProcess.FullTruncation),
    Case("heston qe", HESTON_QE, False, numpy_qe, ql.HestonProcess.QuadraticExponential),
    Case("bates euler", HESTON_EULER, True, numpy_euler, ql.HestonProcess.FullTruncation),
)


def quantlib_paths(scheme: int | None, paths: int) -> None:
    """Draw paths in C++ without fetching them; a Heston process by its scheme, Black-Scholes for None."""
    today = ql.Date(10, 10, 2025)
    ql.Settings.instance().evaluationDate = today
    flat = ql.YieldTermStructureHandle(ql.FlatForward(today, 0.0, ql.Actual365Fixed()))
    spot = ql.QuoteHandle(ql.SimpleQuote(100.0))
    factors = 1 if scheme is None else 2
    uniforms = ql.UniformRandomSequenceGenerator(STEPS * factors, ql.UniformRandomGenerator(42))
    normals = ql.GaussianRandomSequenceGenerator(uniforms)
    if scheme is None:
        level = ql.BlackConstantVol(today, ql.NullCalendar(), math.sqrt(V0), ql.Actual365Fixed())
        process = ql.BlackScholesMertonProcess(spot, flat, flat, ql.BlackVolTermStructureHandle(level))
        generator = ql.GaussianPathGenerator(process, STEPS * DT, STEPS, normals, False)
    else:
        process = ql.HestonProcess(flat, flat, spot, V0, KAPPA, THETA, XI, RHO, scheme)
        times = list(np.linspace(0.0, STEPS * DT, STEPS + 1))
        generator = ql.GaussianMultiPathGenerator(process, times[1:], normals, False)
    for _ in range(paths):
        generator.next()


def rate(action: Callable[[], object], path_steps: float, repeats: int) -> float:
    """Million path-steps per second of processor time, after one run to warm up."""
    action()
    seconds = []
    for _ in range(repeats):
        start = time.thread_time()
        action()
        seconds.append(time.thread_time() - start)
    return path_steps / statistics.median(seconds) / 1e6


def kernel_rate(case: Case, markets: int, paths: int, repeats: int) -> float:
    """Million path-steps per second of the kernel, over all markets."""
    models = models_of(case.number, markets, case.jumps)
    log_price = np.empty((paths, STEPS + 1, markets))
    variance = np.empty_like(log_price)
    clock = Clock(STEPS, 1, 60.0)
    action = lambda: simulate(models, clock, 1, 0, log_price, variance)  # noqa: E731
    return rate(action, float(paths * STEPS * markets), repeats)


def main() -> None:
    """Time everything and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paths", type=int, default=512, help="paths per timed call")
    parser.add_argument("--repeats", type=int, default=7, help="timed calls; the median counts")
    options = parser.parse_args()
    generator = np.random.Generator(np.random.SFC64(1))
    print(f"{options.paths} paths of {STEPS} one-minute steps, every step stored; M path-steps/s/core")
    titles = ("1 market", "2", "4", "8", "NumPy", "QuantLib", "x NumPy", "x QuantLib")
    widths = (10, 8, 8, 8, 9, 10, 9, 12)
    print(f"{'model':<14}" + "".join(f"{title:>{width}}" for title, width in zip(titles, widths, strict=True)))
    for case in CASES:
        own = [kernel_rate(case, markets, options.paths, options.repeats) for markets in (1, 2, 4, 8)]
        steps = float(options.paths * STEPS)
        peer = rate(lambda case=case: case.numpy(options.paths, generator), steps, options.repeats)  # type: ignore[misc]
        few = rate(lambda case=case: quantlib_paths(case.quantlib, 50), 50.0 * STEPS, options.repeats)  # type: ignore[misc]
        figures = (*own, peer, few, own[0] / peer, own[0] / few)
        row = "".join(f"{value:>{width}.1f}" for value, width in zip(figures, widths, strict=True))
        print(f"{case.name:<14}{row}", flush=True)
    print("Jumps are in the kernel's column of bates alone: the other two draw its diffusion only.")


if __name__ == "__main__":
    main()
