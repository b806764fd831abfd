"""A written book reads back bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stress.book import Positions, join, write_book
from stress.book.reading import read_book
from stress.book.synthetic import draw
from stress.errors import UsageError
from tests.books import TERMS, read, same, synthetic

NAMES = st.text(
    st.characters(exclude_categories=("C", "Z"), include_characters=" ,\"'#;:-"), min_size=1, max_size=8
).filter(lambda name: name == name.strip())
MONEY = st.floats(-1e15, 1e15)
POSITIVE = st.floats(1e-6, 1e12)


@st.composite
def books(draw: st.DrawFn) -> Positions:
    """Any book: cross accounts with up to three positions, isolated ones with one."""
    traders = draw(st.lists(NAMES, min_size=1, max_size=6, unique=True))
    rows: list[tuple[str, int, bool, float, list[int]]] = []
    for number, trader in enumerate(traders):
        markets = draw(st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True))
        isolated = draw(st.lists(st.integers(0, 2), max_size=2, unique=True))
        rows.append((trader, number, False, draw(MONEY), markets))
        rows += [(f"{trader}:{TERMS.names[m]}", number, True, draw(POSITIVE), [m]) for m in isolated]
    held = sum(len(markets) for *_, markets in rows)
    sizes = draw(st.lists(POSITIVE, min_size=held, max_size=held))
    kinds = draw(
        st.lists(st.sampled_from(["trader", "market_maker", "hedge"]), min_size=len(traders), max_size=len(traders))
    )
    return Positions(
        market_names=TERMS.names,
        account_names=tuple(name for name, *_ in rows),
        owner_names=tuple(f"owner of {name}" for name in traders),
        owner=np.array([owner for _, owner, *_ in rows]),
        pool=np.zeros(len(rows), dtype=np.int64),
        kind=np.array([kinds[owner] for _, owner, *_ in rows]),
        isolated=np.array([isolated for _, _, isolated, *_ in rows]),
        wallet=np.array([wallet for *_, wallet, _ in rows]),
        first=np.cumsum([0, *(len(markets) for *_, markets in rows)]),
        market=np.array([market for *_, markets in rows for market in markets]),
        quantity=np.array(sizes) * draw(st.sampled_from([1.0, -1.0])),
        entry=np.array(draw(st.lists(st.floats(1e-6, 1e5), min_size=held, max_size=held))),
    )


@settings(max_examples=60)
@given(book=books(), kind=st.sampled_from(["csv", "parquet"]))
def test_round_trip(book: Positions, kind: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    if len(set(book.account_names)) < book.accounts:
        return  # a trader called like another's isolated account: refused, see the tests of reading
    positions, balances = write_book(book, ("main",), tmp_path_factory.mktemp("book"), kind)
    assert same(read(positions, balances), book)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_round_trip_of_synthetic_books_of_two_pools(tmp_path: Path, kind: Any) -> None:
    one = draw(synthetic(), TERMS, 0, "one-")
    other = draw(synthetic(seed=8, isolated_share=1.0), TERMS, 1, "other-")
    positions, balances = write_book(join([one, other]), ("one", "other"), tmp_path / "deep" / "book", kind)
    for number, (name, book) in enumerate((("one", one), ("other", other))):
        found, notes = read_book(positions, balances, name, number, TERMS)
        assert same(found, book)
        assert notes == []


def test_files_are_not_replaced_unasked(tmp_path: Path) -> None:
    book = draw(synthetic(accounts=10), TERMS)
    write_book(book, ("main",), tmp_path, "csv")
    with pytest.raises(UsageError, match="--force"):
        write_book(book, ("main",), tmp_path, "csv", overwrite=False)
    write_book(book, ("main",), tmp_path, "parquet", overwrite=False)


def test_owners_in_several_pools_become_one() -> None:
    book = join([draw(synthetic(), TERMS, 0), draw(synthetic(), TERMS, 1)])
    assert len(set(book.owner_names)) == len(book.owner_names) == len(np.unique(book.owner))
    half = book.accounts // 2
    np.testing.assert_array_equal(book.owner[:half], book.owner[half:])
    assert book.first[-1] == len(book.market)
