"""From the kernels' arrays to result tables: parts, and the step-by-step record of single paths."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stress import columns
from stress.kernels import cascade
from stress.kernels.results import ROLES, TOP_OWNERS
from stress.sampling.draw import draw, laws_of
from stress.store import to_table
from stress.workers import PartResults, require_finite_prices

if TYPE_CHECKING:
    from stress.build import Plan

Floats = NDArray[np.float64]

RECORD_ROWS = 2_000_000
"""Most rows of a recorded table; longer records keep every n-th check and the last."""


def part_tables(plan: Plan, results: PartResults) -> dict[str, pa.Table]:
    """The tables of a part, rows in (path, pool or layer or market or place of an owner) order."""
    numbers = np.arange(results.part.first, results.part.first + results.part.paths)
    layers = tuple(zip(*plan.layer_names, strict=True)) if plan.layer_names else ((), (), ())
    sources = (
        (columns.PATHS, [plan.pool_names], results.slots.pools),
        (columns.LAYERS, list(layers), results.slots.layers),
        (columns.MARKETS, [plan.market_names], results.slots.markets),
    )
    tables = {
        spec.name: to_table(
            spec,
            [pa.array(np.repeat(numbers, values.shape[1])), *(_tiled(names, len(numbers)) for names in labels)],
            values.reshape(-1, values.shape[2]),
            _sampling(plan, results) if spec is columns.PATHS else (),
        )
        for spec, labels, values in sources
    }
    return tables | {columns.OWNERS.name: _owners(plan, results)}


def _sampling(plan: Plan, results: PartResults) -> tuple[pa.Array, ...]:
    """Weight and law of every row of ``paths``, where paths are drawn under several laws."""
    if plan.tilt is None or results.weights is None:
        return ()
    laws = laws_of(plan.tilt, results.part.first, results.part.paths)
    pools = len(plan.pool_names)
    return pa.array(np.repeat(results.weights, pools)), pa.array(np.repeat(laws, pools))


def _owners(plan: Plan, results: PartResults) -> pa.Table:
    """The owners listed, path by path; lists end where nobody else caused or paid anything."""
    path, row = np.nonzero(results.slots.owners[:, :, 0] >= 0.0)
    listed = results.slots.owners[path, row]
    place = row % TOP_OWNERS
    role = row // TOP_OWNERS % len(ROLES)
    pool = row // (TOP_OWNERS * len(ROLES))
    keys = [
        pa.array(results.part.first + path),
        _named(plan.pool_names, pool),
        _named(ROLES, role),
        pa.array(place + 1),
        _named(plan.owner_names, listed[:, 0].astype(np.int64)),
    ]
    return to_table(columns.OWNERS, keys, listed[:, 1:])


def _named(names: Sequence[str], numbers: NDArray[np.int64]) -> pa.Array:
    return pa.array(names, type=pa.string()).take(pa.array(numbers))


def _tiled(names: Sequence[str], times: int) -> pa.Array:
    return _named(names, np.tile(np.arange(len(names)), times))


def trace(plan: Plan, path: int) -> tuple[Floats, Floats]:
    """Every check of one path: pools [s, p, column] and markets [s, m, column].

    Columns are ``TRACE_POOL_COLUMNS`` and ``TRACE_MARKET_COLUMNS``. The path is
    the same as in a run, since its random numbers hang on its number alone.

    :raises NonFinitePath: a price is not finite.
    """
    checks = plan.venue.clock.checks + 1
    log_price, variance = np.empty((2, 1, checks, len(plan.market_names)))
    draw(plan, path, log_price, variance)
    require_finite_prices(plan, path, log_price, variance)
    pools = np.zeros((checks, len(plan.pool_names), len(columns.WORST_POOLS.values)))
    markets = np.zeros((checks, len(plan.market_names), len(columns.WORST_MARKETS.values)))
    cascade.trace_path(plan.venue, path, log_price[0], variance[0], pools, markets)
    return pools, markets


def record(plan: Plan, roles: Sequence[tuple[str, int]]) -> dict[str, pa.Table]:
    """Tables ``worst_pools`` and ``worst_markets`` of the given (role, path) pairs."""
    steps = plan.venue.clock.checks
    widest = max(len(plan.pool_names), len(plan.market_names))
    kept = np.arange(0, steps + 1, math.ceil((steps + 1) * widest * len(roles) / RECORD_ROWS))
    if kept[-1] != steps:
        kept = np.append(kept, steps)
    traced = {path: tuple(values[kept] for values in trace(plan, path)) for path in {path for _, path in roles}}
    tables: dict[str, pa.Table] = {}
    for k, (spec, names) in enumerate(
        ((columns.WORST_POOLS, plan.pool_names), (columns.WORST_MARKETS, plan.market_names))
    ):
        blocks = [_recorded(spec, plan, kept, names, role, path, traced[path][k]) for role, path in roles]
        tables[spec.name] = pa.concat_tables(blocks)
    return tables


def _recorded(
    spec: columns.Table, plan: Plan, kept: NDArray[np.int64], names: Sequence[str], role: str, path: int, values: Floats
) -> pa.Table:
    """Rows of one recorded path, in (name, check) order."""
    rows = len(names) * len(kept)
    step = np.tile(kept, len(names))
    keys = [
        pa.array(np.full(rows, path)),
        pa.array([role], type=pa.string()).take(pa.array(np.zeros(rows, dtype=np.int64))),
        pa.array(names, type=pa.string()).take(pa.array(np.repeat(np.arange(len(names)), len(kept)))),
        pa.array(step),
        pa.array(step * plan.venue.clock.dt),
    ]
    return to_table(spec, keys, values.transpose(1, 0, 2).reshape(rows, -1))
