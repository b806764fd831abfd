"""The margin accounts of all pools and what they hold, as arrays in account order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stress.book.margin import Terms, Tiers, maintenance, sum_by
from stress.kernels.structs import Floats, Ints

TRADER, MARKET_MAKER, HEDGE = KINDS = ("trader", "market_maker", "hedge")
"""Who holds an account: a trader, a market maker, or a trader offsetting another account of the same owner."""

DUST = 1e-9
"""Breach is equity under maintenance by more than ``DUST * (gross notional + 1)``: far above rounding."""


LARGEST = 1e18
"""Largest amount of money in a row, quote currency: a thousand times all derivatives on earth, so an error of units."""

SMALLEST = 1e-9
"""Least notional of a position, quote currency: less is an error of units, not a position."""


class Deposits(NamedTuple):
    """Collateral that accounts have posted besides their wallets."""

    holder: Ints
    """[k] account."""
    market: Ints
    """[k] asset, by the number of its market."""
    units: Floats
    """[k] how much of it, above zero."""

    def value(self, prices: Floats, accounts: int) -> Floats:
        """Value [i] of what each account has posted, at prices [m]."""
        return sum_by(self.holder, self.units * prices[self.market], accounts)


NO_DEPOSITS = Deposits(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))


@dataclass(frozen=True, eq=False)
class Positions:
    """Margin accounts and their open positions.

    A trader's cross positions are one margin account under the trader's name;
    each isolated position is a margin account of its own, ``<account>:<market>``.
    """

    market_names: tuple[str, ...]
    """[m] names of the markets, in the scenario's order."""
    account_names: tuple[str, ...]
    """[i] names of the margin accounts, unique within a pool."""
    owner_names: tuple[str, ...]
    """Names of the owners that ``owner`` points to."""
    owner: Ints
    """[i] owner of the account."""
    pool: Ints
    """[i] pool of the account, in the scenario's order."""
    kind: NDArray[np.str_]
    """[i] one of :data:`KINDS`."""
    isolated: NDArray[np.bool_]
    """[i] whether the account is one isolated position."""
    wallet: Floats
    """[i] money of the account before the profit of its open positions, quote currency."""
    first: Ints
    """[i + 1] positions of account i are ``first[i]:first[i + 1]``."""
    market: Ints
    """[j] market of the position."""
    quantity: Floats
    """[j] signed quantity, base units."""
    entry: Floats
    """[j] entry price."""
    deposits: Deposits = NO_DEPOSITS
    """Collateral of the accounts."""

    @property
    def accounts(self) -> int:
        """Number of margin accounts."""
        return len(self.account_names)

    @property
    def holder(self) -> Ints:
        """[j] account of each position."""
        return np.repeat(np.arange(self.accounts), np.diff(self.first))

    @property
    def cash(self) -> Floats:
        """[i] ledger cash: wallet minus the cost of the open positions."""
        return self.wallet - self.per_account(self.quantity * self.entry)

    def per_account(self, values: Floats) -> Floats:
        """Sum values [j] of positions over each account, in storage order: [i]."""
        return sum_by(self.holder, values, self.accounts)

    def notional(self, prices: Floats) -> Floats:
        """Absolute notional [j] of each position at prices [m]."""
        return np.abs(self.quantity) * prices[self.market]

    def equity(self, prices: Floats) -> Floats:
        """Equity [i] at prices [m]: wallet, unrealised profit and collateral."""
        profit = self.per_account(self.quantity * (prices[self.market] - self.entry))
        return self.wallet + profit + self.deposits.value(prices, self.accounts)

    def margin_equity(self, terms: Terms) -> Floats:
        """Equity [i] at the first prices less the haircuts of collateral: what counts towards margin."""
        cut = self.deposits.value(terms.haircut * terms.prices, self.accounts)
        return self.equity(terms.prices) - cut

    def maintenance(self, prices: Floats, tiers: Tiers) -> Floats:
        """Maintenance margin [i] at prices [m]."""
        return self.per_account(maintenance(self.notional(prices), self.market, tiers))

    def cannot_open(self, terms: Terms, rates: Floats) -> NDArray[np.bool_]:
        """Whether each account [i] has less than the initial margin of its positions, at rates [m]."""
        notional = self.notional(terms.prices)
        dust = DUST * (self.per_account(notional) + 1.0)
        return np.asarray(self.margin_equity(terms) < self.per_account(rates[self.market] * notional) - dust)

    def breaches(self, terms: Terms) -> NDArray[np.bool_]:
        """Whether each account [i] is under its maintenance margin at the first prices."""
        dust = DUST * (self.per_account(self.notional(terms.prices)) + 1.0)
        return np.asarray(self.margin_equity(terms) < self.maintenance(terms.prices, terms.tiers) - dust)


def join(books: Sequence[Positions]) -> Positions:
    """Put books over the same markets behind one another; owners of the same name become one."""
    owner_of = {name: number for number, name in enumerate(dict.fromkeys(n for b in books for n in b.owner_names))}
    owners = [np.array([owner_of[n] for n in b.owner_names], dtype=np.int64)[b.owner] for b in books]
    held = np.concatenate([np.diff(b.first) for b in books])
    return Positions(
        market_names=books[0].market_names,
        account_names=tuple(name for b in books for name in b.account_names),
        owner_names=tuple(owner_of),
        owner=np.concatenate(owners),
        pool=np.concatenate([b.pool for b in books]),
        kind=np.concatenate([b.kind for b in books]),
        isolated=np.concatenate([b.isolated for b in books]),
        wallet=np.concatenate([b.wallet for b in books]),
        first=np.concatenate([[0], np.cumsum(held)]).astype(np.int64),
        market=np.concatenate([b.market for b in books]),
        quantity=np.concatenate([b.quantity for b in books]),
        entry=np.concatenate([b.entry for b in books]),
        deposits=_join_deposits(books),
    )


def _join_deposits(books: Sequence[Positions]) -> Deposits:
    before = np.cumsum([0, *(b.accounts for b in books)])
    return Deposits(
        np.concatenate([b.deposits.holder + start for b, start in zip(books, before[:-1], strict=True)]),
        np.concatenate([b.deposits.market for b in books]),
        np.concatenate([b.deposits.units for b in books]),
    )
