"""From a case to what the cascade reads."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from stress.book import stack_tiers
from stress.build.index import PoolOwners, index_book, maker_ranges, on_circle, owners_by_pool, tier_table
from stress.build.timing import checks_in, halving
from stress.kernels.instruments import LINEAR_PERPETUAL, SPOT
from stress.kernels.limits import LIMITS
from stress.kernels.liquidity import LIQUIDITY
from stress.kernels.marks import MARKS
from stress.kernels.records import Records, table
from stress.kernels.sizes import SIZES
from stress.kernels.structs import DISTURBANCE, INSTRUMENT, POOL, Book, Clock, Floats, Ints, Markets, Venue
from tests.conformance.accruals import dynamic_margin, per_step
from tests.conformance.layers import caps_of, counterparties, first_funds, layers_of
from tests.conformance.reading import floats as _floats
from tests.conformance.reading import ints as _ints
from tests.conformance.reading import number as _number
from tests.conformance.reading import only as _only

Json = dict[str, Any]

COLLATERAL_KEYS = frozenset("name price haircut".split())
MARKET_KEYS = frozenset(
    "name price depth y delta phi half_life tiers mark oracle depth_shock sigma drought liquidity kappa funding "
    "dynamic_margin reserve makers".split()
)
POOL_KEYS = frozenset("name size limit fee latency capacity takeover_when layers margin_calls".split())


def _depth_scale(markets: list[Json], checks: int) -> Floats:
    """[s, m] depth of every step over the first one."""
    scale = np.ones((checks + 1, len(markets)))
    for m, market in enumerate(markets):
        depth = market.get("depth")
        if isinstance(depth, list):
            scale[:, m] = np.array(depth[: checks + 1]) / depth[0]
        for start, factor in market.get("depth_shock", []):
            scale[start:, m] *= factor
    return scale


def _first_depth(market: Json) -> float:
    depth = market.get("reserve" if market.get("liquidity") == "amm" else "depth")
    if depth is None:
        return math.inf
    return float(depth[0] if isinstance(depth, list) else depth)


def _half_life(market: Json) -> float:
    value = market.get("half_life")
    return math.inf if value is None else float(value)


def _disturbances(oracles: list[Json], dt: float) -> Records:
    """Frozen windows and spoofs [start, end, factor] of all oracles, in seconds."""
    frozen = [(m, (*window, 1.0), 1) for m, oracle in enumerate(oracles) for window in oracle.get("frozen", [])]
    spoofs = [(m, window, 0) for m, oracle in enumerate(oracles) for window in oracle.get("spoof", [])]
    windows = frozen + spoofs
    return table(
        DISTURBANCE,
        market=_ints([m for m, _, _ in windows]),
        start=_ints([checks_in(window[0], dt) for _, window, _ in windows]),
        end=_ints([checks_in(window[1], dt) for _, window, _ in windows]),
        frozen=_ints([out for _, _, out in windows]),
        factor=_floats([window[2] for _, window, _ in windows]),
    )


def _assets(case: Json) -> list[Json]:
    """Collateral as markets behind those of the case: without margin, and without a book to sell it into."""
    for asset in case.get("collateral", []):
        _only(asset, COLLATERAL_KEYS, "collateral")
    return [{"tiers": [[0.0, 0.0]], "depth": None, **asset} for asset in case.get("collateral", [])]


def _makers(case: Json, markets: list[Json]) -> list[list[int]]:
    """[m] accounts whose equity the depth of each market follows: market makers with a position in it."""
    return [
        [
            i
            for i, account in enumerate(case["accounts"])
            if account.get("kind") == "market_maker" and market["name"] in account.get("positions", {})
        ]
        if market.get("makers")
        else []
        for market in markets
    ]


def _markets(case: Json, checks: int, dt: float) -> Markets:
    for market in case["markets"]:
        _only(market, MARKET_KEYS, "market")
    assets = _assets(case)
    markets = case["markets"] + assets
    for market in markets:
        _only(market.get("oracle", {}), frozenset({"lag", "heartbeat", "deviation", "frozen", "spoof"}), "oracle")
    tiers = stack_tiers([[(low, rate) for low, rate in market["tiers"]] for market in markets])
    droughts = [market.get("drought", {}) for market in markets]
    marks = [market.get("mark", {}) for market in markets]
    oracles = [market.get("oracle", {}) for market in markets]
    makers = _makers(case, markets)
    return Markets(
        table(
            INSTRUMENT,
            tier_first=tiers.first[:-1],
            tier_last=tiers.first[1:],
            kind=_ints([LINEAR_PERPETUAL] * len(case["markets"]) + [SPOT] * len(assets)),
            haircut=_floats([market.get("haircut", 0.0) for market in markets]),
            has_book=_ints([1] * len(case["markets"]) + [0] * len(assets)),
            liquidity_rule=_ints([_number(LIQUIDITY, market.get("liquidity", "power")) for market in markets]),
            depth=_floats([_first_depth(market) for market in markets]),
            move=_floats([market.get("y", 0.01) for market in markets]),
            exponent=_floats([market.get("delta", 1.0) for market in markets]),
            permanent=_floats([market.get("phi", 0.0) for market in markets]),
            recovery=_floats([halving(dt, _half_life(market)) for market in markets]),
            drought_exponent=_floats([drought.get("eta", 0.0) for drought in droughts]),
            drought_floor=_floats([drought.get("floor", 0.0) for drought in droughts]),
            drought_cap=_floats([drought.get("cap", math.inf) for drought in droughts]),
            drought_sigma=_floats([drought.get("sigma0", 1.0) for drought in droughts]),
            **dynamic_margin(markets, dt),
            mark_rule=_ints([_number(MARKS, mark.get("type", "index")) for mark in marks]),
            mark_index=_floats([mark.get("w_index", 1.0) for mark in marks]),
            mark_gain=_floats([1.0 - halving(dt, mark.get("half_life", math.inf)) for mark in marks]),
            oracle_lag=_ints([math.ceil(oracle.get("lag", 0) / dt) for oracle in oracles]),
            oracle_heartbeat=_floats([oracle.get("heartbeat", 0.0) for oracle in oracles]),
            oracle_deviation=_floats([oracle.get("deviation", 0.0) for oracle in oracles]),
            maker_elasticity=_floats([market.get("makers", {}).get("elasticity", 0.0) for market in markets]),
            maker_floor=_floats([market.get("makers", {}).get("floor", 0.0) for market in markets]),
            **maker_ranges(makers),
        ),
        tier_table(tiers),
        _depth_scale(markets, checks),
        per_step(markets, "kappa", checks, 1.0),
        per_step(markets, "funding", checks, 0.0),
        _disturbances(oracles, dt),
        _ints([i for accounts in makers for i in accounts]),
    )


def owners_of(case: Json) -> PoolOwners:
    """Owners of the accounts: ``owner``, by default the account itself."""
    names = [str(account.get("owner", account["name"])) for account in case["accounts"]]
    known = sorted(set(names))
    pools = [pool["name"] for pool in case["pools"]]
    pool = _ints([pools.index(account["pool"]) for account in case["accounts"]])
    return owners_by_pool(pool, _ints([known.index(name) for name in names]), known, len(pools))


def _book(case: Json) -> Book:
    """Accounts in the case's order; every market of the case that an account names is a position."""
    names = [market["name"] for market in case["markets"]]
    assets = [asset["name"] for asset in case.get("collateral", [])]
    pools = [pool["name"] for pool in case["pools"]]
    first, market, quantity, entry, cash = [0], [], [], [], []
    for account in case["accounts"]:
        wallet = float(account.get("cash", 0.0))
        for name, (held, price) in account.get("positions", {}).items():
            market.append(names.index(name))
            quantity.append(held)
            entry.append(price)
            wallet -= held * price
        for name, units in account.get("collateral", {}).items():
            market.append(len(names) + assets.index(name))
            quantity.append(units)
            entry.append(1.0)
        cash.append(wallet)
        first.append(len(market))
    pool = [pools.index(account["pool"]) for account in case["accounts"]]
    return index_book(
        _floats(cash),
        _ints(pool),
        owners_of(case).of_account,
        on_circle([account["name"] for account in case["accounts"]]),
        _ints(first),
        _ints(market),
        _floats(quantity),
        _floats(entry),
        [False] * len(names) + [True] * len(assets),
    )


def _margin_calls(calls: list[Json], dt: float) -> dict[str, Floats | Ints]:
    """[p] columns of POOL that say who answers margin calls, and how."""
    added = [call.get("top_up", {}) for call in calls]
    reduced = [call.get("deleverage", {}) for call in calls]
    return {
        "call_level": _floats([call.get("under", 0.0) for call in calls]),
        "call_target": _floats([call.get("target", 0.0) for call in calls]),
        "top_up_probability": _floats([rule.get("probability", 0.0) for rule in added]),
        "top_up_delay": _ints([checks_in(rule.get("delay", 0.0), dt) for rule in added]),
        "top_up_most": _floats([rule.get("most", 0.0) for rule in added]),
        "deleverage_probability": _floats([rule.get("probability", 0.0) for rule in reduced]),
        "deleverage_delay": _ints([checks_in(rule.get("delay", 0.0), dt) for rule in reduced]),
    }


def _size(pool: Json) -> Json:
    size: Json = pool.get("size", {"type": "full"})
    return size


def _share(size: Json, dt: float) -> float:
    """Share or target of a size rule; of `paced` what the intervals of a step send."""
    if size["type"] == "paced":
        return 1.0 - (1.0 - float(size["share"])) ** (dt / float(size["every"]))
    return float(size.get("share", size.get("target", 1.0)))


def _pools(case: Json, dt: float) -> Records:
    pools = case["pools"]
    for pool in pools:
        _only(pool, POOL_KEYS, "pool")
    sizes = [_size(pool) for pool in pools]
    limits = [pool.get("limit", {"type": "none"}) for pool in pools]
    fees = [pool.get("fee", {}) for pool in pools]
    capacities = [pool.get("capacity") for pool in pools]
    calls = [pool.get("margin_calls") or {} for pool in pools]
    return table(
        POOL,
        size_rule=_ints([_number(SIZES, size["type"]) for size in sizes]),
        size_share=_floats([_share(size, dt) for size in sizes]),
        size_least=_floats([size.get("least", 0.0) * dt / size.get("every", dt) for size in sizes]),
        size_most=_floats([float(size.get("most") or math.inf) * dt / size.get("every", dt) for size in sizes]),
        size_above=_floats([size.get("above", 0.0) for size in sizes]),
        size_cooldown=_ints([math.ceil(size.get("cooldown", 0.0) / dt) for size in sizes]),
        size_during=_ints([int(size.get("during", "full") == "full") for size in sizes]),
        size_tiers=_ints([size.get("tiers", 1) for size in sizes]),
        size_leave=_ints([int(size.get("rest", "send") == "leave") for size in sizes]),
        limit_rule=_ints([_number(LIMITS, limit["type"]) for limit in limits]),
        limit_a=_floats([limit.get("cap", limit.get("spread", 0.0)) for limit in limits]),
        limit_b=_floats([limit.get("adj", 1.0) for limit in limits]),
        fee_rate=_floats([fee.get("rate", 0.0) for fee in fees]),
        fund_share=_floats([fee.get("fund_share", 1.0) for fee in fees]),
        latency=_ints([int(pool.get("latency", 0)) for pool in pools]),
        capacity=_floats([math.inf if capacity is None else float(capacity) for capacity in capacities]),
        takeover_unfilled=_ints([int(pool.get("takeover_when", "unfilled") == "unfilled") for pool in pools]),
        first_fund=first_funds(case),
        **counterparties(case),
        owner_first=owners_of(case).first[:-1],
        owner_last=owners_of(case).first[1:],
        **_margin_calls(calls, dt),
    )


def venue_of(case: Json) -> Venue:
    """Everything the cascade reads of a case."""
    dt = float(case.get("dt", 1.0))
    checks = len(case["markets"][0]["price"]) - 1
    layers = layers_of(case, dt)
    return Venue(
        Clock(checks, 1, dt),
        _book(case),
        _markets(case, checks, dt),
        _pools(case, dt),
        layers,
        caps_of(case, layers["balance"]),
        int(case.get("max_rounds", 100)),
        int(case.get("seed", 0)),
    )


def paths_of(case: Json) -> tuple[Floats, Floats]:
    """Log prices and variances [s, m] of a case, collateral last."""
    markets = case["markets"] + case.get("collateral", [])
    prices = np.array([market["price"] for market in markets], dtype=np.float64).T
    sigma = np.array([market.get("sigma", [0.0] * len(market["price"])) for market in markets]).T
    return np.ascontiguousarray(np.log(prices)), np.ascontiguousarray(sigma.astype(np.float64) ** 2)
