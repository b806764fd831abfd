"""From the positions of all pools to the kernel's book, in the order the trigger search likes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stress.book import Positions, Terms
from stress.build.index import PoolOwners, index_book, on_circle, owners_by_pool, permuted
from stress.kernels.structs import Book, Floats, Ints


def distance_to_breach(positions: Positions, terms: Terms) -> Floats:
    """[i] relative price move that can bring each account into breach at the earliest; infinite without positions."""
    slack = positions.margin_equity(terms) - positions.maintenance(terms.prices, terms.tiers)
    top = terms.tiers.rate[terms.tiers.first[1:] - 1]
    slope = positions.per_account(positions.notional(terms.prices) * (1.0 + top[positions.market]))
    slope += positions.deposits.value((1.0 - terms.haircut) * terms.prices, positions.accounts)
    distance: Floats = np.divide(slack, slope, out=np.full(slack.size, np.inf), where=slope > 0.0)
    return distance


def order_by_danger(positions: Positions, terms: Terms) -> Ints:
    """Accounts nearest to breach first, so that the blocks of the trigger search hold accounts of one kind."""
    return np.argsort(distance_to_breach(positions, terms), kind="stable").astype(np.int64)


class Holdings(NamedTuple):
    """Contracts and collateral of all accounts."""

    first: Ints
    """[i + 1] what account i holds is ``first[i]:first[i + 1]``."""
    market: Ints
    """[j]"""
    quantity: Floats
    """[j]"""
    entry: Floats
    """[j] of collateral the first price, which nothing asks for."""


def _with_collateral(positions: Positions, terms: Terms) -> Holdings:
    """The contracts of every account and behind them its collateral."""
    deposits = positions.deposits
    holder = np.concatenate([positions.holder, deposits.holder])
    order = np.argsort(holder, kind="stable")
    return Holdings(
        np.append(0, np.cumsum(np.bincount(holder, minlength=positions.accounts))).astype(np.int64),
        np.concatenate([positions.market, deposits.market])[order],
        np.concatenate([positions.quantity, deposits.units])[order],
        np.concatenate([positions.entry, terms.prices[deposits.market]])[order],
    )


def book_of(positions: Positions, terms: Terms, pools: int, by_name: bool) -> tuple[Book, Ints, PoolOwners]:
    """Kernel book of the positions, where each of its accounts [i] stands in ``positions``, and its owners.

    ``by_name`` says that some rule goes by the names of accounts: a layer, or owners who answer margin calls.
    """
    order = order_by_danger(positions, terms)
    held = _with_collateral(positions, terms)
    first, at = permuted(held.first, order)
    owners = owners_by_pool(positions.pool[order], positions.owner[order], positions.owner_names, pools)
    book = index_book(
        positions.cash[order],
        positions.pool[order],
        owners.of_account,
        on_circle([positions.account_names[i] for i in order]) if by_name else np.zeros(order.size),
        first,
        held.market[at],
        held.quantity[at],
        held.entry[at],
        terms.is_asset.tolist(),
    )
    return book, order, owners
