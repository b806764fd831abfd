"""What counts as broken: the words of the command line, and whether a path has come to it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from stress.errors import UsageError
from stress.kernels.results import LAYER_COLUMNS, POOL_COLUMNS
from stress.kernels.structs import Floats
from stress.scenario.units import Dimension, NotAQuantity, parse
from stress.sizing.words import money

if TYPE_CHECKING:
    from stress.build import Plan

KINDS = ("fund_depleted", "adl", "residual", "loss=AMOUNT", "layer=NAME")
"""What may be asked for."""
CENT = 0.01
"""Unpaid losses up to it are rounding."""

_DECLINE, _UNDER = LAYER_COLUMNS.index("first_decline_s"), LAYER_COLUMNS.index("first_under_s")
_PAID, _PAID_FOR = LAYER_COLUMNS.index("paid"), LAYER_COLUMNS.index("paid_for_layers")
_ADL = POOL_COLUMNS.index("first_adl_s")
REQUIRED = POOL_COLUMNS.index("required_fund")
_BAD_DEBT = POOL_COLUMNS.index("bad_debt")
_UNPAID = POOL_COLUMNS.index("residual"), POOL_COLUMNS.index("residual_open")


class Outcome(NamedTuple):
    """What a path ended with; columns as in :mod:`stress.kernels.results`."""

    pools: Floats
    """[p, c]"""
    layers: Floats
    """[l, c]"""


@dataclass(frozen=True)
class Target:
    """Something that must not happen, in one of ``pools`` or to one of ``layers``."""

    text: str
    """As asked for on the command line."""
    words: str
    """What happens, as a sentence without its stop."""
    kind: str
    pools: tuple[int, ...]
    layers: tuple[int, ...] = ()
    amount: float = 0.0
    capitals: tuple[float, ...] = ()
    """[pool] of ``pools``: what its first fund has; infinite where nothing uses it up."""

    @property
    def funds(self) -> tuple[int, ...]:
        """Layers of the funds whose whole need must be known."""
        return self.layers if self.kind == "fund" else ()

    def met(self, out: Outcome) -> bool:
        """Whether it has happened."""
        if self.kind == "adl":
            return any(not math.isnan(out.pools[p, _ADL]) for p in self.pools)
        if self.kind == "residual":
            return sum(float(out.pools[p, c]) for p in self.pools for c in _UNPAID) > CENT
        if self.kind == "loss":
            return sum(float(out.pools[p, _BAD_DEBT]) for p in self.pools) >= self.amount
        if self.kind == "pays":
            return any(out.layers[k, _PAID] + out.layers[k, _PAID_FOR] > CENT for k in self.layers)
        if self.kind == "fund":
            needs = [float(out.pools[p, REQUIRED]) for p in self.pools]
            return any(need > capital for need, capital in zip(needs, self.capitals, strict=True))
        return any(declined(out, k) for k in self.layers)


def declined(out: Outcome, fund: int) -> bool:
    """Whether a fund took less than it was offered, or was seen under its floor."""
    return not all(math.isnan(out.layers[fund, column]) for column in (_DECLINE, _UNDER))


def target_of(text: str, pool: str | None, plan: Plan) -> Target:
    """The target that the command line asks for.

    :raises UsageError: there is no such target, pool or layer, or it can never be reached.
    """
    pools = _pools(pool, plan.pool_names)
    kind, equals, value = text.partition("=")
    where = f" of pool {pool}" if pool is not None and len(plan.pool_names) > 1 else ""
    if text == "fund_depleted":
        return _fund(text, pools, plan, where)
    if text == "adl":
        _require_adl(plan, pools)
        return Target(text, f"auto-deleveraging begins{f' in pool {pool}' if where else ''}", "adl", pools)
    if text == "residual":
        return Target(text, f"a loss{where} stays unpaid", "residual", pools)
    if kind == "loss" and equals:
        amount = _amount(value)
        return Target(text, f"the bad debt{where} reaches {money(amount)}", "loss", pools, amount=amount)
    if kind == "layer" and equals:
        return _layer(text, value, pools, plan)
    near = get_close_matches(text, KINDS, n=1)
    hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(KINDS)}"
    raise UsageError(f"--target {text}: no such target{hint}")


def _pools(pool: str | None, names: Sequence[str]) -> tuple[int, ...]:
    if pool is None:
        return tuple(range(len(names)))
    if pool not in names:
        raise UsageError(f"--pool {pool}: the scenario has no such pool; it has {', '.join(names)}")
    return (tuple(names).index(pool),)


def _amount(value: str) -> float:
    try:
        amount = float(parse(value, Dimension.MONEY))
    except NotAQuantity as error:
        raise UsageError(f"--target loss: {error}") from None
    if amount <= 0.0:
        raise UsageError(f"--target loss: must be more than 0, got {value}")
    return amount


def _require_adl(plan: Plan, pools: Sequence[int]) -> None:
    """Some pool has a layer that closes winners: one of its own for it, or a liquidity pool that caps their profits."""
    names = [plan.pool_names[p] for p in pools]
    closing = [
        pool
        for k, (pool, _, kind) in enumerate(plan.layer_names)
        if kind == "adl" or math.isfinite(plan.venue.layers[k].profit_above)
    ]
    if not set(names) & set(closing):
        raise UsageError(f"the scenario has no auto-deleveraging in {', '.join(names)}")


def _fund(text: str, pools: tuple[int, ...], plan: Plan, where: str) -> Target:
    """The first fund of each pool, by the layer that holds its balance."""
    first = [int(plan.venue.pools[p].first_fund) for p in pools]
    funds = list(dict.fromkeys(int(plan.venue.layers[k].balance) for k in first if k >= 0))
    if not funds:
        raise UsageError(f"--target {text}: there is no fund{where or ' in the scenario'}")
    finite = tuple(k for k in funds if plan.venue.layers[k].unlimited == 0)
    if not finite:
        raise UsageError(f"--target {text}: the fund{where} is unlimited, which nothing uses up; give it a capital")
    names = " or ".join(_called(k, plan) for k in finite)
    holders = [int(plan.venue.layers[k].balance) if k >= 0 else k for k in first]
    capitals = tuple(float(plan.venue.layers[k].capital) if k in finite else math.inf for k in holders)
    return Target(text, f"{names} is used up", "fund", pools, finite, capitals=capitals)


def _layer(text: str, name: str, pools: tuple[int, ...], plan: Plan) -> Target:
    found = [
        k
        for k, (pool, layer, _) in enumerate(plan.layer_names)
        if layer == name and plan.pool_names.index(pool) in pools
    ]
    if not found:
        known = ", ".join(dict.fromkeys(layer for _, layer, _ in plan.layer_names))
        raise UsageError(f"--target {text}: no such layer; known: {known}")
    if all(plan.layer_names[k][2] in ("adl", "socialise", "treasury") for k in found):
        return Target(text, f"{_called(found[0], plan)} bears a loss", "pays", pools, tuple(found))
    balances = tuple(dict.fromkeys(int(plan.venue.layers[k].balance) for k in found))
    finite = tuple(k for k in balances if plan.venue.layers[k].unlimited == 0)
    if not finite:
        raise UsageError(f"--target {text}: the layer is unlimited, which nothing uses up; give it a capital")
    return Target(text, f"{_called(finite[0], plan)} takes less than it is offered", "balance", pools, finite)


def _called(k: int, plan: Plan) -> str:
    pool, name, kind = plan.layer_names[k]
    where = f" of pool {pool}" if len(plan.pool_names) > 1 and kind != "shared_fund" else ""
    noun = "auto-deleveraging" if kind == "adl" else f"the {kind.replace('_', ' ')}"
    return f"{noun}{where}" if name in (kind, kind.split("_")[-1]) else f"{noun} {name!r}{where}"
