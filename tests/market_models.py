"""An example of every random price model, and scenarios of them made without a file."""

from __future__ import annotations

from typing import Any

import numpy as np

from stress.build.prices import models_of
from stress.build.venue import clock_of
from stress.kernels.structs import Clock, Models
from stress.scenario.schema import Scenario
from tests.price_paths import SPOT, Floats, run

HESTON = {"kappa": 12, "theta": 0.35, "xi": 2.5, "rho": -0.3, "v0": 0.3}
JUMPS = {"jump_rate": 400, "jump_mean": -0.03, "jump_std": 0.05}
"""Forty times as many jumps as a calibration has, so that a wrong compensator shows."""
EXCITED = {"branching": 0.6, "half_life": "2h"}
GARCH = {"volatility": 0.8, "alpha": 0.1, "gamma": 0.05, "beta": 0.85, "interval": "1h"}
REGIMES = [{"volatility": 0.4, "duration": "6h"}, {"volatility": 2.0, "duration": "1h"}]

EXAMPLES: dict[str, dict[str, Any]] = {
    "gbm": {"type": "gbm", "volatility": 0.6},
    "merton": {"type": "merton", "volatility": 0.5, **JUMPS},
    "heston": {"type": "heston", **HESTON},
    "bates": {"type": "bates", **HESTON, **JUMPS, "self_excitation": EXCITED},
    "svcj": {"type": "svcj", **HESTON, **JUMPS, "variance_jump": 1.5, "jump_slope": -0.05},
    "garch": {"type": "garch", **GARCH, "nu": 4.0},
    "regime": {"type": "regime", "states": REGIMES},
    "rough_bergomi": {"type": "rough_bergomi", "xi0": 0.4, "eta": 1.9, "hurst": 0.1, "rho": -0.4},
}
"""By the type in the scenario."""


def scenario(
    models: dict[str, dict[str, Any]], step: str = "10m", checks: int = 24, substeps: int = 6, **rest: Any
) -> Any:
    """Markets at price 100 with these models, over ``checks`` checks of ``substeps`` steps."""
    seconds = {"10m": 600, "1m": 60, "1h": 3600, "1d": 86_400}[step]
    market = {
        "liquidity": {"type": "power", "depth": "unlimited"},
        "margin": {"tiers": [{"from": 0, "maintenance": 0.01}]},
    }
    return Scenario.model_validate(
        {
            "format": 1,
            "name": "models",
            "run": {
                "paths": 1,
                "horizon": f"{seconds * checks * substeps}s",
                "step": step,
                "check_every": f"{seconds * substeps}s",
            },
            "markets": {name: {"price": SPOT, "model": model, **market} for name, model in models.items()},
            "pools": {
                "main": {
                    "book": {"synthetic": {"accounts": 1, "open_interest": {next(iter(models)): 1000}}},
                    "layers": [{"type": "insurance_fund", "capital": 1000}],
                }
            },
            **rest,
        }
    )


def built(models: dict[str, dict[str, Any]], **keys: Any) -> tuple[Models, Clock, list[str]]:
    """Kernel inputs of such a scenario, and the notes of the build."""
    made = scenario(models, **keys)
    clock = clock_of(made)
    kernel_models, notes = models_of(made, clock, lambda path: ("scenario", None, None))
    return kernel_models, clock, notes


def simulated(model: dict[str, Any], paths: int, seed: int = 1, **keys: Any) -> tuple[Floats, Floats]:
    """Log returns from the start and variances [w, s] of one market."""
    models, clock, _ = built({"A": model}, **keys)
    log_price, variance = run(models, clock, paths, seed)
    return log_price[:, :, 0] - np.log(SPOT), variance[:, :, 0]
