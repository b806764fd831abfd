"""Diagnostics of a fitted generalised Pareto tail."""

from __future__ import annotations

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from stress.report.charts import style
from stress.sizing.tail import Tail

_HALF_WIDTH = 1.96
"""Standard errors of the mean excess that are drawn: 95 % in large samples."""


def mean_excess(axes: Axes, tail: Tail) -> list[Artist]:
    """Mean excess over each threshold with bands: a straight line where the law holds (Davison and Smith 1990)."""
    at = [step.threshold for step in tail.steps]
    mean = [step.mean_excess for step in tail.steps]
    error = [_HALF_WIDTH * step.mean_excess_error for step in tail.steps]
    band = axes.fill_between(
        at,
        [m - e for m, e in zip(mean, error, strict=True)],
        [m + e for m, e in zip(mean, error, strict=True)],
        color=style.BLUE,
        alpha=0.18,
    )
    line = axes.plot(at, mean, color=style.BLUE, marker="o", markersize=3.5)
    law = _law_line(axes, tail, at)
    axes.set_title("Mean excess")
    axes.set_ylim(bottom=0.0)
    style.money_axis(axes.yaxis, 5)
    _thresholds(axes, tail)
    return [band, *line, *law]


def _law_line(axes: Axes, tail: Tail, at: list[float]) -> list[Artist]:
    """What the fitted law expects beyond its threshold: (scale + shape (v - threshold)) / (1 - shape)."""
    shape, scale, threshold = tail.shape.value, tail.scale, tail.threshold
    if shape is None or scale is None or threshold is None or shape >= 1.0:
        return []
    ends = [threshold, at[-1]]
    expected = [(scale + shape * (end - threshold)) / (1.0 - shape) for end in ends]
    return list(axes.plot(ends, expected, color=style.RED, linewidth=1.4, linestyle=(0, (4, 2))))


def shape_stability(axes: Axes, tail: Tail) -> list[Artist]:
    """Shape over each threshold, with profile intervals: level where the law holds."""
    at = [step.threshold for step in tail.steps]
    shape = [step.shape for step in tail.steps]
    below = [step.shape - step.shape_low for step in tail.steps]
    above = [step.shape_high - step.shape for step in tail.steps]
    bars = axes.errorbar(at, shape, yerr=[below, above], fmt="o", color=style.BLUE, markersize=3.5, elinewidth=1.0)
    if tail.shape.value is not None:
        axes.axhline(tail.shape.value, color=style.RED, linewidth=1.4, linestyle=(0, (4, 2)))
    axes.set_title("Shape")
    _thresholds(axes, tail)
    return [bars[0]]


def quantile_quantile(axes: Axes, tail: Tail) -> list[Artist]:
    """Quantiles of the paths against those of the law: on the diagonal where it holds."""
    by_law = [pair[0] for pair in tail.quantiles]
    found = [pair[1] for pair in tail.quantiles]
    points = axes.plot(by_law, found, "o", color=style.BLUE, markersize=3.5)
    ends = [min(by_law), max(*by_law, *found)]
    line = axes.plot(ends, ends, color=style.RED, linewidth=1.4, linestyle=(0, (4, 2)))
    axes.set_title("Paths against the law")
    axes.set_xlabel("by the law")
    for axis in (axes.xaxis, axes.yaxis):
        style.money_axis(axis, 4)
    return [*points, *line]


def _thresholds(axes: Axes, tail: Tail) -> None:
    """Axis of thresholds with the chosen one marked."""
    at = [step.threshold for step in tail.steps]
    axes.set_xlabel("threshold")
    if min(at) > 0.0 and max(at) > 5.0 * min(at):
        axes.set_xscale("log")
        style.log_money_axis(axes.xaxis, min(at), max(at), 4)
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        style.money_axis(axes.xaxis, 4)
    if tail.threshold is not None:
        axes.axvline(tail.threshold, color=style.MUTED, linewidth=0.9, linestyle=(0, (4, 3)))
