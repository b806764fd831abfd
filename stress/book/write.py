"""Write a book as the tables it can be read from."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray

from stress.book.positions import Positions
from stress.errors import UsageError
from stress.kernels.structs import Ints

Format = Literal["csv", "parquet"]

QUOTE = "USD"
"""Asset of a wallet in the quote currency."""


def write_book(
    positions: Positions,
    pool_names: tuple[str, ...],
    folder: Path,
    format: Format = "parquet",
    *,
    overwrite: bool = True,
) -> list[Path]:
    """Write ``positions`` and ``balances`` into a folder and return the two files.

    Reading them gives the same accounts and the same numbers, bit for bit.

    Parameters
    ----------
    positions : Positions
        The book of all pools.
    pool_names : tuple of str
        Names of the pools, in the order of their numbers.
    folder : Path
        Made if it is not there.
    format : {"csv", "parquet"}
        Kind of the files.
    overwrite : bool
        Whether files that are there are replaced.

    Raises
    ------
    UsageError
        A file is there and is not to be replaced.
    """
    tables = {
        folder / f"positions.{format}": positions_table(positions, pool_names),
        folder / f"balances.{format}": balances_table(positions, pool_names),
    }
    there = [str(path) for path in tables if path.exists()]
    if there and not overwrite:
        raise UsageError(f"{' and '.join(there)} would be overwritten; --force allows it")
    folder.mkdir(parents=True, exist_ok=True)
    for path, table in tables.items():
        if format == "csv":
            # pandas and not pyarrow: the latter puts every name in quotes. Both write the shortest exact numbers.
            table.to_pandas().to_csv(path, index=False, lineterminator="\n")
        else:
            pyarrow.parquet.write_table(table, path, compression="zstd", compression_level=3)
    return list(tables)


def positions_table(positions: Positions, pool_names: tuple[str, ...]) -> pa.Table:
    """Table of positions: a row for each, the wallet of an isolated one as its ``isolated_margin``."""
    holder = positions.holder
    isolated = positions.isolated[holder]
    return pa.table(
        {
            "account": pa.array(_traders(positions)[holder], pa.string()),
            "market": _names(positions.market_names, positions.market),
            "quantity": positions.quantity,
            "entry_price": positions.entry,
            "owner": _names(positions.owner_names, positions.owner[holder]),
            "pool": _names(pool_names, positions.pool[holder]),
            "margin_mode": _names(("cross", "isolated"), isolated.astype(np.int64)),
            "isolated_margin": pa.array(positions.wallet[holder], mask=~isolated),
            "kind": pa.array(positions.kind[holder].astype(np.object_), pa.string()),
        }
    )


def balances_table(positions: Positions, pool_names: tuple[str, ...]) -> pa.Table:
    """Table of wallets: a row for each account with cross margin, then one for each asset that it has posted."""
    cross = np.flatnonzero(~positions.isolated)
    holder, market, units = positions.deposits
    names, quote = positions.market_names, len(positions.market_names)
    account = np.concatenate([cross, holder])
    return pa.table(
        {
            "account": pa.array(_traders(positions)[account], pa.string()),
            "asset": _names((*names, QUOTE), np.concatenate([np.full(len(cross), quote, np.int64), market])),
            "amount": np.concatenate([positions.wallet[cross], units]),
            "pool": _names(pool_names, positions.pool[account]),
        }
    )


def _traders(positions: Positions) -> NDArray[np.object_]:
    """Name [i] of the trader's account that each margin account belongs to: without the market of an isolated one."""
    traders = np.array(positions.account_names, dtype=np.object_)
    for i in np.flatnonzero(positions.isolated).tolist():
        market = positions.market_names[positions.market[positions.first[i]]]
        traders[i] = traders[i].removesuffix(f":{market}")
    return traders


def _names(names: tuple[str, ...], numbers: Ints) -> pa.Array:
    """Names that numbers stand for."""
    return pa.DictionaryArray.from_arrays(pa.array(numbers), pa.array(names, pa.string())).cast(pa.string())
