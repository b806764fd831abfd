"""Common factors of prices and variances."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stress.build.correlation import Factors, from_factors
from stress.kernels.structs import Clock
from tests.market_models import EXAMPLES, HESTON, built
from tests.price_paths import Floats, run


def heston(rho: float) -> dict[str, Any]:
    return {"type": "heston", **HESTON, "rho": rho}


LOADINGS = {"market": {"A": 0.9, "B": 0.8}, "variance": {"A": 0.85, "B": 0.7}}


def correlation_of(models: Any, clock: Clock, paths: int = 40_000) -> Floats:
    """Correlation of the changes of a minute: variance 0, price 0, variance 1, ..."""
    log_price, variance = run(models, Clock(1, 1, 60.0), paths)
    changes = []
    for m in range(log_price.shape[2]):
        changes += [variance[:, 1, m] - variance[:, 0, m], log_price[:, 1, m] - log_price[:, 0, m]]
    return np.asarray(np.corrcoef(changes))


def test_markets_have_the_correlations_of_their_loadings() -> None:
    models, clock, notes = built({"A": heston(-0.3), "B": heston(-0.2)}, correlation={"factors": LOADINGS}, step="1m")
    assert notes == []
    found = correlation_of(models, clock)
    weights = np.array([0.9 * 0.85, 0.8 * 0.7])
    leverage = weights @ [-0.3, -0.2] / (weights @ weights)
    expected = np.array(
        [
            [1.0, -0.3, 0.85 * 0.7, 0.85 * 0.8 * leverage],
            [-0.3, 1.0, 0.9 * 0.7 * leverage, 0.9 * 0.8],
            [0.85 * 0.7, 0.9 * 0.7 * leverage, 1.0, -0.2],
            [0.85 * 0.8 * leverage, 0.9 * 0.8, -0.2, 1.0],
        ]
    )
    np.testing.assert_allclose(found, expected, atol=4.5 / math.sqrt(40_000))


def test_a_rho_without_room_is_moved_and_told() -> None:
    factors = {"market": {"A": 0.95, "B": 0.9}, "variance": {"A": 0.95, "B": 0.9}, "leverage": -0.1}
    models, _, notes = built({"A": heston(-0.9), "B": heston(-0.1)}, correlation={"factors": factors})
    assert len(notes) == 1
    assert "no room for the rho of 1 markets" in notes[0]
    assert "from -0.900 to -0.188" in notes[0]
    # The model's own rho is the one that is left, so that price and variance stay consistent in every scheme.
    assert models.params[0, 3] == pytest.approx(-0.1 * 0.95**2 - (1.0 - 0.95**2))
    assert models.params[1, 3] == pytest.approx(-0.1)


def test_markets_that_are_not_named_stay_alone() -> None:
    alone, clock, _ = built({"A": EXAMPLES["heston"]})
    factors = {"market": {"B": 0.9, "C": 0.8}}
    three = {"A": EXAMPLES["heston"], "B": EXAMPLES["gbm"], "C": EXAMPLES["garch"]}
    beside, _, _ = built(three, correlation={"factors": factors})
    np.testing.assert_array_equal(run(beside, clock, 64)[0][:, :, 0], run(alone, clock, 64)[0][:, :, 0])


def test_a_market_more_leaves_the_others_as_they_were() -> None:
    """Where the leverage is stated; by default it is a fit to all markets."""
    factors = {"market": {"A": 0.9}, "variance": {"A": 0.8}, "leverage": -0.4}
    more = {"market": {"A": 0.9, "B": 0.7}, "variance": {"A": 0.8, "B": 0.7}, "leverage": -0.4}
    one, clock, _ = built({"A": heston(-0.3)}, correlation={"factors": factors})
    two, _, _ = built({"A": heston(-0.3), "B": heston(0.0)}, correlation={"factors": more})
    np.testing.assert_array_equal(run(two, clock, 64)[0][:, :, 0], run(one, clock, 64)[0][:, :, 0])


@given(
    st.lists(
        st.tuples(st.floats(-1.0, 1.0), st.floats(-1.0, 1.0), st.floats(-1.0, 1.0), st.booleans()),
        min_size=1,
        max_size=6,
    ),
    st.one_of(st.none(), st.floats(-1.0, 1.0)),
)
def test_any_loadings_make_a_correlation_matrix(
    rows: list[tuple[float, float, float, bool]], leverage: float | None
) -> None:
    a, b, rho = (np.array([row[k] for row in rows]) for k in range(3))
    has_variance = [row[3] for row in rows]
    factors = Factors([str(m) for m in range(len(rows))], rho.tolist(), [True] * len(rows), has_variance)
    shocks = from_factors(factors, a, b, leverage)
    whole = np.hstack([shocks.loading, shocks.cholesky])
    matrix = whole @ whole.T
    np.testing.assert_allclose(np.diag(matrix), 1.0, atol=1e-9)
    np.testing.assert_allclose(np.diag(matrix, 1)[::2], shocks.rho, atol=1e-6)
    prices = matrix[1::2, 1::2]
    expected = np.outer(a, a)
    np.fill_diagonal(expected, 1.0)
    np.testing.assert_allclose(prices, expected, atol=1e-9)
    kept = np.abs(shocks.rho - np.where(has_variance, rho, 0.0)).max()
    assert bool(shocks.notes) == bool(kept > 1e-9)
