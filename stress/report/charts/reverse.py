"""Charts of a reverse stress test: which moves of two markets break the venue, and the least moves that do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from stress.report.charts import style
from stress.sizing.estimate import Floats
from stress.sizing.words import odds

LEVELS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-9)
"""Odds between which the map is shaded."""
_SHADES = ("#f4f7fa", "#e6eef6", "#d3e2f0", "#bcd4ea", "#a2c4e2", "#86b2d9")


@dataclass(frozen=True)
class Outline:
    """Moves of two markets at which the venue breaks."""

    label: str
    across: Floats
    """[a] relative moves of the first market, NaN where nothing breaks in that direction."""
    up: Floats
    """[a] of the second."""


@dataclass(frozen=True)
class Map:
    """The plane of the moves of two markets."""

    names: tuple[str, str]
    outlines: tuple[Outline, ...]
    across: Floats
    """[x] relative moves at which odds are known."""
    up: Floats
    """[y]"""
    log_odds: Floats
    """[y, x] natural log of the probability that a run brings such a move or worse."""
    marked: tuple[tuple[str, float, float], ...]
    """Names and moves of what was found."""


@dataclass(frozen=True)
class Line:
    """Least moves under growing stress; None where none breaks the venue."""

    label: str
    moves: tuple[float | None, ...]


def boundary_map(axes: Axes, data: Map) -> list[Artist]:
    """Outlines of equal odds, and of the moves that break the venue."""
    levels = [math.log(level) for level in reversed(LEVELS)]
    filled = axes.contourf(data.across, data.up, data.log_odds, levels, colors=_SHADES, extend="max")
    bar = axes.figure.colorbar(filled, ax=axes, pad=0.02, aspect=30)
    bar.set_ticks(levels, labels=[odds(math.exp(level)) for level in levels])
    bar.ax.tick_params(length=0, labelsize=8.0)
    bar.set_label("odds that a run brings such moves or worse", fontsize=8.5)
    bar.outline.set_visible(False)
    axes.grid(visible=False)
    artists: list[Artist] = [filled]
    for outline, colour, dashes in zip(data.outlines, (style.RED, style.BLUE), ("-", (0, (4, 2))), strict=False):
        closed = [np.append(values, values[0]) for values in (outline.across, outline.up)]
        artists += axes.plot(*closed, color=colour, linestyle=dashes, marker=".", markersize=4, label=outline.label)
    for (name, x, y), marker in zip(data.marked, ("o", "*"), strict=False):
        size = 7 if marker == "o" else 13
        artists += axes.plot(
            [x], [y], marker=marker, markersize=size, color=style.INK, linestyle="none", label=name, zorder=5
        )
    axes.axhline(0.0, color=style.GRID, linewidth=1.0, zorder=0)
    axes.axvline(0.0, color=style.GRID, linewidth=1.0, zorder=0)
    axes.set_xlim(float(data.across[0]), float(data.across[-1]))
    axes.set_ylim(float(data.up[0]), float(data.up[-1]))
    axes.set_xlabel(f"move of {data.names[0]}")
    axes.set_ylabel(f"move of {data.names[1]}")
    style.percent_axis(axes.xaxis, 7)
    style.percent_axis(axes.yaxis, 7)
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.3, columnspacing=1.4)
    return artists


def least_moves(axes: Axes, lines: Sequence[Line], at: Sequence[str], name: str, amount: str) -> list[Artist]:
    """Least moves, as shares, over equally spaced places on an axis."""
    if all(move is None for line in lines for move in line.moves):
        style.say(axes, "No move within the bounds breaks the venue.")
        return []
    artists: list[Artist] = []
    for line, colour, marker in zip(lines, style.SERIES, "os^Dvp", strict=False):
        moves = [np.nan if move is None else abs(move) for move in line.moves]
        artists += axes.plot(range(len(at)), moves, color=colour, marker=marker, markersize=5, label=line.label)
    axes.set_xticks(range(len(at)), list(at))
    axes.set_xlim(-0.3, len(at) - 0.7)
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel(name)
    axes.set_ylabel(amount)
    style.percent_axis(axes.yaxis)
    if len(lines) > 1:
        style.legend_above(axes)
    return artists
