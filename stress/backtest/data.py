"""Recorded prices and depth from a folder of market data, as tables that a replay reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from stress.errors import MalformedInput, Problem

if TYPE_CHECKING:
    from stress.backtest.crisis import Bars, Depth, Found

LONG_BAR = 60.0
"""Seconds from which a bar is drawn by its four prices; of a shorter one only the close is taken."""
DEPTH_AT = 1
"""Percent from the mid price within which depth is counted."""


@dataclass(frozen=True)
class Recorded:
    """What a data folder has of a crisis."""

    overrides: tuple[str, ...]
    """Values put over the scenario's: replays from files, first prices, depths."""
    used: tuple[str, ...]
    """Files that were read."""
    missing: tuple[str, ...]
    """What the folder lacks, in words; the scenario's own figures stand in for it."""


def recorded(found: Found, folder: Path | None, scratch: Path) -> Recorded:
    """Write the price paths that the folder has into ``scratch``, and say how the scenario takes them.

    A file that is not there is no mistake; one that cannot be read as what the crisis says is.

    Raises
    ------
    MalformedInput
        Of a file that is there but does not have the columns, symbols or times.
    """
    if folder is None:
        return Recorded((), (), ())
    overrides: list[str] = []
    used: list[str] = []
    missing: list[str] = []
    for name, bars in found.crisis.prices.items():
        if (folder / bars.file).is_file():
            overrides += _replay(found, name, bars, folder / bars.file, scratch)
            used.append(bars.file)
        else:
            missing.append(f"{name}: {bars.file}")
    for name, depth in found.crisis.depth.items():
        if (folder / depth.file).is_file():
            overrides.append(
                f"markets.{name}.liquidity.depth={round(depth_at_one_percent(folder / depth.file, depth))}"
            )
            used.append(depth.file)
        else:
            missing.append(f"depth of {name}: {depth.file}")
    return Recorded(tuple(overrides), tuple(dict.fromkeys(used)), tuple(missing))


def _replay(found: Found, name: str, bars: Bars, file: Path, scratch: Path) -> Iterator[str]:
    """Write a market's prices as a replay's table, and put it in place of the scenario's points."""
    scenario = found.scenario().scenario
    path = price_path(file, bars, scenario.run.horizon)
    if bars.scaled or len(bars.symbols) > 1:
        path *= scenario.markets[name].price / path.iloc[0]
    target = scratch / f"{found.crisis.name}-{name}.parquet"
    pd.DataFrame({"time": path.index.to_numpy(dtype=float), "price": path.to_numpy()}).to_parquet(target)
    yield f"markets.{name}.model.points="
    yield f"markets.{name}.model.file={target}"
    yield f"markets.{name}.price={float(path.iloc[0])!r}"


def price_path(file: Path, bars: Bars, horizon: float) -> pd.Series:
    """Prices by seconds since the begin, from 0 to the horizon at least.

    A bar of a minute or more is drawn as open, high, low, close (open, low, high, close if it rose), a third of its
    length apart; of several symbols the mean of their log prices is taken, each relative to its first price.

    Raises
    ------
    MalformedInput
        The file lacks a column, a symbol or the time.
    """
    columns = [*(["symbol"] if bars.symbols else []), "ts_ms", "open", "high", "low", "close"]
    table = _read(file, columns)
    start = pd.Timestamp(bars.begin).timestamp()
    logs = []
    for symbol in bars.symbols or ("",):
        rows = (table[table["symbol"] == symbol] if symbol else table).sort_values("ts_ms")
        if rows.empty:
            raise _refused(file, f"has no symbol {symbol!r}")
        series = _points(rows, bars.bar, start)
        before = series[series.index <= 0.0]
        if before.empty or series.index[-1] < horizon:
            raise _refused(
                file, f"has no prices of {symbol or 'the market'} from {bars.begin:%Y-%m-%d %H:%M} on for {horizon:g} s"
            )
        first = pd.Series(before.iloc[-1:].to_numpy(), index=[0.0])
        logs.append(np.log(pd.concat([first, series[series.index > 0.0]])))
    if len(logs) == 1:
        kept = logs[0][logs[0].index <= _end(logs[0], horizon)]
        return pd.Series(np.exp(kept.to_numpy()), index=kept.index)
    grid = np.unique(np.concatenate([one.index.to_numpy() for one in logs]))
    grid = grid[grid <= horizon]
    weights = np.array(list(bars.symbols.values())) / sum(bars.symbols.values())
    moved = [np.interp(grid, one.index, one.to_numpy()) - one.iloc[0] for one in logs]
    return pd.Series(np.exp(weights @ np.array(moved)), index=grid)


def _end(series: pd.Series, horizon: float) -> float:
    """Time of the first price at or after the horizon."""
    return float(series.index[series.index >= horizon][0])


def _points(rows: pd.DataFrame, bar: float, start: float) -> pd.Series:
    """Prices of the bars by seconds since ``start``."""
    begin = rows["ts_ms"].to_numpy(dtype=float) / 1e3 - start
    if bar < LONG_BAR:
        return pd.Series(rows["close"].to_numpy(dtype=float), index=begin + bar)
    rose = (rows["close"] >= rows["open"]).to_numpy()
    high, low = rows["high"].to_numpy(dtype=float), rows["low"].to_numpy(dtype=float)
    prices = np.column_stack([rows["open"], np.where(rose, low, high), np.where(rose, high, low), rows["close"]])
    times = begin[:, None] + bar * np.array([0.0, 1.0, 2.0, 3.0]) / 3.0
    series = pd.Series(prices.astype(float).ravel(), index=times.ravel())
    return series[~series.index.duplicated(keep="last")]


def depth_at_one_percent(file: Path, depth: Depth) -> float:
    """Mean of the median bid and the median ask value within 1 % of the mid price; frozen rows are left out.

    Raises
    ------
    MalformedInput
        The file lacks a column or the time.
    """
    table = _read(file, ["ts_ms", "percentage", "notional"])
    begin, end = (1e3 * pd.Timestamp(moment).timestamp() for moment in (depth.begin, depth.end))
    table = table[(table["ts_ms"] >= begin) & (table["ts_ms"] < end)]
    sides = [table.loc[table["percentage"] == at, "notional"] for at in (-DEPTH_AT, DEPTH_AT)]
    if any(side.empty for side in sides):
        raise _refused(file, f"has no depth within {DEPTH_AT} % between {depth.begin} and {depth.end}")
    return float(np.mean([side.median() for side in sides]))


def _read(file: Path, columns: list[str]) -> pd.DataFrame:
    try:
        table = pd.read_parquet(file)
    except (OSError, pa.ArrowException) as error:
        raise _refused(file, f"cannot be read: {str(error).splitlines()[0]}") from None
    lacking = [name for name in columns if name not in table]
    if lacking:
        raise _refused(file, f"has no column {', '.join(lacking)}")
    return table


def _refused(file: Path, message: str) -> MalformedInput:
    return MalformedInput([Problem(str(file), None, None, "", message)])
