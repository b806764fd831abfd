"""Speed of the price paths: ``python benchmarks/prices.py [--paths N] [--repeats N]``.

Prints four tables, all timed in one run on one thread: standard normals beside NumPy's generators; Heston beside a
vectorised NumPy version and QuantLib's path generator in C++; million path-steps per second for every model; many
markets by matrix and by common factors. Times are processor time of the calling thread, so that other work on the
machine counts little; the median of the repeats.
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import QuantLib as ql
from numpy.typing import NDArray
from scipy.special import ndtr

from stress.build.prices import models_of
from stress.build.venue import clock_of
from stress.kernels.models import YEAR
from stress.kernels.paths import LANES, simulate
from stress.kernels.philox import DIFFUSION, fill_normals, split_seed
from stress.kernels.structs import Clock, Models
from stress.scenario.schema import Scenario

STEPS = 1440
DT = 60.0 / YEAR
V0, KAPPA, THETA, XI, RHO = 0.30, 12.0, 0.35, 2.5, -0.3
"""A Heston law in the range of calibrations to BTC options; per year."""
HESTON = {"kappa": KAPPA, "theta": THETA, "xi": XI, "rho": RHO, "v0": V0}
JUMPS = {"jump_rate": 20.0, "jump_mean": -0.02, "jump_std": 0.04}
GARCH = {"type": "garch", "volatility": 0.6, "alpha": 0.1, "gamma": 0.05, "beta": 0.85}
STATES = [{"volatility": 0.4, "duration": "5d"}, {"volatility": 2.0, "duration": "12h"}]
Paths = NDArray[np.float64]

MODELS: dict[str, dict[str, Any]] = {
    "gbm": {"type": "gbm", "volatility": 0.6},
    "merton": {"type": "merton", "volatility": 0.6, **JUMPS},
    "heston, Euler": {"type": "heston", **HESTON, "scheme": "euler"},
    "heston, QE": {"type": "heston", **HESTON, "scheme": "qe"},
    "bates, Euler": {"type": "bates", **HESTON, **JUMPS, "scheme": "euler"},
    "bates, self-exciting": {
        "type": "bates",
        **HESTON,
        **JUMPS,
        "scheme": "euler",
        "self_excitation": {"branching": 0.5, "half_life": "2h"},
    },
    "svcj, Euler": {"type": "svcj", **HESTON, **JUMPS, "variance_jump": 0.5, "jump_slope": -0.05, "scheme": "euler"},
    "garch, bars of 1 h": {**GARCH, "interval": "1h"},
    "garch, bars of 1 min": {**GARCH, "interval": "1m"},
    "garch, history, 1 h": {**GARCH, "interval": "1h", "innovations": "historical"},
    "garch, history, 1 min": {**GARCH, "interval": "1m", "innovations": "historical"},
    "regime": {"type": "regime", "states": STATES},
    "rough_bergomi": {"type": "rough_bergomi", "xi0": 0.3, "eta": 1.9, "hurst": 0.1, "rho": -0.3},
}
"""Models of a scenario, by what the table calls them."""


def built(model: dict[str, Any], markets: int = 1, **sections: Any) -> Models:
    """Kernel inputs of equal markets over a day of minutes."""
    rest = {
        "liquidity": {"type": "power", "depth": "unlimited"},
        "margin": {"tiers": [{"from": 0, "maintenance": 0.01}]},
    }
    book = {"synthetic": {"accounts": 1, "open_interest": {"M0": 1_000}}}
    scenario = Scenario.model_validate(
        {
            "format": 1,
            "name": "prices",
            "run": {"paths": 1, "horizon": "24h", "step": "1m"},
            "markets": {f"M{m}": {"price": 100.0, "model": model, **rest} for m in range(markets)},
            "pools": {"main": {"book": book, "layers": [{"type": "insurance_fund", "capital": 1_000}]}},
            **sections,
        }
    )
    return models_of(scenario, clock_of(scenario), lambda path: ("benchmark", None, None))[0]


def by_matrix(markets: int) -> dict[str, Any]:
    """Every price and variance correlated with every other."""

    def equal(value: float, diagonal: float) -> list[list[float]]:
        return (value + (diagonal - value) * np.eye(markets)).tolist()

    return {"prices": equal(0.7, 1.0), "variances": equal(0.6, 1.0), "price_variance": equal(-0.2, 0.0)}


def by_factors(markets: int) -> dict[str, Any]:
    """Two common factors."""
    names = [f"M{m}" for m in range(markets)]
    return {"factors": {"market": dict.fromkeys(names, 0.84), "variance": dict.fromkeys(names, 0.77)}}


def numpy_euler(paths: int, generator: np.random.Generator) -> Paths:
    """Full truncation Euler with float32 normals and float64 state, one vector of paths at a time."""
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


def quantlib_paths(scheme: int, paths: int) -> None:
    """Draw Heston paths in C++ without fetching them."""
    today = ql.Date(10, 10, 2025)
    ql.Settings.instance().evaluationDate = today
    flat = ql.YieldTermStructureHandle(ql.FlatForward(today, 0.0, ql.Actual365Fixed()))
    uniforms = ql.UniformRandomSequenceGenerator(2 * STEPS, ql.UniformRandomGenerator(42))
    process = ql.HestonProcess(flat, flat, ql.QuoteHandle(ql.SimpleQuote(100.0)), V0, KAPPA, THETA, XI, RHO, scheme)
    times = list(np.linspace(0.0, STEPS * DT, STEPS + 1))
    generator = ql.GaussianMultiPathGenerator(process, times[1:], ql.GaussianRandomSequenceGenerator(uniforms), False)
    for _ in range(paths):
        generator.next()


class Timer(NamedTuple):
    """How often things are timed."""

    repeats: int

    def rate(self, action: Callable[[], object], count: float) -> float:
        """Millions of ``count`` per second of processor time, after one run to warm up."""
        action()
        seconds = []
        for _ in range(self.repeats):
            start = time.thread_time()
            action()
            seconds.append(time.thread_time() - start)
        return count / statistics.median(seconds) / 1e6

    def kernel(self, models: Models, paths: int, checks: int = STEPS) -> float:
        """Path-steps of all markets of a day of minutes, storing ``checks`` of them."""
        markets = len(models.model)
        log_price = np.empty((paths, checks + 1, markets))
        variance = np.empty_like(log_price)
        clock = Clock(checks, STEPS // checks, 60.0 * STEPS / checks)
        return self.rate(lambda: simulate(models, clock, 1, 0, log_price, variance), float(paths * STEPS * markets))


def normals(timer: Timer) -> None:
    """Single-precision normals, a block of lanes at a time."""
    out, key, count = np.empty((4, LANES), np.float32), split_seed(1), 2_000

    def own() -> None:
        for step in range(count):
            fill_normals(out, 0, step, 0, DIFFUSION, key)

    flat = np.empty(4 * LANES, np.float32)
    rates = {"ours": timer.rate(own, 4.0 * LANES * count)}
    for bits in (np.random.SFC64, np.random.PCG64, np.random.Philox):
        generator = np.random.Generator(bits(1))
        draw = lambda g=generator: [g.standard_normal(out=flat, dtype=np.float32) for _ in range(count)]  # noqa: E731
        rates[f"NumPy {bits.__name__}"] = timer.rate(draw, 4.0 * LANES * count)  # type: ignore[arg-type]
    best = max(value for name, value in rates.items() if name != "ours")
    shown = ", ".join(f"{name} {value:.0f}" for name, value in rates.items())
    print(f"Standard normals, M/s: {shown}; {rates['ours'] / best:.1f} times the fastest of NumPy\n")


def against_others(timer: Timer, paths: int) -> None:
    """Heston beside other implementations, with every step stored and with the last one alone."""
    generator = np.random.Generator(np.random.SFC64(1))
    process = ql.HestonProcess
    peers = (
        ("heston, Euler", numpy_euler, process.FullTruncation),
        ("heston, QE", numpy_qe, process.QuadraticExponentialMartingale),
    )
    print("Heston, M path-steps/s; QuantLib with full truncation and with QE-M")
    print(
        f"{'':<15}{'stored':>8}{'last':>8}{'NumPy':>8}{'QuantLib':>10}{'x NumPy':>9}{'x QuantLib':>12}{'last only':>11}"
    )
    for name, numpy_version, scheme in peers:
        models = built(MODELS[name])
        stored, last = timer.kernel(models, paths), timer.kernel(models, 2 * paths, 1)
        numpy_rate = timer.rate(lambda f=numpy_version: f(paths, generator), float(paths * STEPS))  # type: ignore[misc]
        ql_rate = timer.rate(lambda s=scheme: quantlib_paths(s, 50), 50.0 * STEPS)  # type: ignore[misc]
        print(
            f"{name:<15}{stored:>8.0f}{last:>8.0f}{numpy_rate:>8.1f}{ql_rate:>10.1f}{stored / numpy_rate:>9.1f}"
            f"{stored / ql_rate:>12.1f}{last / ql_rate:>11.1f}",
            flush=True,
        )
    print()


def every_model(timer: Timer, paths: int) -> None:
    """Each model alone."""
    print("Every model, M path-steps/s of one market, prices and variances of every step stored")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "residuals.csv"
        residuals = np.random.default_rng(1).standard_t(4.0, 1_500)
        residuals = (residuals - residuals.mean()) / residuals.std()
        file.write_text("residual\n" + "\n".join(map(repr, residuals.tolist())))
        for name, model in MODELS.items():
            keys = {**model, "file": str(file)} if model.get("innovations") == "historical" else model
            print(f"{name:<22}{timer.kernel(built(keys), paths):>6.0f}", flush=True)
    print()


def many_markets(timer: Timer, paths: int) -> None:
    """Heston markets side by side: what dependence costs."""
    print("Heston (Euler), M path-steps/s over all markets, one check in ten stored")
    print(f"{'markets':<9}{'independent':>12}{'matrix':>8}{'factors':>9}")
    for markets in (1, 2, 8, 32, 162):
        kinds = ({}, by_matrix(markets), by_factors(markets))
        found = []
        for kind in kinds:
            if markets > 32 and "prices" in kind:
                found.append("-")
                continue
            models = built(MODELS["heston, Euler"], markets, **({"correlation": kind} if kind else {}))
            found.append(f"{timer.kernel(models, max(LANES, paths // markets), STEPS // 10):.0f}")
        print(f"{markets:<9}{found[0]:>12}{found[1]:>8}{found[2]:>9}", flush=True)


def main() -> None:
    """Time everything and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paths", type=int, default=512, help="paths per timed call")
    parser.add_argument("--repeats", type=int, default=7, help="timed calls; the median counts")
    options = parser.parse_args()
    timer = Timer(options.repeats)
    normals(timer)
    against_others(timer, options.paths)
    every_model(timer, options.paths)
    many_markets(timer, options.paths)


if __name__ == "__main__":
    main()
