"""Price models made by hand and simulated, for the tests of the kernels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stress.kernels.models import GBM, HESTON_EULER, HESTON_QE, YEAR
from stress.kernels.paths import simulate
from stress.kernels.structs import Clock, Models

Floats = NDArray[np.float64]
DAY = 86_400.0
SPOT = 100.0


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


class Jump(NamedTuple):
    """One jump source over all markets."""

    rate: float
    mean: Sequence[float]
    std: Sequence[float]
    probability: Sequence[float]
    correlation: float = 0.0
    key: int = 1
    variance: Sequence[float] = ()
    slope: Sequence[float] = ()
    branching: float = 0.0
    decay: float = 1.0


def models_of(
    numbers: Sequence[int],
    heston: Sequence[Heston],
    jumps: Sequence[Jump] = (),
    correlation: Floats | None = None,
    drift: float = 0.0,
    **tables: Any,
) -> Models:
    """Models of markets at price 100; ``correlation`` [2m, 2m] is each market's own rho where not given.

    A gbm market has the volatility sqrt(v0).
    """
    m, n = len(numbers), len(jumps)
    if correlation is None:
        correlation = np.eye(2 * m)
        for i, (number, h) in enumerate(zip(numbers, heston, strict=True)):
            if number != GBM:
                correlation[2 * i, 2 * i + 1] = correlation[2 * i + 1, 2 * i] = h.rho
    none = np.zeros((0, m))
    fields: dict[str, Any] = dict.fromkeys(("path", "path_variance", "shock_jump", "shock_volatility"), none)
    fields |= {"table": np.zeros(0), "table_first": np.zeros(m + 1, dtype=np.int64), "loading": np.zeros((2 * m, 0))}
    fields |= tables
    return Models(
        model=np.array(numbers, dtype=np.int64),
        params=np.array(
            [
                [h.v0, 0.0, 0.0, 0.0] if number == GBM else [h.kappa, h.theta, h.xi, h.rho]
                for number, h in zip(numbers, heston, strict=True)
            ]
        ),
        log_price=np.full(m, math.log(SPOT)),
        variance=np.array([h.v0 for h in heston]),
        drift=np.full(m, drift),
        cholesky=np.linalg.cholesky(correlation),
        jump_rate=np.array([j.rate for j in jumps], dtype=np.float64),
        jump_probability=np.array([j.probability for j in jumps], dtype=np.float64).reshape(n, m),
        jump_mean=np.array([j.mean for j in jumps], dtype=np.float64).reshape(n, m),
        jump_std=np.array([j.std for j in jumps], dtype=np.float64).reshape(n, m),
        jump_variance=np.array([j.variance or [0.0] * m for j in jumps], dtype=np.float64).reshape(n, m),
        jump_slope=np.array([j.slope or [0.0] * m for j in jumps], dtype=np.float64).reshape(n, m),
        jump_branching=np.array([j.branching for j in jumps], dtype=np.float64),
        jump_decay=np.array([j.decay for j in jumps], dtype=np.float64),
        jump_correlation=np.array([j.correlation for j in jumps], dtype=np.float64),
        jump_key=np.array([j.key for j in jumps], dtype=np.int64),
        **fields,
    )


def run(models: Models, clock: Clock, paths: int, seed: int = 1, first: int = 0) -> tuple[Floats, Floats]:
    """Log prices and variances [w, s, m]."""
    log_price = np.full((paths, clock.checks + 1, len(models.model)), np.nan)
    variance = np.full_like(log_price, np.nan)
    simulate(models, clock, seed, first, log_price, variance)
    return log_price, variance


def at_end(models: Models, seconds: float, steps: int, paths: int, seed: int = 1) -> tuple[Floats, Floats]:
    """Prices and variances [w, m] at the end of ``steps`` model steps."""
    log_price, variance = run(models, Clock(1, steps, seconds), paths, seed)
    return np.exp(log_price[:, 1]), variance[:, 1]


def z_score(sample: Floats, expected: float) -> float:
    """Distance of the sample mean from its expectation in standard errors."""
    return float((sample.mean() - expected) / (sample.std(ddof=1) / math.sqrt(len(sample))))


def expected_variance(h: Heston, seconds: float) -> float:
    """E v_T of a square-root process (Cox, Ingersoll & Ross 1985)."""
    return h.theta + (h.v0 - h.theta) * math.exp(-h.kappa * seconds / YEAR)


STEP = {GBM: 3600.0, HESTON_EULER: 60.0, HESTON_QE: 3600.0}
"""Seconds per model step at which each model is tested."""
