"""Funding, dynamic margin and announced margin changes as the cascade reads them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from stress.build.timing import checks_in, halving
from stress.kernels.structs import Clock, Floats
from stress.scenario.instruments import Market


def funding_rate(markets: Sequence[Market], clock: Clock) -> Floats:
    """[s, m] rate paid at each check; (0, m) when no market has funding."""
    if all(market.funding is None for market in markets):
        return np.zeros((0, len(markets)))
    rates = np.zeros((clock.checks + 1, len(markets)))
    for m, market in enumerate(markets):
        if market.funding is not None:
            every = max(1, checks_in(market.funding.interval, clock.dt))
            rates[every::every, m] = market.funding.rate
    return rates


def margin_scale(markets: Sequence[Market], clock: Clock) -> Floats:
    """[s, m] factor on maintenance announced by governance; (0, m) when nothing is."""
    if not any(market.margin.changes for market in markets):
        return np.zeros((0, len(markets)))
    scale = np.ones((clock.checks + 1, len(markets)))
    for m, market in enumerate(markets):
        for change in market.margin.changes:
            scale[checks_in(change.at, clock.dt) :, m] = change.factor
    return scale


def dynamic_margin(markets: Sequence[Market], dt: float) -> dict[str, Sequence[float]]:
    """Fields of the INSTRUMENT record that rule dynamic margin, one value per market."""
    rules = [market.margin.dynamic for market in markets]
    return {
        "volatility_power": [rule.power if rule else 0.0 for rule in rules],
        "volatility_reference": [rule.volatility if rule else 1.0 for rule in rules],
        "volatility_initial": [(rule.initial or rule.volatility) if rule else 1.0 for rule in rules],
        "volatility_decay": [halving(dt, rule.half_life) if rule else 1.0 for rule in rules],
        "factor_cap": [rule.cap if rule else math.inf for rule in rules],
        "factor_interval": [max(1, checks_in(rule.interval, dt)) if rule else 1 for rule in rules],
        "factor_notice": [checks_in(rule.notice, dt) if rule else 0 for rule in rules],
    }
