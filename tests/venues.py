"""Random small venues in rough weather, in the format of the conformance cases.

Hypothesis draws the rules and how many of everything there are, so that a failing case shrinks to few accounts and
steps; a seeded generator draws the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

Json = dict[str, Any]
Strategy = st.SearchStrategy[Any]

SIZES = st.sampled_from(
    [
        {"type": "full"},
        {"type": "to_target", "target": 1.5},
        {"type": "to_target", "target": 1.01},
        {"type": "fraction", "share": 0.2, "above": 5_000.0, "cooldown": 2.0, "during": "full"},
        {"type": "fraction", "share": 0.5, "above": 0.0, "cooldown": 3.0, "during": "wait"},
        {"type": "step_down", "tiers": 1, "rest": "send"},
        {"type": "step_down", "tiers": 2, "rest": "leave"},
    ]
)
LIMITS = st.sampled_from(
    [
        {"type": "none"},
        {"type": "bankruptcy"},
        {"type": "slippage", "cap": 0.002},
        {"type": "slippage", "cap": 0.02},
        {"type": "fillable", "spread": 1.5, "adj": 1.0},
    ]
)
MARGIN_CALLS = st.sampled_from(
    [
        None,
        None,
        {"under": 4.0, "target": 8.0, "deleverage": {"probability": 1.0, "delay": 0.0}},
        {"under": 2.0, "target": 4.5, "deleverage": {"probability": 0.5, "delay": 1.0}},
        {"under": 2.0, "target": 4.5, "top_up": {"probability": 1.0, "delay": 0.0, "most": 0.2}},
        {
            "under": 3.0,
            "target": 3.5,
            "top_up": {"probability": 0.5, "delay": 2.0, "most": 5.0},
            "deleverage": {"probability": 0.7, "delay": 0.0},
        },
    ]
)
"""Who is called, and what the owners who answer do."""
LIQUIDATION = st.fixed_dictionaries(
    {
        "size": SIZES,
        "limit": LIMITS,
        "takeover_when": st.sampled_from(["unfilled", "insolvent"]),
        "fee": st.fixed_dictionaries({"rate": st.sampled_from([0.01, 0.0]), "fund_share": st.sampled_from([0.4, 1.0])}),
        "latency": st.sampled_from([0, 0, 1, 3]),
        "capacity": st.sampled_from([None, None, 0.05, 0.3]),
        "margin_calls": MARGIN_CALLS,
    },
)
"""``capacity`` as a share of the pool's gross notional."""

TWAP = st.fixed_dictionaries({"type": st.just("twap"), "half_life": st.sampled_from([0.0, 2.0])})
HEDGE = st.fixed_dictionaries(
    {"ratio": st.sampled_from([0.5, 1.0])},
    optional={
        "delay": st.sampled_from([1.0, 3.0]),
        "cost": st.sampled_from([0.001, 0.02]),
        "band": st.sampled_from([0.002, 0.05]),
        "pace": st.sampled_from([0.2, 2.0]),
    },
)
"""``band`` and ``pace`` as shares of the pool's gross notional."""
BALANCE: dict[str, Strategy] = {
    "cash": st.sampled_from([0.0, 0.003, 0.01, 0.03, 0.3]),
    "floor": st.sampled_from([0.0, 0.0, 0.002, -0.01]),
    "partial": st.booleans(),
    "adl_below_floor": st.booleans(),
}
"""Money as a share of the pool's gross notional."""
FUND = st.fixed_dictionaries(
    {"type": st.just("insurance_fund"), "unlimited": st.sampled_from([False, False, False, True]), **BALANCE},
    optional={"unwind": TWAP, "hedge": HEDGE},
)
VAULT = st.fixed_dictionaries(
    {
        "type": st.just("backstop_vault"),
        "share": st.sampled_from([0.5, 2 / 3, 1.0]),
        "accept_negative": st.booleans(),
        **BALANCE,
    },
    optional={"unwind": TWAP, "hedge": HEDGE},
)
STOP = st.fixed_dictionaries(
    {"window": st.sampled_from([0.0, 1.0, 2.5, 100.0]), "drop": st.sampled_from([0.002, 0.02, 0.3])},
    optional={"exact": st.booleans(), "debts": st.booleans()},
)
CAPS = st.dictionaries(st.sampled_from(["M0", "M1", "M2"]), st.sampled_from([0.0, 0.005, 0.03, 0.3]))
"""As shares of the pool's gross notional, whichever of the markets there are."""
PARTICIPATION = st.fixed_dictionaries({"type": st.just("participation"), "rate": st.sampled_from([0.6, 6.0, 60.0])})
LIMITS_OF_BALANCES = {
    "unwind": st.one_of(TWAP, PARTICIPATION),
    "hedge": HEDGE,
    "stop": STOP,
    "cap": CAPS,
    "equity_cap": st.sampled_from([0.0005, 0.005]),
}
RICH = {"cash": st.sampled_from([0.03, 0.1, 0.3]), "unlimited": st.just(False)}
BOUNDED = st.one_of(FUND, VAULT).flatmap(
    lambda layer: st.fixed_dictionaries(RICH, optional=LIMITS_OF_BALANCES).map(lambda limits: {**layer, **limits})
)
"""Funds and vaults whose acceptance hangs on more than their floor."""
RANKS = (
    *("bitmex", "binance", "hyperliquid", "profit", "random"),
    *("pro_rata_profit", "pro_rata_contracts", "pro_rata_capped"),
)
ADL = st.fixed_dictionaries(
    {
        "type": st.just("adl"),
        "rank": st.sampled_from(RANKS),
        "price": st.sampled_from(["bankruptcy", "mark", "previous_mark"]),
    },
    optional={"within": st.sampled_from([0.01, 0.1])},
)
SOCIALISE = st.fixed_dictionaries(
    {
        "type": st.just("socialise"),
        "rule": st.sampled_from(["session_profit", "open_interest", "equity", "maintenance"]),
    },
    optional={"most": st.sampled_from([0.0005, 0.01])},
)
"""``most`` as a share of the pool's gross notional."""
ANY_LAYER = st.one_of(FUND, VAULT, BOUNDED, ADL, SOCIALISE)
LAYERS = st.one_of(
    st.tuples(FUND, ADL, SOCIALISE).map(list),
    st.tuples(FUND, VAULT, ADL).map(list),
    st.tuples(VAULT, st.one_of(ADL, FUND), SOCIALISE).map(list),
    st.tuples(BOUNDED, ADL, SOCIALISE).map(list),
    st.tuples(BOUNDED, BOUNDED, ADL).map(list),
    st.lists(ANY_LAYER, min_size=2, max_size=4),
    st.lists(ANY_LAYER, max_size=2),
)
MARKS = st.sampled_from(
    [
        {"type": "index"},
        {"type": "book"},
        {"type": "blend", "w_index": 0.7},
        {"type": "median3", "half_life": 2.0},
    ]
)
ORACLES = st.sampled_from(
    [
        {},
        {"lag": 2.0},
        {"lag": 1.0, "heartbeat": 3.0, "deviation": 0.02},
        {"heartbeat": 2.0, "frozen": [[3.0, 6.0]]},
        {"spoof": [[2.0, 4.0, 0.9]]},
    ]
)
DEPTHS = st.sampled_from([0.02, 0.1, 0.5, 3.0, None])
BOOKS = st.fixed_dictionaries(
    {
        "depth": DEPTHS,
        "delta": st.sampled_from([1.0, 0.5, 0.7]),
        "phi": st.sampled_from([0.0, 0.0, 0.2, 1.0]),
        "half_life": st.sampled_from([None, 0.0, 1.5]),
        "mark": MARKS,
        "oracle": ORACLES,
        "tiers": st.sampled_from([[[0, 0.02]], [[0, 0.0]], [[0, 0.01], [5_000, 0.03], [40_000, 0.08]]]),
    },
    optional={
        "depth_shock": st.just([[2, 0.1], [5, 5.0]]),
        "drought": st.just({"eta": 1.5, "floor": 0.05, "sigma0": 0.6}),
        "makers": st.sampled_from([{"elasticity": 1.0, "floor": 0.5}, {"elasticity": 2.0, "floor": 0.3}]),
    },
)
"""``depth`` as a share of the units held in the market."""
NEUTRAL_BOOKS = BOOKS.map(lambda book: {**book, "mark": {"type": "index"}, "phi": 0.0})
"""Books whose marks do not move within a step."""


HAIRCUTS = st.one_of(st.just([]), st.lists(st.sampled_from([0.0, 0.05, 0.3, 1.0]), min_size=1, max_size=2))
"""One for each asset that may be posted as collateral."""

ACCOUNTS = st.integers(3, 30)


def rough_prices(rng: np.random.Generator, steps: int) -> list[float]:
    """A price path of a bad day: 3 % a step, and every fifth step up to 25 % at once."""
    moves = rng.normal(0.0, 0.03, steps)
    moves += (rng.random(steps) < 0.2) * rng.uniform(-0.25, 0.25, steps)
    start = 10.0 ** rng.uniform(0.0, 4.0)
    return [float(price) for price in start * np.exp(np.concatenate([[0.0], np.cumsum(moves)]))]


def _account(rng: np.random.Generator, name: str, pool: str, markets: Sequence[Json]) -> Json:
    """An account in some of the markets, with 3 to 50 times its equity."""
    held = rng.permutation(len(markets))[: rng.integers(1, len(markets) + 1)]
    positions, gross, profit = {}, 0.0, 0.0
    for m in sorted(held):
        price = markets[m]["price"][0]
        notional = 1_000.0 * float(np.exp(rng.normal(1.0, 1.2)))
        quantity = float(rng.choice([-1.0, 1.0])) * notional / price
        entry = price * float(rng.uniform(0.93, 1.07))
        positions[markets[m]["name"]] = [quantity, entry]
        gross += notional
        profit += quantity * (price - entry)
    wallet = gross / float(np.exp(rng.uniform(np.log(3.0), np.log(50.0)))) - profit
    owner = f"o{rng.integers(30)}"
    return {"name": name, "pool": pool, "owner": owner, "cash": wallet, "positions": positions}


def _scaled(pool: Json, name: str, gross: float, markets: int) -> Json:
    """The pool with its shares of gross notional turned into money."""
    pool = dict(pool)
    if pool["capacity"] is not None:
        pool["capacity"] *= gross
    layers = []
    for n, drawn in enumerate(pool["layers"]):
        layer = {**drawn, "name": f"{name}{n}"}
        if "hedge" in layer:
            layer["hedge"] = {**layer["hedge"]}
            for key in {"band", "pace"} & layer["hedge"].keys():
                layer["hedge"][key] *= gross
        for key in {"cash", "floor", "equity_cap", "most"} & layer.keys():
            layer[key] *= gross
        if "cap" in layer:
            layer["cap"] = {m: gross * most for m, most in layer["cap"].items() if int(m[1:]) < markets}
        layers.append(layer)
    return {**pool, "name": name, "layers": layers}


def _gross(accounts: Sequence[Json], markets: Sequence[Json]) -> tuple[float, dict[str, float]]:
    """Gross notional of the accounts at the first prices, and the units they hold in each market."""
    units = dict.fromkeys((market["name"] for market in markets), 0.0)
    for account in accounts:
        for name, (quantity, _) in account["positions"].items():
            units[name] += abs(quantity)
    return sum(units[market["name"]] * market["price"][0] for market in markets), units


def _appoint_makers(accounts: Sequence[Json], markets: Sequence[Json]) -> None:
    """Every fourth account makes markets; where none of them trades, nobody is followed."""
    for account in accounts[::4]:
        account["kind"] = "market_maker"
    for market in markets:
        if not any(market["name"] in account["positions"] for account in accounts[::4]):
            market.pop("makers", None)


def populate(seed: int, steps: int, accounts: int, books: Sequence[Json], pools: Sequence[Json], rounds: int) -> Json:
    """Case with the given rules and random numbers."""
    rng = np.random.default_rng(seed)
    markets = [{"name": f"M{m}", "y": 0.01, **book, "price": rough_prices(rng, steps)} for m, book in enumerate(books)]
    for market in markets:
        market["sigma"] = [float(s) for s in rng.uniform(0.3, 2.0, steps + 1)]
    names = [f"P{p}" for p in range(len(pools))]
    people = [_account(rng, f"a{i}", names[i % len(names)], markets) for i in range(accounts)]
    _appoint_makers(people, markets)
    for market in markets:
        held = _gross(people, markets)[1][market["name"]]
        market["depth"] = None if market["depth"] is None else market["depth"] * max(held, 1.0)
    scaled = []
    for name, pool in zip(names, pools, strict=True):
        mine = [account for account in people if account["pool"] == name]
        scaled.append(_scaled(pool, name, _gross(mine, markets)[0], len(markets)))
    draws = int(rng.integers(2**63))
    return {"dt": 1.0, "max_rounds": rounds, "seed": draws, "markets": markets, "accounts": people, "pools": scaled}


def _weak_price(rng: np.random.Generator, steps: int) -> list[float]:
    """A price that holds but for small change, until on some day it breaks and recovers in part."""
    price = np.full(steps + 1, 10.0 ** rng.uniform(-1.0, 2.0))
    broken = rng.integers(1, steps + 2)
    price[broken:] *= rng.uniform(0.5, 0.98)
    price[broken + 2 :] *= rng.uniform(0.9, 1.2)
    return [float(p) for p in price * np.exp(rng.normal(0.0, 0.003, steps + 1))]


def collateralised(case: Json, seed: int, haircuts: Sequence[float]) -> Json:
    """The case with assets of these haircuts, in which some accounts have posted some of their wallets."""
    rng, steps = np.random.default_rng([seed, 1]), len(case["markets"][0]["price"]) - 1
    assets = [{"name": f"C{n}", "price": _weak_price(rng, steps), "haircut": cut} for n, cut in enumerate(haircuts)]
    accounts = []
    for account in case["accounts"]:
        posted, cash = {}, account["cash"]
        for asset in assets:
            value = float(rng.choice([0.0, 0.3, 0.9, 1.3])) * cash
            if value > 0.0:
                posted[asset["name"]] = value / asset["price"][0]
                cash -= value
        accounts.append({**account, "cash": cash, "collateral": posted})
    return {**case, "accounts": accounts, "collateral": assets}


@st.composite
def cases(
    draw: st.DrawFn,
    layers: Strategy = LAYERS,
    liquidation: Strategy = LIQUIDATION,
    books: Strategy = BOOKS,
    accounts: Strategy = ACCOUNTS,
    pools: int = 2,
    haircuts: Strategy = HAIRCUTS,
) -> Json:
    """Inputs of cases: up to three markets, up to ``pools`` pools, up to two assets as collateral."""
    drawn_books = draw(st.lists(books, min_size=1, max_size=3))
    drawn_pools = []
    for _ in range(draw(st.integers(1, pools))):
        drawn_pools.append({**draw(liquidation), "layers": draw(layers)})
    seed, steps, count = draw(st.integers(0, 2**32 - 1)), draw(st.integers(2, 12)), draw(accounts)
    case = populate(seed, steps, count, drawn_books, drawn_pools, draw(st.sampled_from([100, 100, 3, 1])))
    return collateralised(case, seed, draw(haircuts))


def posted_value(case: Json) -> float:
    """Collateral of all accounts at its highest prices."""
    highest = {asset["name"]: max(asset["price"]) for asset in case.get("collateral", [])}
    return sum(
        units * highest[name] for account in case["accounts"] for name, units in account.get("collateral", {}).items()
    )


def sample(count: int) -> list[Json]:
    """The same ``count`` cases every time."""
    found: list[Json] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
    @given(cases())
    def collect(case: Json) -> None:
        found.append(case)

    collect()
    return found
