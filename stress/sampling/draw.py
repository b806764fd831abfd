"""Paths of a plan, under the models' own law or under tilted ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stress.kernels.paths import simulate, simulate_tilted
from stress.kernels.structs import Floats, Ints
from stress.kernels.tilt import Tilt
from stress.sampling.laws import shares_of
from stress.sampling.likelihood import counts_of, log_ratios, mixture_weights

if TYPE_CHECKING:
    from stress.build import Plan


def draw(plan: Plan, first: int, log_price: Floats, variance: Floats) -> Floats | None:
    """Simulate paths from number ``first`` into [w, s, m] prices and variances; their weights [w] where tilted."""
    models, clock, tilt = plan.models, plan.venue.clock, plan.tilt
    if tilt is None:
        simulate(models, clock, plan.seed, first, log_price, variance)
        return None
    tallies = simulate_tilted(models, clock, tilt, plan.seed, first, log_price, variance)
    return mixture_weights(log_ratios(tilt, counts_of(models, clock, tilt, tallies)), shares_of(tilt))


def laws_of(tilt: Tilt, first: int, paths: int) -> Ints:
    """[w] law of each path from number ``first`` on."""
    return tilt.turn[np.arange(first, first + paths) % len(tilt.turn)]
