"""Initial margin: how much equity an account must have to hold or add positions, more as open interest grows.

``rate = min(base + max(0, (interest - lower) / (upper - lower)) (1 - base), 1)``: dYdX v4,
x/perpetuals/types/liquidity_tier.go, GetInitialMarginQuoteQuantums; maintenance never follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stress.kernels.structs import Floats


class InitialMargin(NamedTuple):
    """Rules of one market."""

    base: float
    """Rate while open interest is small; 0 asks for nothing beyond maintenance."""
    lower: float
    """Open interest, one side in quote currency, from which the rate rises; infinite where it does not."""
    upper: float
    """Open interest at which all of the notional must be equity."""


NO_INITIAL_MARGIN = InitialMargin(0.0, np.inf, np.inf)
"""Rules of a market without initial margin."""


def initial_rate(rules: InitialMargin, interest: float) -> float:
    """Rate at an open interest."""
    if interest <= rules.lower:
        return rules.base
    return min(rules.base + (interest - rules.lower) / (rules.upper - rules.lower) * (1.0 - rules.base), 1.0)


def initial_rates(rules: Sequence[InitialMargin], interest: Floats) -> Floats:
    """[m] rates at the open interest [m] of every market; 0 for markets without rules."""
    rates = np.zeros(len(interest))
    for m, rule in enumerate(rules):
        rates[m] = initial_rate(rule, float(interest[m]))
    return rates
