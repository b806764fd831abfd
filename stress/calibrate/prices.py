"""Price bars from CSV or Parquet tables, checked row by row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from stress.book.findings import Findings, together
from stress.book.tables import Column, Table, read_table
from stress.errors import InvalidInput, UsageError
from stress.kernels.structs import Floats, Ints
from stress.scenario.hints import did_you_mean
from stress.scenario.units import Dimension, write

YEAR = 365.0 * 86_400.0
"""Seconds."""
EARLIEST, LATEST = 1e8, 1e11
"""Unix seconds of 1973 and of the year 5138: what lies outside is counted in another unit."""
WILDEST = 20.0
"""Factor from one close to the next beyond which the unit of the price has changed, not the price."""

_PRICES = ("open", "high", "low", "close", "price")
COLUMNS = (
    Column("time", "time", False, whole=True),
    Column("ts_ms", "number", False, whole=True),
    *(Column(name, "number", False, whole=name in ("close", "price")) for name in _PRICES),
    Column("market", "text", False),
    Column("symbol", "text", False),
)


@dataclass(frozen=True, eq=False)
class Series:
    """Log returns of one market on a regular grid of times."""

    market: str
    file: str
    time: Floats
    """[n] Unix seconds at which the bar of each return starts."""
    value: Floats
    """[n] log returns; those across a gap are left out."""
    step: float
    """Seconds from bar to bar."""
    gaps: int
    """Gaps in the bars."""
    last_price: float

    @property
    def dt(self) -> float:
        """Years from bar to bar."""
        return self.step / YEAR

    @property
    def years(self) -> float:
        """Observed time."""
        return len(self.value) * self.dt

    def every(self, seconds: float) -> Series:
        """Returns over longer bars that start at whole multiples of ``seconds``; incomplete ones are left out.

        Raises
        ------
        UsageError
            That is not a multiple of the bars, or leaves no complete one.
        """
        bars = round(seconds / self.step)
        if bars < 1 or abs(bars * self.step - seconds) > 1e-6 * seconds:
            size = write(self.step, Dimension.DURATION)
            raise UsageError(f"{self.file}: bars of {size} do not make up {write(seconds, Dimension.DURATION)}")
        number = np.floor(self.time / seconds + 1e-9).astype(np.int64)
        group, first, count = np.unique(number, return_index=True, return_counts=True)
        whole = count == bars
        if whole.sum() < 3:
            raise UsageError(f"{self.file}: no three complete bars of {write(seconds, Dimension.DURATION)}")
        value = np.add.reduceat(self.value, first)[whole]
        gaps = int((np.diff(group[whole]) > 1).sum())
        return replace(self, time=group[whole] * seconds, value=value, step=seconds, gaps=gaps)


@dataclass(frozen=True)
class Period:
    """Times from ``begin`` to before ``end``, Unix seconds."""

    begin: float = -np.inf
    end: float = np.inf


def read_prices(
    files: Sequence[Path], markets: Sequence[str] = (), period: Period | None = None, *, skip_gaps: bool = False
) -> list[Series]:
    """Read bars, a series for every market.

    Parameters
    ----------
    files
        Tables with a row per bar: ``time`` (or ``ts_ms``) at which it starts and ``close`` (or ``price``); ``open``,
        ``high`` and ``low`` are checked where given. Several markets are told apart by ``market`` or ``symbol``.
    markets
        Markets to take, in this order; names for the files, where these have no column of markets.
    period
        Bars to take; all by default.
    skip_gaps
        Leave out the returns across missing bars instead of refusing the file.

    Raises
    ------
    UsageError
        A market is in no file, or two files hold the same one.
    MalformedInput, MeaninglessInput
        With every mistake of the rows: times that repeat, go back, are off the grid or leave gaps, prices that are
        not, wrong units.
    """
    found: dict[str, Series] = {}
    errors: list[InvalidInput] = []
    for k, file in enumerate(files):
        name = markets[k] if len(markets) == len(files) else _name_of(file)
        try:
            series = list(_series_of(file, name, markets, period or Period(), skip_gaps))
        except InvalidInput as error:
            errors.append(error)
            continue
        for one in series:
            if one.market in found:
                raise UsageError(f"market {one.market} is in {found[one.market].file} and in {one.file}")
            found[one.market] = one
    if errors:
        raise together(errors)
    for name in markets:
        if name not in found:
            raise UsageError(f"no market {name!r} in the prices{did_you_mean(name, list(found))}")
    return [found[name] for name in markets] if markets else list(found.values())


def _name_of(file: Path) -> str:
    return re.sub(r"[^A-Za-z0-9_:/-]+", "-", file.stem).lstrip("-_:/") or "MARKET"


def _series_of(file: Path, name: str, markets: Sequence[str], period: Period, skip_gaps: bool) -> Iterator[Series]:
    findings = Findings(str(file))
    table = read_table(file, COLUMNS, findings, others=True)
    time, price = _columns(table, findings)
    names = _markets_of(table, name)
    chosen = [market for market in dict.fromkeys(names) if not markets or market in markets]
    series = []
    for market in chosen:
        rows = np.flatnonzero((names == market) & ~(time < period.begin) & ~(time >= period.end))
        series.append(_checked(market, table, rows, (time, price), findings, skip_gaps))
    findings.settle()
    yield from (one for one in series if one is not None)


def _columns(table: Table, findings: Findings) -> tuple[Floats, Floats]:
    """[row] Unix seconds and closing prices."""
    times = [name for name in ("time", "ts_ms") if name in table.present]
    prices = [name for name in ("close", "price") if name in table.present]
    if len(times) != 1:
        findings.refuse("needs one column of times: `time` or `ts_ms` (Unix milliseconds)")
    if len(prices) != 1:
        findings.refuse("needs one column of prices: `close` of bars or `price`")
    if len(times) != 1 or len(prices) != 1:
        findings.settle()
    time = table.numbers[times[0]] / (1e3 if times[0] == "ts_ms" else 1.0)
    _check_unit(times[0], time, table, findings)
    _check_prices(prices[0], table, findings)
    findings.settle()
    return time, table.numbers[prices[0]]


def _check_unit(name: str, time: Floats, table: Table, findings: Findings) -> None:
    if not len(time):
        findings.stop("the table has no rows")
    middle = float(np.nanmedian(time)) if not np.isnan(time).all() else EARLIEST
    if middle > LATEST:
        findings.stop(f"{middle:.13g} is not in Unix seconds; name a column of milliseconds ts_ms", name, table.line[0])
    if middle < EARLIEST:
        advice = "a column of seconds is named time" if name == "ts_ms" else "times are dates or Unix seconds"
        findings.stop(f"the times are those of {1970 + middle / YEAR:.0f}; {advice}", name, int(table.line[0]))


def _check_prices(name: str, table: Table, findings: Findings) -> None:
    """Prices are positive, and what a bar says of itself agrees."""
    price = table.numbers[name]
    wrong = price <= 0.0
    if wrong.mean() > 0.2 and np.nanmedian(np.abs(price)) < 1.0:
        findings.stop("expected prices; these look like returns", name, int(table.line[wrong.argmax()]))
    findings.add_rows(wrong, table.line, name, lambda row: f"must be more than 0, got {price[row]:g}")
    low, high = table.numbers["low"], table.numbers["high"]
    for one in [column for column in _PRICES if column in table.present]:
        inside = table.numbers[one]
        with np.errstate(invalid="ignore"):
            findings.add_rows(inside < low, table.line, "low", partial(_words, f"is above {one}"))
            findings.add_rows(inside > high, table.line, "high", partial(_words, f"is below {one}"))


def _words(words: str, _row: int) -> str:
    return words


def _markets_of(table: Table, name: str) -> np.ndarray:
    for column in ("market", "symbol"):
        if column in table.present:
            return table.texts[column]
    return np.full(len(table.line), name, dtype=np.object_)


def _checked(
    market: str, table: Table, rows: Ints, columns: tuple[Floats, Floats], findings: Findings, skip_gaps: bool
) -> Series | None:
    """Series of the rows of one market; None where findings say why not."""
    time, price = columns[0][rows], columns[1][rows]
    column = "time" if "time" in table.present else "ts_ms"
    if len(rows) < 3:
        findings.refuse(f"market {market} has {len(rows)} rows in the period: too few")
        return None
    apart = np.diff(time)
    step = float(np.median(apart))
    bars = np.round(apart / step) if step > 0.0 else np.ones_like(apart)
    whole = np.abs(apart - bars * step) <= 1e-6 * abs(step)
    at, line = rows[1:], table.line

    def tell(wrong: np.ndarray, words: str, column: str = column) -> None:
        marked = np.zeros(len(line), dtype=np.bool_)
        marked[at[wrong]] = True
        findings.add_rows(marked, line, column, partial(_words, words))

    tell(apart == 0.0, "the same time as the row before")
    tell(apart < 0.0, "is before the time of the row before: sort the rows by time")
    if step > 0.0:
        size = write(step, Dimension.DURATION)
        tell((apart > 0.0) & ~whole, f"is not a whole number of bars of {size} after the row before")
        if not skip_gaps:
            tell(whole & (bars > 1), f"comes after a gap: bars are {size} apart (--gaps skip leaves such returns out)")
    change = np.diff(np.log(price))
    tell(np.abs(change) > np.log(WILDEST), f"changes by more than a factor of {WILDEST:g}: another unit?", "price")
    if not change.any():
        findings.refuse(f"the price of {market} never changes")
    kept = bars == 1
    return Series(market, findings.file, time[1:][kept], change[kept], step, int((bars > 1).sum()), float(price[-1]))
