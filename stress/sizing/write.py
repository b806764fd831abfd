"""A sizing as a Parquet table."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from stress.sizing.result import Sizing
from stress.store import replacing

_TEXT = ("pool", "market", "metric", "statistic", "note")
_NUMBERS = ("level", "upper_bound", "value", "low", "high", "exceedances", "confidence")


def write_estimates(file: Path, sizing: Sizing) -> None:
    """One row per estimate: pool, market, metric, statistic, level, value, interval, upper bound, note."""
    rows = list(sizing.estimates())
    columns = {name: pa.array([row[name] for row in rows], type=pa.string()) for name in _TEXT}
    columns |= {name: pa.array([row[name] for row in rows], type=pa.float64()) for name in _NUMBERS}
    with replacing(file) as temporary:
        pq.write_table(pa.table(columns), temporary, compression="zstd")
