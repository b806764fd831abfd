"""Exports become books: what is read, what is refused and where, and what comes back."""

from __future__ import annotations

import contextlib
import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stress.book import Terms, stack_tiers
from stress.book.findings import Findings
from stress.book.reading import read_book
from stress.cli import main
from stress.errors import ExitCode, InvalidInput, MalformedInput, MeaninglessInput, UsageError
from stress.imports import (
    Imported,
    Options,
    assemble,
    balanced,
    figures,
    json_values,
    read_exports,
    with_known_markets,
    write_import,
)
from stress.imports.formats import FORMATS
from stress.imports.json_values import values
from tests.exports import Held, state

BTC = Held("BTC", 1.5, 100_000.0, 110_000.0)
SHORT = Held("BTC", -2.0, 105_000.0, 110_000.0)
ALONE = Held("ETH", -10.0, 4_000.0, 3_900.0, margin=2_500.0)


def imported(*files: Path, columns: dict[str, str] | None = None, prices: dict[str, float] | None = None) -> Imported:
    return assemble(read_exports(files, options=Options(columns or {})), prices or {}, str(files[0]))


def equity_of(book: Imported) -> dict[str, float]:
    prices = np.array([book.prices[name] for name in book.positions.market_names])
    return dict(zip(book.positions.account_names, book.positions.equity(prices).tolist(), strict=True))


def accounts() -> dict[str, Any]:
    return {"0xa1": state(30_000.0, [BTC]), "0xb2": state(25_000.0, [SHORT, ALONE]), "0xc3": state(500.0, [])}


SHAPES = {
    "map.json": lambda: json.dumps(accounts(), indent=1),
    "list.json": lambda: json.dumps([{"user": name, "state": one} for name, one in accounts().items()]),
    "pairs.json": lambda: json.dumps([[name, one] for name, one in accounts().items()]),
    "flat.jsonl": lambda: "\n".join(json.dumps({"address": name, **one}) for name, one in accounts().items()),
    "lines.ndjson": lambda: "".join(
        json.dumps({"user": name, "clearinghouseState": one}) + "\r\n\n" for name, one in accounts().items()
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_of_states_is_the_same_book(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_text(SHAPES[name]())
    book = imported(file)
    assert book.positions.account_names == ("0xa1", "0xb2", "0xb2:ETH")
    assert book.prices == {"BTC": 110_000.0, "ETH": 3_900.0}
    assert equity_of(book) == pytest.approx({"0xa1": 30_000.0, "0xb2": 25_000.0, "0xb2:ETH": 2_500.0})
    assert book.positions.wallet.tolist() == pytest.approx([15_000.0, 35_000.0, 1_500.0])
    assert book.left_out == {"account without positions": 1}


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("piece", [1, 7, 64])
def test_where_the_text_is_cut_does_not_matter(
    name: str, piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / name
    file.write_text(SHAPES[name]())
    whole = [(value.key, value.content) for value in values(file, Findings("a"))]
    monkeypatch.setattr(json_values, "_PIECE", piece)
    monkeypatch.setattr(json_values, "_AHEAD", 64)
    assert [(value.key, value.content) for value in values(file, Findings("a"))] == whole
    numbers = tmp_path / "numbers.json"
    numbers.write_text("[12345, -1.5e-7, true]")
    assert [value.content for value in values(numbers, Findings("a"))] == [12345, -1.5e-7, True]


def test_the_documented_answer(tmp_path: Path) -> None:
    """Figures of the answer that the venue's documentation shows."""
    shown = state(13_104.514502, [Held("ETH", 0.0335, 2986.3, 100.02765 / 0.0335, margin=4.967826)])
    file = tmp_path / "me.json"
    file.write_text(json.dumps(shown))
    book = imported(file)
    assert book.positions.account_names == ("me:ETH", "me")
    assert book.positions.wallet.tolist() == pytest.approx([4.981226, 13_104.514502])
    assert figures(book)["leverage"]["50%"] == pytest.approx(100.02765 / 4.967826)


HELD = st.builds(
    Held,
    coin=st.sampled_from(["BTC", "ETH", "kPEPE"]),
    size=st.floats(0.01, 100.0).map(lambda x: round(x, 4)) | st.floats(-100.0, -0.01).map(lambda x: round(x, 4)),
    entry=st.sampled_from([90.0, 100.0, 123.45]),
    mark=st.just(110.0),
    margin=st.none() | st.floats(1.0, 1e5),
)
VENUES = st.lists(
    st.tuples(st.floats(-1e3, 1e6), st.lists(HELD, max_size=3, unique_by=lambda one: one.coin)), min_size=1, max_size=6
)


@settings(max_examples=60, deadline=None)
@given(venue=VENUES, seed=st.integers(0, 3))
def test_a_written_book_reads_back(venue: list[tuple[float, list[Held]]], seed: int, tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("book")
    file = folder / "states.json"
    file.write_text(json.dumps({f"0x{k}": state(*one) for k, one in enumerate(venue)}))
    if not any(held for _, held in venue):
        with pytest.raises(MeaninglessInput, match="no open positions"):
            imported(file)
        return
    book = imported(file)
    if seed % 2:
        book = balanced(book, 3.0)
    out = folder / ("book.csv" if seed > 1 else "book.parquet")
    positions, balances = write_import(book, out, overwrite=False)
    mine = book.positions
    prices = np.array([book.prices[name] for name in mine.market_names])
    terms = Terms(mine.market_names, prices, stack_tiers([(0.0, 0.01)] for _ in prices))
    back, notes = read_book(positions, balances, "main", 0, terms)
    assert not notes

    def by_name(one: Any) -> dict[str, tuple[Any, ...]]:
        return {
            name: (one.wallet[i], one.isolated[i], one.quantity[rows].tolist(), one.entry[rows].tolist())
            for i, name in enumerate(one.account_names)
            for rows in [slice(one.first[i], one.first[i + 1])]
        }

    assert by_name(back) == by_name(mine)
    for name, equity in equity_of(book).items():
        number, _, market = name.partition(":")
        if number.startswith("0x"):
            cross, held = venue[int(number[2:])]
            wanted = next(one.margin for one in held if one.coin == market) if market else cross
            assert equity == pytest.approx(wanted, rel=1e-9, abs=1e-6 * (1.0 + abs(cross)))
    if seed % 2:
        net = np.bincount(mine.market, weights=mine.quantity)
        assert np.abs(net).max() <= 1e-9 * np.abs(mine.quantity).sum()


BROKEN: list[tuple[str, Any, str]] = [
    ("not json", "{nope", "a.json:1: no JSON"),
    ("empty", "  \n", "the file is empty"),
    ("cut off", json.dumps(accounts())[:-200], "no JSON"),
    ("trailing", json.dumps(accounts()) + "x", "more text after"),
    ("comma", '{"0xa1": ' + json.dumps(state(1.0, [BTC])) + ",}", "a comma before '}'"),
    ("NaN", json.dumps({"0xa1": state(1.0, [BTC])}).replace('"1.0"', "NaN"), "NaN is no number"),
    ("text", {"0xa1": state(1.0, [BTC])}, "szi"),
    ("no state", {"0xa1": {"assetPositions": []}}, "a.json:1: 0xa1.marginSummary: missing"),
    ("no object", {"0xa1": accounts()["0xa1"], "0xb2": 7}, "0xb2: expected an object, got 7"),
    ("no address", [state(1.0, [BTC]), state(1.0, [BTC])], "[0]: no address"),
    ("twice", [{"user": "0xa1", "state": state(1.0, [BTC])}] * 2, "'0xa1' is there twice"),
]


@pytest.mark.parametrize(("content", "words"), [entry[1:] for entry in BROKEN], ids=[entry[0] for entry in BROKEN])
def test_broken_states_are_told(content: Any, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.json"
    text = content if isinstance(content, str) else json.dumps(content)
    if words == "szi":
        text, words = (
            text.replace('"szi": "1.5"', '"szi": "much"'),
            "0xa1.assetPositions[0].position.szi: expected a valid",
        )
    file.write_text(text)
    with pytest.raises(InvalidInput) as error:
        read_exports([file])
    assert words in str(error.value)
    assert main(["import", str(file)]) == ExitCode.INVALID
    assert "Traceback" not in capsys.readouterr().err


KEYS = map(json.dumps, ["0xa1", "user", "assetPositions", "marginSummary", "position", "szi", "1.5"])
PIECES = st.sampled_from([*'{}[],:" -', "\\", "\n", "1e999", "null", "true", "NaN", "\x00", "é", *KEYS])


@settings(max_examples=300, deadline=None)
@given(pieces=st.lists(PIECES, max_size=25))
def test_no_text_at_all_is_a_bug(pieces: list[str], tmp_path_factory: Any) -> None:
    """Whatever a file holds, it is read or refused."""
    file = tmp_path_factory.mktemp("text") / "a.json"
    file.write_text("".join(pieces))
    with contextlib.suppress(InvalidInput):
        read_exports([file])


def test_every_mistake_of_every_file_is_told_with_its_line(tmp_path: Path) -> None:
    bad = accounts()
    del bad["0xa1"]["assetPositions"][0]["position"]["entryPx"]
    bad["0xb2"]["marginSummary"]["accountValue"] = "much"
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(json.dumps(bad, indent=1))
    with pytest.raises(MalformedInput) as error:
        read_exports([tmp_path / "a.json", tmp_path / "b.json"])
    told = str(error.value).splitlines()
    assert len(told) == 4
    lines = (tmp_path / "a.json").read_text().splitlines()
    assert told[0].split(":")[1:3] == ["2", " 0xa1.BTC.entryPx"]
    assert '"0xb2"' in lines[int(told[1].split(":")[1]) - 1]


def test_positions_that_no_book_can_hold(tmp_path: Path) -> None:
    """Without size or equity they are left out; withdrawn profit is realised."""
    withdrawn = Held("ETH", -10.0, 4_000.0, 3_000.0, margin=2_000.0)
    states = {
        "0xa1": state(100.0, [Held("BTC", 0.0, 1.0, 1.0), withdrawn]),
        "0xb2": state(0.0, [Held("ETH", 10.0, 4_000.0, 3_000.0, margin=-5.0)]),
    }
    file = tmp_path / "a.json"
    file.write_text(json.dumps(states))
    book = imported(file)
    assert book.positions.account_names == ("0xa1:ETH", "0xa1")
    assert book.positions.entry.tolist() == [3_000.0]
    assert equity_of(book)["0xa1:ETH"] == pytest.approx(2_000.0)
    assert sum(book.left_out.values()) == 3


def subaccount(number: int, equity: float, *held: tuple[str, float, float, float]) -> dict[str, Any]:
    """Market, signed size, entry price and mark of each position; numbers are text, as the indexer writes them."""
    positions = {
        market: {
            "market": market,
            "status": "OPEN",
            "side": "LONG" if size > 0.0 else "SHORT",
            "size": repr(size),
            "entryPrice": repr(entry),
            "unrealizedPnl": repr(size * (mark - entry)),
        }
        for market, size, entry, mark in held
    }
    known = {"address": "dydx1abc", "subaccountNumber": number, "equity": repr(equity), "freeCollateral": "0"}
    return {**known, "openPerpetualPositions": positions, "assetPositions": {}, "marginEnabled": True}


def test_subaccounts_of_dydx(tmp_path: Path) -> None:
    """Each subaccount is a margin account, the address their owner; the mark follows from the profit."""
    here = subaccount(0, 900.0, ("BTC-USD", 0.5, 100.0, 110.0), ("ETH-USD", -2.0, 20.0, 21.0))
    isolated, empty = subaccount(128, 50.0, ("WIF-USD", 10.0, 2.0, 1.5)), subaccount(1, 5.0)
    answers = {
        "map.json": {"dydx1abc": {"subaccounts": [here, isolated, empty], "totalTradingRewards": "0"}},
        "answer.json": {"subaccounts": [here, isolated, empty]},
        "list.json": [here, isolated, empty],
    }
    for name, answer in answers.items():
        file = tmp_path / name
        file.write_text(json.dumps(answer))
        book = assemble(read_exports([file], "dydx"), {}, name)
        assert book.positions.account_names == ("dydx1abc/0", "dydx1abc/128")
        assert book.positions.owner_names == ("dydx1abc",)
        assert equity_of(book) == pytest.approx({"dydx1abc/0": 900.0, "dydx1abc/128": 50.0})
        assert book.positions.wallet.tolist() == pytest.approx([897.0, 55.0])
        assert book.prices == pytest.approx({"BTC-USD": 110.0, "ETH-USD": 21.0, "WIF-USD": 1.5})
        assert book.left_out == {"account without positions": 1}


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("side", "UP", "[0].openPerpetualPositions.BTC-USD.side: expected 'LONG' or 'SHORT', got 'UP'"),
        ("entryPrice", "0", "[0].openPerpetualPositions.BTC-USD.entryPrice: expected greater than 0, got '0'"),
        ("unrealizedPnl", "-500", "[0].openPerpetualPositions.BTC-USD.unrealizedPnl: a mark of -900 follows from it"),
    ],
)
def test_wrong_subaccounts_are_told(key: str, value: str, words: str, tmp_path: Path) -> None:
    wrong = subaccount(0, 900.0, ("BTC-USD", 0.5, 100.0, 110.0))
    wrong["openPerpetualPositions"]["BTC-USD"][key] = value
    file = tmp_path / "a.json"
    file.write_text(json.dumps([wrong]))
    with pytest.raises(MalformedInput) as error:
        read_exports([file], "dydx")
    assert words in str(error.value)


def test_formats_can_be_mixed(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(accounts()))
    (tmp_path / "b.csv").write_text("account,market,quantity,entry_price,owner\n9,BTC,1,100,me\n")
    book = imported(tmp_path / "a.json", tmp_path / "b.csv")
    assert book.positions.owner_names == ("0xa1", "0xb2", "me")


TABLE = """uid,symbol,side,size,avgPx,markPx,mgnMode,balance
7,BTCUSDT,long,2,100,110,cross,50
8,BTCUSDT,SELL,1.5,105,110,crossed,80
7,ETHUSDT,short,4,20,21,isolated,9
7,XRPUSDT,buy,0,1,1,cross,50
"""


def test_a_table_with_the_names_of_another_venue(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(TABLE)
    book = imported(file)
    assert book.positions.account_names == ("7", "8", "7:ETHUSDT")
    assert book.positions.quantity.tolist() == [2.0, -1.5, -4.0]
    assert book.positions.wallet.tolist() == [50.0, 80.0, 9.0]
    assert book.left_out == {"position of size zero": 1}
    pd.read_csv(file).to_parquet(tmp_path / "a.parquet")
    assert equity_of(imported(tmp_path / "a.parquet")) == equity_of(book)


def test_equity_is_taken_back_to_the_wallet(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("account,market,quantity,entry_price,mark_price,equity\n7,BTC,2,100,110,70\n7,ETH,-4,20,21,70\n")
    book = imported(file)
    assert equity_of(book) == {"7": 70.0}
    assert book.positions.wallet.tolist() == [54.0]


WRONG_TABLES = [
    ("size", "much", "a.csv:2: size: expected a number, got 'much'"),
    ("side", "up", "a.csv:2: side: expected long or short, got 'up'"),
    ("mgnMode", "portfolio", "a.csv:2: mgnMode: expected cross or isolated, got 'portfolio'"),
    ("avgPx", "-3", "a.csv:2: avgPx: expected a price above zero, got -3"),
    ("balance", "51", "a.csv:5: balance: 50 where account '7' had 51 before"),
    ("size", "-2", "a.csv:2: size: a long position of -2"),
]


@pytest.mark.parametrize(("column", "value", "words"), WRONG_TABLES)
def test_wrong_rows_are_told(
    column: str, value: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = TABLE.splitlines()
    cells = lines[1].split(",")
    cells[lines[0].split(",").index(column)] = value
    Path("a.csv").write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]))
    with pytest.raises(InvalidInput) as error:
        read_exports([Path("a.csv")])
    assert words in str(error.value).splitlines()


def test_columns_can_be_named_and_must_be_found(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(TABLE.replace("uid", "who"))
    with pytest.raises(MalformedInput, match="no column for it among who, symbol"):
        read_exports([file])
    assert imported(file, columns={"account": "who"}).positions.accounts == 3
    with pytest.raises(MalformedInput, match="missing column"):
        read_exports([file], options=Options({"account": "whom"}))
    with pytest.raises(UsageError, match="did you mean 'account'"):
        read_exports([file], options=Options({"acount": "who"}))


def test_unknown_markets_are_listed_or_closed(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(
        json.dumps({"0xa1": state(30_000.0, [BTC, Held("DOGE", 100.0, 1.0, 2.0), Held("WIF", 1.0, 1.0, 1.0)])})
    )
    export = read_exports([file])
    with pytest.raises(MeaninglessInput) as error:
        with_known_markets(export, ["BTC", "ETH"], leave_out=False, file="a")
    assert [problem.path for problem in error.value.problems] == ["DOGE", "WIF"]
    book = assemble(with_known_markets(export, ["BTC", "ETH"], leave_out=True, file="a"), {}, "a")
    assert book.positions.market_names == ("BTC",)
    assert equity_of(book) == pytest.approx({"0xa1": 30_000.0})
    assert book.left_out == {"position in DOGE, WIF": 2}


def test_what_does_not_net_is_held_by_a_market_maker(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(json.dumps(accounts()))
    book = balanced(imported(file), 4.0)
    maker = book.positions.account_names.index("balancing")
    assert book.positions.kind[maker] == "market_maker"
    held = slice(*book.positions.first[maker : maker + 2])
    assert dict(zip(book.positions.market[held], book.positions.quantity[held], strict=True)) == {0: 0.5, 1: 10.0}
    assert book.positions.wallet[maker] == pytest.approx((0.5 * 110_000 + 10 * 3_900) / 4.0)
    assert balanced(book, 4.0) is book


def test_prices_marks_and_names(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("account,market,quantity,entry_price\n7,BTC.P,2,100\n")
    with pytest.raises(MeaninglessInput) as error:
        imported(file)
    assert "--rename" in str(error.value)
    assert "--price" in str(error.value)
    export = read_exports([file])
    export.renamed({"BTC.P": "BTC"})
    assert assemble(export, {"BTC": 120.0}, "a").prices == {"BTC": 120.0}
    states = {"0xa": state(9.0, [BTC]), "0xb": state(9.0, [Held("BTC", -1.0, 1.0, 115_000.0)])}
    (tmp_path / "b.json").write_text(json.dumps(states))
    assert "different times" in imported(tmp_path / "b.json").notes[0]


def test_from_states_to_a_scenario_that_opens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = tmp_path / "states.json", tmp_path / "book"
    file.write_text(json.dumps(accounts()))
    scenario = out / "venue.yaml"
    asked = ["import", str(file), "--venue", "hyperliquid", "--balance", "-o", str(out), "--scenario", str(scenario)]
    assert main(asked) == ExitCode.OK
    assert "balancing" in capsys.readouterr().out
    assert main(["book", str(scenario), "--json"]) == ExitCode.OK
    found = json.loads(capsys.readouterr().out)
    assert found["accounts"] == 4
    assert found["open_interest"]["BTC"] == pytest.approx(220_000.0)
    assert main(asked) == ExitCode.INVALID
    assert main([*asked, "--force", "--json"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["positions"] == 5


def test_a_venue_of_ones_own_is_found_from_the_scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("states.json").write_text(json.dumps(accounts()))
    Path("rules.yaml").write_text("format: 1\nname: rules\nextends: [hyperliquid]\n")
    asked = ["import", "states.json", "--venue", "rules.yaml", "-o", "out/book.csv", "--scenario", "out/s.yaml"]
    assert main(asked) == ExitCode.OK
    assert "- ../rules.yaml" in Path("out/s.yaml").read_text()
    assert main(["book", "out/s.yaml"]) == ExitCode.OK


SLIPS = [
    (["states.json", "--rename", "BTX=BTC"], "no market 'BTX' to rename; did you mean 'BTC'?"),
    (["states.json", "--column", "account=uid"], "there is none among the files"),
    (["states.json", "--price", "BTC=cheap"], "expected a price above zero, got 'cheap'"),
    (["states.json", "--price", "BTX=1"], "no market 'BTX'; did you mean 'BTC'?"),
    (["states.json", "--rename", "BTC"], "expected EXPORT=MARKET"),
    (["states.json", "--scenario", "s.yaml"], "give both"),
    (["states.json", "-o", "book.xlsx"], "a book is .csv or .parquet, or a folder"),
    (["semi.csv"], "separated by commas"),
    (["empty.csv"], "the file is empty"),
]


@pytest.mark.parametrize(("words", "said"), SLIPS)
def test_slips_of_the_command_line(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("states.json").write_text(json.dumps(accounts()))
    Path("semi.csv").write_text("account;market;quantity\n1;BTC;2\n")
    Path("empty.csv").write_text("")
    assert main(["import", *words]) == ExitCode.INVALID
    assert said in capsys.readouterr().err
    assert not Path("s.yaml").exists()


def test_golden_book(tmp_path: Path) -> None:
    """The tables of a small export to the letter."""
    file = tmp_path / "states.json"
    file.write_text(json.dumps(accounts()))
    positions, balances = write_import(balanced(imported(file), 4.0), tmp_path / "book.csv", overwrite=False)
    assert positions.read_text() == (
        "account,market,quantity,entry_price,owner,margin_mode,isolated_margin,kind\n"
        "0xa1,BTC,1.5,100000.0,0xa1,cross,,trader\n"
        "0xb2,BTC,-2.0,105000.0,0xb2,cross,,trader\n"
        "0xb2,ETH,-10.0,4000.0,0xb2,isolated,1500.0,trader\n"
        "balancing,BTC,0.5,110000.0,balancing,cross,,market_maker\n"
        "balancing,ETH,10.0,3900.0,balancing,cross,,market_maker\n"
    )
    assert balances.read_text() == "account,asset,amount\n0xa1,USD,15000.0\n0xb2,USD,35000.0\nbalancing,USD,23500.0\n"


def test_every_format_is_offered_and_told_of() -> None:
    command: Any = importlib.import_module("stress.cli.import")
    assert tuple(FORMATS) == command.FORMATS
    page = (Path(__file__).resolve().parents[1] / "docs" / "import.md").read_text()
    for known in FORMATS.values():
        assert all(f"`{ending}`" in page for ending in known.suffixes)


def test_formats_are_told_apart_by_their_endings(tmp_path: Path) -> None:
    endings = [ending for known in FORMATS.values() for ending in known.suffixes]
    assert len(set(endings)) == len(endings)
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(UsageError, match="known: .json"):
        read_exports([tmp_path / "a.txt"])
