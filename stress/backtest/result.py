"""What a backtest found: the table of published and simulated figures, and every replicate behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import stress
from stress import store
from stress.backtest.crisis import Crisis, Published
from stress.backtest.data import Recorded
from stress.backtest.metrics import METRICS
from stress.backtest.verdict import RANGE, SLACK, VERDICTS, strongest, summarised, verdict
from stress.scenario.units import Dimension
from stress.sizing.estimate import Floats

TABLE = "backtest.parquet"
FIGURES = "backtest.json"
REPLICATES = "replicates.parquet"

UNITS: dict[Dimension, str] = {
    Dimension.MONEY: "quote currency",
    Dimension.FRACTION: "fraction",
    Dimension.DURATION: "seconds",
}

TEXT, NUMBER = pa.string(), pa.float64()
COLUMNS: dict[str, tuple[pa.DataType, str]] = {
    "crisis": (TEXT, "Name of the crisis."),
    "metric": (TEXT, "Metric of stress.backtest.metrics."),
    "label": (TEXT, "The same in words, with the market, layer or pool it is of."),
    "unit": (TEXT, "Unit of the numbers."),
    "published_low": (NUMBER, "Lower end of the published band."),
    "published_high": (NUMBER, "Upper end of it; null where there is none."),
    "source": (TEXT, "Who published it."),
    "date": (TEXT, "Day of which it is."),
    "note": (TEXT, "What must be known to compare it."),
    "median": (NUMBER, "Median of the replicates; null where more than half have no such number."),
    "low": (NUMBER, "5 % quantile of the replicates that have the number."),
    "high": (NUMBER, "95 % quantile."),
    "having": (NUMBER, "Share of the replicates that have the number."),
    "in_band": (NUMBER, "Share of the replicates within the band, widened by a tenth of each end."),
    "verdict": (TEXT, "inside, near or missed."),
    "driver": (TEXT, "Unknown with the largest rank correlation; null where none is told apart from chance."),
    "driver_correlation": (NUMBER, "That rank correlation."),
}
"""Columns of the table."""


@dataclass(frozen=True)
class Row:
    """One published figure and the simulated one."""

    crisis: str
    metric: str
    label: str
    unit: str
    published_low: float
    published_high: float | None
    source: str
    date: str
    note: str
    median: float | None
    low: float | None
    high: float | None
    having: float
    in_band: float
    verdict: str
    driver: str | None
    driver_correlation: float | None


@dataclass(frozen=True)
class Course:
    """How much of the day's total had come by when, over the replicates."""

    series: str
    time_s: Floats
    """[s] seconds."""
    shares: Floats | None
    """[3, s] 5 %, 50 % and 95 % quantile; None where nothing happened in any replicate."""


@dataclass(frozen=True)
class Played:
    """One crisis after its replicates."""

    crisis: Crisis
    name: str
    """The crisis by its name, or its file if it did not come with the package."""
    rows: tuple[Row, ...]
    values: Mapping[str, Floats]
    """[r] every metric, by its words; NaN where a replicate has no such number."""
    draws: Mapping[str, Floats]
    """[r] what was drawn, by name."""
    overrides: tuple[str, ...]
    """[r] options with which ``tailstress run`` plays the replicate again."""
    data: Recorded
    courses: tuple[Course, ...]

    @property
    def verdicts(self) -> list[str]:
        """Verdict of every row."""
        return [row.verdict for row in self.rows]


@dataclass(frozen=True)
class Backtest:
    """All crises of one backtest."""

    replicates: int
    data: str | None
    played: tuple[Played, ...]

    @property
    def rows(self) -> list[Row]:
        """The table."""
        return [row for played in self.played for row in played.rows]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "version": stress.__version__,
            "replicates": self.replicates,
            "range": list(RANGE),
            "slack": SLACK,
            "verdicts": VERDICTS,
            "crises": [
                {
                    "name": one.crisis.name,
                    "title": one.crisis.title,
                    "scenario": one.crisis.scenario,
                    "seed": one.crisis.seed,
                    "assumed": list(one.crisis.assumed),
                    "unknown": [unknown.model_dump(mode="json") for unknown in one.crisis.unknown],
                    "data": {"used": list(one.data.used), "missing": list(one.data.missing)},
                    "rows": [asdict(row) for row in one.rows],
                }
                for one in self.played
            ],
        }

    def write(self, folder: Path) -> None:
        """The table and the replicates as Parquet, and the table as JSON, last."""
        folder.mkdir(parents=True, exist_ok=True)
        fields = [pa.field(name, kind, metadata={"description": words}) for name, (kind, words) in COLUMNS.items()]
        table = pa.Table.from_pylist([asdict(row) for row in self.rows], schema=pa.schema(fields))
        for name, content in ((TABLE, table), (REPLICATES, self._replicates())):
            with store.replacing(folder / name) as temporary:
                pq.write_table(content, temporary, compression="zstd")
        store.write_json(folder / FIGURES, self.to_dict())

    def _replicates(self) -> pa.Table:
        """One row for every number of every replicate, drawn or simulated, and the options that play it again."""
        columns: dict[str, list[Any]] = {
            name: [] for name in ("crisis", "replicate", "kind", "name", "value", "options")
        }
        for one in self.played:
            for kind, numbers in (("drawn", one.draws), ("simulated", one.values)):
                for name, values in numbers.items():
                    for replicate, value in enumerate(values):
                        known = None if np.isnan(value) else float(value)
                        entry = (one.crisis.name, replicate, kind, name, known, one.overrides[replicate])
                        for column, cell in zip(columns.values(), entry, strict=True):
                            column.append(cell)
        kinds = (TEXT, pa.int64(), TEXT, TEXT, NUMBER, TEXT)
        return pa.table(columns, schema=pa.schema(list(zip(columns, kinds, strict=True))))


def row_of(crisis: str, entry: Published, values: Floats, draws: Mapping[str, Floats]) -> Row:
    """Hold the replicates of one metric against what was published."""
    low, high = entry.band
    simulated = summarised(values, low, high)
    driver = strongest(values, dict(draws))
    return Row(
        crisis,
        entry.metric,
        entry.label,
        UNITS[METRICS[entry.metric].dimension],
        low,
        high,
        entry.source,
        entry.date.date().isoformat(),
        entry.note,
        simulated.median,
        simulated.low,
        simulated.high,
        simulated.having,
        simulated.in_band,
        verdict(simulated, low, high),
        None if driver is None else driver[0],
        None if driver is None else driver[1],
    )
