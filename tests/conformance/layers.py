"""Layers of a case."""

from __future__ import annotations

import math

from stress.build.layers import first_fund, sharing
from stress.build.timing import checks_in, halving
from stress.kernels.layers import BACKSTOP_VAULT, BASES, HOLD, LAYERS, PRICES, SHARED_FUND, UNWINDS
from stress.kernels.ranks import RANKS
from stress.kernels.records import Records, table
from stress.kernels.structs import CAP, LAYER, Floats, Ints
from tests.conformance.reading import Json, floats, ints, number, only

FUNDS = ("insurance_fund", "backstop_vault", "shared_fund", "liquidity_pool")
Listed = tuple[int, int, Json]
"""Place, pool and description of a layer."""

KEYS = frozenset(
    "type name cash floor partial unlimited unwind adl_below_floor share accept_negative rank price rule "
    "pool_caps cap stop equity_cap hedge "
    "token units discount floor_price delay rate within most "
    "backing profit_cap guarantees_fills when".split()
)


def waterfall(case: Json) -> list[Listed]:
    """Place, pool and description of every layer, in acting order."""
    layers = [
        (place, p, layer) for p, pool in enumerate(case["pools"]) for place, layer in enumerate(pool.get("layers", []))
    ]
    return sorted(layers, key=lambda entry: entry[:2])


def ledger_rows(case: Json) -> list[str]:
    """[a] whose each row of the ledger is: the pools', then the shared funds'."""
    shared = dict.fromkeys(layer["name"] for _, _, layer in waterfall(case) if layer["type"] == "shared_fund")
    return [pool["name"] for pool in case["pools"]] + list(shared)


def first_funds(case: Json) -> Ints:
    """[p] number of each pool's first fund or vault, -1 for none."""
    layers = waterfall(case)
    owners = [pool for _, pool, _ in layers]
    is_fund = [layer["type"] in FUNDS for _, _, layer in layers]
    return ints([first_fund(owners, is_fund, p) for p in range(len(case["pools"]))])


def _unwind(layer: Json) -> int:
    rule = layer.get("unwind")
    if rule is None:
        return HOLD
    return number(UNWINDS, rule["type"])


def _unwind_share(layer: Json, dt: float) -> float:
    rule = layer.get("unwind") or {"type": "hold"}
    if rule["type"] == "twap":
        return 1.0 - halving(dt, rule["half_life"])
    return float(rule["rate"]) * dt / 60.0 if rule["type"] == "participation" else 0.0


def _stops(rules: list[Json], dt: float) -> dict[str, Floats | Ints]:
    """Fields of the stop rule; a drop of at most 1 is a share of the highest equity, a larger one is money."""
    stops = [layer.get("stop") or {"window": -dt, "drop": 0.0} for layer in rules]
    return {
        "stop_checks": ints([checks_in(stop["window"], dt) for stop in stops]),
        "stop_share": floats([stop["drop"] if stop["drop"] <= 1.0 else 0.0 for stop in stops]),
        "stop_amount": floats([stop["drop"] if stop["drop"] > 1.0 else 0.0 for stop in stops]),
        "stop_exact": ints([int(stop.get("exact", False)) for stop in stops]),
        "stop_debts": ints([int(stop.get("debts", False)) for stop in stops]),
    }


def _hedges(rules: list[Json], dt: float) -> dict[str, Floats | Ints]:
    """Fields of the hedge; pace is money per minute."""
    hedges = [layer.get("hedge") or {"ratio": 0.0} for layer in rules]
    return {
        "hedge_ratio": floats([float(hedge["ratio"]) for hedge in hedges]),
        "hedge_delay": ints([checks_in(hedge.get("delay", 0.0), dt) for hedge in hedges]),
        "hedge_cost": floats([float(hedge.get("cost", 0.0)) for hedge in hedges]),
        "hedge_band": floats([float(hedge.get("band", 0.0)) for hedge in hedges]),
        "hedge_pace": floats([float(hedge.get("pace") or math.inf) * dt / 60.0 for hedge in hedges]),
    }


def _treasuries(rules: list[Json], dt: float, markets: list[str]) -> dict[str, Floats | Ints]:
    """Fields of treasuries; rate is the share of the depth per minute."""
    sold = [layer if layer["type"] == "treasury" else None for layer in rules]
    return {
        "token": ints([markets.index(layer["token"]) if layer else -1 for layer in sold]),
        "token_units": floats([float(layer["units"]) if layer else 0.0 for layer in sold]),
        "token_discount": floats([float(layer.get("discount", 0.2)) if layer else 0.0 for layer in sold]),
        "token_floor": floats([float(layer.get("floor_price", 0.0)) if layer else 0.0 for layer in sold]),
        "token_delay": ints([checks_in(layer.get("delay", 0.0), dt) if layer else 0 for layer in sold]),
        "token_pace": floats([float((layer or {}).get("rate") or math.inf) * dt / 60.0 for layer in sold]),
    }


def caps_of(case: Json, balance: Ints) -> Records:
    """Caps on the inventory of layers with a balance."""
    names = [market["name"] for market in case["markets"]]
    caps = [
        (k, names.index(name), most, 0.0)
        for k, (_, _, layer) in enumerate(waterfall(case))
        if balance[k] == k
        for name, most in (layer.get("cap") or {}).items()
    ]
    caps += [
        (k, names.index(name), math.inf, units)
        for k, (_, _, layer) in enumerate(waterfall(case))
        for name, units in (layer.get("backing") or {}).items()
    ]
    return table(
        CAP,
        layer=ints([k for k, _, _, _ in caps]),
        market=ints([m for _, m, _, _ in caps]),
        most=floats([c[2] for c in caps]),
        backing=floats([c[3] for c in caps]),
    )


def _draw_caps(case: Json, layers: list[Listed]) -> list[float]:
    names = [pool["name"] for pool in case["pools"]]
    caps = [layer.get("pool_caps") or {} for _, _, layer in layers]
    return [
        float(c.get(names[pool], layer.get("most", math.inf))) for c, (_, pool, layer) in zip(caps, layers, strict=True)
    ]


def counterparties(case: Json) -> dict[str, Ints]:
    """[p] layers that take the other end of fills, and that guarantee them; -1 for none."""
    layers = waterfall(case)
    owners = [pool for _, pool, _ in layers]
    pools = range(len(case["pools"]))
    other_side = [layer["type"] == "liquidity_pool" for _, _, layer in layers]
    guarantees = [bool(layer.get("guarantees_fills")) for _, _, layer in layers]
    return {
        "counterparty": ints([first_fund(owners, other_side, p) for p in pools]),
        "guarantor": ints([first_fund(owners, guarantees, p) for p in pools]),
    }


def _profit_caps(rules: list[Json]) -> dict[str, Floats]:
    caps = [layer.get("profit_cap") or {} for layer in rules]
    return {
        "profit_above": floats([cap.get("above", math.inf) for cap in caps]),
        "profit_to": floats([cap.get("to", 0.0) for cap in caps]),
        "profit_payout": floats([float(cap.get("payout") or math.inf) for cap in caps]),
    }


def _rank(layer: Json) -> str:
    """Rank of an ADL layer, or of a liquidity pool that caps profits."""
    found = layer.get("rank") or (layer.get("profit_cap") or {}).get("rank") or RANKS[0].name
    return str(found)


def layers_of(case: Json, dt: float) -> Records:
    """Layers as records [l]."""
    layers = waterfall(case)
    rules = [layer for _, _, layer in layers]
    for layer in rules:
        only(layer, KEYS, "layer")
    kind = [number(LAYERS, layer["type"]) for layer in rules]
    vault = [k == BACKSTOP_VAULT for k in kind]
    funds = [layer["name"] if k == SHARED_FUND else None for layer, k in zip(rules, kind, strict=True)]
    shared = sharing([place for place, _, _ in layers], [pool for _, pool, _ in layers], funds, len(case["pools"]))
    return table(
        LAYER,
        kind=ints(kind),
        pool=ints([pool for _, pool, _ in layers]),
        balance=shared.balance,
        leader=shared.leader,
        account=shared.account,
        draw_cap=floats(_draw_caps(case, layers)),
        place=ints([place for place, _, _ in layers]),
        capital=floats([layer.get("cash", 0.0) if shared.balance[k] == k else 0.0 for k, layer in enumerate(rules)]),
        floor=floats([layer.get("floor", 0.0) for layer in rules]),
        unlimited=ints([int(layer.get("unlimited", False)) for layer in rules]),
        partial=ints([int(layer.get("partial", True)) for layer in rules]),
        adl_below_floor=ints([int(layer.get("adl_below_floor", v)) for layer, v in zip(rules, vault, strict=True)]),
        share=floats([layer.get("share", 2.0 / 3.0) for layer in rules]),
        accept_negative=ints([int(layer.get("accept_negative", True)) for layer in rules]),
        unwind=ints([_unwind(layer) for layer in rules]),
        unwind_share=floats([_unwind_share(layer, dt) for layer in rules]),
        equity_cap=floats([float(layer.get("equity_cap") or math.inf) for layer in rules]),
        **_stops(rules, dt),
        **_hedges(rules, dt),
        **_treasuries(rules, dt, [market["name"] for market in case["markets"]]),
        **_profit_caps(rules),
        adl_unfilled=ints([int(layer.get("when") == "unfilled") for layer in rules]),
        guarantees=ints([int(bool(layer.get("guarantees_fills"))) for layer in rules]),
        rank=ints([number(RANKS, _rank(layer)) for layer in rules]),
        price=ints([PRICES.index(layer.get("price", "bankruptcy")) for layer in rules]),
        price_band=floats([float(layer.get("within") or math.inf) for layer in rules]),
        payers=ints([BASES.index(layer.get("rule", BASES[0])) for layer in rules]),
    )
