"""Laws and references of the models beyond Heston's: moments in closed form, published prices, recursions by hand."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from stress.build.rough import half_variances, kernel_exponentials, lag_weights
from stress.kernels.models import YEAR
from tests.market_models import EXAMPLES, GARCH, REGIMES, built, simulated
from tests.price_paths import DAY, Floats, run, z_score

BROADIE_KAYA = {"kappa": 3.46, "theta": 0.008, "xi": 0.14, "rho": -0.82, "v0": 0.007569}
BTC = {"kappa": 3.438955, "theta": 0.095675, "xi": 0.514601, "rho": -0.202938, "v0": 0.118918}
BTC_JUMPS = {"jump_rate": 1.184894, "jump_mean": -0.064701, "jump_std": 0.204992}
"""SVCJ calibrated to Deribit options of 2025-12-30 (Mahbub 2026)."""


def call(model: dict[str, Any], years: float, strike: float, paths: int, rate: float = 0.0) -> Floats:
    """Discounted payoffs of a call on a price of 100, with the price itself as a control variate."""
    days = max(1, math.ceil(365.0 * years))
    models, clock, _ = built({"A": {**model, "drift": rate}}, step="1d", checks=1, substeps=days)
    clock = clock._replace(dt=years * YEAR)
    prices = np.exp(run(models, clock, paths)[0][:, 1, 0])
    payoff = np.maximum(prices - strike, 0.0)
    slope = np.cov(payoff, prices)[0, 1] / prices.var()
    return np.asarray(math.exp(-rate * years) * (payoff - slope * (prices - 100.0 * math.exp(rate * years))))


def svcj_of_literature(p: dict[str, float]) -> dict[str, Any]:
    """Keys of a scenario from those of Broadie & Kaya (2006), whose mean jump is relative."""
    joint = p["rho_J"] * p["mu_v"]
    mean = math.log((1.0 + p["mu_bar"]) * (1.0 - joint)) - 0.5 * p["sigma_s"] ** 2
    heston = {"kappa": p["kappa"], "theta": p["theta"], "xi": p["sigma_v"], "rho": p["rho"], "v0": p["v0"]}
    jumps = {"jump_rate": p["lam"], "jump_mean": mean, "jump_std": p["sigma_s"]}
    return {"type": "svcj", **heston, **jumps, "variance_jump": p["mu_v"], "jump_slope": p["rho_J"]}


def test_svcj_call_of_broadie_and_kaya() -> None:
    """Broadie & Kaya (2006), Operations Research 54:217, table 4: 6.8619."""
    keys = {"sigma_v": 0.14, "lam": 0.47, "mu_bar": -0.1, "sigma_s": 1e-4, "mu_v": 0.05, "rho_J": -0.38}
    model = svcj_of_literature({**BROADIE_KAYA, **keys})
    assert abs(z_score(call(model, 1.0, 100.0, 40_000, rate=0.0319), 6.8619)) < 3.5


def test_svcj_moments_are_those_of_the_affine_law() -> None:
    """Thirty days of a calibration: E v in closed form, variance of the log price from its characteristic function."""
    model = {"type": "svcj", **BTC, **BTC_JUMPS, "variance_jump": 0.407451, "jump_slope": -0.073967}
    x, v = simulated(model, 40_000, step="1h", checks=1, substeps=720)
    assert abs(z_score(v[:, 1], 0.147761236179)) < 3.5
    centred = (x[:, 1] - x[:, 1].mean()) ** 2
    assert abs(z_score(x[:, 1], -0.00785309263805)) < 3.5
    assert abs(z_score(centred, 0.0163156365767)) < 3.5


# Haug (1998), The Complete Guide to Option Pricing Formulas, p. 9, as corrected in QuantLib's test suite: total
# volatility 25 %, interest 8 %; share of the variance from jumps, jumps per year, years, strike, call.
MERTON = [
    pytest.param(0.25, 1.0, 0.1, 80.0, 20.67, id="K80"),
    pytest.param(0.5, 1.0, 0.25, 100.0, 5.58, id="K100"),
    pytest.param(0.5, 5.0, 0.5, 100.0, 8.96, id="K100 5/y"),
    pytest.param(0.5, 10.0, 0.1, 100.0, 3.46, id="K100 10/y"),
]


def merton_of_haug(share: float, rate: float) -> dict[str, Any]:
    """Jumps of mean zero that have a share of a total variance of 0.0625."""
    spread = math.sqrt(share * 0.0625 / rate)
    jumps = {"jump_rate": rate, "jump_mean": -0.5 * spread**2, "jump_std": spread}
    return {"type": "merton", "volatility": math.sqrt((1.0 - share) * 0.0625), **jumps}


@pytest.mark.parametrize(("share", "jumps", "years", "strike", "value"), MERTON)
def test_merton_calls_of_haug(share: float, jumps: float, years: float, strike: float, value: float) -> None:
    found = call(merton_of_haug(share, jumps), years, strike, 40_000, rate=0.08)
    # Two decimals are printed.
    assert abs(found.mean() - value) < 3.5 * found.std() / 200.0 + 0.005


# Bayer, Ben Hammouda & Tempone (2020), Quantitative Finance 20:1457, table 4.1; Monte Carlo errors of 1e-4 there.
ROUGH = [
    pytest.param(0.07, -0.9, 1.9, 0.235**2, 1.0, 0.0791, id="set 1"),
    pytest.param(0.02, -0.7, 0.4, 0.1, 0.8, 0.2412, id="set 3"),
    pytest.param(0.02, -0.7, 0.4, 0.1, 1.2, 0.0570, id="set 4"),
]


@pytest.mark.parametrize(("hurst", "rho", "eta", "xi0", "strike", "value"), ROUGH)
def test_rough_bergomi_calls(hurst: float, rho: float, eta: float, xi0: float, strike: float, value: float) -> None:
    model = {"type": "rough_bergomi", "xi0": xi0, "eta": eta, "hurst": hurst, "rho": rho}
    found = call(model, 1.0, 100.0 * strike, 60_000) / 100.0
    assert abs(found.mean() - value) < 3.0 * math.hypot(found.std() / math.sqrt(len(found)), 1e-4)


@pytest.mark.slow
def test_every_printed_jump_diffusion_value(shared: Path) -> None:
    with (shared / "references" / "reference_values.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["origin"] == "literature"]
    scores = []
    for row in rows:
        p = json.loads(row["params"])
        if row["model"] == "Merton jump-diffusion" and "gamma" in p:
            model, rate, printed = merton_of_haug(p["gamma"], p["lam"]), 0.08, 0.005
        elif row["model"] == "SVCJ":
            model, rate, printed = svcj_of_literature(p), p["r"], 0.0
        else:
            continue
        found = call(model, p["T"], p["K"], 100_000, rate)
        scores.append((found.mean() - float(row["value"])) / math.hypot(found.std() / math.sqrt(len(found)), printed))
    assert len(scores) > 60
    assert np.abs(scores).max() < 4.0


def test_the_exponentials_carry_the_kernel() -> None:
    dt = 60.0 / YEAR
    for hurst, steps in ((0.07, 1440), (0.1, 30_000), (0.3, 100), (0.5, 10)):
        decays, weights = kernel_exponentials(hurst, dt, steps)
        lags = np.unique(np.geomspace(1.0, steps, 400).round())
        fitted = np.exp(np.log(decays)[None, :] * lags[:, None]) @ weights
        np.testing.assert_allclose(fitted, lag_weights(lags, hurst, dt), rtol=1e-3)
        assert len(decays) < 20


@pytest.mark.parametrize("hurst", [0.07, 0.25, 0.5])
def test_rough_variance_has_its_law(hurst: float) -> None:
    """log v is normal with variance eta^2 t^2H, and the mean of v is xi0 at every step."""
    model = {"type": "rough_bergomi", "xi0": 0.4, "eta": 1.2, "hurst": hurst, "rho": -0.3}
    _, v = simulated(model, 20_000, step="1h", checks=10, substeps=24)
    assert all(abs(z_score(v[:, check], 0.4)) < 4.0 for check in range(1, 11))
    years = np.arange(1, 11) * DAY / YEAR
    spread = 1.2 * years**hurst
    log_v = np.log(v[:, 1:] / 0.4)
    # The scheme's own variance is 1 % under eta^2 t^2H at the first steps.
    np.testing.assert_allclose(log_v.var(axis=0), spread**2, rtol=0.045)
    assert stats.kstest((log_v[:, -1] + 0.5 * spread[-1] ** 2) / spread[-1], "norm").pvalue > 1e-3
    if hurst == 0.5:
        increments = np.diff(log_v, axis=1)
        assert abs(np.corrcoef(increments[:, 2], increments[:, 3])[0, 1]) < 0.03


def test_the_scheme_keeps_the_variance_of_the_integral() -> None:
    dt, steps = 60.0 / YEAR, 1440
    for hurst in (0.05, 0.1, 0.3):
        decays, weights = kernel_exponentials(hurst, dt, steps)
        half = half_variances(hurst, 1.0, dt, decays, weights, steps)
        years = dt * np.arange(1, steps + 1)
        np.testing.assert_allclose(2.0 * half[1:], years ** (2.0 * hurst), rtol=0.02)
        assert half[0] == 0.0


def test_garch_bars_follow_the_recursion() -> None:
    """One step per bar: innovations recovered from the paths have the t law and the recursion the right variances."""
    model = EXAMPLES["garch"]
    x, v = simulated(model, 20_000, step="1h", checks=6, substeps=1)
    bar = 3600.0 / YEAR
    move = np.diff(x, axis=1) + 0.5 * v[:, 1:] * bar
    long_run = model["volatility"] ** 2 * bar
    h = np.full(len(x), long_run)
    for k in range(move.shape[1]):
        mixing = v[:, k + 1] * bar / h
        assert stats.kstest(2.0 / mixing, "chi2", args=(4.0,)).pvalue > 1e-4
        assert stats.kstest(math.sqrt(2.0) * move[:, k] / np.sqrt(h), "t", args=(4.0,)).pvalue > 1e-4
        weight = model["alpha"] + model["gamma"] * (move[:, k] < 0.0)
        h = (1.0 - 0.975) * long_run + weight * move[:, k] ** 2 + model["beta"] * h


def test_garch_keeps_its_long_run_variance_and_clusters() -> None:
    model = {**EXAMPLES["garch"], "nu": 8.0}
    x, v = simulated(model, 2_000, step="1h", checks=240, substeps=1)
    late = v[:, 120:].mean(axis=1)
    assert abs(z_score(late, model["volatility"] ** 2)) < 3.5
    squares = np.diff(x, axis=1) ** 2
    lagged = [np.corrcoef(squares[:, :-lag].ravel(), squares[:, lag:].ravel())[0, 1] for lag in (1, 10)]
    assert lagged[0] > 0.1
    assert lagged[0] > lagged[1] > 0.02


def test_garch_bars_have_their_law_at_any_step() -> None:
    """Ten minutes a step: the end of an hour is still a t innovation."""
    x, v = simulated(EXAMPLES["garch"], 20_000, step="10m", checks=1, substeps=6)
    bar = 3600.0 / YEAR
    move = x[:, 1] + 0.5 * v[:, 1] * bar
    assert stats.kstest(math.sqrt(2.0) * move / math.sqrt(0.64 * bar), "t", args=(4.0,)).pvalue > 1e-3


@pytest.fixture
def history(tmp_path: Path) -> tuple[dict[str, Any], Floats]:
    """A model that resamples 300 residuals, and the residuals."""
    z = np.random.default_rng(3).standard_t(5.0, 300)
    z = (z - z.mean()) / z.std()
    file = tmp_path / "z.csv"
    file.write_text("residual\n" + "\n".join(map(repr, z.tolist())) + "\n")
    return {"type": "garch", **GARCH, "innovations": "historical", "file": str(file)}, z


def test_history_is_resampled_row_by_row(history: tuple[dict[str, Any], Floats]) -> None:
    """The first bar moves by one of the residuals, evenly drawn, less the compensator of them all."""
    model, z = history
    x, _ = simulated(model, 20_000, step="1h", checks=1, substeps=1)
    deviation = math.sqrt(0.64 * 3600.0 / YEAR)
    compensator = math.log(np.mean(np.exp(deviation * z)))
    found = (x[:, 1] + compensator) / deviation
    distance = np.abs(found[:, None] - z[None, :])
    assert distance.min(axis=1).max() < 1e-6
    counts = np.bincount(distance.argmin(axis=1), minlength=len(z))
    assert stats.chisquare(counts).pvalue > 1e-3


def test_bars_of_history_end_the_same_at_any_step(history: tuple[dict[str, Any], Floats]) -> None:
    coarse, _ = simulated(history[0], 256, step="1h", checks=6, substeps=1)
    fine, variance = simulated(history[0], 256, step="10m", checks=6, substeps=6)
    np.testing.assert_allclose(fine, coarse, atol=1e-12)
    minutes, _ = simulated(history[0], 2_000, step="1m", checks=60, substeps=1)
    # Within the bar: quadratic variation (1 - 1/60) of the bridge's mean variance, and what the trend adds.
    bar = 0.64 * 3600.0 / YEAR
    assert (np.diff(minutes, axis=1) ** 2).sum(axis=1).mean() == pytest.approx(bar, rel=0.1)
    assert variance[:, 1:].mean() == pytest.approx(0.64, rel=0.2)


def test_markets_take_the_same_day_of_history(history: tuple[dict[str, Any], Floats]) -> None:
    models, clock, _ = built({"A": history[0], "B": EXAMPLES["gbm"], "C": history[0]}, step="1h", checks=6, substeps=1)
    log_price, _ = run(models, clock, 64)
    np.testing.assert_array_equal(log_price[:, :, 0], log_price[:, :, 2])


def test_regimes_last_and_follow_as_stated() -> None:
    """A cycle of three states: shares of time, and E v at every check by the generator's exponential."""
    states = [{"volatility": s, "duration": d} for s, d in ((0.3, "4h"), (0.9, "2h"), (2.0, "1h"))]
    cycle = [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
    model = {"type": "regime", "states": states, "transitions": cycle, "start": 0}
    _, v = simulated(model, 20_000, step="10m", checks=24, substeps=6)
    generator = np.diag([0.25, 0.5, 1.0]) @ (np.array(cycle) - np.eye(3))
    values, vectors = np.linalg.eig(generator)
    for check in (0, 1, 5, 24):
        law = (np.eye(3)[0] @ vectors @ np.diag(np.exp(values * check)) @ np.linalg.inv(vectors)).real
        found = [np.isclose(v[:, check], s**2).mean() for s in (0.3, 0.9, 2.0)]
        np.testing.assert_allclose(found, law, atol=4.0 * 0.5 / math.sqrt(len(v)))


def test_a_stationary_start_is_stationary() -> None:
    """The share of time in a state is its duration over the sum of all, where they follow each other in turn."""
    _, v = simulated({"type": "regime", "states": REGIMES}, 20_000)
    for check in (0, 3, 24):
        assert (v[:, check] > 1.0).mean() == pytest.approx(1.0 / 7.0, abs=4.0 * 0.35 / math.sqrt(len(v)))


def test_one_regime_is_constant_volatility() -> None:
    x, v = simulated({"type": "regime", "states": [{"volatility": 0.6, "duration": "forever"}], "start": 0}, 256)
    plain, _ = simulated(EXAMPLES["gbm"], 256)
    np.testing.assert_allclose(x, plain, atol=1e-12)
    np.testing.assert_allclose(v, 0.36)


def test_markets_of_one_chain_switch_together() -> None:
    calm = [{"volatility": 0.2, "duration": "6h"}, {"volatility": 1.0, "duration": "1h"}]
    named = [{"type": "regime", "states": states, "chain": "crisis"} for states in (REGIMES, calm)]
    alone = {"type": "regime", "states": REGIMES}
    models, clock, _ = built({"A": named[0], "B": named[1], "C": alone})
    _, v = run(models, clock, 2_000)
    stormy = v > np.array([1.0, 0.5, 1.0])
    np.testing.assert_array_equal(stormy[:, :, 0], stormy[:, :, 1])
    assert abs(np.corrcoef(stormy[:, -1, 0], stormy[:, -1, 2])[0, 1]) < 0.1
