"""What a sizing says, as plain frozen values; :meth:`Sizing.to_dict` is the JSON document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from stress.sizing.allocation import Allocation
from stress.sizing.cover import Cover
from stress.sizing.estimate import Estimate
from stress.sizing.fund import FundSizing
from stress.sizing.pooling import Pooling
from stress.sizing.sampling import Sampling
from stress.sizing.tail import Tail
from stress.sizing.treasury import TreasuryFigures
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
class Winners:
    """What auto-deleveraging costs those whose winning positions it closes."""

    per_account: Estimate
    """Expected haircut of a closed account: all haircuts over all closed accounts."""
    per_notional: Estimate
    """Expected haircut as a share of the notional closed."""
    accounts: Estimate
    """Accounts closed on a path with ADL."""


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
    winners: Winners
    cover: tuple[Cover, ...]
    """Funds for the default of the one and the two owners who cost most."""
    tails: tuple[Tail, ...] = ()
    """Generalised Pareto tails of required fund and bad debt, where they were asked for."""

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
    open_interest: float
    """Value of all long positions of all pools at the start."""
    pools: tuple[PoolSizing, ...]
    markets: tuple[MarketSizing, ...]
    treasuries: tuple[TreasuryFigures, ...] = ()
    poolings: tuple[Pooling, ...] = ()
    """Funds that several pools share."""
    allocations: tuple[Allocation, ...] = ()
    """Expected shortfall of the bad debt of all pools, divided."""
    drawing: str = ""
    """How the paths were drawn and why, where the scenario asks for another way than plain sampling."""
    sampling: Sampling | None = None
    """What the weights of the paths are worth; None for plain paths."""

    def over_open_interest(self, amount: float | None) -> float | None:
        """An amount, such as a fund, as a share of the open interest at the start."""
        return None if amount is None or self.open_interest <= 0.0 else amount / self.open_interest

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
            for statistic, estimate in vars(pool.winners).items():
                yield _row(where, "adl_winners", statistic, None, estimate)
            for cover in pool.cover:
                size = cover.fund
                row = _row(where, "fund", f"cover_{cover.owners}", 1.0 - size.depletion, size.size)
                yield row | {"upper_bound": size.upper}
            for tail in pool.tails:
                yield from _tail_rows(where, tail)
        for market in self.markets:
            where = {"pool": None, "market": market.market}
            yield _row(where, "adl", "probability", None, market.adl)
            yield _row(where, "liquidation", "probability", None, market.liquidation)
        for treasury in self.treasuries:
            where = {"pool": treasury.pool, "market": treasury.token}
            yield _row(where, treasury.layer, "raised", None, treasury.raised.mean)
            yield _row(where, treasury.layer, "tokens_sold", None, treasury.sold.mean)
            yield _row(where, treasury.layer, "declined", None, treasury.declined)
            yield _row(where, treasury.layer, "owing", None, treasury.owing)
        for pooling in self.poolings:
            yield from _pooling_rows(pooling)
        for allocation in self.allocations:
            yield from _allocation_rows(allocation, self.levels)


def _fund_rows(where: dict[str, str | None], fund: FundSizing) -> Iterator[dict[str, Any]]:
    """Rows of the fund: its depletion, its size for the target and the cheapest one."""
    if fund.depleted is not None:
        yield _row(where, "fund", "depletion_probability", None, fund.depleted)
    sizes = {"fund_size": fund.target}
    if fund.newsvendor is not None:
        sizes["newsvendor_fund_size"] = fund.newsvendor.fund
    for statistic, size in sizes.items():
        yield _row(where, "fund", statistic, 1.0 - size.depletion, size.size) | {"upper_bound": size.upper}

    for year in fund.years:
        if year.depleted is not None:
            yield _row(where, "fund", f"depletion_probability, {year.words}", None, year.depleted)
        level = 1.0 - year.target.depletion
        row = _row(where, "fund", f"fund_size, {year.words}", level, year.target.size)
        yield row | {"upper_bound": year.target.upper}


def _tail_rows(where: dict[str, str | None], tail: Tail) -> Iterator[dict[str, Any]]:
    """Rows of a fitted tail."""
    yield _row(where, tail.metric, "tail_shape", None, tail.shape)
    for reach in tail.levels:
        yield _row(where, tail.metric, "tail_value_at_risk", reach.level, reach.value_at_risk)
        yield _row(where, tail.metric, "tail_expected_shortfall", reach.level, reach.expected_shortfall)


def _pooling_rows(pooling: Pooling) -> Iterator[dict[str, Any]]:
    """Rows of the pools of a shared fund."""
    for member in pooling.members:
        where = {"pool": member.pool, "market": None}
        row = _row(where, pooling.fund, "fund_size_alone", 1.0 - member.alone.depletion, member.alone.size)
        yield row | {"upper_bound": member.alone.upper}
        for statistic in ("short_alone", "spared", "infected"):
            estimate = getattr(member, statistic)
            if estimate is not None:
                yield _row(where, pooling.fund, statistic, None, estimate)


def _allocation_rows(allocation: Allocation, levels: tuple[float, ...]) -> Iterator[dict[str, Any]]:
    """Rows of contributions, which have no interval; the part stands where it belongs."""
    for part in allocation.parts:
        where = {"pool": None, "market": None} | ({allocation.by: part.name} if allocation.by != "owner" else {})
        name = "contribution" if allocation.by != "owner" else f"contribution of owner {part.name}"
        for level, value in zip(levels, part.levels, strict=True):
            estimate = Estimate(value, None, None, 0.0, note="" if value is not None else "too few paths")
            yield _row(where, allocation.metric, name, level, estimate)


def _row(
    where: dict[str, str | None], metric: str, statistic: str, level: float | None, estimate: Estimate
) -> dict[str, Any]:
    """One estimate as a flat row."""
    row: dict[str, Any] = {**where, "metric": metric, "statistic": statistic, "level": level}
    return row | {"upper_bound": None} | asdict(estimate)
