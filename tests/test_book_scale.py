"""A book of the size of a large venue is drawn, written and read within seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from stress.book import Terms, stack_tiers, summary, write_book
from stress.book.reading import read_book
from stress.book.synthetic import draw
from stress.book.write import Format
from tests.books import same, synthetic

MARKETS = 162
SECONDS = 20.0
"""Of processor time, loosely: measured 2 s to draw, 3 s to read Parquet, 4 s to read CSV."""


@pytest.mark.slow
def test_437_000_accounts_over_162_markets(tmp_path: Path) -> None:
    names = tuple(f"M{k:03d}" for k in range(MARKETS))
    tiers = stack_tiers([[(0.0, 0.0125), (1.5e6, 0.025), (1e7, 0.05)]] * MARKETS)
    terms = Terms(names, np.exp(np.linspace(-5.0, 11.0, MARKETS)), tiers)
    spec = synthetic(
        accounts=437_000,
        open_interest={name: 1e10 / (1 + k) ** 1.5 for k, name in enumerate(names)},
        markets_per_account={1: 0.6, 2: 0.2, 5: 0.2},
    )
    with within_seconds():
        book = draw(spec, terms)
    with within_seconds():
        found = summary(book, terms)
    assert found["in_breach_at_start"]["accounts"] == 0
    assert found["open_interest"] == pytest.approx(dict(spec.open_interest))
    for kind in get_args(Format):
        with within_seconds():
            positions, balances = write_book(book, ("main",), tmp_path, kind)
        with within_seconds():
            read, _ = read_book(positions, balances, "main", 0, terms)
        assert same(read, book)


@contextmanager
def within_seconds() -> Iterator[None]:
    begin = time.process_time()
    yield
    assert time.process_time() - begin < SECONDS
