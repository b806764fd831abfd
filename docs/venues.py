"""Who pays under which rules: the tables of ``docs/venues.md``, printed by ``python docs/venues.py``.

Six rule books on the same prices, depth, traders and size of fund; only the rules of the venue files differ.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import stress
from stress.build import build
from stress.engine import run
from stress.scenario import load_scenario
from stress.scenario.layers import FUNDS, Layer
from stress.scenario.schema import Scenario

VENUES = ("binance", "bitmex", "bybit", "deribit", "hyperliquid", "okx")
FALLS = (12, 25)
"""Percent by which all prices fall at once, an hour after the start."""
PATHS = 200
DEPTH = {"BTC": 150_000_000, "ETH": 90_000_000}
OPEN_INTEREST = {"BTC": 3_000_000_000, "ETH": 2_000_000_000}
FUND = 0.02
"""Capital of the first layer over open interest."""
HEADINGS = ("rules", "bad debt", "paid by the fund", "by ADL", "shared", "by nobody", "closed by ADL", "fund needed")


def book(markets: list[str], number: int) -> str:
    """Traders of one pool: a thousand of them with one market or two, or five hundred with the one of the pool."""
    interest = ", ".join(f"{market}: {OPEN_INTEREST[market]}" for market in markets)
    spread = "{1: 70%, 2: 30%}" if len(markets) > 1 else "{1: 100%}"
    return (
        f"{{accounts: {500 * len(markets)}, seed: {7 + number}, open_interest: {{{interest}}}, pareto: 1.2, "
        "leverage: {median: 6, sigma: 0.8, min: 1, max: 25}, long_share: 60%, isolated_share: 30%, hedged_share: 5%, "
        f"markets_per_account: {spread}, entry_spread: 5%, market_makers: {{count: 20, leverage: 3}}}}"
    )


def fund(pool: str, layer: Layer, capital: float) -> Iterator[str]:
    """The first layer with another capital; bounds on its inventory are shares of that."""
    assert isinstance(layer, FUNDS)
    yield f"pools.{pool}.layers.0.capital={capital:.0f}"
    for market, most in layer.cap.items():
        yield f"pools.{pool}.layers.0.cap.{market}={most / layer.capital * capital:.0f}"


def overrides(scenario: Scenario, fall: int) -> Iterator[str]:
    """What makes the venue files alike; one that keeps its contracts apart has a pool for each."""
    yield f"run.paths={PATHS}"
    crash = f"jump: -{fall}%, depth: 10%, duration: 4h"
    yield "shocks=[" + ", ".join(f"{{at: 1h, market: {market}, {crash}}}" for market in DEPTH) + "]"
    for market, depth in DEPTH.items():
        yield f"markets.{market}.liquidity.depth={depth}"
    for number, pool in enumerate(scenario.pools):
        markets = [list(DEPTH)[number]] if len(scenario.pools) > 1 else list(DEPTH)
        yield f"pools.{pool}.book.synthetic={book(markets, number)}"
        yield from fund(pool, scenario.pools[pool].layers[0], FUND * sum(OPEN_INTEREST[market] for market in markets))


def row(name: str, fall: int, folder: Path) -> list[str]:
    """Means over the paths as shares of open interest."""
    loaded = load_scenario(name, list(overrides(load_scenario(name).scenario, fall)))
    run(build(loaded), folder)
    result = stress.load(folder)
    funds = {layer.name for pool in loaded.scenario.pools.values() for layer in pool.layers if isinstance(layer, FUNDS)}
    paid = result.layers.groupby("layer")["paid"].sum()
    totals = result.paths.select_dtypes("number").sum()
    money = (
        totals["bad_debt"],
        sum(amount for layer, amount in paid.items() if layer in funds),
        totals["adl_paid"],
        totals["socialised"],
        totals["residual"] + totals["residual_open"],
        totals["adl_notional"],
        totals["required_fund"],
    )
    return [f"`{name}`", *(share(float(amount) / PATHS / sum(OPEN_INTEREST.values())) for amount in money)]


def share(value: float) -> str:
    """A share in percent, nothing where it is none."""
    return f"{100 * value:.1f} %" if value >= 0.0005 else ""


def main() -> None:
    """Print a table for every fall."""
    for fall in FALLS:
        print(f"A fall of {fall} %:\n\n| {' | '.join(HEADINGS)} |\n|{'---|' * len(HEADINGS)}")
        for name in VENUES:
            with tempfile.TemporaryDirectory() as folder:
                print(f"| {' | '.join(row(name, fall, Path(folder) / 'run'))} |", flush=True)
        print()


if __name__ == "__main__":
    main()
