"""Several figures of the same cells side by side, each against the scenario as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from stress.report.charts import style


@dataclass(frozen=True)
class Dot:
    """A value with the interval of its change; None where there is no number."""

    value: float | None
    change: tuple[float, float] | None


@dataclass(frozen=True)
class Panel:
    """One figure of every cell, the scenario as it is first."""

    heading: str
    dots: tuple[Dot, ...]
    words: Callable[[float | None], str]


def panels(figure: Figure, labels: Sequence[str], shown: Sequence[Panel]) -> list[Artist]:
    """A panel for every figure, a row for every cell: dots, intervals of the changes, the first row as a line."""
    artists: list[Artist] = []
    all_axes = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    rows = range(len(labels))
    for axes, panel in zip(all_axes, shown, strict=True):
        base = panel.dots[0].value
        if base is not None:
            artists.append(axes.axvline(base, color=style.INK, linewidth=1.0))
        for row, dot in zip(rows, panel.dots, strict=True):
            if dot.value is None:
                continue
            colour = style.INK if base is None or row == 0 else style.RED if dot.value > base else style.BLUE
            if dot.change is not None and base is not None:
                ends = base + dot.change[0], base + dot.change[1]
                artists.append(axes.hlines(row, *ends, color=colour, linewidth=2.0, alpha=0.6))
            artists += axes.plot(dot.value, row, "o", color=colour, markersize=5)
        words = panel.words
        axes.xaxis.set_major_locator(MaxNLocator(3))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _position, words=words: words(value)))
        axes.set_title(panel.heading.replace(", ", ",\n"), fontsize=9.0)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.margins(x=0.12)
    all_axes[0].set_yticks(list(rows), list(labels), color=style.INK)
    all_axes[0].set_ylim(len(labels) - 0.5, -0.5)
    return artists
