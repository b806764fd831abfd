"""What the step does to the tail: ``python benchmarks/convergence.py [--paths N]``, about ten minutes.

Prints two tables, both over one day. The first has the error of tail probabilities of Heston's schemes against step
size, beside the exact values of QuantLib's integral. The second has the probability of ever being seen under a level,
checked every so often, beside that of being under it at any time (the Brownian bridge between the finest steps), and
how far under it one is when first seen there.
"""

from __future__ import annotations

import argparse
import math
from typing import NamedTuple

import numpy as np
import QuantLib as ql
from numpy.typing import NDArray
from prices import built

from stress.kernels.models import YEAR
from stress.kernels.paths import simulate
from stress.kernels.structs import Clock, Models

DAY = 86_400
SPOT = 100.0
Floats = NDArray[np.float64]


class Heston(NamedTuple):
    """Parameters in the order of the literature; per year."""

    v0: float
    kappa: float
    theta: float
    xi: float
    rho: float


BTC = Heston(0.146301, 5.731788, 0.267392, 1.75515, -0.214405)
"""Calibrated to Deribit options of 2025-12-30 (Mahbub 2026)."""
STRESSED = Heston(0.01, 4.0, 0.25, 3.5, -0.5)
"""Starts far under its mean with a Feller ratio of 0.16: the variance is often at zero."""
CHUNK = 65_536
FINEST = 10
"""Seconds per step of the second table."""


class Share(NamedTuple):
    """A probability and its standard error."""

    value: float
    error: float


def models_of(h: Heston, scheme: str) -> Models:
    """One market of the model, stepped by the scheme."""
    return built({"type": "heston", **h._asdict(), "scheme": scheme})


def share(hits: int, paths: int) -> Share:
    """Of so many paths."""
    p = hits / paths
    return Share(p, math.sqrt(p * (1.0 - p) / paths))


def below(h: Heston, strike: float) -> float:
    """P(S < strike) after a day: the slope of the put, by QuantLib's analytic engine."""
    today = ql.Date(10, 10, 2025)
    ql.Settings.instance().evaluationDate = today
    flat = ql.YieldTermStructureHandle(ql.FlatForward(today, 0.0, ql.Actual365Fixed()))
    model = ql.HestonModel(ql.HestonProcess(flat, flat, ql.QuoteHandle(ql.SimpleQuote(SPOT)), *h))
    engine = ql.AnalyticHestonEngine(model, 1e-12, 1_000_000)

    def put(at: float) -> float:
        option = ql.VanillaOption(ql.PlainVanillaPayoff(ql.Option.Put, at), ql.EuropeanExercise(today + 1))
        option.setPricingEngine(engine)
        return float(option.NPV())

    width = 1e-3 * strike
    return (put(strike + width) - put(strike - width)) / (2.0 * width)


def tail(scheme: str, h: Heston, step: int, log_level: float, paths: int) -> Share:
    """P(log S / S0 < level) after a day in steps of so many seconds."""
    models, clock = models_of(h, scheme), Clock(1, DAY // step, float(DAY))
    out = np.empty((CHUNK, 2, 1)), np.empty((CHUNK, 2, 1))
    hits = 0
    for first in range(0, paths, CHUNK):
        simulate(models, clock, 1, first, *out)
        hits += int((out[0][:, 1, 0] < math.log(SPOT) + log_level).sum())
    return share(hits, math.ceil(paths / CHUNK) * CHUNK)


def schemes(paths: int) -> None:
    """Error of the tail against the step."""
    print("P(return of a day under -3.5 deviations; -2.33 where stressed), error in % (one standard error)")
    print(f"{'step':<8}{'BTC, Euler':>16}{'BTC, QE':>16}{'stressed, Euler':>18}{'stressed, QE':>16}")
    cases = [(BTC, 3.5), (STRESSED, 2.33)]
    levels = []
    for h, deviations in cases:
        mean = h.theta + (h.v0 - h.theta) * (1.0 - math.exp(-h.kappa / 365.0)) / (h.kappa / 365.0)
        level = -deviations * math.sqrt(mean / 365.0)
        levels.append((h, level, below(h, SPOT * math.exp(level))))
    for step in (60, 300, 1_800, 7_200, 86_400):
        cells = []
        for h, level, exact in levels:
            for scheme in ("euler", "qe"):
                found = tail(scheme, h, step, level, paths)
                cells.append(f"{100.0 * (found.value / exact - 1.0):+.1f} ({100.0 * found.error / exact:.1f})")
        print(f"{step / 60:<5g}min{cells[0]:>16}{cells[1]:>16}{cells[2]:>18}{cells[3]:>16}", flush=True)


def crossing(x: Floats, v: Floats, level: float, dt: float) -> Floats:
    """P(under the level at any time | the steps) of each path: 1 - prod(1 - exp(-2 a b / (v dt)))."""
    a, b = np.maximum(x[:, :-1] - level, 0.0), np.maximum(x[:, 1:] - level, 0.0)
    apart = -np.expm1(-2.0 * a * b / np.maximum(v[:, :-1] * dt, 1e-300))
    return np.asarray(1.0 - np.prod(np.where(a * b > 0.0, apart, 0.0), axis=1))


def passages(paths: int) -> None:
    """First passage against the time between checks, all on the same paths."""
    steps, dt = DAY // FINEST, FINEST / YEAR
    level, every = math.log(1.0 - 0.05), (3_600, 900, 300, 60, FINEST)
    models, clock = models_of(BTC, "euler"), Clock(steps, 1, float(FINEST))
    size = 256
    out = np.empty((size, steps + 1, 1)), np.empty((size, steps + 1, 1))
    seen, gap, ever = np.zeros(len(every)), np.zeros(len(every)), 0.0
    for first in range(0, paths, size):
        simulate(models, clock, 2, first, *out)
        x, v = out[0][:, :, 0] - math.log(SPOT), out[1][:, :, 0]
        ever += float(crossing(x, v, level, dt).sum())
        for k, seconds in enumerate(every):
            checked = x[:, :: seconds // FINEST]
            under = checked < level
            hit = under.any(axis=1)
            seen[k] += hit.sum()
            gap[k] += (level - checked[hit, under[hit].argmax(axis=1)]).sum()
    print("\nHeston (BTC), a fall of 5 % within a day: seen at checks, beside at any time")
    print(
        f"{'checks':<10}{'seen':>10}{'understated':>13}{'shifted level':>15}{'under it by':>13}{'0.5826 s dt^1/2':>17}"
    )
    volatility = math.sqrt(BTC.v0)
    for k, seconds in enumerate(every):
        shift = 0.5826 * volatility * math.sqrt(seconds / YEAR)
        print(
            f"{seconds:<5g}s    {seen[k] / paths:>10.5f}{100.0 * (1.0 - seen[k] / ever):>12.1f}%"
            f"{shifted(level, shift):>14.1f}%{1e4 * gap[k] / seen[k]:>10.1f} bp{1e4 * shift:>14.1f} bp"
        )
    print(f"any time  {ever / paths:>10.5f}")


def shifted(level: float, shift: float) -> float:
    """Understatement in % that a level moved away by ``shift`` would have: Broadie, Glasserman & Kou (1997).

    By the law of the lognormal price's minimum at the initial volatility.
    """
    deviation = math.sqrt(BTC.v0 / 365.0)
    tail_of = lambda at: math.erfc(-at / deviation / math.sqrt(2.0))  # noqa: E731
    return 100.0 * (1.0 - tail_of(level - shift) / tail_of(level))


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paths", type=int, default=4_000_000, help="paths per cell of the first table")
    options = parser.parse_args()
    schemes(options.paths)
    passages(options.paths // 40)


if __name__ == "__main__":
    main()
