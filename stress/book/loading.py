"""From the books of a scenario's pools to one set of margin accounts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from stress.book.check import remarks, sides
from stress.book.findings import gathered, together
from stress.book.initial import NO_INITIAL_MARGIN, InitialMargin
from stress.book.margin import Terms, stack_tiers
from stress.book.positions import Positions, join
from stress.book.reading import read_book
from stress.book.synthetic import draw, faults
from stress.errors import InvalidInput, MeaninglessInput, Problem
from stress.kernels.structs import Floats

if TYPE_CHECKING:
    from stress.scenario.instruments import Market
    from stress.scenario.layers import Layer
    from stress.scenario.markets import Initial
    from stress.scenario.pools import Pool
    from stress.scenario.schema import Scenario

Path = tuple[str | int, ...]
Place = tuple[str, int | None, int | None]
Locate = Callable[[Path], Place]
"""File, line and column of a key of the scenario."""


def terms_of(markets: Mapping[str, Market]) -> Terms:
    """Names, first prices, margin rules and haircuts of a scenario's markets."""
    return Terms(
        tuple(markets),
        np.array([market.price for market in markets.values()], dtype=np.float64),
        stack_tiers([(tier.from_, tier.maintenance) for tier in market.margin.tiers] for market in markets.values()),
        {m: market.haircut for m, market in enumerate(markets.values()) if market.instrument == "spot"},
        tuple(_initial(market.margin.initial) for market in markets.values()),
    )


def _initial(rule: Initial | None) -> InitialMargin:
    if rule is None:
        return NO_INITIAL_MARGIN
    scale = rule.open_interest
    return InitialMargin(rule.rate, scale.lower if scale else math.inf, scale.upper if scale else math.inf)


def load_books(scenario: Scenario, locate: Locate | None = None) -> tuple[Positions, list[str]]:
    """Read or draw the books of all pools.

    Parameters
    ----------
    scenario : Scenario
        Its pools are numbered in their order.
    locate : callable, optional
        Says where a key of the scenario stands, for messages about a book that cannot be drawn.

    Returns
    -------
    Positions
        Margin accounts of all pools, pool after pool.
    list of str
        What the reader of a report should know of the book, a sentence each.

    Raises
    ------
    MalformedInput, MeaninglessInput
        With every mistake of every book.
    """
    terms = terms_of(scenario.markets)
    interest = _drawn_interest(scenario)
    books: dict[int, Positions] = {}
    notes: list[str] = []
    errors: list[InvalidInput] = []
    # Tables first: how much margin a drawn account needs follows from the open interest of all pools.
    drawn = {name: pool.book.accounts is None for name, pool in scenario.pools.items()}
    for number, name in sorted(enumerate(scenario.pools), key=lambda pool: drawn[pool[1]]):
        with gathered(errors):
            books[number], said = _load_pool(scenario, name, number, terms, interest, locate)
            notes += said
            if scenario.pools[name].book.accounts is not None:
                interest += np.maximum(*sides(books[number], terms.prices))
    if errors:
        raise together(errors)
    positions = join([books[number] for number in range(len(books))])
    notes += _same_seeds(scenario.pools)
    against = [name for name, pool in scenario.pools.items() if any(_takes_all(layer) for layer in pool.layers)]
    return positions, notes + list(remarks(positions, terms, tuple(scenario.pools), against))


def _takes_all(layer: Layer) -> bool:
    """Whether the layer is the counterparty of everybody in its pool."""
    return layer.type == "liquidity_pool"


def _drawn_interest(scenario: Scenario) -> Floats:
    """[m] open interest of the pools whose books are drawn."""
    drawn = [pool.book.synthetic.open_interest for pool in scenario.pools.values() if pool.book.synthetic]
    sums = [math.fsum(interest.get(name, 0.0) for interest in drawn) for name in scenario.markets]
    return np.array(sums, dtype=np.float64)


def _load_pool(
    scenario: Scenario, name: str, number: int, terms: Terms, interest: Floats, locate: Locate | None
) -> tuple[Positions, list[str]]:
    """Book of one pool of a venue with an open interest [m]."""
    book = scenario.pools[name].book
    if book.accounts is not None:
        return read_book(book.accounts, book.balances, name, number, terms)
    if book.synthetic is None:
        raise MeaninglessInput([_problem(("pools", name, "book"), "neither accounts nor synthetic", locate)])
    found = list(faults(book.synthetic, terms))
    if found:
        place = ("pools", name, "book", "synthetic")
        raise MeaninglessInput(_problem((*place, *keys), text, locate) for keys, text in found)
    # One owner may trade in several pools, but a drawn account is nobody else's.
    prefix = f"{name}-" if len(scenario.pools) > 1 else ""
    return draw(book.synthetic, terms, number, prefix, interest), []


def _problem(path: Path, message: str, locate: Locate | None) -> Problem:
    file, line, column = locate(path) if locate else ("scenario", None, None)
    return Problem(file, line, column, ".".join(map(str, path)), message)


def _same_seeds(pools: Mapping[str, Pool]) -> Iterator[str]:
    seeds = Counter(pool.book.synthetic.seed for pool in pools.values() if pool.book.synthetic)
    for seed, count in seeds.items():
        if count > 1:
            yield f"{count} pools draw their books from the same seed {seed}: their accounts are alike"
