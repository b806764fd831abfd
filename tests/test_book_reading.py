"""Reading a book: what is accepted, and every mistake by file and line."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stress.book.reading import read_book
from stress.errors import InvalidInput, MalformedInput, MeaninglessInput
from tests.books import POSITIONS_HEADER, TERMS, read, write

GOOD = """\
account,market,quantity,entry_price,owner,margin_mode,isolated_margin
alice,BTC,2,120000,smith,,
alice,ETH,-30.5,4.4e3,smith,cross,
bob,BTC,-1.5,121000,,cross,
bob,SOL,+100,200,,isolated,2500
"""
WALLETS = "account,asset,amount\nalice,USDC,50000\nalice,USDT,1000\nbob,USD,9000\n"


def told(error: InvalidInput) -> list[tuple[int | None, str, str]]:
    """Line, column and message of every problem."""
    return [(problem.line, problem.path, problem.message) for problem in error.problems]


def mistakes(folder: Path, positions: str, balances: str | None = None) -> list[tuple[int | None, str, str]]:
    """What is said of a book that must be refused."""
    accounts = write(folder, "positions.csv", positions)
    wallets = None if balances is None else write(folder, "balances.csv", balances)
    with pytest.raises(InvalidInput) as caught:
        read(accounts, wallets)
    return told(caught.value)


def test_cross_and_isolated_accounts(tmp_path: Path) -> None:
    book = read(write(tmp_path, "p.csv", GOOD), write(tmp_path, "b.csv", WALLETS))
    assert book.account_names == ("alice", "bob", "bob:SOL")
    assert [book.owner_names[k] for k in book.owner] == ["smith", "bob", "bob"]
    assert book.isolated.tolist() == [False, False, True]
    np.testing.assert_array_equal(book.wallet, [51_000, 9_000, 2_500])
    np.testing.assert_array_equal(book.cash, [51_000 - 240_000 + 134_200, 9_000 + 181_500, 2_500 - 20_000])
    np.testing.assert_array_equal(book.first, [0, 2, 3, 4])
    np.testing.assert_array_equal(book.market, [0, 1, 0, 2])
    np.testing.assert_array_equal(book.quantity, [2, -30.5, -1.5, 100])
    assert set(book.kind.tolist()) == {"trader"}


def test_ledger_cash_and_wallet_give_the_same_equity(tmp_path: Path) -> None:
    book = read(write(tmp_path, "p.csv", GOOD), write(tmp_path, "b.csv", WALLETS))
    value = book.per_account(book.quantity * TERMS.prices[book.market])
    np.testing.assert_allclose(book.cash + value, book.equity(TERMS.prices), rtol=1e-12)


def test_wallet_beside_isolated_positions_is_an_account_without_positions(tmp_path: Path) -> None:
    rows = "account,market,quantity,entry_price,owner,margin_mode,isolated_margin\nbob,SOL,1,200,fund,isolated,50\n"
    book = read(write(tmp_path, "p.csv", rows), write(tmp_path, "b.csv", "account,asset,amount\nbob,USD,7\n"))
    assert book.account_names == ("bob:SOL", "bob")
    np.testing.assert_array_equal(book.wallet, [50, 7])
    np.testing.assert_array_equal(book.first, [0, 1, 1])
    assert book.owner.tolist() == [0, 0]


def test_accounts_without_balance_are_noted(tmp_path: Path) -> None:
    accounts = write(tmp_path, "p.csv", GOOD)
    _, notes = read_book(accounts, write(tmp_path, "b.csv", "account,asset,amount\nbob,USD,1\n"), "main", 0, TERMS)
    assert notes == ["pool main: 1 account of p.csv without a balance: wallet 0"]
    assert read_book(accounts, None, "main", 0, TERMS)[1] == [
        "pool main: 2 accounts of p.csv without a balance: wallet 0"
    ]


def test_columns_in_any_order_blanks_blank_lines_byte_order_mark_and_line_ends(tmp_path: Path) -> None:
    text = "\ufeffentry_price, account ,quantity,market\r\n\r\n 120000 ,  al ice, 2 ,BTC\r\n\r\n\r\n"
    book = read(write(tmp_path, "p.CSV", text))
    assert book.account_names == ("al ice",)
    np.testing.assert_array_equal(book.entry, [120_000])


def test_a_pool_column_selects_rows(tmp_path: Path) -> None:
    text = "account,market,quantity,entry_price,pool\na,BTC,1,9,main\nb,DOGE,1,9,other\na,BTC,-3,9,other\n"
    accounts = write(tmp_path, "p.csv", text)
    book = read(accounts)
    np.testing.assert_array_equal(book.quantity, [1])
    wallets = write(tmp_path, "b.csv", "account,asset,amount,pool\na,USD,5,main\na,USD,6,other\n")
    np.testing.assert_array_equal(read(accounts, wallets).wallet, [5])


def test_balances_of_an_account_in_several_pools_name_the_pool(tmp_path: Path) -> None:
    text = "account,market,quantity,entry_price,pool\na,BTC,1,9,main\nb,BTC,1,9,other\na,BTC,-3,9,other\n"
    found = mistakes(tmp_path, text, "account,asset,amount\na,USD,5\nb,USD,6\n")
    assert found == [(2, "account", "'a' trades in several pools: a column pool must say which of them holds this")]


def test_parquet_of_many_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "account": pa.array([17, 18]),
            "market": pa.array(["BTC", "ETH"]).dictionary_encode(),
            "quantity": pa.array([Decimal("1.5"), Decimal("-2.25")]),
            "entry_price": pa.array(["120000", " 4.3e3 "], pa.large_string()),
            "isolated_margin": pa.array([None, None]),
            "owner": pa.array([None, "x"], pa.string_view()),
            "__index_level_0__": pa.array([5, 9]),
        }
    )
    pyarrow.parquet.write_table(table, tmp_path / "p.parquet")
    book = read(tmp_path / "p.parquet")
    assert book.account_names == ("17", "18")
    assert [book.owner_names[k] for k in book.owner] == ["17", "x"]
    np.testing.assert_array_equal(book.quantity, [1.5, -2.25])
    np.testing.assert_array_equal(book.entry, [120_000, 4_300])


ROW_MISTAKES = [
    ("a,BTC,x,9,,,,,", "quantity", "expected a number, got 'x'"),
    ("a,BTC,1_000,9,,,,,", "quantity", "expected a number, got '1_000'"),
    ("a,BTC,nan,9,,,,,", "quantity", "expected a number, got 'nan'"),
    ("a,BTC,1,-inf,,,,,", "entry_price", "expected a number, got '-inf'"),
    ("a,BTC,1e999,9,,,,,", "quantity", "expected a finite number, got inf"),
    ("a,BTC,,9,,,,,", "quantity", "missing"),
    (",BTC,1,9,,,,,", "account", "missing"),
    ("a,,1,9,,,,,", "market", "missing"),
    ("a,BTC,1,,,,,,", "entry_price", "missing"),
    ("a,BTC,1,9,,,,,,", "", "10 values in 9 columns"),
    ("a,BTC,1", "", "3 values in 9 columns"),
    ('"a,BTC,1', "", "1 values in 9 columns, is a quote left open"),
    ("a\tb,BTC,1,9,,,,,", "account", "unprintable characters in 'a\\tb'"),
    ("a,BTX,1,9,,main,,,", "market", "unknown market 'BTX'; did you mean 'BTC'?"),
    ("a,BTC,0,9,,main,,,", "quantity", "a position of zero"),
    ("a,BTC,1e18,9,,main,,,", "quantity", "a notional of more than 1e+18"),
    ("a,BTC,1e-15,9,,main,,,", "quantity", "a notional of less than 1e-09"),
    ("a,BTC,1,0,,main,,,", "entry_price", "expected a price above zero, got 0"),
    ("a,BTC,1,-9,,main,,,", "entry_price", "expected a price above zero, got -9"),
    ("a,BTC,1,9,,main,crossed,,", "margin_mode", "unknown margin mode 'crossed'; did you mean 'cross'?"),
    ("a,BTC,1,9,,main,isolated,,", "isolated_margin", "missing for an isolated position"),
    ("a,BTC,1,9,,main,isolated,0,", "isolated_margin", "expected an amount above zero and up to 1e+18, got 0"),
    ("a,BTC,1,9,,main,,5,", "isolated_margin", "given for a position that is not isolated"),
    ("a,BTC,1,9,,main,,,market maker", "kind", "unknown kind 'market maker'; did you mean 'market_maker'?"),
    ("z,BTC,5,9,,main,,,", "market", "the account has this position already, in line 2"),
    ("z,ETH,5,9,y,main,,,", "owner", "'y' is not the owner '' of the account in line 2"),
    ("z,ETH,5,9,,main,,,hedge", "kind", "'hedge' is not the kind '' of the account in line 2"),
    ("z,ETH,5,9,,,,,", "pool", "missing"),
]


@pytest.mark.parametrize(("row", "column", "message"), ROW_MISTAKES)
def test_mistakes_in_a_row_are_told_by_line(tmp_path: Path, row: str, column: str, message: str) -> None:
    found = mistakes(tmp_path, f"{POSITIONS_HEADER}\nz,BTC,1,9,,main,,,\n\nq,ETH,1,9,,main,,,\n{row}\n")
    assert (5, column, message) in found
    assert {line for line, _, _ in found} == {5}


def test_malformed_and_meaningless_are_told_apart(tmp_path: Path) -> None:
    for text, error in (("x", MalformedInput), ("0", MeaninglessInput)):
        path = write(tmp_path, "p.csv", f"account,market,quantity,entry_price\na,BTC,{text},9\n")
        with pytest.raises(error):
            read(path)


def test_all_mistakes_of_both_files_at_once(tmp_path: Path) -> None:
    found = mistakes(
        tmp_path,
        "account,market,quantity,entry_price\na,BTC,1,0\nb,BTC\nc,XRP,q,9\n",
        "account,asset,amount\na,EUR,1\nd,USD,x\n",
    )
    assert found == [
        (2, "asset", "'EUR' is not supported, a wallet holds USD, USDC, USDT at par"),
        (3, "amount", "expected a number, got 'x'"),
        (2, "entry_price", "expected a price above zero, got 0"),
        (3, "", "2 values in 4 columns"),
        (4, "market", "unknown market 'XRP'; known: BTC, ETH, SOL"),
        (4, "quantity", "expected a number, got 'q'"),
    ]


BALANCE_MISTAKES = [
    ("nobody,USD,1", "account", "'nobody' has no positions in the book"),
    ("a,BTC,1", "asset", "'BTC' is not supported, a wallet holds USD, USDC, USDT at par"),
    ("z,USD,1", "asset", "the account has this balance already, in line 2"),
    ("a,USD,1e19", "amount", "more than 1e+18"),
    ("a,USD,", "amount", "missing"),
    ("a,USD,nan", "amount", "expected a number, got 'nan'"),
]


@pytest.mark.parametrize(("row", "column", "message"), BALANCE_MISTAKES)
def test_mistakes_in_balances(tmp_path: Path, row: str, column: str, message: str) -> None:
    positions = "account,market,quantity,entry_price\na,BTC,1,9\nz,BTC,-1,9\n"
    assert mistakes(tmp_path, positions, f"account,asset,amount\nz,USD,1\n{row}\n") == [(3, column, message)]


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("", None, "", "the file is empty"),
        (" \n\n", None, "", "the file is empty"),
        ("account,market,quantity,entry_price\n", None, "", "no positions of pool 'main'"),
        ("account,market,quantity,entry_price", None, "", "no positions of pool 'main'"),
        ("account,market,quantity,entry_price,pool\na,BTC,1,9,west\n", None, "", "no positions of pool 'main'"),
        (
            "account,market,quantity\na,BTC,1\n",
            1,
            "entry_price",
            "missing column, the file has account, market, quantity",
        ),
        (
            "account,market,quantity,entry_price,onwer\na,BTC,1,9,x\n",
            1,
            "onwer",
            "unknown column; did you mean 'owner'?",
        ),
        ("account,market,quantity,entry_price,market\na,BTC,1,9,x\n", 1, "market", "the column is there twice"),
        (
            "account;market;quantity;entry_price\na;BTC;1;9\n",
            1,
            "account;market;quantity;entry_price",
            "unknown column; columns are separated by commas",
        ),
    ],
)
def test_mistakes_of_a_whole_file(tmp_path: Path, text: str, line: int | None, column: str, message: str) -> None:
    assert (line, column, message) in mistakes(tmp_path, text)


def test_other_encodings_are_refused_by_line(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_bytes("account,market,quantity,entry_price\na,BTC,1,9\nJosé,BTC,1,9\n".encode("latin-1"))
    with pytest.raises(MalformedInput) as caught:
        read(path)
    assert told(caught.value) == [(3, "", "not UTF-8 text")]
    path.write_bytes("account,market,quantity,entry_price\na,BTC,1,9\n".encode("utf-16"))
    with pytest.raises(MalformedInput, match="not UTF-8 text"):
        read(path)


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match="No such file"):
        read(tmp_path / "absent.csv")
    with pytest.raises(MalformedInput, match="No such file"):
        read(tmp_path / "absent.parquet")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "folder.parquet").mkdir()
    for name in ("folder.csv", "folder.parquet"):
        with pytest.raises(MalformedInput, match="cannot be read"):
            read(tmp_path / name)
    with pytest.raises(MalformedInput, match=r"ends in \.csv or \.parquet"):
        read(write(tmp_path, "p.xlsx", GOOD))


def test_parquet_mistakes_are_told_by_row(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    columns = {"account": ["a", None, "c"], "market": ["BTC"] * 3, "quantity": [1.0, np.nan, 1.0]}
    pyarrow.parquet.write_table(pa.table({**columns, "entry_price": [9.0, 9.0, np.inf]}), path)
    with pytest.raises(MalformedInput) as caught:
        read(path)
    assert told(caught.value) == [
        (2, "account", "missing"),
        (2, "quantity", "expected a finite number, got nan"),
        (3, "entry_price", "expected a finite number, got inf"),
    ]
    pyarrow.parquet.write_table(pa.table({**columns, "entry_price": [True, False, True]}), path)
    with pytest.raises(MalformedInput, match="entry_price: expected numbers, the column holds bool"):
        read(path)
    pyarrow.parquet.write_table(pa.table({**columns, "entry_price": [1, 2, 3], "account": [1.5, 2.5, 3.5]}), path)
    with pytest.raises(MalformedInput, match="account: expected text, the column holds double"):
        read(path)


def test_damaged_names_of_parquet_columns(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    path.write_bytes(_parquet_bytes().replace(b"account", b"acc\xb3unt"))
    with pytest.raises(MalformedInput, match="damaged, or not a parquet file"):
        read(path)


def test_names_of_isolated_accounts_do_not_collide(tmp_path: Path) -> None:
    header = "account,market,quantity,entry_price,margin_mode,isolated_margin\n"
    found = mistakes(tmp_path, f"{header}a,BTC,1,9,isolated,5\na:BTC,ETH,1,9,cross,\n")
    assert found == [(2, "account", "its margin account 'a:BTC' has the name of another account")]


def test_fifty_mistakes_are_told_and_the_others_counted(tmp_path: Path) -> None:
    rows = "".join(f"a{k},BTC,0,9\n" for k in range(1_000))
    found = mistakes(tmp_path, f"account,market,quantity,entry_price\n{rows}")
    assert found[0] == (None, "", "the first 50 mistakes follow, and 950 more")
    assert [line for line, _, _ in found[1:]] == list(range(2, 52))


@settings(max_examples=150)
@given(data=st.data())
def test_damage_is_never_a_traceback(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Bytes replaced, removed or cut off anywhere in either format: a book or an error of the user."""
    kind = data.draw(st.sampled_from(["csv", "parquet"]))
    path = tmp_path_factory.mktemp("damage") / f"p.{kind}"
    whole = GOOD.encode() if kind == "csv" else _parquet_bytes()
    begin = data.draw(st.integers(0, len(whole)))
    removed = data.draw(st.integers(0, 8))
    path.write_bytes(whole[:begin] + data.draw(st.binary(max_size=8)) + whole[begin + removed :])
    try:
        book = read(path)
    except InvalidInput:
        return
    assert np.isfinite(book.cash).all()


def _parquet_bytes() -> bytes:
    sink = pa.BufferOutputStream()
    columns = {"account": ["a", "b"], "market": ["BTC", "ETH"], "quantity": [1.0, -2.0], "entry_price": [9.0, 8.0]}
    pyarrow.parquet.write_table(pa.table(columns), sink, compression="zstd")
    return bytes(sink.getvalue())
