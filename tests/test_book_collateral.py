"""Collateral in books: read, checked, drawn, written, and laid out for the kernels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stress.book import Positions, Terms, join, remarks, stack_tiers, summary, write_book
from stress.book.positions import MARKET_MAKER
from stress.book.reading import read_book
from stress.book.synthetic import draw, faults
from stress.build.book import book_of
from stress.errors import MeaninglessInput
from tests.books import same, synthetic, write

TERMS = Terms(
    ("BTC", "USDX", "ETH", "COIN"),
    np.array([100_000.0, 0.98, 4_000.0, 50.0]),
    stack_tiers([[(0.0, 0.01)], [(0.0, 0.0)], [(0.0, 0.02)], [(0.0, 0.0)]]),
    {1: 0.1, 3: 0.25},
)
"""Two contracts and two assets."""

POSITIONS = """\
account,market,quantity,entry_price
alice,BTC,2,99000
bob,ETH,-10,4100
alice,ETH,10,4000
"""
BALANCES = """\
account,asset,amount
bob,COIN,300
alice,USD,5000
bob,USD,-12000
alice,COIN,40
bob,USDX,2000
"""


def book_of_tables(folder: Path) -> Positions:
    return read_book(
        write(folder, "positions.csv", POSITIONS), write(folder, "balances.csv", BALANCES), "main", 0, TERMS
    )[0]


def test_balances_in_an_asset_are_collateral(tmp_path: Path) -> None:
    book = book_of_tables(tmp_path)
    assert book.account_names == ("alice", "bob")
    assert book.wallet.tolist() == [5_000.0, -12_000.0]
    assert [part.tolist() for part in book.deposits] == [[0, 1, 1], [3, 3, 1], [40.0, 300.0, 2_000.0]]
    # 5,000 and a profit of 2,000; -12,000 and a profit of 1,000: what was posted is on top, at its price.
    np.testing.assert_allclose(book.equity(TERMS.prices), [7_000 + 2_000, -11_000 + 15_000 + 1_960])
    np.testing.assert_allclose(book.margin_equity(TERMS), [7_000 + 1_500, -11_000 + 11_250 + 1_764])


def test_the_haircut_decides_who_is_in_breach(tmp_path: Path) -> None:
    book = book_of_tables(tmp_path)
    assert not book.breaches(TERMS).any()
    cut = TERMS._replace(haircuts={1: 0.6, 3: 0.35})
    assert (book.equity(cut.prices) >= book.maintenance(cut.prices, cut.tiers)).all()
    assert book.breaches(cut).tolist() == [False, True]
    said = " ".join(remarks(book, cut, ("main",)))
    assert "the worst is bob, equity -466.00 against 800.00" in said


def test_summary_tells_collateral_from_contracts(tmp_path: Path) -> None:
    found = summary(book_of_tables(tmp_path), TERMS)
    assert found["collateral"] == {"USDX": 1_960.0, "COIN": 17_000.0}
    assert list(found["open_interest"]) == ["BTC", "ETH"]
    assert found["gross_notional"] == 280_000.0


def test_the_kernels_get_contracts_before_collateral(tmp_path: Path) -> None:
    positions = book_of_tables(tmp_path)
    book, order, _ = book_of(positions, TERMS, 1, False)
    for i, account in enumerate(order):
        first, last, end = (int(book.accounts[i][key]) for key in ("first", "last", "end"))
        assert [bool(TERMS.is_asset[m]) for m in book.positions["market"][first:end]] == [False] * (last - first) + [
            True
        ] * (end - last)
        held = dict(
            zip(book.positions["market"][first:end].tolist(), book.positions["quantity"][first:end], strict=True)
        )
        assert held == ({0: 2.0, 2: 10.0, 3: 40.0} if account == 0 else {2: -10.0, 3: 300.0, 1: 2_000.0})
        assert book.accounts[i].cash == positions.cash[account]


def test_mistakes_are_told_by_line(tmp_path: Path) -> None:
    positions = write(tmp_path, "positions.csv", POSITIONS + "bob,USDX,5,1\n")
    balances = write(tmp_path, "balances.csv", "account,asset,amount\nalice,USDX,-5\nbob,COINS,1\nbob,COIN,1e19\n")
    with pytest.raises(MeaninglessInput) as caught:
        read_book(positions, balances, "main", 0, TERMS)
    assert {(problem.line, problem.path, problem.message) for problem in caught.value.problems} == {
        (5, "market", "'USDX' is an asset and no contract: what an account holds of it is one of its balances"),
        (2, "amount", "a short USDX: collateral cannot be owed"),
        (
            3,
            "asset",
            "'COINS' is not supported, a wallet holds USD, USDC, USDT at par and the assets USDX, COIN; "
            "did you mean 'COIN'?",
        ),
        (4, "amount", "more than 1e+18"),
    }


def test_an_asset_with_a_price_is_no_longer_at_par(tmp_path: Path) -> None:
    priced = Terms(("BTC", "USDC"), np.array([1e5, 0.88]), stack_tiers([[(0.0, 0.01)], [(0.0, 0.0)]]), {1: 0.0})
    positions = write(tmp_path, "positions.csv", "account,market,quantity,entry_price\na,BTC,1,100000\n")
    balances = write(tmp_path, "balances.csv", "account,asset,amount\na,USDC,5000\na,USDT,3000\n")
    book, _ = read_book(positions, balances, "main", 0, priced)
    assert book.equity(priced.prices).tolist() == [7_400.0]


@settings(max_examples=25)
@given(
    accounts=st.integers(20, 300),
    isolated=st.sampled_from([0.0, 0.3, 1.0]),
    shares=st.sampled_from([{"USDX": (1.0, 1.0)}, {"USDX": (0.25, 0.6), "COIN": (0.5, 1.0)}, {"COIN": (0.3, 0.0)}]),
)
def test_drawn_collateral_leaves_margin_as_it_was(
    accounts: int, isolated: float, shares: dict[str, tuple[float, float]]
) -> None:
    collateral = {name: {"accounts": who, "margin": much} for name, (who, much) in shares.items()}
    changes = {"accounts": accounts, "isolated_share": isolated, "open_interest": {"BTC": 1e9, "ETH": 5e8}}
    plain = draw(synthetic(**changes), TERMS)
    book = draw(synthetic(**changes, collateral=collateral), TERMS)
    same_but = replace(book, wallet=plain.wallet, deposits=plain.deposits)
    assert same(same_but, plain)
    np.testing.assert_allclose(book.margin_equity(TERMS), plain.equity(TERMS.prices), rtol=1e-9)
    assert not book.breaches(TERMS).any()
    assert (book.wallet >= 0.0).all()
    holder, market, units = book.deposits
    assert len(set(holder.tolist())) == len(holder)
    assert not book.isolated[holder].any()
    assert not (book.kind[holder] == MARKET_MAKER).any()
    assert (units > 0.0).all()
    eligible = int((~book.isolated & (book.kind != MARKET_MAKER)).sum())
    for name, (who, much) in shares.items():
        assert abs(int((market == TERMS.names.index(name)).sum()) - who * eligible * (much > 0.0)) <= 1.0


def test_what_counts_for_nothing_cannot_be_drawn() -> None:
    worthless = TERMS._replace(haircuts={1: 1.0, 3: 0.25})
    spec = synthetic(collateral={"USDX": {"accounts": 0.5}})
    assert [keys for keys, _ in faults(spec, worthless)] == [("collateral", "USDX")]
    assert not list(faults(spec, TERMS))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_written_book_reads_back_as_it_was(kind: str, tmp_path: Path) -> None:
    changes = {"open_interest": {"BTC": 1e9, "ETH": 5e8}, "collateral": {"USDX": {"accounts": 0.5}, "COIN": {}}}
    changes["collateral"]["COIN"] = {"accounts": 0.3, "margin": 0.4}
    books = [draw(synthetic(**changes, seed=seed), TERMS, pool, f"{pool}-") for pool, seed in enumerate((1, 2))]
    files = write_book(join(books), ("a", "b"), tmp_path, kind)  # type: ignore[arg-type]
    read = join([read_book(*files, pool, number, TERMS)[0] for number, pool in enumerate("ab")])
    assert same(read, join(books))
    for part, expected in zip(read.deposits, join(books).deposits, strict=True):
        np.testing.assert_array_equal(part, expected)
