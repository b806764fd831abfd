"""The kernel's book: accounts and positions with the indices a cascade searches by."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stress.book import Tiers
from stress.kernels.records import Records, table
from stress.kernels.structs import HOLDER, HOLDING, TIER, Book, Floats, Ints


def index_book(
    cash: Floats,
    pool: Ints,
    owner: Ints,
    circle: Floats,
    first: Ints,
    market: Ints,
    quantity: Floats,
    entry: Floats,
    is_asset: Sequence[bool],
) -> Book:
    """Book of accounts [i] with positions ``first[i]:first[i + 1]`` [j] in markets [m], of which some are assets.

    ``cash`` is ledger cash: wallet minus the cost of the open contracts. ``circle`` is where the ADL rank ``random``
    comes to each account, ``owner`` as :func:`owners_by_pool` numbers them. Within each account contracts come to
    stand before collateral.
    """
    posted = np.asarray(is_asset, dtype=np.int64)[market]
    holder = np.repeat(np.arange(cash.size, dtype=np.int64), np.diff(first))
    last = first[1:] - np.bincount(holder, weights=posted, minlength=cash.size).astype(np.int64)
    order = np.lexsort((posted, holder))
    market = market[order]
    by_market = np.argsort(market, kind="stable").astype(np.int64)
    market_first = np.concatenate([[0], np.cumsum(np.bincount(market, minlength=len(is_asset)))]).astype(np.int64)
    return Book(
        accounts=table(
            HOLDER, cash=cash, pool=pool, owner=owner, circle=circle, first=first[:-1], last=last, end=first[1:]
        ),
        positions=table(HOLDING, market=market, holder=holder, quantity=quantity[order], entry=entry[order]),
        market_first=market_first,
        by_market=by_market,
    )


class PoolOwners(NamedTuple):
    """Owners as the kernels number them: pool by pool, by name within a pool."""

    of_account: Ints
    """[i] owner of each account in its pool."""
    first: Ints
    """[p + 1] owners of pool p are ``first[p]:first[p + 1]``."""
    names: tuple[str, ...]
    """[o] names; that of an owner in several pools is there several times."""


def owners_by_pool(pool: Ints, owner: Ints, names: Sequence[str], pools: int) -> PoolOwners:
    """Owners of the accounts [i] with numbers ``owner`` among ``names``.

    By name, so that equal amounts are listed in the same order however the accounts are stored.
    """
    rank = np.empty(len(names), dtype=np.int64)
    by_name = np.array(sorted(range(len(names)), key=lambda o: names[o]), dtype=np.int64)
    rank[by_name] = np.arange(len(names))
    pairs, of_account = np.unique(pool * len(names) + rank[owner], return_inverse=True)
    first = np.searchsorted(pairs, np.arange(pools + 1) * len(names)).astype(np.int64)
    return PoolOwners(of_account.astype(np.int64), first, tuple(names[by_name[pair % len(names)]] for pair in pairs))


def tier_table(tiers: Tiers) -> Records:
    """Tiers of all markets as the kernels read them."""
    return table(TIER, lower=tiers.lower, rate=tiers.rate, deduction=tiers.deduction)


def on_circle(names: Sequence[str]) -> Floats:
    """[i] places in [0, 1) of accounts by a hash of their names, so that the order of a file does not matter."""
    words = [int.from_bytes(hashlib.blake2b(name.encode(), digest_size=6).digest()) for name in names]
    return np.array(words, dtype=np.float64) / 2.0**48


def maker_ranges(makers: Sequence[Sequence[int] | Ints]) -> dict[str, Ints]:
    """[m] columns of INSTRUMENT that say where the makers of each market stand, market by market."""
    ends = np.cumsum([0, *(len(accounts) for accounts in makers)], dtype=np.int64)
    return {"maker_first": ends[:-1], "maker_last": ends[1:]}


def permuted(first: Ints, order: Ints) -> tuple[Ints, Ints]:
    """Accounts in a new ``order`` [i]: their ``first`` [i + 1] and where each position [j] was before."""
    held = np.diff(first)[order]
    new_first = np.concatenate([[0], np.cumsum(held)]).astype(np.int64)
    within = np.arange(new_first[-1]) - np.repeat(new_first[:-1], held)
    return new_first, np.repeat(first[:-1][order], held) + within
