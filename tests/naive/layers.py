"""Section 6: insurance funds, backstop vaults and shared funds, and losses that are shared out."""

from __future__ import annotations

import math

from tests.naive.circle import place
from tests.naive.ledger import NOTHING, Account, Balance, Layer, Pool, World, decay
from tests.naive.limits import fitting, room, stopped
from tests.naive.margin import dust, equity, gross, in_breach, insolvent, maintenance
from tests.naive.treasury import cover


def under_floor(world: World, balance: Balance) -> bool:
    if balance.unlimited or balance.treasury:
        return False
    return equity(world, balance) < balance.floor - dust(world, balance)


def offers(world: World, layer: Layer, unfilled: set[str]) -> list[Account]:
    """Accounts that a fund or vault is offered.

    Readings: a vault's own trigger stands in the place of the unfilled accounts of the other layers; all offers are of
    accounts seen in breach at the start of the round, so what ADL leaves to a winner is looked at in the next one.
    """
    rules, found = world.pools[layer.pool].rules, []
    by_order = layer.kind != "backstop_vault" and rules.get("takeover_when", "unfilled") == "unfilled"
    for account in world.of_pool(layer.pool):
        if account.since is None:
            continue
        if layer.kind == "treasury":
            found += [account] if account.flat() and insolvent(world, account) else []
            continue
        offered = insolvent(world, account)
        if by_order and (account.name in unfilled or account.flat()):
            offered = offered or in_breach(world, account)
        if layer.kind == "backstop_vault" and not account.flat():
            line = float(layer.rules.get("share", 2.0 / 3.0)) * maintenance(world, account)
            offered = offered or (line > 0.0 and equity(world, account) < line)
        if offered:
            found.append(account)
    return found


def take_over(world: World, layer: Layer, account: Account, share: float) -> None:
    """Move a share of a whole margin account: cash, positions, so its equity."""
    balance, pool = layer.balance, world.pools[layer.pool]
    assert balance is not None
    if share < NOTHING:
        return
    value = share * equity(world, account)
    if layer.kind == "treasury":
        seize(world, account)
    pool.add("takeover_notional", share * gross(world, account))
    if value < 0.0:
        pool.add("bad_debt", -value)
        account.shares["layers"] -= value
        layer.paid -= value
    else:
        layer.received += value
    for market, q in list(account.q.items()):
        balance.q[market] = balance.q.get(market, 0.0) + share * q
        account.q[market] = 0.0 if share == 1.0 else q - share * q
    for asset, units in list(account.b.items()):
        balance.b[asset] = balance.b.get(asset, 0.0) + share * units
        account.b[asset] = 0.0 if share == 1.0 else units - share * units
    balance.cash += share * account.cash
    account.cash = 0.0 if share == 1.0 else account.cash - share * account.cash


def act(world: World, layers: list[Layer], unfilled: set[str], last: bool = False) -> bool:
    """One batch of a balance: first all with E >= 0, then the same share of all with E < 0; True if any moved.

    ``layers`` are the places at which the balance stands: one, or several pools' for a shared fund. Reading: what a
    vault never accepts is not offered to it, so it cannot decline it. The ``last`` batch is of flat accounts.
    """
    balance = layers[0].balance
    assert balance is not None
    batch = [(layer, account) for layer in layers for account in offers(world, layer, unfilled)]
    if not balance.rules.get("accept_negative", True):
        batch = [(layer, account) for layer, account in batch if not insolvent(world, account)]
    if last:
        batch = [(layer, account) for layer, account in batch if account.flat()]
    debts = owed_by_layers(world, layers)
    if not batch and not debts:
        return False
    if under_floor(world, balance) or (not last and stopped(world, balance)):
        decline(world, balance)
        return False
    solvent = [(layer, account) for layer, account in batch if not insolvent(world, account)]
    deficits = [(layer, account) for layer, account in batch if insolvent(world, account)]
    took = _take_solvent(world, balance, solvent)
    return _take_deficits(world, balance, deficits, debts, last) or took


def _take_solvent(world: World, balance: Balance, solvent: list[tuple[Layer, Account]]) -> bool:
    """Take what the caps leave room for of those who owe nothing; without shares, only who fits whole."""
    fits = fitting(world, balance, [account for _, account in solvent])
    taken = False
    for layer, account in solvent:
        share = fits[account.name]
        if share < 1.0:
            decline(world, balance)
        if share >= NOTHING and (share == 1.0 or balance.rules.get("partial", True)):
            take_over(world, layer, account, share)
            taken = True
    return taken


def owed_by_layers(world: World, layers: list[Layer]) -> list[tuple[Layer, Balance]]:
    """What earlier layers of the same pools owe and pass on, unless this is a vault that takes no deficits."""
    if not layers[0].rules.get("accept_negative", True):
        return []
    return [(layer, owing) for layer in layers for owing in flat_debts(world, world.pools[layer.pool], layer.place)]


def decline(world: World, balance: Balance) -> None:
    if balance.first_decline is None:
        balance.first_decline = world.step


def _take_deficits(
    world: World,
    balance: Balance,
    deficits: list[tuple[Layer, Account]],
    debts: list[tuple[Layer, Balance]],
    last: bool,
) -> bool:
    """Take the same share of all deficits and debts of a pool; or whole accounts, of all pools the smallest first.

    Reading: whole accounts come before layers, whose debts in one pool are paid together or not at all.
    """
    left = cover(world, balance) if balance.treasury else room(world, balance, last)
    fits = fitting(world, balance, [account for _, account in deficits])
    owed = {account.name: -equity(world, account) for _, account in deficits}
    whole = not balance.rules.get("partial", True)
    shares = _shares(world, deficits, debts, {name: fits[name] * debt for name, debt in owed.items()}, left)
    taken = False
    for layer, account in sorted(deficits, key=lambda pair: (owed[pair[1].name], place(pair[1].name))):
        share = fits[account.name] * shares[layer.pool]
        if whole:
            fitted = fits[account.name] == 1.0 and owed[account.name] <= min(left, left_to_draw(layer))
            share = 1.0 if fitted else 0.0
            left -= share * owed[account.name]
        if share < 1.0:
            decline(world, balance)
        if share >= NOTHING:
            take_over(world, layer, account, share)
            taken = True
    for pool in dict.fromkeys(layer.pool for layer, _ in debts):
        layer = next(layer for layer, _ in debts if layer.pool == pool)
        owing = [other for listing, other in debts if listing.pool == pool]
        sum_owed = -sum(equity(world, other) for other in owing)
        share = shares[pool]
        if whole:
            share = 1.0 if sum_owed <= min(left, left_to_draw(layer)) else 0.0
            left -= share * sum_owed
        if share < 1.0:
            decline(world, balance)
        if share >= NOTHING:
            pay_layers(world, layer, owing, share)
            taken = True
    return taken


def pay_layers(world: World, layer: Layer, owing: list[Balance], share: float) -> None:
    """Pay a share of what other layers owe."""
    assert layer.balance is not None
    for other in owing:
        paid = -share * equity(world, other)
        layer.balance.cash -= paid
        layer.paid_for_layers += paid
        other.cash += paid


def left_to_draw(layer: Layer) -> float:
    """What a pool's cap leaves it of a shared fund."""
    caps: dict[str, float] = layer.rules.get("pool_caps") or {}
    return max(0.0, caps.get(layer.pool, math.inf) - layer.paid - layer.paid_for_layers)


def _shares(
    world: World,
    deficits: list[tuple[Layer, Account]],
    debts: list[tuple[Layer, Balance]],
    owed: dict[str, float],
    left: float,
) -> dict[str, float]:
    """The share of each pool's deficits that is borne: pro rata to the pools' demand, within each pool's cap."""
    demand: dict[str, float] = {}
    caps: dict[str, float] = {}
    for layer, account in deficits:
        demand[layer.pool] = demand.get(layer.pool, 0.0) + owed[account.name]
        caps[layer.pool] = left_to_draw(layer)
    for layer, other in debts:
        demand[layer.pool] = demand.get(layer.pool, 0.0) - equity(world, other)
        caps[layer.pool] = left_to_draw(layer)
    given = waterfill(demand, {p: min(d, caps[p]) for p, d in demand.items()}, left)
    return {p: min(1.0, given[p] / demand[p]) if demand[p] > 0.0 else 0.0 for p in demand}


def waterfill(weights: dict[str, float], caps: dict[str, float], amount: float) -> dict[str, float]:
    """Spread an amount in proportion to weights, nobody over its cap."""
    given = dict.fromkeys(weights, 0.0)
    if amount >= sum(caps.values()):
        return dict(caps)
    open_names = [name for name in weights if weights[name] > 0.0 and caps[name] > 0.0]
    left = amount
    while open_names:
        level = left / sum(weights[name] for name in open_names)
        full = [name for name in open_names if caps[name] <= level * weights[name]]
        for name in full or open_names:
            given[name] = caps[name] if full else level * weights[name]
        if not full:
            break
        left = max(0.0, left - sum(caps[name] for name in full))
        open_names = [name for name in open_names if name not in full]
    return given


def flat_debts(world: World, pool: Pool, before: int) -> list[Balance]:
    """Balances before a place of the list that are under their floor, flat and in debt, and may be closed.

    So are treasuries in debt that have no tokens left.
    """
    found = []
    for layer in pool.layers:
        balance = layer.balance
        if balance is None or layer.place >= before:
            continue
        if balance.treasury and balance.tokens <= 1e-12 * float(balance.rules["units"]) and insolvent(world, balance):
            found.append(balance)
        if not balance.adl_below_floor:
            continue
        if balance.bare() and under_floor(world, balance) and insolvent(world, balance):
            found.append(balance)
    return found


def socialise(world: World, layer: Layer) -> bool:
    """Spread the debts of flat accounts and layers over the pool; nobody pays more than its base or its equity.

    Readings: open interest is a payer's gross notional at the marks, and caps nobody; profit and equity do.
    """
    pool = world.pools[layer.pool]
    debtors = [a for a in world.of_pool(pool.name) if a.since is not None and a.flat() and insolvent(world, a)]
    for account in debtors:
        seize(world, account)
    owed: list[Account | Balance] = [*debtors, *flat_debts(world, pool, layer.place)]
    debts = {holder.name: -equity(world, holder) for holder in owed}
    debt = sum(debts.values())
    if debt <= 0.0:
        return False
    base, caps = bases(world, pool, str(layer.rules["rule"]))
    left = float(layer.rules.get("most", math.inf)) - layer.paid - layer.paid_for_layers
    paid = waterfill(base, caps, min(debt, max(0.0, left)))
    total = sum(paid.values())
    if total <= NOTHING * debt:
        return False
    for name, amount in paid.items():
        world.accounts[name].cash -= amount
        world.accounts[name].shares["charged"] += amount
    for holder in owed:
        amount = debts[holder.name] * min(1.0, total / debt)
        layer.paid += amount
        pool.add("socialised" if isinstance(holder, Account) else "socialised_for_layers", amount)
        if isinstance(holder, Account):
            pool.add("bad_debt", amount)
            holder.shares["socialised"] += amount
        even = total >= debt and isinstance(holder, Account)
        holder.cash = 0.0 if even else holder.cash + amount
    return True


def seize(world: World, account: Account) -> None:
    """Turn the collateral of a flat account without equity into cash at its price; outside traders take it.

    Reading: whose debt others bear does not keep an asset that may rise again.
    """
    account.cash += world.worth(account.b)
    account.b = dict.fromkeys(account.b, 0.0)


def bases(world: World, pool: Pool, rule: str) -> tuple[dict[str, float], dict[str, float]]:
    """Weight and most that every account with equity can be asked for; dust is nothing to ask for."""
    weights, caps = {}, {}
    for account in world.of_pool(pool.name):
        value = equity(world, account)
        if value <= 0.0:
            continue
        known = {"session_profit": value - account.start, "equity": value, "maintenance": maintenance(world, account)}
        base = known.get(rule, gross(world, account))
        weights[account.name] = max(0.0, base)
        caps[account.name] = min(value, weights[account.name]) if rule != "open_interest" else value
        if weights[account.name] == 0.0 or caps[account.name] <= dust(world, account):
            weights[account.name] = caps[account.name] = 0.0
    return weights, caps


def unwinding(world: World, balance: Balance) -> dict[str, float]:
    """Signed quantity a balance sends in every market after the rounds."""
    rule = balance.rules.get("unwind")
    if rule is None:
        return {}
    sent = {}
    for market, q in balance.q.items():
        if rule["type"] == "twap":
            units = abs(q) * (1.0 - decay(world.dt, float(rule["half_life"])))
        else:
            units = min(abs(q), float(rule["rate"]) * world.markets[market].depth * world.dt / 60.0)
        if units >= NOTHING:
            sent[market] = -math.copysign(units, q)
    return sent
