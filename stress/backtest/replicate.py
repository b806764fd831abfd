"""One replicate: the scenario with a set of drawn values, played once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from stress import columns
from stress.backtest.metrics import Outcome, Row
from stress.build import Plan, build
from stress.kernels.results import TRACE_POOL_COLUMNS
from stress.records import part_tables, trace
from stress.scenario import Loaded
from stress.scenario.layers import BackstopVault, InsuranceFund, SharedFund
from stress.sizing.estimate import Floats
from stress.workers import Part, simulate_parts

BLOCK_BYTES = 16 << 20


@dataclass(frozen=True)
class Replicate:
    """What a set of drawn values led to."""

    outcome: Outcome
    time_s: Floats
    """[s] seconds of the checks; empty where no record was asked for."""
    flows: dict[str, Floats]
    """[s] value from the start to each check, over all pools, by column of the record."""


def play(loaded: Loaded, recorded: bool) -> Replicate:
    """Build and simulate one path; ``recorded`` also keeps what happened check by check.

    Raises
    ------
    InvalidInput
        The drawn values make no sound scenario.
    NonFinitePath
        The path left the finite numbers.
    """
    plan = build(loaded)
    (done,) = simulate_parts(plan, [Part(0, 0, 1)], 1, BLOCK_BYTES, lambda results: part_tables(plan, results))
    outcome = outcome_of(plan, done.written)
    if not recorded:
        return Replicate(outcome, np.empty(0), {})
    pools, _ = trace(plan, 0)
    time_s: Floats = plan.venue.clock.dt * np.arange(len(pools), dtype=np.float64)
    wanted = ("liquidated_notional", "adl_notional")
    flows = {name: pools[:, :, TRACE_POOL_COLUMNS.index(name)].sum(axis=1) for name in wanted}
    return Replicate(outcome, time_s, flows)


def outcome_of(plan: Plan, tables: dict[str, pa.Table]) -> Outcome:
    """Result tables of a run of one path, by name."""
    scenario = plan.loaded.scenario
    layers = {(str(row["pool"]), str(row["layer"])): _numbers(row) for row in tables[columns.LAYERS.name].to_pylist()}
    capital = {
        (pool, layer.name): layer.capital
        for pool, rules in scenario.pools.items()
        for layer in rules.layers
        if isinstance(layer, InsuranceFund | BackstopVault | SharedFund) and math.isfinite(layer.capital)
    }
    quantity = plan.positions.quantity.clip(min=0.0)
    prices = [market.price for market in scenario.markets.values()]
    held = [float(quantity[plan.positions.market == m].sum()) * price for m, price in enumerate(prices)]
    return Outcome(
        {str(row["pool"]): _numbers(row) for row in tables[columns.PATHS.name].to_pylist()},
        layers,
        {str(row["market"]): _numbers(row) for row in tables[columns.MARKETS.name].to_pylist()},
        capital,
        dict(zip(plan.market_names, prices, strict=True)),
        dict(zip(plan.market_names, held, strict=True)),
        float(plan.positions.equity(np.array(prices)).sum()),
    )


def _numbers(row: dict[str, Any]) -> Row:
    return {name: value for name, value in row.items() if not isinstance(value, str)}
