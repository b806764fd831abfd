"""The nearest correlation matrix and its factor."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stress.build.correlation import lower_factor, nearest_correlation


def test_example_of_higham() -> None:
    """Higham (2002), section 1: distance 0.5278 and off-diagonals 0.7607 and 0.1573."""
    matrix = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    nearest = nearest_correlation(matrix, floor=0.0)
    expected = np.array([[1.0, 0.7607, 0.1573], [0.7607, 1.0, 0.7607], [0.1573, 0.7607, 1.0]])
    np.testing.assert_allclose(nearest, expected, atol=5e-5)
    assert np.linalg.norm(nearest - matrix) == pytest.approx(0.5278, abs=5e-5)


@given(st.integers(2, 8), st.integers(0, 2**32 - 1))
def test_repaired_matrices_are_correlations_near_the_given_one(size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = np.tril(rng.uniform(-1.0, 1.0, (size, size)), -1)
    matrix = matrix + matrix.T + np.eye(size)
    nearest = nearest_correlation(matrix)
    np.testing.assert_array_equal(np.diag(nearest), 1.0)
    np.testing.assert_array_equal(nearest, nearest.T)
    assert np.linalg.eigvalsh(nearest).min() > 0.5e-6
    factor = lower_factor(nearest)
    np.testing.assert_allclose(factor @ factor.T, nearest, atol=1e-12)
    # No shrinkage towards the identity that is a correlation matrix comes closer.
    for share in np.linspace(0.0, 1.0, 21):
        shrunk = share * np.eye(size) + (1.0 - share) * matrix
        if np.linalg.eigvalsh(shrunk).min() >= 1e-6:
            assert np.linalg.norm(nearest - matrix) <= np.linalg.norm(shrunk - matrix) + 1e-6


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_factor_of_singular_matrices(size: int, rank: int, seed: int) -> None:
    loadings = np.random.default_rng(seed).standard_normal((size, min(rank, size)))
    loadings /= np.linalg.norm(loadings, axis=1, keepdims=True)
    matrix = loadings @ loadings.T
    factor = lower_factor(matrix)
    np.testing.assert_allclose(factor @ factor.T, matrix, atol=1e-5)
    np.testing.assert_array_equal(np.triu(factor, 1), 0.0)


def test_factor_of_independent_markets_is_exactly_sparse() -> None:
    """Rounding would cost a pass over all lanes for every pair of markets."""
    matrix = np.eye(6)
    matrix[0, 1] = matrix[1, 0] = -0.3
    matrix[4, 5] = matrix[5, 4] = 0.7
    factor = lower_factor(matrix)
    assert np.count_nonzero(factor) == 8
