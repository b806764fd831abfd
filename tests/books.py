"""Books, markets and files that the tests of the book share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from stress.book import Positions, Terms, stack_tiers
from stress.book.reading import read_book
from stress.scenario.pools import Synthetic

TERMS = Terms(
    ("BTC", "ETH", "SOL"),
    np.array([121_662.0, 4_300.0, 220.0]),
    stack_tiers(
        [
            [(0.0, 0.0125), (150e6, 0.025)],
            [(0.0, 0.02), (100e6, 1.0 / 30.0)],
            [(0.0, 0.025), (70e6, 0.05)],
        ]
    ),
)
"""Three markets with the tiers of Hyperliquid."""

POSITIONS_HEADER = "account,market,quantity,entry_price,owner,pool,margin_mode,isolated_margin,kind"


def synthetic(**changes: Any) -> Synthetic:
    """A specification of 2,000 accounts in BTC and ETH, with some values changed."""
    values: dict[str, Any] = {
        "accounts": 2_000,
        "seed": 7,
        "open_interest": {"BTC": 1.5e9, "ETH": 1e9},
        "pareto": 1.2,
        "leverage": {"median": 6, "sigma": 0.7, "min": 1, "max": 40},
        "long_share": 0.6,
        "isolated_share": 0.3,
        "hedged_share": 0.05,
        "markets_per_account": {1: 0.7, 2: 0.3},
        "entry_spread": 0.05,
        "market_makers": {"count": 20, "leverage": 3},
    }
    return Synthetic.model_validate(values | changes)


def write(folder: Path, name: str, text: str) -> Path:
    """A text file with the given content."""
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def read(accounts: Path, balances: Path | None = None, pool: str = "main") -> Positions:
    """The accounts of a pool in :data:`TERMS`, without the notes."""
    return read_book(accounts, balances, pool, 0, TERMS)[0]


def same(one: Positions, other: Positions) -> bool:
    """Whether two books hold the same accounts, in the same order, with the same bits."""
    names = one.account_names == other.account_names and one.market_names == other.market_names
    owners = [one.owner_names[k] for k in one.owner] == [other.owner_names[k] for k in other.owner]
    arrays = ("pool", "kind", "isolated", "wallet", "first", "market", "quantity", "entry", "cash")
    return names and owners and all(np.array_equal(getattr(one, a), getattr(other, a)) for a in arrays)
