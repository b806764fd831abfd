"""Histories of a calibrated model, by the kernels that a run uses."""

from __future__ import annotations

from typing import Any

import numpy as np

from stress.build.prices import models_of
from stress.build.venue import clock_of
from stress.calibrate.fit import Fit
from stress.calibrate.likelihood import Progress
from stress.kernels.paths import simulate
from stress.kernels.structs import Floats
from stress.scenario.schema import Scenario
from stress.scenario.units import Dimension, write

LONGEST_STEP = 3600.0
"""Seconds of a model step: longer bars are made of several."""
SEED = 20251010


def histories(fit: Fit, step: float, bars: int, count: int, progress: Progress | None = None) -> Floats:
    """[count, bars] log returns of bars of ``step`` seconds; each history starts at the long-run variance.

    The price models of a run, their schemes and random numbers: what is tested against the data is what is simulated.
    """
    scenario = Scenario.model_validate(tree(average(fit.entry), step, bars))
    clock = clock_of(scenario)
    models, _ = models_of(scenario, clock, lambda _path: ("calibration", None, None))
    returns = np.empty((count, bars))
    log_price, variance = np.empty((1, bars + 1, 1)), np.empty((1, bars + 1, 1))
    for path in range(count):
        if progress is not None:
            progress(f"history {path + 1} of {count}")
        simulate(models, clock, SEED, path, log_price, variance)
        returns[path] = np.diff(log_price[0, :, 0])
    return returns


def average(entry: dict[str, Any]) -> dict[str, Any]:
    """The model started at its mean variance."""
    if "theta" in entry:
        lifted = entry.get("jump_rate", 0.0) * entry.get("variance_jump", 0.0) / entry["kappa"]
        return {**entry, "v0": entry["theta"] + lifted}
    return {**entry, "v0": entry["volatility"] ** 2} if "v0" in entry else entry


def tree(entry: dict[str, Any], step: float, bars: int) -> dict[str, Any]:
    """Smallest scenario around one market."""
    inner = step / max(1, -(-step // LONGEST_STEP))
    return {
        "format": 1,
        "name": "calibration",
        "run": {
            "paths": 1,
            "horizon": write(step * bars, Dimension.DURATION),
            "step": write(inner, Dimension.DURATION),
            "check_every": write(step, Dimension.DURATION),
        },
        "markets": {
            "MARKET": {
                "price": 100,
                "model": entry,
                "liquidity": {"type": "power", "depth": "unlimited"},
                "margin": {"tiers": [{"from": 0, "maintenance": "1%"}]},
            }
        },
        "pools": {
            "main": {
                "book": {"synthetic": {"accounts": 1, "seed": 1, "open_interest": {"MARKET": 1}}},
                "layers": [{"type": "insurance_fund", "capital": 1}],
            }
        },
    }
