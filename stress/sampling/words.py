"""Laws in words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from stress.kernels.models import YEAR
from stress.kernels.structs import Floats
from stress.kernels.tilt import COMMON, OWN, PACE
from stress.sampling.laws import Frame, Laws

if TYPE_CHECKING:
    from stress.build import Plan

LEAST_DRIFT = 0.5
"""Standard deviations of a price over the horizon under which a drift is not told."""
LEAST_PACE = 1.5
"""Factor on the frequency of jumps under which it is not told."""
MOST_LAWS, MOST_PARTS = 4, 3


def described(plan: Plan, frame: Frame, laws: Laws) -> str:
    """The laws with the largest shares: where prices drift, chance and size of the jumps that they make frequent."""
    order = [int(c) for c in np.argsort(-laws.shares, kind="stable") if c != 0]
    phrases = []
    for c in order[:MOST_LAWS]:
        parts = [*_drifts(plan, frame, laws.shift[c]), *_jumps(plan, frame, laws, c)][:MOST_PARTS]
        phrases.append(f"{laws.shares[c]:.0%} of the paths with {', '.join(parts) or 'small changes'}")
    more = len(order) - MOST_LAWS
    return "; ".join(phrases) + (f"; {more} more" if more > 0 else "")


def _drifts(plan: Plan, frame: Frame, shift: Floats) -> Iterator[str]:
    """Drift of each price over the horizon in its standard deviations, the largest first."""
    clock = plan.venue.clock
    steps = clock.checks * clock.substeps
    means = (shift / frame.every).sum(axis=0) * math.sqrt(steps) / len(shift)
    drifts = frame.loading @ means
    for m in np.argsort(-np.abs(drifts), kind="stable"):
        if abs(drifts[m]) >= LEAST_DRIFT:
            yield f"{plan.market_names[m]} {drifts[m]:+.1f} sd"


def _jumps(plan: Plan, frame: Frame, laws: Laws, c: int) -> Iterator[str]:
    """Jumps made frequent: their size in standard deviations off its mean, and the chance of at least one."""
    clock = plan.venue.clock
    expected = plan.models.jump_rate * clock.checks * clock.dt / YEAR
    pace = laws.source[PACE, c]
    for n in np.argsort(-pace, kind="stable"):
        if pace[n] >= LEAST_PACE:
            own = laws.mark[OWN, c, frame.mark_source == n]
            size = laws.source[COMMON, c, n] + (own[np.argmax(np.abs(own))] if len(own) else 0.0)
            sized = f" {size:+.1f} sd" if size else ""
            yield f"jump of {source_name(plan, int(n))}{sized} ({-math.expm1(-pace[n] * expected[n]):.0%})"


def source_name(plan: Plan, n: int) -> str:
    """Name of a common jump, or of the market that jumps alone."""
    key = int(plan.models.jump_key[n])
    if key % 2 == 1:
        return plan.loaded.scenario.jumps[key // 2].name
    return plan.market_names[key // 2]
