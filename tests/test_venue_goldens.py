"""Worked examples that venues publish, computed by the cascade under the rules of the venue files."""

from __future__ import annotations

import math

import pytest
from scipy.stats import norm

from stress.book import stack_tiers
from stress.scenario import load_scenario
from stress.scenario.layers import BackstopVault
from stress.scenario.models import Merton
from tests import conformance
from tests.conformance.case import Json, venue_of
from tests.harness import maintenance_of
from tests.test_book_margin import BINANCE_BTC_2021

pytestmark = pytest.mark.interpreted


def tiers_of(venue: str, market: str) -> list[list[float]]:
    """Margin tiers of a venue file: lower notional and maintenance rate."""
    tiers = load_scenario(venue).scenario.markets[market].margin.tiers
    return [[tier.from_, tier.maintenance] for tier in tiers]


def one_account(tiers: list[list[float]], quantity: float, entry: float, wallet: float, price: float) -> Json:
    """A case: one account in one endless book, whose price goes from ``entry`` to ``price`` in one step."""
    account = {"name": "a", "pool": "A", "cash": wallet, "positions": {"M": [quantity, entry]}}
    market = {"name": "M", "price": [entry, price], "depth": None, "tiers": tiers}
    return {"markets": [market], "accounts": [account], "pools": [{"name": "A", "layers": []}]}


def is_liquidated(tiers: list[list[float]], quantity: float, entry: float, wallet: float, price: float) -> bool:
    found = conformance.play(one_account(tiers, quantity, entry, wallet, price))
    return bool(found["pools"]["A"]["liquidated"])


@pytest.mark.parametrize(("quantity", "price"), [(10.0, 95_189.87), (-10.0, 104_691.36)])
def test_liquidation_prices_of_hyperliquid(quantity: float, price: float) -> None:
    """10 BTC at 100,000 with 60,000 of equity and 1.25 % maintenance: within a cent of the published formula."""
    tiers = tiers_of("hyperliquid", "BTC")
    worse = -0.01 if quantity > 0.0 else 0.01
    assert is_liquidated(tiers, quantity, 100_000.0, 60_000.0, price + worse)
    assert not is_liquidated(tiers, quantity, 100_000.0, 60_000.0, price - worse)


@pytest.mark.parametrize(("price", "taken"), [(94_789.93, False), (94_789.91, True)])
def test_backstop_price_of_hyperliquid(price: float, taken: bool) -> None:
    """The vault takes the account under two thirds of maintenance, before anybody can trade with it."""
    vault = load_scenario("hyperliquid").scenario.pools["main"].layers[0]
    assert isinstance(vault, BackstopVault)
    case = one_account(tiers_of("hyperliquid", "BTC"), 10.0, 100_000.0, 60_000.0, price)
    layer = {"type": "backstop_vault", "name": "V", "cash": 1e6, "share": vault.share}
    case["pools"][0] |= {"latency": 1, "layers": [layer]}
    assert (conformance.play(case)["pools"]["A"]["takeover_notional"] > 0.0) is taken


def maintenance(venue: str, market: str, notional: float) -> float:
    """Maintenance margin of one position under a venue file."""
    case = one_account(tiers_of(venue, market), 0.0, 1.0, 0.0, 1.0)
    return float(maintenance_of(venue_of(case).markets, 0, notional))


def price_of(venue: str, market: str) -> float:
    return load_scenario(venue).scenario.markets[market].price


@pytest.mark.parametrize(
    ("market", "notional", "margin"),
    [("BTC", 150e6, 1_875_000.0), ("BTC", 200e6, 3_125_000.0), ("ETH", 306e6, 8_866_666.67)],
)
def test_maintenance_of_hyperliquid(market: str, notional: float, margin: float) -> None:
    """The last one is the whale of March 2025 under the tiers of 2026."""
    assert maintenance("hyperliquid", market, notional) == pytest.approx(margin, abs=1.0)


@pytest.mark.parametrize(
    ("notional", "margin"),
    [(40e3, 160.0), (1e6, 8_700.0), (5e6, 108_700.0), (30e6, 1_733_700.0), (250e6, 37_483_700.0)],
)
def test_maintenance_of_binance_in_2021(notional: float, margin: float) -> None:
    case = one_account([list(tier) for tier in BINANCE_BTC_2021], 0.0, 1.0, 0.0, 1.0)
    assert maintenance_of(venue_of(case).markets, 0, notional) == pytest.approx(margin)


def test_deductions_are_those_that_bybit_publishes() -> None:
    """BTCUSDT, 2026-09: 0, 510 and 1,710 for the first three tiers."""
    tiers = [(low, rate) for low, rate in tiers_of("bybit", "BTC")[:3]]
    assert stack_tiers([tiers]).deduction.tolist() == pytest.approx([0.0, 510.0, 1_710.0])
    assert maintenance("bybit", "BTC", 2_600_000.0) == pytest.approx(0.0056 * 2_600_000 - 1_710)


@pytest.mark.parametrize(
    ("venue", "market", "units", "rate"),
    [
        *[("bitmex", "BTC", units, rate) for units, rate in ((100, 0.005), (150, 0.01), (200, 0.015), (250, 0.02))],
        *[("okx", "ETH", units, rate) for units, rate in ((300, 0.004), (600, 0.005), (1_200, 0.01), (2_400, 0.015))],
        *[("deribit", "BTC", units, rate) for units, rate in ((25, 0.01125), (350, 0.0275), (1_000, 0.06))],
    ],
)
def test_chords_meet_the_published_margin(venue: str, market: str, units: float, rate: float) -> None:
    """BitMEX's risk limits, OKEx's position tiers of 2021-06-11, Deribit's examples of 25 and 350 BTC."""
    notional = units * price_of(venue, market)
    assert maintenance(venue, market, notional) == pytest.approx(rate * notional, rel=1e-9)


def test_margin_of_deribit_between_the_chords_ends() -> None:
    """25 BTC at 100,000 ask for 28,125; between the ends it is over the formula by 0.3 % of the value at most."""
    price = price_of("deribit", "BTC")
    assert maintenance("deribit", "BTC", 25 * price) * 100_000 / price == pytest.approx(28_125.0)
    for units in range(5, 2_000, 15):
        over = maintenance("deribit", "BTC", units * price) / (units * price) - (0.01 + 0.00005 * units)
        assert -1e-12 < over < 0.003


@pytest.mark.parametrize(("market", "days", "buffer"), [("NORDIC", 2, 1.25), ("GERMAN", 2, 1.25)])
def test_margin_of_the_clearing_house(market: str, days: int, buffer: float) -> None:
    """99 % over two days of the model's volatility without jumps, and a quarter more, to a tenth of a percent."""
    model = load_scenario("clearing-house").scenario.markets[market].model
    assert isinstance(model, Merton)
    margin = buffer * norm.ppf(0.99) * model.volatility * math.sqrt(days / 365)
    assert tiers_of("clearing-house", market)[0][1] == pytest.approx(margin, abs=0.0005)


def engine(venue: str) -> Json:
    """Liquidation of a venue file in the words of a case."""
    rules = load_scenario(venue).scenario.pools
    size = next(iter(rules.values())).liquidation.size
    return {"size": size.model_dump(), "limit": {"type": "bankruptcy"}}


@pytest.mark.parametrize("venue", ["bybit", "okx", "bitmex"])
@pytest.mark.parametrize(("price", "gain"), [(6_980.0, 30.0), (6_930.0, -20.0)])
def test_fund_gains_or_lacks_what_lies_beyond_the_bankruptcy_price(venue: str, price: float, gain: float) -> None:
    """Bybit's example: bankruptcy at 6,950; a close at 6,980 leaves the fund 30 per unit, one at 6,930 costs it 20."""
    case = one_account([[0.0, 0.01]], 1.0, 7_000.0, 50.0, price)
    case["pools"][0] |= {**engine(venue), "layers": [{"type": "insurance_fund", "name": "F", "cash": 1_000.0}]}
    found = conformance.play(case)
    assert found["layers"]["F"]["equity"] == pytest.approx(1_000.0 + gain)
    assert found["accounts"]["a"]["equity"] == 0.0


@pytest.mark.parametrize(("price", "taken"), [(99.51, 0.0), (99.49, 1.0)])
def test_liquidation_example_of_bitmex(price: float, taken: float) -> None:
    """One contract at 100 on a margin of 1: liquidated at 99.50, bankrupt at 99."""
    case = one_account([[0.0, 0.005]], 1.0, 100.0, 1.0, price)
    case["pools"][0] |= {**engine("bitmex"), "layers": [{"type": "insurance_fund", "name": "F", "cash": 10.0}]}
    found = conformance.play(case)
    assert found["layers"]["F"]["q"][0] == taken
    assert found["layers"]["F"]["received"] == pytest.approx(taken * (price - 99.0), abs=1e-9)


def test_deleveraging_example_of_bitmex() -> None:
    """A short of 20 is closed against the first of the queue, 10, and half of the second, 20, of six longs."""
    held = {"first": (10.0, 500.0), "second": (20.0, 550.0), "third": (10.0, 600.0), "fourth": (5.0, 610.0)}
    held |= {"fifth": (10.0, 620.0), "sixth": (10.0, 630.0)}
    case = one_account([[0.0, 0.005]], -20.0, 600.0, 1_000.0, 660.0)
    case["accounts"] += [
        {"name": name, "pool": "A", "cash": 0.25 * q * entry, "positions": {"M": [q, entry]}}
        for name, (q, entry) in held.items()
    ]
    case["pools"][0] |= {"latency": 9, "layers": [{"type": "adl", "name": "D", "rank": "bitmex"}]}
    case["markets"][0]["price"] = [600.0, 660.0]
    found = conformance.play(case)
    left = {name: found["accounts"][name]["q"][0] for name in held}
    assert left == {"first": 0.0, "second": 10.0, "third": 10.0, "fourth": 5.0, "fifth": 10.0, "sixth": 10.0}
    assert found["pools"]["A"]["adl_haircut"] == pytest.approx(20.0 * (660.0 - 650.0))


def test_gains_haircut_is_the_same_share_for_every_winner() -> None:
    """h = shortfall / gains, by clearing houses and by Deribit: 50 over gains of 80 and 20 is 50 %."""
    case = one_account([[0.0, 0.1]], 10.0, 100.0, 50.0, 90.0)
    shorts = (("S", 8.0), ("T", 2.0))
    case["accounts"] += [{"name": n, "pool": "A", "cash": 99.0, "positions": {"M": [-q, 100.0]}} for n, q in shorts]
    case["pools"][0]["layers"] = [{"type": "socialise", "name": "W", "rule": "session_profit"}]
    accounts = conformance.play(case)["accounts"]
    assert accounts["S"]["equity"] - 99.0 == pytest.approx(0.5 * 80.0)
    assert accounts["T"]["equity"] - 99.0 == pytest.approx(0.5 * 20.0)
