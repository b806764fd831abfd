"""Maintenance margin of a book at given prices, outside a simulation.

Maintenance of a position of notional ``N`` is ``max_t(rate[t] N - deduction[t])``
with deductions that make the requirement continuous over the tier borders;
since rates do not fall, the maximum is reached in the tier that holds ``N``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stress.book.initial import InitialMargin, initial_rates
from stress.kernels.structs import Floats, Ints


class Tiers(NamedTuple):
    """Margin tiers of all markets; those of market m are ``first[m]:first[m + 1]``."""

    first: Ints
    """[m + 1] where the tiers of each market begin."""
    lower: Floats
    """[t] lower notional of the tier, quote currency."""
    rate: Floats
    """[t] maintenance rate, a fraction."""
    deduction: Floats
    """[t] deduction, quote currency."""


class Terms(NamedTuple):
    """What a book needs to know of the markets."""

    names: tuple[str, ...]
    """[m] names, in the scenario's order."""
    prices: Floats
    """[m] first prices, quote currency."""
    tiers: Tiers
    """Margin tiers of every market."""
    haircuts: Mapping[int, float] = MappingProxyType({})
    """Haircut by number of those markets that are assets, which accounts post as collateral."""

    initial: tuple[InitialMargin, ...] = ()
    """[m] rules of initial margin, or none at all."""

    def initial_rates(self, interest: Floats) -> Floats:
        """[m] initial margin rates at an open interest [m]; 0 where none is asked."""
        return initial_rates(self.initial, interest) if self.initial else np.zeros(len(self.names))

    @property
    def is_asset(self) -> NDArray[np.bool_]:
        """[m] whether a market is an asset and not a contract."""
        return np.isin(np.arange(len(self.names)), list(self.haircuts))

    @property
    def haircut(self) -> Floats:
        """[m] share of the value of collateral that does not count towards margin; 0 for contracts."""
        return np.array([self.haircuts.get(m, 0.0) for m in range(len(self.names))], dtype=np.float64)


def sum_by(group: Ints, values: Floats, groups: int) -> Floats:
    """Sums of values over the groups 0 ... groups - 1 they belong to, added in storage order."""
    return np.asarray(np.bincount(group, weights=values, minlength=groups), dtype=np.float64)


def deductions(lower: Floats, rate: Floats) -> Floats:
    """Deductions [t] of one market: ``ded[0] = 0``, ``ded[t] = ded[t-1] + lower[t] (rate[t] - rate[t-1])``."""
    steps = np.diff(rate, prepend=rate[:1]) * lower
    return np.cumsum(steps)


def stack_tiers(markets: Iterable[Sequence[tuple[float, float]]]) -> Tiers:
    """Join the tiers of several markets, each given as (lower notional, maintenance rate) pairs in rising order."""
    tables = [np.array(pairs, dtype=np.float64).reshape(-1, 2) for pairs in markets]
    first = np.cumsum([0, *(len(table) for table in tables)], dtype=np.int64)
    joined = np.concatenate(tables)
    deduction = np.concatenate([deductions(table[:, 0], table[:, 1]) for table in tables])
    return Tiers(first, np.ascontiguousarray(joined[:, 0]), np.ascontiguousarray(joined[:, 1]), deduction)


def maintenance(notional: Floats, market: Ints, tiers: Tiers) -> Floats:
    """Maintenance margin [j] of positions.

    Parameters
    ----------
    notional : float64 [j]
        Absolute notional of each position at the mark, quote currency.
    market : int64 [j]
        Market of each position.
    tiers : Tiers
        Tiers of every market.
    """
    required = np.zeros_like(notional)
    first, count = tiers.first[market], np.diff(tiers.first)[market]
    for place in range(int(count.max(initial=0))):
        tier = first + np.minimum(place, count - 1)
        np.maximum(required, tiers.rate[tier] * notional - tiers.deduction[tier], out=required)
    return required
