"""A case followed step by step, and the margin account of the naive reader: sums in NumPy, no kernel."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stress.kernels.cascade import NOBODY
from stress.kernels.instruments import SPOT
from stress.kernels.results import LAYER_COLUMNS, MARKET_COLUMNS, POOL_COLUMNS
from stress.kernels.state import State
from stress.kernels.structs import Floats, Venue
from tests.conformance.case import Json, paths_of, venue_of
from tests.conformance.play import end_state
from tests.venues import posted_value

DUST = 1e-9
"""Of gross notional: what the model lets rounding lose."""


def pool_column(state: State, name: str) -> Floats:
    """[p] one result of every pool."""
    return np.array(state.ledger.out[:, POOL_COLUMNS.index(name)])


def layer_column(state: State, name: str) -> Floats:
    """[l] one result of every layer."""
    return np.array(state.layers.out[:, LAYER_COLUMNS.index(name)])


def market_column(state: State, name: str) -> Floats:
    """[m] one result of every market."""
    return np.array(state.market_out[:, MARKET_COLUMNS.index(name)])


def per_pool(venue: Venue, values: Floats) -> Floats:
    """[p] sums of [l] values of layers."""
    total = np.zeros(venue.pools.size)
    np.add.at(total, venue.layers["pool"], values)
    return total


class Followed(NamedTuple):
    """A venue and what its state was at index 0 and after every check."""

    venue: Venue
    states: list[State]


def follow_until(venue: Venue, log_price: Floats, variance: Floats, step: int, unlimited: int = NOBODY) -> State:
    """State after ``step``: that of a path which ends there."""
    return end_state(venue._replace(clock=venue.clock._replace(checks=step)), log_price, variance, unlimited)


def follow(case: Json, unlimited: int = NOBODY) -> Followed:
    """All states of a case."""
    venue = venue_of(case)
    log_price, variance = paths_of(case)
    steps = range(venue.clock.checks + 1)
    return Followed(venue, [follow_until(venue, log_price, variance, step, unlimited) for step in steps])


def end_of(case: Json, unlimited: int = NOBODY) -> tuple[Venue, State]:
    """Venue and last state of a case."""
    venue = venue_of(case)
    log_price, variance = paths_of(case)
    return venue, follow_until(venue, log_price, variance, venue.clock.checks, unlimited)


def per_account(venue: Venue, values: Floats) -> Floats:
    """[i] sums of [j] values of positions."""
    return np.bincount(venue.book.positions["holder"], weights=values, minlength=venue.book.accounts.size)


def quantities(state: State) -> Floats:
    """[j] signed quantities."""
    return np.array(state.accounts.positions["quantity"])


def hedges(state: State) -> Floats:
    """[l, m] units that layers have on another venue."""
    return np.array(state.layers.stock["hedge"]).reshape(state.layers.quantity.shape)


def equities(venue: Venue, state: State, marks: Floats | None = None) -> Floats:
    """[i] equity at ``marks`` [m], by default those of the state."""
    price = np.array(state.market["mark"]) if marks is None else marks
    return state.accounts.each["cash"] + per_account(venue, quantities(state) * price[venue.book.positions["market"]])


def notionals(venue: Venue, state: State, marks: Floats | None = None) -> Floats:
    """[j] notional of contracts at ``marks`` [m], by default those of the state; none of collateral."""
    price = np.array(state.market["mark"]) if marks is None else marks
    contracts = ~posted(venue)
    return contracts * np.abs(quantities(state)) * price[venue.book.positions["market"]]


def posted(venue: Venue) -> NDArray[np.bool_]:
    """[j] whether a position is collateral."""
    return np.array(venue.markets.each["kind"][venue.book.positions["market"]] == SPOT)


def haircuts(venue: Venue, state: State) -> Floats:
    """[i] what of the collateral does not count towards margin."""
    market = venue.book.positions["market"]
    price, cut = np.array(state.market["mark"]), np.array(venue.markets.each["haircut"])
    return per_account(venue, posted(venue) * cut[market] * quantities(state) * price[market])


def grosses(venue: Venue, state: State, marks: Floats | None = None) -> Floats:
    """[i] gross notional."""
    return per_account(venue, notionals(venue, state, marks))


def bracketed(tiers: Any, notional: float) -> float:
    """Maintenance bracket by bracket, as an income tax: each rate on the part of the notional in its tier."""
    total = 0.0
    for n, tier in enumerate(tiers):
        upper = tiers[n + 1].lower if n + 1 < len(tiers) else np.inf
        total += tier.rate * max(0.0, min(notional, upper) - tier.lower)
    return total


def maintenances(venue: Venue, state: State, marks: Floats | None = None) -> Floats:
    """[i] maintenance margin."""
    required = np.zeros(venue.book.positions.size)
    for j, notional in enumerate(notionals(venue, state, marks)):
        market = venue.markets.each[venue.book.positions[j].market]
        required[j] = bracketed(venue.markets.tiers[market.tier_first : market.tier_last], float(notional))
    return per_account(venue, required)


def in_breach(venue: Venue, state: State) -> NDArray[np.bool_]:
    """[i] whether each account is under maintenance by more than dust, by a full scan."""
    gross = grosses(venue, state)
    counted = equities(venue, state) - haircuts(venue, state)
    return np.array(counted - maintenances(venue, state) < -DUST * (gross + 1.0))


def scale_of(case: Json) -> float:
    """Money that rounding is relative to: everything held, at the highest prices, and all capital."""
    highest = {market["name"]: max(market["price"]) for market in case["markets"]}
    held = sum(abs(q) * highest[name] for account in case["accounts"] for name, (q, _) in account["positions"].items())
    wallets = sum(abs(account["cash"]) for account in case["accounts"])
    capital = sum(layer.get("cash", 0.0) for pool in case["pools"] for layer in pool["layers"])
    return float(held + wallets + capital + posted_value(case))
