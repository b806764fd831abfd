"""Who holds what: margin accounts, balances of layers, pools, and the world that holds them all."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from tests.naive.market import Market

Json = dict[str, Any]
Prices = dict[str, float]

NOTHING = 1e-12
"""Fills and shares of takeovers under this are none."""
MONEY = (
    "liquidated_notional book_fills vwap_gap takeover_notional bad_debt adl_notional adl_haircut adl_paid socialised "
    "socialised_for_layers residual fees fees_fund fees_liquidator residual_open fees_out "
    "topped_up reduced_notional"
).split()

OWNED = "layers adl socialised written_off haircut charged deleveraged".split()


@dataclass
class Holder:
    """Cash, signed quantities by market, and units of collateral.

    A trade of ``dq`` at ``p`` does ``q += dq``, ``cash -= dq * p``.
    """

    name: str
    cash: float
    q: dict[str, float]
    b: dict[str, float] = field(default_factory=dict, kw_only=True)

    def trade(self, market: str, dq: float, price: float) -> None:
        self.q[market] = self.q.get(market, 0.0) + dq
        self.cash -= dq * price

    def close(self, market: str, dq: float, price: float) -> None:
        """Trade towards flat; a full close leaves exactly nothing."""
        full = dq == -self.q[market]
        self.trade(market, dq, price)
        if full:
            self.q[market] = 0.0

    def flat(self) -> bool:
        """Whether no position is open; collateral is none."""
        return all(q == 0.0 for q in self.q.values())


@dataclass
class Account(Holder):
    """A margin account; ``since`` is the step at which its present breach was first seen."""

    pool: str
    entry: dict[str, float]
    since: int | None = None
    sliced: int | None = None
    left: bool = False
    """Whether in this round it sends nothing and is left to the layers."""
    short: float = 0.0
    """What this round's fills fell short of bankruptcy prices."""
    limits: dict[tuple[int, str], float | None] = field(default_factory=dict)
    liquidated: bool = False
    deleveraged: bool = False
    start: float = 0.0
    owner: str = ""
    realised: dict[str, float] = field(default_factory=dict)
    """Profit against the entry price on what ADL closed, by market."""
    shares: dict[str, float] = field(default_factory=lambda: dict.fromkeys(OWNED, 0.0))
    """What others bore of its deficits, by whom, and what it paid for others."""
    maker: bool = False
    adds: bool = False
    """Whether its owner adds cash on this path when called; ``reduces`` likewise."""
    reduces: bool = False
    reserve: float = 0.0
    called: int | None = None
    added: int | None = None
    reduced: int | None = None


@dataclass
class Balance(Holder):
    """Money and inventory of a fund or vault, and what was seen of its equity."""

    rules: Json
    initial: float = 0.0
    hedge: dict[str, float] = field(default_factory=dict)
    """Units on another venue by market."""
    gap_since: dict[str, int] = field(default_factory=dict)
    hedge_notional: float = 0.0
    hedge_result: float = 0.0
    tokens: float = 0.0
    """What a treasury may still sell."""
    owing_since: int | None = None
    raised: float = 0.0
    tokens_sold: float = 0.0
    token_low: float | None = None
    low: float = math.inf
    fall: float = 0.0
    fall_step: int | None = None
    first_decline: int | None = None
    first_under: int | None = None
    depletion_step: int | None = None
    seen: list[tuple[int, float]] = field(default_factory=list)
    """Step and equity of every observation."""

    def bare(self) -> bool:
        """Neither inventory nor hedges."""
        return self.flat() and all(h == 0.0 for h in self.hedge.values())

    @property
    def floor(self) -> float:
        return float(self.rules.get("floor", 0.0))

    @property
    def treasury(self) -> bool:
        return bool(self.rules["type"] == "treasury")

    @property
    def unlimited(self) -> bool:
        return bool(self.rules.get("unlimited", False))

    @property
    def adl_below_floor(self) -> bool:
        return bool(self.rules.get("adl_below_floor", self.rules["type"] == "backstop_vault"))


@dataclass
class Layer:
    """A place in a pool's list; a shared fund's balance stands in the lists of several pools."""

    place: int
    pool: str
    rules: Json
    balance: Balance | None
    paid: float = 0.0
    paid_for_layers: float = 0.0
    received: float = 0.0

    @property
    def kind(self) -> str:
        return str(self.rules["type"])


@dataclass
class Pool:
    """Rules of a pool and its totals of the path."""

    name: str
    rules: Json
    layers: list[Layer]
    totals: dict[str, float] = field(default_factory=lambda: dict.fromkeys(MONEY, 0.0))
    used: float = 0.0

    def add(self, word: str, amount: float) -> None:
        self.totals[word] += amount


@dataclass
class Asset:
    """Collateral: its price at every step, and the share of its value that does not count towards margin."""

    prices: list[float]
    haircut: float


@dataclass
class World:
    """State of a venue at one moment of a path."""

    dt: float
    max_rounds: int
    markets: dict[str, Market]
    accounts: dict[str, Account]
    pools: dict[str, Pool]
    balances: dict[str, Balance]
    outside: dict[str, dict[str, float]]
    """Net quantity of outside traders by whose ledger they trade with (a pool or a shared fund) and market."""
    assets: dict[str, Asset]
    step: int = 0
    marks: Prices = field(default_factory=dict)
    previous_marks: Prices = field(default_factory=dict)
    first_marks: Prices = field(default_factory=dict)
    """Marks of the first round of this step."""
    max_rounds_seen: int = 0
    seed: int = 0

    def worth(self, b: dict[str, float], haircut: bool = False) -> float:
        """Value of units of collateral now, whole or after haircuts."""
        cut = {name: asset.haircut if haircut else 0.0 for name, asset in self.assets.items()}
        return sum((1.0 - cut[name]) * units * self.assets[name].prices[self.step] for name, units in b.items())

    def of_pool(self, pool: str) -> list[Account]:
        return [account for account in self.accounts.values() if account.pool == pool]


def steps(seconds: float, dt: float) -> int:
    """Whole checks in a time, rounded up."""
    return math.ceil(seconds / dt)


def decay(dt: float, half_life: float | None) -> float:
    """What is left after ``dt``; no half-life: all of it."""
    if half_life is None:
        return 1.0
    return 0.0 if half_life == 0.0 else 2.0 ** (-dt / half_life)
