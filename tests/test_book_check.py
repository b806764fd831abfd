"""What is said of a book: sides, concentration, breaches; and loading the books of a scenario."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from stress.book import load_books, remarks, summary, terms_of
from stress.book.synthetic import draw
from stress.errors import MalformedInput, MeaninglessInput
from stress.scenario import load_scenario
from tests.books import TERMS, read, synthetic, write

BALANCED = "account,market,quantity,entry_price\nlong,BTC,10,100000\nshort,BTC,-10,100000\n"


def test_summary_of_a_drawn_book() -> None:
    book = draw(synthetic(), TERMS)
    found = summary(book, TERMS)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["accounts"] == book.accounts
    assert found["accounts_by_kind"]["hedge"] > 50
    assert found["open_interest"] == pytest.approx({"BTC": 1.5e9, "ETH": 1e9, "SOL": 0.0})
    assert found["long"] == pytest.approx(found["short"])
    assert found["gross_notional"] == pytest.approx(5e9)
    assert found["leverage"] == pytest.approx(5e9 / book.equity(TERMS.prices).sum())
    assert 0 < found["top1_share"] < found["top10_share"] < 1
    assert found["in_breach_at_start"] == {"accounts": 0, "notional": 0.0, "worst": None}
    assert list(remarks(book, TERMS, ("main",))) == []


def test_concentration_counts_owners(tmp_path: Path) -> None:
    rows = "account,market,quantity,entry_price,owner\na,SOL,3,220,x\nb,SOL,2,220,x\nc,SOL,-5,220,\n"
    found = summary(read(write(tmp_path, "p.csv", rows)), TERMS)
    assert found["top1_share"] == pytest.approx(0.5)
    assert found["top10_share"] == pytest.approx(1.0)
    assert found["owners"] == 2


@pytest.mark.parametrize(("wallet", "breached"), [(60_000.0, 0), (15_207.76, 0), (15_207.74, 1), (-1.0, 1)])
def test_breach_is_equity_under_maintenance(tmp_path: Path, wallet: float, breached: int) -> None:
    """10 BTC at their entry: maintenance is 1.25 % of 1,216,620."""
    rows = "account,market,quantity,entry_price\nlong,BTC,10,121662\nshort,BTC,-10,121662\n"
    wallets = f"account,asset,amount\nlong,USD,{wallet}\nshort,USD,60000\n"
    book = read(write(tmp_path, "p.csv", rows), write(tmp_path, "b.csv", wallets))
    assert summary(book, TERMS)["in_breach_at_start"]["accounts"] == breached
    np.testing.assert_array_equal(book.breaches(TERMS), [bool(breached), False])


def test_the_worst_breach_is_named(tmp_path: Path) -> None:
    rows = BALANCED + "other,BTC,0.1,100000\nrest,BTC,-0.1,121662\n"
    wallets = "account,asset,amount\nlong,USD,-210000\nshort,USD,900000\nother,USD,-2100\nrest,USD,900000\n"
    book = read(write(tmp_path, "p.csv", rows), write(tmp_path, "b.csv", wallets))
    assert summary(book, TERMS)["in_breach_at_start"]["worst"] == {
        "account": "long",
        "equity": pytest.approx(6_620.0),
        "maintenance": pytest.approx(15_207.75),
    }
    assert list(remarks(book, TERMS, ("main",))) == [
        "2 accounts with positions of 1,228,786 under maintenance margin at the first prices; "
        "the worst is long, equity 6,620.00 against 15,207.75"
    ]


def test_what_does_not_net_is_told_by_market(tmp_path: Path) -> None:
    rows = "account,market,quantity,entry_price\na,BTC,2,9\nb,BTC,-1,9\na,SOL,-10,9\nb,ETH,1,9\na,ETH,-1,9\n"
    book = read(
        write(tmp_path, "p.csv", rows), write(tmp_path, "b.csv", "account,asset,amount\na,USD,1e9\nb,USD,1e9\n")
    )
    assert list(remarks(book, TERMS, ("main",))) == [
        "pool main: contracts do not net to zero, traders outside the book hold the other side of "
        "BTC 121,662 long (50.0%), SOL 2,200 short (100.0%)"
    ]


def scenario(pools: dict[str, Any]) -> Any:
    """As much of a scenario as loading books looks at."""
    tiers = SimpleNamespace(tiers=[SimpleNamespace(from_=0.0, maintenance=0.0125)], initial=None)
    markets = {
        name: SimpleNamespace(instrument="linear_perpetual", price=100.0, margin=tiers) for name in ("BTC", "ETH")
    }
    nothing = {"accounts": None, "balances": None, "synthetic": None}
    books = {name: SimpleNamespace(book=SimpleNamespace(**(nothing | book)), layers=()) for name, book in pools.items()}
    return SimpleNamespace(markets=markets, pools=books)


def test_pools_follow_one_another_and_drawn_owners_differ(tmp_path: Path) -> None:
    rows = write(tmp_path, "p.csv", "account,market,quantity,entry_price\na,BTC,1,100\nb,BTC,-1,100\n")
    wallets = write(tmp_path, "b.csv", "account,asset,amount\na,USD,50\nb,USD,50\n")
    pools = {
        "x": {"synthetic": synthetic()},
        "y": {"accounts": rows, "balances": wallets},
        "z": {"synthetic": synthetic()},
    }
    book, notes = load_books(scenario(pools))
    assert np.unique(book.pool).tolist() == [0, 1, 2]
    assert (np.diff(book.pool) >= 0).all()
    assert {name for name in book.owner_names if name.endswith("mm-001")} == {"x-mm-001", "z-mm-001"}
    assert notes == ["2 pools draw their books from the same seed 7: their accounts are alike"]


def test_mistakes_of_all_pools_are_told_and_placed(tmp_path: Path) -> None:
    bad = write(tmp_path, "p.csv", "account,market,quantity,entry_price\na,BTC,x,100\n")
    pools = {"x": {"synthetic": synthetic(accounts=1)}, "y": {"accounts": bad}}
    with pytest.raises(MalformedInput) as caught:
        load_books(scenario(pools), lambda path: ("s.yaml", len(path), 3))
    assert [str(problem) for problem in caught.value.problems] == [
        f"{bad}:2: quantity: expected a number, got 'x'",
        "s.yaml:5:3: pools.x.book.synthetic.accounts: "
        "1 accounts that are not hedges cannot trade 2 markets: at least one for each",
    ]
    with pytest.raises(MeaninglessInput, match="scenario: pools.x.book: neither accounts nor synthetic"):
        load_books(scenario({"x": {}}))


def test_built_in_scenarios_have_sound_books() -> None:
    loaded = load_scenario("october-2025")
    book, notes = load_books(loaded.scenario, loaded.locate)
    terms = terms_of(loaded.scenario.markets)
    assert terms.names == book.market_names == tuple(loaded.scenario.markets)
    assert not book.breaches(terms).any()
    assert notes == []
