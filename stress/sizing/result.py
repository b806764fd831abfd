"""What a sizing says, as plain frozen values; :meth:`Sizing.to_dict` is the JSON document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from stress.sizing.estimate import Estimate
from stress.sizing.fund import FundSizing
from stress.sizing.waterfall import Payer

METRICS: dict[str, str] = {
    "bad_debt": "Bad debt",
    "required_fund": "Required fund",
    "unpaid": "Unpaid loss (written off or still open)",
    "adl_haircut": "ADL haircut (loss of closed winners against the mark)",
}
"""Losses that are sized, and how a reader calls them."""

EVENTS: dict[str, str] = {
    "liquidation": "Any liquidation",
    "bad_debt": "Any bad debt",
    "adl": "Any auto-deleveraging",
    "socialised": "Any socialised loss",
    "unpaid": "Any loss nobody pays",
    "truncated": "Rounds of a check cut off",
}
"""Events whose probability is given."""


@dataclass(frozen=True)
class LossFigures:
    """One loss of one pool over all paths."""

    metric: str
    mean: Estimate
    value_at_risk: tuple[Estimate, ...]
    """At each level of the sizing."""
    expected_shortfall: tuple[Estimate, ...]
    largest: float
    largest_path: int


@dataclass(frozen=True)
class PoolSizing:
    """All figures of one pool."""

    pool: str
    fund: FundSizing | None
    """None for a pool without fund or vault."""
    losses: tuple[LossFigures, ...]
    events: dict[str, Estimate]
    """Probability of each of :data:`EVENTS` over the horizon."""
    payers: tuple[Payer, ...]

    def loss(self, metric: str) -> LossFigures | None:
        """Figures of a metric; None where the pool has none."""
        return next((figures for figures in self.losses if figures.metric == metric), None)


@dataclass(frozen=True)
class MarketSizing:
    """What happens in one market."""

    market: str
    adl: Estimate
    """Probability that ADL closes a position in it."""
    liquidation: Estimate
    """Probability of a liquidation in it."""
    mean_liquidated: float
    mean_adl: float
    lowest_price: float
    """Lowest book price over all paths, relative to the initial one."""
    highest_price: float
    largest_displacement: float
    """Largest log distance of book and fundamental price over all paths."""


@dataclass(frozen=True)
class Sizing:
    """Fund sizes, loss quantiles, probabilities and payers of a run."""

    scenario: str
    paths: int
    horizon_s: float
    check_every_s: float
    levels: tuple[float, ...]
    confidence: float
    pools: tuple[PoolSizing, ...]
    markets: tuple[MarketSizing, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; what has no number is null and says why in its note."""
        return asdict(self)

    def estimates(self) -> Iterator[dict[str, Any]]:
        """Every estimate as one flat row: pool, market, metric, statistic, level and the estimate's own fields."""
        for pool in self.pools:
            where = {"pool": pool.pool, "market": None}
            for loss in pool.losses:
                yield _row(where, loss.metric, "mean", None, loss.mean)
                for level, var, shortfall in zip(self.levels, loss.value_at_risk, loss.expected_shortfall, strict=True):
                    yield _row(where, loss.metric, "value_at_risk", level, var)
                    yield _row(where, loss.metric, "expected_shortfall", level, shortfall)
            for name, event in pool.events.items():
                yield _row(where, name, "probability", None, event)
            if pool.fund is not None:
                yield from _fund_rows(where, pool.fund)
        for market in self.markets:
            where = {"pool": None, "market": market.market}
            yield _row(where, "adl", "probability", None, market.adl)
            yield _row(where, "liquidation", "probability", None, market.liquidation)


def _fund_rows(where: dict[str, str | None], fund: FundSizing) -> Iterator[dict[str, Any]]:
    """Rows of the fund: its depletion, its size for the target and the cheapest one."""
    if fund.depleted is not None:
        yield _row(where, "fund", "depletion_probability", None, fund.depleted)
    sizes = {"fund_size": fund.target}
    if fund.newsvendor is not None:
        sizes["newsvendor_fund_size"] = fund.newsvendor.fund
    for statistic, size in sizes.items():
        yield _row(where, "fund", statistic, 1.0 - size.depletion, size.size) | {"upper_bound": size.upper}


def _row(
    where: dict[str, str | None], metric: str, statistic: str, level: float | None, estimate: Estimate
) -> dict[str, Any]:
    """One estimate as a flat row."""
    row: dict[str, Any] = {**where, "metric": metric, "statistic": statistic, "level": level}
    return row | {"upper_bound": None} | asdict(estimate)
