"""Markets, leverage tiers, order books and price bars of any venue that ccxt knows, as a scenario fragment.

    pip install ccxt
    python docs/ccxt_markets.py okx BTC/USDT:USDT ETH/USDT:USDT --out okx/ --bars 1h --since 2024-01-01

Written into the folder: ``markets.yaml`` with price, margin tiers and depth of every market, to be extended;
``BTC.csv`` with the bars, which ``tailstress calibrate`` reads; ``BTC-path.csv`` with the same closes as a path, which
``model: {type: replay, file: BTC-path.csv}`` reads. ccxt is no dependency of tailstress; docs/ccxt.md tells the rest.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import yaml

PAGE = 1_000
"""Bars that are asked for at once; venues give fewer where they want to."""

IN_CONTRACTS = ("okx", "okxus", "myokx")
"""Venues whose tiers ccxt 4.5 hands on in contracts (``minSz``), though it calls them notional."""

Levels = Sequence[Sequence[float]]
"""Price and amount of each level of one side, the best first."""


class Exchange(Protocol):
    """What is used of a ccxt exchange."""

    id: str
    has: Mapping[str, Any]

    def load_markets(self) -> Mapping[str, Mapping[str, Any]]:
        """Markets by unified symbol."""

    def fetch_leverage_tiers(self, symbols: list[str]) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Tiers of several markets."""

    def fetch_market_leverage_tiers(self, symbol: str) -> Sequence[Mapping[str, Any]]:
        """Tiers of one market."""

    def fetch_order_book(self, symbol: str, limit: int | None = None) -> Mapping[str, Any]:
        """Bids and asks as pairs of price and amount."""

    def fetch_ohlcv(
        self, symbol: str, timeframe: str, since: int | None = None, limit: int | None = None
    ) -> Sequence[Sequence[float]]:
        """Bars: milliseconds, open, high, low, close, volume."""

    def parse_timeframe(self, timeframe: str) -> int:
        """Seconds of a bar."""


@dataclass(frozen=True)
class Depth:
    """A power law through an order book: ``displacement = at * (quantity / depth) ** exponent``."""

    price: float
    """Middle of the best bid and ask."""
    depth: float
    """Value that moves the book by ``at``, quote currency."""
    at: float
    exponent: float
    reach: float
    """Displacement up to which the book was seen."""


def contracts(exchange: Exchange, symbols: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Markets by the name they get in the scenario.

    Raises:
        ValueError: a symbol is unknown, no linear perpetual, or two have the same base.
    """
    markets = exchange.load_markets()
    found = dict[str, Mapping[str, Any]]()
    for symbol in symbols:
        market = markets.get(symbol)
        if market is None:
            raise ValueError(f"{exchange.id} has no market {symbol!r}; ccxt writes linear perpetuals as BTC/USDT:USDT")
        if not (market.get("swap") and market.get("linear")):
            raise ValueError(f"{symbol} is no linear perpetual")
        if market["base"] in found:
            raise ValueError(f"two markets of {market['base']}: give one of them")
        found[market["base"]] = market
    return found


def margin_tiers(exchange: Exchange, symbol: str, contract_value: float) -> list[dict[str, float]]:
    """Notional from which each maintenance rate holds; empty where the venue does not say.

    Tiers begin at 0 and their rates do not fall: one that repeats a rate is left out. ``contract_value`` is that of one
    contract in the quote currency, for venues that count in contracts.

    Raises:
        ValueError: rates fall, so that the figures are in an order or unit that is not understood.
    """
    if exchange.has.get("fetchMarketLeverageTiers") is True:
        given = exchange.fetch_market_leverage_tiers(symbol)
    elif exchange.has.get("fetchLeverageTiers"):
        given = exchange.fetch_leverage_tiers([symbol]).get(symbol, ())
    else:
        return []
    unit = contract_value if exchange.id in IN_CONTRACTS else 1.0
    tiers = list[dict[str, float]]()
    for tier in sorted(given, key=lambda tier: float(tier["minNotional"] or 0.0)):
        rate, lower = float(tier["maintenanceMarginRate"]), unit * float(tier["minNotional"] or 0.0)
        if tiers and rate < tiers[-1]["maintenance"]:
            raise ValueError(f"{symbol}: maintenance falls from {tiers[-1]['maintenance']:g} to {rate:g}")
        if not tiers or rate > tiers[-1]["maintenance"]:
            tiers.append({"from": lower if tiers else 0.0, "maintenance": rate})
    return tiers


def fitted_depth(bids: Levels, asks: Levels, contract: float, at: float) -> Depth:
    """Power law through both sides of a book, by least squares of logarithms.

    Half of a level's amount lies before its price is reached. Levels beyond ``2 at`` say nothing of ``at``, those
    nearer than a twentieth of it are quotes of the moment. Levels count by the width they span in the logarithm of the
    displacement, as a side has most of its levels far from the touch.

    Raises:
        ValueError: a side is empty, crossed, or has fewer than three levels in that range.
    """
    if not bids or not asks or bids[0][0] >= asks[0][0]:
        raise ValueError("the book is empty or crossed")
    middle = math.sqrt(bids[0][0] * asks[0][0])
    sides = [_side(levels, middle, contract) for levels in (bids, asks)]
    reach = min(float(displaced[-1]) for displaced, _ in sides)
    chosen = [_range(displaced, amount, at) for displaced, amount in sides]
    x = np.concatenate([np.log(amount) for _, amount in chosen])
    y = np.concatenate([np.log(displaced) for displaced, _ in chosen])
    weight = np.concatenate([np.gradient(np.log(displaced)) for displaced, _ in chosen]) + 1e-12
    slope, level = np.polyfit(x, y, 1, w=np.sqrt(weight))
    exponent = float(np.clip(slope, 0.1, 1.0))
    if exponent != slope:
        level = float(np.average(y - exponent * x, weights=weight))
    units = math.exp((math.log(at) - float(level)) / exponent)
    return Depth(middle, units * middle, at, exponent, reach)


def _side(levels: Levels, middle: float, contract: float) -> tuple[np.ndarray, np.ndarray]:
    """Displacement of every level and the base units before it."""
    price = np.array([level[0] for level in levels], dtype=float)
    amount = np.array([level[1] for level in levels], dtype=float) * contract
    return np.abs(np.log(price / middle)), np.cumsum(amount) - amount / 2.0


def _range(displaced: np.ndarray, amount: np.ndarray, at: float) -> tuple[np.ndarray, np.ndarray]:
    near = (displaced >= at / 20.0) & (displaced <= 2.0 * at) & (amount > 0.0)
    if near.sum() < 3:
        raise ValueError(f"fewer than three levels between {at / 20.0:.2%} and {2.0 * at:.2%}: ask for a deeper book")
    return displaced[near], amount[near]


def bars(exchange: Exchange, symbol: str, timeframe: str, since: int, until: int) -> Iterator[Sequence[float]]:
    """Closed bars from ``since`` to before ``until``, both in milliseconds; each page begins after the last bar."""
    step = 1_000 * exchange.parse_timeframe(timeframe)
    while since < until:
        page = [bar for bar in exchange.fetch_ohlcv(symbol, timeframe, since, PAGE) if bar[0] >= since]
        if not page:
            return
        yield from (bar for bar in page if bar[0] + step <= until)
        since = int(page[-1][0]) + step


def write_bars(rows: Sequence[Sequence[float]], file: Path) -> None:
    """Bars for ``tailstress calibrate``, and the closes as a path beside them."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(["time", "open", "high", "low", "close", "volume"])
        table.writerows([int(row[0]) // 1_000, *row[1:6]] for row in rows)
    with file.with_name(f"{file.stem}-path.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(["time", "price"])
        table.writerows([(int(row[0]) - int(rows[0][0])) // 1_000, row[4]] for row in rows)


def market_of(exchange: Exchange, market: Mapping[str, Any], at: float) -> dict[str, Any]:
    """One market of the fragment."""
    symbol = str(market["symbol"])
    book = exchange.fetch_order_book(symbol)
    contract = float(market.get("contractSize") or 1.0)
    depth = fitted_depth(book["bids"], book["asks"], contract, at)
    if depth.reach < at:
        print(f"{symbol}: the book was seen to {depth.reach:.2%} only, its depth at {at:.2%} is extrapolated")
    found: dict[str, Any] = {"instrument": "linear_perpetual", "price": float(f"{depth.price:.10g}")}
    found["liquidity"] = {
        "type": "power",
        "depth": float(f"{depth.depth:.3g}"),
        "at": depth.at,
        "exponent": round(depth.exponent, 2),
        "half_life": "2m",
    }
    tiers = margin_tiers(exchange, symbol, contract * depth.price)
    if tiers:
        found["margin"] = {"tiers": tiers}
    else:
        print(f"{symbol}: {exchange.id} does not say its margin tiers")
    return found


def fragment(exchange: Exchange, symbols: Sequence[str], at: float) -> str:
    """YAML of all markets."""
    markets = {name: market_of(exchange, market, at) for name, market in contracts(exchange, symbols).items()}
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    head = f"# Markets of {exchange.id}, {now}. half_life is assumed (range 30s-10m); a model is to be added.\n"
    top = {"format": 1, "name": f"{exchange.id}-markets", "markets": markets}
    return head + yaml.safe_dump(top, sort_keys=False, width=120)


def write(exchange: Exchange, asked: argparse.Namespace) -> None:
    """Everything that was asked for, into the folder."""
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / "markets.yaml").write_text(fragment(exchange, asked.symbols, asked.at), encoding="utf-8")
    if asked.bars is None:
        return
    until = int(datetime.datetime.now(datetime.UTC).timestamp() * 1_000)
    since = int(asked.since.replace(tzinfo=datetime.UTC).timestamp() * 1_000)
    for name, market in contracts(exchange, asked.symbols).items():
        rows = list(bars(exchange, str(market["symbol"]), asked.bars, since, until))
        if rows:
            write_bars(rows, asked.out / f"{name}.csv")
        print(f"{name}: {len(rows):,} bars")


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("exchange", help="name of the venue in ccxt, such as okx")
    parser.add_argument("symbols", nargs="+", help="linear perpetuals, such as BTC/USDT:USDT")
    parser.add_argument("--out", type=Path, default=Path("markets"), help="folder to write into")
    parser.add_argument("--at", type=float, default=0.01, help="displacement at which the depth is stated")
    parser.add_argument("--bars", metavar="TIMEFRAME", help="also fetch price bars, such as 1h")
    parser.add_argument("--since", type=datetime.datetime.fromisoformat, default="2024-01-01", help="first bar")
    return parser.parse_args(words)


if __name__ == "__main__":
    import ccxt

    given = arguments()
    if given.exchange not in ccxt.exchanges:
        raise SystemExit(f"ccxt knows no venue {given.exchange!r}")
    try:
        write(getattr(ccxt, given.exchange)({"enableRateLimit": True}), given)
    except (ValueError, ccxt.BaseError) as error:
        raise SystemExit(f"{given.exchange}: {error}") from None
