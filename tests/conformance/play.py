"""Play a case and report it in the case's own words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from stress.kernels.cascade import NOBODY, room_for, run_path
from stress.kernels.layers.balance import has_balance
from stress.kernels.margin import equity
from stress.kernels.marks import book_price
from stress.kernels.results import LAYER_COLUMNS, MARKET_COLUMNS, POOL_COLUMNS
from stress.kernels.state import State
from stress.kernels.structs import Floats, Venue
from tests.conformance.case import Json, owners_of, paths_of, venue_of
from tests.conformance.layers import ledger_rows, waterfall

POOL_WORDS = {
    "liquidated": "liquidated_accounts",
    "liquidated_notional": "liquidated_notional",
    "book_fills": "auction_value",
    "vwap_gap": "auction_cost",
    "takeover_notional": "taken_over_notional",
    "bad_debt": "bad_debt",
    "adl_notional": "adl_notional",
    "adl_accounts": "adl_accounts",
    "adl_haircut": "adl_haircut",
    "adl_paid": "adl_paid",
    "socialised": "socialised",
    "socialised_for_layers": "socialised_for_layers",
    "residual": "residual",
    "fees": "fees",
    "fees_fund": "fees_fund",
    "residual_open": "residual_open",
    "topped_up": "topped_up",
    "reduced_notional": "reduced_notional",
}
PAYER_WORDS = (
    "payers paid_by_owners paid_top1_share paid_top10_share paid_top100_share paid_gini paid_gini_all "
    "adl_top1_share adl_top10_share adl_top100_share"
).split()
OWNER_WORDS = "layers adl socialised written_off haircut charged deleveraged".split()
LAYER_WORDS = {"equity": "equity_end", "low": "equity_low", "R": "largest_fall", "paid": "paid", "received": "received"}
LAYER_STEPS = {
    "R_step": "largest_fall_s",
    "first_decline": "first_decline_s",
    "first_under": "first_under_s",
    "depletion_step": "depletion_s",
}


def _pools(case: Json, venue: Venue, state: State) -> Json:
    result: Json = {}
    for p, pool in enumerate(case["pools"]):
        out = state.ledger.out[p]
        words = {word: float(out[POOL_COLUMNS.index(column)]) for word, column in POOL_WORDS.items()}
        words["fees_liquidator"] = words["fees"] - words["fees_fund"]
        words["fees_out"] = float(state.ledger.each[p].liquidators)
        words["liquidated"] = int(words["liquidated"])
        words["adl_accounts"] = int(words["adl_accounts"])
        for word in PAYER_WORDS:
            value = float(out[POOL_COLUMNS.index(word)])
            words[word] = None if math.isnan(value) else value
        words["owners"] = _owners(case, state, p)
        result[pool["name"]] = words
    return result


def _owners(case: Json, state: State, p: int) -> Json:
    """What every owner of a pool caused, by who bore it, and paid."""
    owners = owners_of(case)
    numbers = range(owners.first[p], owners.first[p + 1])
    return {owners.names[o]: {word: float(state.owners.each[o][word]) for word in OWNER_WORDS} for o in numbers}


def _accounts(case: Json, venue: Venue, state: State) -> Json:
    result: Json = {}
    for i, account in enumerate(case["accounts"]):
        markets = len(case["markets"])
        held = [0.0] * venue.markets.each.size
        for j in range(venue.book.accounts[i].first, venue.book.accounts[i].end):
            held[venue.book.positions[j].market] = float(state.accounts.positions[j].quantity)
        cash = float(state.accounts.each[i].cash - np.array(held) @ state.market["funding"])
        value = float(equity(venue.book, state.accounts, state.market, i))
        result[account["name"]] = {"a": cash, "q": held[:markets], "b": held[markets:], "equity": value}
    return result


def _steps(seconds: float, dt: float) -> int | None:
    return None if math.isnan(seconds) else round(seconds / dt)


def _stocks(state: State, k: int) -> Any:
    """[m] STOCK of layer k."""
    return state.layers.stock[k * state.market.size : (k + 1) * state.market.size]


def _layers(case: Json, venue: Venue, state: State) -> Json:
    result: Json = {}
    entries = waterfall(case)
    for k, (_, _, layer) in enumerate(entries):
        if not has_balance(venue.layers, k):
            continue
        listed = [other for other in range(len(entries)) if venue.layers[other].balance == k]
        out = state.layers.out[k]
        words: dict[str, Any] = {w: float(out[LAYER_COLUMNS.index(column)]) for w, column in LAYER_WORDS.items()}
        for word, column in LAYER_STEPS.items():
            words[word] = _steps(float(out[LAYER_COLUMNS.index(column)]), venue.clock.dt)
        words["a"] = float(state.layers.each[k].cash - state.layers.quantity[k] @ state.market["funding"])
        markets = len(case["markets"])
        words["q"] = [float(q) for q in state.layers.quantity[k, :markets]]
        words["raised"], words["tokens_sold"] = (
            float(out[LAYER_COLUMNS.index(word)]) for word in ("raised", "tokens_sold")
        )
        low = float(out[LAYER_COLUMNS.index("token_low")])
        words["token_low"] = None if math.isnan(low) else low
        words["hedge"] = [float(stock.hedge) for stock in _stocks(state, k)][:markets]
        words["hedge_notional"], words["hedge_result"] = (
            float(out[LAYER_COLUMNS.index(word)]) for word in ("hedge_notional", "hedge_result")
        )
        for word in ("paid", "paid_for_layers", "received"):
            words[word] = float(sum(state.layers.out[other, LAYER_COLUMNS.index(word)] for other in listed))
        words["drawn"] = {
            case["pools"][entries[other][1]]["name"]: float(state.layers.out[other, LAYER_COLUMNS.index("paid")])
            for other in listed
        }
        result[layer["name"]] = words
    return result


def _markets(case: Json, state: State) -> Json:
    result: Json = {}
    now, outside = state.market, state.ledger.outside_quantity
    owners = ledger_rows(case)
    for m, market in enumerate(case["markets"]):
        depth = float(now[m].depth)
        result[market["name"]] = {
            "price": float(book_price(now, m)),
            "F": float(now[m].fundamental),
            "mark": float(now[m].mark),
            "x": float(now[m].displacement),
            "low": float(state.market_out[m, MARKET_COLUMNS.index("price_low")]),
            "max_displacement": float(state.market_out[m, MARKET_COLUMNS.index("largest_displacement")]),
            "outside": {name: float(units) for name, units in zip(owners, outside[:, m], strict=True)},
            "kappa": float(now[m].factor),
            "maker_depth_low": float(state.market_out[m, MARKET_COLUMNS.index("maker_depth_low")]),
            "depth": None if math.isinf(depth) else depth,
        }
    return result


def end_state(venue: Venue, log_price: Floats, variance: Floats, unlimited: int = NOBODY) -> State:
    """State in which the venue's path ends; ``unlimited`` is a layer that accepts everything, or NOBODY."""
    room = room_for(venue)
    run_path(venue, room, 0, log_price, variance, unlimited)
    return room.state


def play(case: Json) -> Json:
    """Result of a case: pools, accounts, layers, markets and the most rounds of a step.

    Raises
    ------
    Unsupported
        When the case asks for a rule that the kernels do not have.
    """
    venue = venue_of(case)
    state = end_state(venue, *paths_of(case))
    return {
        "pools": _pools(case, venue, state),
        "accounts": _accounts(case, venue, state),
        "layers": _layers(case, venue, state),
        "markets": _markets(case, state),
        "max_rounds_seen": int(state.ledger.out[:, POOL_COLUMNS.index("rounds")].max()),
    }
