"""Tables of positions with whatever column names: one row for each open position, CSV or Parquet."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet
from numpy.typing import NDArray

from stress.book.findings import Findings
from stress.book.tables import Column, Table, Texts, read_table
from stress.errors import UsageError
from stress.imports.export import Export
from stress.kernels.structs import Floats
from stress.scenario.hints import did_you_mean

FIELDS: dict[str, tuple[str, ...]] = {
    "account": (
        "account",
        "accountid",
        "user",
        "userid",
        "address",
        "wallet",
        "walletaddress",
        "trader",
        "uid",
        "subaccount",
    ),
    "market": ("market", "symbol", "coin", "instrument", "contract", "pair", "ticker", "instid", "instrumentname"),
    "quantity": (
        "quantity",
        "size",
        "szi",
        "qty",
        "positionamt",
        "positionsize",
        "amount",
        "position",
        "pos",
        "contracts",
    ),
    "side": ("side", "direction", "positionside", "posside"),
    "entry_price": (
        "entryprice",
        "entrypx",
        "entry",
        "avgprice",
        "averageprice",
        "avgentryprice",
        "avgpx",
        "openprice",
    ),
    "mark_price": ("markprice", "mark", "markpx", "indexprice"),
    "margin_mode": ("marginmode", "margintype", "mgnmode", "mode"),
    "isolated_margin": ("isolatedmargin", "isolatedwallet", "positionmargin"),
    "collateral": ("collateral", "walletbalance", "balance", "cash", "crosswalletbalance"),
    "equity": ("equity", "accountvalue", "accountequity", "marginbalance"),
    "owner": ("owner", "ownerid", "mainaccount", "parentaccount"),
    "kind": ("kind", "accountkind", "accounttype"),
}
"""Fields of an export and the column names they go by, in lower case without anything but letters and digits."""

_NUMBERS = ("quantity", "entry_price", "mark_price", "isolated_margin", "collateral", "equity")
_NEEDED = ("account", "market", "quantity", "entry_price")
_LONG = ("long", "buy", "bid", "b", "l", "1", "+1")
_SHORT = ("short", "sell", "ask", "s", "-1")
_CROSS = ("cross", "crossed", "cross_margin", "")
_ISOLATED = ("isolated", "isolated_margin", "fixed")


def read(path: Path, findings: Findings, export: Export, columns: Mapping[str, str] | None = None) -> None:
    """Add the rows of a table; ``columns`` names the column of a field where its name is not known.

    ``quantity`` is signed, or has a ``side`` beside it. ``collateral`` is the wallet of the account before the profit
    of its positions, the same in all of its cross rows; ``equity`` is the same after profit, and needs ``mark_price``.
    """
    table, named = _table(path, findings, dict(columns or {}))
    if not len(table.line):
        findings.stop("the table has no rows")
    reader = _Rows(table, named, findings)
    quantity, mark = reader.quantity(), reader.number("mark_price")
    entry = reader.number("entry_price")
    findings.add_rows(
        entry <= 0.0,
        table.line,
        reader.said("entry_price"),
        lambda row: f"expected a price above zero, got {entry[row]:g}",
    )
    findings.add_rows(
        mark <= 0.0,
        table.line,
        reader.said("mark_price"),
        lambda row: f"expected a price above zero, got {mark[row]:g}",
    )
    isolated = reader.isolated()
    margin = reader.isolated_margin(isolated, quantity, entry, mark)
    wallets = reader.wallets(~isolated, quantity, entry, mark)
    findings.settle()
    _fill(export, table, named, (quantity, entry, mark, np.where(isolated, margin, np.nan)))
    export.wallet |= wallets


def _fill(
    export: Export, table: Table, named: Mapping[str, str], numbers: tuple[Floats, Floats, Floats, Floats]
) -> None:
    """Rows with a quantity, as columns."""
    held = np.flatnonzero(numbers[0] != 0.0)
    export.left_out["position of size zero"] += len(table.line) - len(held)
    accounts, markets = (table.texts[named[field]][held].tolist() for field in ("account", "market"))
    export.account += accounts
    export.market += markets
    for column, values in zip((export.quantity, export.entry, export.mark, export.margin), numbers, strict=True):
        column.extend(values[held].tolist())
    for column_of, field in ((export.owner, "owner"), (export.kind, "kind")):
        column_of.extend(table.texts[named[field]][held].tolist() if field in named else [""] * len(held))


def _table(path: Path, findings: Findings, asked: dict[str, str]) -> tuple[Table, dict[str, str]]:
    """The table, and the column of every field that it has.

    Raises:
        UsageError: a mapping names no field.
        MalformedInput: a column is missing, or two could be the same field.
    """
    for field in asked:
        if field not in FIELDS:
            raise UsageError(f"--column: no field {field!r}{did_you_mean(field, FIELDS)}")
    header = _header(path, findings)
    named = dict[str, str]()
    for field, synonyms in FIELDS.items():
        column = asked.get(field)
        if column is not None and column not in header:
            findings.add(column, f"missing column, the file has {', '.join(header)}", 1)
        found = [column] if column is not None else _known_as(header, synonyms, set(asked.values()))
        if len(found) > 1:
            findings.add(field, f"columns {' and '.join(found)} could both be it: --column {field}=NAME says which", 1)
        elif found:
            named[field] = found[0]
        elif field in _NEEDED:
            findings.add(field, f"no column for it among {', '.join(header)}: --column {field}=NAME says which", 1)
    findings.settle()
    columns = [
        Column(name, "number" if field in _NUMBERS else "text", field in _NEEDED) for field, name in named.items()
    ]
    return read_table(path, columns, findings, others=True), named


def _known_as(header: list[str], synonyms: tuple[str, ...], taken: set[str]) -> list[str]:
    """Columns whose name is the first synonym that any has."""
    plain = {name: re.sub(r"[^a-z0-9]", "", name.lower()) for name in header if name not in taken}
    for synonym in synonyms:
        found = [name for name, letters in plain.items() if letters == synonym]
        if found:
            return found
    return []


def _header(path: Path, findings: Findings) -> list[str]:
    try:
        if path.suffix.lower() == ".parquet":
            return [str(name) for name in pyarrow.parquet.read_schema(path).names]
        with path.open(encoding="utf-8-sig", newline="") as stream:
            names = [name.strip() for name in next(csv.reader(stream), [])]
    except UnicodeDecodeError:
        findings.stop("not UTF-8 text")
    except OSError as error:
        findings.stop(f"cannot be read: {error.strerror}")
    except pyarrow.ArrowException as error:
        findings.stop(f"damaged, or no Parquet file: {str(error).splitlines()[0]}")
    if not names:
        findings.stop("the file is empty")
    if len(names) == 1 and (";" in names[0] or "\t" in names[0]):
        findings.stop("columns are separated by commas, not by ';' or tabs", line=1)
    return names


class _Rows:
    """Columns of a table by field, with the mistakes that are found in them."""

    def __init__(self, table: Table, named: Mapping[str, str], findings: Findings) -> None:
        self.table = table
        self.named = named
        self.findings = findings

    def said(self, field: str) -> str:
        """Name of the column of a field in the file."""
        return self.named.get(field, field)

    def number(self, field: str) -> Floats:
        """[row] numbers, NaN where missing."""
        if field in self.named:
            return self.table.numbers[self.named[field]]
        return np.full(len(self.table.line), np.nan)

    def words(self, field: str) -> NDArray[np.str_]:
        """[row] text in lower case."""
        if field not in self.named:
            return np.full(len(self.table.line), "", dtype=np.str_)
        return np.char.lower(self.table.texts[self.named[field]].astype(np.str_))

    def quantity(self) -> Floats:
        """[row] signed quantities."""
        amount = self.number("quantity")
        if "side" not in self.named:
            return amount
        side = self.words("side")
        long, short = np.isin(side, _LONG), np.isin(side, _SHORT)
        # A venue with one position a market calls its side "both" and signs the amount.
        signed = np.isin(side, ("both", "net"))
        self._wrong(~(long | short | signed) & (amount != 0.0), "side", side, "long or short")
        self.findings.add_rows(
            (long | short) & (amount < 0.0) & ~short,
            self.table.line,
            self.said("quantity"),
            lambda row: f"a long position of {amount[row]:g}",
        )
        return np.where(signed, amount, np.where(short, -np.abs(amount), amount))

    def isolated(self) -> NDArray[np.bool_]:
        """[row] whether a position has margin of its own."""
        mode = self.words("margin_mode")
        isolated = np.isin(mode, _ISOLATED)
        self._wrong(~isolated & ~np.isin(mode, _CROSS), "margin_mode", mode, "cross or isolated")
        return np.asarray(isolated, dtype=np.bool_)

    def isolated_margin(self, isolated: NDArray[np.bool_], quantity: Floats, entry: Floats, mark: Floats) -> Floats:
        """[row] money of the isolated positions; the row's collateral or equity where no column has it."""
        margin = self.number("isolated_margin")
        margin = np.where(np.isnan(margin), self.number("collateral"), margin)
        by_equity = self.number("equity") - quantity * (mark - entry)
        margin = np.where(np.isnan(margin), by_equity, margin)
        column = self.said("isolated_margin")
        held = isolated & (quantity != 0.0)
        self.findings.add_rows(
            held & np.isnan(margin), self.table.line, column, lambda _: "missing for an isolated position"
        )
        self.findings.add_rows(
            held & (margin <= 0.0),
            self.table.line,
            column,
            lambda row: f"expected an amount above zero, got {margin[row]:g}",
        )
        return margin

    def wallets(self, cross: NDArray[np.bool_], quantity: Floats, entry: Floats, mark: Floats) -> dict[str, float]:
        """Money of every account with cross positions, by its name."""
        account: Texts = self.table.texts[self.named["account"]]
        codes, names = pd.factorize(account)
        field = "collateral" if "collateral" in self.named else "equity"
        if field not in self.named:
            return {}
        amount = self.number(field)
        rows = np.flatnonzero(cross & ~np.isnan(amount))
        first = np.full(len(names), np.nan)
        first[codes[rows[::-1]]] = amount[rows[::-1]]
        differs = cross & ~np.isnan(amount) & (np.abs(amount - first[codes]) > 1e-6 * (1.0 + np.abs(first[codes])))
        self.findings.add_rows(
            differs,
            self.table.line,
            self.said(field),
            lambda row: f"{amount[row]:g} where account {account[row]!r} had {first[codes[row]]:g} before",
        )
        if field == "equity":
            profit = quantity * (mark - entry)
            self.findings.add_rows(
                cross & np.isnan(profit),
                self.table.line,
                self.said("mark_price"),
                lambda _: "missing, and equity needs it",
            )
            first = first - np.bincount(codes[cross], weights=profit[cross], minlength=len(names))
        known = np.unique(codes[rows])
        return dict(zip(names[known].tolist(), first[known].tolist(), strict=True))

    def _wrong(self, rows: NDArray[np.bool_], field: str, got: NDArray[np.str_], expected: str) -> None:
        self.findings.add_rows(
            rows,
            self.table.line,
            self.said(field),
            lambda row: f"expected {expected}, got {str(got[row])!r}",
            malformed=True,
        )
