"""What a search asks, and what all of its events share: price models, a quiet day, windows, bounds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from stress.build import Plan, build
from stress.build.prices import models_of
from stress.build.timing import checks_in
from stress.build.venue import clock_of
from stress.errors import UsageError
from stress.kernels.structs import Ints
from stress.reverse.event import FAULTS, LAG, NONE, SPOOF, Event, Fault, Window, quiet_of
from stress.reverse.plausibility import Climate, Priors, sampled_variance
from stress.reverse.space import MOST_LEADERS, Bounds, Space, space_of
from stress.reverse.target import Target, target_of
from stress.reverse.trial import Trial
from stress.scenario import Loaded

Moving = NDArray[np.bool_]

STANDS_STILL = 1e-14
"""Variance of the moves of a window up to which the price model does not move a market at all."""
WINDOWS = (0.0, 900.0, 3_600.0, 21_600.0, 86_400.0)
"""Lengths of the windows that are searched by default, in seconds: at once to a day."""
LASTING = 1_800.0
"""Seconds by which the loss of depth and faults outlast the price move."""
FIRST_HOUR = 3_600.0
"""The event begins an hour into the run, or after a tenth of it where that is less."""


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

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Sound oracles and every fault that is asked for; a spoof of each leading market."""
        asked, dt = self.question.faults, self.plan.venue.clock.dt
        lag = checks_in(self.question.lag, dt) * dt
        single = (Fault(kind, lag=lag if kind == LAG else 0.0) for kind in asked if kind not in (NONE, SPOOF))
        spoofs = (Fault(SPOOF, int(m)) for m in self.leaders if SPOOF in asked)
        return (Fault(NONE), *single, *spoofs)


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
    leaders = _leaders(question, plan, np.diag(climates[-1].covariance) > STANDS_STILL)
    return Setting(question, loaded, plan, target, windows, climates, leaders, bounds)


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


def _leaders(question: Question, plan: Plan, moving: Moving) -> Ints:
    """Markets that are named, else those of the largest open interest or posted value of the ``moving`` ones [m]."""
    names = plan.market_names
    unknown = [name for name in question.markets if name not in names]
    if unknown:
        raise UsageError(f"--market: the scenario has no market {unknown[0]!r}; it has {', '.join(names)}")
    if question.markets:
        return np.array([names.index(name) for name in dict.fromkeys(question.markets)], dtype=np.int64)
    held = plan.venue.book.positions
    value = np.bincount(held["market"], np.abs(held["quantity"]), len(names)) * np.exp(plan.models.log_price)
    value[~moving] = 0.0
    order = np.argsort(-value, kind="stable")[:MOST_LEADERS]
    return np.sort(order[(value[order] > 0.0) | (value.max() == 0.0)])
