"""What the report says of books, marks and oracles, from a scenario as a user writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stress.report import rules
from stress.report.sections import _who_trades
from stress.scenario import load_scenario
from tests.scenario_text import REFERENCE, write


def canonical(folder: Path, **markets: tuple[str, str]) -> Any:
    """The reference scenario with a text of it replaced by another."""
    text = REFERENCE
    for old, new in markets.values():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return load_scenario(write(folder, text)).canonical


def test_a_pool_is_told_from_a_law(tmp_path: Path) -> None:
    pool = ("{type: power, depth: unlimited}", "{type: amm, reserve: 5M, half_life: 5m}")
    law, amm = rules.liquidity(canonical(tmp_path, book=pool), ["BTC", "ETH"], {"BTC": 120e6, "ETH": 20e6}).rows
    assert law[:4] == ("BTC", "$60.0M at 1%", "2", "0.5")
    assert amm == ("ETH", "$5.00M a side", "4", "constant product", "5 min", "none", "none")


def test_disturbed_oracles_are_listed(tmp_path: Path) -> None:
    oracle = "oracle: {outages: [{from: 6h, to: 8h}], spoofs: [{from: 2h, to: 3h, factor: 90%}]}"
    scenario = canonical(tmp_path, oracle=("oracle: {lag: 3s, heartbeat: 3s, deviation: 0%}", oracle))
    table = rules.disturbances(scenario, ["BTC", "ETH"])
    assert table is not None
    assert table.rows == (
        ("BTC", "stands still", "6 h", "8 h", "the last one taken"),
        ("BTC", "shows a false price", "2 h", "3 h", "0.9 times its own"),
    )
    assert rules.disturbances(canonical(tmp_path), ["BTC", "ETH"]) is None
    weaker = rules.disturbances(scenario | {"strength": 0.5}, ["BTC"])
    assert weaker is not None
    assert weaker.rows[1][4] == "0.9487 times its own"


def test_shocks_are_told_with_their_time_and_strength(tmp_path: Path) -> None:
    slow = ("jump: -10%, depth: 5%", "jump: -10%, over: 15m, depth: 5%")
    scenario = canonical(tmp_path, shocks=slow)
    table = rules.shocks(scenario)
    assert table is not None
    assert table.rows == (("6 h", "BTC", "-10% over 15 min", "0.05x", "3x", "20 min"),)
    weaker = rules.shocks(scenario | {"strength": 0.99})
    assert weaker is not None
    assert weaker.title == "Shocks put in by hand, at 0.99 times their strength"


def test_marks_are_said_with_their_numbers(tmp_path: Path) -> None:
    marks = canonical(
        tmp_path,
        one=("mark: {type: index}", "mark: {type: median3, half_life: 150s}"),
        other=("mark: book", "mark: {type: blend, index: 70%}"),
    )
    found = [row[1] for row in rules.marks(marks, ["BTC", "ETH"]).rows]
    assert found == ["median3 (half life 150 s)", "blend (index 70%)"]


def test_a_treasury_and_a_hedge_are_said_with_their_units() -> None:
    treasury = {"type": "treasury", "name": "auction", "token": "GOV", "units": 4e4, "discount": 0.4, "rate": 0.005}
    hedge = {"ratio": 0.8, "delay": 300.0, "cost": 0.0005, "band": 1e5, "pace": 1e6}
    fund = {"type": "insurance_fund", "name": "fund", "capital": 5e6, "hedge": hedge}
    rows = rules.layers({"pools": {"A": {"layers": [treasury, fund]}}}, ["A"]).rows
    assert rows[0][-1] == "token GOV; units 40,000; discount 40%; rate 0.5%"
    assert rows[1][-1] == "capital $5.00M; hedge (ratio 80%, delay 5 min, cost 0.05%, band $100k, pace $1.00M)"


def test_a_venue_against_a_pool_is_said_with_its_units() -> None:
    scenario = load_scenario("gmx-v2").canonical
    btc, _ = rules.liquidity(scenario, ["BTC", "ETH"], {"BTC": 60e6, "ETH": 50e6}).rows
    assert btc[:3] == ("BTC", "no book: the oracle's price", "")
    words = rules.layers(scenario, ["btc"]).rows[0][-1]
    assert "backing BTC 50%; profit cap above 85% down to 77%, paid 90% at most, by random" in words
    dydx = rules.liquidation(load_scenario("dydx-v4").canonical, ["main"]).rows
    assert dydx[0] == ("size", "paced (share 10%, least $1.00k, most $100k, every 1 s)")


def test_the_assumptions_say_who_trades() -> None:
    assert "does not trade" in _who_trades(load_scenario("minimal").canonical)
    assert "only in answer to margin calls" in _who_trades(load_scenario("margin-calls").canonical)


def test_what_traders_do_is_told(tmp_path: Path) -> None:
    scenario = load_scenario("margin-calls").canonical
    table = rules.margin_calls(scenario, ["main"])
    assert table is not None
    assert table.rows[0][:3] == ("main", "1.5 x maintenance", "2 x maintenance")
    assert table.rows[0][3] == "by 30% of owners after 30 min, at most 50% of the equity at the start"
    assert table.rows[0][4] == "by 30% of owners after 5 min"
    initial = rules.initial_margin(scenario, ["ALT"], {"ALT": 0.1})
    assert initial is not None
    assert initial.rows == (("ALT", "5%", "$25.0M", "$120M", "10%", "10x"),)
    assert rules.liquidity(scenario, ["ALT"], {"ALT": 30e6}).rows[0][-1] == (
        "makers' equity to the power 2, at least 10%"
    )
    quiet = canonical(tmp_path)
    assert rules.margin_calls(quiet, ["main"]) is None
    assert rules.initial_margin(quiet, ["BTC"], {}) is None


def test_regimes_factors_and_jumps_that_set_off_others_are_printed() -> None:
    states = [{"volatility": 0.9, "duration": 864_000.0}, {"volatility": 3.0, "duration": "forever"}]
    assert rules.shown("states", states) == "90% for 10 d, 300% for forever"
    found = rules.factors({"correlation": {"factors": {"market": {"A": 0.9}, "variance": {"B": 0.5}}}}, ["A", "B"])
    assert found is not None
    assert [list(row) for row in found.rows] == [["A", "0.9", "0"], ["B", "0", "0.5"]]
    mark = {"mean": -0.03, "std": 0.02, "probability": 1.0, "variance_jump": 0.5}
    excited = {"branching": 0.6, "half_life": 7_200.0}
    jump = {"name": "crash", "rate": 12.0, "correlation": 0.7, "marks": {"A": mark}, "self_excitation": excited}
    told = rules.jumps({"jumps": [jump]})
    assert told is not None
    assert "0.6 more, half of them within 2 h" in told.rows[0]
    assert told.headings[-1] == "Jump of variance"
