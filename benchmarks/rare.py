"""What importance sampling gains: ``python benchmarks/rare.py [--paths N] [--prices N] [--only TABLE]``.

First table: the loss of a first passage, max(0, barrier - lowest price) over a day of five-minute steps, in one market.
Second table: the 99.9 % quantile of losses after cascades: three markets with a common crash, then built-in scenarios.

A gain is the time plain sampling takes over that of importance sampling for the same standard error: the variance per
path under plain sampling over that under the laws, times the ratio of their times per path, both measured here, one
after the other on one thread, by the processor time of the process. With the pilot, its time counts as well: for an
error of 1 % in the first table, for a run of N paths in the second. The variance under plain sampling is taken from
the weighted sample, which knows it better; for a quantile it is that of the probability to exceed it, as the density at
the quantile is the same for both.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import stress
from stress import engine
from stress.build import build
from stress.build.prices import models_of
from stress.build.venue import clock_of
from stress.kernels.paths import LANES, simulate
from stress.kernels.tilt import FALL
from stress.sampling import with_laws
from stress.sampling.decide import decide
from stress.sampling.draw import draw
from stress.sampling.laws import frame_of, tilt_of
from stress.sampling.pilot import Found, Setting, search
from stress.scenario import load_scenario
from stress.scenario.run import Importance
from stress.scenario.schema import Scenario

Floats = NDArray[np.float64]
JUMPS = {"jump_rate": 1.184894, "jump_mean": -0.064701, "jump_std": 0.204992}
HESTON = {"kappa": 5.731788, "theta": 0.267392, "xi": 1.75515, "rho": -0.214405, "v0": 0.146301}
DIFFUSION = {"kappa": 3.438955, "theta": 0.095675, "xi": 0.514601, "rho": -0.202938, "v0": 0.118918}
MODELS: dict[str, dict[str, Any]] = {
    "gbm": {"type": "gbm", "volatility": 0.6},
    "heston": {"type": "heston", **HESTON, "scheme": "euler"},
    "merton": {"type": "merton", "volatility": 0.345, **JUMPS},
    "svcj": {
        "type": "svcj",
        **DIFFUSION,
        **JUMPS,
        "variance_jump": 0.407451,
        "jump_slope": -0.073967,
        "scheme": "euler",
    },
    "rough_bergomi": {"type": "rough_bergomi", "xi0": 0.36, "eta": 1.9, "hurst": 0.1, "rho": -0.3},
    "garch": {"type": "garch", "volatility": 0.6, "alpha": 0.1, "gamma": 0.05, "beta": 0.85, "interval": "1h"},
    "regime": {
        "type": "regime",
        "states": [{"volatility": 0.4, "duration": "5d"}, {"volatility": 2.0, "duration": "12h"}],
    },
}
"""heston and svcj as calibrated to options on Bitcoin of 2025-12-30 (Mahbub 2026)."""
PROBABILITIES = (1e-3, 1e-4, 1e-6)
CASCADES = ("minimal", "shared-fund", "two-pools", "oracle-attack", "black-thursday-2020", "october-2025")
TAIL = 1e-3
PILOT: int = Importance.model_fields["pilot_paths"].default
BLOCK = 8 * LANES
"""Paths of one call, about as many as a run takes."""
RELATIVE_ERROR = 0.01


class Timed(NamedTuple):
    """What a call gave, and the processor time it took, seconds."""

    value: Any
    seconds: float


def timed(call: Callable[[], Any]) -> Timed:
    """Call once, measured."""
    began = time.process_time()
    value = call()
    return Timed(value, time.process_time() - began)


class Sampled(NamedTuple):
    """One value per path, and the weight of each."""

    values: Floats
    weights: Floats

    @property
    def variance_ratio(self) -> float:
        """Variance of one path's value under plain sampling over that of the weighted value."""
        terms = self.weights * self.values
        mean = terms.mean()
        return float((np.mean(self.weights * self.values**2) - mean**2) / terms.var())

    @property
    def relative_variance(self) -> float:
        """Variance of one path's weighted value over the square of its mean."""
        terms = self.weights * self.values
        return float(terms.var() / terms.mean() ** 2)


def market(model: dict[str, Any]) -> tuple[Any, Any]:
    """Kernel inputs of one market over a day of five-minute steps."""
    scenario = Scenario.model_validate(
        {
            "format": 1,
            "name": "rare",
            "run": {"paths": 1, "horizon": "24h", "step": "5m"},
            "markets": {
                "A": {
                    "price": 100.0,
                    "model": model,
                    "liquidity": {"type": "power", "depth": "unlimited"},
                    "margin": {"tiers": [{"from": 0, "maintenance": 0.01}]},
                }
            },
            "pools": {
                "main": {
                    "book": {"synthetic": {"accounts": 1, "open_interest": {"A": 1_000}}},
                    "layers": [{"type": "insurance_fund", "capital": 1_000}],
                }
            },
        }
    )
    clock = clock_of(scenario)
    return models_of(scenario, clock, lambda path: ("benchmark", None, None))[0], clock


class Prices(NamedTuple):
    """As much of a plan as drawing prices takes."""

    models: Any
    venue: Any
    seed: int
    tilt: Any


class Grid(NamedTuple):
    """The time grid alone."""

    clock: Any


def lowest(plan: Prices, paths: int) -> tuple[Floats, Floats]:
    """Lowest log price of every path against the first, and the weights."""
    low, weights = np.empty(paths), np.ones(paths)
    log_price = np.empty((BLOCK, plan.venue.clock.checks + 1, 1))
    variance = np.empty_like(log_price)
    for first in range(0, paths, BLOCK):
        size = min(BLOCK, paths - first)
        found = draw(plan, first, log_price[:size], variance[:size])  # type: ignore[arg-type]
        low[first : first + size] = log_price[:size, :, 0].min(axis=1) - log_price[:size, 0, 0]
        if found is not None:
            weights[first : first + size] = found
    return low, weights


def first_passage(name: str, probability: float, paths: int) -> str:
    """One row of the first table."""
    models, clock = market(MODELS[name])
    score = np.zeros((4, 1))
    score[FALL] = 1.0
    setting = Setting(models, clock, frame_of(models), score, probability, 0.1, PILOT, 1)
    found: Found
    found, pilot = timed(lambda: search(setting))
    if not found.reached:
        return f"{name:<14}{probability:>9g}  the pilot does not find such falls: plain sampling"
    tilt = tilt_of(setting.frame, found.laws, score, found.level, 1)
    tilted, plain = (Prices(models, Grid(clock), 1, one) for one in (tilt, None))
    (low, weights), seconds = timed(lambda: lowest(tilted, paths))
    _, plain_seconds = timed(lambda: lowest(plain, paths))
    hit = Sampled((low <= -found.level).astype(np.float64), weights)
    loss = Sampled(np.maximum(math.exp(-found.level) - np.exp(low), 0.0), weights)
    cost = plain_seconds / seconds
    needed = loss.relative_variance / RELATIVE_ERROR**2
    plain_time = loss.variance_ratio * needed * plain_seconds / paths
    with_pilot = plain_time / (needed * seconds / paths + pilot)
    share = float((hit.values * weights).mean())
    return (
        f"{name:<14}{probability:>9g}{math.expm1(-found.level):>9.2%}{share:>11.3e}{hit.relative_variance:>9.2f}"
        f"{hit.variance_ratio:>11.4g}{loss.variance_ratio:>11.4g}{cost:>7.2f}{loss.variance_ratio * cost:>11.4g}"
        f"{with_pilot:>11.4g}"
    )


def prices(paths: int) -> None:
    """First passages of one market."""
    print(f"First passage within a day, {paths:,} paths; hit: the barrier is reached; loss: how far under it\n")
    print(
        f"{'model':<14}{'wanted':>9}{'barrier':>9}{'P(hit)':>11}{'rel.var':>9}{'hit, x':>11}{'loss, x':>11}{'cost':>7}"
        f"{'gain':>11}{'and pilot':>11}"
    )
    for name in MODELS:
        for probability in PROBABILITIES:
            print(first_passage(name, probability, paths), flush=True)
    print()


def losses(folder: Path, kind: str) -> Sampled:
    """Loss of every path over all pools, and the weights."""
    run = stress.load(folder)
    table = run.paths.groupby("path", sort=True)
    values = table[kind].sum().to_numpy(dtype=np.float64)
    weights = table["weight"].first().to_numpy() if "weight" in run.paths else np.ones(len(values))
    return Sampled(values, weights)


def beyond(sample: Sampled, probability: float) -> tuple[float, Sampled]:
    """Quantile of the loss, and who loses as much."""
    order = np.argsort(-sample.values, kind="stable")
    mass = np.cumsum(sample.weights[order]) / len(order)
    quantile = float(sample.values[order[min(int(np.searchsorted(mass, probability)), len(order) - 1)]])
    return quantile, Sampled((sample.values >= quantile).astype(np.float64), sample.weights)


def cascade(source: str | Path, paths: int) -> str:
    """One row of the second table."""
    sets = [f"run.sampling.probability={TAIL}"]
    plan = build(load_scenario(source, sets, paths=paths, tail=True))
    name = plan.loaded.scenario.name
    decision, pilot = timed(lambda: decide(plan))
    if decision.tilt is None:
        return f"{name:<21}{len(plan.market_names):>3}  {decision.reason}"
    plain_plan = build(load_scenario(source, ["run.sampling=plain"], paths=max(1_000, paths // 4), seed=plan.seed + 1))
    with tempfile.TemporaryDirectory() as folder:
        tail_folder, plain_folder = Path(folder) / "tail", Path(folder) / "plain"
        store_decision(plan, decision, tail_folder)
        seconds = timed(lambda: engine.run(plan, tail_folder, resume=True)).seconds
        plain_seconds = timed(lambda: engine.run(plain_plan, plain_folder)).seconds
        quantile, over = beyond(losses(tail_folder, "bad_debt"), TAIL)
        check = (losses(plain_folder, "bad_debt").values >= quantile).mean()
    cost = (plain_seconds / plain_plan.paths) / (seconds / paths)
    gain = over.variance_ratio * cost
    with_pilot = gain * seconds / (seconds + pilot)
    return (
        f"{name:<21}{len(plan.market_names):>3}{quantile:>14,.0f}{check:>9.2%}{over.variance_ratio:>10.1f}{cost:>7.2f}"
        f"{gain:>9.1f}{with_pilot:>11.1f}"
    )


def store_decision(plan: Any, decision: Any, folder: Path) -> None:
    """Begin the run with laws that are known, so that its time is that of its paths."""
    from stress import store
    from stress.provenance import Provenance

    folder.mkdir()
    store.write_json(folder / store.SAMPLING, decision.to_json())
    store.write_json(folder / store.IDENTITY, vars(Provenance.of(with_laws(plan, decision))))


def cascades(paths: int, only: str | None) -> None:
    """Quantiles of bad debt after cascades."""
    print(
        f"99.9 % quantile of bad debt, {paths:,} paths; plain: share of a quarter as many plain paths that reach it\n"
    )
    print(
        f"{'scenario':<21}{'m':>3}{'quantile':>14}{'plain':>9}{'variance':>10}{'cost':>7}{'gain':>9}{'and pilot':>11}"
    )
    for source in (Path(__file__).parent / "three-markets.yaml", *CASCADES):
        if only is None or only in str(source):
            print(cascade(source, paths), flush=True)


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prices", type=int, default=40_960, help="paths of the first table")
    parser.add_argument("--paths", type=int, default=20_000, help="paths of the second table")
    parser.add_argument("--scenario", help="one row of the second table")
    parser.add_argument("--only", choices=("prices", "cascades"), help="one of the tables")
    options = parser.parse_args()
    warm_up()
    if options.only != "cascades":
        prices(options.prices)
    if options.only != "prices":
        cascades(options.paths, options.scenario)


def warm_up() -> None:
    """Compile before anything is timed."""
    engine.warm()
    models, clock = market(MODELS["gbm"])
    out = np.empty((1, clock.checks + 1, 1))
    simulate(models, clock, 1, 0, out, out.copy())


if __name__ == "__main__":
    main()
