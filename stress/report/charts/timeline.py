"""One path, check by check: prices, open interest, fund, auto-deleveraging."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MultipleLocator

from stress.report.charts import style
from stress.sizing.estimate import Floats
from stress.sizing.words import clock

_LINES = 5
"""Markets, and pools, that can be told apart by colour."""
_EDGE = 0.005
"""Share of the bad debt left out at either end of what is shown closer."""
_CLOSEST = 24
_CLOSER = 0.4
"""A closer look has 24 checks or more, and at most this share of the path."""
_DOTTED = (0, (1, 1.2))
_UNITS = ((86_400.0, "days"), (3_600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))
_STEPS = tuple(
    k * unit
    for unit, multiples in ((1.0, (1, 5, 15)), (60.0, (1, 5, 15)), (3_600.0, (1, 3, 6)), (86_400.0, (1, 2, 5, 10, 30)))
    for k in multiples
)
"""Seconds between two ticks of a time axis."""


@dataclass(frozen=True)
class MarketTrace:
    """One market on the path, each [s]."""

    price: Floats
    fundamental: Floats
    open_interest: Floats
    start: float
    """Book price at the start of the path."""

    @property
    def move(self) -> float:
        """Largest distance of the book price from its start, relative."""
        return float(np.abs(self.price / self.start - 1.0).max())

    def within(self, shown: slice) -> MarketTrace:
        """The same over some of the checks."""
        return MarketTrace(self.price[shown], self.fundamental[shown], self.open_interest[shown], self.start)


@dataclass(frozen=True)
class PoolTrace:
    """One pool on the path, each [s] and counted from the start."""

    fund: Floats | None
    """Equity of the first fund; None without one."""
    bad_debt: Floats
    adl_notional: Floats

    def within(self, shown: slice) -> PoolTrace:
        """The same over some of the checks."""
        fund = None if self.fund is None else self.fund[shown]
        return PoolTrace(fund, self.bad_debt[shown], self.adl_notional[shown])


@dataclass(frozen=True)
class Timeline:
    """One path of a run."""

    time_s: Floats
    markets: Mapping[str, MarketTrace]
    pools: Mapping[str, PoolTrace]
    marks: tuple[tuple[float, str], ...]
    """Times worth a line, and what happened."""

    @property
    def funds(self) -> dict[str, Floats]:
        """Equity of the funds of the pools that have one."""
        return {name: trace.fund for name, trace in self.pools.items() if trace.fund is not None}

    def closer(self) -> Timeline | None:
        """The checks in which the bad debt comes about; None where that is most of the path, or there is none."""
        debt = np.sum([trace.bad_debt for trace in self.pools.values()], axis=0)
        if debt[-1] <= 0.0:
            return None
        first, last = int(np.argmax(debt > _EDGE * debt[-1])), int(np.argmax(debt >= (1.0 - _EDGE) * debt[-1]))
        margin = max(_CLOSEST // 2, (last - first) // 3)
        shown = slice(max(first - margin, 0), last + margin + 1)
        times = self.time_s[shown]
        if times.size > _CLOSER * self.time_s.size:
            return None
        return Timeline(
            times,
            {name: trace.within(shown) for name, trace in self.markets.items()},
            {name: trace.within(shown) for name, trace in self.pools.items()},
            tuple(mark for mark in self.marks if times[0] <= mark[0] <= times[-1]),
        )


def panel_heights(data: Timeline) -> list[float]:
    """Relative heights of the panels that :func:`timeline` fills, from the top."""
    return [0.13 * max(len(data.marks), 1), 1.5, 1.0, *([1.0] if data.funds else []), 1.0]


def timeline(axes: Sequence[Axes], data: Timeline) -> list[Artist]:
    """Panels over a common time axis.

    Args:
        axes: what happened, price, open interest, fund (only where there is one), and bad debt with auto-deleveraging.
        data: the path.
    """
    hardest = sorted(data.markets, key=lambda name: (-data.markets[name].move, name))[:_LINES]
    shown = [name for name in data.markets if name in hardest]
    artists = _prices(axes[1], data, shown) + _open_interest(axes[2], data)
    if data.funds:
        artists += _funds(axes[3], data)
    artists += _losses(axes[-1], data)
    _name_marks(axes[0], data)
    for panel in axes:
        panel.set_xlim(data.time_s[0], data.time_s[-1])
        for at, _ in data.marks:
            panel.axvline(at, color=style.MUTED, linewidth=0.9, linestyle=(0, (2, 2)))
    _time_axis(axes[-1], data)
    return artists


def _prices(axes: Axes, data: Timeline, shown: Sequence[str]) -> list[Artist]:
    """Book price relative to its start, the fundamental one dashed."""
    artists: list[Artist] = []
    for name, colour in zip(shown, style.SERIES, strict=False):
        trace = data.markets[name]
        start = trace.start
        artists += axes.plot(data.time_s, trace.price / start - 1.0, color=colour, label=name, linewidth=1.4)
        artists += axes.plot(
            data.time_s, trace.fundamental / start - 1.0, color=colour, linewidth=0.9, linestyle=_DOTTED
        )
    style.percent_axis(axes.yaxis, 5)
    left_out = len(data.markets) - len(shown)
    axes.plot([], [], color=style.MUTED, linewidth=0.9, linestyle=_DOTTED, label="fundamental")
    title = "Price since the start"
    axes.set_title(f"{title}; {len(shown)} of {len(data.markets)}" if left_out else title)
    style.legend_above(axes)
    return artists


def _open_interest(axes: Axes, data: Timeline) -> list[Artist]:
    """Open interest of all markets."""
    total = np.sum([trace.open_interest for trace in data.markets.values()], axis=0)
    axes.set_title("Open interest, all markets")
    style.money_axis(axes.yaxis, 4)
    line = axes.plot(data.time_s, total, color=style.BLUE, linewidth=1.6)
    axes.set_ylim(0.0, 1.1 * max(float(total.max()), 1e-9))
    return list(line)


def _funds(axes: Axes, data: Timeline) -> list[Artist]:
    """Equity of the pools' first funds."""
    funds = data.funds
    falls = {name: float(fund[0] - fund.min()) for name, fund in funds.items()}
    shown = sorted(sorted(funds, key=lambda name: (-falls[name], name))[:_LINES], key=list(funds).index)
    artists: list[Artist] = []
    for name, colour in zip(shown, style.SERIES, strict=False):
        artists += axes.plot(data.time_s, funds[name], color=colour, label=name, linewidth=1.6)
    axes.set_title("Fund" if len(funds) == 1 else "Fund of each pool")
    axes.axhline(0.0, color=style.MUTED, linewidth=0.8)
    style.money_axis(axes.yaxis, 4)
    if len(shown) > 1:
        style.legend_above(axes)
    return artists


def _losses(axes: Axes, data: Timeline) -> list[Artist]:
    """Bad debt and positions closed by ADL since the start, all pools."""
    debt = np.sum([trace.bad_debt for trace in data.pools.values()], axis=0)
    adl = np.sum([trace.adl_notional for trace in data.pools.values()], axis=0)
    artists: list[Artist] = []
    for values, colour, label in ((debt, style.RED, "bad debt"), (adl, style.LAYER_COLOURS["adl"], "closed by ADL")):
        artists += axes.step(data.time_s, values, color=colour, label=label, where="post", linewidth=1.6)
    axes.set_title("Since the start")
    top = max(float(debt.max()), float(adl.max()))
    axes.set_ylim(0.0, 1.12 * top or 1.0)
    style.money_axis(axes.yaxis, 4)
    if top == 0.0:
        axes.set_yticks([0.0])
    style.legend_above(axes)
    return artists


def _time_axis(axes: Axes, data: Timeline) -> None:
    """Minutes, hours or days since the start, at most ten ticks; as on a clock where the start is not shown."""
    span = float(data.time_s[-1] - data.time_s[0])
    step = next((step for step in _STEPS if span <= 9.0 * step), span / 8.0)
    axes.xaxis.set_major_locator(MultipleLocator(step))
    if data.time_s[0] > 0.0:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: clock(value)))
        axes.set_xlabel("hours and minutes since the start")
        return
    unit, name = next((unit, name) for unit, name in _UNITS if step >= unit or unit == 1.0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value / unit:.6g}"))
    axes.set_xlabel(f"{name} since the start")


def _name_marks(axes: Axes, data: Timeline) -> None:
    """What happened at the marked times, one line each, in a panel of its own."""
    axes.set_axis_off()
    axes.set_ylim(max(len(data.marks), 1), 0.0)
    for row, (at, name) in enumerate(data.marks):
        left = at > 0.5 * float(data.time_s[0] + data.time_s[-1])
        axes.annotate(
            f"{clock(at)} {name}",
            xy=(at, row + 0.5),
            xytext=(-5 if left else 5, 0),
            textcoords="offset points",
            bbox={"boxstyle": "square,pad=0.1", "facecolor": style.PAPER, "edgecolor": "none"},
            ha="right" if left else "left",
            va="center",
            color=style.INK,
            fontsize=9.0,
        )
