"""From the layers of all pools to the arrays a cascade reads, in the order in which they act."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stress.build.timing import checks_in, halving
from stress.kernels.layers import BASES, HOLD, LAYERS, PRICES, UNWINDS
from stress.kernels.ranks import RANKS
from stress.kernels.records import Records, table
from stress.kernels.registry import number_of
from stress.kernels.structs import CAP, LAYER, Clock, Floats, Ints
from stress.scenario.layers import (
    FUNDS,
    Adl,
    BackstopVault,
    Hedge,
    InsuranceFund,
    Layer,
    LiquidityPool,
    Participation,
    ProfitCap,
    SharedFund,
    Socialise,
    Treasury,
    Twap,
)
from stress.scenario.pools import Pool

Listed = tuple[int, int, Layer]
"""Place in the pool's list, pool, layer."""
LayerNames = tuple[tuple[str, str, str], ...]
"""Pool, name and kind of layers."""


class Sharing(NamedTuple):
    """Which layers are one and the same fund; fields as in ``LAYER``."""

    balance: Ints
    leader: Ints
    account: Ints


def sharing(places: Sequence[int], pools: Sequence[int], funds: Sequence[str | None], count: int) -> Sharing:
    """Balances, turns and ledger rows of layers [l] in acting order.

    Parameters
    ----------
    places, pools
        [l] place and pool of every layer.
    funds
        [l] name of the shared fund, None for a layer of one pool.
    count
        Number of pools.
    """
    balance, leader, account = list(range(len(pools))), list(range(len(pools))), list(pools)
    first: dict[str, int] = {}
    turns: dict[tuple[str, int], int] = {}
    for k, (place, fund) in enumerate(zip(places, funds, strict=True)):
        if fund is not None:
            balance[k] = first.setdefault(fund, k)
            leader[k] = turns.setdefault((fund, place), k)
            account[k] = count + list(first).index(fund)
    return Sharing(_ints(balance), _ints(leader), _ints(account))


def first_fund(pools: Sequence[int], is_fund: Sequence[bool], pool: int) -> int:
    """Number of the pool's first layer with a balance, -1 if it has none."""
    for number, (owner, balance) in enumerate(zip(pools, is_fund, strict=True)):
        if owner == pool and balance:
            return number
    return -1


def waterfall(pools: Sequence[Pool]) -> list[Listed]:
    """Every layer of the pools, in the order in which they act: by place, then pool."""
    layers = [(place, p, layer) for p, pool in enumerate(pools) for place, layer in enumerate(pool.layers)]
    return sorted(layers, key=lambda entry: entry[:2])


def first_funds(layers: Sequence[Listed], pools: int) -> Ints:
    """[p] number of each pool's first fund or vault, -1 for none."""
    owners = [pool for _, pool, _ in layers]
    is_fund = [isinstance(layer, FUNDS) for _, _, layer in layers]
    return _ints([first_fund(owners, is_fund, p) for p in range(pools)])


def goes_by_name(layer: Layer) -> bool:
    """Whether the layer needs the accounts' places by name: for a random start, or to choose among equal deficits."""
    if isinstance(layer, Adl):
        return layer.rank == "random"
    if isinstance(layer, LiquidityPool) and layer.profit_cap is not None and layer.profit_cap.rank == "random":
        return True
    return isinstance(layer, FUNDS) and not layer.partial


def _floats(values: Sequence[float]) -> Floats:
    return np.array(values, dtype=np.float64)


def _ints(values: Sequence[int]) -> Ints:
    return np.array(values, dtype=np.int64)


def layers_of(layers: Sequence[Listed], pools: int, clock: Clock, markets: Sequence[str]) -> Records:
    """Layers of all pools as records [l]; the capital of a shared fund is in its first listing."""
    rules = [layer for _, _, layer in layers]
    funds = [layer if isinstance(layer, FUNDS) else None for layer in rules]
    vaults = [layer if isinstance(layer, BackstopVault) else None for layer in rules]
    stops = [fund.stop if fund else None for fund in funds]
    names = [layer.name if isinstance(layer, SharedFund) else None for layer in rules]
    shared = sharing([place for place, _, _ in layers], [pool for _, pool, _ in layers], names, pools)
    return table(
        LAYER,
        kind=_ints([number_of(LAYERS, layer.type) for layer in rules]),
        pool=_ints([pool for _, pool, _ in layers]),
        balance=shared.balance,
        leader=shared.leader,
        account=shared.account,
        draw_cap=_floats([_draw_cap(layer) for layer in rules]),
        place=_ints([place for place, _, _ in layers]),
        capital=_floats([_capital(fund) if shared.balance[k] == k else 0.0 for k, fund in enumerate(funds)]),
        floor=_floats([fund.floor if fund else 0.0 for fund in funds]),
        unlimited=_ints([int(fund is not None and math.isinf(fund.capital)) for fund in funds]),
        partial=_ints([int(fund is None or fund.partial) for fund in funds]),
        adl_below_floor=_ints(
            [int(isinstance(fund, InsuranceFund | BackstopVault) and fund.adl_below_floor) for fund in funds]
        ),
        share=_floats([vault.share if vault else 0.0 for vault in vaults]),
        accept_negative=_ints([int(vault is None or vault.accept_negative) for vault in vaults]),
        unwind=_ints([number_of(UNWINDS, fund.unwind.type) if fund and fund.unwind else HOLD for fund in funds]),
        unwind_share=_floats([unwind_share(fund.unwind, clock.dt) if fund else 0.0 for fund in funds]),
        stop_checks=_ints([checks_in(stop.window, clock.dt) if stop else -1 for stop in stops]),
        stop_share=_floats([stop.drop or 0.0 if stop else 0.0 for stop in stops]),
        stop_amount=_floats([stop.amount or 0.0 if stop else 0.0 for stop in stops]),
        stop_exact=_ints([int(stop is not None and bool(stop.exact)) for stop in stops]),
        stop_debts=_ints([int(stop is not None and bool(stop.debts)) for stop in stops]),
        equity_cap=_floats([vault.equity_cap if vault else math.inf for vault in vaults]),
        **treasuries_of([layer if isinstance(layer, Treasury) else None for layer in rules], clock.dt, markets),
        **hedges_of([fund.hedge if fund else None for fund in funds], clock.dt),
        **profit_caps_of([layer.profit_cap if isinstance(layer, LiquidityPool) else None for layer in rules]),
        rank=_ints([number_of(RANKS, _rank(layer)) for layer in rules]),
        adl_unfilled=_ints([int(isinstance(layer, Adl) and layer.when == "unfilled") for layer in rules]),
        guarantees=_ints([int(_guarantees(layer)) for layer in rules]),
        price=_ints([PRICES.index(layer.price) if isinstance(layer, Adl) else 0 for layer in rules]),
        price_band=_floats(
            [layer.within if isinstance(layer, Adl) and layer.within is not None else math.inf for layer in rules]
        ),
        payers=_ints([BASES.index(layer.by) if isinstance(layer, Socialise) else 0 for layer in rules]),
    )


def treasuries_of(treasuries: Sequence[Treasury | None], dt: float, markets: Sequence[str]) -> dict[str, Floats | Ints]:
    """[l] columns of LAYER that say what treasuries sell."""
    return {
        "token": _ints([markets.index(each.token) if each else -1 for each in treasuries]),
        "token_units": _floats([each.units if each else 0.0 for each in treasuries]),
        "token_discount": _floats([each.discount if each else 0.0 for each in treasuries]),
        "token_floor": _floats([each.floor_price if each else 0.0 for each in treasuries]),
        "token_delay": _ints([checks_in(each.delay, dt) if each else 0 for each in treasuries]),
        "token_pace": _floats([each.rate * dt / 60.0 if each else math.inf for each in treasuries]),
    }


def hedges_of(hedges: Sequence[Hedge | None], dt: float) -> dict[str, Floats | Ints]:
    """[l] columns of LAYER that say how inventory is hedged."""
    return {
        "hedge_ratio": _floats([hedge.ratio if hedge else 0.0 for hedge in hedges]),
        "hedge_delay": _ints([checks_in(hedge.delay, dt) if hedge else 0 for hedge in hedges]),
        "hedge_cost": _floats([hedge.cost if hedge else 0.0 for hedge in hedges]),
        "hedge_band": _floats([hedge.band if hedge else 0.0 for hedge in hedges]),
        "hedge_pace": _floats([hedge.pace * dt / 60.0 if hedge else math.inf for hedge in hedges]),
    }


def unwind_share(unwind: Twap | Participation | None, dt: float) -> float:
    """Share of the inventory (twap) or of the depth (participation) that is sent per check."""
    if unwind is None:
        return 0.0
    return 1.0 - halving(dt, unwind.half_life) if unwind.type == "twap" else unwind.rate * dt / 60.0


def _rank(layer: Layer) -> str:
    """Order in which the layer closes winners; the first one where it closes none."""
    if isinstance(layer, Adl):
        return layer.rank
    if isinstance(layer, LiquidityPool) and layer.profit_cap is not None:
        return layer.profit_cap.rank
    return RANKS[0].name


def _guarantees(layer: Layer) -> bool:
    return isinstance(layer, InsuranceFund) and layer.guarantees_fills is True


def counterparties(layers: Sequence[Listed], pools: int) -> dict[str, Ints]:
    """[p] columns of POOL: the layers that take the other end of fills and that guarantee them, -1 for none."""
    owners = [pool for _, pool, _ in layers]
    other_side = [isinstance(layer, LiquidityPool) for _, _, layer in layers]
    guarantees = [_guarantees(layer) for _, _, layer in layers]
    return {
        "counterparty": _ints([first_fund(owners, other_side, p) for p in range(pools)]),
        "guarantor": _ints([first_fund(owners, guarantees, p) for p in range(pools)]),
    }


def profit_caps_of(rules: Sequence[ProfitCap | None]) -> dict[str, Floats]:
    """[l] columns of LAYER that bound what one side can win of a liquidity pool."""
    return {
        "profit_above": _floats([rule.above if rule else math.inf for rule in rules]),
        "profit_to": _floats([rule.to if rule else 0.0 for rule in rules]),
        "profit_payout": _floats([rule.payout if rule else math.inf for rule in rules]),
    }


def caps_of(layers: Sequence[Listed], balance: Ints, markets: Sequence[str], prices: Sequence[float]) -> Records:
    """Caps on the inventory of those layers that hold a balance, and what liquidity pools hold of assets.

    ``prices`` [m] are the first ones.
    """
    caps = [
        (k, markets.index(name), most, 0.0)
        for k, (_, _, layer) in enumerate(layers)
        if isinstance(layer, FUNDS) and balance[k] == k
        for name, most in layer.cap.items()
    ]
    caps += [
        (k, markets.index(name), math.inf, share * layer.capital / prices[markets.index(name)])
        for k, (_, _, layer) in enumerate(layers)
        if isinstance(layer, LiquidityPool)
        for name, share in layer.backing.items()
    ]
    return table(
        CAP,
        layer=_ints([k for k, _, _, _ in caps]),
        market=_ints([m for _, m, _, _ in caps]),
        most=_floats([most for _, _, most, _ in caps]),
        backing=_floats([units for _, _, _, units in caps]),
    )


def _draw_cap(layer: Layer) -> float:
    """Most that the pool may pass to the layer on a path."""
    if isinstance(layer, Socialise):
        return math.inf if layer.most is None else layer.most
    return layer.draw_cap if isinstance(layer, SharedFund) else math.inf


def _capital(fund: InsuranceFund | BackstopVault | SharedFund | LiquidityPool | None) -> float:
    """Cash at the start; an unlimited fund starts from nothing."""
    return 0.0 if fund is None or math.isinf(fund.capital) else fund.capital
