"""What traders do by themselves: cases by hand, draws that depend on nothing else, rules that cannot be meant."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stress.build import build
from stress.errors import InvalidInput
from stress.kernels.philox import MARGIN_CALL
from stress.kernels.traders import DELEVERAGE, TOP_UP
from stress.kernels.traders.calls import answers
from stress.scenario import load_scenario
from tests import naive
from tests.conformance import play
from tests.conformance.case import Json
from tests.following import scale_of
from tests.naive.traders import philox, uniform
from tests.scenario_text import REFERENCE, write
from tests.test_laws_trigger import walks

pytestmark = pytest.mark.interpreted

BOOK = {"depth": None, "delta": 1.0, "phi": 0.0, "half_life": None, "tiers": [[0, 0.1]]}


def one_long(prices: list[float], **rules: Any) -> Json:
    """A long of 1 unit bought at 100 with 20 of cash, 10 % maintenance; called under 1.5 times it, back to 2."""
    calls = {"under": 1.5, "target": 2.0, **rules}
    return {
        "markets": [{"name": "M", "price": prices, **BOOK}],
        "accounts": [{"name": "a", "pool": "P", "cash": 20.0, "positions": {"M": [1.0, 100.0]}}],
        "pools": [{"name": "P", "margin_calls": calls, "layers": []}],
    }


def outcome(case: Json) -> tuple[float, float, float, int]:
    """Equity and units of the account at the end, cash added, and whether it was liquidated."""
    result = play(case)
    account, pool = result["accounts"]["a"], result["pools"]["P"]
    return account["equity"], account["q"][0], pool["topped_up"], pool["liquidated"]


def test_cash_restores_the_target() -> None:
    """At 94 equity is 14 and maintenance 9.4: under 14.1, so 4.8 come to make 18.8."""
    added = {"probability": 1.0, "most": 1.0}
    assert outcome(one_long([100.0, 94.0], top_up=added)) == pytest.approx((18.8, 1.0, 4.8, 0))
    assert outcome(one_long([100.0, 94.2], top_up=added)) == pytest.approx((14.2, 1.0, 0.0, 0))


def test_cash_ends_with_the_reserve_and_nobody_pays_a_debt() -> None:
    """A tenth of 20 is 2, on the whole path; at 79 the account owes 1."""
    short = {"probability": 1.0, "most": 0.1}
    assert outcome(one_long([100.0, 94.0, 93.0], top_up=short)) == pytest.approx((15.0, 1.0, 2.0, 0))
    equity, units, added, liquidated = outcome(one_long([100.0, 79.0], top_up={"probability": 1.0, "most": 1.0}))
    assert (units, added, liquidated) == (0.0, 0.0, 1)
    assert equity == 0.0


def test_cash_comes_a_delay_after_the_call_and_may_be_late() -> None:
    """Called at step 1, answered at step 3; at 88.8 equity is 8.8 and maintenance 8.88: liquidated at step 2."""
    late = {"probability": 1.0, "most": 1.0, "delay": 2.0}
    assert outcome(one_long([100.0, 94.0, 94.0, 94.0], top_up=late)) == pytest.approx((18.8, 1.0, 4.8, 0))
    assert outcome(one_long([100.0, 94.0, 94.0], top_up=late))[2] == 0.0
    assert outcome(one_long([100.0, 94.0, 88.8, 94.0], top_up=late))[1:] == (0.0, 0.0, 1)


def test_an_owner_reduces_to_the_target() -> None:
    """At 94 equity of 14 carries 14 / (2 * 9.4) of the position; sold at the mark, nothing is lost, no fee is paid."""
    case = one_long([100.0, 94.0], deleverage={"probability": 1.0})
    case["pools"][0]["fee"] = {"rate": 0.01}
    result = play(case)
    kept = 14.0 / 18.8
    assert outcome(case) == pytest.approx((14.0, kept, 0.0, 0))
    assert result["pools"]["P"]["reduced_notional"] == pytest.approx((1.0 - kept) * 94.0)
    assert result["pools"]["P"]["fees"] == 0.0
    assert result["markets"]["M"]["outside"]["P"] == pytest.approx(-kept)


def test_own_orders_move_the_book_that_others_are_sold_into() -> None:
    case = one_long([100.0, 94.0], deleverage={"probability": 1.0})
    case["markets"][0] |= {"depth": 10.0, "y": 0.01}
    assert play(case)["markets"]["M"]["price"] < 94.0
    assert play(one_long([100.0, 94.0], top_up={"probability": 1.0, "most": 1.0}))["markets"]["M"]["price"] == 94.0


def test_depth_follows_the_equity_of_makers() -> None:
    """The maker's 20 fall to 15 at step 1, which step 2 quotes by: (15 / 20)^2; to 4 and the floor at step 3."""
    case = one_long([100.0, 95.0, 84.0, 84.0])
    case["accounts"][0]["kind"] = "market_maker"
    case["pools"][0] |= {"margin_calls": None, "latency": 9}
    case["markets"][0] |= {"depth": 8.0, "makers": {"elasticity": 2.0, "floor": 0.25}}
    for end, factor in ((2, 1.0), (3, 0.5625), (4, 0.25)):
        shorter = copy.deepcopy(case)
        shorter["markets"][0]["price"] = case["markets"][0]["price"][:end]
        found = play(shorter)["markets"]["M"]
        assert found["depth"] == pytest.approx(8.0 * factor)
        assert found["maker_depth_low"] == pytest.approx(factor)


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**31), st.integers(0, 2**48 - 1), st.floats(0, 1), st.floats(0, 1))
def test_draws_are_those_of_the_generator(seed: int, path: int, place: int, top_up: float, deleverage: float) -> None:
    """Seed, path and name alone decide; Philox in whole numbers says the same."""
    words = philox((path, place % 2**32, place // 2**32, int(MARGIN_CALL)), seed)
    expected = TOP_UP * (uniform(*words[:2]) < top_up) + DELEVERAGE * (uniform(*words[2:]) < deleverage)
    assert answers(seed, path, place / 2**48, top_up, deleverage) == expected


def test_draws_come_with_their_probability_and_independently() -> None:
    bits = np.array([answers(7, path, 0.3, 0.3, 0.6) for path in range(4_000)])
    adds, reduces = bits & TOP_UP != 0, bits & DELEVERAGE != 0
    for found, chance in ((adds, 0.3), (reduces, 0.6), (adds & reduces, 0.18)):
        assert abs(found.mean() - chance) < 4.0 * np.sqrt(chance * (1.0 - chance) / bits.size)


@settings(max_examples=15)
@given(walks(st.integers(3, 40)), st.sampled_from([1.1, 2.0, 6.0]), st.sampled_from([0.0, 7.0]))
def test_calls_are_found_as_by_a_full_scan(case: Json, under: float, delay: float) -> None:
    """Of 60 small steps most are passed over; the second implementation looks at everybody in each."""
    answer = {"probability": 0.6, "delay": delay}
    calls = {"under": under, "target": 1.2 * under, "top_up": {**answer, "most": 0.3}, "deleverage": answer}
    case["pools"][0]["margin_calls"] = calls
    found, expected = play(case), naive.play(case)
    # Orders follow from equity and equity from their prices, so rounding grows: to 3e-9 of money at the worst seen.
    money = 1e-8 * scale_of(case)
    for name, account in expected["accounts"].items():
        assert found["accounts"][name]["q"] == pytest.approx(account["q"], rel=1e-8)
        assert found["accounts"][name]["a"] == pytest.approx(account["a"], rel=0.0, abs=money)
    for word in ("topped_up", "reduced_notional"):
        assert found["pools"]["P0"][word] == pytest.approx(expected["pools"]["P0"][word], rel=0.0, abs=money)


CALLS = "    margin_calls: {under: 1.5, target: 2, top_up: {probability: 30%, delay: 30m}}\n    liquidation:\n"
MAKERS = "      permanent: 10%\n      makers: {elasticity: 0.5, floor: 20%}\n"


def scenario(folder: Path, *changes: tuple[str, str]) -> Path:
    text = REFERENCE
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return write(folder, text)


def test_a_scenario_says_who_acts(tmp_path: Path) -> None:
    """The kernel's makers are the accounts called so, and the accounts' names decide the draws."""
    file = scenario(tmp_path, ("    liquidation:\n", CALLS), ("      permanent: 10%\n", MAKERS))
    plan = build(load_scenario(file))
    pool, btc, eth = plan.venue.pools[0], *plan.venue.markets.each
    assert (pool.call_level, pool.call_target, pool.top_up_delay, pool.deleverage_probability) == (1.5, 2.0, 30, 0.0)
    assert (btc.maker_elasticity, btc.maker_floor, eth.maker_elasticity) == (0.5, 0.2, 0.0)
    names = [plan.account_names[i] for i in plan.venue.markets.makers[btc.maker_first : btc.maker_last]]
    assert sorted(names) == [f"mm-{k:03d}" for k in range(1, 21)]
    assert eth.maker_first == eth.maker_last == len(plan.venue.markets.makers)
    assert len(set(plan.venue.book.accounts["circle"])) == plan.venue.book.accounts.size


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((CALLS.replace("target: 2", "target: 1.5")), "must be at least 1.01 times under"),
        ((CALLS.replace(", top_up: {probability: 30%, delay: 30m}", "")), "nobody would answer"),
        ((CALLS.replace("under: 1.5", "under: 1")), "must be more than 1"),
    ],
)
def test_calls_that_cannot_be_meant(tmp_path: Path, change: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        load_scenario(scenario(tmp_path, ("    liquidation:\n", change)))


def test_makers_that_are_not_there_are_a_mistake(tmp_path: Path) -> None:
    write(tmp_path, "account,market,quantity,entry_price\na,BTC,1,120000\n", "positions.csv")
    drawn = REFERENCE[REFERENCE.index("      synthetic:") : REFERENCE.index("    liquidation:")]
    file = scenario(tmp_path, ("      permanent: 10%\n", MAKERS), (drawn, "      accounts: positions.csv\n"))
    with pytest.raises(InvalidInput, match="no account of kind market_maker holds a position in BTC"):
        build(load_scenario(file))
