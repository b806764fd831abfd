"""From the books of a scenario's pools to one set of margin accounts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from stress.book.check import remarks
from stress.book.findings import gathered, together
from stress.book.margin import Terms, stack_tiers
from stress.book.positions import Positions, join
from stress.book.reading import read_book
from stress.book.synthetic import draw, faults
from stress.errors import InvalidInput, MeaninglessInput, Problem

if TYPE_CHECKING:
    from stress.scenario.instruments import Market
    from stress.scenario.pools import Pool
    from stress.scenario.schema import Scenario

Path = tuple[str | int, ...]
Place = tuple[str, int | None, int | None]
Locate = Callable[[Path], Place]
"""File, line and column of a key of the scenario."""


def terms_of(markets: Mapping[str, Market]) -> Terms:
    """Names, first prices, margin tiers and haircuts of a scenario's markets."""
    return Terms(
        tuple(markets),
        np.array([market.price for market in markets.values()], dtype=np.float64),
        stack_tiers([(tier.from_, tier.maintenance) for tier in market.margin.tiers] for market in markets.values()),
        {m: market.haircut for m, market in enumerate(markets.values()) if market.instrument == "spot"},
    )


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
    books: list[Positions] = []
    notes: list[str] = []
    errors: list[InvalidInput] = []
    for number, name in enumerate(scenario.pools):
        with gathered(errors):
            book, said = _load_pool(scenario, name, number, terms, locate)
            books.append(book)
            notes += said
    if errors:
        raise together(errors)
    positions = join(books)
    notes += _same_seeds(scenario.pools)
    return positions, notes + list(remarks(positions, terms, tuple(scenario.pools)))


def _load_pool(
    scenario: Scenario, name: str, number: int, terms: Terms, locate: Locate | None
) -> tuple[Positions, list[str]]:
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
    return draw(book.synthetic, terms, number, prefix), []


def _problem(path: Path, message: str, locate: Locate | None) -> Problem:
    file, line, column = locate(path) if locate else ("scenario", None, None)
    return Problem(file, line, column, ".".join(map(str, path)), message)


def _same_seeds(pools: Mapping[str, Pool]) -> Iterator[str]:
    seeds = Counter(pool.book.synthetic.seed for pool in pools.values() if pool.book.synthetic)
    for seed, count in seeds.items():
        if count > 1:
            yield f"{count} pools draw their books from the same seed {seed}: their accounts are alike"
