"""Which paths and layers moved: where to look when a rule does not pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from stress.check.baseline import Figure, Series, payers
from stress.check.metrics import Sample, Statistic
from stress.check.regression import beyond_level, worst_first
from stress.sizing.analysis import payments
from stress.sizing.words import money

if TYPE_CHECKING:
    from stress.store import Run

MOST = 5
"""Paths that are named."""


def moved(run: Run, asked: Statistic, sample: Sample, series: Series, figure: Figure, paired: bool) -> Iterator[str]:
    """Sentences, the most telling first."""
    order = worst_first(sample)
    if asked.level is not None or asked.shortfall is not None:
        beyond = beyond_level(sample, asked.tail_level, order)
    else:
        beyond = int(np.count_nonzero(sample.values > (asked.above or 0.0)))
    if paired and figure.beyond <= len(series.worst_paths):
        yield from _paths(asked, sample, series)
        yield from _members(series.worst_paths[: figure.beyond], [int(number) for number in order[:beyond]])
    else:
        yield "independent runs, or a tail longer than the baseline keeps: no path has a counterpart"
    before = series.payers.get(str(figure.level), {})
    if before:
        yield from _layers(before, payers(payments(run, asked.pool), order[:beyond], sample.weights), beyond)


def _paths(asked: Statistic, sample: Sample, series: Series) -> Iterator[str]:
    """The paths that changed most."""
    sign = -1.0 if asked.flipped else 1.0
    pairs = zip(series.worst_paths, series.worst_values, strict=False)
    changes = [
        (number, before, sign * float(sample.values[number])) for number, before in pairs if number < sample.paths
    ]
    changes = [change for change in changes if abs(change[2] - change[1]) > 1e-9 * abs(change[1])]
    if not changes:
        yield "none of the worst paths changed"
        return
    changes.sort(key=lambda change: -abs(change[2] - change[1]))
    up = sum(after > before for _, before, after in changes)
    yield f"{len(changes)} of the worst paths changed, {up} of them upwards; the largest changes:"
    for number, before, after in changes[:MOST]:
        relative = f" ({100.0 * (after - before) / abs(before):+.3g}%)" if before else ""
        yield f"path {number}: {asked.words(before)} -> {asked.words(after)}{relative}"


def _members(before: Sequence[int], now: Sequence[int]) -> Iterator[str]:
    """Paths that came into the tail or left it."""
    known = set(before)
    entered = [number for number in now if number not in known]
    left = sorted(known - set(now))
    for words, numbers in (("came into the tail", entered), ("left it", left)):
        if numbers:
            more = f" and {len(numbers) - MOST} more" if len(numbers) > MOST else ""
            yield f"{words}: path {', '.join(map(str, numbers[:MOST]))}{more}"


def _layers(before: dict[str, float], now: dict[str, float], beyond: int) -> Iterator[str]:
    """Layers that pay otherwise than before, on average over the tail."""
    for layer in dict.fromkeys([*before, *now]):
        was, is_now = before.get(layer, 0.0), now.get(layer, 0.0)
        if abs(is_now - was) > 1e-6 * max(abs(was), abs(is_now)):
            yield f"layer {layer}: paid {money(was)} -> {money(is_now)} on average over the worst {beyond} paths"
