"""Bad debt of a run divided by pool, market and owner, for its Euler allocation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stress.sizing.allocation import Allocation, Contribution, allocate, tail_weights
from stress.sizing.estimate import Floats
from stress.sizing.quantiles import value_at_risk
from stress.sizing.shortfall import shortfall_point
from stress.sizing.weights import Weights, ascending_with

if TYPE_CHECKING:
    from stress.store import Run

NOT_TRADED = "nothing liquidated"
"""The part of paths on which no liquidation order was filled."""

OTHER_OWNERS = "all other owners"
"""The part of owners beyond the ten of each path and pool, and of those beyond the largest in the tail."""

_MOST_OWNERS = 20


def by_pool(debts: Mapping[str, Floats], levels: Sequence[float], weights: Weights | None = None) -> Allocation:
    """Bad debt of all pools by pool, and what the pools would need each for itself.

    The expected shortfalls of the pools alone add up to at least that of all of them (Acerbi and Tasche 2002): the
    difference is what pooling saves.
    """
    found = allocate("pool", "bad_debt", debts, levels, weights)
    alone = []
    for level in levels:
        points = []
        for debt in debts.values():
            ordered, ranked = ascending_with(debt, weights)
            known = value_at_risk(ordered, level, weights=ranked).value is not None
            points.append(shortfall_point(ordered, level, ranked) if known else None)
        alone.append(None if None in points else sum(point for point in points if point is not None))
    return replace(found, alone=tuple(alone))


def by_market(run: Run, debt: Floats, levels: Sequence[float], weights: Weights | None = None) -> Allocation:
    """Bad debt by market: on every path in proportion to the notional liquidated there.

    An account under cross margin has one deficit and many positions, so that a deficit has no market of its own; the
    notional says where the positions were that had to be closed.
    """
    names = list(run.manifest["markets"])
    column = run.markets["liquidated_notional"].to_numpy(dtype=np.float64)
    liquidated = column.reshape(-1, len(names))
    total = liquidated.sum(axis=1)
    traded = total > 0.0
    shares = np.where(traded[:, None], liquidated / np.where(traded, total, 1.0)[:, None], 0.0)
    scenario = run.scenario["markets"]
    contracts = [m for m, name in enumerate(names) if scenario[name].get("instrument") != "spot"]
    parts = {names[m]: debt * shares[:, m] for m in contracts}
    if (debt[~traded] > 0.0).any():
        parts[NOT_TRADED] = np.where(traded, 0.0, debt)
    return allocate("market", "bad_debt", parts, levels, weights, rest=NOT_TRADED)


def by_owner(run: Run, debt: Floats, levels: Sequence[float], weights: Weights | None = None) -> Allocation:
    """Bad debt of all pools by the owner whose accounts made it; the 20 with most in the tail are named."""
    rows = run.owners[run.owners["role"] == "caused"]
    path, amount = rows["path"].to_numpy(), rows["amount"].to_numpy(dtype=np.float64)
    code, names = pd.factorize(rows["owner"], sort=True)
    every = np.full(debt.size, 1.0 / debt.size) if weights is None else weights.counts / debt.size
    tails = [tail_weights(debt, level, weights) for level in levels]
    sums = [None if tail is None else _by_code(code, amount * tail[path], len(names)) for tail in (every, *tails)]
    totals = [None if tail is None else float(tail @ debt) for tail in (every, *tails)]
    known = next((found for found in sums[1:] if found is not None), sums[0])
    order = np.zeros(0, dtype=np.intp)
    if known is not None:
        order = np.lexsort((np.arange(len(names)), -known))[: min(_MOST_OWNERS, int((known > 0.0).sum()))]
    columns = [_named(found, total, order) for found, total in zip(sums, totals, strict=True)]
    called = [*names[order].astype(str), OTHER_OWNERS]
    parts = [
        Contribution(name, mean or 0.0, tuple(at_levels))
        for name, mean, *at_levels in zip(called, *columns, strict=True)
    ]
    return Allocation("owner", "bad_debt", tuple(parts))


def _by_code(code: NDArray[np.intp], amounts: Floats, codes: int) -> Floats:
    """[owner] sum of the amounts of each."""
    return np.bincount(code, weights=amounts, minlength=codes).astype(np.float64)


def _named(sums: Floats | None, total: float | None, order: NDArray[np.intp]) -> list[float | None]:
    """Contributions of the named owners and, last, of all others."""
    if sums is None or total is None:
        return [None] * (order.size + 1)
    named = sums[order]
    return [*named.tolist(), max(total - float(named.sum()), 0.0)]
