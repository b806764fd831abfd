"""Numbers of a backtest as a reader writes them; used by the table, the page and the charts alike."""

from __future__ import annotations

from stress.backtest.result import UNITS, Row
from stress.scenario.units import Dimension
from stress.sizing.words import NONE, money, percent

NEVER = "none"
"""Where more than half of the replicates have no such number."""


def number(value: float | None, unit: str) -> str:
    """$5.51bn, 38%, 62 s."""
    if value is None:
        return NONE
    if unit == UNITS[Dimension.MONEY]:
        return money(value)
    if unit == UNITS[Dimension.DURATION]:
        return f"{value:,.0f} s"
    return percent(value)


def published(row: Row) -> str:
    """$13.0M to $25.0M, or one figure, or at least one."""
    low = number(row.published_low, row.unit)
    if row.published_high is None:
        return f"at least {low}"
    high = number(row.published_high, row.unit)
    return low if low == high else f"{low} to {high}"


def median(row: Row) -> str:
    """The median, or that most replicates have none."""
    return NEVER if row.median is None else number(row.median, row.unit)


def simulated_range(row: Row) -> str:
    """$1.59bn to $16.7bn, and in how many replicates where not in all."""
    if row.low is None:
        return NEVER
    ends = f"{number(row.low, row.unit)} to {number(row.high, row.unit)}"
    return ends if row.having == 1.0 else f"{ends} (in {percent(row.having)})"


def driver(row: Row) -> str:
    """median leverage (+0.75)."""
    if row.driver is None or row.driver_correlation is None:
        return ""
    return f"{row.driver} ({row.driver_correlation:+.2f})"
