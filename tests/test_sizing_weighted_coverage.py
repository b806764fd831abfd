"""Intervals of weighted losses hold the truth as often as they claim, on heavy-tailed and zero-inflated losses."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from stress.sizing.estimate import Estimate, Floats
from stress.sizing.proportions import share_of
from stress.sizing.quantiles import value_at_risk
from stress.sizing.shortfall import expected_shortfall, mean_loss
from stress.sizing.weights import Weights, ascending_with

Law = Callable[[Floats], Floats]
"""Loss that is exceeded with a given probability [w]."""

PATHS = 2_000
LEVELS = (0.99, 0.999, 0.9999)

LAWS: dict[str, Law] = {
    "pareto-3": lambda beyond: np.asarray(beyond ** (-1.0 / 3.0) - 1.0),
    "pareto-1.8": lambda beyond: np.asarray(beyond ** (-1.0 / 1.8) - 1.0),
    "log-normal-1.5": lambda beyond: np.asarray(np.exp(1.5 * stats.norm.isf(beyond))),
    "pareto-2.2-zeros": lambda beyond: np.where(beyond < 0.03, (beyond / 0.03) ** (-1.0 / 2.2), 0.0),
}


def drawn(rng: np.random.Generator, law: Law, power: float) -> tuple[Floats, Weights | None]:
    """Ascending losses whose probabilities of being exceeded are uniform numbers, nine in ten raised to ``power``."""
    beyond = rng.random(PATHS)
    beyond = np.where(np.arange(PATHS) % 10 > 0, beyond**power, beyond)
    ratios = 1.0 / (0.1 + 0.9 / power * beyond ** (1.0 / power - 1.0))
    return ascending_with(law(beyond), Weights.of(ratios))


def mean_beyond(law: Law, level: float) -> float:
    """Expected shortfall by quadrature; level 0 is the mean. Nodes crowd where the losses are large."""
    at = (np.arange(1_000_000) + 0.5) / 1_000_000
    return float(np.mean(law((1.0 - level) * at**8) * 8.0 * at**7))


def covered(law: Law, power: float, repetitions: int) -> dict[str, float]:
    """Share of the intervals that hold the truth, by figure, of those that are given."""
    rng = np.random.default_rng(2026)
    truth = {f"VaR {level:g}": float(law(np.array([1.0 - level]))[0]) for level in LEVELS}
    truth |= {f"ES {level:g}": mean_beyond(law, level) for level in LEVELS}
    truth |= {"mean": mean_beyond(law, 0.0), "probability": 0.01}
    inside, given = dict.fromkeys(truth, 0), dict.fromkeys(truth, 0)
    for _ in range(repetitions):
        losses, weights = drawn(rng, law, power)
        found: dict[str, Estimate] = {
            f"VaR {level:g}": value_at_risk(losses, level, weights=weights) for level in LEVELS
        }
        found |= {f"ES {level:g}": expected_shortfall(losses, level, weights=weights) for level in LEVELS}
        found |= {"mean": mean_loss(losses, weights=weights)}
        found |= {"probability": share_of(losses > truth["VaR 0.99"], weights=weights)}
        for name, estimate in found.items():
            if estimate.low is not None:
                given[name] += 1
                inside[name] += estimate.low <= truth[name] <= (math.inf if estimate.high is None else estimate.high)
    assert min(given.values()) > 0.75 * repetitions
    return {name: inside[name] / given[name] for name in truth}


def test_weighted_intervals_cover_what_they_claim() -> None:
    # Three standard errors of 150 repetitions under 0.95.
    assert min(covered(LAWS["pareto-2.2-zeros"], 4.0, 150).values()) >= 0.95 - 3.0 * math.sqrt(0.95 * 0.05 / 150)


@pytest.mark.slow
@pytest.mark.parametrize("power", [2.0, 4.0])
@pytest.mark.parametrize("name", LAWS)
def test_weighted_intervals_cover_what_they_claim_in_full(name: str, power: float) -> None:
    found = covered(LAWS[name], power, 2_000)
    print(name, power, {figure: f"{share:.3f}" for figure, share in found.items()})
    assert all(0.93 <= share <= 0.985 for figure, share in found.items() if figure.startswith(("VaR", "prob")))
    assert all(share >= 0.92 for share in found.values())
