"""What the rows of a book's tables may say, checked column-wise and told row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stress.book.findings import Findings, Rows
from stress.book.margin import Terms
from stress.book.positions import KINDS, LARGEST, SMALLEST
from stress.book.tables import Column, Table, Texts
from stress.kernels.structs import Ints
from stress.scenario.hints import did_you_mean

POSITIONS = (
    Column("account", "text", required=True),
    Column("market", "text", required=True),
    Column("quantity", "number", required=True),
    Column("entry_price", "number", required=True),
    Column("owner", "text", required=False),
    Column("pool", "text", required=False),
    Column("margin_mode", "text", required=False),
    Column("isolated_margin", "number", required=False),
    Column("kind", "text", required=False),
)
"""Columns of the table of positions."""

BALANCES = (
    Column("account", "text", required=True),
    Column("asset", "text", required=True),
    Column("amount", "number", required=True),
    Column("pool", "text", required=False),
)
"""Columns of the table of wallets."""

AT_PAR = ("USD", "USDC", "USDT")
"""Assets taken at par as the quote currency, unless the scenario gives them a price."""

_MODES = ("cross", "isolated")


def market_numbers(table: Table, names: tuple[str, ...], findings: Findings) -> Ints:
    """Number [row] of each row's market, -1 where it is none of the scenario's."""
    number = _numbers_of(table.texts["market"], names)
    _unknown(number < 0, table, "market", names, findings)
    return number


def asset_numbers(table: Table, terms: Terms) -> Ints:
    """Number [row] of the market whose asset each balance is in, -1 where it is in the quote currency or unknown."""
    number = _numbers_of(table.texts["asset"], terms.names)
    return np.where((number >= 0) & np.append(terms.is_asset, False)[number], number, -1)


def _numbers_of(texts: Texts, names: tuple[str, ...]) -> Ints:
    """Place [row] of each text among the names, -1 where it is none of them."""
    number = pd.Index(names, dtype=np.object_).get_indexer(pd.Index(texts, dtype=np.object_))
    return number.astype(np.int64)


def check_positions(table: Table, market: Ints, terms: Terms, findings: Findings) -> None:
    """Find rows of positions that mean nothing; ``market`` [row] is -1 where unknown."""
    name = table.texts["market"]
    findings.add_rows(
        (market >= 0) & terms.is_asset[market],
        table.line,
        "market",
        lambda row: f"{name[row]!r} is an asset and no contract: what an account holds of it is one of its balances",
    )
    _check_amounts(table, market, terms, findings)
    _check_modes(table, findings)
    keys: list[Texts | Rows] = [table.texts["account"], table.texts["market"], is_isolated(table)]
    _repeated(keys, table, "market", "the account has this position already", findings)
    _same_within_account(table, "owner", findings)
    _same_within_account(table, "kind", findings)


def _check_amounts(table: Table, market: Ints, terms: Terms, findings: Findings) -> None:
    quantity, entry = table.numbers["quantity"], table.numbers["entry_price"]
    findings.add_rows(quantity == 0.0, table.line, "quantity", lambda _: "a position of zero")
    findings.add_rows(
        entry <= 0.0, table.line, "entry_price", lambda row: f"expected a price above zero, got {entry[row]:g}"
    )
    with np.errstate(over="ignore"):
        cost = np.abs(quantity * entry)
        notional = np.where(market >= 0, np.abs(quantity) * terms.prices[market], np.nan)
    wrong = (cost > LARGEST) | (notional > LARGEST)
    findings.add_rows(wrong, table.line, "quantity", lambda row: f"a notional of more than {LARGEST:g}")
    wrong = (notional < SMALLEST) & (quantity != 0.0)
    findings.add_rows(wrong, table.line, "quantity", lambda row: f"a notional of less than {SMALLEST:g}")


def is_isolated(table: Table) -> Rows:
    """Whether each row [row] is an isolated position; cross where nothing is said."""
    return np.asarray(table.texts["margin_mode"] == "isolated", dtype=np.bool_)


def _check_modes(table: Table, findings: Findings) -> None:
    mode, margin, isolated = table.texts["margin_mode"], table.numbers["isolated_margin"], is_isolated(table)
    _unknown(~isolated & (mode != "cross") & (mode != ""), table, "margin_mode", _MODES, findings)
    kind = table.texts["kind"]
    _unknown(~np.isin(kind.astype(np.str_), ("", *KINDS)), table, "kind", KINDS, findings)
    findings.add_rows(
        isolated & np.isnan(margin), table.line, "isolated_margin", lambda _: "missing for an isolated position"
    )
    findings.add_rows(
        isolated & ((margin <= 0.0) | (margin > LARGEST)),
        table.line,
        "isolated_margin",
        lambda row: f"expected an amount above zero and up to {LARGEST:g}, got {margin[row]:g}",
    )
    stray = ~isolated & ~np.isnan(margin) & (margin != 0.0)
    findings.add_rows(stray, table.line, "isolated_margin", lambda _: "given for a position that is not isolated")


def check_balances(table: Table, terms: Terms, findings: Findings) -> None:
    """Find rows of balances that mean nothing, whoever's they are."""
    asset, amount, market = table.texts["asset"], table.numbers["amount"], asset_numbers(table, terms)
    posted = market >= 0
    names = [terms.names[m] for m in terms.haircuts]
    known = f"{', '.join(AT_PAR)} at par" + (f" and the assets {', '.join(names)}" if names else "")
    findings.add_rows(
        ~posted & ~np.isin(asset.astype(np.str_), AT_PAR),
        table.line,
        "asset",
        lambda row: f"{asset[row]!r} is not supported, a wallet holds {known}{did_you_mean(asset[row], names)}",
    )
    findings.add_rows(
        posted & (amount < 0.0), table.line, "amount", lambda row: f"a short {asset[row]}: collateral cannot be owed"
    )
    worth = np.abs(amount) * np.where(posted, terms.prices[market], 1.0)
    findings.add_rows(worth > LARGEST, table.line, "amount", lambda row: f"more than {LARGEST:g}")
    _repeated([table.texts["account"], asset], table, "asset", "the account has this balance already", findings)


def _unknown(wrong: Rows, table: Table, column: str, known: tuple[str, ...], findings: Findings) -> None:
    values = table.texts[column]
    what = column.replace("_", " ")
    findings.add_rows(
        wrong & (values != ""),
        table.line,
        column,
        lambda row: f"unknown {what} {values[row]!r}{did_you_mean(values[row], known)}",
    )


def _repeated(keys: Sequence[Texts | Rows], table: Table, column: str, message: str, findings: Findings) -> None:
    """Find rows whose keys stood in an earlier row."""
    frame = pd.DataFrame(dict(enumerate(keys)))
    again = frame.duplicated().to_numpy()
    if again.any():
        groups = frame.groupby(list(frame.columns), sort=False).ngroup().to_numpy()
        earlier = _first_row(groups)
        findings.add_rows(again, table.line, column, lambda row: f"{message}, in {table.where(earlier[row])}")


def _same_within_account(table: Table, column: str, findings: Findings) -> None:
    """Find rows whose value differs from that of the account's first row."""
    if column not in table.present:
        return
    values = table.texts[column]
    earlier = _first_row(pd.factorize(table.texts["account"])[0])
    findings.add_rows(
        np.asarray(values != values[earlier], dtype=np.bool_),
        table.line,
        column,
        lambda row: (
            f"{values[row]!r} is not the {column} {values[earlier[row]]!r} of the account in "
            f"{table.where(earlier[row])}"
        ),
    )


def _first_row(groups: NDArray[np.integer[Any]]) -> Ints:
    """First row [row] of each row's group."""
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    return np.asarray(first[inverse], dtype=np.int64)
