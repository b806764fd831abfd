"""Sizing of whole runs: figures against the tables, edge cases, words, the command."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

import stress
from stress.cli import main
from stress.errors import ExitCode, UsageError
from stress.sizing import Estimate, size
from stress.sizing.words import clock, duration, level, money, money_estimate, odds, percent, rate, sharper
from tests import fake_run
from tests.fake_run import Fake


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two pools and two markets."""
    return fake_run.write(tmp_path_factory.mktemp("run"), Fake(pools=("main", "alts")))


def test_figures_are_those_of_the_tables(folder: Path) -> None:
    run = stress.load(folder)
    sizing = size(run)
    assert [pool.pool for pool in sizing.pools] == ["main", "alts"]
    rows = run.paths[run.paths["pool"] == "alts"]
    pool = sizing.pools[1]
    debt = pool.loss("bad_debt")
    assert debt is not None
    assert debt.mean.value == pytest.approx(rows["bad_debt"].mean())
    assert debt.largest == rows["bad_debt"].max()
    assert rows["bad_debt"].iloc[debt.largest_path] == debt.largest
    assert pool.events["adl"].value == pytest.approx((rows["adl_notional"] > 0).mean())
    assert pool.fund is not None
    assert pool.fund.depleted is not None
    assert pool.fund.depleted.value == pytest.approx((rows["required_fund"] > 25e6).mean())
    assert pool.fund.depleted.value == pytest.approx(rows["first_decline_s"].notna().mean())
    assert pool.loss("nothing") is None


def test_layers_and_residual_pay_all_bad_debt(folder: Path) -> None:
    pool = size(stress.load(folder)).pools[0]
    debt = pool.loss("bad_debt")
    assert debt is not None
    assert [payer.kind for payer in pool.payers] == ["insurance_fund", "adl", "socialise", "residual"]
    assert sum(payer.mean for payer in pool.payers) == pytest.approx(debt.mean.value)
    assert sum(payer.worst for payer in pool.payers) == pytest.approx(debt.largest)


def test_markets_are_those_of_the_run(folder: Path) -> None:
    run = stress.load(folder)
    btc, eth = size(run).markets
    rows = run.markets[run.markets["market"] == "ETH"]
    assert (btc.market, eth.market) == ("BTC", "ETH")
    assert eth.adl.value == pytest.approx((rows["adl_notional"] > 0).mean())
    assert eth.lowest_price == pytest.approx(rows["price_low"].min() / run.scenario["markets"]["ETH"]["price"])
    assert eth.largest_displacement > 0.0


def test_pool_and_depletion_can_be_chosen(folder: Path) -> None:
    run = stress.load(folder)
    chosen = size(run, pool="alts", depletion=0.01, levels=(0.95,))
    assert [pool.pool for pool in chosen.pools] == ["alts"]
    assert chosen.levels == (0.95,)
    assert chosen.pools[0].fund is not None
    assert chosen.pools[0].fund.target.depletion == 0.01
    with pytest.raises(UsageError, match="no pool 'mian'; it has main, alts"):
        size(run, pool="mian")
    with pytest.raises(UsageError, match="no probability"):
        size(run, depletion=0.0)


def test_document_is_json_and_every_estimate_is_a_row(folder: Path) -> None:
    sizing = size(stress.load(folder))
    document = json.loads(json.dumps(sizing.to_dict(), allow_nan=False))
    assert document["pools"][0]["fund"]["target"]["depletion"] == 0.001
    rows = list(sizing.estimates())
    assert {row["statistic"] for row in rows} >= {"fund_size", "value_at_risk", "expected_shortfall", "probability"}
    # 2 pools of 4 losses (mean and 2 levels of VaR and ES), 6 events, 3 fund rows, 2 for each of 4 frequencies within a
    # year, 3 for winners, Cover-1 and Cover-2; 2 markets of 2 events; contributions of 2 pools, 2 markets and 3 owners
    # at 2 levels.
    assert len(rows) == 2 * (4 * 5 + 6 + 3 + 2 * 4 + 3 + 2) + 2 * 2 + 2 * 7
    assert all(row.keys() == rows[0].keys() for row in rows)


def test_unlimited_fund_is_sized_and_never_depleted(tmp_path: Path) -> None:
    pool = size(stress.load(fake_run.write(tmp_path, Fake(capital=math.inf)))).pools[0]
    assert pool.fund is not None
    assert (pool.fund.current, pool.fund.depleted) == (None, None)
    assert pool.fund.target.size.value is not None
    assert pool.events["adl"].value == 0.0


def test_pool_without_fund_has_losses_but_no_size(tmp_path: Path) -> None:
    pool = size(stress.load(fake_run.write(tmp_path, Fake(capital=math.nan)))).pools[0]
    assert pool.fund is None
    assert pool.loss("required_fund") is None
    assert pool.loss("bad_debt") is not None


@pytest.mark.parametrize("fake", [Fake(paths=1), Fake(share=0.0), Fake(paths=9, share=1.0), Fake(paths=30)])
def test_thin_runs_give_reasons_and_no_numbers(tmp_path: Path, fake: Fake) -> None:
    sizing = size(stress.load(fake_run.write(tmp_path, fake)))
    for pool in sizing.pools:
        assert pool.fund is not None
        for loss in pool.losses:
            for estimate in (*loss.value_at_risk, *loss.expected_shortfall):
                assert estimate.value == 0.0 or estimate.value is None
                assert estimate.value is not None or estimate.note
    json.dumps(sizing.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "$0"),
        (31_234_567.0, "$31.2M"),
        (999_960.0, "$1.00M"),
        (1.2e9, "$1.20bn"),
        (-5_400.0, "-$5.40k"),
        (12.3, "$12"),
        (0.25, "$0.25"),
        (1e-9, "$0"),
        (None, "n/a"),
        (math.nan, "n/a"),
        (math.inf, "unlimited"),
    ],
)
def test_money(value: float | None, text: str) -> None:
    assert money(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0%"),
        (0.0031, "0.31%"),
        (0.12, "12%"),
        (0.00003, "0.0030%"),
        (1.0, "100%"),
        (0.9996, "99.96%"),
        (0.9999999, "over 99.99%"),
        (-0.12, "-12%"),
        (None, "n/a"),
    ],
)
def test_percent(value: float | None, text: str) -> None:
    assert percent(value) == text


def test_other_words() -> None:
    assert [level(x) for x in (0.99, 0.999, 0.001, 0.9999)] == ["99%", "99.9%", "0.1%", "99.99%"]
    assert [odds(x) for x in (0.001, 0.005, 0.5, 0.3, 0.0)] == [
        *("1 in 1,000", "1 in 200", "1 in 2", "1 in 3.3", "never"),
    ]
    assert [rate(x) for x in (2.0 / 3.0, 0.005, 0.0333333333, 1.0)] == ["66.67%", "0.5%", "3.333%", "100%"]
    assert [duration(x) for x in (86_400.0, 172_800.0, 300.0, 60.0, 30.0, 5_400.0)] == [
        "24 h",
        "2 d",
        "5 min",
        "1 min",
        "30 s",
        "90 min",
    ]
    assert [clock(x) for x in (24_000.0, 24_030.0, None)] == ["6:40", "6:40:30", "never"]


def test_an_estimate_without_an_end_says_from_where() -> None:
    assert money_estimate(Estimate(5e6, 4e6, 7e6, 99.0)) == "$5.00M ($4.00M to $7.00M)"
    assert money_estimate(Estimate(5e6, 4e6, None, 99.0)) == "$5.00M (from $4.00M)"
    assert money_estimate(Estimate(5e6, None, None, 9.0)) == "$5.00M"
    assert money_estimate(Estimate.missing(3.0, "too few")) == "n/a"


def test_paths_of_a_sharper_size() -> None:
    known = Estimate(100.0, 80.0, 120.0, 99.0)
    assert sharper(known, 0.001, 10_000) == "the size needed is known to ±10% with 40,000 and ±5% with 160,000 paths"
    unknown = Estimate.missing(3.0, "too few")
    assert sharper(unknown, 0.001, 3_000) == "10,000 paths give a first number, 50,000 a sound one"


def test_command_prints_a_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["size", str(folder), "--pool", "main", "--depletion", "1%"]) == ExitCode.OK
    out = capsys.readouterr().out
    assert "Pool main" in out
    assert "1% (1 in 100)" in out
    assert "alts" not in out


def test_command_writes_and_prints_the_same_json(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "sizing.json"
    assert main(["size", str(folder), "--json", "-o", str(file)]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out) == json.loads(file.read_text())


@pytest.mark.parametrize("arguments", [["--depletion", "5x"], ["--depletion", "100%"], ["--pool", "none"]])
def test_command_refuses_what_it_cannot_size(folder: Path, arguments: list[str]) -> None:
    assert main(["size", str(folder), *arguments]) == ExitCode.INVALID


def test_command_says_what_is_not_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["size", str(tmp_path)]) == ExitCode.INCOMPLETE
    assert "not a complete run" in capsys.readouterr().err
