"""A liquidity pool as everybody's counterparty, orders at a pace, and a fund that stands behind fills."""

from __future__ import annotations

import copy
import math
from pathlib import Path

import pytest

from stress.book import load_books
from stress.build import build
from stress.errors import InvalidInput, UsageError
from stress.manifest import sizing_identity
from stress.reverse.target import target_of
from stress.scenario import load_scenario
from tests import conformance
from tests.conformance.case import Json

pytestmark = pytest.mark.interpreted


def venue(prices: list[float], accounts: dict[str, tuple[float, float, float]], layers: list[Json]) -> Json:
    """A case: one market without a book, accounts given by cash, quantity and entry."""
    market = {"name": "M", "price": prices, "depth": None, "liquidity": "oracle", "tiers": [[0.0, 0.01]]}
    people = [
        {"name": name, "pool": "A", "cash": cash, "positions": {"M": [quantity, entry]}}
        for name, (cash, quantity, entry) in accounts.items()
    ]
    return {"markets": [market], "accounts": people, "pools": [{"name": "A", "layers": layers}]}


def pool(cash: float, **rules: object) -> Json:
    return {"type": "liquidity_pool", "name": "P", "cash": cash, **rules}


TRADERS = {"long": (50_000.0, 100.0, 1_000.0), "short": (20_000.0, -40.0, 1_000.0), "high": (2_000.0, 50.0, 1_000.0)}


@pytest.mark.parametrize("last", [700.0, 970.0, 1_200.0, 1_600.0])
def test_what_accounts_win_the_pool_loses(last: float) -> None:
    """Without fees the pool and its accounts have together what they began with, and nobody else anything."""
    found = conformance.play(venue([1_000.0, 990.0, last], TRADERS, [pool(300_000.0)]))
    held = sum(account["equity"] for account in found["accounts"].values())
    assert held + found["layers"]["P"]["equity"] == pytest.approx(300_000.0 + 72_000.0, rel=1e-12)
    assert found["markets"]["M"]["outside"]["A"] == 0.0
    net = sum(account["q"][0] for account in found["accounts"].values())
    assert found["layers"]["P"]["q"][0] == pytest.approx(-net, abs=1e-9)


def test_the_pool_bears_what_a_closed_account_owes() -> None:
    """50 units long with 2,000: closed at 900 they owe 3,000, and the pool wins 2,000 of the 5,000."""
    found = conformance.play(venue([1_000.0, 900.0], {"high": TRADERS["high"]}, [pool(300_000.0)]))
    assert found["pools"]["A"]["bad_debt"] == pytest.approx(3_000.0)
    assert found["layers"]["P"]["equity"] == pytest.approx(302_000.0)
    assert found["layers"]["P"]["q"] == [0.0]


def test_a_pool_under_its_floor_leaves_debts_unpaid() -> None:
    """The long has won 100 x 200 of 10,000 when the price is back under the entry of the other long, all at once."""
    accounts = {"short": (1_000.0, -40.0, 1_000.0), "long": (50_000.0, 100.0, 1_000.0)}
    found = conformance.play(venue([1_000.0, 1_200.0], accounts, [pool(10_000.0)]))
    assert found["pools"]["A"]["residual"] == pytest.approx(7_000.0)
    assert found["layers"]["P"]["equity"] == pytest.approx(10_000.0 - 20_000.0 + 8_000.0)


def test_backed_longs_win_what_their_asset_does() -> None:
    """100 long against 100 units held: what the longs win when the price doubles, the units do."""
    accounts = {"long": (50_000.0, 100.0, 1_000.0)}
    found = conformance.play(venue([1_000.0, 2_000.0], accounts, [pool(150_000.0, backing={"M": 100.0})]))
    assert found["layers"]["P"]["equity"] == pytest.approx(150_000.0)
    assert found["layers"]["P"]["hedge"] == [100.0]
    assert found["markets"]["M"]["outside"]["A"] == pytest.approx(-100.0)


@pytest.mark.parametrize("rank", ["profit", "random", "pro_rata_profit", "pro_rata_contracts"])
def test_winners_are_closed_down_to_the_lower_ratio(rank: str) -> None:
    """Longs of 100 have won 90,000 of 100,000: 0.9 > 0.85; closing P with (90 - P) / (100 - P) = 0.77 leaves 0.77."""
    cap = {"above": 0.85, "to": 0.77, "rank": rank}
    accounts = {"a": (50_000.0, 60.0, 1_000.0), "b": (50_000.0, 40.0, 1_000.0)}
    found = conformance.play(venue([1_000.0, 1_900.0], accounts, [pool(100_000.0, profit_cap=cap)]))
    won = sum(900.0 * account["q"][0] for account in found["accounts"].values())
    closed = (90_000.0 - 0.77 * 100_000.0) / (1.0 - 0.77)
    assert won == pytest.approx(90_000.0 - closed)
    assert won / (found["layers"]["P"]["equity"] + won) == pytest.approx(0.77)
    assert found["pools"]["A"]["adl_notional"] == pytest.approx(closed / 900.0 * 1_900.0)
    assert found["pools"]["A"]["adl_haircut"] == 0.0
    if rank == "profit":
        assert found["accounts"]["a"]["q"] == [0.0]


def test_a_side_is_paid_no_more_than_the_payout() -> None:
    """Longs have won 120,000 of 100,000: everybody closed is paid 90/120 of it, and the pool never loses more."""
    cap = {"above": 0.85, "to": 0.77, "payout": 0.9, "rank": "profit"}
    case = venue([1_000.0, 2_200.0], {"a": (50_000.0, 100.0, 1_000.0)}, [pool(100_000.0, profit_cap=cap)])
    found = conformance.play(case)
    closed = (120_000.0 - 77_000.0) / (1.0 - 0.77 * 0.75)
    assert found["pools"]["A"]["adl_haircut"] == pytest.approx(0.25 * closed)
    assert found["accounts"]["a"]["q"][0] == pytest.approx(100.0 - closed / 1_200.0)
    again = conformance.play(
        venue([1_000.0, 2_200.0, 2_200.0], {"a": (50_000.0, 100.0, 1_000.0)}, case["pools"][0]["layers"])
    )
    assert again["accounts"]["a"]["q"] == found["accounts"]["a"]["q"]


def test_long_winners_are_paid_out_of_their_asset() -> None:
    """Backed by 50 units worth 100,000 they have won 100,000: the ratio is that to the units, shorts' to the money."""
    cap = {"above": 0.85, "to": 0.5, "rank": "profit"}
    layers = [pool(100_000.0, backing={"M": 50.0}, profit_cap=cap)]
    found = conformance.play(venue([1_000.0, 2_000.0], {"a": (50_000.0, 100.0, 1_000.0)}, layers))
    closed = (100_000.0 - 50_000.0) / (1.0 - 0.5)
    assert closed == 100_000.0
    assert found["accounts"]["a"]["q"] == [0.0]
    assert found["layers"]["P"]["hedge"] == pytest.approx([0.0], abs=1e-9)
    assert found["layers"]["P"]["equity"] == pytest.approx(50_000.0)


def test_orders_at_a_pace() -> None:
    """1 M at 10 % a second and 100,000 at most: three seconds close 271,000 of it, cut to what is allowed in them."""
    size = {"type": "paced", "share": 0.1, "least": 1_000.0, "most": 80_000.0, "every": 1.0}
    market = {"name": "M", "price": [1_000.0, 1_000.0], "depth": None, "tiers": [[0.0, 0.01]]}
    for dt, most, sent in [(1.0, 80_000.0, 80_000.0), (3.0, 100_000.0, 271_000.0), (3.0, 50_000.0, 150_000.0)]:
        case = {"dt": dt, "markets": [market], "pools": [{"name": "A", "size": {**size, "most": most}, "layers": []}]}
        case["accounts"] = [{"name": "a", "pool": "A", "cash": 5_000.0, "positions": {"M": [1_000.0, 1_000.0]}}]
        assert conformance.play(case)["pools"]["A"]["liquidated_notional"] == pytest.approx(sent)


def test_small_positions_close_at_once() -> None:
    """Of 1,500 an interval closes 1,000 and not a tenth; of 900 all."""
    market = {"name": "M", "price": [1_000.0, 1_000.0], "depth": None, "tiers": [[0.0, 0.01]]}
    size = {"type": "paced", "share": 0.1, "least": 1_000.0, "most": 100_000.0, "every": 1.0}
    for units, sent in [(1.5, 1_000.0), (0.9, 900.0)]:
        account = {"name": "a", "pool": "A", "cash": 1.0, "positions": {"M": [units, 1_000.0]}}
        case = {"markets": [market], "accounts": [account], "pools": [{"name": "A", "size": size, "layers": []}]}
        assert conformance.play(case)["pools"]["A"]["liquidated_notional"] == pytest.approx(sent)


def guaranteed(cash: float, fund: float) -> Json:
    """10 units at 1,000 with ``cash``, a tenth of which is sold at 980, into a fund that stands behind fills."""
    market = {"name": "M", "price": [1_000.0, 980.0], "depth": None, "tiers": [[0.0, 0.01]]}
    market["oracle"] = {"frozen": [[0.0, 9.0]]}
    account = {"name": "a", "pool": "A", "cash": cash, "positions": {"M": [10.0, 1_000.0]}}
    layer = {"type": "insurance_fund", "name": "F", "cash": fund, "guarantees_fills": True, "cap": {"M": 0.0}}
    rules: Json = {"name": "A", "size": {"type": "paced", "share": 0.1, "every": 1.0}, "layers": [layer]}
    rules["layers"].append({"type": "adl", "name": "D", "rank": "profit", "when": "unfilled"})
    winner = {"name": "w", "pool": "A", "cash": 50_000.0, "positions": {"M": [-10.0, 1_000.0]}}
    return {"markets": [market], "accounts": [account, winner], "pools": [rules]}


@pytest.mark.parametrize(("cash", "paid"), [(50.0, 15.0), (0.0, 20.0), (-30.0, 23.0)])
def test_the_fund_pays_what_a_fill_falls_short_of_the_bankruptcy_price(cash: float, paid: float) -> None:
    """With 50 the bankruptcy price is 995, and the unit sold at 980 costs the fund 15; the ratio of the rest stands."""
    found = conformance.play(guaranteed(cash, 1_000.0))
    assert found["pools"]["A"]["bad_debt"] == pytest.approx(paid)
    assert found["layers"]["F"]["paid"] == pytest.approx(paid)
    assert found["accounts"]["a"]["equity"] == pytest.approx(0.9 * cash, abs=1e-9)
    assert found["pools"]["A"]["adl_notional"] == 0.0


def test_who_is_not_paid_whole_is_deleveraged() -> None:
    """A fund of 5 pays a quarter of 20; the account, 15 in debt, is closed against the winner at 1,000 + 15/9."""
    found = conformance.play(guaranteed(0.0, 5.0))
    assert found["layers"]["F"]["paid"] == pytest.approx(5.0)
    assert found["layers"]["F"]["first_decline"] == 1
    assert found["accounts"]["a"]["q"] == [0.0]
    assert found["pools"]["A"]["adl_haircut"] == pytest.approx(15.0)


@pytest.mark.parametrize(("cash", "closed"), [(100_000.0, 0.0), (45_500.0, 43_750.0)])
def test_a_losers_loss_counts_until_he_is_closed(cash: float, closed: float) -> None:
    """A profit of 50,000 less a loss of 45,000 is a sixth of 30,000; when the loser is gone, 50,000 of 75,000."""
    cap = {"above": 0.4, "to": 0.2, "rank": "profit"}
    accounts = {"winner": (50_000.0, 100.0, 1_000.0), "loser": (cash, 50.0, 2_400.0)}
    found = conformance.play(venue([1_000.0, 1_500.0], accounts, [pool(100_000.0, profit_cap=cap)]))
    assert found["pools"]["A"]["adl_notional"] == pytest.approx(closed / 500.0 * 1_500.0)


SCENARIO = """\
format: 1
name: pool
run: {paths: 1, horizon: 1h, step: 1m, seed: 1}
markets:
  X:
    price: 100
    model: {type: gbm, volatility: 80%}
    liquidity: oracle
    margin: {tiers: [{from: 0, maintenance: 1%}]}
pools:
  main:
    book: {synthetic: {accounts: 50, open_interest: {X: 1M}, long_share: 60%, market_makers: {count: 0}}}
    layers: [LAYER]
"""


def scenario(tmp_path: Path, layer: str) -> Path:
    file = tmp_path / "pool.yaml"
    file.write_text(SCENARIO.replace("LAYER", layer), encoding="utf-8")
    return file


def test_what_a_scenario_says_of_a_pool_reaches_the_kernels(tmp_path: Path) -> None:
    cap = "{above: 60%, to: 50%, payout: 70%, rank: random}"
    text = f"{{type: liquidity_pool, capital: 2M, backing: {{X: 30%}}, profit_cap: {cap}}}"
    loaded = load_scenario(scenario(tmp_path, text))
    plan = build(loaded)
    layer, held = plan.venue.layers[0], plan.venue.caps[0]
    assert (layer.profit_above, layer.profit_to, layer.profit_payout) == (0.6, 0.5, 0.7)
    assert (held.market, held.most, held.backing) == (0, math.inf, 6_000.0)
    assert plan.venue.pools[0].counterparty == 0
    assert plan.venue.pools[0].first_fund == 0
    assert not sizing_identity(loaded.canonical["pools"])
    positions, notes = load_books(loaded.scenario, loaded.locate)
    assert abs(positions.quantity.sum()) > 0.0
    assert notes == []


@pytest.mark.parametrize(
    ("layer", "complaint"),
    [
        ("{type: liquidity_pool, capital: 1M, backing: {Y: 30%}}", "unknown market 'Y'"),
        ("{type: liquidity_pool, capital: 1M, backing: {X: 130%}}", "130%"),
        ("{type: liquidity_pool, capital: 1M, floor: 2M}", "is under the floor"),
        ("{type: liquidity_pool, capital: unlimited}", "capital"),
        ("{type: liquidity_pool, capital: 1M, profit_cap: {above: 50%, to: 60%}}", "must be less than above"),
        (
            "{type: liquidity_pool, capital: 1M, profit_cap: {above: 90%, to: 80%, payout: 130%}}",
            "must be less than 1 / to",
        ),
        (
            "{type: liquidity_pool, capital: 1M}, {type: liquidity_pool, name: b, capital: 1M}",
            "one liquidity_pool at most",
        ),
    ],
)
def test_what_makes_no_sense_is_told(tmp_path: Path, layer: str, complaint: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        load_scenario(scenario(tmp_path, layer))
    assert complaint in str(caught.value)


@pytest.mark.parametrize("cap", [True, False])
def test_a_cap_on_profits_counts_as_auto_deleveraging(tmp_path: Path, cap: bool) -> None:
    layer = "{type: liquidity_pool, capital: 1M" + (", profit_cap: {above: 85%, to: 77%}}" if cap else "}")
    plan = build(load_scenario(scenario(tmp_path, layer)))
    if cap:
        assert target_of("adl", None, plan).kind == "adl"
    else:
        with pytest.raises(UsageError, match="no auto-deleveraging"):
            target_of("adl", None, plan)


def test_a_spoofed_oracle_moves_what_orders_are_filled_at() -> None:
    """There is no book to trade in: who is liquidated on a false price is closed at it, and the pool keeps the rest."""
    case = venue([1_000.0, 1_000.0], {"long": TRADERS["long"]}, [pool(300_000.0)])
    spoofed = copy.deepcopy(case)
    spoofed["markets"][0]["oracle"] = {"spoof": [[1.0, 2.0, 0.5]]}
    found = conformance.play(spoofed)
    assert found["accounts"]["long"]["q"] == [0.0]
    assert found["pools"]["A"]["book_fills"] == pytest.approx(50_000.0)
    assert conformance.play(case)["pools"]["A"]["liquidated"] == 0
