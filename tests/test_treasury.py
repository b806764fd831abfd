"""A treasury that pays debts by selling a token: what it bears, when it sells, and what it leaves to others."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stress.build.layers import first_funds, layers_of, waterfall
from stress.errors import MeaninglessInput
from stress.kernels.layers import TREASURY
from stress.kernels.structs import Clock
from stress.manifest import sizing_identity
from stress.scenario import load_scenario
from tests.conformance import play
from tests.conformance.case import Json
from tests.following import DUST, follow, layer_column, scale_of
from tests.naive.furnish import furnished
from tests.scenario_text import write
from tests.test_laws_ledger import cash, units
from tests.venues import LIQUIDATION, cases

pytestmark = pytest.mark.interpreted

EXAMPLES = settings(max_examples=60)
AT_ANY_PRICE = LIQUIDATION.map(lambda rules: {**rules, "limit": {"type": "none"}, "capacity": None})
"""Insolvent accounts end flat, which is what a treasury pays for."""
FURNISHED = st.builds(furnished, cases(liquidation=AT_ANY_PRICE), st.integers(0, 2**32))


def treasury(**rules: Any) -> Json:
    """Treasury with 100 tokens, which sells them down to half their worth."""
    return {"type": "treasury", "name": "T", "token": "TOK", "units": 100.0, "discount": 0.5, **rules}


def crash(layers: list[Json], token: list[float] | None = None, **book: Any) -> Json:
    """A long of 10 units, closed at 70, leaves a debt of 200; a token of 10 in a constant product of 100."""
    steps = 5
    pool = {"liquidity": "amm", "reserve": 100.0, "depth": None, "half_life": None, "tiers": [[0, 0.0]]}
    btc = {"name": "BTC", "price": [100.0, *[70.0] * (steps - 1)], "depth": None, "tiers": [[0, 0.01]]}
    return {
        "dt": 1.0,
        "markets": [btc, {"name": "TOK", "price": token or [10.0] * steps, **pool, **book}],
        "accounts": [
            {"name": "long", "pool": "A", "cash": 100.0, "positions": {"BTC": [10.0, 100.0]}},
            {"name": "short", "pool": "A", "cash": 900.0, "positions": {"BTC": [-10.0, 100.0]}},
        ],
        "pools": [{"name": "A", "layers": [{"name": f"L{n}", **layer} for n, layer in enumerate(layers)]}],
    }


def of_treasury(case: Json) -> Json:
    result: Json = play(case)["layers"]["T"]
    return result


def test_it_bears_what_its_tokens_cover_and_leaves_the_rest() -> None:
    """30 tokens at half of 10 cover 150, the next layer gets the rest. 1000 n / (100 + n) = 150: n = 300 / 17."""
    found = play(crash([treasury(units=30.0), {"type": "socialise", "rule": "equity"}]))
    assert found["layers"]["T"]["paid"] == pytest.approx(150.0)
    assert found["layers"]["T"]["first_decline"] == 1
    assert found["pools"]["A"]["socialised"] == pytest.approx(50.0)
    assert found["layers"]["T"]["tokens_sold"] == pytest.approx(300.0 / 17.0)


def test_who_holds_a_position_is_not_its_business() -> None:
    """The order finds no buyer at its limit, the account stays open, and ADL closes it."""
    case = crash([treasury(), {"type": "adl", "rank": "profit", "price": "bankruptcy"}])
    case["pools"][0]["limit"] = {"type": "slippage", "cap": 0.0}
    case["markets"][0].update(depth=1e-6, y=0.01)
    found = play(case)
    assert found["layers"]["T"]["paid"] == 0.0
    assert found["pools"]["A"]["adl_paid"] == pytest.approx(200.0)


@pytest.mark.parametrize(
    ("rules", "held"),
    [
        ({}, [100, 75, 75, 75, 75]),
        ({"delay": 2.0}, [100, 100, 100, 75, 75]),
        ({"rate": 60 * 0.1}, [100, 90, 80, 75, 75]),
        ({"floor_price": 9.0}, [100, 100 - 100 * (9**-0.5 * 10**0.5 - 1)] + 3 * [100 - 100 * (9**-0.5 * 10**0.5 - 1)]),
        ({"floor_price": 10.5}, [100, 100, 100, 100, 100]),
    ],
    ids=["at once", "delay", "rate", "floor price", "under its floor price"],
)
def test_when_it_sells(rules: Json, held: list[float]) -> None:
    """25 tokens bring the 200; in a book that does not recover a floor price of 9 lets it sell until it is there."""
    states = follow(crash([treasury(**rules)])).states
    assert [float(state.layers.each[0].tokens) for state in states] == pytest.approx(held)


def test_what_it_has_borne_and_not_raised_is_open() -> None:
    found = play(crash([treasury(delay=9.0), {"type": "socialise", "rule": "equity"}]))
    assert found["pools"]["A"]["bad_debt"] == pytest.approx(200.0)
    assert found["pools"]["A"]["residual_open"] == pytest.approx(200.0)
    assert found["layers"]["T"]["equity"] == pytest.approx(-200.0)
    assert found["pools"]["A"]["socialised"] == 0.0


def test_a_token_that_falls_leaves_the_debt_to_later_layers() -> None:
    """Borne at 10 and sold at 1: 100 tokens bring 1000 * 100 / 1100 in all, and the rest is shared."""
    layers = [treasury(discount=0.75, delay=1.0), {"type": "socialise", "rule": "equity"}]
    found = play(crash(layers, [10.0, 10.0, 1.0, 1.0, 1.0], reserve=1_000.0))
    raised = 1_000.0 / 11.0
    assert found["layers"]["T"]["paid"] == pytest.approx(200.0)
    assert found["layers"]["T"]["raised"] == pytest.approx(raised)
    assert found["layers"]["T"]["equity"] == pytest.approx(0.0)
    assert found["pools"]["A"]["socialised_for_layers"] == pytest.approx(200.0 - raised, abs=1e-9)
    assert found["pools"]["A"]["bad_debt"] == pytest.approx(200.0)


def test_debts_of_a_failed_vault_are_paid_too() -> None:
    """The vault sells what it took at a loss of 37.28 (case vault_debt_is_shared); the treasury bears it."""
    vault = {"type": "backstop_vault", "cash": 0.0, "share": 1.0, "unwind": {"type": "twap", "half_life": 0.0}}
    case = crash([vault, treasury()])
    case["pools"][0]["limit"] = {"type": "slippage", "cap": 0.0}
    case["accounts"][0]["cash"] = 60.0
    case["markets"][0].update(price=[100.0, *[94.9] * 4], depth=1.0, y=0.01)
    found = play(case)["layers"]
    assert found["T"]["paid_for_layers"] == pytest.approx(37.2832761488224)
    assert found["T"]["raised"] == pytest.approx(37.2832761488224)
    assert found["L0"]["equity"] == pytest.approx(0.0)


@EXAMPLES
@given(FURNISHED)
def test_cash_and_tokens_are_conserved(case: Json) -> None:
    """What treasuries have sold is with the outside traders of their pools."""
    for pool in case["pools"]:
        pool["layers"] = [layer for layer in pool["layers"] if layer["type"] != "shared_fund"]
    venue, states = follow(case)
    scale, start = scale_of(case), cash(venue, states[0])
    for state in states:
        np.testing.assert_allclose(cash(venue, state), start, rtol=0.0, atol=DUST * scale)
        held = units(venue, state) - units(venue, states[0])
        for k, layer in enumerate(venue.layers):
            if layer.kind == TREASURY:
                held[layer.pool, layer.token] -= layer.token_units - state.layers.each[k].tokens
        np.testing.assert_allclose(held * state.market["mark"], 0.0, rtol=0.0, atol=DUST * scale)
        raised = layer_column(state, "paid") + layer_column(state, "paid_for_layers") - layer_column(state, "raised")
        for k in np.flatnonzero(venue.layers["kind"] == TREASURY):
            assert -state.layers.each[k].cash <= raised[k] + DUST * scale


@EXAMPLES
@given(FURNISHED)
def test_the_price_of_a_sale_keeps_to_its_limits(case: Json) -> None:
    found = play(case)["layers"]
    for pool in case["pools"]:
        for layer in pool["layers"]:
            if layer["type"] == "treasury" and found[layer["name"]]["token_low"] is not None:
                assert found[layer["name"]]["token_low"] >= layer["floor_price"] * (1.0 - 1e-9)
                assert found[layer["name"]]["tokens_sold"] <= layer["units"] * (1.0 + 1e-9)


def test_more_tokens_never_leave_more_unpaid() -> None:
    """In one check and a token nobody else trades: what later layers get falls with the tokens."""
    shared = []
    for supply in (0.001, 10.0, 20.0, 30.0, 50.0):
        case = crash([treasury(units=supply), {"type": "socialise", "rule": "equity"}])
        for market in case["markets"]:
            market["price"] = market["price"][:2]
        shared.append(play(copy.deepcopy(case))["pools"]["A"]["socialised"])
    assert shared == sorted(shared, reverse=True)
    assert shared[-1] == pytest.approx(0.0, abs=1e-9)


HEAD = """\
format: 1
name: treasury
run: {paths: 10, horizon: 1h, step: 5m, seed: 1}
markets:
  X: &x
    price: 100
    model: {type: gbm, volatility: 80%}
    liquidity: {type: power, depth: unlimited}
    margin: {tiers: [{from: 0, maintenance: 1%}]}
  TOK:
    instrument: spot
    price: 10
    model: {type: gbm, volatility: 120%}
    liquidity: {type: amm, reserve: 1M, half_life: 1h}
  GOLD: {instrument: spot, price: 10, model: {type: gbm, volatility: 20%}}
pools:
"""
POOL = "  {}: {{book: {{synthetic: {{accounts: 10, open_interest: {{X: 1M}}}}}}, layers: [{}]}}\n"
SELLS = "{type: treasury, token: TOK, units: 1000, discount: 30%, floor_price: 2, delay: 12m, rate: 5%}"


def test_a_treasury_is_read(tmp_path: Path) -> None:
    fund = "{type: insurance_fund, capital: 1}"
    loaded = load_scenario(write(tmp_path, HEAD + POOL.format("a", f"{SELLS}, {fund}")))
    layers = waterfall(list(loaded.scenario.pools.values()))
    first, second = layers_of(layers, 1, Clock(12, 1, 300.0), ("X", "TOK", "GOLD"))
    assert (first.token, first.token_units, first.token_discount, first.token_floor) == (1, 1_000.0, 0.3, 2.0)
    assert (first.token_delay, first.token_pace, second.token) == (3, 0.25, -1)
    assert first_funds(layers, 1).tolist() == [1]
    assert sizing_identity(loaded.canonical["pools"])


@pytest.mark.parametrize(
    ("pools", "complaint"),
    [
        ([SELLS.replace("TOK", "TOC")], "unknown market 'TOC'"),
        ([SELLS.replace("TOK", "X")], "X is a contract; a treasury sells an asset (instrument: spot)"),
        ([SELLS.replace("TOK", "GOLD")], "GOLD has no liquidity: there is no book to sell it into"),
        ([SELLS, SELLS], "TOK is sold by the treasury 'treasury' of pool a already"),
    ],
)
def test_meaningless_treasuries(tmp_path: Path, pools: list[str], complaint: str) -> None:
    text = HEAD + "".join(POOL.format(name, layers) for name, layers in zip("ab", pools, strict=False))
    with pytest.raises(MeaninglessInput) as caught:
        load_scenario(write(tmp_path, text))
    assert complaint in str(caught.value)
