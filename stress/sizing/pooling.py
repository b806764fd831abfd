"""What sharing a fund saves its pools, and what it makes them bear for each other (MODEL 7).

A pool's part of a shared fund is what it has brought in less what it cost, and the largest fall of that part, known for
every path, is what the pool would have needed alone; its contribution is what it would have had. One run says no more:
it holds prices as they were with the shared fund, and leaves hedges of the whole apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stress.sizing.estimate import Estimate, Floats
from stress.sizing.fund import FundSize, fund_size
from stress.sizing.proportions import share_of
from stress.sizing.weights import Weights, ascending_with

if TYPE_CHECKING:
    from stress.store import Run


@dataclass(frozen=True)
class Member:
    """One pool of a shared fund. Probabilities are None for an unlimited fund, to which nobody contributes."""

    pool: str
    share: float
    """Of the capital, by the weights."""
    contribution: float | None
    drawn: float
    """Mean bad debt and debt of layers that the fund bore for the pool."""
    brought: float
    """Mean equity and fees that it got from the pool."""
    alone: FundSize
    """Fund of its own for the accepted depletion probability."""
    short_alone: Estimate | None
    """Probability that the pool needs more than its contribution."""
    spared: Estimate | None
    """That it does while the shared fund is enough for all."""
    infected: Estimate | None
    """That the shared fund is not enough while the pool needs no more than its contribution."""


@dataclass(frozen=True)
class Pooling:
    """One shared fund."""

    fund: str
    capital: float | None
    """None for an unlimited fund."""
    together: FundSize
    members: tuple[Member, ...]

    @property
    def apart(self) -> float | None:
        """Sum of the funds that the pools need alone, each for the same probability; None where one has no number."""
        sizes = [member.alone.size.value for member in self.members]
        return None if None in sizes else math.fsum(size for size in sizes if size is not None)

    @property
    def saved(self) -> float | None:
        """Share of that sum which one fund saves; None without numbers, or where nobody needs anything."""
        apart, size = self.apart, self.together.size.value
        return None if not apart or size is None else 1.0 - size / apart


@dataclass(frozen=True)
class Terms:
    """What is asked: the accepted depletion probability, the confidence, and the weights of the paths."""

    depletion: float
    confidence: float
    weights: Weights | None

    def size(self, required: Floats) -> FundSize:
        """Fund for the accepted probability."""
        ordered, weights = ascending_with(np.maximum(required, 0.0), self.weights)
        return fund_size(ordered, self.depletion, self.confidence, weights)

    def share(self, event: Any) -> Estimate:
        """Probability of an event."""
        return share_of(np.asarray(event, dtype=np.bool_), self.confidence, self.weights)

    def mean(self, values: Floats) -> float:
        """Mean over the paths."""
        return float(values.mean()) if self.weights is None else self.weights.mean(values)


def poolings(run: Run, terms: Terms) -> tuple[Pooling, ...]:
    """Every shared fund of a run that is the first fund of one of its pools and listed by several."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for pool, rules in run.scenario["pools"].items():
        for layer in rules["layers"]:
            if layer["type"] == "shared_fund":
                found.setdefault(layer["name"], {})[pool] = layer
    made = (_pooling(run, terms, name, listings) for name, listings in found.items() if len(listings) > 1)
    return tuple(pooling for pooling in made if pooling is not None)


def _pooling(run: Run, terms: Terms, name: str, listings: dict[str, Mapping[str, Any]]) -> Pooling | None:
    first = next((pool for pool in listings if _first_fund(run, pool) == name), None)
    if first is None:
        return None
    layer = listings[first]
    capital = layer["capital"] if isinstance(layer["capital"], int | float) else None
    rows = run.paths[run.paths["pool"] == first]
    required = rows["required_fund"].to_numpy(dtype=np.float64)
    total = math.fsum(listing.get("weight", 1.0) for listing in listings.values())
    members = []
    for pool, listing in listings.items():
        share = listing.get("weight", 1.0) / total
        short = None if capital is None else required > capital
        members.append(_member(run, terms, (name, pool), share, short, capital, float(layer.get("floor", 0.0))))
    return Pooling(name, None if capital is None else float(capital), terms.size(required), tuple(members))


def _first_fund(run: Run, pool: str) -> str | None:
    kinds = ("insurance_fund", "backstop_vault", "shared_fund", "liquidity_pool")
    return next((layer["name"] for layer in run.scenario["pools"][pool]["layers"] if layer["type"] in kinds), None)


def _member(
    run: Run,
    terms: Terms,
    listing: tuple[str, str],
    share: float,
    short: Any,
    capital: float | None,
    floor: float,
) -> Member:
    """Figures of one pool; ``short`` [w] says where the fund was not enough for all."""
    name, pool = listing
    rows = run.layers[(run.layers["pool"] == pool) & (run.layers["layer"] == name)]
    column = {key: rows[key].to_numpy(dtype=np.float64) for key in _COLUMNS}
    alone = column["part_fall"] + share * floor
    events: list[Estimate | None] = [None, None, None]
    if capital is not None:
        lacking = alone > share * capital
        events = [terms.share(event) for event in (lacking, lacking & ~short, ~lacking & short)]
    return Member(
        pool,
        share,
        None if capital is None else share * capital,
        terms.mean(column["paid"] + column["paid_for_layers"]),
        terms.mean(column["received"] + column["fees"]),
        terms.size(alone),
        *events,
    )


_COLUMNS = ("part_fall", "paid", "paid_for_layers", "received", "fees")
