"""Prices that are given: tables of a replay or prescribed prices, put on the grid of the model steps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stress.book.findings import Findings
from stress.book.tables import Column, read_table
from stress.kernels.models import YEAR
from stress.kernels.structs import Clock, Floats

if TYPE_CHECKING:
    from stress.scenario.models import Prescribed, Replay

COLUMNS = (Column("time", "number", required=True), Column("price", "number", required=True))
"""Columns of a replay's file: seconds and prices; times count from the first row."""


class Table(NamedTuple):
    """A price path as it was given."""

    time: Floats
    """[k] seconds, ascending from 0."""
    log_price: Floats
    """[k] log of the price."""


class Given(NamedTuple):
    """A price path on the grid of the model steps."""

    log_price: Floats
    """[step] log price."""
    variance: Floats
    """[step] variance per year."""


def grid(clock: Clock) -> Floats:
    """Seconds at every model step; s * substeps entries, of which those after the last check are never reached."""
    step = clock.dt / clock.substeps
    seconds: Floats = np.arange((clock.checks + 1) * clock.substeps, dtype=np.float64) * step
    return seconds


def read_prices(path: Path) -> Table:
    """Read a replay's table, a ``.csv`` or ``.parquet`` file.

    Raises
    ------
    MalformedInput, MeaninglessInput
        With every row whose time does not ascend or whose price is not positive.
    """
    findings = Findings(str(path))
    table = read_table(path, COLUMNS, findings)
    time, price = table.numbers["time"], table.numbers["price"]
    if len(time) == 0:
        findings.refuse("no rows")
    late = np.zeros(len(time), dtype=np.bool_)
    late[1:] = ~(np.diff(time) > 0.0)
    findings.add_rows(late, table.line, "time", lambda row: f"must ascend, got {time[row]:g} after {time[row - 1]:g}")
    findings.add_rows(~(price > 0.0), table.line, "price", lambda row: f"must be positive, got {price[row]:g}")
    findings.settle()
    return Table(time - time[0], np.log(price))


def table_of(model: Replay | Prescribed, clock: Clock) -> Table:
    """The points of a replay, its file, or one price per check."""
    if model.type == "prescribed":
        checks: Floats = np.arange(len(model.prices), dtype=np.float64)
        return Table(checks * clock.dt, np.log(np.array(model.prices, dtype=np.float64)))
    if model.file is not None:
        return read_prices(model.file)
    points = np.array(model.points, dtype=np.float64)
    return Table(points[:, 0], np.log(points[:, 1]))


def given_path(model: Replay | Prescribed, table: Table, clock: Clock) -> Given:
    """Log-linear between the points of the table, constant after the last one."""
    time = grid(clock)
    log_price = np.interp(time, table.time, table.log_price)
    if model.volatility is not None:
        return Given(log_price, np.full(len(time), model.volatility**2))
    assert model.type == "replay"
    return Given(log_price, realised_variance(table, time, model.volatility_half_life))


def realised_variance(table: Table, time: Floats, half_life: float) -> Floats:
    """Exponentially weighted variance of a table of prices, per year, at the given times.

    Every interval of the table counts with its squared return over its length; on a regular table this is the usual
    recursion V' = w V + (1 - w) r^2 / dt, w = 2^(-dt / half-life). It starts at the mean of the first half-life. The
    intervals of the table are used, not those of the grid: a return interpolated over n steps would count as 1/n of it.
    """
    ends = table.time[1:]
    if len(ends) == 0 or time[-1] <= 0.0:
        return np.zeros(len(time))
    rate = np.diff(table.log_price) ** 2 / np.diff(table.time) * YEAR
    # Breaks of the piecewise constant rate and of the grid together, so that every stretch has one rate.
    knots = np.union1d(time, ends[ends < time[-1]])
    inside = np.searchsorted(ends, knots[1:], side="left")
    rates = np.where(inside < len(ends), rate[np.minimum(inside, len(ends) - 1)], 0.0)
    lengths = np.diff(knots)
    early = np.clip(half_life - knots[:-1], 0.0, lengths)
    value = float(early @ rates / early.sum())
    values = [value]
    for weight, level in zip(np.exp2(-lengths / half_life), rates, strict=True):
        value = weight * value + (1.0 - weight) * level
        values.append(value)
    return np.array(values)[np.searchsorted(knots, time)]
