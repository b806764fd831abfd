"""What must not matter: the order of accounts, the unit of money, what happens elsewhere."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import naive
from tests.conformance import play
from tests.conformance.case import Json
from tests.following import scale_of
from tests.naive.compare import on_a_knife_edge
from tests.venues import FUND, LAYERS, SOCIALISE, VAULT, cases

EXAMPLES = settings(max_examples=150)

PRICES = frozenset({"price", "F", "mark", "low", "x", "max_displacement", "kappa", "maker_depth_low"})
"""Numbers of a market that do not grow with the venue."""

PAYERS = {"payers", "paid_top1_share", "paid_top10_share", "paid_top100_share", "paid_gini", "paid_gini_all"}
SHARES = frozenset(PAYERS | {"adl_top1_share", "adl_top10_share", "adl_top100_share"})
"""Numbers of a pool that do not."""

TIES = frozenset({"R_step"})
"""Two steps at which a layer has fallen equally far differ by rounding alone."""

WITHOUT_ADL = st.lists(st.one_of(FUND, VAULT, SOCIALISE), max_size=4)
HOMOGENEOUS_LAYERS = LAYERS.filter(lambda layers: all(layer.get("rank") != "binance" for layer in layers))
"""The score of `binance` has a wallet of at least one unit of money in it."""

UNNUMBERED_LAYERS = LAYERS.filter(lambda layers: all(layer.get("rank") != "random" for layer in layers))
"""The start of the rank `random` is drawn by the number of the market."""


def assert_same(found: Any, expected: Any, tolerance: float, where: str = "", relative: float = 1e-9) -> None:
    """Compare results number by number, within ``tolerance`` of money and ``relative`` of everything."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys(), where
        for key in expected.keys() - TIES:
            assert_same(found[key], expected[key], tolerance, f"{where}.{key}", relative)
    elif isinstance(expected, list):
        for n, value in enumerate(expected):
            assert_same(found[n], value, tolerance, f"{where}.{n}", relative)
    elif expected is None or isinstance(expected, str | int):
        assert found == expected, where
    else:
        np.testing.assert_allclose(found, expected, rtol=relative, atol=tolerance, err_msg=where)


def shortened(case: Json, points: int) -> Json:
    """The case up to its ``points``-th price."""
    markets = [{**m, "price": m["price"][:points], "sigma": m["sigma"][:points]} for m in case["markets"]]
    assets = [{**asset, "price": asset["price"][:points]} for asset in case["collateral"]]
    return {**case, "markets": markets, "collateral": assets}


def _renamed_layer(layer: Json) -> Json:
    caps = {"cap": {f"B{name}": most for name, most in layer["cap"].items()}} if "cap" in layer else {}
    return {**layer, "name": f"B{layer['name']}", **caps}


def renamed(case: Json) -> Json:
    """The case with other names for its markets, pools, layers and accounts."""
    pools = [
        {
            **pool,
            "name": f"B{pool['name']}",
            "layers": [_renamed_layer(layer) for layer in pool["layers"]],
        }
        for pool in case["pools"]
    ]
    accounts = [
        {
            "name": f"B{account['name']}",
            "pool": f"B{account['pool']}",
            "cash": account["cash"],
            "positions": {f"B{name}": position for name, position in account["positions"].items()},
            "collateral": {f"B{name}": held for name, held in account["collateral"].items()},
            "kind": account.get("kind", "trader"),
        }
        for account in case["accounts"]
    ]
    markets = [{**market, "name": f"B{market['name']}"} for market in case["markets"]]
    assets = [{**asset, "name": f"B{asset['name']}"} for asset in case["collateral"]]
    return {**case, "markets": markets, "pools": pools, "accounts": accounts, "collateral": assets}


def grown(case: Json, factor: float) -> Json:
    """The case with all units and all money times ``factor``."""
    case = copy.deepcopy(case)
    for market in case["markets"]:
        market["depth"] = None if market["depth"] is None else factor * market["depth"]
        market["tiers"] = [[factor * lower, rate] for lower, rate in market["tiers"]]
    for account in case["accounts"]:
        account["cash"] *= factor
        account["positions"] = {name: [factor * q, entry] for name, (q, entry) in account["positions"].items()}
        account["collateral"] = {name: factor * held for name, held in account["collateral"].items()}
    for pool in case["pools"]:
        pool["capacity"] = None if pool["capacity"] is None else factor * pool["capacity"]
        if "above" in pool["size"]:
            pool["size"] = {**pool["size"], "above": factor * pool["size"]["above"]}
        for layer in pool["layers"]:
            for key in {"cash", "floor", "equity_cap", "most"} & layer.keys():
                layer[key] *= factor
            if "cap" in layer:
                layer["cap"] = {market: factor * most for market, most in layer["cap"].items()}
            if "hedge" in layer:
                money = {key: factor * layer["hedge"][key] for key in {"band", "pace"} & layer["hedge"].keys()}
                layer["hedge"] = {**layer["hedge"], **money}
    return case


def in_units(result: Json, factor: float) -> Json:
    """The result with all units and all money times ``factor``; prices of markets stay."""

    def times(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: entry if name in SHARES else times(entry) for name, entry in value.items()}
        if isinstance(value, list):
            return [times(entry) for entry in value]
        return factor * value if isinstance(value, float) else value

    markets = {
        name: {key: value if key in PRICES else times(value) for key, value in market.items()}
        for name, market in result["markets"].items()
    }
    return {**times(result), "markets": markets}


@EXAMPLES
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_accounts_does_not_matter(case: Json, random: Any) -> None:
    shuffled = copy.deepcopy(case)
    random.shuffle(shuffled["accounts"])
    found, expected = play(shuffled), play(case)
    try:
        assert_same(found, expected, 1e-9 * scale_of(case))
    except AssertionError:
        if not on_a_knife_edge(case, naive.play):  # sums in another order may fall on the other side of one
            raise


@EXAMPLES
@given(cases(layers=WITHOUT_ADL))
def test_the_order_of_markets_does_not_matter_without_adl(case: Json) -> None:
    """ADL closes market after market, so there a winner's equity left for the second market depends on their order."""
    expected = play(case)
    found = play({**case, "markets": case["markets"][::-1]})
    for part in ("accounts", "layers"):
        for entry in found[part].values():
            for word in {"q", "hedge"} & entry.keys():
                entry[word] = entry[word][::-1]
    assert_same(found, expected, 1e-9 * scale_of(case))


@EXAMPLES
@given(cases(layers=UNNUMBERED_LAYERS), cases(layers=UNNUMBERED_LAYERS))
def test_venues_that_share_nothing_do_not_touch(one: Json, other: Json) -> None:
    """Two cases side by side, with markets and pools of their own: each ends as it does alone."""
    steps = min(len(case["markets"][0]["price"]) for case in (one, other))
    one, other = shortened(one, steps), renamed(shortened(other, steps))
    other |= {"max_rounds": one["max_rounds"], "seed": one["seed"]}
    together = {**one, **{part: one[part] + other[part] for part in ("markets", "accounts", "pools", "collateral")}}
    found = play(together)
    for case, first in ((one, 0), (other, len(one["markets"]))):
        expected = play(case)
        own = slice(first, first + len(case["markets"]))
        posted = 0 if case is one else len(one["collateral"])
        for part in ("accounts", "layers"):
            for name, entry in expected[part].items():
                for word in {"q", "hedge"} & entry.keys():
                    entry[word] = [0.0] * first + entry[word] + [0.0] * (len(together["markets"]) - own.stop)
                if part == "accounts":
                    after = len(together["collateral"]) - posted - len(case["collateral"])
                    entry["b"] = [0.0] * posted + entry["b"] + [0.0] * after
                assert_same(found[part][name], entry, 1e-9 * scale_of(case), name)
        for name, entry in expected["pools"].items():
            assert_same(found["pools"][name], entry, 1e-9 * scale_of(case), name)
        for name, entry in expected["markets"].items():
            outside = {
                pool: units for pool, units in found["markets"][name]["outside"].items() if pool in entry["outside"]
            }
            assert_same({**found["markets"][name], "outside": outside}, entry, 1e-9 * scale_of(case), name)


@EXAMPLES
@given(cases(layers=HOMOGENEOUS_LAYERS), st.sampled_from([4.0, 0.0625]))
def test_everything_grows_with_the_size_of_the_venue(case: Json, factor: float) -> None:
    """Units, depths and money times a factor, prices as they are: so are all results.

    By a power of two every rounding is the same; only the absolute part of dust and of the smallest fill is not.
    """
    expected, found = in_units(play(case), factor), play(grown(case, factor))
    for result in (expected, found):
        del result["max_rounds_seen"]  # ever smaller orders end at 1e-12 units, whatever the size of the venue
    assert_same(found, expected, 1e-9 * factor * scale_of(case))
