"""What the paths of a run with importance sampling are worth, and whether their weights can be trusted.

Three things hold for paths drawn from a mixture that contains the scenario's own law with a share a (Hesterberg 1995,
Technometrics 37, 185-194): the mean of the weights is 1, no weight is larger than 1 / a, and the figures of a tail rest
on many paths and not on a few heavy ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from stress.sizing.estimate import Floats
from stress.sizing.quantiles import quantile_of
from stress.sizing.weights import Weights, ascending_with, kish
from stress.sizing.words import level, worth

if TYPE_CHECKING:
    from stress.store import Run

_ROUNDING = 1e-9
MOST_ERRORS = 3.0
"""Standard errors by which the mean weight may differ from 1: once in 370 runs by chance."""


@dataclass(frozen=True)
class TailWorth:
    """What the paths beyond a quantile of a loss know of it."""

    pool: str
    metric: str
    level: float
    beyond: int
    """Paths beyond the quantile."""
    kish: float
    """Equally weighted paths among them that give a mean of the same error."""
    plain: float
    """Paths of a plain run that know the probability beyond the quantile as well."""


@dataclass(frozen=True)
class Sampling:
    """The weights of a run."""

    components: tuple[int, ...]
    """Paths drawn from each law of the mixture; the first is the scenario's own."""
    mean: float
    """Mean weight, which is 1 but for chance."""
    error: float
    """Standard error of the mean weight."""
    largest: float
    allowed: float | None
    """Largest weight that the share of the scenario's own law allows; None without such paths."""
    effective: float
    """Equally weighted paths that give a mean of the same error (Kish)."""
    tails: tuple[TailWorth, ...]
    problems: tuple[str, ...]
    """Why the weights must not be trusted; empty where all conditions hold."""


def sampling_of(run: Run, losses: dict[tuple[str, str], Floats], levels: tuple[float, ...]) -> Sampling | None:
    """What the weights of a run are worth; None for a run without.

    Args:
        run: a complete run.
        losses: [w] by pool and metric.
        levels: of the quantiles beyond which the paths are counted.
    """
    if run.weights is None:
        return None
    ratios, component = run.weights, run.components
    weights = Weights(ratios)
    counts = () if component is None else tuple(np.bincount(component).tolist())
    shares = run.manifest.get("sampling", {}).get("shares") or [count / ratios.size for count in counts]
    allowed = 1.0 / shares[0] if counts and counts[0] else None
    mean, error = float(ratios.mean()), _error(ratios)
    largest = float(ratios.max())
    return Sampling(
        components=counts,
        mean=mean,
        error=error,
        largest=largest,
        allowed=allowed,
        effective=kish(ratios),
        tails=tuple(_tails(losses, levels, weights)),
        problems=tuple(_problems(mean, error, largest, allowed)),
    )


def weighing(sampling: Sampling) -> Iterator[str]:
    """The worth of the weights in lines for a reader."""
    drawn = f"{sampling.components[0]:,} paths from the scenario's own law; " if sampling.components else ""
    yield (
        f"{drawn}mean weight {sampling.mean:.4f} ± {sampling.error:.4f}, largest "
        f"{sampling.largest:.3g}; all paths are worth {worth(sampling.effective)} of equal weight"
    )
    for (pool, metric), tails in groupby(sampling.tails, key=lambda tail: (tail.pool, tail.metric)):
        plain = ", ".join(f"{worth(tail.plain)} beyond {level(tail.level)}" for tail in tails)
        yield f"for the {metric.replace('_', ' ')} of pool {pool} they are worth so many plain paths: {plain}"


def _error(ratios: Floats) -> float:
    return float(ratios.std(ddof=1)) / math.sqrt(ratios.size) if ratios.size > 1 else math.inf


def _problems(mean: float, error: float, largest: float, allowed: float | None) -> Iterator[str]:
    """Conditions that do not hold."""
    if abs(mean - 1.0) > MOST_ERRORS * error:
        yield (
            f"the mean weight is {mean:.4g} and not 1, {abs(mean - 1.0) / error:.1f} standard errors away: paths that "
            "count much were missed"
        )
    if allowed is None:
        yield "no path was drawn from the scenario's own law, so that nothing bounds the weights"
    elif largest > allowed * (1.0 + _ROUNDING):
        yield f"the largest weight is {largest:.4g}, more than the {allowed:.4g} that the mixture allows"


def _tails(losses: dict[tuple[str, str], Floats], levels: tuple[float, ...], weights: Weights) -> Iterator[TailWorth]:
    for (pool, metric), values in losses.items():
        ordered, ranked = ascending_with(np.maximum(values, 0.0), weights)
        if ranked is None:
            continue
        for at in levels:
            beyond = ordered > quantile_of(ordered, at, ranked)
            found = ranked.ratios[beyond]
            if found.size:
                yield TailWorth(pool, metric, at, found.size, kish(found), ranked.effective(beyond))
