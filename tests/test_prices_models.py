"""Laws and references of the price models: martingale, moments, European options."""

from __future__ import annotations

import math

import numpy as np
import pytest
import QuantLib as ql

from stress.kernels.models import GBM, HESTON_EULER, HESTON_QE, MODELS, YEAR
from stress.kernels.structs import Clock
from tests.price_paths import (
    BTC,
    DAY,
    SPOT,
    STEP,
    STRESSED,
    Floats,
    Heston,
    Jump,
    at_end,
    expected_variance,
    models_of,
    run,
    z_score,
)

RANDOM = list(STEP)
CRASHES = Jump(rate=60.0, mean=[-0.03], std=[0.05], probability=[1.0])
"""Forty times as many jumps as a day of a Deribit calibration has, so that a wrong compensator shows."""


def ids(number: int) -> str:
    return MODELS[number].name


def test_every_model_says_what_it_is() -> None:
    assert len({rule.name for rule in MODELS}) == len(MODELS)
    for rule in MODELS:
        assert rule.sentence.endswith(".")
        assert rule.source
        assert all(p.sentence.endswith(".") and p.unit for p in rule.parameters)


@pytest.mark.parametrize("heston", [BTC, STRESSED], ids=["btc", "stressed"])
@pytest.mark.parametrize("number", RANDOM, ids=ids)
@pytest.mark.parametrize("jumps", [(), (CRASHES,)], ids=["diffusion", "jumps"])
def test_price_is_a_martingale(number: int, heston: Heston, jumps: tuple[Jump, ...]) -> None:
    steps = int(DAY / STEP[number])
    prices, _ = at_end(models_of([number], [heston], jumps), DAY, steps, 40_000)
    assert abs(z_score(prices[:, 0], SPOT)) < 3.0


@pytest.mark.parametrize("number", RANDOM, ids=ids)
def test_drift_is_that_of_the_price(number: int) -> None:
    prices, _ = at_end(models_of([number], [BTC], (CRASHES,), drift=50.0), DAY, int(DAY / STEP[number]), 40_000)
    assert abs(z_score(prices[:, 0], SPOT * math.exp(50.0 / 365.0))) < 3.0


@pytest.mark.parametrize("heston", [BTC, STRESSED], ids=["btc", "stressed"])
@pytest.mark.parametrize("number", [HESTON_EULER, HESTON_QE], ids=ids)
def test_variance_has_its_mean_and_spread(number: int, heston: Heston) -> None:
    _, variance = at_end(models_of([number], [heston]), DAY, int(DAY / STEP[number]), 40_000)
    v = variance[:, 0]
    mean = expected_variance(heston, DAY)
    assert v.min() >= 0.0
    # One hour of QE and one minute of Euler keep the mean to 0.3 %.
    assert abs(v.mean() - mean) < 3.0 * v.std() / math.sqrt(len(v)) + 0.003 * mean
    decay = math.exp(-heston.kappa * DAY / YEAR)
    spread = heston.xi**2 / heston.kappa
    expected = heston.v0 * spread * decay * (1.0 - decay) + 0.5 * heston.theta * spread * (1.0 - decay) ** 2
    assert v.var() == pytest.approx(expected, rel=0.05)


def test_a_variance_that_is_mostly_zero_keeps_its_law() -> None:
    """It reverts within minutes and spreads seven times as wide as its mean, as in a crash: most draws are tails."""
    crash = Heston(0.115, 27_311.0, 2.007, 2_260.0, -0.417)
    log_price, variance = run(models_of([HESTON_QE], [crash]), Clock(24, 60, 3600.0), 40_000, seed=2)
    assert abs(z_score(np.exp(log_price[:, -1, 0]), SPOT)) < 3.0
    # Hourly values forget each other: a million draws of the stationary law.
    v = variance[:, 1:, 0].ravel()
    assert abs(z_score(v, crash.theta)) < 3.0
    assert v.var() == pytest.approx(crash.theta * crash.xi**2 / (2.0 * crash.kappa), rel=0.1)
    assert np.median(v) < 1e-3 * crash.theta


def test_gbm_is_lognormal() -> None:
    prices, variance = at_end(models_of([GBM], [BTC]), DAY, 24, 40_000)
    x = np.log(prices[:, 0] / SPOT)
    total = BTC.v0 / 365.0
    assert abs(z_score(x, -0.5 * total)) < 3.0
    assert x.var() == pytest.approx(total, rel=4.0 * math.sqrt(2.0 / len(x)))
    np.testing.assert_array_equal(variance, BTC.v0)


def test_price_and_variance_shocks_are_correlated() -> None:
    """Over one short step the correlation of the log return and the variance change is rho."""
    for number in (HESTON_EULER, HESTON_QE):
        prices, variance = at_end(models_of([number], [BTC]), 60.0, 1, 40_000)
        found = np.corrcoef(np.log(prices[:, 0]), variance[:, 0])[0, 1]
        assert found == pytest.approx(BTC.rho, abs=4.0 / math.sqrt(40_000)), MODELS[number].name


def test_a_variance_without_volatility_is_deterministic() -> None:
    still = Heston(0.2, 5.0, 0.4, 0.0, 0.0)
    for number in (HESTON_EULER, HESTON_QE):
        prices, variance = at_end(models_of([number], [still]), DAY, 24, 4_096)
        np.testing.assert_allclose(variance, expected_variance(still, DAY), rtol=5e-4)
        assert np.isfinite(prices).all()


def test_schemes_agree_on_common_random_numbers() -> None:
    """At one-minute steps the two schemes differ by far less than the sampling error of either."""
    puts = []
    for number in (HESTON_EULER, HESTON_QE):
        prices, _ = at_end(models_of([number], [BTC]), DAY, 1440, 20_000)
        puts.append(np.maximum(0.97 * SPOT - prices[:, 0], 0.0))
    assert np.mean(puts[0]) == pytest.approx(np.mean(puts[1]), rel=0.005)
    assert np.corrcoef(puts[0], puts[1])[0, 1] > 0.999


class Reference:
    """European options by QuantLib's analytic engines, without interest."""

    def __init__(self, number: int, h: Heston, jump: Jump | None, days: int) -> None:
        today = ql.Date(10, 10, 2025)
        ql.Settings.instance().evaluationDate = today
        self.expiry = ql.EuropeanExercise(today + days)
        flat = ql.YieldTermStructureHandle(ql.FlatForward(today, 0.0, ql.Actual365Fixed()))
        spot = ql.QuoteHandle(ql.SimpleQuote(SPOT))
        if number == GBM:
            level = ql.BlackConstantVol(today, ql.NullCalendar(), math.sqrt(h.v0), ql.Actual365Fixed())
            process = ql.BlackScholesMertonProcess(spot, flat, flat, ql.BlackVolTermStructureHandle(level))
            self.engine = ql.AnalyticEuropeanEngine(process)
        elif jump is None:
            model = ql.HestonModel(ql.HestonProcess(flat, flat, spot, *h))
            self.engine = ql.AnalyticHestonEngine(model, 1e-10, 100_000)
        else:
            process = ql.BatesProcess(flat, flat, spot, *h, jump.rate, jump.mean[0], jump.std[0])
            self.engine = ql.BatesEngine(ql.BatesModel(process), 192)

    def put(self, strike: float) -> float:
        """Price of a put."""
        option = ql.VanillaOption(ql.PlainVanillaPayoff(ql.Option.Put, strike), self.expiry)
        option.setPricingEngine(self.engine)
        return float(option.NPV())

    def below(self, strike: float) -> float:
        """Probability to end below the strike: the slope of the put."""
        width = 1e-3 * strike
        return (self.put(strike + width) - self.put(strike - width)) / (2.0 * width)


CASES = [
    pytest.param(GBM, BTC, None, 1, 24, id="gbm"),
    pytest.param(HESTON_EULER, BTC, None, 1, 1440, id="heston-euler-1min"),
    pytest.param(HESTON_EULER, STRESSED, None, 1, 1440, id="heston-euler-1min-stressed"),
    pytest.param(HESTON_QE, BTC, None, 7, 168, id="heston-qe-1h"),
    pytest.param(HESTON_QE, BTC, None, 30, 30, id="heston-qe-1d"),
    pytest.param(HESTON_EULER, BTC, CRASHES, 1, 1440, id="bates-euler-1min"),
    pytest.param(HESTON_QE, BTC, CRASHES, 7, 168, id="bates-qe-1h"),
]


@pytest.mark.parametrize(("number", "heston", "jump", "days", "steps"), CASES)
def test_puts_and_tail_probabilities_match_quantlib(
    number: int, heston: Heston, jump: Jump | None, days: int, steps: int
) -> None:
    reference = Reference(number, heston, jump, days)
    models = models_of([number], [heston], [jump] if jump else [])
    prices, _ = at_end(models, days * DAY, steps, 60_000)
    deviation = math.sqrt(expected_variance(heston, 0.0) * days / 365.0)
    for width in (-2.0, -1.0, 0.0, 1.0):
        strike = SPOT * math.exp(width * deviation)
        assert abs(z_score(np.maximum(strike - prices[:, 0], 0.0), reference.put(strike))) < 3.5, (width, "put")
        assert abs(z_score((prices[:, 0] < strike).astype(float), reference.below(strike))) < 3.5, (width, "digital")


# (v0, kappa, theta, xi, rho), interest, dividend, years, strike, call; figures printed in the literature.
LITERATURE = [
    pytest.param(Heston(0.04, 4.0, 0.25, 1.0, -0.5), 0.01, 0.02, 1.0, 100.0, 16.070154917, id="Lewis 2012"),
    pytest.param(Heston(0.04, 4.0, 0.25, 1.0, -0.5), 0.01, 0.02, 1.0, 120.0, 9.024913483, id="Lewis 2012 K120"),
    pytest.param(Heston(0.114, 2.58, 0.043, 1.0, -0.36), 0.0, 0.0, 1.0, 100.0, 9.0466501, id="von Sydow 2018"),
    pytest.param(Heston(0.0175, 1.5768, 0.0398, 0.5751, -0.5711), 0.0, 0.0, 1.0, 100.0, 5.785155, id="Fang 2008"),
    pytest.param(Heston(0.09, 4.0, 0.09, 0.4, 0.0), 0.0, 0.0, 0.5, 110.0, 4.680, id="Ball-Roma 1994"),
    pytest.param(Heston(0.09, 2.0, 0.09, 1.0, -0.3), 0.05, 0.0, 5.0, 100.0, 34.99975835, id="Broadie-Kaya 2006"),
    pytest.param(Heston(0.04, 0.5, 0.04, 1.0, -0.9), 0.0, 0.0, 10.0, 100.0, 13.08467014, id="Andersen 2008 case I"),
]


def call_z(h: Heston, rate: float, dividend: float, years: float, strike: float, value: float, paths: int) -> float:
    """Distance in standard errors of a call by QE steps of a day from a printed value."""
    models = models_of([HESTON_QE], [h], drift=rate - dividend)
    prices, _ = at_end(models, years * YEAR, math.ceil(365 * years), paths)
    return z_score(math.exp(-rate * years) * np.maximum(prices[:, 0] - strike, 0.0), value)


@pytest.mark.parametrize(("heston", "rate", "dividend", "years", "strike", "value"), LITERATURE)
def test_calls_match_the_literature(
    heston: Heston, rate: float, dividend: float, years: float, strike: float, value: float
) -> None:
    assert abs(call_z(heston, rate, dividend, years, strike, value, 20_000)) < 3.5


def test_bates_call_of_broadie_and_kaya() -> None:
    """Broadie & Kaya (2006), table 3: 20.1642."""
    h = Heston(0.008836, 3.99, 0.014, 0.27, -0.79)
    mean = math.log(1.0 - 0.12) - 0.5 * 0.15**2
    jump = Jump(rate=0.11, mean=[mean], std=[0.15], probability=[1.0])
    prices, _ = at_end(models_of([HESTON_QE], [h], [jump], drift=0.0319), 5.0 * YEAR, 5 * 365, 20_000)
    payoff = math.exp(-0.0319 * 5.0) * np.maximum(prices[:, 0] - 100.0, 0.0)
    assert abs(z_score(payoff, 20.1642)) < 3.5


def test_mean_variance_over_time() -> None:
    """E v_t at every check of a QE path, exact by construction."""
    paths = 20_000
    _, variance = run(models_of([HESTON_QE], [BTC]), Clock(30, 1, DAY), paths)
    expected: Floats = np.array([expected_variance(BTC, k * DAY) for k in range(31)])
    found = variance[:, :, 0]
    score = (found.mean(axis=0) - expected)[1:] / (found.std(axis=0)[1:] / math.sqrt(paths))
    assert np.abs(score).max() < 4.0
    np.testing.assert_array_equal(found[:, 0], BTC.v0)
