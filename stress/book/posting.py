"""Collateral of a synthetic book: who posts which asset, and how much of it.

Definitions
-----------
accounts
    Share of the accounts with cross margin, market makers apart, that post the
    asset. An account posts one asset at most.
margin
    Share of the money that such an account has brought (its equity less its
    unrealised profit) that it posts in the asset instead of the quote currency.
    It brings as much as counts after the haircut for what it replaces, so the
    account's leverage, as the venue computes it, and its place before the
    maintenance margin are those of a book without collateral.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from stress.book.margin import Terms
from stress.book.positions import MARKET_MAKER, Deposits, Positions
from stress.kernels.structs import Floats, Ints

if TYPE_CHECKING:
    from stress.scenario.pools import Synthetic


def faults(spec: Synthetic, terms: Terms) -> Iterator[tuple[tuple[str, ...], str]]:
    """What makes it impossible to post, as (keys, sentence) pairs."""
    for name in spec.collateral:
        if terms.haircuts.get(terms.names.index(name), 0.0) == 1.0:
            yield ("collateral", name), "has a haircut of 100%: no amount of it replaces what it is posted for"


def post(spec: Synthetic, terms: Terms, positions: Positions, chance: Floats) -> Positions:
    """Replace money in the wallets of a drawn book by collateral; ``chance`` [i] is a uniform for each account."""
    eligible = np.flatnonzero(~positions.isolated & (positions.kind != MARKET_MAKER))
    turn = eligible[np.argsort(chance[eligible], kind="stable")]
    wallet, first = positions.wallet.copy(), 0.0
    posted: list[tuple[Ints, Ints, Floats]] = []
    for name, asset in spec.collateral.items():
        m = terms.names.index(name)
        who = np.sort(turn[round(first * len(turn)) : round((first + asset.accounts) * len(turn))])
        first += asset.accounts
        value = asset.margin * wallet[who]
        wallet[who] -= value
        units = value / ((1.0 - terms.haircuts[m]) * terms.prices[m])
        posted.append((who[units > 0.0], np.full(int((units > 0.0).sum()), m), units[units > 0.0]))
    return replace(positions, wallet=wallet, deposits=_in_order(posted))


def _in_order(posted: list[tuple[Ints, Ints, Floats]]) -> Deposits:
    """Deposits by account."""
    holder, market, units = (np.concatenate(parts) for parts in zip(*posted, strict=True))
    order = np.argsort(holder, kind="stable")
    return Deposits(holder[order].astype(np.int64), market[order].astype(np.int64), units[order])
