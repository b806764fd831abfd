"""Which layer pays the bad debt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.artist import Artist
from matplotlib.axes import Axes

from stress.report.charts import style
from stress.sizing.words import level as level_words
from stress.sizing.words import money

_LABELLED = 0.09
"""Least share of a bar that has room for its amount."""


@dataclass(frozen=True)
class Bar:
    """One split of the bad debt."""

    label: str
    parts: tuple[float, ...] | None
    """What each payer bears; None where there are too few paths."""

    @property
    def total(self) -> float:
        """The bad debt that is split."""
        return sum(self.parts) if self.parts is not None else 0.0


@dataclass(frozen=True)
class Waterfall:
    """The payers and their parts."""

    payers: tuple[tuple[str, str], ...]
    """Name and kind, in the order in which they are asked."""
    bars: tuple[Bar, ...]


def who_pays(axes: Axes, waterfall: Waterfall) -> list[Artist]:
    """Bars of equal length, split by payer, with the amounts: their totals differ by orders of magnitude."""
    if all(bar.total <= 0.0 for bar in waterfall.bars):
        style.say(axes, "No path has bad debt.")
        return []
    artists: list[Artist] = []
    colours = _colours([kind for _, kind in waterfall.payers])
    for row, bar in enumerate(waterfall.bars):
        left = 0.0
        if bar.total <= 0.0:
            text = "too few paths for a number" if bar.parts is None else "no bad debt"
            axes.text(0.01, row, text, va="center", color=style.MUTED)
        for colour, part in zip(colours, bar.parts or (), strict=False):
            share = part / bar.total if bar.total > 0.0 else 0.0
            if share <= 0.0:
                continue
            artists += axes.barh(row, share, left=left, height=0.62, color=colour).patches
            if share >= _LABELLED:
                axes.text(
                    left + share / 2.0,
                    row,
                    money(part),
                    ha="center",
                    va="center",
                    color=style.readable_on(colour),
                    fontsize=9.0,
                )
            left += share
    _frame(axes, waterfall, colours)
    return artists


def _colours(kinds: Sequence[str]) -> list[str]:
    """Colour of each payer: its kind's, lighter for every further layer of the same kind."""
    seen: dict[str, int] = {}
    colours = []
    for kind in kinds:
        repeat = seen.get(kind, 0)
        seen[kind] = repeat + 1
        colours.append(_lighter(style.LAYER_COLOURS.get(kind, style.MUTED), 0.25 * min(repeat, 2)))
    return colours


def _lighter(colour: str, share: float) -> str:
    """Colour mixed with white."""
    channels = [int(colour[k : k + 2], 16) for k in (1, 3, 5)]
    return "#" + "".join(f"{round(c + (255 - c) * share):02x}" for c in channels)


def _frame(axes: Axes, waterfall: Waterfall, colours: Sequence[str]) -> None:
    """Names of the bars with their totals, legend above."""
    names = [f"{bar.label}\n{money(bar.total)}" if bar.parts is not None else bar.label for bar in waterfall.bars]
    axes.set_yticks(range(len(names)), names, color=style.INK)
    axes.set_ylim(len(names) - 0.45, -0.55)
    axes.set_xlim(0.0, 1.0)
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)
    axes.set_xticks([])
    handles = [
        axes.barh(0, 0, color=colour, label=name) for (name, _), colour in zip(waterfall.payers, colours, strict=True)
    ]
    axes.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=min(len(handles), 5), borderaxespad=0.2
    )


def bar_label(level: float) -> str:
    """What a bar at a level is called."""
    return f"at {level_words(level)}"
