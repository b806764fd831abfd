"""Charts of a sweep: one value against the fund, two values as a map, many as a tornado."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.ticker import FuncFormatter, NullFormatter

from stress.report.charts import style
from stress.sizing.words import money

MOST_BARS = 30
"""Bars of a tornado that fit a chart; the table holds all of them."""

_MAP = LinearSegmentedColormap.from_list("amount", ["#eef4fa", "#9cc3e6", "#2b6cb0", "#173a63"])
_DECADES = 20.0
"""Ratio of the largest to the smallest value from which an axis is logarithmic."""


@dataclass(frozen=True)
class Point:
    """One value and what comes of it; None where there is no number."""

    at: float
    label: str
    value: float | None
    low: float | None
    high: float | None
    change: tuple[float, float] | None = None
    """Interval of the change against the scenario as it is."""


class End(NamedTuple):
    """One end of a tornado's row."""

    amount: float
    words: str = ""
    change: tuple[float, float] | None = None
    """Interval of the change against the scenario as it is."""


@dataclass(frozen=True)
class Bar:
    """One row of a tornado: amounts at both ends of what is varied, and what they are called."""

    label: str
    ends: tuple[End, ...]


def frontier(axes: Axes, points: Sequence[Point], name: str, amount: str, base: float | None) -> list[Artist]:
    """An amount against a value, with its band; the scenario as it is marked."""
    known = sorted((point for point in points if point.value is not None), key=lambda point: point.at)
    if not known:
        style.say(axes, "Too few paths for a number in every cell.")
        return []
    at = [point.at for point in known]
    values = [point.value or 0.0 for point in known]
    low = [value if point.low is None else point.low for value, point in zip(values, known, strict=True)]
    high = [value if point.high is None else point.high for value, point in zip(values, known, strict=True)]
    band = axes.fill_between(at, low, high, color=style.BLUE, alpha=0.18, label="interval")
    line = axes.plot(at, values, color=style.BLUE, marker="o", markersize=5, label=amount)
    artists: list[Artist] = [band, *line]
    if base is not None:
        artists.append(axes.axhline(base, color=style.RED, linewidth=1.2, linestyle=(0, (4, 3)), label="as it is"))
        artists += _whiskers(axes, known, base)
    if min(at) > 0.0 and max(at) > _DECADES * min(at):
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
    labels = {point.at: point.label for point in points}
    axes.set_xticks(list(labels), list(labels.values()))
    axes.set_xlabel(name)
    axes.set_ylim(bottom=0.0)
    style.money_axis(axes.yaxis)
    style.legend_above(axes)
    return artists


def _whiskers(axes: Axes, points: Sequence[Point], base: float) -> list[Artist]:
    """Intervals of the changes, drawn from the amount of the scenario as it is."""
    told = [point for point in points if point.change is not None and point.change[0] < point.change[1]]
    if not told:
        return []
    ends = np.array([point.change for point in told]) + base
    at = [point.at for point in told]
    return [axes.vlines(at, ends[:, 0], ends[:, 1], color=style.INK, linewidth=2.2, label="interval of the change")]


def heatmap(
    axes: Axes,
    amounts: Sequence[Sequence[float | None]],
    words: Sequence[Sequence[str]],
    rows: Sequence[str],
    columns: Sequence[str],
    names: tuple[str, str],
) -> list[Artist]:
    """Amounts by two values; every cell says its own.

    Args:
        axes: to draw into.
        amounts: [row][column], None where there is no number.
        words: [row][column], what is said below the amount.
        rows: labels of the rows, from the top.
        columns: labels of the columns.
        names: what rows and columns are.
    """
    grid = np.array([[np.nan if value is None else value for value in row] for row in amounts])
    known = grid[np.isfinite(grid)]
    if not known.size:
        style.say(axes, "Too few paths for a number in every cell.")
        return []
    most = float(known.max())
    least = min(float(known.min()), 0.5 * most)
    image = axes.imshow(grid, cmap=_MAP, aspect="auto", vmin=least, vmax=most if most > least else least + 1.0)
    for r, row in enumerate(amounts):
        for c, value in enumerate(row):
            share = 0.0 if value is None or most <= least else (value - least) / (most - least)
            red, green, blue, _ = _MAP(share)
            colour = style.MUTED if value is None else style.readable_on(to_hex((red, green, blue)))
            below = words[r][c] and value is not None
            up = 7.0 if below else 0.0
            for text, points, size in ((money(value), up, 9.5), (words[r][c] if below else "", up - 14.0, 7.5)):
                if text:
                    axes.annotate(
                        text,
                        (c, r),
                        (0.0, points),
                        textcoords="offset points",
                        ha="center",
                        va="center",
                        color=colour,
                        fontsize=size,
                    )
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.set_ylabel(names[0])
    axes.set_xlabel(names[1])
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return [image]


def tornado(axes: Axes, bars: Sequence[Bar], base: float, amount: str) -> list[Artist]:
    """Amounts at the ends of every row around that of the scenario as it is, the widest row first."""
    widest = sorted(bars, key=lambda bar: -_reach(bar, base))
    shown = [bar for bar in widest if bar.ends][:MOST_BARS]
    if not shown:
        style.say(axes, "Too few paths for a number in every cell.")
        return []
    artists: list[Artist] = []
    for row, bar in enumerate(shown):
        for end in sorted(bar.ends, key=lambda end: end.amount):
            artists += _end(axes, row, end, base)
    axes.axvline(base, color=style.INK, linewidth=1.0)
    axes.set_yticks(range(len(shown)), [bar.label for bar in shown], color=style.INK)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    _room(axes, [amount for bar in shown for end in bar.ends for amount in _extent(end, base)], base)
    axes.xaxis.set_major_formatter(FuncFormatter(style.plain))
    whiskers = any(end.change for bar in shown for end in bar.ends)
    axes.set_xlabel(f"{amount}; as it is {money(base)}{'; whiskers: interval of the change' if whiskers else ''}")
    return artists


def _end(axes: Axes, row: int, end: End, base: float) -> list[Artist]:
    """One bar from the scenario as it is, the interval of its change, and its words beyond both."""
    above = end.amount >= base
    colour = style.RED if above else style.BLUE
    artists: list[Artist] = [
        *axes.barh(row, end.amount - base, left=base, height=0.6, color=colour, alpha=0.85).patches
    ]
    low, high = _extent(end, base)
    if end.change is not None and low < high:
        artists.append(axes.hlines(row, low, high, color=style.INK, linewidth=1.4))
    axes.annotate(
        f"{end.words} {money(end.amount)}".strip(),
        xy=(high if above else low, row),
        xytext=(4 if above else -4, 0),
        textcoords="offset points",
        ha="left" if above else "right",
        va="center",
        fontsize=8.5,
        color=style.INK,
    )
    return artists


def _extent(end: End, base: float) -> tuple[float, float]:
    """From where to where an end is drawn beyond its bar."""
    if end.change is None:
        return end.amount, end.amount
    return base + end.change[0], base + end.change[1]


def _reach(bar: Bar, base: float) -> float:
    return max((abs(end.amount - base) for end in bar.ends), default=0.0)


def _room(axes: Axes, ends: Sequence[float], base: float) -> None:
    """Limits that leave a third of the width on either side for the words."""
    low, high = min(*ends, base), max(*ends, base)
    width = high - low or abs(base) or 1.0
    axes.set_xlim(low - 0.4 * width, high + 0.4 * width)
    style.money_axis(axes.xaxis, 5)
