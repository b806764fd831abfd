"""What a treasury raises, how many tokens it takes, and what stays open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stress.sizing.estimate import Estimate, Floats
from stress.sizing.proportions import share_of
from stress.sizing.quantiles import value_at_risk
from stress.sizing.shortfall import mean_loss
from stress.sizing.weights import Weights, ascending_with

if TYPE_CHECKING:
    from stress.store import Run

_NOTHING = 1e-6
"""Money under which a debt is rounding."""


@dataclass(frozen=True)
class Spread:
    """Mean and quantiles of one number per path."""

    mean: Estimate
    levels: tuple[Estimate, ...]
    largest: float


@dataclass(frozen=True)
class TreasuryFigures:
    """One treasury over all paths."""

    pool: str
    layer: str
    token: str
    units: float
    """Tokens that it may sell."""
    borne: Spread
    raised: Spread
    sold: Spread
    """Tokens."""
    declined: Estimate
    """Probability that its tokens did not cover what it was asked to bear."""
    owing: Estimate
    """Probability that it still owes something at the end."""
    lowest: float | None
    """Lowest price of a sale on any path; None without one."""


def treasuries(
    run: Run, levels: tuple[float, ...], confidence: float, weights: Weights | None
) -> tuple[TreasuryFigures, ...]:
    """Every treasury of a run."""

    def spread(values: Floats) -> Spread:
        ordered, sorted_weights = ascending_with(np.maximum(values, 0.0), weights)
        quantiles = tuple(value_at_risk(ordered, level, confidence, sorted_weights) for level in levels)
        return Spread(mean_loss(ordered, confidence, sorted_weights), quantiles, float(ordered[-1]))

    found = []
    for pool, rules in run.scenario["pools"].items():
        for layer in (layer for layer in rules["layers"] if layer["type"] == "treasury"):
            rows = run.layers[(run.layers["pool"] == pool) & (run.layers["layer"] == layer["name"])]
            column = {name: rows[name].to_numpy(dtype=np.float64) for name in _COLUMNS}
            lows = column["token_low"][~np.isnan(column["token_low"])]
            found.append(
                TreasuryFigures(
                    pool,
                    layer["name"],
                    layer["token"],
                    float(layer["units"]),
                    spread(column["paid"] + column["paid_for_layers"]),
                    spread(column["raised"]),
                    spread(column["tokens_sold"]),
                    share_of(~np.isnan(column["first_decline_s"]), confidence, weights),
                    share_of(column["equity_end"] < -_NOTHING, confidence, weights),
                    float(lows.min()) if lows.size else None,
                )
            )
    return tuple(found)


_COLUMNS = ("paid", "paid_for_layers", "raised", "tokens_sold", "token_low", "first_decline_s", "equity_end")
