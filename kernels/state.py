"""What a cascade changes while it follows one path, and how it is set back for the next."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .records import Records, record, records
from .results import LAYER_COLUMNS, MARKET_COLUMNS, OWNER_COLUMNS, POOL_COLUMNS, ROLES, TOP_OWNERS
from .structs import Floats, Ints, Venue
from .watch import Watch, watch_for

BREACHED, LIQUIDATED, TAKEN_OVER, ADL_CLOSED, DELEVERAGED, TOPPED_UP, REDUCED = 1, 2, 4, 8, 16, 32, 64
"""Bits of ``Accounts.events``: what has happened to an account on this path."""

NEVER = -1
"""A step that has not come."""

ACCOUNT = record(
    ("cash", float, "Ledger cash, with the funding index at which it was written taken out."),
    ("start_equity", float, "Equity at index 0, the base of the session profit."),
    ("since", int, "Step at which the running breach was first seen, or NEVER."),
    ("sliced", int, "Step of the last partial order, or NEVER."),
    ("events", int, "Bits of what happened."),
    ("unfilled", int, "1 when the limit left the account's order unfilled this round."),
    ("fee_base", float, "Value the account traded in this round's auctions."),
    ("short_fill", float, "What this round's fills fell short of bankruptcy prices, where a fund guarantees them."),
    ("accepted", float, "Share of the account that the layer at work has room for."),
    ("closing", int, "1 while ADL is closing the account."),
    ("closing_equity", float, "Its equity when ADL began."),
    ("closing_maintenance", float, "Its maintenance when ADL began."),
    ("closing_gross", float, "Its gross notional when ADL began."),
)

CALL = record(
    ("stamp", int, "Path stamp of the first look; before it the rest says nothing."),
    ("answers", int, "Bits of what the owner does when called; 0 is nothing, or nothing any more."),
    ("since", int, "Step from which the running margin call counts, or NEVER."),
    ("added", int, "Step at which the owner last added cash, or NEVER."),
    ("reduced", int, "Step at which the owner last sent orders, or NEVER."),
    ("reserve", float, "Cash that the owner can still add."),
)

POSITION = record(
    ("quantity", float, "Signed quantity."),
    ("limit", float, "Limit price of the last order for the position."),
    ("limit_step", int, "Step in which that limit was set, or NEVER."),
    ("adl_gain", float, "Profit against the entry price realised on what ADL has closed of it."),
)

MARKET = record(
    ("shift", float, "Log of the permanent impact so far."),
    ("displacement", float, "Transient log displacement x of the book."),
    ("fundamental", float, "F, permanent impact included."),
    ("depth", float, "Depth (`amm`: reserve at the fundamental price) of now in base units."),
    ("mark", float, "K of this round."),
    ("anchor", float, "K of the step's first round: what slippage limits are measured from."),
    ("previous", float, "K of the last step's observation."),
    ("funding", float, "Cumulative funding per unit."),
    ("worth", float, "K minus the cumulative funding: what one unit is worth to its account."),
    ("factor", float, "Dynamic margin factor kappa."),
    ("seen", float, "Oracle price of the last check, for the volatility estimate."),
    ("seen_variance", float, "Estimate of the variance, per year, for dynamic margin."),
    ("decided", float, "Margin factor last decided."),
    ("published", float, "Price shown by the oracle, spoofs included."),
    ("taken", float, "Price last taken by the oracle."),
    ("taken_at", int, "Step at which it was."),
    ("basis", float, "Average of the book's price less the published one."),
    ("long_start", float, "Base units that accounts hold long at index 0."),
    ("long", float, "The same when last summed up."),
)

BALANCE = record(
    ("cash", float, "Ledger cash of the layer."),
    ("start", float, "Its equity at index 0."),
    ("slot", int, "Column of `highs` of the running check."),
    ("seen_at", float, "Seconds of the last observation."),
    ("demand", float, "Deficits that the pool offers to the layer this round."),
    ("granted", float, "What the layer grants of them."),
    ("part_cash", float, "Shared fund: what the listing pool has brought in or cost, without its inventory."),
    ("tokens", float, "Treasury: tokens that it may still sell."),
    ("owing_since", int, "Treasury: step at which it came into debt, or NEVER."),
    ("closing", int, "1 while ADL is closing the layer."),
    ("closing_equity", float, "Its equity when ADL began."),
    ("closing_maintenance", float, "Its maintenance when ADL began."),
    ("closing_gross", float, "Its gross notional when ADL began."),
)

STOCK = record(
    ("hedge", float, "Signed units of the layer's hedge on another venue, or of a liquidity pool's backing."),
    ("part", float, "Shared fund: signed units of its inventory that are the listing pool's."),
    ("long_units", float, "Liquidity pool: base units that its accounts hold long at index 0."),
    ("long_cost", float, "Their value at entry."),
    ("short_units", float, "Base units that they hold short."),
    ("short_cost", float, "Their value at entry."),
    ("gap_since", int, "Step at which the hedge was first seen to be short of what it should be, or NEVER."),
)

COUNTERPART = record(
    ("outside_cash", float, "Cash of the outside traders who traded with the pool."),
    ("liquidators", float, "Fees paid out."),
    ("capacity", float, "Notional that liquidators can still carry in this step."),
    ("transferred", float, "Cash that shared funds hold for the pool; with the other sign in the funds' own rows."),
    ("involved", int, "Owners of the pool that have caused or paid anything on this path."),
)

OWNER = record(
    ("layers", float, "Bad debt of its accounts borne by layers with money of their own."),
    ("adl", float, "Bad debt of its accounts borne in ADL."),
    ("socialised", float, "Bad debt of its accounts spread over other accounts."),
    ("written_off", float, "Bad debt of its accounts borne by nobody."),
    ("haircut", float, "ADL haircuts of its accounts; below zero where ADL closed them above the mark."),
    ("charged", float, "Socialised loss charged to its accounts."),
    ("deleveraged", float, "Value at the mark of what ADL closed of its winning positions."),
    ("involved", int, "1 when any of this has happened on this path."),
    ("listed", int, "In the n-th row of a pool: its n-th involved owner."),
)

ORDER = record(
    ("account", int, "Account of the order."),
    ("position", int, "Position it reduces."),
    ("quantity", float, "Signed quantity wanted."),
    ("limit", float, "Worst price accepted; infinite for none."),
    ("filled", float, "Signed quantity filled."),
    ("bankrupt", float, "Bankruptcy price, where a fund guarantees fills."),
    ("following", int, "Next order of the same market, or -1."),
    ("voluntary", int, "1 when the owner sends it, not the venue."),
)


class Accounts(NamedTuple):
    """Margin accounts on this path."""

    each: Records
    """[i] ACCOUNT."""
    positions: Records
    """[j] POSITION."""
    breach: Ints
    """[i] accounts in breach this round; how many of them is passed along."""
    calls: Records
    """[i] CALL; none where no pool's traders answer margin calls."""
    reducing: Ints
    """[i] accounts whose owners send orders this round, if there are calls; how many of them is passed along."""


class LayerState(NamedTuple):
    """Balances of the layers on this path."""

    each: Records
    """[l] BALANCE."""
    quantity: Floats
    """[l, m] inventory."""
    stock: Records
    """[l * m] STOCK: what a layer has besides in market m is at ``l * markets + m``."""
    highs: Floats
    """[l, n] highest equity of each of the last checks, for stop rules."""
    out: Floats
    """[l, LAYER_COLUMNS] results."""


class Ledger(NamedTuple):
    """The other ends of every trade, so that nothing is created or lost."""

    each: Records
    """[a] COUNTERPART: of every pool, then of every shared fund."""
    outside_quantity: Floats
    """[a, m] position of the outside traders."""
    outside_start: Floats
    """[a, m] the same at index 0: minus the pool's net position."""
    transferred_quantity: Floats
    """[a, m] units that shared funds hold for the pool; with the other sign in the funds' own rows."""
    out: Floats
    """[p, POOL_COLUMNS] results."""


class Owners(NamedTuple):
    """Who caused losses and who paid for those of others."""

    each: Records
    """[o] OWNER."""
    out: Floats
    """[(p, role, place), 1 + OWNER_COLUMNS] number of the owner, -1 for none, and its results."""


class Orders(NamedTuple):
    """Forced orders of one round; a market chains its own through ``head`` and ``following``."""

    each: Records
    """[j] ORDER."""
    head: Ints
    """[m] first order of the market, or -1."""
    sorted: Ints
    """[j] scratch: orders by limit price."""
    limit: Floats
    """[j] scratch: limit prices, to sort by."""
    buys: Floats
    """[j + 1] scratch: buy quantity at or above each limit."""
    sells: Floats
    """[j + 1] scratch: sell quantity below each limit."""


class Scratch(NamedTuple):
    """Lists for allotments; only valid inside one call."""

    who: Ints
    """[i] accounts."""
    where: Ints
    """[i] positions."""
    key: Floats
    """[i] rank or weight."""
    cap: Floats
    """[i] most that can be allotted."""
    share: Floats
    """[i] allotted."""
    weight: Floats
    """[i] weight, where ``key`` is taken."""


class Memory(NamedTuple):
    """What a path remembers of earlier checks; rings are indexed by step modulo their length."""

    shift: Floats
    """[lag + 1, m] permanent impact, for the slowest oracle."""
    decided: Floats
    """[notice + 1, m] margin factor decided, for the longest notice."""
    factors: Floats
    """[s, m] margin factor in force; (0, m) when none can change."""


class State(NamedTuple):
    """Everything a path changes."""

    accounts: Accounts
    market: Records
    """[m] MARKET."""
    layers: LayerState
    ledger: Ledger
    owners: Owners
    orders: Orders
    watch: Watch
    scratch: Scratch
    market_out: Floats
    """[m, MARKET_COLUMNS] results."""
    path: Ints
    """[1] number of the path, for rules that draw."""


def memory_for(venue: Venue) -> Memory:
    """Room for what a path remembers."""
    each, scale = venue.markets.each, venue.markets.margin_scale
    m = each.size
    moves = bool((each["volatility_power"] > 0.0).any()) or len(scale) > 0
    return Memory(
        np.zeros((int(each["oracle_lag"].max(initial=0)) + 1, m)),
        np.ones((int(each["factor_notice"].max(initial=0)) + 1, m)),
        np.zeros((venue.clock.checks + 1 if moves else 0, m)),
    )


def allocate(venue: Venue) -> State:
    """Room for one path of the venue; reused for every path of a thread."""
    n, nj = venue.book.accounts.size, venue.book.positions.size
    m, p, layers = venue.markets.each.size, venue.pools.size, venue.layers.size
    longest = max(n, nj, layers)
    rows = max(p, int(venue.layers["account"].max(initial=0)) + 1)
    called = n if bool((venue.pools["call_level"] > 0.0).any()) else 0
    return State(
        Accounts(
            records(ACCOUNT, n),
            records(POSITION, nj),
            np.zeros(n, np.int64),
            records(CALL, called),
            np.zeros(called, np.int64),
        ),
        records(MARKET, m),
        LayerState(
            records(BALANCE, layers),
            np.zeros((layers, m)),
            records(STOCK, layers * m),
            np.zeros((layers, int(venue.layers["stop_checks"].max(initial=-1)) + 1)),
            np.zeros((layers, len(LAYER_COLUMNS))),
        ),
        Ledger(
            records(COUNTERPART, rows),
            np.zeros((rows, m)),
            np.zeros((rows, m)),
            np.zeros((rows, m)),
            np.zeros((p, len(POOL_COLUMNS))),
        ),
        Owners(
            records(OWNER, int(venue.pools["owner_last"].max(initial=0))),
            np.zeros((p * len(ROLES) * TOP_OWNERS, 1 + len(OWNER_COLUMNS))),
        ),
        Orders(
            records(ORDER, nj),
            np.zeros(m, np.int64),
            np.zeros(nj, np.int64),
            np.zeros(nj),
            np.zeros(nj + 1),
            np.zeros(nj + 1),
        ),
        watch_for(n, nj, m),
        Scratch(
            np.zeros(longest, np.int64),
            np.zeros(longest, np.int64),
            np.zeros(longest),
            np.zeros(longest),
            np.zeros(longest),
            np.zeros(longest),
        ),
        np.zeros((m, len(MARKET_COLUMNS))),
        np.zeros(1, np.int64),
    )
