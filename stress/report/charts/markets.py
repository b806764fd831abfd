"""Charts with one row per market."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.artist import Artist
from matplotlib.axes import Axes

from stress.report.charts import style
from stress.sizing.estimate import Estimate
from stress.sizing.words import count, money, percent

MOST_ROWS = 25
"""Markets that fit a chart; the table holds all of them."""


@dataclass(frozen=True)
class MarketRow:
    """Probability of an event in one market."""

    market: str
    estimate: Estimate


def adl_probability(axes: Axes, rows: Sequence[MarketRow], paths: int) -> list[Artist]:
    """Probability of auto-deleveraging by market with exact intervals, the likeliest first."""
    seen = sorted(
        (row for row in rows if row.estimate.value), key=lambda row: (-(row.estimate.value or 0.0), row.market)
    )
    if not seen:
        bound = max((row.estimate.high or 0.0 for row in rows), default=0.0)
        style.say(axes, f"Not seen in {count(paths, 'path')}: under {percent(bound)} in every market.")
        return []
    shown = seen[:MOST_ROWS]
    values = [row.estimate.value or 0.0 for row in shown]
    below = [value - (row.estimate.low or 0.0) for value, row in zip(values, shown, strict=True)]
    above = [(row.estimate.high or value) - value for value, row in zip(values, shown, strict=True)]
    bars = axes.errorbar(
        values,
        range(len(shown)),
        xerr=[below, above],
        fmt="o",
        color=style.LAYER_COLOURS["adl"],
        markersize=7,
        capsize=3.5,
        elinewidth=1.6,
    )
    _name_rows(axes, [row.market for row in shown], len(rows) - len(shown))
    axes.set_xlim(0.0, 1.08 * max(v + a for v, a in zip(values, above, strict=True)))
    style.percent_axis(axes.xaxis)
    axes.set_xlabel("probability over the horizon")
    return [bars[0]]


def open_interest(axes: Axes, amounts: dict[str, float]) -> list[Artist]:
    """Open interest by market at the start, the largest first, one side."""
    if not any(amount > 0.0 for amount in amounts.values()):
        style.say(axes, "The book has no open positions.")
        return []
    return _amounts(axes, amounts, "open interest, one side")


def contributions(axes: Axes, amounts: dict[str, float], label: str) -> list[Artist]:
    """Parts of a loss, the largest first, with their shares."""
    if not any(amount > 0.0 for amount in amounts.values()):
        style.say(axes, "No bad debt in the tail, or too few paths for a number.")
        return []
    return _amounts(axes, amounts, label)


def _amounts(axes: Axes, amounts: dict[str, float], label: str) -> list[Artist]:
    """Bars of amounts above zero, the largest first, with amount and share beside them."""
    rows = sorted((item for item in amounts.items() if item[1] > 0.0), key=lambda item: (-item[1], item[0]))
    shown = rows[:MOST_ROWS]
    total = sum(amount for _, amount in rows)
    bars = axes.barh(range(len(shown)), [amount for _, amount in shown], height=0.62, color=style.BLUE)
    for row, (_, amount) in enumerate(shown):
        axes.annotate(
            f"{money(amount)}, {percent(amount / total)}",
            xy=(amount, row),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            color=style.INK,
            fontsize=9.0,
        )
    _name_rows(axes, [name for name, _ in shown], len(rows) - len(shown))
    axes.set_xlim(0.0, 1.25 * shown[0][1])
    style.money_axis(axes.xaxis)
    axes.set_xlabel(label)
    return list(bars.patches)


def _name_rows(axes: Axes, names: Sequence[str], left_out: int) -> None:
    """Names of the rows, downwards; how many are left out is said under them."""
    axes.set_yticks(range(len(names)), names, color=style.INK)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    if left_out:
        axes.text(
            *(1.0, 0.02),
            f"{left_out} more in the table",
            transform=axes.transAxes,
            ha="right",
            va="bottom",
            color=style.MUTED,
        )


def rows_height(rows: int) -> float:
    """Inches of a chart with so many rows."""
    return 1.35 + 0.34 * max(1, min(rows, MOST_ROWS))
