"""Worked examples that venues publish, computed by the cascade under the rules of the venue files."""

from __future__ import annotations

import pytest

from stress.scenario import load_scenario
from stress.scenario.layers import BackstopVault
from tests import conformance
from tests.conformance.case import Json

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
