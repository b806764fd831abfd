"""From a question to the smallest and the most likely event that breaks the venue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Lock

import numpy as np

from stress.errors import UsageError
from stress.kernels.structs import Floats
from stress.reverse.event import NONE, SPOOF, Event, Fault
from stress.reverse.ray import from_above, from_below, without_islands
from stress.reverse.search import SHORTEST, Found, Probe, Worth, descend, screen
from stress.reverse.setting import Setting
from stress.reverse.space import Bounds, Space, corners, expected
from stress.reverse.trial import Trial

Progress = Callable[[int, int], None]
"""Called with the evaluations done and those allowed."""

THINNER = (1.0, 0.3, 0.1)
"""Shares of the moves that the search starts from with the least depth; the whole moves with all of it besides."""
FALSE = (-0.1, 0.1)
"""Logs of the false prices that the search starts from."""
CORNERS, SOUND, FAULTY, SMALLER, LIKELIER, AGAIN = 0.08, 0.12, 0.25, 0.10, 0.35, 0.10
"""Shares of the evaluations: starts of the smallest event, of the most likely one without and with faults; descents
from the best start of each window; and other faults where the likeliest of those ended."""
LEAST_BUDGET = 50
"""Evaluations that every task has: two whole rays."""
NEGLIGIBLE = 0.003
"""By how much an event may be worse for leaving something out altogether."""
POLISHED = 5e-4
"""Relative accuracy of the scale of what is told: half of the tenth of a percent that is promised."""


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
    """Counts the evaluations of all threads."""

    total: int
    progress: Progress | None
    done: int = 0
    lock: Lock = field(default_factory=Lock)

    def __call__(self) -> None:
        with self.lock:
            self.done += 1
            if self.progress is not None and self.done % 16 == 0:
                self.progress(min(self.done, self.total), self.total)


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
        likely = hunt.most_likely(smallest)
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

    def most_likely(self, smallest: Found | None) -> Found | None:
        """The event that costs least nats, no more than the ``smallest`` does."""
        setting = self._setting
        sound = [setting.space(window, Fault(NONE)) for window in setting.windows]
        starts = [
            [space.point(move) for move in expected(setting.climate(space.window).covariance, setting.leaders)]
            for space in sound
        ]
        first = self._screen(sound, starts, setting.nats, SOUND)
        spaces = [setting.space(window, fault) for window in setting.windows for fault in setting.faults]
        known = [_of_window(first, space) for space in spaces]
        again = [list(self._worse(space, found)) for space, found in zip(spaces, known, strict=True)]
        second = self._screen(spaces, again, setting.nats, FAULTY, known)
        best = self._descend([*first, *second, *self._in_full(smallest)], setting.nats, LIKELIER)
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

    def _in_full(self, smallest: Found | None) -> Iterator[Found]:
        """The smallest event as a point of the space in which depth may go too."""
        if smallest is not None:
            space = self._setting.space(smallest.space.window, Fault(NONE))
            point = space.point(smallest.point)
            yield Found(space, point, self._setting.nats(space.event(point)))

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
