"""Threads that simulate parts block by block and hand over each part when its last block is done."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from stress import columns
from stress.errors import NonFinitePath
from stress.kernels import cascade
from stress.kernels.cascade import Slots, empty_slots
from stress.kernels.paths import LANE_QUANTUM
from stress.sampling.draw import draw

if TYPE_CHECKING:
    from stress.build import Plan

Floats = NDArray[np.float64]
T = TypeVar("T")

LANES: int = LANE_QUANTUM
"""Blocks and parts are multiples of this where memory allows, since kernels compute whole sets of lanes."""

_WIDE_BLOCK_BYTES = 256 << 20
"""What a block may take so as to fill one set of lanes: many markets or checks."""
_GRACE_S = 0.5
"""How long an interrupted run waits for its threads; one that is compiling takes longer and is left behind."""

_THREAD_NAME = "tailstress-worker"


@dataclass(frozen=True)
class Part:
    """A fixed range of paths."""

    index: int
    first: int
    paths: int


@dataclass
class PartResults:
    """What the kernels wrote for one part."""

    part: Part
    slots: Slots
    left: int
    """Paths not simulated yet."""
    weights: Floats | None = None
    """[w] likelihood ratios; None where paths are drawn under the models' own law."""

    @classmethod
    def empty(cls, plan: Plan, part: Part) -> PartResults:
        """Slots for the results of a part of the plan."""
        pools, layers, markets = len(plan.pool_names), len(plan.layer_names), len(plan.market_names)
        weights = None if plan.tilt is None else np.zeros(part.paths)
        return cls(part, empty_slots(part.paths, pools, layers, markets), part.paths, weights)


@dataclass(frozen=True)
class Done:
    """A block is finished; ``part`` and ``written`` are set by the last block of a part."""

    paths: int
    part: Part | None = None
    written: Any = None


def block_paths(plan: Plan, block_bytes: int, most: int) -> int:
    """Paths of one block: as many as fit the bytes, ``most`` cut evenly into whole sets of lanes."""
    clock = plan.venue.clock
    path_bytes = 2 * 8 * (clock.checks + 1) * len(plan.market_names)
    fitting = block_bytes // path_bytes // LANES * LANES
    if not fitting:
        return min(most, LANES, max(1, _WIDE_BLOCK_BYTES // path_bytes))
    blocks = math.ceil(most / fitting)
    return min(most, math.ceil(most / blocks / LANES) * LANES)


def simulate_parts(
    plan: Plan, parts: Sequence[Part], threads: int, block_bytes: int, write: Callable[[PartResults], Any]
) -> Iterator[Done]:
    """Simulate parts on threads; yield a :class:`Done` per block in the order they finish.

    ``write`` is called on a worker thread with each part when it is whole. The
    generator waits in the calling thread, so that a signal handler that raises
    interrupts it; closing or interrupting it stops the threads.

    :raises NonFinitePath: naming the path, when a price or a result is not finite.
    """
    if not parts:
        return
    crew = _Crew(plan, parts, block_paths(plan, block_bytes, max(part.paths for part in parts)), write)
    crew.start(threads)
    try:
        left = sum(part.paths for part in parts)
        while left:
            event = crew.events.get()
            if isinstance(event, BaseException):
                raise event
            left -= event.paths
            yield event
    finally:
        crew.halt()


class _Crew:
    """Worker threads over one queue of blocks, in path order."""

    def __init__(self, plan: Plan, parts: Sequence[Part], size: int, write: Callable[[PartResults], Any]) -> None:
        self.events: SimpleQueue[Done | BaseException] = SimpleQueue()
        self._plan = plan
        self._size = size
        self._write = write
        self._blocks = self._cut(parts)
        self._lock = threading.Lock()
        self._stop = np.zeros(1, dtype=np.uint8)
        self._threads: list[threading.Thread] = []

    def start(self, threads: int) -> None:
        # Daemons: a thread inside the compiler cannot be stopped, and must not hold up the end of the process.
        self._threads = [threading.Thread(target=self._work, name=_THREAD_NAME, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def halt(self) -> None:
        """Stop between two paths; give up on threads that take longer than the grace."""
        self._stop[0] = 1
        deadline = time.monotonic() + _GRACE_S
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _cut(self, parts: Sequence[Part]) -> Iterator[tuple[PartResults, int, int]]:
        for part in parts:
            results = PartResults.empty(self._plan, part)
            for start in range(0, part.paths, self._size):
                yield results, start, min(start + self._size, part.paths)

    def _next(self) -> tuple[PartResults, int, int] | None:
        with self._lock:
            return None if self._stop[0] else next(self._blocks, None)

    def _work(self) -> None:
        try:
            shape = (self._size, self._plan.venue.clock.checks + 1, len(self._plan.market_names))
            scratch = np.empty(shape), np.empty(shape)
            while (block := self._next()) is not None:
                self._simulate(*block, *scratch)
        except BaseException as error:  # handed to the calling thread, which raises it
            self.events.put(error)

    def _simulate(self, results: PartResults, start: int, end: int, log_price: Floats, variance: Floats) -> None:
        plan, count, first = self._plan, end - start, results.part.first + start
        log_price, variance = log_price[:count], variance[:count]
        slots = Slots(*(values[start:end] for values in results.slots))
        weights = draw(plan, first, log_price, variance)
        if results.weights is not None and weights is not None:
            results.weights[start:end] = weights
        require_finite_prices(plan, first, log_price, variance)
        cascade.run_block(plan.venue, first, log_price, variance, slots, self._stop)
        if self._stop[0]:
            return
        require_finite_results(plan, first, slots)
        with self._lock:
            results.left -= count
            whole = results.left == 0
        self.events.put(Done(count, results.part, self._write(results)) if whole else Done(count))


def require_finite_prices(plan: Plan, first: int, log_price: Floats, variance: Floats) -> None:
    """Raise for the first path [w, s, m] with a price or variance that is not finite."""
    for name, values in (("price", log_price), ("variance", variance)):
        # A sum is finite only if all terms are, and costs one pass without a temporary array.
        if not np.isfinite(values.sum()):
            w, s, m = np.argwhere(~np.isfinite(values))[0]
            where = f"{name} of {plan.market_names[m]} at check {s}"
            raise NonFinitePath(_message(plan, first + int(w), where))


def require_finite_results(plan: Plan, first: int, slots: Slots) -> None:
    """Raise for the first path with a result that is not finite, other than the NaN of a nullable column."""
    layers = [f"{pool}/{name}" for pool, name, _ in plan.layer_names]
    owners = (plan.pool_names, layers, plan.market_names)
    tables = (columns.PATHS, columns.LAYERS, columns.MARKETS)
    for table, names, values in zip(tables, owners, slots[:3], strict=True):
        nullable = np.array([column.nullable for column in table.values])
        wrong = ~np.isfinite(values) & ~(np.isnan(values) & nullable)
        if wrong.any():
            w, row, k = np.argwhere(wrong)[0]
            raise NonFinitePath(_message(plan, first + int(w), f"{table.values[k].name} of {names[row]}"))


def _message(plan: Plan, path: int, where: str) -> str:
    return (
        f"scenario {plan.loaded.scenario.name}, seed {plan.seed}, path {path}: {where} is not finite; "
        f"stress.engine.trace(plan, {path}) replays this path alone"
    )


def threads_left() -> bool:
    """Whether an interrupted run left a thread behind that is still at work."""
    return any(thread.name == _THREAD_NAME for thread in threading.enumerate())


def in_background(call: Callable[[], T]) -> T:
    """Run a call on a daemon thread and wait for it, so that a signal need not wait for the compiler."""
    results: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()

    def work() -> None:
        try:
            results.put((call(), None))
        except BaseException as error:
            results.put((None, error))

    threading.Thread(target=work, name=_THREAD_NAME, daemon=True).start()
    value, error = results.get()
    if error is not None:
        raise error
    return value  # type: ignore[return-value]
