"""Charts of a backtest: simulated ranges against published bands, and the course of a day."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator, NullLocator

from stress.report.charts import style
from stress.sizing.estimate import Floats
from stress.sizing.words import duration

MONEY, FRACTION, SECONDS = "quote currency", "fraction", "seconds"
"""Units of a row, as the table has them."""

VERDICT_COLOURS: dict[str, str] = {"inside": style.SERIES[2], "near": style.SERIES[1], "missed": style.RED}
_DECADES = 50.0
"""Ratio of the ends from which a positive scale is logarithmic."""


@dataclass(frozen=True)
class Span:
    """One figure: the published band and the simulated range; None where there is no number or no end."""

    label: str
    unit: str
    published: tuple[float, float | None]
    low: float | None
    median: float | None
    high: float | None
    verdict: str


@dataclass(frozen=True)
class Curve:
    """How much of a total had come by when: the published course, and the simulated median and range."""

    label: str
    published: Sequence[tuple[float, float]]
    time_s: Floats
    shares: Floats | None
    """[3, s] lower end, median, upper end."""


def spans(axes: Sequence[Axes], rows: Sequence[Span]) -> list[Artist]:
    """One strip for each figure, each on its own scale: the band shaded, the range a line, the median a dot.

    Args:
        axes: one for each row.
        rows: the figures.
    """
    artists: list[Artist] = []
    for panel, row in zip(axes, rows, strict=True):
        artists += _strip(panel, row)
    return artists


def _strip(axes: Axes, row: Span) -> list[Artist]:
    low, high = row.published
    ends = [value for value in (low, high, row.low, row.high) if value is not None]
    left, right, logarithmic = _limits(ends)
    top = right if high is None else high
    artists: list[Artist] = [_band(axes, low, top, right - left)]
    colour = VERDICT_COLOURS[row.verdict]
    if row.low is not None and row.high is not None:
        artists += axes.plot([row.low, row.high], [0.0, 0.0], color=colour, linewidth=3.0, solid_capstyle="butt")
    if row.median is not None:
        artists += axes.plot([row.median], [0.0], color=colour, marker="o", markersize=7.0)
    if logarithmic:
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(left, right)
    axes.set_ylim(-1.0, 1.0)
    _scale(axes.xaxis, row.unit, logarithmic, ends)
    axes.set_yticks([0.0], [row.label], color=style.INK)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    return artists


def _band(axes: Axes, low: float, high: float, width: float) -> Artist:
    """The published band; where it is too narrow to be seen, a line."""
    if high - low < 0.01 * width:
        return axes.axvline(low, color=style.BLUE, alpha=0.4, linewidth=4.0)
    return axes.axvspan(low, high, color=style.BLUE, alpha=0.28, linewidth=0.0)


def _limits(ends: Sequence[float]) -> tuple[float, float, bool]:
    """Ends of a scale that holds all of them, and whether it is logarithmic."""
    low, high = min(ends), max(ends)
    if low > 0.0 and high > _DECADES * low:
        room = (high / low) ** 0.06
        return low / room, high * room, True
    room = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
    return low - room, high + room, False


def _scale(axis: Axis, unit: str, logarithmic: bool, ends: Sequence[float]) -> None:
    if not any(ends):
        axis.set_ticks([0.0])
    elif not logarithmic:
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    words = {
        MONEY: style.plain,
        FRACTION: lambda value, _position=None: f"{100 * value:.6g}%",
        SECONDS: lambda value, _position=None: duration(value),
    }
    axis.set_major_formatter(FuncFormatter(words[unit]))


def _tick(length: float) -> float:
    """Seconds between two ticks: whole minutes, quarters of an hour or hours, at most twelve of them."""
    return next((step for step in (60.0, 300.0, 900.0, 3_600.0, 10_800.0) if length <= 12.0 * step), 86_400.0)


def courses(axes: Sequence[Axes], curves: Sequence[Curve]) -> list[Artist]:
    """One panel for each course: the published one as a line, the simulated median and range.

    Args:
        axes: one for each curve.
        curves: the courses.
    """
    artists: list[Artist] = []
    for panel, curve in zip(axes, curves, strict=True):
        times = [at for at, _ in curve.published]
        told = panel.plot(
            times, [share for _, share in curve.published], color=style.INK, linewidth=1.6, label="record"
        )
        artists += told
        if curve.shares is not None:
            low, median, high = curve.shares
            artists.append(
                panel.fill_between(curve.time_s, low, high, color=style.BLUE, alpha=0.18, label="simulated, 90 %")
            )
            artists += panel.plot(curve.time_s, median, color=style.BLUE, label="median")
        panel.set_ylabel(curve.label)
        panel.set_ylim(0.0, 1.02)
        panel.set_xlim(0.0, math.ceil(max(*times, *curve.time_s)))
        style.percent_axis(panel.yaxis, 4)
        panel.xaxis.set_major_locator(MultipleLocator(_tick(panel.get_xlim()[1])))
        panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: duration(value)))
    style.legend_above(axes[0])
    axes[-1].set_xlabel("time since the start")
    return artists
