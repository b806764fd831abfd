"""The example that fetches markets by ccxt, against an exchange that is not one."""

from __future__ import annotations

import datetime
import runpy
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from stress.calibrate import read_prices
from stress.scenario import load_scenario

SCRIPT = Path(__file__).resolve().parents[1] / "docs" / "ccxt_markets.py"
START = 1_700_000_000_000 // 3_600_000 * 3_600_000


class Stub:
    """A venue whose books follow a power law."""

    id = "stub"

    def __init__(self, exponent: float = 0.6, tiers_by: str = "fetchMarketLeverageTiers") -> None:
        self.exponent = exponent
        self.has: dict[str, Any] = {tiers_by: True}
        self.asked: list[int | None] = []

    def load_markets(self) -> Mapping[str, Mapping[str, Any]]:
        kinds = {"BTC/USDT:USDT": (True, True), "BTC/USD:BTC": (True, False), "ETH/USDT:USDT": (True, True)}
        return {
            symbol: {"symbol": symbol, "base": symbol[:3], "swap": swap, "linear": linear, "contractSize": 0.01}
            for symbol, (swap, linear) in kinds.items()
        }

    def fetch_market_leverage_tiers(self, symbol: str) -> Sequence[Mapping[str, Any]]:
        rates = ((0, 0.004), (50_000, 0.005), (100_000, 0.005), (1_000_000, 0.01))
        return [{"minNotional": lower, "maintenanceMarginRate": rate, "maxLeverage": 50} for lower, rate in rates]

    def fetch_leverage_tiers(self, symbols: list[str]) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        return {symbol: self.fetch_market_leverage_tiers(symbol) for symbol in symbols}

    def fetch_order_book(self, symbol: str, limit: int | None = None) -> Mapping[str, Any]:
        """40 base units a side move the price by 1 %."""
        displaced = np.linspace(0.0001, 0.025, 250)
        reached = 40.0 * (displaced / 0.01) ** (1.0 / self.exponent)
        edges = np.concatenate([[0.0], (reached[1:] + reached[:-1]) / 2.0, reached[-1:]])
        amounts = np.diff(edges) / 0.01
        bids = list(zip(50_000.0 * np.exp(-displaced), amounts, strict=True))
        asks = list(zip(50_000.0 * np.exp(displaced), amounts, strict=True))
        return {"bids": bids, "asks": asks}

    def parse_timeframe(self, timeframe: str) -> int:
        return 3_600

    def fetch_ohlcv(
        self, symbol: str, timeframe: str, since: int | None = None, limit: int | None = None
    ) -> Sequence[Sequence[float]]:
        """At most 100 bars at once, 250 in all; the first one asked for is repeated by some venues."""
        self.asked.append(since)
        first = max(0, ((since or 0) - START) // 3_600_000 - 1)
        hours = range(first, min(first + 100, 250))
        return [[START + h * 3_600_000, *[100.0 + h % 7] * 4, 5.0] for h in hours]


@pytest.fixture(name="script")
def _script() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(SCRIPT)))


@pytest.mark.parametrize("exponent", [0.3, 0.6, 1.0])
def test_depth_and_exponent_come_back(script: SimpleNamespace, exponent: float) -> None:
    book = Stub(exponent).fetch_order_book("BTC/USDT:USDT")
    found = script.fitted_depth(book["bids"], book["asks"], 0.01, 0.01)
    assert found.price == pytest.approx(50_000.0)
    assert found.exponent == pytest.approx(exponent, abs=0.03)
    assert found.depth == pytest.approx(40.0 * 50_000.0, rel=0.03)
    assert found.reach == pytest.approx(0.025)


def test_books_that_say_nothing_are_refused(script: SimpleNamespace) -> None:
    with pytest.raises(ValueError, match="crossed"):
        script.fitted_depth([[101.0, 1.0]], [[100.0, 1.0]], 1.0, 0.01)
    with pytest.raises(ValueError, match="deeper"):
        script.fitted_depth([[100.0, 1.0]], [[100.1, 1.0]], 1.0, 0.01)


@pytest.mark.parametrize("tiers_by", ["fetchMarketLeverageTiers", "fetchLeverageTiers", "nothing"])
def test_tiers_rise_from_zero(script: SimpleNamespace, tiers_by: str) -> None:
    tiers = script.margin_tiers(Stub(tiers_by=tiers_by), "BTC/USDT:USDT", 500.0)
    wanted = [(0.0, 0.004), (50_000.0, 0.005), (1_000_000.0, 0.01)] if tiers_by != "nothing" else []
    assert [(tier["from"], tier["maintenance"]) for tier in tiers] == wanted


def test_tiers_in_contracts_become_notional(script: SimpleNamespace) -> None:
    stub = Stub()
    stub.id = "okx"
    tiers = script.margin_tiers(stub, "BTC/USDT:USDT", 500.0)
    assert [tier["from"] for tier in tiers] == [0.0, 25_000_000.0, 500_000_000.0]


def test_markets_are_checked(script: SimpleNamespace) -> None:
    for symbol, words in (("BTC/USD:BTC", "no linear perpetual"), ("DOGE/USDT:USDT", "no market")):
        with pytest.raises(ValueError, match=words):
            script.contracts(Stub(), [symbol])
    with pytest.raises(ValueError, match="two markets"):
        script.contracts(Stub(), ["BTC/USDT:USDT"] * 2)


def test_pages_of_bars_are_joined_without_gap_or_repeat(script: SimpleNamespace) -> None:
    stub = Stub()
    rows = list(script.bars(stub, "BTC/USDT:USDT", "1h", START, START + 240 * 3_600_000))
    assert [row[0] for row in rows] == [START + h * 3_600_000 for h in range(240)]
    assert len(stub.asked) >= 3


def test_what_is_written_is_read_by_a_scenario_and_by_calibrate(
    script: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["stub", "BTC/USDT:USDT", "--out", str(tmp_path), "--bars", "1h", "--since"]
    since = datetime.datetime.fromtimestamp(START / 1_000, datetime.UTC).replace(tzinfo=None)
    script.write(Stub(), script.arguments([*words, since.isoformat()]))
    assert "250 bars" in capsys.readouterr().out
    (series,) = read_prices([tmp_path / "BTC.csv"], ["BTC"])
    assert (len(series.value), series.step) == (249, 3_600.0)
    file = tmp_path / "mine.yaml"
    replay = "{type: replay, file: BTC-path.csv}"
    file.write_text(
        "format: 1\nname: mine\nextends: [minimal, markets.yaml]\n"
        f"run: {{step: 1h, check_every: 1h}}\nmarkets: {{BTC: {{model: {replay}}}}}\n"
    )
    market = load_scenario(file).scenario.markets["BTC"]
    assert market.price == pytest.approx(50_000.0)
    assert market.liquidity is not None
    assert [tier.maintenance for tier in market.margin.tiers] == [0.004, 0.005, 0.01]
