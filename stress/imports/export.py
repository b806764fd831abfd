"""What every format is read into: rows of positions and the wallets behind them."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from stress.book import Positions
from stress.errors import UsageError
from stress.scenario.hints import did_you_mean


@dataclass
class Export:
    """Positions and wallets as the files say them, in their order; columns and not rows, as venues have a million."""

    account: list[str] = field(default_factory=list)
    """[row] account of each position."""
    market: list[str] = field(default_factory=list)
    quantity: array[float] = field(default_factory=lambda: array("d"))
    """[row] base units, long above zero."""
    entry: array[float] = field(default_factory=lambda: array("d"))
    """[row] entry price."""
    mark: array[float] = field(default_factory=lambda: array("d"))
    """[row] mark price at the time of the export; NaN where it is not said."""
    margin: array[float] = field(default_factory=lambda: array("d"))
    """[row] money set aside for an isolated position, before its profit; NaN for cross margin."""
    kind: list[str] = field(default_factory=list)
    """[row] trader, market_maker or hedge; empty for a trader."""
    owner: list[str] = field(default_factory=list)
    """[row] who groups accounts; empty where an account is its own."""
    wallet: dict[str, float] = field(default_factory=dict)
    """Money of each account with cross margin, before the profit of its positions."""
    left_out: Counter[str] = field(default_factory=Counter)
    """What was not taken over, by reason."""
    notes: list[str] = field(default_factory=list)
    """What a reader of the book must know."""

    def add(
        self, account: str, market: str, quantity: float, entry: float, mark: float, margin: float, owner: str = ""
    ) -> None:
        """One position; ``margin`` is NaN for cross margin."""
        self.account.append(account)
        self.market.append(market)
        self.quantity.append(quantity)
        self.entry.append(entry)
        self.mark.append(mark)
        self.margin.append(margin)
        self.kind.append("")
        self.owner.append(owner)

    def add_isolated(
        self, account: str, market: str, quantity: float, entry: float, mark: float, equity: float
    ) -> None:
        """One isolated position of known equity at a known mark.

        A wallet under zero, as after profit was withdrawn, has no place in a book: then the profit so far counts as
        realised, and the entry price becomes the mark. A position without equity is left out.
        """
        wallet = equity - quantity * (mark - entry)
        if equity <= 0.0:
            self.left_out["isolated position without equity"] += 1
            return
        if wallet <= 0.0:
            self.left_out["profit of an isolated position beyond its margin: entry price set to the mark"] += 1
            entry, wallet = mark, equity
        self.add(account, market, quantity, entry, mark, wallet)

    def renamed(self, names: Mapping[str, str]) -> None:
        """Give markets the names of the scenario.

        Raises:
            UsageError: the export has no market of that name.
        """
        known = set(self.market)
        for name in names:
            if name not in known:
                raise UsageError(f"the export has no market {name!r} to rename{did_you_mean(name, known)}")
        self.market = [names.get(name, name) for name in self.market]

    @property
    def marks_known(self) -> bool:
        """Whether every row says its mark."""
        return not any(math.isnan(mark) for mark in self.mark)


@dataclass(frozen=True)
class Imported:
    """A book, and what was learned on the way."""

    positions: Positions
    prices: dict[str, float]
    """Mark of each market at the time of the export."""
    left_out: dict[str, int]
    """Rows not taken over, by reason."""
    notes: tuple[str, ...]
