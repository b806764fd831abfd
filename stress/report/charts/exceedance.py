"""Probability that a loss exceeds an amount."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from stress.report.charts import style
from stress.sizing.estimate import LEAST_EXCEEDANCES, Floats
from stress.sizing.proportions import clopper_pearson
from stress.sizing.words import count
from stress.sizing.words import level as level_words

_POINTS = 400
_DECADES = 1e-4
"""Losses under this share of the largest are left of the chart."""


@dataclass(frozen=True)
class Losses:
    """One loss over all paths."""

    label: str
    ordered: Floats
    """[w] ascending."""
    colour: str


def loss_exceedance(axes: Axes, losses: Sequence[Losses], levels: Sequence[float], confidence: float) -> list[Artist]:
    """Share of paths that lose at least an amount, on two logarithmic axes, with pointwise exact bands.

    A loss that no path has is left out; levels are marked where ten paths lie beyond them.
    """
    shown = [loss for loss in losses if loss.ordered[-1] > 0.0]
    paths = losses[0].ordered.size
    if not shown or paths < LEAST_EXCEEDANCES:
        style.say(axes, f"Too few paths: {paths}." if shown else f"No loss in {count(paths, 'path')}.")
        return []
    artists: list[Artist] = []
    least = _smallest(shown)
    for loss in shown:
        amount, rank = _curve(loss.ordered, least)
        low, high = _band(rank, paths, confidence)
        artists.append(axes.fill_between(amount, low, high, color=loss.colour, alpha=0.18, step="pre"))
        artists += axes.step(amount, rank / paths, color=loss.colour, where="pre", label=loss.label)
    _frame(axes, shown, paths, least)
    _mark(axes, [level for level in levels if paths * (1.0 - level) >= LEAST_EXCEEDANCES - 1e-6], paths)
    if len(shown) > 1:
        style.legend_above(axes)
    return artists


def _smallest(shown: Sequence[Losses]) -> float:
    """Where the axis of amounts begins: the smallest loss worth drawing, or a tenth of the largest."""
    largest = max(float(loss.ordered[-1]) for loss in shown)
    starts = [float(loss.ordered[np.searchsorted(loss.ordered, _DECADES * largest)]) for loss in shown]
    return min(*starts, largest / 10.0)


def _curve(ordered: Floats, least: float) -> tuple[Floats, Floats]:
    """Amounts from ``least`` on, ascending, and how many paths lose at least as much, thinned where they are dense."""
    paths = ordered.size
    first = int(np.searchsorted(ordered, least))
    ranks = np.unique(np.geomspace(1, paths - first, _POINTS).round().astype(np.int64))
    amount = np.append(least, ordered[paths - ranks][::-1])
    # Equal losses share the largest rank: all of them lose at least as much.
    return amount, (paths - np.searchsorted(ordered, amount, side="left")).astype(np.float64)


def _band(rank: Floats, paths: int, confidence: float) -> tuple[Floats, Floats]:
    """Clopper-Pearson band of ranks of at least one path."""
    ends = [clopper_pearson(int(count), paths, confidence) for count in rank]
    return np.array([low for low, _ in ends]), np.array([high for _, high in ends])


def _frame(axes: Axes, shown: Sequence[Losses], paths: int, least: float) -> None:
    """Scales, limits and labels."""
    largest = max(float(loss.ordered[-1]) for loss in shown)
    likeliest = max(_curve(loss.ordered, least)[1][0] for loss in shown) / paths
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(least, largest * 1.25)
    axes.set_ylim(0.4 / paths, min(2.5 * likeliest, 1.3))
    style.log_money_axis(axes.xaxis, least, largest)
    style.probability_axis(axes.yaxis)
    axes.set_xlabel("loss over the horizon")
    axes.set_ylabel("probability of losing at least as much")


def _mark(axes: Axes, levels: Sequence[float], paths: int) -> None:
    """Levels as thin lines, and the region where fewer than ten paths lie."""
    least = LEAST_EXCEEDANCES / paths
    axes.axhspan(axes.get_ylim()[0], min(least, 1.0), color=style.MUTED, alpha=0.10)
    axes.text(
        *(0.012, 0.02),
        f"fewer than {LEAST_EXCEEDANCES} paths: no number is quoted",
        transform=axes.transAxes,
        va="bottom",
        color=style.MUTED,
        fontsize=8.5,
    )
    for level in levels:
        axes.axhline(1.0 - level, color=style.MUTED, linewidth=0.9, linestyle=(0, (4, 3)))
        axes.annotate(
            level_words(level),
            xy=(0.012, 1.0 - level),
            xycoords=axes.get_yaxis_transform(),
            xytext=(0, 2),
            textcoords="offset points",
            color=style.MUTED,
            fontsize=8.5,
        )
