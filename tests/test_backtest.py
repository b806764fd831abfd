"""Backtests: crisis files, draws, the rule of the verdicts, recorded data, and the command."""

from __future__ import annotations

import json
import math
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stress.backtest import INSIDE, MISSED, NEAR, Found, backtest, built_in_crises, load_crisis
from stress.backtest.crisis import INTEGER, quantity
from stress.backtest.data import recorded
from stress.backtest.draws import draw, places_of, written
from stress.backtest.metrics import METRICS, read
from stress.backtest.replicate import play
from stress.backtest.verdict import strongest, summarised, verdict
from stress.cli import main
from stress.errors import ExitCode, InvalidInput, UsageError
from stress.scenario import load_scenario, units

ALL = pytest.mark.parametrize("crisis", [path.stem for path in built_in_crises()])
SMALL = "dydx-yfi-2023-11-17"
"""The quickest one."""
DAY = "2023-11-17"


def overrides_of(found: Found, replicate: int) -> tuple[str, ...]:
    places = places_of(found, found.scenario().canonical)
    drawn = [draw(one, found.crisis.seed, replicate) for one in found.crisis.unknown]
    unknowns = zip(found.crisis.unknown, drawn, places, strict=True)
    return tuple(text for one, value, mine in unknowns for text in written(one, value, mine))


def crisis_file(folder: Path, **changes: object) -> Path:
    """A small sound crisis, with some of its parts replaced."""
    parts: dict[str, object] = {
        "format": 1,
        "name": "small",
        "title": "A small one",
        "scenario": SMALL,
        "published": [{"metric": "adl_notional", "low": "0", "high": "1M", "source": "nobody", "date": DAY}],
        "unknown": [
            {
                "name": "depth",
                "paths": ["markets.*.liquidity.depth"],
                "draw": "log_uniform",
                "low": "100k",
                "high": "2M",
                "source": "nobody",
            }
        ],
    }
    file = folder / "small.yaml"
    file.write_text(json.dumps(parts | changes), encoding="utf-8")
    return file


def bars(folder: Path, **columns: list[float]) -> Path:
    """Seven hours of minute bars of 17 November 2023 that fall from 14,500 by 10 a minute, unless columns say else."""
    minutes = np.arange(0, 420)
    opens = 14_500.0 - 10.0 * minutes
    table = {
        "symbol": ["YFIUSDT"] * len(minutes),
        "ts_ms": pd.Timestamp("2023-11-17").value // 10**6 + 60_000 * minutes,
        "open": opens,
        "high": opens + 3.0,
        "low": opens - 14.0,
        "close": opens - 10.0,
    }
    folder.mkdir(exist_ok=True)
    pd.DataFrame(table | columns).to_parquet(folder / "yfi.parquet")
    return folder


PRICES = {"YFI": {"file": "yfi.parquet", "symbols": {"YFIUSDT": 1}, "begin": "2023-11-17 00:30"}}


# --- crisis files ----------------------------------------------------------------------------------------------------


@ALL
def test_every_figure_names_its_source_and_every_unknown_its_place(crisis: str) -> None:
    found = load_crisis(crisis)
    assert found.crisis.name == found.file.stem == crisis
    assert found.crisis.title
    assert found.crisis.description
    assert found.crisis.assumed
    assert all(entry.source for entry in found.crisis.published)
    assert all(unknown.source for unknown in found.crisis.unknown)
    assert all(places_of(found, found.scenario().canonical))


@ALL
def test_the_scenario_as_it_is_lies_in_the_ranges(crisis: str) -> None:
    """What `run` plays is one of the replicates that might have been drawn."""
    found = load_crisis(crisis)
    for unknown, places in zip(found.crisis.unknown, places_of(found, found.scenario().canonical), strict=True):
        (low, _), (high, _) = quantity(unknown.low), quantity(unknown.high)
        for place, value in places:
            if unknown.draw != INTEGER and place not in {text.partition("=")[0] for text in found.crisis.set}:
                assert low <= (1.0 if unknown.scale else value) <= high, f"{place} is {value}"


def test_there_are_crises_of_every_kind_of_venue() -> None:
    names = {path.stem for path in built_in_crises()}
    assert {"hyperliquid-2025-10-10", "binance-2025-10-10", "bitmex-2020-03-12", "bitcoin-2021-05-19"} <= names
    assert {"dydx-yfi-2023-11-17", "hyperliquid-eth-2025-03-12", "bitmex-2020-03-12-dumped"} <= names


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"published": []}, "needs at least one entry"),
        ({"published": [{"metric": "adl_notionl", "low": "0", "source": "x", "date": DAY}]}, "did you mean"),
        ({"published": [{"metric": "adl_share", "low": "5M", "source": "x", "date": DAY}]}, "fraction"),
        (
            {"published": [{"metric": "unpaid", "low": "2", "high": "1", "source": "x", "date": DAY}]},
            "under low",
        ),
        ({"published": [{"metric": "unpaid", "low": "2", "source": "x", "date": "yesterday"}]}, "expected a time"),
        (
            {"published": [{"metric": "price_fall", "market": "YFX", "low": "2%", "source": "x", "date": DAY}]},
            "the scenario has no market 'YFX'",
        ),
        ({"prices": {"BTC": {"file": "x", "begin": "2023-11-17"}}}, "the scenario has no market 'BTC'"),
        ({"what": 1}, "unknown key 'what'"),
    ],
)
def test_mistakes_are_told_with_their_place(changes: dict[str, object], message: str, tmp_path: Path) -> None:
    file = crisis_file(tmp_path, **changes)
    with pytest.raises(InvalidInput) as caught:
        load_crisis(file)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{file}:1:")


def unknown(**changes: object) -> dict[str, object]:
    entry: dict[str, object] = {"name": "a", "paths": ["markets.YFI.price"], "draw": "uniform", "source": "x"}
    return {**entry, "low": "1", "high": "2", **changes}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([unknown(high="2s")], "not of the unit of low"),
        ([unknown(low="3")], "under low"),
        ([unknown(low="0", draw="log_uniform")], "above zero"),
        ([unknown(low="many")], "expected"),
        ([unknown(), unknown()], "already"),
        ([unknown(paths=["markets.YFI.cost"])], "the scenario has no 'markets.YFI.cost'"),
        ([unknown(paths=["markets.YFI.mark"], scale="true")], "cannot be multiplied"),
        ([unknown(), unknown(name="b", paths=["markets.*.price"])], "drawn by 'a' already"),
        ([unknown(paths=["markets.YFI.liquidity.exponent"])], "unknown.0.high: makes no sound scenario"),
    ],
)
def test_unsound_unknowns_are_refused(entries: list[dict[str, object]], message: str, tmp_path: Path) -> None:
    file = crisis_file(tmp_path, unknown=entries)
    with pytest.raises(InvalidInput, match=message):
        backtest([load_crisis(file)], replicates=2)


def test_an_unknown_crisis_is_told_with_a_hint() -> None:
    with pytest.raises(UsageError, match="did you mean 'bitmex-2020-03-12'"):
        load_crisis("bitmex-2020-03-13")


# --- draws -----------------------------------------------------------------------------------------------------------


@ALL
def test_draws_lie_in_their_ranges_and_hang_on_nothing_else(crisis: str) -> None:
    found = load_crisis(crisis)
    for one in found.crisis.unknown:
        (low, _), (high, _) = quantity(one.low), quantity(one.high)
        values = [draw(one, found.crisis.seed, r) for r in range(50)]
        assert all(low * 0.999 <= value <= high * 1.001 for value in values)
        assert len(set(values)) > 10
        again = one.model_copy(update={"source": "another"})
        assert [draw(again, found.crisis.seed, r) for r in range(50)] == values


def test_laws_of_the_draws() -> None:
    """Uniform and log-uniform halves: 4,000 draws within four standard errors."""
    found = load_crisis(SMALL)
    depth = next(one for one in found.crisis.unknown if one.name == "depth")
    wide = next(one for one in found.crisis.unknown if one.name == "long share")
    for one, middle in ((depth, math.sqrt(100e3 * 2e6)), (wide, (0.7 + 0.95) / 2)):
        below = np.mean([draw(one, 7, r) < middle for r in range(4_000)])
        assert abs(below - 0.5) < 4 * 0.5 / math.sqrt(4_000)


@pytest.mark.parametrize("text", ["5%", "50bp", "30s", "10m", "24h", "2.5", "100k", "5M", "1bn", "-3"])
def test_units_of_ranges(text: str) -> None:
    value, dimension = quantity(text)
    assert units.parse(text, dimension) == value
    assert units.parse(units.write(value, dimension), dimension) == pytest.approx(value)


# --- verdicts --------------------------------------------------------------------------------------------------------

EVEN = np.linspace(0.0, 100.0, 101)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (40.0, 60.0, INSIDE),
        (52.0, 60.0, INSIDE),  # the median of 50 lies in the band widened by a tenth
        (56.0, 60.0, NEAR),
        (40.0, 45.0, NEAR),
        (95.0, 120.0, NEAR),
        (96.0, 120.0, MISSED),
        (-10.0, 4.0, MISSED),
        (20.0, None, INSIDE),
        (80.0, None, NEAR),
        (110.0, None, MISSED),
    ],
)
def test_rule_of_the_verdicts(low: float, high: float | None, expected: str) -> None:
    assert verdict(summarised(EVEN, low, high), low, high) == expected


def test_a_number_that_most_replicates_lack_is_near_at_best() -> None:
    values = np.where(EVEN < 60.0, np.nan, EVEN)
    simulated = summarised(values, 70.0, 90.0)
    assert simulated.median is None
    assert simulated.having == pytest.approx(41 / 101)
    assert verdict(simulated, 70.0, 90.0) == NEAR
    assert verdict(summarised(np.full(5, np.nan), 0.0, 1.0), 0.0, 1.0) == MISSED


def test_a_band_of_zero_wants_zero() -> None:
    zeros = np.zeros(10)
    assert verdict(summarised(zeros, 0.0, 0.0), 0.0, 0.0) == INSIDE
    assert verdict(summarised(zeros + 1.0, 0.0, 0.0), 0.0, 0.0) == MISSED


def test_what_a_figure_goes_with_is_told_apart_from_chance() -> None:
    rng = np.random.default_rng(5)
    depth, noise = rng.random(200), rng.random(200)
    found = strongest(-(depth**3), {"noise": noise, "depth": depth})
    assert found == ("depth", pytest.approx(-1.0))
    assert strongest(rng.random(200), {"noise": noise, "depth": depth}) is None
    assert strongest(np.full(200, 3.0), {"depth": depth}) is None


# --- replicates ------------------------------------------------------------------------------------------------------


@ALL
def test_one_replicate_runs_and_every_dollar_is_borne(crisis: str) -> None:
    found = load_crisis(crisis)
    loaded = found.scenario(overrides_of(found, 0))
    done = play(loaded, recorded=True)
    scale = 1e-9 * sum(done.outcome.interest.values())
    for pool, row in done.outcome.pools.items():
        paid = sum(layer["paid"] or 0.0 for (owner, _), layer in done.outcome.layers.items() if owner == pool)
        assert paid + (row["residual"] or 0.0) == pytest.approx(row["bad_debt"], abs=scale)
        assert row["truncated_steps"] == 0
    for name, column in (("liquidated_notional", "liquidated_notional"), ("adl_notional", "adl_notional")):
        assert done.flows[name][-1] == pytest.approx(done.outcome.total(column, None), abs=scale)
        assert (np.diff(done.flows[name]) >= -scale).all()
    for entry in found.crisis.published:
        value = read(done.outcome, entry.metric, entry.market, entry.layer, entry.pool)
        assert value is None or math.isfinite(value)


def test_metrics_by_hand() -> None:
    """One market that falls by a half, a fund of 100 that ends at 60 after having been at 30."""
    from stress.backtest.metrics import Outcome

    pool = dict.fromkeys(("residual", "residual_open", "first_liquidation_s", "first_adl_s"), 0.0) | {
        "liquidated_notional": 50.0,
        "taken_over_notional": 20.0,
        "adl_notional": 30.0,
        "adl_top10_share": 0.4,
        "bad_debt": 5.0,
        "first_liquidation_s": 10.0,
        "first_adl_s": 70.0,
    }
    market = {"open_interest_end": 40.0, "price_end": 8.0, "price_low": 5.0, "adl_notional": 30.0}
    layer = {"equity_end": 60.0, "largest_fall": 70.0, "collateral_loss": 15.0}
    out = Outcome(
        {"main": pool},
        {("main", "fund"): layer},
        {"M": market | {"liquidated_notional": 50.0}},
        {("main", "fund"): 100.0},
        {"M": 10.0},
        {"M": 100.0},
        500.0,
    )
    expected = {
        "forced_notional": 100.0,
        "liquidated_notional": 50.0,
        "adl_notional": 30.0,
        "adl_share": 0.3,
        "adl_in_market": 1.0,
        "adl_top10_share": 0.4,
        "first_adl_after": 60.0,
        "bad_debt": 5.0,
        "unpaid": 0.0,
        "layer_profit": -40.0,
        "layer_loss": 40.0,
        "fund_draw": 0.4,
        "fund_draw_of_contracts": 0.25,
        "fund_fall": 0.7,
        "open_interest_fall": 0.5,
        "open_interest_fall_value": 0.6,
        "equity_start": 500.0,
        "price_fall": 0.5,
    }
    assert set(expected) == set(METRICS)
    assert {name: read(out, name, None, None, None) for name in METRICS} == pytest.approx(expected)


def test_replicates_do_not_depend_on_threads_or_company() -> None:
    found = load_crisis(SMALL)
    alone = backtest([found], replicates=6)
    together = backtest([load_crisis("hyperliquid-eth-2025-03-12"), found], replicates=9, threads=2)
    for name, values in alone.played[0].values.items():
        np.testing.assert_array_equal(values, together.played[1].values[name][:6])
    assert alone.played[0].overrides == together.played[1].overrides[:6]


# --- recorded data ---------------------------------------------------------------------------------------------------


def test_recorded_prices_take_the_place_of_the_thinned_ones(tmp_path: Path) -> None:
    found = load_crisis(crisis_file(tmp_path, prices=PRICES))
    have = recorded(found, bars(tmp_path / "data"), tmp_path)
    assert have.used == ("yfi.parquet",)
    assert have.missing == ()
    scenario = found.scenario(have.overrides).scenario
    assert scenario.markets["YFI"].price == pytest.approx(14_200.0)
    table = pd.read_parquet(tmp_path / "small-YFI.parquet")
    # A falling minute: open, high, low, close, the next open at the same time as that close.
    assert list(table["time"][:5]) == pytest.approx([0.0, 20.0, 40.0, 60.0, 80.0])
    assert list(table["price"][:5]) == pytest.approx([14_200.0, 14_203.0, 14_186.0, 14_190.0, 14_193.0])
    assert table["time"].iloc[-1] >= scenario.run.horizon


def test_a_basket_is_the_mean_of_log_prices_from_the_scenarios_price(tmp_path: Path) -> None:
    folder = bars(tmp_path / "data")
    table = pd.read_parquet(folder / "yfi.parquet")
    still = table.assign(symbol="STILL", open=7.0, high=7.0, low=7.0, close=7.0)
    pd.concat([table, still]).to_parquet(folder / "yfi.parquet")
    prices = {"YFI": {**PRICES["YFI"], "symbols": {"YFIUSDT": 1, "STILL": 3}}}
    found = load_crisis(crisis_file(tmp_path, prices=prices))
    recorded(found, folder, tmp_path)
    path = pd.read_parquet(tmp_path / "small-YFI.parquet").set_index("time")["price"]
    assert path[0.0] == pytest.approx(14_500.0)
    assert path[60.0] == pytest.approx(14_500.0 * (14_190.0 / 14_200.0) ** 0.25)


def test_what_the_folder_lacks_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    found = load_crisis(crisis_file(tmp_path, prices=PRICES))
    (tmp_path / "empty").mkdir()
    result = backtest([found], replicates=2, data=tmp_path / "empty")
    without = backtest([found], replicates=2)
    assert result.played[0].data.missing == ("YFI: yfi.parquet",)
    assert result.rows == without.rows


@pytest.mark.parametrize(
    ("columns", "prices", "message"),
    [
        ({"symbol": ["ETHUSDT"] * 420}, PRICES, "no symbol 'YFIUSDT'"),
        ({}, {"YFI": {**PRICES["YFI"], "begin": "2023-11-17 05:00"}}, "has no prices of YFIUSDT"),
        ({}, {"YFI": {**PRICES["YFI"], "begin": "2023-11-16 05:00"}}, "has no prices of YFIUSDT"),
    ],
)
def test_unfit_data_are_refused(
    columns: dict[str, list[float]], prices: dict[str, object], message: str, tmp_path: Path
) -> None:
    found = load_crisis(crisis_file(tmp_path, prices=prices))
    folder = bars(tmp_path / "data", **columns)
    with pytest.raises(InvalidInput, match=message):
        backtest([found], replicates=2, data=folder)


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    found = load_crisis(crisis_file(tmp_path, prices=PRICES))
    (tmp_path / "yfi.parquet").write_text("nothing")
    with pytest.raises(InvalidInput, match="cannot be read"):
        backtest([found], replicates=2, data=tmp_path)
    pd.DataFrame({"symbol": ["YFIUSDT"]}).to_parquet(tmp_path / "yfi.parquet")
    with pytest.raises(InvalidInput, match="has no column ts_ms, open, high, low, close"):
        backtest([found], replicates=2, data=tmp_path)


# --- the command -----------------------------------------------------------------------------------------------------


def test_the_command_writes_a_table_a_page_and_every_replicate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "out"
    assert main(["backtest", SMALL, "--replicates", "12", "-q", "-o", str(folder)]) == ExitCode.OK
    printed = capsys.readouterr().out
    assert printed.splitlines()[-1] == str(folder / "report.html")
    assert "12 replicates" in printed
    figures = json.loads((folder / "backtest.json").read_text())
    rows = figures["crises"][0]["rows"]
    table = pd.read_parquet(folder / "backtest.parquet")
    assert list(table["verdict"]) == [row["verdict"] for row in rows]
    page = (folder / "report.md").read_text()
    assert all(f"| {row['label']}" in page for row in rows)
    assert (folder / "charts" / f"{SMALL}-ranges.svg").is_file()
    replicates = pd.read_parquet(folder / "replicates.parquet")
    assert set(replicates["replicate"]) == set(range(12))
    one = replicates[(replicates["replicate"] == 5) & (replicates["kind"] == "simulated")]
    words = shlex.split(one["options"].iloc[0])
    again = play(load_scenario(SMALL, [word for word in words if word != "--set"]), recorded=False)
    assert one.set_index("name")["value"]["loss, fund"] == read(again.outcome, "layer_loss", None, "fund", None)


def test_a_folder_is_not_overwritten_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    command = ["backtest", SMALL, "--replicates", "2", "-q", "-o", str(tmp_path)]
    assert main(command) == ExitCode.INVALID
    assert "not empty" in capsys.readouterr().err
    assert main([*command, "--force"]) == ExitCode.INVALID
    assert "other files" in capsys.readouterr().err
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_json_and_the_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backtest", "--list", "--json"]) == ExitCode.OK
    listed = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in listed] == [path.stem for path in built_in_crises()]
    command = ["backtest", SMALL, "--replicates", "2", "-q", "--json", "-o", str(tmp_path / "out")]
    assert main(command) == ExitCode.OK
    found = json.loads(capsys.readouterr().out)
    assert found["replicates"] == 2
    assert found["crises"][0]["name"] == SMALL


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing-like-it"], "nor a built-in crisis"),
        ([SMALL, "--quick", "--replicates", "3"], "give one of them"),
        ([SMALL, "--replicates", "1"], "at least 2"),
        ([SMALL, "--data", "nowhere"], "does not exist"),
    ],
)
def test_wrong_command_lines(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backtest", *words, "-o", str(tmp_path / "out")]) == ExitCode.INVALID
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_charts_draw_every_kind_of_row() -> None:
    from matplotlib.figure import Figure

    from stress.report.charts.backtest import FRACTION, MONEY, SECONDS, Curve, Span, courses, spans

    rows = [
        Span("wide", MONEY, (1e6, 2e6), 1e5, 1e6, 1e9, INSIDE),
        Span("open end", MONEY, (1e6, None), 0.0, 0.0, 5e6, NEAR),
        Span("one figure", FRACTION, (0.1, 0.1), 0.2, 0.3, 0.4, MISSED),
        Span("nothing", SECONDS, (58.0, 62.0), None, None, None, MISSED),
        Span("zero", MONEY, (0.0, 0.0), 0.0, 0.0, 0.0, INSIDE),
    ]
    panels = list(Figure().subplots(len(rows), 1))
    spans(panels, rows)
    assert [panel.get_yticklabels()[0].get_text() for panel in panels] == [row.label for row in rows]
    assert panels[0].get_xscale() == "log"
    assert len(panels[3].lines) == 0
    time = np.arange(10.0)
    told = [(0.0, 0.0), (9.0, 1.0)]
    shares = np.array([time / 12, time / 10, time / 9])
    two = list(Figure().subplots(2, 1))
    courses(two, [Curve("liquidated", told, time, shares), Curve("auto-deleveraged", told, time, None)])
    assert [len(panel.lines) for panel in two] == [2, 1]


@pytest.mark.slow
def test_the_documentation_tells_what_comes_out(root: Path) -> None:
    """All crises at 200 replicates: 90 s of processor time."""
    result = backtest([load_crisis(file) for file in built_in_crises()], threads=2)
    verdicts = [row.verdict for row in result.rows]
    page = (root / "docs" / "backtest.md").read_text(encoding="utf-8")
    counts = [verdicts.count(word) for word in (INSIDE, NEAR, MISSED)]
    assert "{} figures inside, {} near, {} missed".format(*counts) in page
    told = {row.label: row for row in result.rows if row.crisis == "hyperliquid-2025-10-10"}
    assert f"| 5.51 bn | {(told['forced closing'].median or 0.0) / 1e9:.2f} bn |" in page
    assert f"| 2.10 bn | {(told['auto-deleveraged'].median or 0.0) / 1e9:.2f} bn |" in page
