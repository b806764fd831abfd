"""One pool's margin accounts from its tables of positions and balances."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from stress.book.findings import Findings, Rows, together
from stress.book.margin import Terms, sum_by
from stress.book.positions import NO_DEPOSITS, TRADER, Deposits, Positions
from stress.book.rows import (
    BALANCES,
    POSITIONS,
    asset_numbers,
    check_balances,
    check_positions,
    is_isolated,
    market_numbers,
)
from stress.book.tables import Table, Texts, read_table
from stress.errors import InvalidInput
from stress.kernels.structs import Floats, Ints


class Holdings(NamedTuple):
    """A pool's rows of the table of positions, and the margin account of each."""

    table: Table
    market: Ints
    """[row] number of the market."""
    name: Texts
    """[row] name of the margin account."""


def read_book(
    accounts: Path, balances: Path | None, pool: str, number: int, terms: Terms
) -> tuple[Positions, list[str]]:
    """Read the accounts of one pool.

    A ``pool`` column selects the rows of this pool; without one all rows are the pool's. Positions of an account
    with cross margin share its wallet; each isolated position is a margin account ``<account>:<market>`` of the
    same owner with its ``isolated_margin`` as wallet.

    Parameters
    ----------
    accounts, balances : Path
        Tables of positions and of wallets, ``.csv`` or ``.parquet``; without balances every wallet is empty.
    pool : str
        Name of the pool.
    number : int
        Its number.
    terms : Terms
        Markets of the scenario.

    Returns
    -------
    Positions
        Accounts in the order in which the tables first name them.
    list of str
        Notes: accounts without a balance.

    Raises
    ------
    MalformedInput, MeaninglessInput
        With every mistake found in both files, up to fifty of each told by line.
    """
    findings = Findings(str(accounts))
    try:
        whole = read_table(accounts, POSITIONS, findings)
        holdings = _holdings(_of_pool(whole, pool, findings), pool, terms, findings)
    except InvalidInput as error:
        raise together([error, *_mistakes(balances, pool, terms)]) from None
    wallets = None if balances is None else _wallets(balances, whole, pool, terms)
    positions = _assemble(holdings, wallets, terms, number)
    return positions, list(_notes(positions, wallets, accounts, pool))


def _mistakes(balances: Path | None, pool: str, terms: Terms) -> Iterator[InvalidInput]:
    """What is wrong with the balances whatever the positions are."""
    if balances is not None:
        try:
            _wallets(balances, None, pool, terms)
        except InvalidInput as error:
            yield error


def _of_pool(table: Table, pool: str, findings: Findings) -> Table:
    """Rows of the pool, and those that should name one; all rows where the table has no pools."""
    if "pool" not in table.present:
        return table
    pools = table.texts["pool"]
    unsaid = np.equal(pools, "").astype(np.bool_)
    findings.add_rows(unsaid, table.line, "pool", lambda _: "missing", malformed=True)
    return table.select(np.equal(pools, pool).astype(np.bool_) | unsaid)


def _holdings(table: Table, pool: str, terms: Terms, findings: Findings) -> Holdings:
    """Check the positions of a pool and name their margin accounts."""
    if not len(table.line):
        findings.refuse(f"no positions of pool {pool!r}")
    market = market_numbers(table, terms.names, findings)
    check_positions(table, market, terms, findings)
    account, isolated = table.texts["account"], is_isolated(table)
    name = account.copy()
    name[isolated] += ":" + table.texts["market"][isolated]
    taken = isolated & (_among(name, account) | _other_account(name, account))
    findings.add_rows(
        taken, table.line, "account", lambda row: f"its margin account {name[row]!r} has the name of another account"
    )
    findings.settle()
    return Holdings(table, market, name)


def _other_account(name: Texts, account: Texts) -> Rows:
    """Rows whose margin account was named by another account before, as ``a:b`` in ``c`` and ``a`` in ``b:c``."""
    codes, _ = pd.factorize(name)
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    return np.not_equal(account, account[first[inverse]]).astype(np.bool_)


def _wallets(file: Path, positions: Table | None, pool: str, terms: Terms) -> Table:
    """Balances of the pool's accounts; ``positions`` are those of all pools, None when they could not be read."""
    findings = Findings(str(file))
    balances = _of_pool(read_table(file, BALANCES, findings), pool, findings)
    check_balances(balances, terms, findings)
    if positions is not None:
        here, elsewhere = _holders(balances, positions, pool)
        account = balances.texts["account"]
        findings.add_rows(
            ~here & ~elsewhere, balances.line, "account", lambda row: f"{account[row]!r} has no positions in the book"
        )
        findings.add_rows(
            here & elsewhere,
            balances.line,
            "account",
            lambda row: f"{account[row]!r} trades in several pools: a column pool must say which of them holds this",
        )
        balances = balances.select(here)
    findings.settle()
    return balances


def _holders(balances: Table, positions: Table, pool: str) -> tuple[Rows, Rows]:
    """Whether the account of each balance has positions in this pool, and whether in another one.

    Balances that name their pool are of this one.
    """
    account, holder = balances.texts["account"], positions.texts["account"]
    if "pool" not in positions.present:
        return _among(account, holder), np.zeros(len(account), dtype=np.bool_)
    own = np.equal(positions.texts["pool"], pool).astype(np.bool_)
    here = _among(account, holder[own])
    if "pool" in balances.present:
        return here, np.zeros(len(account), dtype=np.bool_)
    return here, _among(account, holder[~own])


def _among(names: Texts, known: Texts) -> Rows:
    """Whether each name is one of those known.

    By Python's own strings: with Arrow's, pandas takes six times as long.
    """
    found: Rows = pd.Index(names, dtype=np.object_).isin(pd.unique(known))
    return found


def _assemble(holdings: Holdings, wallets: Table | None, terms: Terms, pool: int) -> Positions:
    """Margin accounts of the positions, then those of wallets whose owner has isolated positions only."""
    table, market, name = holdings
    held = len(name)
    payee = wallets.texts["account"] if wallets else np.empty(0, dtype=np.object_)
    account, names = pd.factorize(np.concatenate([name, payee]))
    _, first = np.unique(account, return_index=True)
    row = _row_of_trader(np.concatenate([table.texts["account"], payee])[first], table)
    order = np.argsort(account[:held], kind="stable")

    isolated = is_isolated(table)
    deposits, amount = _split(wallets, account[held:], terms)
    money = np.concatenate([np.where(isolated, table.numbers["isolated_margin"], 0.0), amount])
    trader, owner, kind = (table.texts[column] for column in ("account", "owner", "kind"))
    number, owner_names = pd.factorize(np.where(np.equal(owner, ""), trader, owner)[row])
    return Positions(
        market_names=terms.names,
        account_names=tuple(names.tolist()),
        owner_names=tuple(owner_names.tolist()),
        owner=number.astype(np.int64),
        pool=np.full(len(names), pool, dtype=np.int64),
        kind=np.where(np.equal(kind, ""), TRADER, kind)[row].astype(np.str_),
        isolated=np.append(isolated, np.zeros(len(payee), dtype=np.bool_))[first],
        wallet=sum_by(account, money, len(names)),
        first=np.append(0, np.cumsum(np.bincount(account[:held], minlength=len(names)))).astype(np.int64),
        market=market[order],
        quantity=table.numbers["quantity"][order],
        entry=table.numbers["entry_price"][order],
        deposits=deposits,
    )


def _split(wallets: Table | None, account: Ints, terms: Terms) -> tuple[Deposits, Floats]:
    """Collateral of the accounts, and the amount [row] of each balance in the quote currency.

    ``account`` [row] is whose balance it is.
    """
    if wallets is None:
        return NO_DEPOSITS, np.empty(0)
    amount, market = wallets.numbers["amount"], asset_numbers(wallets, terms)
    rows = np.flatnonzero((market >= 0) & (amount > 0.0))
    rows = rows[np.argsort(account[rows], kind="stable")]
    return Deposits(account[rows].astype(np.int64), market[rows], amount[rows]), np.where(market >= 0, 0.0, amount)


def _row_of_trader(traders: Texts, table: Table) -> Ints:
    """First row of each trader: owner and kind are the same in all of them."""
    account, names = pd.factorize(table.texts["account"])
    _, first = np.unique(account, return_index=True)
    return first[pd.Index(names, dtype=np.object_).get_indexer(pd.Index(traders, dtype=np.object_))]


def _notes(positions: Positions, wallets: Table | None, file: Path, pool: str) -> Iterator[str]:
    """Cross accounts that no balance names."""
    known = wallets.texts["account"] if wallets else np.empty(0, dtype=np.object_)
    unnamed = ~positions.isolated & ~_among(np.array(positions.account_names, dtype=np.object_), known)
    if unnamed.any():
        count = int(unnamed.sum())
        yield f"pool {pool}: {count:,} account{'s' if count > 1 else ''} of {file.name} without a balance: wallet 0"
