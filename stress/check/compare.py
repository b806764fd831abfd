"""Two runs with the statistics of checks: by how much has each figure moved, and is that more than chance?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from stress.check.limit import mean_terms, point
from stress.check.metrics import Sample, Statistic, read
from stress.check.regression import Comparison, resting_on, tail_above, tail_of
from stress.check.statistics import holm, least_tail
from stress.errors import NotComparable, UsageError
from stress.sizing.estimate import CONFIDENCE, LEAST_EXCEEDANCES, Floats
from stress.sizing.result import METRICS
from stress.sizing.shortfall import hall_interval

if TYPE_CHECKING:
    from stress.store import Run

TAIL = (1.0 - CONFIDENCE) / 2.0

HIGHER, LOWER, SAME, UNDECIDED, TOO_FEW = "higher", "lower", "the same", "not shown", "few paths"

_WORDS = ("title", "description", "assumptions", "checks")
"""Keys of a scenario that change no number."""

MEANS_PAIRED = "Hall's bounds of the mean difference of the paths"
MEANS_INDEPENDENT = "MOVER of Hall's bounds of both means"


@dataclass(frozen=True)
class Moved:
    """One figure in both runs."""

    pool: str
    label: str
    metric: str
    level: float | None
    probability: bool
    before: float | None
    after: float | None
    low: float | None = None
    high: float | None = None
    """Bounds of the change, together with 95 % confidence."""
    p_value: float | None = None
    """Of no change, adjusted for all figures; None where there is no number."""
    method: str = ""

    @property
    def verdict(self) -> str:
        """``higher``, ``lower`` or ``the same``; or a change is ``not shown``, or there are too few paths."""
        if self.p_value is None or self.before is None or self.after is None:
            return TOO_FEW
        if self.p_value > 1.0 - CONFIDENCE:
            return SAME if self.before == self.after and self.low == self.high == 0.0 else UNDECIDED
        return HIGHER if self.after > self.before else LOWER


@dataclass(frozen=True)
class Compared:
    """Everything that is said of two runs."""

    names: tuple[str, str]
    """Folders of the runs."""
    scenarios: tuple[str, str]
    paths: tuple[int, int]
    seeds: tuple[int, int]
    paired: bool
    same_numbers: bool
    """Whether the runs have the same random numbers; mixtures of importance sampling may still differ."""
    weighted: tuple[bool, bool]
    """Whether the paths of the runs have weights."""
    identical: bool
    """Whether every number of the runs is the same."""
    figures: tuple[Moved, ...]
    differences: tuple[tuple[str, str, str], ...]
    """Key of the scenario, value before and after."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        figures = [asdict(figure) | {"verdict": figure.verdict} for figure in self.figures]
        return asdict(self) | {"figures": figures}


def compare(before: Run, after: Run, levels: Sequence[float] | None = None) -> Compared:
    """Compare the losses and probabilities of the pools that both runs have.

    Paths of one number are paired where the runs have the same seed, even if their scenarios differ; with importance
    sampling where they have the same weights as well.

    :raises NotComparable: the runs have no pool in common.
    """
    first, second = before.manifest, after.manifest
    pools = [pool for pool in first["pools"] if pool in second["pools"]]
    if not pools:
        raise NotComparable(f"no pool in common: {', '.join(first['pools'])} against {', '.join(second['pools'])}")
    same_numbers = (first["seed"], first["stream_layout"]) == (second["seed"], second["stream_layout"])
    paired = same_numbers and _same_weights(before.weights, after.weights)
    chosen = tuple(before.scenario["sizing"]["levels"] if levels is None else levels)
    found = [moved for pool in pools for moved in _pool(before, after, pool, chosen, paired)]
    known = [moved for moved in found if moved.p_value is not None]
    adjusted = iter(holm([moved.p_value for moved in known if moved.p_value is not None]))
    figures = [replace(moved, p_value=next(adjusted)) if moved.p_value is not None else moved for moved in found]
    return Compared(
        names=(str(before.folder), str(after.folder)),
        scenarios=(first["scenario_name"], second["scenario_name"]),
        paths=(first["paths"], second["paths"]),
        seeds=(first["seed"], second["seed"]),
        paired=paired,
        same_numbers=same_numbers,
        weighted=(before.weights is not None, after.weights is not None),
        identical=first["content_hash"] == second["content_hash"],
        figures=tuple(figures),
        differences=tuple(scenario_differences(before.scenario, after.scenario)),
    )


def _same_weights(before: Floats | None, after: Floats | None) -> bool:
    """Whether the paths that both runs have weigh the same; 1 without weights."""
    common = min((weights.size for weights in (before, after) if weights is not None), default=0)
    first, second = (np.ones(common) if weights is None else weights[:common] for weights in (before, after))
    return bool(np.allclose(first, second, rtol=1e-9, atol=0.0))


def _pool(before: Run, after: Run, pool: str, levels: Sequence[float], paired: bool) -> Iterator[Moved]:
    for metric in METRICS:
        try:
            samples = [read(run, Statistic(metric, pool)) for run in (before, after)]
        except UsageError:  # a pool without a fund requires none
            continue
        old, new = (Sample(np.maximum(sample.values, 0.0), sample.weights) for sample in samples)
        yield _mean(Statistic(metric, pool), old, new, paired, 0.0)
        for level in levels:
            yield _quantile(Statistic(metric, pool, level), old, new, paired)
            yield _mean(Statistic(metric, pool, level), old, new, paired, level)
        yield _probability(Statistic(metric, pool, above=0.0), old, new, paired)


def _quantile(asked: Statistic, old: Sample, new: Sample, paired: bool) -> Moved:
    level = asked.level or 0.5
    moved = Moved(asked.pool, asked.label, asked.metric, level, False, None, None)
    if min(resting_on(old, level), resting_on(new, level)) < LEAST_EXCEEDANCES:
        return moved
    tail = tail_of(old, level)
    comparison = Comparison(tail, new, paired)
    change = comparison.quantile(0.0, TAIL)
    low, high = (None if end is None else end - tail.threshold for end in (change.low, change.high))
    if _equal(old, new, comparison.paired):
        low = high = 0.0
    p_value = min(1.0, 2.0 * min(change.worse, change.better))
    return replace(
        moved,
        before=point(asked, old),
        after=point(asked, new),
        low=low,
        high=high,
        p_value=p_value,
        method=change.method,
    )


def _equal(old: Sample, new: Sample, paired: bool) -> bool:
    """Whether all paths that both have lost the same."""
    common = min(old.paths, new.paths)
    return paired and bool((old.values[:common] == new.values[:common]).all())


def _probability(asked: Statistic, old: Sample, new: Sample, paired: bool) -> Moved:
    comparison = Comparison(tail_above(old, asked.above or 0.0), new, paired)
    change = comparison.share(0.0, TAIL)
    low, high = (None if end is None else end - comparison.before for end in (change.low, change.high))
    if _equal(old, new, comparison.paired):
        low = high = 0.0
    p_value = min(1.0, 2.0 * min(change.worse, change.better))
    return Moved(
        asked.pool,
        asked.label,
        asked.metric,
        None,
        True,
        point(asked, old),
        point(asked, new),
        low,
        high,
        p_value,
        change.method,
    )


def _mean(asked: Statistic, old: Sample, new: Sample, paired: bool, level: float) -> Moved:
    """Mean, or the mean beyond a level (expected shortfall), by the terms whose mean it is."""
    label = asked.label if level == 0.0 else asked.label.replace(asked.metric, f"{asked.metric} ES")
    moved = Moved(asked.pool, label, asked.metric, level or None, False, None, None)
    if level and min(resting_on(old, level), resting_on(new, level)) < LEAST_EXCEEDANCES:
        return moved
    terms = [mean_terms(sample, level) for sample in (old, new)]
    before, after = (float(values.mean()) for values in terms)
    if min(np.count_nonzero(sample.values) for sample in (old, new)) < LEAST_EXCEEDANCES:
        return replace(moved, before=before, after=after)
    interval = partial(_difference, terms[0], terms[1], paired)
    low, high = interval(TAIL)
    excluded = least_tail(lambda tail: not interval(tail)[0] <= 0.0 <= interval(tail)[1])
    method = MEANS_PAIRED if paired else MEANS_INDEPENDENT
    return replace(
        moved, before=before, after=after, low=low, high=high, p_value=min(1.0, 2.0 * excluded), method=method
    )


def _difference(before: Floats, after: Floats, paired: bool, tail: float) -> tuple[float, float]:
    """Bounds of the difference of two means, each missed with probability ``tail``."""
    confidence = 1.0 - 2.0 * tail
    if paired:
        common = min(before.size, after.size)
        terms = after[:common] - before[:common]
        return hall_interval(terms, float(terms.mean()), confidence)
    centre = float(after.mean() - before.mean())
    (low, high), (less, more) = (hall_interval(values, float(values.mean()), confidence) for values in (after, before))
    down = math.hypot(float(after.mean()) - low, more - float(before.mean()))
    up = math.hypot(high - float(after.mean()), float(before.mean()) - less)
    return centre - down, centre + up


def scenario_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Every value that two canonical scenarios do not share: key, before, after."""
    words = ("title", "description", "assumptions", "checks")
    first, second = (
        {key: value for key, value in scenario.items() if key not in words} for scenario in (before, after)
    )
    yield from _leaves("", first, second)


def _leaves(path: str, before: Any, after: Any) -> Iterator[tuple[str, str, str]]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            yield from _leaves(f"{path}.{key}" if path else str(key), before.get(key), after.get(key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _leaves(f"{path}.{number}", one, other)
    elif before != after:
        yield path, _shown(before), _shown(after)


def _shown(value: Any) -> str:
    """A value of a scenario, short."""
    if value is None:
        return "-"
    text = f"{value:,.10g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
