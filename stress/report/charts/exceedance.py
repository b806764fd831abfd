"""Probability that a loss exceeds an amount."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from stress.report.charts import style
from stress.sizing.estimate import LEAST_EXCEEDANCES, Estimate, Floats
from stress.sizing.proportions import probability, share_of
from stress.sizing.weights import ascending_with
from stress.sizing.words import count
from stress.sizing.words import level as level_words
from stress.weights import Weights

_POINTS = 400
_WEIGHTED_POINTS = 120
"""Each point of weighted losses passes over all paths."""
_DECADES = 1e-4
"""Losses under this share of the largest are left of the chart."""


@dataclass(frozen=True)
class Losses:
    """One loss over all paths."""

    label: str
    ordered: Floats
    """[w] ascending."""
    colour: str
    weights: Weights | None = None
    """In the same order; None where all paths count alike."""

    @classmethod
    def of(cls, label: str, values: Floats, colour: str, weights: Weights | None) -> Losses:
        """Losses in the order of the paths."""
        ordered, ranked = ascending_with(values, weights)
        return cls(label, ordered, colour, ranked)


@dataclass(frozen=True)
class _Curve:
    """Probabilities of losing at least ascending amounts."""

    amount: Floats
    share: Floats
    low: Floats
    high: Floats
    worth: Floats
    """Plain paths that lose as much, or would in a run that knows as much."""


def loss_exceedance(axes: Axes, losses: Sequence[Losses], levels: Sequence[float], confidence: float) -> list[Artist]:
    """Share of paths that lose at least an amount, on two logarithmic axes, with pointwise exact bands.

    A loss that no path has is left out, and one under a ten-thousandth of the largest of the others; levels are marked
    where ten paths lie beyond them.
    """
    largest = max(float(loss.ordered[-1]) for loss in losses)
    shown = [loss for loss in losses if loss.ordered[-1] > _DECADES * largest]
    paths = losses[0].ordered.size
    if not shown or paths < LEAST_EXCEEDANCES:
        style.say(axes, f"Too few paths: {paths}." if shown else f"No loss in {count(paths, 'path')}.")
        return []
    artists: list[Artist] = []
    least = _smallest(shown)
    curves = [_curve(loss, least, confidence) for loss in shown]
    for loss, curve in zip(shown, curves, strict=True):
        artists.append(
            axes.fill_between(curve.amount, curve.low, curve.high, color=loss.colour, alpha=0.18, step="pre")
        )
        artists += axes.step(curve.amount, curve.share, color=loss.colour, where="pre", label=loss.label)
    _frame(axes, curves, least)
    known = min(_known(loss, curve) for loss, curve in zip(shown, curves, strict=True))
    _mark(axes, [level for level in levels if 1.0 - level >= known - 1e-9], known)
    if len(shown) > 1:
        style.legend_above(axes)
    return artists


def _smallest(shown: Sequence[Losses]) -> float:
    """Where the axis of amounts begins: the smallest loss worth drawing, or a tenth of the largest."""
    largest = max(float(loss.ordered[-1]) for loss in shown)
    starts = [float(loss.ordered[np.searchsorted(loss.ordered, _DECADES * largest)]) for loss in shown]
    return min(*starts, largest / 10.0)


def _curve(loss: Losses, least: float, confidence: float) -> _Curve:
    """Probabilities from the amount ``least`` on, thinned where the losses are dense."""
    ordered, paths = loss.ordered, loss.ordered.size
    first = int(np.searchsorted(ordered, least))
    if loss.weights is None:
        ranks = np.unique(np.geomspace(1, paths - first, _POINTS).round().astype(np.int64))
        amount = np.append(least, ordered[paths - ranks][::-1])
    else:
        amount = np.append(least, _spaced(ordered[first:], loss.weights.beyond()[first:]))
    # Equal losses share the largest rank: all of them lose at least as much.
    shares = [_share(loss, at, confidence) for at in amount.tolist()]
    fields = [[each.value, each.low, each.high, each.exceedances] for each in shares]
    return _Curve(amount, *np.array(fields, dtype=np.float64).T)


def _spaced(ordered: Floats, beyond: Floats) -> Floats:
    """Losses at probabilities of more that are evenly spaced in the logarithm, and the largest."""
    some = beyond[beyond > 0.0]
    if not some.size:
        return ordered[-1:]
    at = np.searchsorted(-beyond, -np.geomspace(some[0], some[-1], _WEIGHTED_POINTS))
    return np.append(ordered[np.unique(np.minimum(at, ordered.size - 1))], ordered[-1])


def _share(loss: Losses, amount: float, confidence: float) -> Estimate:
    """Probability of losing at least an amount."""
    if loss.weights is None:
        beyond = loss.ordered.size - int(np.searchsorted(loss.ordered, amount, side="left"))
        return probability(beyond, loss.ordered.size, confidence)
    return share_of(loss.ordered >= amount, confidence, loss.weights)


def _known(loss: Losses, curve: _Curve) -> float:
    """The smallest probability that ten paths stand for."""
    if loss.weights is None:
        return LEAST_EXCEEDANCES / loss.ordered.size
    known = curve.share[curve.worth >= LEAST_EXCEEDANCES]
    return float(known.min()) if known.size else 1.0


def _frame(axes: Axes, curves: Sequence[_Curve], least: float) -> None:
    """Scales, limits and labels."""
    largest = max(float(curve.amount[-1]) for curve in curves)
    likeliest, rarest = (end(float(end(curve.share)) for curve in curves) for end in (max, min))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(least, largest * 1.25)
    axes.set_ylim(0.4 * rarest, min(2.5 * likeliest, 1.3))
    style.log_money_axis(axes.xaxis, least, largest)
    style.probability_axis(axes.yaxis)
    axes.set_xlabel("loss over the horizon")
    axes.set_ylabel("probability of losing at least as much")


def _mark(axes: Axes, levels: Sequence[float], known: float) -> None:
    """Levels as thin lines, and the region where fewer than ten paths lie."""
    axes.axhspan(axes.get_ylim()[0], min(known, 1.0), color=style.MUTED, alpha=0.10)
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
