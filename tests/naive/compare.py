"""Where two results of one case differ, and whether the case can tell them apart."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Iterator
from typing import Any

from tests.venues import posted_value

Json = dict[str, Any]
Play = Callable[[Json], Json]

TOLERANCE = 1e-9
"""Of gross notional, of the units held in a market, and of prices."""
LEAST_PAID = 1e-6
"""Of gross notional."""
PAID_SHARES = frozenset("payers paid_top1_share paid_top10_share paid_top100_share paid_gini paid_gini_all".split())
ADL_SHARES = frozenset("adl_top1_share adl_top10_share adl_top100_share".split())
SHARES = (PAID_SHARES | ADL_SHARES) - {"payers"}
SHAKE = 2e-14
"""Relative; a hundred units in the last place."""
SHAKES = 12
WHOLE = frozenset(
    "first_decline first_under R_step depletion_step liquidated adl_accounts max_rounds_seen payers".split()
)
"""Steps and counts."""


def differences(case: Json, one: Json, other: Json) -> list[str]:
    """One line per number of ``one`` that ``other`` has otherwise."""
    held = {m["name"]: 0.0 for m in case["markets"]}
    money = 0.0
    for account in case["accounts"]:
        for m, (q, entry) in account["positions"].items():
            held[m] += abs(q)
            money += abs(q) * entry
    money += posted_value(case)
    return [line for line in _walk(_told(one, money), _told(other, money), (), held, money) if line]


def _told(result: Json, money: float) -> Json:
    """The result without the step of a fall that is no more than rounding."""
    layers = {
        name: {**layer, "R_step": None} if layer["R"] <= TOLERANCE * money else layer
        for name, layer in result["layers"].items()
    }
    pools = {name: _told_of_payers(pool, money) for name, pool in result["pools"].items()}
    return {**result, "layers": layers, "pools": pools}


def _told_of_payers(pool: Json, money: float) -> Json:
    """The pool without shares of what is paid or closed where that is next to nothing: they are shares of rounding."""
    amounts = ((PAID_SHARES, pool["paid_by_owners"]), (ADL_SHARES, pool["adl_notional"]))
    untold = frozenset[str]().union(*(words for words, amount in amounts if amount <= LEAST_PAID * money))
    return {word: value for word, value in pool.items() if word not in untold}


def _walk(one: Any, other: Any, path: tuple[Any, ...], held: dict[str, float], money: float) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key, value in one.items():
            yield from _walk(value, other.get(key), (*path, key), held, money)
    elif isinstance(one, list):
        for n, value in enumerate(one):
            yield from _walk(value, other[n], (*path, n), held, money)
    elif one is None or other is None:
        yield "" if one is other else _line(path, one, other)
    elif not math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=_nothing(path, held, money)):
        yield _line(path, one, other)


def _line(path: tuple[Any, ...], one: Any, other: Any) -> str:
    return f"{'.'.join(map(str, path))}: {one!r} and {other!r}"


def _nothing(path: tuple[Any, ...], held: dict[str, float], money: float) -> float:
    """Absolute tolerance of a number, by where it stands."""
    if path[-1] in WHOLE:
        return 0.0
    if path[-1] in SHARES:
        return LEAST_PAID
    if "outside" in path:
        return TOLERANCE * held[path[1]]
    if "b" in path:
        return TOLERANCE * money
    if "q" in path or "hedge" in path:
        return TOLERANCE * list(held.values())[path[-1]]
    return TOLERANCE if path[0] == "markets" else TOLERANCE * money


def on_a_knife_edge(case: Json, play: Play) -> bool:
    """Whether rounding decides the case: prices and marks changed in their last places change it.

    A limit equal to the mark, or equity of exactly zero, is found on this side or that by the order of additions.
    """
    result = play(case)
    return any(differences(case, result, play(shaken(case, seed))) for seed in range(SHAKES))


def shaken(case: Json, seed: int) -> Json:
    """The case with prices, marks and wallets changed in their last places."""
    rng, copied = random.Random(seed), copy.deepcopy(case)
    for market in copied["markets"]:
        market["noise"] = 1.0 + rng.uniform(-SHAKE, SHAKE)
        market["price"] = [price * (1.0 + rng.uniform(-SHAKE, SHAKE)) for price in market["price"]]
    for asset in copied.get("collateral", []):
        asset["price"] = [price * (1.0 + rng.uniform(-SHAKE, SHAKE)) for price in asset["price"]]
    for account in copied["accounts"]:
        account["cash"] *= 1.0 + rng.uniform(-SHAKE, SHAKE)
    return copied
