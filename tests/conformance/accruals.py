"""Funding and margin factors of a case."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from stress.build.timing import halving
from stress.kernels.structs import Floats

Json = dict[str, Any]


def per_step(markets: list[Json], key: str, checks: int, neutral: float) -> Floats:
    """[s, m] values given per step under ``key``, ``neutral`` where a market has none; (0, m) when no market has."""
    if not any(key in market for market in markets):
        return np.zeros((0, len(markets)))
    rows = np.full((checks + 1, len(markets)), neutral)
    for m, market in enumerate(markets):
        if key in market:
            rows[:, m] = market[key][: checks + 1]
    return rows


def dynamic_margin(markets: list[Json], dt: float) -> dict[str, list[Any]]:
    """Fields of dynamic margin, one value per market."""
    rules = [market.get("dynamic_margin", {}) for market in markets]
    return {
        "volatility_power": [float(rule.get("gamma", 0.0)) for rule in rules],
        "volatility_reference": [float(rule.get("sigma_ref", 1.0)) for rule in rules],
        "volatility_initial": [float(rule.get("sigma_init", 1.0)) for rule in rules],
        "volatility_decay": [halving(dt, rule.get("half_life", math.inf)) for rule in rules],
        "factor_cap": [float(rule.get("kappa_max", math.inf)) for rule in rules],
        "factor_interval": [max(1, math.ceil(rule.get("interval", dt) / dt)) for rule in rules],
        "factor_notice": [math.ceil(rule.get("notice", 0.0) / dt) for rule in rules],
    }
