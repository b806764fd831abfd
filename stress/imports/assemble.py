"""From rows to margin accounts: what is unknown is refused or left out, what does not net is told or balanced."""

from __future__ import annotations

import math
import re
from array import array
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stress.book import MARKET_MAKER, Positions
from stress.book.check import NETTING
from stress.book.findings import LISTED
from stress.book.margin import sum_by
from stress.book.positions import TRADER
from stress.errors import MeaninglessInput, Problem, UsageError
from stress.imports.export import Export, Imported
from stress.kernels.structs import Floats, Ints
from stress.scenario.hints import did_you_mean

BALANCING = "balancing"
"""Name of the account that holds what the export leaves open."""

_NAMED = 5
_MARKET = r"[A-Za-z0-9][A-Za-z0-9_:/-]*"

_APART = 1e-3
"""Marks of one market that differ by more were taken at different times."""


def with_known_markets(export: Export, known: Collection[str], *, leave_out: bool, file: str) -> Export:
    """The rows in known markets.

    With ``leave_out`` the positions in others are closed at their mark: what they gained stays in the wallet, isolated
    ones go with their margin.

    Raises:
        MeaninglessInput: a market is unknown and is not to be left out; every one is listed.
    """
    unknown = sorted(set(export.market) - set(known))
    if not unknown:
        return export
    if not leave_out:
        rows = pd.Series(export.market).value_counts()
        raise MeaninglessInput(
            Problem(
                file, None, None, name, f"unknown market, {count(rows[name], 'position')}{did_you_mean(name, known)}"
            )
            for name in unknown[:LISTED]
        )
    kept = np.isin(np.array(export.market, dtype=np.object_), list(known))
    found = Export(wallet=dict(export.wallet), left_out=export.left_out.copy(), notes=list(export.notes))
    for row in np.flatnonzero(~kept).tolist():
        if math.isnan(export.margin[row]) and not math.isnan(export.mark[row]):
            profit = export.quantity[row] * (export.mark[row] - export.entry[row])
            found.wallet[export.account[row]] = found.wallet.get(export.account[row], 0.0) + profit
    rows_kept = np.flatnonzero(kept)
    for name in ("account", "market", "kind", "owner"):
        values = getattr(export, name)
        setattr(found, name, [values[row] for row in rows_kept.tolist()])
    for name in ("quantity", "entry", "mark", "margin"):
        setattr(found, name, array("d", np.array(getattr(export, name))[rows_kept]))
    found.left_out[f"position in {', '.join(unknown[:8])}{' and more' if len(unknown) > 8 else ''}"] += len(kept) - len(
        rows_kept
    )
    return found


def assemble(export: Export, prices: Mapping[str, float], file: str) -> Imported:
    """Margin accounts of an export, priced at its marks, or at ``prices`` where given.

    Raises:
        MeaninglessInput: nothing is left, a name is none of a market, an account has a position twice, or a price is
            missing.
    """
    if not export.account:
        raise MeaninglessInput([Problem(file, None, None, "", "no open positions")])
    market, found = pd.factorize(np.array(export.market, dtype=np.object_))
    names = [str(name) for name in found]
    marks, notes = _marks(export, market, names, prices)
    problems = [*_unfit_names(names, file), *_repeated(export, file), *_unpriced(names, marks, file)]
    if problems:
        raise MeaninglessInput(problems)
    positions, moneyless = _positions(export, market.astype(np.int64), tuple(names))
    if moneyless:
        notes.append(f"{count(moneyless, 'account')} with cross margin of which no money is known: wallet 0")
    told = export.left_out + Counter({"balance of an account without positions": _strangers(export)})
    left = {reason: count for reason, count in told.items() if count}
    return Imported(positions, dict(zip(names, marks.tolist(), strict=True)), left, (*export.notes, *notes))


def _marks(export: Export, market: Ints, names: list[str], prices: Mapping[str, float]) -> tuple[Floats, list[str]]:
    """Price [m] of each market, the mean of its marks by quantity, and what is odd about them."""
    mark, size = np.array(export.mark), np.abs(np.array(export.quantity))
    known = ~np.isnan(mark)
    weight = sum_by(market[known], size[known], len(names))
    total = sum_by(market[known], size[known] * mark[known], len(names))
    marks = np.divide(total, weight, out=np.full(len(names), np.nan), where=weight > 0.0)
    frame = pd.DataFrame({"market": market[known], "mark": mark[known]}).groupby("market")["mark"].agg(["min", "max"])
    apart = frame[frame["max"] > (1.0 + _APART) * frame["min"]]
    told = zip(apart.index.tolist(), apart["min"].tolist(), apart["max"].tolist(), strict=True)
    notes = [
        f"marks of {names[m]} go from {low:,.6g} to {high:,.6g}: the states are of different times"
        for m, low, high in list(told)[:_NAMED]
    ]
    if len(apart) > _NAMED:
        notes.append(f"so do those of {len(apart) - _NAMED:,} more markets")
    for m, name in enumerate(names):
        # Value over size leaves noise in the last digits.
        marks[m] = prices.get(name, float(f"{marks[m]:.12g}"))
    return marks, notes


def _unfit_names(names: list[str], file: str) -> Iterator[Problem]:
    for name in names:
        if not re.fullmatch(_MARKET, name):
            words = "no name of a market in a scenario (letters, digits and _ - / :); --rename gives it another"
            yield Problem(file, None, None, name, words)


def _unpriced(names: list[str], marks: Floats, file: str) -> Iterator[Problem]:
    for m in np.flatnonzero(np.isnan(marks)).tolist():
        yield Problem(
            file, None, None, names[m], f"no mark in the export: --price {names[m]}=PRICE or --venue gives one"
        )


def _margin_accounts(export: Export) -> NDArray[np.object_]:
    """Name [row] of the margin account of each row: an isolated position has one of its own."""
    return np.array(
        [
            account if math.isnan(margin) else f"{account}:{market}"
            for account, market, margin in zip(export.account, export.market, export.margin, strict=True)
        ],
        dtype=np.object_,
    )


def _repeated(export: Export, file: str) -> Iterator[Problem]:
    """Positions that an account has twice, and isolated ones with the name of another account."""
    isolated = ~np.isnan(np.array(export.margin))
    frame = pd.DataFrame({"account": export.account, "market": export.market, "isolated": isolated})
    twice = frame[frame.duplicated()]
    for account, market in zip(twice["account"][:LISTED], twice["market"][:LISTED], strict=True):
        yield Problem(file, None, None, str(account), f"position in {market} is there twice")
    names = _margin_accounts(export)
    for name in sorted(set(names[isolated]) & (set(export.account) | set(export.wallet))):
        yield Problem(file, None, None, name, "an account has the name of another one's isolated position")


def count(number: int, noun: str) -> str:
    """1 market, 1,000 markets."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _strangers(export: Export) -> int:
    return len(export.wallet.keys() - set(export.account))


def _positions(export: Export, market: Ints, names: tuple[str, ...]) -> tuple[Positions, int]:
    """Margin accounts in the order of the export, then wallets beside isolated positions only.

    The second value counts the accounts with cross margin of which no money is known.
    """
    account = _margin_accounts(export)
    row_of_trader = {trader: row for row, trader in reversed(list(enumerate(export.account)))}
    numbers, known = pd.factorize(account)
    seen = set(known.tolist())
    beside = [name for name in export.wallet if name in row_of_trader and name not in seen]
    isolated = ~np.isnan(np.array(export.margin))
    _, first_row = np.unique(numbers, return_index=True)
    trader_row = np.concatenate([first_row, [row_of_trader[name] for name in beside]]).astype(np.int64)
    is_isolated = np.append(isolated[first_row], np.zeros(len(beside), dtype=np.bool_))
    traders = [export.account[row] for row in trader_row.tolist()]
    margin = np.array(export.margin)[trader_row]
    wallet = np.where(is_isolated, margin, [export.wallet.get(trader, 0.0) for trader in traders])
    owners = [export.owner[row] or export.account[row] for row in trader_row.tolist()]
    owner, owner_names = pd.factorize(np.array(owners, dtype=np.object_))
    kinds = [export.kind[row] or TRADER for row in trader_row.tolist()]
    order = np.argsort(numbers, kind="stable")
    counts = np.bincount(numbers, minlength=len(traders))
    moneyless = sum(
        trader not in export.wallet for trader, alone in zip(traders, is_isolated.tolist(), strict=True) if not alone
    )
    positions = Positions(
        market_names=names,
        account_names=(*known.tolist(), *beside),
        owner_names=tuple(owner_names.tolist()),
        owner=owner.astype(np.int64),
        pool=np.zeros(len(traders), dtype=np.int64),
        kind=np.array(kinds, dtype=np.str_),
        isolated=is_isolated,
        wallet=np.asarray(wallet, dtype=np.float64),
        first=np.append(0, np.cumsum(counts)).astype(np.int64),
        market=market[order],
        quantity=np.array(export.quantity)[order],
        entry=np.array(export.entry)[order],
    )
    return positions, moneyless


def balanced(imported: Imported, leverage: float) -> Imported:
    """The book with one more account, a market maker, that holds what longs and shorts differ by.

    It enters at the marks with gross notional over ``leverage`` as its money.

    Raises:
        UsageError: an account of the export has its name.
    """
    book = imported.positions
    prices = np.array([imported.prices[name] for name in book.market_names])
    net = sum_by(book.market, book.quantity, len(prices))
    gross = sum_by(book.market, np.abs(book.quantity), len(prices))
    open_markets = np.flatnonzero(np.abs(net) > NETTING * gross)
    if not len(open_markets):
        return imported
    if BALANCING in book.account_names:
        raise UsageError(f"the export has an account {BALANCING!r} already")
    money = float(np.abs(net[open_markets]) @ prices[open_markets]) / leverage
    positions = replace(
        book,
        account_names=(*book.account_names, BALANCING),
        owner_names=(*book.owner_names, BALANCING),
        owner=np.append(book.owner, len(book.owner_names)),
        pool=np.append(book.pool, 0),
        kind=np.append(book.kind, MARKET_MAKER),
        isolated=np.append(book.isolated, False),
        wallet=np.append(book.wallet, money),
        first=np.append(book.first, book.first[-1] + len(open_markets)),
        market=np.append(book.market, open_markets),
        quantity=np.append(book.quantity, -net[open_markets]),
        entry=np.append(book.entry, prices[open_markets]),
    )
    markets = count(len(open_markets), "market")
    held = f"account {BALANCING!r} holds the other side of {markets}, with {money:,.0f} of its own"
    return replace(imported, positions=positions, notes=(*imported.notes, held))
