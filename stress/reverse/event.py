"""What may befall a venue on its worst day, and the scenario in which it does.

An event is deterministic: prices move within a window, some of the depth goes for as long as the window and a while
longer, and an oracle may fail. Everything that has a size is kept as a logarithm, so that ``strength`` of a scenario
scales an event along a ray.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stress.kernels.structs import Floats
from stress.scenario.markets import OracleOutage, OracleSpoof, Shock
from stress.scenario.models import Replay

if TYPE_CHECKING:
    from stress.scenario.instruments import Market
    from stress.scenario.markets import Oracle
    from stress.scenario.schema import Scenario

NONE, LAG, OUTAGE, SPOOF = FAULTS = ("none", "lag", "outage", "spoof")
"""What may befall the oracles: they are as ever, all are late, all stand still, one shows a false price."""
DECIMALS = 6
"""What is written of a share: a hundredth of a basis point, so that a scenario file can be read."""


@dataclass(frozen=True)
class Window:
    """When things happen, in checks of ``dt`` seconds."""

    dt: float
    at: int
    """Check at which the event begins."""
    over: int
    """Checks that the price move takes; 0 is at once."""
    lasting: int
    """Checks by which the loss of depth and faults outlast the move; at least 1."""
    back: int
    """Checks that the recovery takes; 0 is at once."""
    recovery: float = 0.0
    """Share of the log move that comes back after the window."""

    @property
    def moved(self) -> int:
        """Check at which the whole move has been made; nothing moves at index 0, the initial state."""
        return max(self.at + self.over, 1)

    @property
    def end(self) -> int:
        """First check at which depth and oracles are as before."""
        return self.moved + self.lasting

    @property
    def seconds(self) -> float:
        """Time in which the price moves: a check where it does so at once."""
        return max(self.over, 1) * self.dt


@dataclass(frozen=True)
class Fault:
    """What is wrong with the oracles."""

    kind: str
    market: int = -1
    """Market whose oracle is spoofed."""
    lag: float = 0.0
    """Seconds by which every oracle is later than it is anyway."""


@dataclass(frozen=True, eq=False)
class Event:
    """One combination of everything."""

    window: Window
    fault: Fault
    moves: Floats
    """[m] change of the log price within the window."""
    depth: float = 0.0
    """How much of the depth goes: minus the log of the share that is left."""
    spoof: float = 0.0
    """Log of the price shown over the true one."""

    @property
    def size(self) -> float:
        """Largest log price move, up or down."""
        return float(np.abs(self.moves).max())

    def scaled(self, factor: float) -> Event:
        """The event ``factor`` times as strong, along the ray through it."""
        return Event(self.window, self.fault, factor * self.moves, factor * self.depth, factor * self.spoof)


def shocks_of(event: Event, names: Sequence[str], has_book: Sequence[bool]) -> tuple[Shock, ...]:
    """The event's moves and loss of depth as shocks of a scenario."""
    window = event.window
    at, over = window.at * window.dt, window.over * window.dt
    left, lasting = _share(-event.depth), (window.end - window.at) * window.dt
    shocks = []
    for name, move, book in zip(names, event.moves.tolist(), has_book, strict=True):
        thin = book and left < 1.0
        if abs(move) < 10.0**-DECIMALS and not thin:
            continue
        depth, duration = (left, lasting) if thin else (1.0, 0.0)
        shocks.append(_shock(at, name, move, over, depth, duration))
        if window.recovery > 0.0 and move != 0.0:
            shocks.append(
                _shock(window.moved * window.dt, name, -window.recovery * move, window.back * window.dt, 1.0, 0.0)
            )
    return tuple(shocks)


def _shock(at: float, market: str, move: float, over: float, depth: float, duration: float) -> Shock:
    """A shock whose values are known to be sound: thousands are made in a search."""
    jump = round(math.expm1(move), DECIMALS)
    return Shock.model_construct(
        at=at, market=market, jump=jump, over=over, depth=depth, volatility=1.0, duration=duration
    )


def _share(log: float) -> float:
    """Share with so much of a log, never nothing."""
    return max(round(math.exp(log), DECIMALS), 10.0**-DECIMALS)


def oracle_of(event: Event, m: int, oracle: Oracle) -> Oracle:
    """The oracle of market ``m`` in the event."""
    window, fault = event.window, event.fault
    start, end = window.at * window.dt, window.end * window.dt
    if fault.kind == LAG:
        return oracle.model_copy(update={"lag": oracle.lag + fault.lag})
    if fault.kind == OUTAGE:
        return oracle.model_copy(update={"outages": (OracleOutage.model_construct(from_=start, to=end),)})
    if fault.kind == SPOOF and fault.market == m:
        spoof = OracleSpoof.model_construct(from_=start, to=end, factor=_share(event.spoof))
        return oracle.model_copy(update={"spoofs": (spoof,)})
    return oracle


def staged(quiet: Scenario, event: Event) -> Scenario:
    """A quiet scenario with the event in it."""
    markets = {
        name: market.model_copy(update={"oracle": oracle_of(event, m, market.oracle)})
        for m, (name, market) in enumerate(quiet.markets.items())
    }
    has_book = [market.liquidity is not None for market in quiet.markets.values()]
    shocks = shocks_of(event, tuple(markets), has_book)
    return quiet.model_copy(update={"markets": markets, "shocks": shocks})


def quiet_of(scenario: Scenario, volatility: Sequence[float]) -> Scenario:
    """The scenario on a day without events: one path, prices that stand still, each market at its ``volatility``.

    Its own shocks, spoofs and outages are left out: the event takes their place. Checks are, since they speak of
    many paths.
    """
    horizon = scenario.run.horizon
    markets = {
        name: _still(market, level, horizon)
        for (name, market), level in zip(scenario.markets.items(), volatility, strict=True)
    }
    update = {
        "run": scenario.run.model_copy(update={"paths": 1, "sampling": None}),
        "markets": markets,
        "correlation": None,
        "jumps": (),
        "shocks": (),
        "strength": 1.0,
        "checks": (),
    }
    return scenario.model_copy(update=update)


def _still(market: Market, volatility: float, horizon: float) -> Market:
    """The market with a price that stands still; a drought goes on comparing with the volatility it compared with."""
    points = ((0.0, market.price), (horizon, market.price))
    update: dict[str, object] = {
        "model": Replay(type="replay", points=points, volatility=volatility),
        "oracle": market.oracle.model_copy(update={"outages": (), "spoofs": ()}),
    }
    drought = getattr(market.liquidity, "drought", None)
    if market.liquidity is not None and drought is not None:
        calm = drought.volatility or market.model.long_run_volatility() or 1.0
        held = drought.model_copy(update={"volatility": calm})
        update["liquidity"] = market.liquidity.model_copy(update={"drought": held})
    return market.model_copy(update=update)
