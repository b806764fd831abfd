"""From the rules of a scenario to the arrays a cascade reads."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from stress.book import Terms
from stress.build.accruals import dynamic_margin, funding_rate, margin_scale
from stress.build.index import maker_ranges, tier_table
from stress.build.timing import checks_in, halving
from stress.build.traders import makers_rule, margin_calls
from stress.kernels.instruments import INSTRUMENTS
from stress.kernels.limits import LIMITS
from stress.kernels.liquidity import LIQUIDITY
from stress.kernels.marks import MARKS
from stress.kernels.records import Records, table
from stress.kernels.registry import number_of
from stress.kernels.sizes import SIZES
from stress.kernels.structs import DISTURBANCE, INSTRUMENT, POOL, Clock, Floats, Ints, Markets
from stress.scenario.instruments import Market
from stress.scenario.markets import BlendMark, ConstantProduct, Drought, Liquidity, Median3Mark, Oracle, PowerLaw, Shock
from stress.scenario.pools import FillableLimit, FractionSize, Paced, Size, SlippageLimit, StepDown, ToTarget
from stress.scenario.schema import Scenario


def clock_of(scenario: Scenario) -> Clock:
    """Time grid of the scenario."""
    return Clock(scenario.run.checks, scenario.run.substeps, float(scenario.run.check_every))


def _floats(values: list[float]) -> Floats:
    return np.array(values, dtype=np.float64)


def _ints(values: list[int]) -> Ints:
    return np.array(values, dtype=np.int64)


def depth_scale(scenario: Scenario, clock: Clock) -> Floats:
    """[s, m] product of the depth factors of all shocks in force at each check; (0, m) when there is none."""
    names = list(scenario.markets)
    factors = [shock.depth**scenario.strength for shock in scenario.shocks]
    if all(factor == 1.0 for factor in factors):
        return np.zeros((0, len(names)))
    scale = np.ones((clock.checks + 1, len(names)))
    for shock, factor in zip(scenario.shocks, factors, strict=True):
        start, end = shock_span(shock, clock.dt)
        scale[start:end, names.index(shock.market)] *= factor
    return scale


def shock_span(shock: Shock, dt: float) -> tuple[int, int]:
    """First check at which a shock is in force, and the first at which it is not any more."""
    return checks_in(shock.at, dt), checks_in(shock.at + shock.duration, dt)


def _deviation(oracle: Oracle) -> float:
    """A heartbeat alone publishes by the clock; without either every change is published."""
    if oracle.deviation == 0.0 and oracle.heartbeat > 0.0:
        return math.inf
    return oracle.deviation


def disturbances_of(oracles: list[Oracle], strength: float, clock: Clock) -> Records:
    """Outages and spoofs of all oracles as arrays [n], the factors of spoofs to the power of ``strength``."""
    windows = [(m, out.from_, out.to, 1, 1.0) for m, oracle in enumerate(oracles) for out in oracle.outages]
    windows += [
        (m, spoof.from_, spoof.to, 0, spoof.factor**strength) for m, o in enumerate(oracles) for spoof in o.spoofs
    ]
    return table(
        DISTURBANCE,
        market=_ints([market for market, *_ in windows]),
        start=_ints([checks_in(start, clock.dt) for _, start, *_ in windows]),
        end=_ints([checks_in(end, clock.dt) for _, _, end, *_ in windows]),
        frozen=_ints([frozen for *_, frozen, _ in windows]),
        factor=_floats([factor for *_, factor in windows]),
    )


NO_BOOK = PowerLaw(type="power", depth=math.inf)
"""Stands where an asset has no book; nothing trades there."""


def kinds_of(markets: list[Market]) -> dict[str, Floats | Ints]:
    """[m] columns of INSTRUMENT that say what is traded."""
    return {
        "kind": _ints([number_of(INSTRUMENTS, market.instrument) for market in markets]),
        "haircut": _floats([market.haircut for market in markets]),
        "has_book": _ints([int(market.liquidity is not None) for market in markets]),
    }


def books_of(markets: list[Market], dt: float) -> dict[str, Floats | Ints]:
    """[m] columns of INSTRUMENT that say how each book takes a fill and recovers from it."""
    books = [market.liquidity or NO_BOOK for market in markets]
    laws = [book if isinstance(book, PowerLaw) else None for book in books]
    sizes = [_size_of(book) for book in books]
    return {
        "liquidity_rule": _ints([number_of(LIQUIDITY, book.type) for book in books]),
        "depth": _floats([size / market.price for size, market in zip(sizes, markets, strict=True)]),
        "move": _floats([law.at if law else 1.0 for law in laws]),
        "exponent": _floats([law.exponent if law else 1.0 for law in laws]),
        "permanent": _floats([law.permanent if law else 0.0 for law in laws]),
        "recovery": _floats([halving(dt, book.half_life) for book in books]),
    }


def _size_of(book: Liquidity) -> float:
    """Depth or reserve in money; without a book there is no end to it."""
    if isinstance(book, PowerLaw):
        return book.depth
    return book.reserve if isinstance(book, ConstantProduct) else math.inf


def _drought(market: Market) -> Drought | None:
    """How the depth of the market's book falls with volatility."""
    return market.liquidity.drought if isinstance(market.liquidity, PowerLaw) else None


def markets_of(scenario: Scenario, terms: Terms, clock: Clock, makers: Sequence[Ints]) -> Markets:
    """Margin tiers, books, marks and oracles of the scenario's markets; ``makers`` [m] are the accounts of makers."""
    markets: list[Market] = list(scenario.markets.values())
    droughts = [_drought(market) for market in markets]
    rules = [makers_rule(market) for market in markets]
    marks = [market.mark for market in markets]
    oracles = [market.oracle for market in markets]
    return Markets(
        table(
            INSTRUMENT,
            tier_first=terms.tiers.first[:-1],
            tier_last=terms.tiers.first[1:],
            **kinds_of(markets),
            **books_of(markets, clock.dt),
            drought_exponent=_floats([drought.exponent if drought else 0.0 for drought in droughts]),
            drought_floor=_floats([drought.floor if drought else 0.0 for drought in droughts]),
            drought_cap=_floats([drought.cap if drought else math.inf for drought in droughts]),
            drought_sigma=_floats([_calm_volatility(market) for market in markets]),
            **dynamic_margin(markets, clock.dt),
            maker_elasticity=_floats([rule.elasticity if rule else 0.0 for rule in rules]),
            maker_floor=_floats([rule.floor if rule else 0.0 for rule in rules]),
            **maker_ranges(makers),
            mark_rule=_ints([number_of(MARKS, mark.type) for mark in marks]),
            mark_index=_floats([mark.index if isinstance(mark, BlendMark) else 1.0 for mark in marks]),
            mark_gain=_floats(
                [1.0 - halving(clock.dt, mark.half_life) if isinstance(mark, Median3Mark) else 0.0 for mark in marks]
            ),
            oracle_lag=_ints([checks_in(oracle.lag, clock.dt) for oracle in oracles]),
            oracle_heartbeat=_floats([oracle.heartbeat for oracle in oracles]),
            oracle_deviation=_floats([_deviation(oracle) for oracle in oracles]),
        ),
        tier_table(terms.tiers),
        depth_scale(scenario, clock),
        margin_scale(markets, clock),
        funding_rate(markets, clock),
        disturbances_of(oracles, scenario.strength, clock),
        np.concatenate(makers),
    )


def _calm_volatility(market: Market) -> float:
    """Volatility at which the stated depth holds; 1 where no drought asks."""
    drought = _drought(market)
    if drought is None:
        return 1.0
    return float(drought.volatility or market.model.long_run_volatility() or 1.0)


def pools_of(
    scenario: Scenario, first_fund: Ints, others: Mapping[str, Ints], owner_first: Ints, clock: Clock
) -> Records:
    """Liquidation rules of the scenario's pools.

    Their first funds are the layers ``first_fund`` [p], ``others`` further columns of layers, their owners
    ``owner_first[p]:owner_first[p + 1]``.
    """
    rules = [pool.liquidation for pool in scenario.pools.values()]
    sizes = [rule.size for rule in rules]
    return table(
        POOL,
        size_rule=_ints([number_of(SIZES, size.type) for size in sizes]),
        size_share=_floats([_size_share(size, clock.dt) for size in sizes]),
        size_above=_floats([size.above if isinstance(size, FractionSize) else 0.0 for size in sizes]),
        size_cooldown=_ints(
            [checks_in(size.cooldown, clock.dt) if isinstance(size, FractionSize) else 0 for size in sizes]
        ),
        size_during=_ints([int(isinstance(size, FractionSize) and size.during == "full") for size in sizes]),
        size_tiers=_ints([size.tiers if isinstance(size, StepDown) else 1 for size in sizes]),
        size_leave=_ints([int(isinstance(size, StepDown) and size.rest == "leave") for size in sizes]),
        size_least=_floats(
            [_intervals(size, clock.dt) * size.least if isinstance(size, Paced) else 0.0 for size in sizes]
        ),
        size_most=_floats(
            [_intervals(size, clock.dt) * size.most if isinstance(size, Paced) else math.inf for size in sizes]
        ),
        limit_rule=_ints([number_of(LIMITS, rule.limit.type) for rule in rules]),
        limit_a=_floats([_limit_a(rule.limit) for rule in rules]),
        limit_b=_floats([rule.limit.adjustment if isinstance(rule.limit, FillableLimit) else 0.0 for rule in rules]),
        fee_rate=_floats([rule.fee for rule in rules]),
        fund_share=_floats([rule.fund_share for rule in rules]),
        latency=_ints([checks_in(rule.latency, clock.dt) for rule in rules]),
        capacity=_floats([rule.capacity for rule in rules]),
        takeover_unfilled=_ints([int(rule.takeover_when == "unfilled") for rule in rules]),
        first_fund=first_fund,
        **others,
        owner_first=owner_first[:-1],
        owner_last=owner_first[1:],
        **margin_calls(list(scenario.pools.values()), clock.dt),
    )


def _intervals(size: Paced, dt: float) -> float:
    """Intervals of the pace in a check."""
    return dt / size.every


def _size_share(size: Size, dt: float) -> float:
    """Share of a position that an order sends; at a pace, what the intervals of a check leave of it taken off."""
    if isinstance(size, FractionSize):
        return size.share
    if isinstance(size, Paced):
        return 1.0 - math.pow(1.0 - size.share, _intervals(size, dt))
    return size.target if isinstance(size, ToTarget) else 1.0


def _limit_a(limit: object) -> float:
    if isinstance(limit, SlippageLimit):
        return limit.cap
    return limit.spread if isinstance(limit, FillableLimit) else 0.0
