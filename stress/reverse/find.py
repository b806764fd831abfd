"""From a scenario and what must not happen to the smallest and the most likely event that makes it happen."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TypeVar

import numpy as np

from stress.build import Plan, build
from stress.build.prices import models_of
from stress.build.timing import checks_in
from stress.build.venue import clock_of
from stress.errors import UsageError
from stress.kernels.structs import Floats, Ints
from stress.reverse.event import FAULTS, LAG, NONE, SPOOF, Event, Fault, Window, quiet_of
from stress.reverse.plausibility import Climate, Priors, sampled_variance
from stress.reverse.ray import from_above, from_below, without_islands
from stress.reverse.search import SHORTEST, Found, Probe, Worth, descend, screen
from stress.reverse.space import MOST_LEADERS, Bounds, Space, corners, expected, space_of
from stress.reverse.target import Target, target_of
from stress.reverse.trial import Trial
from stress.scenario import Loaded

T = TypeVar("T")
R = TypeVar("R")
Progress = Callable[[int, int], None]
"""Called with the evaluations done and those allowed."""

SEARCHES = ("smallest", "most_likely")
WINDOWS = (0.0, 900.0, 3_600.0, 21_600.0, 86_400.0)
"""Lengths of the windows that are searched by default, in seconds: at once to a day."""
LASTING = 1_800.0
"""Seconds by which the loss of depth and faults outlast the price move."""
FIRST_HOUR = 3_600.0
"""The event begins an hour into the run, or after a tenth of it where that is less."""
THINNER = (1.0, 0.3, 0.1)
"""Shares of the moves that the search starts from with the least depth; the whole moves with all of it besides."""
FALSE = (-0.1, 0.1)
"""Logs of the false prices that the search starts from."""
CORNERS, SOUND, FAULTY, SMALLER, LIKELIER, AGAIN = 0.08, 0.12, 0.25, 0.10, 0.35, 0.10
"""Shares of the evaluations: starts of the smallest event, of the most likely one without and with faults; descents
from the best start of each window; and other faults where the likeliest of those ended."""
LEAST_BUDGET = 50
NEGLIGIBLE = 0.003
"""By how much an event may be worse for leaving something out altogether."""
POLISHED = 5e-4
"""Relative accuracy of the scale of what is told: half of the tenth of a percent that is promised."""


@dataclass(frozen=True)
class Question:
    """What is searched for and how far."""

    target: str = "fund_depleted"
    pool: str | None = None
    over: tuple[float, ...] = ()
    """Lengths of the windows in seconds; those of :data:`WINDOWS` that fit by default."""
    faults: tuple[str, ...] = FAULTS
    markets: tuple[str, ...] = ()
    """Markets that lead; by default those with most open interest."""
    recovery: float = 0.0
    """Share of the log move that comes back."""
    most: float = 0.9
    """Largest fall of a price."""
    least_depth: float = 0.05
    """Least share of the depth that is left."""
    lag: float = 900.0
    """Seconds of a late oracle."""
    priors: Priors = field(default_factory=Priors)
    evaluations: int = 6_000


@dataclass(frozen=True, eq=False)
class Setting:
    """What all events of a search share."""

    question: Question
    loaded: Loaded
    plan: Plan
    """Of the quiet day."""
    target: Target
    windows: tuple[Window, ...]
    climates: tuple[Climate, ...]
    leaders: Ints
    bounds: Bounds

    def climate(self, window: Window) -> Climate:
        """The climate of one of the windows."""
        return self.climates[self.windows.index(window)]

    def nats(self, event: Event) -> float:
        """How implausible an event is."""
        return self.climate(event.window).nats(event)

    def space(self, window: Window, fault: Fault, prices_only: bool = False) -> Space:
        """Directions of the events of one window and fault."""
        return space_of(window, fault, self.climate(window).covariance, self.leaders, self.bounds, prices_only)

    def trial(self, fault: Fault) -> Trial:
        """A place to try events of a fault, for one thread."""
        return Trial(self.plan, fault, self.target)


@dataclass(frozen=True, eq=False)
class Answer:
    """What was found; None where nothing within the bounds breaks the venue."""

    setting: Setting
    smallest: Found | None
    most_likely: Found | None
    candidates: tuple[Found, ...]
    """Every point of the boundary that was come by."""
    evaluations: int
    spent: bool
    """Whether a search ended because its evaluations were used up."""


@dataclass
class _Ticker:
    """Counts the evaluations of all threads; raises in them when it is told to stop."""

    total: int
    progress: Progress | None
    done: int = 0
    spent: bool = False
    lock: Lock = field(default_factory=Lock)

    def __call__(self) -> None:
        with self.lock:
            self.done += 1
            if self.progress is not None and self.done % 16 == 0:
                self.progress(min(self.done, self.total), self.total)


def setting_of(loaded: Loaded, question: Question) -> Setting:
    """Price models, the quiet day, windows and what must not happen.

    :raises InvalidInput: the books or price files are unsound.
    :raises UsageError: the question does not fit the scenario.
    """
    scenario = loaded.scenario
    clock = clock_of(scenario)
    models, _ = models_of(scenario, clock, loaded.locate)
    variance = sampled_variance(models, clock, scenario.run.seed)
    volatility = np.sqrt(variance.mean(axis=(0, 1))).round(4).tolist()
    plan = build(replace(loaded, scenario=quiet_of(scenario, volatility)))
    windows = tuple(_windows(question, clock.checks, clock.dt))
    climates = tuple(Climate.of(models, variance, clock, max(w.over, 1), question.priors) for w in windows)
    bounds = Bounds(-math.log1p(-question.most), -math.log(question.least_depth), math.log(2.0))
    target = target_of(question.target, question.pool, plan)
    return Setting(question, loaded, plan, target, windows, climates, _leaders(question, plan), bounds)


def _windows(question: Question, checks: int, dt: float) -> Iterator[Window]:
    """Windows of the asked lengths, in checks, that end within the run."""
    at = checks_in(min(FIRST_HOUR, 0.1 * checks * dt), dt) if checks >= 10 else 0
    # A day is what is left of it; a move within one check is one at once.
    asked = question.over or tuple(min(seconds, (checks - at) * dt) for seconds in WINDOWS)
    lengths = (checks_in(seconds, dt) for seconds in asked)
    fitting = [over for over in dict.fromkeys(0 if n <= 1 else n for n in lengths) if at + over <= checks]
    if not fitting:
        raise UsageError(
            f"--over: no window ends within the run, which has {(checks - at) * dt:g} s after its beginning"
        )
    for over in fitting:
        moved = max(at + over, 1)
        back = min(over, checks - moved)
        recovery = question.recovery if moved < checks else 0.0
        yield Window(dt, at, over, max(checks_in(LASTING, dt), 1), back, recovery)


def _leaders(question: Question, plan: Plan) -> Ints:
    """Markets that are named, else those of the largest open interest or posted value."""
    names = plan.market_names
    unknown = [name for name in question.markets if name not in names]
    if unknown:
        raise UsageError(f"--markets: the scenario has no market {unknown[0]!r}; it has {', '.join(names)}")
    if question.markets:
        return np.array([names.index(name) for name in dict.fromkeys(question.markets)], dtype=np.int64)
    held = plan.venue.book.positions
    value = np.bincount(held["market"], np.abs(held["quantity"]), len(names)) * np.exp(plan.models.log_price)
    order = np.argsort(-value, kind="stable")[:MOST_LEADERS]
    return np.sort(order[value[order] > 0.0])


def _faults(question: Question, setting: Setting) -> list[Fault]:
    """Every fault that is asked for; a spoof of each leading market."""
    dt = setting.plan.venue.clock.dt
    lag = checks_in(question.lag, dt) * dt
    single = [Fault(kind, lag=lag if kind == LAG else 0.0) for kind in question.faults if kind not in (NONE, SPOOF)]
    spoofs = [Fault(SPOOF, int(m)) for m in setting.leaders if SPOOF in question.faults]
    return [*single, *spoofs]


def find(setting: Setting, *, threads: int = 1, progress: Progress | None = None) -> Answer:
    """Search for the smallest event by prices alone and the most likely one of all; the same for any threads.

    :raises UsageError: the target is met on the quiet day, without any event.
    """
    zero = Event(setting.windows[0], Fault(NONE), np.zeros(len(setting.plan.market_names)))
    if setting.trial(zero.fault).breaks(zero):
        raise UsageError(f"{setting.target.words} on a day without any event; there is nothing to search for")
    ticker = _Ticker(setting.question.evaluations, progress)
    with ThreadPoolExecutor(threads) as pool:
        hunt = _Hunt(setting, ticker, pool.map)
        smallest = hunt.smallest()
        likely = hunt.most_likely()
    if progress is not None:
        progress(ticker.total, ticker.total)
    return Answer(setting, smallest, likely, tuple(hunt.candidates), ticker.done, hunt.spent)


class _Hunt:
    """The searches of one setting; every task is a space of its own, so that threads cannot change what is found."""

    def __init__(self, setting: Setting, ticker: _Ticker, each: Callable[..., Iterable[Found | None]]) -> None:
        self.candidates: list[Found] = []
        self.spent = False
        self._setting = setting
        self._ticker = ticker
        self._each = each

    def smallest(self) -> Found | None:
        """The event of the least price moves, with depth and oracles as they are."""
        setting = self._setting
        spaces = [setting.space(window, Fault(NONE), prices_only=True) for window in setting.windows]
        starts = [[space.point(corner) for corner in corners(space.leaders)] for space in spaces]
        best = self._descend(self._screen(spaces, starts, _size, CORNERS), _size, SMALLER)
        return None if best is None else self._polished(best, _size)

    def most_likely(self) -> Found | None:
        """The event that costs least nats."""
        setting = self._setting
        sound = [setting.space(window, Fault(NONE)) for window in setting.windows]
        starts = [
            [space.point(move) for move in expected(setting.climate(space.window).covariance, setting.leaders)]
            for space in sound
        ]
        first = self._screen(sound, starts, setting.nats, SOUND)
        spaces = [setting.space(w, fault) for w in setting.windows for fault in self._all_faults()]
        known = [_of_window(first, space) for space in spaces]
        again = [list(self._worse(space, found)) for space, found in zip(spaces, known, strict=True)]
        second = self._screen(spaces, again, setting.nats, FAULTY, known)
        best = self._descend([*first, *second], setting.nats, LIKELIER)
        if best is None:
            return None
        spaces = [space for space in spaces if space.window == best.space.window]
        again = [list(self._worse(space, best)) for space in spaces]
        third = self._screen(spaces, again, setting.nats, AGAIN, [best] * len(spaces))
        return self._polished(min([best, *third], key=lambda found: found.worth), setting.nats)

    def _worse(self, space: Space, known: Found | None) -> Iterator[Floats]:
        """Starts with faults and less depth, from what breaks the window without; and from a false price alone."""
        if known is not None:
            moves = [known.point[: space.leaders]]
        else:
            covariance = self._setting.climate(space.window).covariance
            moves = [0.5 * space.longest(space.point(m)) * m for m in expected(covariance, self._setting.leaders)]
        least = self._setting.bounds.depth
        depth = float(known.point[space.leaders]) if known is not None and len(known.point) > space.leaders else 0.0
        for false in FALSE if space.fault.kind == SPOOF else (0.0,):
            yield from (space.point(m, depth, false) for m in moves)
            yield from (space.point(share * m, least, false) for m in moves for share in THINNER)
            if false:
                yield space.point(np.zeros(space.leaders), 0.0, false)

    def _all_faults(self) -> list[Fault]:
        return [Fault(NONE), *_faults(self._setting.question, self._setting)]

    def _screen(
        self,
        spaces: Sequence[Space],
        starts: Sequence[Sequence[Floats]],
        worth: Worth,
        share: float,
        known: Sequence[Found | None] | None = None,
    ) -> list[Found]:
        """The best boundary point of each space that has one, better than what is ``known`` where something is."""
        budget = self._budget(share, len(spaces))
        probes = [self._probe(space, budget) for space in spaces]
        bars = [None] * len(spaces) if known is None else known
        tasks = zip(probes, starts, bars, strict=True)
        found = list(self._each(lambda task: screen(task[0], task[1], worth, task[2]), tasks))
        self._note(probes)
        return [each for each, bar in zip(found, bars, strict=True) if each is not None and each is not bar]

    def _descend(self, screened: Sequence[Found], worth: Worth, share: float) -> Found | None:
        """The best point that descents from the best point of each window come to; None where there is no point."""
        ordered = sorted(screened, key=lambda found: found.worth, reverse=True)
        best = list({found.space.window: found for found in ordered}.values())
        if not best:
            return None
        budget = self._budget(share, len(best))
        probes = [self._probe(found.space, budget) for found in best]
        seed = self._setting.plan.seed
        found = self._each(lambda task: descend(task[0], task[1], worth, seed), zip(probes, best, strict=True))
        least = min((each for each in found if each is not None), key=lambda each: each.worth)
        self._note(probes)
        return least

    def _budget(self, share: float, tasks: int) -> int:
        """Evaluations of each of some tasks: enough for two whole rays, however few are asked for."""
        return max(int(share * self._ticker.total) // max(tasks, 1), LEAST_BUDGET)

    def _probe(self, space: Space, budget: int) -> Probe:
        return Probe(space, self._setting.trial(space.fault), budget, self._ticker)

    def _note(self, probes: Sequence[Probe]) -> None:
        self.candidates += [found for probe in probes for found in probe.found]
        self.spent |= any(probe.left == 0 for probe in probes)

    def _polished(self, found: Found, worth: Worth) -> Found:
        """The found event without what it does not need, at the least scale that breaks and of which less does not."""
        probe = self._probe(found.space, -1)
        for n in range(len(found.point)):
            found = self._without(n, found, probe, worth)
        breaks = probe.along(found.point)
        shortest = min(SHORTEST / max(float(np.abs(found.point).max()), SHORTEST), 1.0)
        longest = min(found.space.longest(found.point), 1.0 + POLISHED)
        scale = without_islands(breaks, from_below(breaks, shortest, longest, POLISHED) or 1.0, POLISHED)
        return self._at(found.space, scale * found.point, worth, None)

    def _without(self, n: int, found: Found, probe: Probe, worth: Worth) -> Found:
        """The found event without its n-th coordinate, where that makes it no worse to speak of."""
        rest = np.where(np.arange(len(found.point)) == n, 0.0, found.point)
        if not rest.any() or np.array_equal(rest, found.point):
            return found
        scale = from_above(probe.along(rest), 1.0 + NEGLIGIBLE, POLISHED)
        return found if scale is None else self._at(found.space, scale * rest, worth, found)

    def _at(self, space: Space, point: Floats, worth: Worth, known: Found | None) -> Found:
        """A boundary point, or the one that is known where it is not about as good."""
        found = Found(space, point, worth(space.event(point)))
        if known is not None and found.worth > (1.0 + NEGLIGIBLE) * known.worth:
            return known
        self.candidates.append(found)
        return found


def _size(event: Event) -> float:
    """What is least at the smallest event."""
    return event.size


def _of_window(found: Sequence[Found], space: Space) -> Found | None:
    """What is known of a window without faults."""
    return next((each for each in found if each.space.window == space.window), None)


def least_scale(trial: Trial, event: Event, bounds: Bounds) -> float | None:
    """Least breaking scale of an event's moves, with depth and false price as they are; for charts, to a percent."""

    def breaks(scale: float) -> bool:
        return trial.breaks(replace(event, moves=scale * event.moves))

    if event.size == 0.0:
        return None
    if breaks(0.0):
        return 0.0
    longest = bounds.move / event.size
    return from_below(breaks, min(SHORTEST / event.size, longest), longest, 0.01)
