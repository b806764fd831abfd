"""From the positions of all pools to the kernel's book, in the order the trigger search likes."""

from __future__ import annotations

import numpy as np

from stress.book import Positions, Terms
from stress.build.index import index_book, on_circle, permuted
from stress.kernels.structs import Book, Floats, Ints


def distance_to_breach(positions: Positions, terms: Terms) -> Floats:
    """[i] relative price move that can bring each account into breach at the earliest; infinite without positions."""
    slack = positions.equity(terms.prices) - positions.maintenance(terms.prices, terms.tiers)
    top = terms.tiers.rate[terms.tiers.first[1:] - 1]
    slope = positions.per_account(positions.notional(terms.prices) * (1.0 + top[positions.market]))
    distance: Floats = np.divide(slack, slope, out=np.full(slack.size, np.inf), where=slope > 0.0)
    return distance


def order_by_danger(positions: Positions, terms: Terms) -> Ints:
    """Accounts nearest to breach first, so that the blocks of the trigger search hold accounts of one kind."""
    return np.argsort(distance_to_breach(positions, terms), kind="stable").astype(np.int64)


def book_of(positions: Positions, terms: Terms, draws: bool) -> tuple[Book, Ints]:
    """Kernel book of the positions, and where each of its accounts [i] stands in ``positions``.

    ``draws`` says that some ADL layer goes through the accounts from a random start.
    """
    order = order_by_danger(positions, terms)
    first, at = permuted(positions.first, order)
    book = index_book(
        positions.cash[order],
        positions.pool[order],
        positions.owner[order],
        on_circle([positions.account_names[i] for i in order]) if draws else np.zeros(order.size),
        first,
        positions.market[at],
        positions.quantity[at],
        positions.entry[at],
        len(terms.names),
    )
    return book, order
