"""Jumps that excite themselves, and jumps of the variance."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from stress.kernels.jumps import mark_of, sources_of, waiting_time
from stress.kernels.models import GBM, HESTON_EULER, YEAR
from stress.kernels.philox import split_seed
from stress.kernels.structs import Clock
from stress.kernels.tilt import NO_PACE, NO_TWIST
from tests.price_paths import BTC, DAY, SPOT, Floats, Heston, Jump, models_of, run, z_score

STILL = Heston(1e-12, 1.0, 1.0, 1.0, 0.0)
HOUR = 3600.0
HALF_LIFE = math.log(2.0) * YEAR / HOUR
"""Decay per year of an excitation with a half-life of an hour."""


def test_intervals_have_the_stated_intensity() -> None:
    """Time rescaled by the integral of the intensity is a Poisson process of rate one (Papangelou 1972)."""
    jump = Jump(rate=3_000.0, mean=[0.0], std=[0.0], probability=[1.0], branching=0.7, decay=HALF_LIFE)
    sources, key = sources_of(models_of([GBM], [STILL], [jump])), split_seed(5)
    passed = []
    for path in range(40):
        excess = 0.7 * 3_000.0
        for number in range(50):
            wait = waiting_time(sources, 0, excess, NO_PACE, path, number, key)
            fallen = math.exp(-HALF_LIFE * wait)
            passed.append(0.3 * 3_000.0 * wait + excess * (1.0 - fallen) / HALF_LIFE)
            excess = excess * fallen + 0.7 * HALF_LIFE
    assert stats.kstest(passed, "expon").pvalue > 1e-3
    assert abs(np.corrcoef(passed[:-1], passed[1:])[0, 1]) < 4.0 / math.sqrt(len(passed))


def jumped(jump: Jump, hours: int, paths: int) -> Floats:
    """Sum of the variance's jumps [w]: their mean is 1, so it counts arrivals on average."""
    models = models_of([HESTON_EULER], [Heston(1e-9, 1e-9, 1e-9, 0.0, 0.0)], [jump])
    _, variance = run(models, Clock(1, hours, hours * HOUR), paths)
    return np.asarray(variance[:, 1, 0])


@pytest.mark.parametrize("branching", [0.0, 0.6])
def test_the_long_run_rate_is_the_stated_one(branching: float) -> None:
    """From the first hour on; the spread is that of clusters: rate T ((1 - branching)^-2 + 1 for the sizes)."""
    jump = Jump(400.0, [0.0], [0.0], [1.0], 0.0, 1, [1.0], [0.0], branching, 6.0 * HALF_LIFE)
    first = jumped(jump, 1, 40_000)
    assert abs(z_score(first, 400.0 * HOUR / YEAR)) < 3.5
    month = jumped(jump, 720, 20_000)
    expected = 400.0 * 720.0 * HOUR / YEAR
    assert abs(z_score(month, expected)) < 3.5
    assert month.var() == pytest.approx(expected * ((1.0 - branching) ** -2 + 1.0), rel=0.06)


@pytest.mark.parametrize("substeps", [1, 24])
def test_excited_jumps_keep_the_price_a_martingale(substeps: int) -> None:
    jump = Jump(700.0, [-0.03, 0.05], [0.02, 0.01], [1.0, 0.4], 0.5, 1, [], [], 0.8, HALF_LIFE)
    models = models_of([GBM, GBM], [BTC, BTC], [jump], np.eye(4))
    log_price, _ = run(models, Clock(4, substeps, 21_600.0), 40_000)
    for m in range(2):
        for check in (1, 4):
            assert abs(z_score(np.exp(log_price[:, check, m]), SPOT)) < 3.5


def test_more_steps_do_not_move_excited_arrivals() -> None:
    """Prices at common times differ by the diffusion of the wait within a step alone, which is nil here."""
    jump = Jump(3_000.0, [-0.1], [0.05], [1.0], 0.0, 1, [], [], 0.7, HALF_LIFE)
    models = models_of([GBM], [STILL], [jump])
    coarse, _ = run(models, Clock(4, 1, DAY), 64)
    fine, _ = run(models, Clock(96, 1, HOUR), 64)
    np.testing.assert_allclose(fine[:, ::24], coarse, atol=1e-5)


def test_price_and_variance_jump_together() -> None:
    """Marks of Duffie, Pan & Singleton: V exponential, the price's jump normal around mean + slope V."""
    jump = Jump(1.0, [-0.05], [0.03], [1.0], 0.0, 1, [0.8], [-0.1])
    sources = sources_of(models_of([HESTON_EULER], [BTC], [jump]))
    marks = np.array([mark_of(sources, 0, 0, path, 0, split_seed(1), NO_TWIST)[:2] for path in range(4_000)])
    assert stats.kstest(marks[:, 1], "expon", args=(0.0, 0.8)).pvalue > 1e-3
    assert stats.kstest(marks[:, 0] + 0.1 * marks[:, 1], "norm", args=(-0.05, 0.03)).pvalue > 1e-3


def test_variance_falls_back_after_its_jumps() -> None:
    """E v_T = the mean of Heston's plus rate times the mean jump times (1 - exp(-kappa T)) / kappa."""
    jump = Jump(500.0, [0.0], [0.02], [1.0], 0.0, 1, [0.5], [-0.02])
    _, variance = run(models_of([HESTON_EULER], [BTC], [jump]), Clock(1, 288, 2.0 * DAY), 20_000)
    years = 2.0 * DAY / YEAR
    decay = math.exp(-BTC.kappa * years)
    expected = BTC.theta + (BTC.v0 - BTC.theta) * decay + 500.0 * 0.5 * (1.0 - decay) / BTC.kappa
    assert abs(z_score(variance[:, 1, 0], expected)) < 3.5
