"""Generalised Pareto tails: fits against SciPy, published figures, profile intervals against a search, coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special, stats

from stress.sizing import pareto
from stress.sizing.estimate import Floats, ascending
from stress.sizing.pareto import Pareto, fit, tail_of


def draw(shape: float, count: int = 400, scale: float = 2.0, seed: int = 1) -> Floats:
    """Ascending excesses of a known law."""
    rng = np.random.default_rng(seed)
    return np.sort(stats.genpareto.rvs(shape, scale=scale, size=count, random_state=rng))


def fitted(shape: float, count: int = 400, threshold: float = 10.0, share: float = 0.04) -> Pareto:
    tail = fit(draw(shape, count), threshold, share)
    assert tail is not None
    return tail


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.3, 0.7, 1.2])
def test_fit_is_that_of_scipy(shape: float) -> None:
    excesses = draw(shape)
    expected_shape, _, expected_scale = stats.genpareto.fit(excesses, floc=0.0)
    tail = fit(excesses, 10.0, 0.04)
    assert tail is not None
    assert tail.shape == pytest.approx(expected_shape, abs=2e-3)
    assert tail.scale == pytest.approx(expected_scale, rel=2e-3)
    mine = stats.genpareto.logpdf(excesses, tail.shape, scale=tail.scale).sum()
    assert mine >= stats.genpareto.logpdf(excesses, expected_shape, scale=expected_scale).sum() - 1e-6


@given(st.floats(0.01, 1e9), st.floats(-0.4, 1.5))
def test_fit_follows_the_currency(factor: float, shape: float) -> None:
    excesses = draw(shape, 60)
    plain, scaled = fit(excesses, 0.0, 0.1), fit(factor * excesses, 0.0, 0.1)
    assert plain is not None
    assert scaled is not None
    assert scaled.shape == pytest.approx(plain.shape, abs=1e-6)
    assert scaled.scale == pytest.approx(factor * plain.scale, rel=1e-6)


def test_published_figures_of_the_danish_fire_losses() -> None:
    """109 of 2,167 losses over 10 million kroner, shape 0.497, scale 6.98 (McNeil 1997, ASTIN Bulletin 27)."""
    tail = Pareto(10.0, 109 / 2167, 0.497, 6.98, np.ones(2), np.full(2, 0.5), 2.0)
    assert tail.quantile(0.99) == pytest.approx(27.3, abs=0.05)
    assert tail.shortfall(0.99) == pytest.approx(58.2, abs=0.1)


@pytest.mark.parametrize("shape", [-0.25, 1e-12, 0.4])
def test_quantile_and_shortfall_are_those_of_the_law(shape: float) -> None:
    tail = Pareto(10.0, 0.04, shape, 2.0, np.ones(2), np.full(2, 0.5), 2.0)
    law = stats.genpareto(shape, loc=10.0, scale=2.0)
    quantile = law.isf(0.001 / 0.04)
    assert tail.quantile(0.999) == pytest.approx(quantile, rel=1e-9)
    assert tail.shortfall(0.999) == pytest.approx(law.expect(lambda x: x, lb=quantile) / (0.001 / 0.04), rel=1e-6)
    assert tail.endpoint == pytest.approx(law.support()[1])


def test_shortfall_without_a_mean_is_infinite() -> None:
    assert Pareto(10.0, 0.04, 1.0, 2.0, np.ones(2), np.full(2, 0.5), 2.0).shortfall(0.99) == math.inf


@pytest.mark.parametrize("excesses", [[], [1.0], [2.0, 2.0, 2.0]])
def test_no_fit_to_what_does_not_differ(excesses: list[float]) -> None:
    assert fit(np.array(excesses), 1.0, 0.1) is None


def deviance(tail: Pareto, paths: int, level: float, quantile: float) -> float:
    """Twice the log likelihood lost by fixing value at risk, the other parameters found by SciPy's simplex search."""
    beyond = tail.excesses.size

    def loss(shape: float, scale: float, share: float) -> float:
        law = stats.genpareto.logpdf(tail.excesses, shape, scale=scale).sum()
        return -float(law + special.xlogy(beyond, share) + special.xlogy(paths - beyond, 1.0 - share))

    def fixed(x: Floats) -> float:
        share = special.expit(x[1])
        growth = math.expm1(x[0] * math.log(share / (1.0 - level))) / x[0]
        return loss(x[0], (quantile - tail.threshold) / growth, share) if growth > 0.0 else math.inf

    start = [tail.shape, special.logit(tail.share)]
    found = optimize.minimize(fixed, start, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-6})
    return 2.0 * (float(found.fun) - loss(tail.shape, tail.scale, tail.share))


@pytest.mark.parametrize("shape", [-0.2, 0.3, 0.6])
def test_ends_of_the_profile_interval_lose_what_they_should(shape: float) -> None:
    tail = fitted(shape)
    ends = pareto.quantile_interval(tail, 10_000, 0.999)
    assert [deviance(tail, 10_000, 0.999, end) for end in ends] == pytest.approx(
        [stats.chi2.ppf(0.95, 1)] * 2, rel=0.02
    )


@pytest.mark.parametrize("shape", [-0.2, 0.1, 0.6])
def test_shape_interval_is_close_to_the_asymptotic_one(shape: float) -> None:
    tail = fitted(shape, 4_000)
    # Smith (1987, Ann. Statist. 15): variance (1 + xi)^2 / k.
    half = 1.96 * (1.0 + shape) / math.sqrt(4_000)
    assert pareto.shape_interval(tail) == pytest.approx((tail.shape - half, tail.shape + half), abs=0.2 * half)


def test_intervals_hold_their_points_and_nest() -> None:
    tail = fitted(0.3)
    low, high = pareto.shortfall_interval(tail, 10_000, 0.999)
    assert low < tail.shortfall(0.999) < high
    wider = pareto.shortfall_interval(tail, 10_000, 0.999, 0.99)
    assert wider[0] < low
    assert high < wider[1]
    mean = tail.share * tail.scale / (1.0 - tail.shape)
    low, high = pareto.excess_interval(tail, 10_000)
    assert low < mean < high


def test_weights_of_one_change_nothing_and_double_weights_are_two_excesses() -> None:
    excesses = draw(0.3)
    plain, ones = fit(excesses, 1.0, 0.1), fit(excesses, 1.0, 0.1, np.ones(excesses.size))
    assert plain is not None
    assert ones is not None
    assert (ones.shape, ones.scale, ones.effective) == pytest.approx((plain.shape, plain.scale, 400.0))
    twice = np.where(np.arange(excesses.size) % 2, 2.0, 1.0)
    weighted, repeated = fit(excesses, 1.0, 0.1, twice), fit(np.repeat(excesses, twice.astype(int)), 1.0, 0.1)
    assert weighted is not None
    assert repeated is not None
    assert (weighted.shape, weighted.scale) == pytest.approx((repeated.shape, repeated.scale), rel=1e-6)


def covered(shape: float, repetitions: int) -> float:
    """Share of profile intervals of VaR99.9 that hold it; losses are 1 + a Pareto one in 4 % of 10,000 paths."""
    rng = np.random.default_rng(9)
    truth = 1.0 + float(stats.genpareto.isf(0.001 / 0.04, shape))
    inside = 0
    for _ in range(repetitions):
        hit = rng.random(10_000) < 0.04
        losses = np.where(hit, 1.0 + stats.genpareto.rvs(shape, size=10_000, random_state=rng), 0.0)
        tail = tail_of(ascending(losses), 200)
        assert tail is not None
        low, high = pareto.quantile_interval(tail, 10_000, 0.999)
        inside += low <= truth <= high
    return inside / repetitions


def test_profile_interval_covers_what_it_claims() -> None:
    # Three standard errors of 300 repetitions under 0.95.
    assert covered(0.3, 300) >= 0.91


@pytest.mark.slow
@pytest.mark.parametrize("shape", [-0.2, 0.0, 0.3, 0.6])
def test_profile_interval_covers_what_it_claims_in_full(shape: float) -> None:
    assert 0.93 <= covered(shape, 2_000) <= 0.98
