"""Charts of a calibration: quantiles, volatility, clustering, tails."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from stress.calibrate.calibration import Calibrated
from stress.calibrate.comparison import Comparison
from stress.calibrate.facts import REGION, hill
from stress.calibrate.fit import Track
from stress.report.charts import style
from stress.scenario.units import Dimension, write

POINTS = 400
"""Points of a line over time: more run into one another on a page."""


def write_charts(one: Calibrated, folder: Path) -> list[Path]:
    """Write the charts of a market as SVG; the same calibration gives the same bytes."""
    files = []
    for name, figure in figures(one):
        file = folder / f"{name}-{file_name(one.series.market)}.svg"
        with style.styled(file.name):
            figure().savefig(file, metadata={"Date": None})
        files.append(file)
    return files


def file_name(market: str) -> str:
    """Name of a market as part of the name of a file."""
    return market.replace("/", "-").replace(":", "-")


def figures(one: Calibrated) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """Name and maker of every chart that the calibration has the data for."""
    label = f"{one.series.market}, {one.fit.model}"
    if one.comparisons:
        yield "quantiles", lambda: quantile_figure(one, label)
        yield "clustering", lambda: clustering_figure(one, label)
    if one.fit.filtered is not None or one.fit.realised is not None:
        yield "volatility", lambda: volatility_figure(one, label)
    yield "tails", lambda: tail_figure(one, label)


def quantile_figure(one: Calibrated, label: str) -> Figure:
    """QQ charts of returns, one per horizon."""
    figure = style.new_figure(4.2, f"Quantiles of returns: data against model ({label})")
    for axes, found in zip(np.atleast_1d(figure.subplots(1, len(one.comparisons))), one.comparisons, strict=True):
        draw_quantiles(axes, found)
    return figure


def draw_quantiles(axes: Axes, found: Comparison) -> None:
    """Quantiles of the data over those of the model, with the band of nine histories in ten."""
    low, middle, high = found.model
    ends = [float(min(middle[0], found.quantile[0])), float(max(middle[-1], found.quantile[-1]))]
    axes.plot(ends, ends, color=style.MUTED, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.fill_between(middle, low, high, color=style.BLUE, alpha=0.18, label="9 in 10 histories")
    axes.plot(middle, found.quantile, ".", color=style.BLUE, markersize=4.0, label="data")
    axes.set_title(f"returns of {write(found.horizon, Dimension.DURATION)}")
    axes.set_xlabel("quantile of the model")
    axes.set_ylabel("quantile of the data")
    style.percent_axis(axes.xaxis, 5)
    style.percent_axis(axes.yaxis, 5)
    axes.legend(loc="upper left")


def volatility_figure(one: Calibrated, label: str) -> Figure:
    """Realised and filtered volatility over time."""
    figure = style.new_figure(3.6, f"Volatility per root year ({label})")
    axes = figure.subplots()
    if one.fit.realised is not None:
        _line(axes, one.fit.realised, style.MUTED, "realised", 0.6)
    if one.fit.filtered is not None:
        _line(axes, one.fit.filtered, style.BLUE, "model, given the prices", 1.2)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{100 * value:.6g}%"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    style.legend_above(axes)
    return figure


def _line(axes: Axes, track: Track, colour: str, label: str, width: float) -> None:
    """Square roots over time; many points become means of equal stretches."""
    stretch = max(1, len(track.value) // POINTS)
    whole = len(track.value) // stretch * stretch
    value = track.value[:whole].reshape(-1, stretch).mean(axis=1)
    time = track.time[:whole].reshape(-1, stretch).mean(axis=1)
    dates = [datetime.datetime.fromtimestamp(float(t), datetime.UTC) for t in time]
    axes.plot(dates, np.sqrt(np.maximum(value, 1e-6)), color=colour, linewidth=width, label=label)  # type: ignore[arg-type]


def clustering_figure(one: Calibrated, label: str) -> Figure:
    """Autocorrelation of squared and of absolute returns."""
    figure = style.new_figure(3.4, f"Clustering of volatility: autocorrelation ({label})")
    found = one.comparisons[0]
    pairs = zip(figure.subplots(1, 2), ("squares", "sizes"), ("squared returns", "absolute returns"), strict=True)
    for axes, name, words in pairs:
        data = np.array(getattr(found.data, name))
        simulated = np.array([getattr(facts, name) for facts in found.simulated])
        place = np.arange(len(data))
        low, middle, high = np.quantile(simulated, [0.05, 0.5, 0.95], axis=0)
        axes.errorbar(
            place, middle, [middle - low, high - middle], fmt="o", color=style.BLUE, capsize=4, label="model, 9 in 10"
        )
        axes.plot(place, data, "D", color=style.RED, markersize=6, label="data")
        axes.set_xticks(place, [write(lag, Dimension.DURATION) for lag in found.data.lags])
        axes.set_xlim(-0.5, len(data) - 0.5)
        axes.axhline(0.0, color=style.MUTED, linewidth=0.8)
        axes.set_title(words)
        axes.set_xlabel("lag")
        axes.legend()
    return figure


def tail_figure(one: Calibrated, label: str) -> Figure:
    """Hill plots of both tails with the region that the tail index is read from."""
    figure = style.new_figure(3.6, f"Tail index of returns, Hill plot ({label})")
    axes = figure.subplots()
    centred = one.series.value - one.series.value.mean()
    for side, colour, words in ((-centred, style.RED, "falls"), (centred, style.BLUE, "rises")):
        k, index = hill(side)
        shown = k >= 10
        axes.plot(k[shown] / len(centred), index[shown], color=colour, label=words)
    axes.axvspan(*REGION, color=style.MUTED, alpha=0.12)
    axes.annotate("read here", (REGION[0], 1.0), xycoords=("data", "axes fraction"), va="top", color=style.MUTED)
    axes.set_xscale("log")
    style.probability_axis(axes.xaxis)
    axes.set_ylim(0.0, None)
    axes.set_xlabel("share of the returns in the tail")
    axes.set_ylabel("tail index")
    style.legend_above(axes)
    return figure
