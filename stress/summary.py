"""What is formed over all paths of a run: summary figures, exceedance curves, which paths to record.

All of it is computed from the written parts in path order, so that it does not
depend on threads or interruptions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stress import columns
from stress.columns import Table
from stress.store import Run, part_file, read_files, to_table
from stress.weights import Weights, kish

Floats = NDArray[np.float64]

EXCEEDANCE_METRICS: dict[str, tuple[str, ...]] = {
    "bad_debt": ("bad_debt",),
    "required_fund": ("required_fund",),
    "unpaid": ("residual", "residual_open"),
}
"""Columns of ``paths`` whose sum is the loss of each exceedance curve."""

_TAIL_POINTS = 1_000
_BODY_POINTS = 1_000


def summarise(run: Run, pools: Sequence[str], layers: Sequence[tuple[str, str, str]], markets: Sequence[str]) -> Any:
    """Mean, extremes and share of paths above zero of every numeric column, by pool, layer and market.

    The mean and the extremes are over the paths where the value is not null;
    ``count`` says how many those are. Where paths have weights, means and shares
    go by them, and ``effective_paths`` says how many equal ones they are worth.
    """
    weights = Weights.of(run.weights)
    paths = _Figures(run, columns.PATHS, len(pools), weights)
    waterfall = _Figures(run, columns.LAYERS, len(layers), weights)
    books = _Figures(run, columns.MARKETS, len(markets), weights)
    by_pool: dict[str, dict[str, Any]] = {pool: {} for pool in pools}
    for row, (pool, layer, _) in enumerate(layers):
        by_pool[pool][layer] = waterfall.of(row)
    return {
        "paths": paths.rows,
        "effective_paths": paths.rows if weights is None else kish(weights.ratios),
        "pools": {pool: paths.of(row) for row, pool in enumerate(pools)},
        "layers": by_pool,
        "markets": {market: books.of(row) for row, market in enumerate(markets)},
    }


class _Figures:
    """Running figures [group, column] of one table whose rows repeat the same groups for every path."""

    def __init__(self, run: Run, table: Table, groups: int, weights: Weights | None) -> None:
        shape = (groups, len(table.values))
        self.table = table
        self.weights = weights
        self.rows = 0
        self.count = np.zeros(shape, dtype=np.int64)
        self.mass = np.zeros(shape)
        self.above = np.zeros(shape)
        self.total = np.zeros(shape)
        self.least = np.full(shape, np.inf)
        self.most = np.full(shape, -np.inf)
        if groups:
            for index in range(len(run.manifest["parts"])):
                self._add(read_files([run.folder / part_file(table.name, index)], table), groups)

    def _add(self, part: pa.Table, groups: int) -> None:
        paths = part.num_rows // groups
        counts = np.ones(paths) if self.weights is None else self.weights.counts[self.rows : self.rows + paths]
        for k, column in enumerate(self.table.values):
            values = as_floats(part[column.name]).reshape(-1, groups)
            known = ~np.isnan(values)
            self.count[:, k] += known.sum(axis=0)
            self.mass[:, k] += (known * counts[:, None]).sum(axis=0)
            self.above[:, k] += ((values > 0) * counts[:, None]).sum(axis=0)
            self.total[:, k] += (np.where(known, values, 0.0) * counts[:, None]).sum(axis=0)
            self.least[:, k] = np.fmin(self.least[:, k], np.fmin.reduce(values, axis=0, initial=np.inf))
            self.most[:, k] = np.fmax(self.most[:, k], np.fmax.reduce(values, axis=0, initial=-np.inf))
        self.rows += paths

    def of(self, row: int) -> dict[str, dict[str, float | int | None]]:
        return {column.name: self._figures(row, k) for k, column in enumerate(self.table.values)}

    def _figures(self, row: int, k: int) -> dict[str, float | int | None]:
        count = int(self.count[row, k])
        return {
            "count": count,
            "mean": float(self.total[row, k]) / float(self.mass[row, k]) if self.mass[row, k] > 0.0 else None,
            "min": float(self.least[row, k]) if count else None,
            "max": float(self.most[row, k]) if count else None,
            "share_above_zero": float(self.above[row, k]) / self.rows,
        }


def as_floats(column: pa.ChunkedArray) -> Floats:
    """Values of a numeric column as float64 with NaN for null."""
    return np.asarray(column.to_numpy(), dtype=np.float64)


def losses(run: Run, pools: int, names: Sequence[str]) -> Floats:
    """Sum [path, pool] of some columns of ``paths``; NaN where one is null."""
    table = run.table(columns.PATHS.name, names)
    return sum((as_floats(table[name]) for name in names), np.float64(0.0)).reshape(-1, pools)


def exceedance(run: Run, pools: Sequence[str]) -> pa.Table:
    """Loss exceedance curve of every pool and metric; a metric that is null on every path has none."""
    names: list[tuple[str, str]] = []
    rows: list[Floats] = []
    weights = Weights.of(run.weights)
    for metric, parts in EXCEEDANCE_METRICS.items():
        loss = losses(run, len(pools), parts)
        for p, pool in enumerate(pools):
            known = ~np.isnan(loss[:, p])
            if known.any():
                points = exceedance_curve(loss[known, p], None if weights is None else weights.counts[known])
                rows.append(points)
                names += [(pool, metric)] * len(points)
    by_pool = sorted(range(len(names)), key=lambda row: (pools.index(names[row][0]), row))
    keys = [pa.array([names[row][k] for row in by_pool], type=pa.string()) for k in range(2)]
    return to_table(columns.EXCEEDANCE, keys, np.concatenate(rows)[by_pool])


def exceedance_curve(loss: Floats, counts: Floats | None = None) -> Floats:
    """Rows (loss, share of paths with at least it, number of such paths), largest loss first.

    All of the largest 1,000 distinct losses, and beyond them 1,000 at ranks
    that grow geometrically, the smallest included. ``counts`` [w] is what each
    path counts for in the share.
    """
    distinct, which, paths = np.unique(loss, return_inverse=True, return_counts=True)
    distinct, rank = distinct[::-1], np.cumsum(paths[::-1])
    share = rank / len(loss)
    if counts is not None:
        share = np.cumsum(np.bincount(which, weights=counts)[::-1]) / counts.sum()
    keep = np.arange(min(len(distinct), _TAIL_POINTS))
    if len(distinct) > _TAIL_POINTS:
        body = np.geomspace(_TAIL_POINTS, len(distinct) - 1, _BODY_POINTS).round().astype(np.int64)
        keep = np.unique(np.concatenate([keep, body]))
    return np.column_stack([distinct[keep], share[keep], rank[keep].astype(np.float64)])


def recorded_paths(run: Run, pools: int, levels: Sequence[float]) -> list[tuple[str, int]]:
    """Role and number of the paths whose every step is recorded.

    ``worst`` has the largest bad debt and open deficits over all pools (then the
    largest required fund, liquidated notional, lowest number); ``worst-fund``
    the largest required fund of a pool; ``var-LEVEL`` is the path at the rank
    of that quantile in the order of ``worst``, weights counted.
    """
    loss = losses(run, pools, ("bad_debt", "residual_open")).sum(axis=1)
    fund = np.nan_to_num(losses(run, pools, ("required_fund",))).max(axis=1)
    notional = losses(run, pools, ("liquidated_notional",)).sum(axis=1)
    number = np.arange(len(loss))
    severity = np.lexsort((-number, notional, fund, loss))
    roles = [("worst", int(severity[-1])), ("worst-fund", int(np.lexsort((-number, loss, fund))[-1]))]
    weights = Weights.of(run.weights)
    beyond = None if weights is None else weights.ordered(severity).beyond()
    for level in levels:
        if beyond is None:
            # Less a hair, so that 0.999 * 1000 = 999.0000000000001 is rank 999.
            at = min(len(loss), max(1, math.ceil(len(loss) * level - 1e-9))) - 1
        else:
            at = int(np.argmax(beyond <= 1.0 - level + 1e-12))
        roles.append((f"var-{100 * level:.10g}%", int(severity[at])))
    return roles
