"""Bad debt of a run divided by pool and by market, for its Euler allocation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from stress.sizing.allocation import Allocation, allocate
from stress.sizing.estimate import Floats
from stress.sizing.quantiles import value_at_risk
from stress.sizing.shortfall import shortfall_point
from stress.sizing.weights import Weights, ascending_with

if TYPE_CHECKING:
    from stress.store import Run

NOT_TRADED = "nothing liquidated"
"""The part of paths on which no liquidation order was filled."""


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
    parts = {name: debt * shares[:, m] for m, name in enumerate(names)}
    if (debt[~traded] > 0.0).any():
        parts[NOT_TRADED] = np.where(traded, 0.0, debt)
    return allocate("market", "bad_debt", parts, levels, weights, rest=NOT_TRADED)
