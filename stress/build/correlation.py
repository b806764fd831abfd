"""Dependence of the price and variance shocks of all markets, repaired where it contradicts itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from stress.kernels.structs import Floats

EIGENVALUE_FLOOR = 1e-6
"""Least eigenvalue of a repaired matrix."""
TOLERANCE = 1e-10
"""Eigenvalues above minus this are rounding: perfect correlations are singular and meant."""


class Shocks(NamedTuple):
    """How the standard normals that drive the markets depend on each other."""

    rho: Floats
    """[m] correlation of each market's price with its own variance, as repaired."""
    cholesky: Floats
    """[2m, 2m] lower factor, ordered variance 0, price 0, variance 1, price 1, ..."""
    loading: Floats
    """[2m, f] loadings on common normals; (2m, 0) where a matrix says it all."""
    notes: tuple[str, ...] = ()
    """What a repair changed."""


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


def from_matrix(factors: Factors, matrix: Floats) -> Shocks:
    """Shocks by the matrix itself where it is a correlation matrix, else by the nearest one, with a note of it."""
    active = np.flatnonzero(_active(factors))
    part = matrix[np.ix_(active, active)]
    least = float(np.linalg.eigvalsh(part).min()) if len(active) else 1.0
    own = np.arange(len(factors.names)) * 2
    none = np.zeros((len(matrix), 0))
    if least >= -TOLERANCE:
        return Shocks(matrix[own, own + 1], lower_factor(matrix), none)
    repaired = matrix.copy()
    repaired[np.ix_(active, active)] = nearest_correlation(part)
    moved = np.abs(repaired - matrix)
    i, j = np.unravel_index(int(moved.argmax()), moved.shape)
    note = (
        f"The correlations of price and variance shocks contradict each other (least eigenvalue {least:.3g}) and were "
        f"replaced by the nearest possible ones (Higham 2002). The largest change: {_factor(factors, int(i))} with "
        f"{_factor(factors, int(j))} from {matrix[i, j]:.3f} to {repaired[i, j]:.3f}."
    )
    return Shocks(repaired[own, own + 1], lower_factor(repaired), none, (note,))


def from_factors(factors: Factors, price: Floats, variance: Floats, leverage: float | None) -> Shocks:
    """Shocks by one common factor F of the prices and one, G, of the variances.

    Z_price = a F + ..., Z_variance = b G + ..., corr(F, G) = r; what is left of the two in a market is independent of
    other markets, and correlated so that the whole has the market's rho, as far as it can.

    Parameters
    ----------
    factors
        Markets; loadings of normals that drive nothing do not count.
    price, variance
        [m] loadings a and b.
    leverage
        r; None for the one that leaves the least to the markets' own parts: sum a b rho / sum (a b)^2.
    """
    a = np.where(factors.has_price, price, 0.0)
    b = np.where(factors.has_variance, variance, 0.0)
    rho = np.where(np.logical_and(factors.has_price, factors.has_variance), factors.rho, 0.0)
    both = float(((a * b) ** 2).sum())
    if leverage is None:
        leverage = float(np.clip((a * b * rho).sum() / both, -1.0, 1.0)) if both > 0.0 else 0.0
    most = np.sqrt((1.0 - a**2) * (1.0 - b**2))
    rest = np.clip(rho - a * b * leverage, -most, most)
    loading, cholesky = np.zeros((2 * len(a), 2)), np.zeros((2 * len(a), 2 * len(a)))
    loading[0::2] = np.stack([b * leverage, b * np.sqrt(1.0 - leverage**2)], axis=1)
    loading[1::2, 0] = a
    for m in range(len(a)):
        block = np.array([[1.0 - b[m] ** 2, rest[m]], [rest[m], 1.0 - a[m] ** 2]])
        cholesky[2 * m : 2 * m + 2, 2 * m : 2 * m + 2] = lower_factor(block)
    kept = rest + a * b * leverage
    return Shocks(kept, cholesky, loading, tuple(_changed_rho(factors, rho, kept)))


def _changed_rho(factors: Factors, asked: Floats, kept: Floats) -> Iterator[str]:
    """A note where common factors leave no room for a market's own rho."""
    changed = np.flatnonzero(np.abs(asked - kept) > 1e-9)
    if len(changed):
        worst = int(changed[np.abs(asked - kept)[changed].argmax()])
        yield (
            f"The common factors leave no room for the rho of {len(changed)} markets, which was moved as little as "
            f"possible; the most for {factors.names[worst]}, from {asked[worst]:.3f} to {kept[worst]:.3f}."
        )


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
