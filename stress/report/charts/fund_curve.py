"""Fund size against the probability that it is depleted."""

from __future__ import annotations

from matplotlib.artist import Artist
from matplotlib.axes import Axes

from stress.report.charts import style
from stress.sizing.fund import FundSizing
from stress.sizing.words import first_and_sound, level, money, odds

_OFF_SCALE = 2.5
"""A current fund larger than this many times the curve's top would flatten it, and is named instead of drawn."""


def fund_curve(axes: Axes, fund: FundSizing, paths: int) -> list[Artist]:
    """Needed fund at each depletion probability with its band; the target and the current fund marked."""
    curve = [point for point in fund.curve if point.high > 0.0]
    if not curve:
        style.say(
            axes, f"No path needs a {fund.noun}." if fund.curve else f"Too few paths to size a {fund.noun}: {paths:,}."
        )
        return []
    at = [point.depletion for point in curve]
    name = f"{level(fund.target.size.confidence)} interval"
    band = axes.fill_between(
        at, [p.low for p in curve], [p.high for p in curve], color=style.BLUE, alpha=0.18, label=name
    )
    line = axes.plot(at, [point.size for point in curve], color=style.BLUE, label=f"{fund.noun} needed")
    _frame(axes, fund, curve[0].depletion, curve[-1].depletion)
    style.legend_above(axes)
    top = max(point.high for point in curve)
    return [band, *line, *_target(axes, fund, paths), *_current(axes, fund, top)]


def _frame(axes: Axes, fund: FundSizing, most: float, least: float) -> None:
    """Rare depletion to the right, money up."""
    axes.set_xscale("log")
    least = min(least, fund.target.depletion)
    # A sixth of the width stays free at the right, for the words beside the target.
    axes.set_xlim(most * 1.05, least * (least / most) ** 0.2)
    style.odds_axis(axes.xaxis, *axes.get_xlim())
    style.money_axis(axes.yaxis)
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel(f"probability that the {fund.noun} is depleted over the horizon")
    axes.set_ylabel(fund.noun)


def _target(axes: Axes, fund: FundSizing, paths: int) -> list[Artist]:
    """The accepted probability: point, interval and upper bound, or why there is none."""
    size, depletion = fund.target.size, fund.target.depletion
    line = axes.axvline(depletion, color=style.MUTED, linewidth=0.9, linestyle=(0, (4, 3)))
    if size.value is None or size.low is None or size.high is None:
        needed, _ = first_and_sound(size, depletion, paths)
        middle = 0.5 * axes.get_ylim()[1]
        _note(axes, (depletion, middle), f"{odds(depletion)}:\nneeds {needed:,}\npaths or more", style.MUTED)
        return [line]
    bar = axes.errorbar(
        [depletion],
        [size.value],
        yerr=[[size.value - size.low], [size.high - size.value]],
        fmt="o",
        color=style.INK,
        markersize=6,
        capsize=4,
        elinewidth=1.4,
        zorder=5,
    )
    # Two lines under a low point would cover the labels of the axis.
    space = " " if size.value < 0.15 * axes.get_ylim()[1] else "\n"
    _note(axes, (depletion, size.value), f"{money(size.value)}{space}for {odds(depletion)}", style.INK)
    return [line, bar[0]]


def _note(axes: Axes, at: tuple[float, float], text: str, colour: str) -> None:
    """Text to the right of a point and under it, where a rising curve does not run."""
    axes.annotate(
        text,
        xy=at,
        xytext=(8, -4),
        textcoords="offset points",
        ha="left",
        va="top",
        color=colour,
        fontsize=9.0,
        bbox={"boxstyle": "square,pad=0.1", "facecolor": style.PAPER, "edgecolor": "none"},
        zorder=4,
    )


def _current(axes: Axes, fund: FundSizing, top: float) -> list[Artist]:
    """The current fund as a line, or in words where it is unlimited or far above the curve."""
    if fund.current is None:
        _corner(axes, f"the scenario's {fund.noun} is unlimited")
        return []
    if fund.current > _OFF_SCALE * top:
        axes.set_ylim(0.0, 1.15 * top)
        _corner(axes, f"current {fund.noun} {money(fund.current)}, above the chart")
        return []
    axes.set_ylim(0.0, 1.15 * max(top, fund.current))
    line = axes.axhline(fund.current, color=style.RED, linewidth=1.5)
    # The curve rises to the right: a low line is free of it there, a high one at the left.
    right = fund.current < 0.5 * top
    axes.annotate(
        f"current {fund.noun} {money(fund.current)}",
        xy=(0.988 if right else 0.012, fund.current),
        ha="right" if right else "left",
        xycoords=axes.get_yaxis_transform(),
        xytext=(0, 4),
        textcoords="offset points",
        color=style.RED,
    )
    return [line]


def _corner(axes: Axes, text: str) -> None:
    axes.text(0.012, 0.97, text, transform=axes.transAxes, ha="left", va="top", color=style.RED)
