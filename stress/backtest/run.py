"""Replays crises: every replicate draws what is not known, and is played once."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stress.backtest.crisis import Found, built_in_crises
from stress.backtest.data import Recorded, recorded
from stress.backtest.draws import draw, places_of, require_sound_ends, written
from stress.backtest.metrics import read
from stress.backtest.replicate import Replicate, play
from stress.backtest.result import Backtest, Course, Played, row_of
from stress.sizing.estimate import Floats

REPLICATES = 200
"""By default: 10 of them lie beyond each end of the 90 % range."""
QUICK = 20
COURSE_POINTS = 240
"""Times at which the course of events is kept."""

Progress = Callable[[int, int, str], None]
"""Called with the replicates done and in all, over all crises, and the title of the crisis."""


@dataclass(frozen=True)
class _Task:
    """A crisis ready to be played."""

    found: Found
    data: Recorded
    draws: list[dict[str, float]]
    overrides: list[tuple[str, ...]]


def backtest(
    crises: Sequence[Found],
    *,
    replicates: int = REPLICATES,
    data: Path | None = None,
    threads: int = 1,
    progress: Progress | None = None,
) -> Backtest:
    """Play every crisis ``replicates`` times and hold it against what was published.

    Results depend on the crisis files, on their seeds and on what ``data`` has, and neither on threads nor on which
    other crises are played; more replicates keep those that are there.

    Raises
    ------
    InvalidInput
        A crisis, its scenario or a file of the data folder is unsound.
    """
    report = progress or (lambda done, total, title: None)
    total = replicates * len(crises)
    with tempfile.TemporaryDirectory() as scratch:
        tasks = [_task(found, replicates, data, Path(scratch)) for found in crises]
        played = []
        for number, task in enumerate(tasks):
            before, title = number * replicates, task.found.crisis.title
            report(before, total, title)
            outcomes = []
            for one in _play_all(task, threads):
                outcomes.append(one)
                report(before + len(outcomes), total, title)
            played.append(_summary(task, outcomes))
    return Backtest(replicates, None if data is None else str(data), tuple(played))


def _task(found: Found, replicates: int, data: Path | None, scratch: Path) -> _Task:
    """Draw the unknowns of every replicate; overrides are those of the file, of the data, of the draw."""
    have = recorded(found, data, scratch)
    places = places_of(found, found.scenario(have.overrides).canonical)
    require_sound_ends(found, have.overrides, places)
    unknowns = found.crisis.unknown
    draws = [{one.name: draw(one, found.crisis.seed, r) for one in unknowns} for r in range(replicates)]
    overrides = [
        tuple(text for one, mine in zip(unknowns, places, strict=True) for text in written(one, values[one.name], mine))
        for values in draws
    ]
    return _Task(found, have, draws, overrides)


def _play_all(task: _Task, threads: int) -> Iterator[Replicate]:
    """Every replicate in its order, ``threads`` at a time."""
    keeps_course = bool(task.found.crisis.timeline)

    def one(overrides: tuple[str, ...]) -> Replicate:
        return play(task.found.scenario((*task.data.overrides, *overrides)), keeps_course)

    pool = ThreadPoolExecutor(threads)
    try:
        yield from pool.map(one, task.overrides)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _summary(task: _Task, outcomes: Sequence[Replicate]) -> Played:
    """Rows of the table, and what is kept of every replicate."""
    crisis = task.found.crisis
    values: dict[str, Floats] = {}
    rows = []
    drawn = {one.name: np.array([values_[one.name] for values_ in task.draws]) for one in crisis.unknown}
    # A seed is no amount: nothing can go up with it.
    seeds = {one.name for one in crisis.unknown if all(path.endswith(".seed") for path in one.paths)}
    amounts = {name: values_ for name, values_ in drawn.items() if name not in seeds}
    for entry in crisis.published:
        found = [read(one.outcome, entry.metric, entry.market, entry.layer, entry.pool) for one in outcomes]
        values[entry.label] = np.array([np.nan if value is None else value for value in found])
        rows.append(row_of(crisis.name, entry, values[entry.label], amounts))
    return Played(
        crisis,
        crisis.name if task.found.file in built_in_crises() else str(task.found.file),
        tuple(rows),
        values,
        drawn,
        tuple(_options((*crisis.set, *overrides)) for overrides in task.overrides),
        task.data,
        tuple(_course(outcomes, told.series) for told in crisis.timeline),
    )


def _options(overrides: Sequence[str]) -> str:
    """The overrides as a shell takes them."""
    return " ".join(f"--set {shlex.quote(text)}" for text in overrides)


def _course(outcomes: Sequence[Replicate], series: str) -> Course:
    """Share of a replicate's total that has come by each time: median and 90 % range over those that have any."""
    time = outcomes[0].time_s
    kept = np.unique(np.linspace(0, len(time) - 1, COURSE_POINTS).round().astype(int))
    shares = [one.flows[series] / one.flows[series][-1] for one in outcomes if one.flows[series][-1] > 0.0]
    if not shares:
        return Course(series, time[kept], None)
    return Course(series, time[kept], np.quantile(np.array(shares)[:, kept], (0.05, 0.5, 0.95), axis=0))
