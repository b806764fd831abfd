"""Schema of a risk pool: its book, its liquidation rules, and its layers in their order."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from stress.scenario.layers import InsuranceFund, Layer, LiquidityPool
from stress.scenario.markets import MarketName
from stress.scenario.parts import Complaint, Family, Part
from stress.scenario.traders import MarginCalls
from stress.scenario.values import Count, Duration, File, Fraction, Money, Number, Text, Words

PoolName = Annotated[str, Text(r"[A-Za-z0-9][A-Za-z0-9_-]*", "the name of a pool: letters, digits, _ and - only")]
Share = Annotated[float, Fraction(least=0.0, most=1.0)]
Ratio = Annotated[float, Number(least=0.001, most=1e4)]


class Leverage(Part):
    """Log-normal distribution of leverage, cut to a range."""

    median: Ratio = Field(default=6.0, description="Median leverage.")
    sigma: Annotated[float, Number(least=0.0, most=10.0)] = Field(
        default=0.7, description="Standard deviation of the log of leverage."
    )
    min: Ratio = Field(default=1.0, description="Least leverage.")
    max: Ratio = Field(default=40.0, description="Largest leverage.")

    def check(self) -> Iterator[Complaint]:
        """The median lies in the range."""
        if self.min > self.max:
            yield ("min",), "must not be more than max"
        elif not self.min <= self.median <= self.max:
            yield ("median",), f"must lie between min {self.min:g} and max {self.max:g}"


class MarketMakers(Part):
    """Accounts that hold the other side of what the drawn traders hold in sum."""

    count: Annotated[int, Count(least=0, most=100_000)] = Field(
        default=20, description="Number of market makers; with none, traders outside the book or a liquidity pool."
    )
    leverage: Ratio = Field(default=3.0, description="Leverage of each of them.")


class Posted(Part):
    """Collateral that drawn accounts post instead of money."""

    accounts: Share = Field(
        default=1.0, description="Share of the accounts with cross margin, market makers apart, that post it."
    )
    margin: Share = Field(default=1.0, description="Share of the money they brought that they post in it.")


class Synthetic(Part):
    """A book drawn at random, the same for the same seed."""

    accounts: Annotated[int, Count(least=1, most=10_000_000)] = Field(description="Number of traders.")
    seed: Annotated[int, Count(least=0, most=2**63 - 1)] = Field(default=0, description="Seed of the draw.")
    open_interest: dict[MarketName, Annotated[float, Money(least=0.0)]] = Field(
        min_length=1, description="Value of all long positions by market."
    )
    pareto: Annotated[float, Number(least=0.3, most=100.0)] = Field(
        default=1.2, description="Pareto exponent of the notional."
    )
    leverage: Leverage = Field(default=Leverage(), description="Distribution of leverage.")
    long_share: Share = Field(default=0.5, description="Share of traders who are long.")
    isolated_share: Share = Field(default=0.0, description="Share of traders with isolated margin.")
    hedged_share: Share = Field(
        default=0.0, description="Share of traders whose positions are offset in another account of theirs."
    )
    markets_per_account: dict[Annotated[int, Count(least=1)], Share] = Field(
        default={1: 1.0}, min_length=1, description="Share of traders by the number of markets they trade in."
    )
    entry_spread: Annotated[float, Fraction(least=0.0, below=1.0)] = Field(
        default=0.05, description="Standard deviation of entry prices around the initial price."
    )
    market_makers: MarketMakers = Field(default=MarketMakers(), description="Who holds the other side.")
    collateral: dict[MarketName, Posted] = Field(
        default={}, description="Assets that accounts post as collateral; an account posts one at most."
    )

    def check(self) -> Iterator[Complaint]:
        """Shares add up; nobody trades in more markets than there are."""
        posting = math.fsum(posted.accounts for posted in self.collateral.values())
        if posting > 1.0 + 1e-9:
            yield ("collateral",), f"an account posts one asset at most, but the shares add up to {100 * posting:g}%"
        total = math.fsum(self.markets_per_account.values())
        if abs(total - 1.0) > 1e-9:
            yield ("markets_per_account",), f"the shares must add up to 100%, got {100 * total:g}%"
        for count, share in self.markets_per_account.items():
            if share > 0 and count > len(self.open_interest):
                yield (
                    ("markets_per_account", count),
                    f"more than the {len(self.open_interest)} markets with open interest",
                )


class Book(Part):
    """Who holds what: tables of positions and balances, or a synthetic draw."""

    accounts: Annotated[Path, File()] | None = Field(
        default=None, description="Table of positions, CSV or Parquet, relative to the scenario."
    )
    balances: Annotated[Path, File()] | None = Field(
        default=None, description="Table of wallet balances, CSV or Parquet, relative to the scenario."
    )
    synthetic: Synthetic | None = Field(default=None, description="Draw the book instead.")

    def check(self) -> Iterator[Complaint]:
        """One source."""
        if self.accounts is not None and self.synthetic is not None:
            yield ("accounts",), "give either accounts or synthetic; an inherited one is dropped by `synthetic: null`"
        elif self.accounts is None and self.synthetic is None:
            yield (), "give either accounts (a table of positions) or synthetic"
        elif self.balances is not None and self.accounts is None:
            yield ("balances",), "has no meaning without accounts"


class Full(Part):
    """Orders close the whole position."""

    type: Literal["full"]


class FractionSize(Part):
    """Large positions are closed by slices."""

    type: Literal["fraction"]
    share: Annotated[float, Fraction(above=0.0, most=1.0)] = Field(description="Share of the position in a slice.")
    above: Annotated[float, Money(least=0.0)] = Field(
        default=0.0, description="Notional above which positions are sliced; smaller ones are closed at once."
    )
    cooldown: Annotated[float, Duration()] = Field(default=0.0, description="Time between two slices of an account.")
    during: Annotated[Literal["full", "wait"], Words(("full", "wait"))] = Field(
        default="full", description="Within the cooldown: send the rest, or wait."
    )


class ToTarget(Part):
    """Orders close the least share of all positions that restores the margin."""

    type: Literal["to_target"]
    target: Annotated[float, Number(least=1.01, most=1e3)] = Field(
        description="Equity over maintenance margin that the account is brought back to."
    )


class StepDown(Part):
    """Orders cut large positions to lower margin tiers."""

    type: Literal["step_down"]
    tiers: Annotated[int, Count(least=1, most=100)] = Field(default=1, description="Tiers that one step goes down.")
    rest: Annotated[Literal["send", "leave"], Words(("send", "leave"))] = Field(
        default="send",
        description="Where the lowest tiers would not do: send everything, or leave the account to the layers.",
    )


class Paced(Part):
    """Orders close at a pace: what a venue closes interval by interval, once per check."""

    type: Literal["paced"]
    share: Annotated[float, Fraction(above=0.0, most=1.0)] = Field(
        description="Share of what is left of a position that one interval closes."
    )
    least: Annotated[float, Money(least=0.0)] = Field(
        default=0.0, description="Notional of a position that an interval closes, however small the share."
    )
    most: Annotated[float, Money(above=0.0, endless="none")] = Field(
        default=math.inf, description="Notional of an account that an interval closes at most."
    )
    every: Annotated[float, Duration(above=0.0)] = Field(description="Length of an interval.")

    def check(self) -> Iterator[Complaint]:
        """Bounds in order."""
        if self.most < self.least:
            yield ("most",), "must not be less than least"


class NoLimit(Part):
    """Orders take any price."""

    type: Literal["none"]


class BankruptcyLimit(Part):
    """Orders are limited at the price at which the account's equity is gone."""

    type: Literal["bankruptcy"]


class SlippageLimit(Part):
    """Orders are limited at a distance from the mark."""

    type: Literal["slippage"]
    cap: Annotated[float, Fraction(above=0.0, below=1.0)] = Field(description="Largest distance from the mark.")


class FillableLimit(Part):
    """Orders are limited at dYdX v4's fillable price."""

    type: Literal["fillable"]
    spread: Annotated[float, Number(least=0.0, most=1e3)] = Field(
        default=1.5, description="Spread to the mark in maintenance margins at full adjustment."
    )
    adjustment: Annotated[float, Number(least=0.0, most=1e3)] = Field(
        default=1.0, description="Factor on the adjusted bankruptcy rating."
    )


Size = Annotated[Full | FractionSize | ToTarget | StepDown | Paced, Family("size", bare=True)]
Limit = Annotated[NoLimit | BankruptcyLimit | SlippageLimit | FillableLimit, Family("limit", bare=True)]


class Liquidation(Part):
    """How accounts under their maintenance margin are closed."""

    size: Size = Field(default=Full(type="full"), description="How much of a position is sent.")
    limit: Limit = Field(default=NoLimit(type="none"), description="Worst price that orders take.")
    fee: Annotated[float, Fraction(least=0.0, below=1.0)] = Field(
        default=0.0, description="Fee on the liquidated value."
    )
    fund_share: Share = Field(default=1.0, description="Share of the fee that goes to the pool's first fund.")
    latency: Annotated[float, Duration()] = Field(default=0.0, description="Time between breach and order.")
    capacity: Annotated[float, Money(above=0.0, endless="none")] = Field(
        default=math.inf, description="Value that liquidators can carry per check."
    )
    takeover_when: Annotated[Literal["unfilled", "insolvent"], Words(("unfilled", "insolvent"))] = Field(
        default="unfilled", description="When the layers are offered an account: order unfilled, or equity negative."
    )


class Pool(Part):
    """Accounts that share a waterfall of layers."""

    book: Book = Field(description="Who holds what.")
    liquidation: Liquidation = Field(default=Liquidation(), description="How accounts are closed.")
    margin_calls: MarginCalls | None = Field(default=None, description="What owners do when their margin runs low.")
    layers: tuple[Layer, ...] = Field(default=(), description="Who pays, in this order; the rest is never paid.")

    @classmethod
    def prepare(cls, data: dict[Any, Any]) -> dict[Any, Any]:
        """Layers without a name get that of their type, numbered where it is taken."""
        layers = data.get("layers")
        if not isinstance(layers, list | tuple):
            return data
        taken = {str(layer.get("name")) for layer in layers if isinstance(layer, dict)}
        named: list[Any] = []
        for entry in layers:
            layer = {"type": entry} if isinstance(entry, str) else entry
            if isinstance(layer, dict) and "name" not in layer and isinstance(layer.get("type"), str):
                layer = {**layer, "name": _free_name(layer["type"], taken)}
                taken.add(layer["name"])
            named.append(layer)
        return {**data, "layers": named}

    def check(self) -> Iterator[Complaint]:
        """Layers can be told apart."""
        seen: set[str] = set()
        for n, layer in enumerate(self.layers):
            if layer.name in seen:
                yield ("layers", n, "name"), f"another layer is called {layer.name!r} already"
            seen.add(layer.name)
        yield from self._single("liquidity_pool", [isinstance(layer, LiquidityPool) for layer in self.layers])
        guarantors = [isinstance(layer, InsuranceFund) and layer.guarantees_fills is True for layer in self.layers]
        yield from self._single("fund that guarantees fills", guarantors)

    def _single(self, noun: str, chosen: list[bool]) -> Iterator[Complaint]:
        """Of some layers a pool has one."""
        for n in [n for n, is_one in enumerate(chosen) if is_one][1:]:
            yield ("layers", n), f"a pool has one {noun} at most"


def _free_name(word: str, taken: set[str]) -> str:
    name, n = word, 2
    while name in taken:
        name, n = f"{word}-{n}", n + 1
    return name
