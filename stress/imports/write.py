"""Write an imported book as the two tables of a scenario."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from stress.book.write import Format, balances_table, positions_table
from stress.errors import UsageError
from stress.imports.export import Imported

POOL = "main"
_SUFFIXES: Mapping[str, Format] = {".csv": "csv", ".parquet": "parquet"}


def tables_at(out: Path) -> tuple[Path, Path]:
    """Files of the positions and of the balances.

    ``book.csv`` and ``book-balances.csv`` for a name with an ending, else a folder with ``positions.parquet`` and
    ``balances.parquet``.

    Raises:
        UsageError: the ending is neither .csv nor .parquet.
    """
    if out.suffix in _SUFFIXES:
        return out, out.with_name(f"{out.stem}-balances{out.suffix}")
    if out.suffix:
        raise UsageError(f"{out}: a book is .csv or .parquet, or a folder")
    return out / "positions.parquet", out / "balances.parquet"


def write_import(imported: Imported, out: Path, *, overwrite: bool) -> tuple[Path, Path]:
    """Write positions and balances; return the two files.

    Raises:
        UsageError: a file is there and is not to be replaced.
    """
    positions, balances = tables_at(out)
    there = [str(path) for path in (positions, balances) if path.exists()]
    if there and not overwrite:
        raise UsageError(f"{' and '.join(there)} would be overwritten; --force allows it")
    positions.parent.mkdir(parents=True, exist_ok=True)
    _write(positions_table(imported.positions, (POOL,)).drop_columns(["pool"]), positions)
    _write(balances_table(imported.positions, (POOL,)).drop_columns(["pool"]), balances)
    return positions, balances


def _write(table: pa.Table, path: Path) -> None:
    if path.suffix == ".csv":
        table.to_pandas().to_csv(path, index=False, lineterminator="\n")
    else:
        pyarrow.parquet.write_table(table, path, compression="zstd", compression_level=3)
