"""Correlation of the price and variance shocks of all markets, repaired where it cannot be one, and its factor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stress.kernels.structs import Floats

EIGENVALUE_FLOOR = 1e-6
"""Least eigenvalue of a repaired matrix."""
TOLERANCE = 1e-10
"""Eigenvalues above minus this are rounding: perfect correlations are singular and meant."""


class Shocks(NamedTuple):
    """Correlation of the standard normals that drive the markets."""

    matrix: Floats
    """[2m, 2m] correlation, ordered variance 0, price 0, variance 1, price 1, ..."""
    note: str | None
    """What the repair changed; None where nothing was."""


class Factors(NamedTuple):
    """What is known of the normals of each market."""

    names: Sequence[str]
    """[m] names of the markets."""
    rho: Sequence[float]
    """[m] correlation of a market's price with its own variance."""
    has_price: Sequence[bool]
    """[m] whether the price is random."""
    has_variance: Sequence[bool]
    """[m] whether the variance is random."""


def assemble(
    factors: Factors, prices: Floats | None, variances: Floats | None, price_variance: Floats | None
) -> Floats:
    """Interleave the blocks into one [2m, 2m] matrix.

    Parameters
    ----------
    factors
        Markets; normals that drive nothing get no correlation, so that they cannot spoil the matrix.
    prices, variances
        [m, m] correlations, identity where None.
    price_variance
        [m, m] price of the row with variance of the column; zero off the diagonal where None. The diagonal is rho.
    """
    m = len(factors.names)
    cross = np.zeros((m, m)) if price_variance is None else np.array(price_variance, dtype=np.float64)
    np.fill_diagonal(cross, factors.rho)
    matrix = np.eye(2 * m)
    matrix[0::2, 0::2] = np.eye(m) if variances is None else variances
    matrix[1::2, 1::2] = np.eye(m) if prices is None else prices
    matrix[1::2, 0::2] = cross
    matrix[0::2, 1::2] = cross.T
    idle = ~_active(factors)
    matrix[idle, :] = 0.0
    matrix[:, idle] = 0.0
    np.fill_diagonal(matrix, 1.0)
    return matrix


def _active(factors: Factors) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    active = np.empty(2 * len(factors.names), dtype=np.bool_)
    active[0::2] = factors.has_variance
    active[1::2] = factors.has_price
    return active


def nearest_correlation(matrix: Floats, floor: float = EIGENVALUE_FLOOR, tolerance: float = 1e-12) -> Floats:
    """Nearest correlation matrix in the Frobenius norm with eigenvalues of about ``floor`` or more.

    Alternating projections on the matrices of unit diagonal and on those with large enough eigenvalues, with Dykstra's
    correction (Higham 2002, IMA Journal of Numerical Analysis 22:329, algorithm 3.3).
    """
    nearest = np.array(matrix, dtype=np.float64)
    correction = np.zeros_like(nearest)
    for _ in range(10_000):
        shifted = nearest - correction
        values, vectors = np.linalg.eigh(shifted)
        definite = (vectors * np.maximum(values, floor)) @ vectors.T
        correction = definite - shifted
        before = nearest
        nearest = 0.5 * (definite + definite.T)
        np.fill_diagonal(nearest, 1.0)
        if np.linalg.norm(nearest - before) <= tolerance * np.linalg.norm(nearest):
            break
    return nearest


def settle(factors: Factors, matrix: Floats) -> Shocks:
    """The matrix itself where it is a correlation matrix, else the nearest one and a sentence that says so."""
    active = np.flatnonzero(_active(factors))
    part = matrix[np.ix_(active, active)]
    least = float(np.linalg.eigvalsh(part).min()) if len(active) else 1.0
    if least >= -TOLERANCE:
        return Shocks(matrix, None)
    repaired = matrix.copy()
    repaired[np.ix_(active, active)] = nearest_correlation(part)
    moved = np.abs(repaired - matrix)
    i, j = np.unravel_index(int(moved.argmax()), moved.shape)
    note = (
        f"The correlations of price and variance shocks contradict each other (least eigenvalue {least:.3g}) and were "
        f"replaced by the nearest possible ones (Higham 2002). The largest change: {_factor(factors, int(i))} with "
        f"{_factor(factors, int(j))} from {matrix[i, j]:.3f} to {repaired[i, j]:.3f}."
    )
    return Shocks(repaired, note)


def _factor(factors: Factors, index: int) -> str:
    return f"{'price' if index % 2 else 'variance'} of {factors.names[index // 2]}"


def lower_factor(matrix: Floats) -> Floats:
    """Lower triangular L with L L' = matrix, for semidefinite matrices too (a zero pivot leaves a zero column).

    Row by row, so that the rows of the first markets do not depend on the ones after them.
    """
    size = len(matrix)
    factor = np.zeros((size, size))
    for i in range(size):
        for j in range(i):
            if factor[j, j] > 0.0:
                rest = matrix[i, j] - factor[i, :j] @ factor[j, :j]
                factor[i, j] = rest / factor[j, j] if abs(rest) > 1e-15 else 0.0
        rest = matrix[i, i] - factor[i, :i] @ factor[i, :i]
        factor[i, i] = np.sqrt(rest) if rest > TOLERANCE else 0.0
    return factor
