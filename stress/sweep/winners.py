"""Who bears auto-deleveraging in each cell: how much is closed, what it costs, on how few it falls.

Means are over the paths of a cell on which ADL closed anything. Changes are over the paths on which it did so in the
scenario as it is too: a queue and a pro-rata rule are compared where both had to act.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from stress.sizing.estimate import CONFIDENCE, Estimate, Floats
from stress.sizing.shortfall import hall_interval
from stress.sizing.weights import Weights
from stress.sizing.words import money, percent, significant

LEAST_PATHS = 20
"""Paths with ADL in both cells under which a change has no interval."""

_ROUNDING = 1e-9
"""Differences that vary by less, relative to the measure, do not vary."""

BORNE = "adl_borne"
"""Column of a cell's paths: debts of accounts and of layers that winners bore, summed over the pool's ADL layers."""

FORGONE = "adl_forgone"
"""Column of a cell's paths: what the closed positions would have gained from their fills to the end of the path; null
where several pools share the markets, which know only their sum."""

KEPT = (
    "adl_notional",
    "adl_haircut",
    BORNE,
    FORGONE,
    "adl_accounts",
    "adl_top10_share",
    "payers",
    "paid_top10_share",
    "paid_gini_all",
)
"""Columns that the measures are made of."""


_SHARES = ("adl_top10_share", "paid_top10_share", "paid_gini_all")


@dataclass(frozen=True)
class Measure:
    """One figure of a path with ADL."""

    heading: str
    sentence: str
    of: Callable[[Mapping[str, Floats]], Floats]
    words: Callable[[float | None], str]


def _column(name: str) -> Callable[[Mapping[str, Floats]], Floats]:
    return lambda columns: columns[name]


def _number(value: float | None) -> str:
    return "n/a" if value is None else significant(value)


MEASURES: dict[str, Measure] = {
    "adl_closed": Measure(
        "Closed", "Value at the mark of winners' positions that ADL closed.", _column("adl_notional"), money
    ),
    "adl_loss": Measure("Loss", "What ADL cost them against the mark.", _column("adl_haircut"), money),
    "adl_overshoot": Measure(
        "Overshoot",
        "What they would have gained by the end of the path without ADL, beyond the debts that it paid.",
        lambda columns: columns[FORGONE] - columns[BORNE],
        money,
    ),
    "adl_hit": Measure("Accounts hit", "Accounts of which ADL closed a position.", _column("adl_accounts"), _number),
    "adl_top10": Measure(
        "Ten largest, of closed",
        "Share of the value closed that was the ten largest owners'.",
        _column("adl_top10_share"),
        percent,
    ),
    "adl_paid_top10": Measure(
        "Ten largest, of loss",
        "Share of what owners paid that the ten largest paid.",
        _column("paid_top10_share"),
        percent,
    ),
    "adl_gini": Measure(
        "Gini", "Gini coefficient of what owners paid, over all owners.", _column("paid_gini_all"), _number
    ),
}
"""Figures of ADL by the name of their column; docs/adl-policies.md tells what they are compared with."""


@dataclass(frozen=True)
class Winners:
    """Figures of every path of a cell with ADL."""

    path: Floats
    """[v] numbers of the paths."""
    measures: Mapping[str, Floats]
    """[v] by measure."""
    mass: Floats
    """[v] weights."""

    @classmethod
    def of(cls, rows: pd.DataFrame, weights: Weights | None) -> Winners | None:
        """Figures of a pool's paths; None where the columns were not kept or ADL never acted."""
        if not set(KEPT) <= set(rows):
            return None
        hit = (rows["adl_notional"] > 0.0).to_numpy()
        if not hit.any():
            return None
        columns = {name: rows[name].to_numpy(dtype=np.float64)[hit] for name in KEPT}
        for name in _SHARES:
            # Where ADL cost nobody anything nobody paid, and shares of nothing are none.
            columns[name] = np.nan_to_num(columns[name])
        mass = np.ones(hit.size) if weights is None else weights.counts
        return cls(np.flatnonzero(hit).astype(np.float64), {n: m.of(columns) for n, m in MEASURES.items()}, mass[hit])

    def mean(self, name: str) -> float | None:
        """Mean of a measure over the paths with ADL; None where it is not known."""
        mean = float(self.mass @ self.measures[name] / self.mass.sum())
        return None if math.isnan(mean) else mean


def winners_change(here: Winners, there: Winners, name: str, confidence: float = CONFIDENCE) -> Estimate:
    """Change of a measure over the paths with ADL in both cells; Hall's interval of the paired differences."""
    _, mine, other = np.intersect1d(here.path, there.path, assume_unique=True, return_indices=True)
    if mine.size < LEAST_PATHS:
        return Estimate.missing(float(mine.size), f"only {mine.size} paths with ADL in both", confidence)
    if not np.allclose(here.mass[mine], there.mass[other], rtol=_ROUNDING, atol=0.0):
        return Estimate.missing(float(mine.size), "paths drawn under other laws", confidence)
    difference = here.measures[name][mine] - there.measures[name][other]
    if np.isnan(difference).any():
        return Estimate.missing(float(mine.size), "not known by pool", confidence)
    mass = here.mass[mine]
    value = float(mass @ difference / mass.sum())
    if np.ptp(difference) <= _ROUNDING * max(np.abs(here.measures[name][mine]).max(), 1.0):
        return Estimate(value, value, value, float(mine.size), confidence)
    low, high = hall_interval(mass * (difference - value) / mass.mean() + value, value, confidence)
    return Estimate(value, low, high, float(mine.size), confidence)
