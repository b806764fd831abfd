"""Two runs in one chart: each path against itself, panels of half the width."""

from __future__ import annotations

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

from stress.report.charts import style
from stress.sizing.estimate import Floats
from stress.sizing.words import count

_DRAWN = 3_000
"""Points that are drawn at most: the worst of either run."""
_DECADES = 1e-4
"""Losses under this share of the largest are drawn at the edge."""


def path_by_path(axes: Axes, before: Floats, after: Floats) -> list[Artist]:
    """Loss of each path [w] after against before, on logarithmic axes with the line of no change.

    Paths without a loss in one of the runs stand at the edge.
    """
    largest = max(float(before.max(initial=0.0)), float(after.max(initial=0.0)))
    if largest <= 0.0:
        style.say(axes, "No path has a loss.")
        return []
    worst = np.argsort(-np.maximum(before, after), kind="stable")[:_DRAWN]
    worst = worst[np.maximum(before, after)[worst] > 0.0]
    least = _least(before[worst], after[worst], largest)
    x, y = np.maximum(before[worst], least), np.maximum(after[worst], least)
    colours = np.where(y > x * (1.0 + 1e-9), style.RED, np.where(y < x * (1.0 - 1e-9), style.BLUE, style.MUTED))
    dots = axes.scatter(x, y, s=9.0, c=colours.tolist(), alpha=0.55, linewidths=0.0)
    (line,) = axes.plot([least, largest * 1.3], [least, largest * 1.3], color=style.INK, linewidth=0.9)
    _frame(axes, least, largest)
    changed = int(np.count_nonzero(np.abs(y - x) > 1e-9 * x))
    up = int(np.count_nonzero(y > x * (1.0 + 1e-9)))
    words = f"{count(changed, 'path')} of {worst.size:,} changed: {up:,} worse, {changed - up:,} better"
    axes.text(0.02, 0.97, words, transform=axes.transAxes, va="top", color=style.MUTED, fontsize=9.0)
    return [dots, line]


def _least(before: Floats, after: Floats, largest: float) -> float:
    """Where both axes begin: under the smallest loss worth drawing."""
    losses = np.concatenate([before, after])
    seen = losses[losses > _DECADES * largest]
    return float(seen.min()) * 0.8


def _frame(axes: Axes, least: float, largest: float) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(least * 0.9, largest * 1.3)
    axes.set_ylim(least * 0.9, largest * 1.3)
    style.log_money_axis(axes.xaxis, least, largest)
    style.log_money_axis(axes.yaxis, least, largest)
    axes.set_xlabel("loss of a path before")
    axes.set_ylabel("loss of the same path after")


def half_width(axes: Axes, title: str) -> None:
    """Make a chart that was drawn for the whole width fit half: few decades, short label, title over its legend."""
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,), numticks=3))
    axes.set_xlabel("probability of depletion")
    axes.annotate(
        title, (0.0, 1.0), xycoords="axes fraction", xytext=(0, 26), textcoords="offset points", weight="bold"
    )
