"""Section 4 and the prices that follow from it: equity, maintenance margin, bankruptcy prices."""

from __future__ import annotations

from tests.naive.ledger import Balance, Holder, World


def equity(world: World, holder: Holder) -> float:
    """Cash, positions at the marks, collateral at its price; a layer's hedges at the fundamental price."""
    value = holder.cash + sum(q * world.marks[m] for m, q in holder.q.items()) + world.worth(holder.b)
    if isinstance(holder, Balance):
        value += sum(h * world.markets[m].fundamental for m, h in holder.hedge.items())
    return value


def haircut_equity(world: World, holder: Holder) -> float:
    """Equity with collateral less its haircuts: what counts towards margin."""
    return equity(world, holder) - world.worth(holder.b) + world.worth(holder.b, haircut=True)


def gross(world: World, holder: Holder) -> float:
    """Gross notional at the marks."""
    return sum(abs(q) * world.marks[m] for m, q in holder.q.items())


def dust(world: World, holder: Holder) -> float:
    """Money that is nothing to this holder."""
    return 1e-9 * (gross(world, holder) + 1.0)


def tier_margin(tiers: list[list[float]], notional: float) -> float:
    """Maintenance margin of a notional by continuous tiers."""
    best, deduction, before = 0.0, 0.0, 0.0
    for n, (lower, rate) in enumerate(tiers):
        deduction += 0.0 if n == 0 else lower * (rate - before)
        best = max(best, rate * notional - deduction)
        before = rate
    return best


def margin_in(world: World, market: str, quantity: float) -> float:
    """Maintenance margin of a quantity of one market at the mark."""
    rules = world.markets[market]
    return rules.kappa * tier_margin(rules.rules["tiers"], abs(quantity) * world.marks[market])


def maintenance(world: World, holder: Holder, scale: float = 1.0) -> float:
    """Maintenance margin of all positions, times ``scale``."""
    return sum(margin_in(world, m, scale * q) for m, q in holder.q.items())


def in_breach(world: World, holder: Holder) -> bool:
    return haircut_equity(world, holder) < maintenance(world, holder) - dust(world, holder)


def insolvent(world: World, holder: Holder) -> bool:
    return equity(world, holder) < -dust(world, holder)


def margin_share(world: World, holder: Holder, market: str) -> float:
    """Part of the equity that a position answers for: by maintenance margin, by notional where there is none."""
    total = maintenance(world, holder)
    if total > 0.0:
        return margin_in(world, market, holder.q[market]) / total
    return abs(holder.q[market]) * world.marks[market] / gross(world, holder)


def bankruptcy_price(world: World, holder: Holder, market: str) -> float:
    """Price at which the position's part of the equity is gone."""
    part = equity(world, holder) * margin_share(world, holder, market)
    return world.marks[market] - part / holder.q[market]
