"""Rules that the random venues do not draw: funding, moving margins, margin calls, pools as books, shared funds,
treasuries, liquidity pools, orders at a pace, guaranteed fills.
"""

from __future__ import annotations

import copy
import random
from typing import Any

Json = dict[str, Any]


def furnished(case: Json, seed: int) -> Json:
    """The case with some of these rules."""
    rng, case = random.Random(seed), copy.deepcopy(case)
    for market in case["markets"]:
        _margins(rng, market)
        _books(rng, market)
        if rng.random() < 0.4:
            market["funding"] = [rng.choice([0.0, 0.0, rng.uniform(-0.01, 0.01)]) for _ in market["price"]]
    case["seed"] = rng.randrange(2**63)
    for pool in case["pools"]:
        if rng.random() < 0.3:
            pool["margin_calls"] = _margin_calls(rng)
    if len(case["pools"]) > 1 and rng.random() < 0.5:
        fund = _shared_fund(rng, [pool["name"] for pool in case["pools"]])
        for pool in case["pools"]:
            pool["layers"].insert(rng.randint(0, len(pool["layers"])), copy.deepcopy(fund))
    for pool in case["pools"]:
        if rng.random() < 0.4:
            pool["layers"].insert(rng.randint(0, len(pool["layers"])), _treasury(rng, case, f"T{pool['name']}"))
    for pool in case["pools"]:
        _chain_rules(rng, case, pool)
    return case


def _chain_rules(rng: random.Random, case: Json, pool: Json) -> None:
    """What venues on chains have: a pool as counterparty, orders block by block, a fund behind every fill."""
    if rng.random() < 0.3:
        pool["size"] = {"type": "paced", "share": rng.choice([0.1, 0.5, 1.0]), "every": rng.choice([0.5, 1.0, 4.0])}
        pool["size"] |= {"least": rng.choice([0.0, 500.0]), "most": rng.choice([None, 1_000.0, 20_000.0])}
    if rng.random() < 0.3:
        for market in case["markets"]:
            if rng.random() < 0.4:
                market.update(liquidity="oracle", depth=None)
                for rule in ("drought", "depth_shock", "reserve"):
                    market.pop(rule, None)
    if rng.random() < 0.35:
        place = rng.randint(0, len(pool["layers"]))
        pool["layers"].insert(place, _liquidity_pool(rng, case["markets"], f"L{pool['name']}"))
    for layer in pool["layers"]:
        if layer["type"] == "insurance_fund" and rng.random() < 0.4:
            layer["guarantees_fills"] = True
            break
    for layer in pool["layers"]:
        if layer["type"] == "adl" and rng.random() < 0.4:
            layer["when"] = "unfilled"


def _liquidity_pool(rng: random.Random, markets: list[Json], name: str) -> Json:
    layer: Json = {"type": "liquidity_pool", "name": name, "cash": rng.choice([2_000.0, 10_000.0, 200_000.0])}
    layer["floor"] = rng.choice([0.0, 0.0, 1_000.0])
    layer["partial"] = rng.random() < 0.7
    if rng.random() < 0.5:
        share = rng.choice([0.2, 0.5]) / len(markets)
        layer["backing"] = {m["name"]: share * layer["cash"] / m["price"][0] for m in markets if rng.random() < 0.7}
    if rng.random() < 0.8:
        ranks = ("profit", "random", "hyperliquid", "bitmex", "binance", "pro_rata_profit", "pro_rata_contracts")
        layer["profit_cap"] = {"above": rng.choice([0.1, 0.5, 0.85]), "to": rng.choice([0.0, 0.05, 0.09])}
        layer["profit_cap"] |= {"payout": rng.choice([None, 0.05, 0.6, 0.9]), "rank": rng.choice(ranks)}
    return layer


def _treasury(rng: random.Random, case: Json, name: str) -> Json:
    """A treasury that sells a market of the case, in which accounts trade too, or a token of its own."""
    market = rng.choice(case["markets"])
    if rng.random() < 0.5:
        depth = None if market["depth"] is None else copy.deepcopy(market["depth"])
        market = {**copy.deepcopy(market), "name": f"{name}-token", "depth": depth}
        market.pop("makers", None)
        case["markets"].append(market)
    price = market["price"][0]
    layer: Json = {"type": "treasury", "name": name, "token": market["name"], "discount": rng.choice([0.02, 0.2, 0.9])}
    layer["units"] = rng.choice([100.0, 1_000.0, 1e5]) / price
    layer["floor_price"] = rng.choice([0.0, 0.0, 0.7, 0.95]) * price
    layer["delay"] = rng.choice([0.0, 0.0, 1.0, 3.0])
    layer["rate"] = rng.choice([None, None, 0.5, 60.0])
    return layer


def _margins(rng: random.Random, market: Json) -> None:
    if rng.random() < 0.4:
        market["dynamic_margin"] = {
            "half_life": 2.0,
            "sigma_ref": rng.uniform(50.0, 200.0),
            "sigma_init": rng.uniform(20.0, 300.0),
            "gamma": rng.choice([0.5, 1.0]),
            "kappa_max": 3.0,
            "interval": rng.choice([1.0, 2.0, 3.0]),
            "notice": rng.choice([0.0, 1.0, 2.0]),
        }
    elif rng.random() < 0.3:
        market["kappa"] = [rng.uniform(1.0, 2.0) for _ in market["price"]]


def _books(rng: random.Random, market: Json) -> None:
    """A pool is deep enough to sell what anybody must buy."""
    if market["depth"] is None or rng.random() < 0.5:
        return
    if rng.random() < 0.5:
        market["depth"] = [market["depth"] * rng.uniform(0.3, 2.0) for _ in market["price"]]
        return
    market.update(liquidity="amm", reserve=200.0 * market["depth"], depth=None)
    for rule in ("drought", "depth_shock"):
        market.pop(rule, None)


def _margin_calls(rng: random.Random) -> Json:
    rules: Json = {"under": rng.uniform(1.1, 4.0), "target": rng.uniform(4.5, 9.0)}
    rules["top_up"] = {"probability": rng.random(), "delay": rng.choice([0.0, 0.5, 2.0]), "most": rng.uniform(0.0, 3.0)}
    rules["deleverage"] = {"probability": rng.random(), "delay": rng.choice([0.0, 0.5, 2.0])}
    return rules


def _shared_fund(rng: random.Random, pools: list[str]) -> Json:
    fund: Json = {"type": "shared_fund", "name": "S", "cash": rng.choice([200.0, 1_000.0, 3_000.0, 30_000.0])}
    fund["floor"] = rng.choice([0.0, 0.0, 200.0])
    fund["partial"] = rng.random() < 0.7
    fund["pool_caps"] = {name: rng.choice([100.0, 1_000.0, 1e6]) for name in pools if rng.random() < 0.4}
    if rng.random() < 0.3:
        fund["unwind"] = {"type": "twap", "half_life": rng.choice([0.0, 2.0])}
    if rng.random() < 0.3:
        fund["stop"] = {"window": rng.choice([0.0, 3.0]), "drop": rng.choice([0.002, 0.1, 50.0])}
    if rng.random() < 0.3:
        fund["cap"] = {"M0": rng.choice([0.0, 100.0, 5_000.0])}
    return fund
