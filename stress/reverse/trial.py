"""One path of a venue per event, with the book held in memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stress.build import Plan
from stress.build.prices import shock_tables
from stress.build.timing import checks_in
from stress.build.venue import depth_scale, disturbances_of
from stress.kernels import paths
from stress.kernels.cascade import Room, room_for, run_path
from stress.kernels.structs import Floats, Models, Venue
from stress.reverse.event import LAG, Event, Fault, staged
from stress.reverse.target import REQUIRED, Outcome, Target, declined


class Trial:
    """A quiet plan on which events are tried, those of one fault; for one thread."""

    def __init__(self, quiet: Plan, fault: Fault, target: Target) -> None:
        self._plan = quiet
        self._target = target
        self._venue = _late(quiet.venue, fault)
        self._room: Room = room_for(self._venue)

    def breaks(self, event: Event) -> bool:
        """Whether the event leads to the target."""
        return self._target.met(self.outcome(event))

    def outcome(self, event: Event) -> Outcome:
        """What the path of the event ends with."""
        models, venue = self.inputs(event)
        log_price, variance = price_path(models, self._plan)
        return follow(venue, self._room, log_price, variance, self._target.funds)

    def inputs(self, event: Event) -> tuple[Models, Venue]:
        """Models and venue of the plan with the event in them, as a build of its scenario would have them."""
        scenario, clock = staged(self._plan.loaded.scenario, event), self._venue.clock
        jump, _ = shock_tables(scenario, clock)
        oracles = [market.oracle for market in scenario.markets.values()]
        markets = self._venue.markets._replace(
            depth_scale=depth_scale(scenario, clock),
            disturbances=disturbances_of(oracles, scenario.strength, clock),
        )
        return self._plan.models._replace(shock_jump=jump), self._venue._replace(markets=markets)


def _late(venue: Venue, fault: Fault) -> Venue:
    """The venue with every oracle later by the fault's lag."""
    if fault.kind != LAG:
        return venue
    each = venue.markets.each.copy()
    each["oracle_lag"] += checks_in(fault.lag, venue.clock.dt)
    return venue._replace(markets=venue.markets._replace(each=each))


def price_path(models: Models, plan: Plan) -> tuple[Floats, Floats]:
    """Log prices and variances [s, m] of path 0, by the models given."""
    log_price, variance = np.empty((2, 1, plan.venue.clock.checks + 1, len(plan.market_names)))
    paths.simulate(models, plan.venue.clock, plan.seed, 0, log_price, variance)
    return log_price[0], variance[0]


def follow(venue: Venue, room: Room, log_price: Floats, variance: Floats, funds: Sequence[int]) -> Outcome:
    """Follow path 0 as a run does: once more without end for each of the ``funds`` that declined, to know its need."""
    run_path(venue, room, 0, log_price, variance)
    outcome = Outcome(room.state.ledger.out.copy(), room.state.layers.out.copy())
    for fund in funds:
        if declined(outcome, fund):
            run_path(venue, room, 0, log_price, variance, fund)
            for p, pool in enumerate(venue.pools):
                if pool.first_fund >= 0 and venue.layers[pool.first_fund].balance == fund:
                    outcome.pools[p, REQUIRED] = room.state.ledger.out[p, REQUIRED]
    return outcome
