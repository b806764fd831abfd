"""One look for every chart: colours, type, axes of money and probability."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from stress.sizing.words import money, odds, significant

INK = "#1c2530"
MUTED = "#5d6b7a"
GRID = "#dde3e9"
PAPER = "#fefefe"
"""Not pure white: a page replaces these colours by its own, light or dark, and nothing else is of them."""

BLUE = "#2b6cb0"
RED = "#c0392b"
"""Also a colour of the page, which lightens it in the dark."""

LAYER_COLOURS: dict[str, str] = {
    "insurance_fund": "#2b6cb0",
    "backstop_vault": "#2f9e8f",
    "shared_fund": "#5b7fc7",
    "liquidity_pool": "#3a8fb7",
    "treasury": "#7a8450",
    "adl": "#e39b2d",
    "socialise": "#8e63b5",
    "residual": "#c0392b",
}
"""Colour of each kind of layer; the order of the waterfall goes from calm to alarming."""

SERIES: tuple[str, ...] = ("#2b6cb0", "#d9822b", "#2f9e8f", "#8e63b5", "#b5475f", "#7a8450")
"""Colours of markets and pools, told apart without red against green."""

WIDTH = 8.0
"""Inches; the text is sized for a page of this width."""

STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 9.5,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlepad": 10.0,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "figure.constrained_layout.h_pad": 0.09,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.12,
    "figure.dpi": 160,
    "figure.facecolor": PAPER,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.5,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.fontsize": 9.0,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.8,
    "patch.linewidth": 0.0,
    "savefig.dpi": 160,
    "svg.fonttype": "none",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": MUTED,
    "xtick.labelsize": 9.0,
    "ytick.color": MUTED,
    "ytick.labelsize": 9.0,
}


@contextmanager
def styled(salt: str) -> Iterator[None]:
    """The style, and identifiers of an SVG that depend on nothing but its content and ``salt``."""
    settings: Any = {**STYLE, "svg.hashsalt": salt}
    with mpl.rc_context(settings):
        yield


def new_figure(height: float, title: str) -> Figure:
    """An empty figure of the common width under its title."""
    figure = Figure(figsize=(WIDTH, height))
    figure.suptitle(title, x=0.015, ha="left", fontsize=12.0, fontweight="bold", color=INK)
    return figure


def readable_on(colour: str) -> str:
    """Black or white, whichever contrasts more with a colour (relative luminance, WCAG 2.1)."""
    channels = [int(colour[k : k + 2], 16) / 255.0 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if luminance > 0.25 else "#ffffff"


def plain(value: float, _position: int | None = None) -> str:
    """Money on an axis, without digits that say nothing: $50M and not $50.0M."""
    text = money(value, 4)
    head = text.rstrip("kMbnt")
    unit = text[len(head) :]
    return (head.rstrip("0").rstrip(".") if "." in head else head) + unit


def money_axis(axis: Axis, ticks: int = 6) -> None:
    """Amounts on a linear axis."""
    axis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(plain))


def log_money_axis(axis: Axis, low: float, high: float, ticks: int = 9) -> None:
    """Amounts on a logarithmic axis, at most ``ticks``: decades, and 2 and 5 or 3 between them where there is room."""
    decades = math.log10(high / low)
    subs = next((subs for subs in ((1.0, 2.0, 5.0), (1.0, 3.0)) if len(subs) * decades < ticks), (1.0,))
    axis.set_major_locator(LogLocator(subs=subs, numticks=12))
    axis.set_major_formatter(FuncFormatter(plain))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def probability_axis(axis: Axis) -> None:
    """Probabilities on a logarithmic axis, as percentages."""
    axis.set_major_locator(LogLocator(subs=(1.0,), numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _position: f"{significant(100 * value, 1)}%"))
    axis.set_minor_locator(LogLocator(subs=(2.0, 5.0), numticks=24))
    axis.set_minor_formatter(NullFormatter())


def odds_axis(axis: Axis, most: float, least: float) -> None:
    """Probabilities on a logarithmic axis, as odds; 1 in 20 and 1 in 50 too where there are few decades."""
    decades = math.log10(most / least)
    if decades < 6.0:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if decades < 2.7 else (1.0,), numticks=12))
    else:
        # Labels as long as 1 in 100,000,000 fill the width at every second decade.
        axis.set_major_locator(FixedLocator([0.01**k for k in range(math.ceil(-math.log(least, 100.0)) + 1)]))
    axis.set_major_formatter(FuncFormatter(lambda value, _position: odds(value)))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def percent_axis(axis: Axis, ticks: int = 6) -> None:
    """Fractions as percentages on a linear axis."""
    axis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _position: f"{100 * value:.6g}%"))


def legend_above(axes: Axes) -> None:
    """Legend over the top right corner, in the line of the title, where no line runs."""
    axes.legend(
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=6,
        borderaxespad=0.1,
        handlelength=1.2,
        columnspacing=1.2,
    )


STRIP = 1.3
"""Inches of a chart that has nothing to show but the reason."""


def say(axes: Axes, text: str) -> None:
    """An empty chart that says why it is empty."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=MUTED, fontsize=11.0)
