"""What a rule is about: a column of a run, read so that more is worse, and the statistic of it that is asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from stress import columns
from stress.errors import UsageError
from stress.scenario.checks import DEPLETION, Check
from stress.sizing.analysis import amount, first_fund
from stress.sizing.estimate import Floats
from stress.sizing.words import level as level_words
from stress.sizing.words import money
from stress.weights import Weights

if TYPE_CHECKING:
    from stress.store import Run

SUMS: dict[str, tuple[str, ...]] = {"unpaid": ("residual", "residual_open")}
"""Metrics that add columns."""

LOWER_IS_WORSE = frozenset({"fund_low", "fund_end", "first_decline_s", "first_liquidation_s", "first_adl_s"})

_UNITS = {column.name: column.unit for column in columns.PATHS.values}


def known_metrics() -> tuple[str, ...]:
    """Every metric that a rule may name."""
    return (*_UNITS, *SUMS, DEPLETION)


def suggestion(metric: str) -> str:
    """Why a metric is not one, with the nearest that is."""
    near = get_close_matches(metric, known_metrics(), n=1)
    return f"unknown metric {metric!r}" + (f"; did you mean {near[0]!r}?" if near else "")


@dataclass(frozen=True)
class Statistic:
    """One figure of one column: a quantile, the mean beyond one, the probability of more than an amount, the mean."""

    metric: str
    pool: str
    level: float | None = None
    above: float | None = None
    flipped: bool = False
    """True where less is worse: values are then read with the other sign, and a level counted from the other end."""
    shortfall: float | None = None
    """Level of the quantile beyond which the mean is asked for."""

    @property
    def averaged(self) -> bool:
        """Whether it is a mean, of all paths or of those beyond a quantile."""
        return self.level is None and self.above is None

    @property
    def money(self) -> bool:
        """Whether the metric is an amount of money."""
        return _UNITS.get(self.metric, columns.MONEY) == columns.MONEY

    @property
    def label(self) -> str:
        """``required_fund 99%``, ``P(bad_debt > $0)``."""
        if self.above is not None:
            return f"P({self.metric} > {self.words(self.above)})"
        if self.shortfall is not None:
            return f"{self.metric} ES {level_words(self.shortfall)}"
        return f"{self.metric} {'mean' if self.level is None else level_words(self.level)}"

    @property
    def tail_level(self) -> float:
        """Level of the quantile once more is worse."""
        level = self.shortfall if self.level is None else self.level
        if level is None:
            raise ValueError("a mean has no level")
        return 1.0 - level if self.flipped else level

    def words(self, value: float | None) -> str:
        """An amount of the metric for people."""
        if value is None:
            return "n/a"
        if math.isinf(value):
            return "never"
        return money(value) if self.money else f"{value:,.6g}"


def statistic(check: Check, run: Run) -> Statistic:
    """What a limit or regression is about, for the pools and the fund of a run."""
    pool = run.manifest["pools"][0] if check.pool is None else check.pool
    if check.metric == DEPLETION:
        return Statistic("required_fund", pool, above=capital(run, pool))
    metric = check.metric or ""
    way = check.worse or ("lower" if metric in LOWER_IS_WORSE else "higher")
    return Statistic(metric, pool, check.level, check.above, way == "lower" and not check.mean, check.shortfall)


def capital(run: Run, pool: str) -> float:
    """Capital of a pool's first fund; infinite where it is unlimited, and so never depleted.

    :raises UsageError: the pool has no fund.
    """
    try:
        return amount(first_fund(run.scenario["pools"][pool])["capital"])
    except LookupError:
        raise UsageError(f"pool {pool} has neither fund nor vault that could be depleted") from None


@dataclass(frozen=True)
class Sample:
    """One column of a run in path order, more being worse."""

    values: Floats
    """[w]"""
    weights: Floats | None = None
    """[w] likelihood ratios; None where all paths count alike."""

    def first(self, paths: int) -> Sample:
        """The first so many paths, which are a sample of their own."""
        return Sample(self.values[:paths], None if self.weights is None else self.weights[:paths])

    @property
    def paths(self) -> int:
        """Number of paths."""
        return int(self.values.size)

    def terms(self, values: Floats) -> Floats:
        """[w] numbers whose plain mean is the mean of ``values``, weights counted, and has its error."""
        return values if self.weights is None else Weights(self.weights).influence(values)

    @cached_property
    def ascending(self) -> Floats:
        """Values in order."""
        return np.sort(self.values)


def read(run: Run, wanted: Statistic) -> Sample:
    """The column of a statistic.

    :raises UsageError: the run has no such pool or metric, or the metric has no value on some path.
    """
    if wanted.metric not in known_metrics():
        raise UsageError(suggestion(wanted.metric))
    if wanted.pool not in run.manifest["pools"]:
        raise UsageError(f"the run has no pool {wanted.pool!r}; it has {', '.join(run.manifest['pools'])}")
    names = SUMS.get(wanted.metric, (wanted.metric,))
    table = run.table(columns.PATHS.name, ["pool", *names])
    rows = np.asarray(table["pool"].to_numpy(zero_copy_only=False) == wanted.pool)
    values = _sum(table, names)[rows]
    if _UNITS.get(wanted.metric) == columns.SECONDS:
        values = np.where(np.isnan(values), np.inf, values)  # null: never
    if np.isnan(values).any():
        raise UsageError(f"{wanted.metric} has no value in pool {wanted.pool}: {_reason(wanted)}")
    weights = run.weights
    if weights is not None and (weights == 1.0).all():
        weights = None
    return Sample(-values if wanted.flipped else values, weights)


def _sum(table: pa.Table, names: Sequence[str]) -> Floats:
    total: Floats = np.sum([np.asarray(table[name].to_numpy(), dtype=np.float64) for name in names], axis=0)
    return total


def _reason(wanted: Statistic) -> str:
    return next(column.sentence for column in columns.PATHS.values if column.name == wanted.metric)
