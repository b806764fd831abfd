"""How much of what owners pay for others the largest payers pay."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from stress.report.charts import style
from stress.sizing.estimate import Floats
from stress.sizing.owners import SHARES, Concentration

_GROUP = 25
"""Paths behind a point of the lines; with fewer than three groups every path is a dot."""
_GROUPS = 16
_DECADES = 1e-3
"""Payments under this share of the largest are left of the chart."""
_OUTER = (0.1, 0.9)
"""Quantiles between which the bands lie."""


def concentration(axes: Axes, data: Concentration) -> list[Artist]:
    """Shares of the largest payers against what is paid: medians of groups of paths, with bands; or dots."""
    if not data.paid.size:
        style.say(axes, "No owner pays for others on any path.")
        return []
    artists: list[Artist] = []
    groups = _grouped(data.paid)
    for (name, label), colour in zip(SHARES.items(), style.SERIES, strict=False):
        shares = data.measures[name]
        if len(groups) < 3:
            artists += axes.plot(data.paid, shares, "o", color=colour, markersize=4, alpha=0.7, label=label)
            continue
        amounts = [data.quantile("paid", 0.5, group) for group in groups]
        low, middle, high = ([data.quantile(name, at, group) for group in groups] for at in (_OUTER[0], 0.5, _OUTER[1]))
        artists.append(axes.fill_between(amounts, low, high, color=colour, alpha=0.15))
        artists += axes.plot(amounts, middle, "o-", color=colour, markersize=4, label=label)
    _frame(axes, data.paid)
    return artists


def _grouped(paid: Floats) -> Sequence[np.ndarray]:
    """Paths in groups of equal size by what is paid."""
    groups = min(_GROUPS, paid.size // _GROUP)
    return np.array_split(np.argsort(paid, kind="stable"), groups) if groups else []


def _frame(axes: Axes, paid: Floats) -> None:
    """Scales, limits and labels."""
    low, high = float(paid.min()), float(paid.max())
    low = max(low, _DECADES * high)
    axes.set_xscale("log")
    axes.set_xlim(low / 1.15, high * 1.15)
    axes.set_ylim(0.0, 1.03)
    style.log_money_axis(axes.xaxis, low / 1.15, high * 1.15)
    style.percent_axis(axes.yaxis)
    axes.set_xlabel("what owners pay for others on the path")
    axes.set_ylabel("share of it paid by the")
    style.legend_above(axes)
