"""Quantiles from special functions against those of scipy.stats."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from stress.sizing.distributions import beta_quantile, binomial_quantile, chi_square_quantile

PROBABILITY = st.floats(1e-9, 1.0 - 1e-9)


@given(PROBABILITY, st.integers(1, 10**6), st.floats(1e-6, 1.0 - 1e-6))
def test_binomial(probability: float, trials: int, share: float) -> None:
    assert binomial_quantile(probability, trials, share) == stats.binom.ppf(probability, trials, share)


@pytest.mark.parametrize("trials", [1, 2, 10, 1_000])
def test_binomial_at_its_steps(trials: int) -> None:
    """A probability that a whole number reaches to the last bit is met by that number, and one above it by the next."""
    for k in range(min(trials, 10)):
        reached = float(stats.binom.cdf(k, trials, 0.5))
        if 1e-9 < reached < 1.0 - 1e-9:
            assert binomial_quantile(reached * (1.0 - 1e-8), trials, 0.5) == k
            assert binomial_quantile(reached * (1.0 + 1e-8), trials, 0.5) == k + 1


@given(PROBABILITY, st.floats(0.5, 1e6), st.floats(0.5, 1e6))
def test_beta(probability: float, a: float, b: float) -> None:
    assert beta_quantile(probability, a, b) == pytest.approx(stats.beta.ppf(probability, a, b), rel=1e-9)


@given(PROBABILITY, st.floats(0.5, 1e4))
def test_chi_square(probability: float, degrees: float) -> None:
    assert chi_square_quantile(probability, degrees) == pytest.approx(stats.chi2.ppf(probability, degrees), rel=1e-9)
