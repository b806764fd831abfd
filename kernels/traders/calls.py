"""Margin calls: whose owner answers, since when the call runs, and when the answer comes.

A call begins when the equity of an account is first seen under ``under`` times
its maintenance, and ends when it is seen at or over that again. Only accounts
whose owner will answer are watched, so that the trigger search passes over all
others as if there were no calls.
"""

from __future__ import annotations

import numpy as np

from ..jit import kernel, part
from ..philox import MARGIN_CALL, philox, split_seed, uniform64
from ..state import NEVER, Accounts, State
from ..structs import Venue
from . import DELEVERAGE, TOP_UP

PLACES = 2.0**48
"""Places on the circle of accounts: each is one word of 48 bits, the hash of a name."""


@kernel
def answers(seed: int, path: int, circle: float, top_up: float, deleverage: float) -> int:
    """Bits of what the owner of the account at ``circle`` does on a path; the two are independent.

    Keyed by the account's name: neither the order of accounts nor what else is simulated matters.
    """
    place = int(circle * PLACES)
    low, high = place % (1 << 32), place // (1 << 32)
    k0, k1 = split_seed(seed)
    w0, w1, w2, w3 = philox(np.uint32(path), np.uint32(low), np.uint32(high), MARGIN_CALL, k0, k1)
    adds = TOP_UP if uniform64(w0, w1) < top_up else 0
    reduces = DELEVERAGE if uniform64(w2, w3) < deleverage else 0
    return adds + reduces


@part
def _begin(venue: Venue, state: State, i: int) -> None:
    """Draw what the owner of account i does on this path; nobody has called yet."""
    call, holder = state.accounts.calls[i], venue.book.accounts[i]
    rules = venue.pools[holder.pool]
    call.stamp = state.watch.counts[0].stamp
    call.since, call.added, call.reduced = NEVER, NEVER, NEVER
    call.reserve = max(0.0, rules.top_up_most * state.accounts.each[i].start_equity)
    likely = rules.top_up_probability if call.reserve > 0.0 else 0.0
    call.answers = answers(venue.seed, state.path[0], holder.circle, likely, rules.deleverage_probability)


@part
def first_level(venue: Venue, i: int) -> float:
    """Equity over maintenance under which account i must be looked at for the first time: that of a call, or 1."""
    return max(1.0, venue.pools[venue.book.accounts[i].pool].call_level)


@part
def watched_level(venue: Venue, state: State, i: int) -> float:
    """The same once account i is looked at: 1 unless its owner answers calls on this path.

    Drawn at the first look, so that a path costs nothing for accounts that are never called.
    """
    level = first_level(venue, i)
    if level > 1.0:
        if state.accounts.calls[i].stamp != state.watch.counts[0].stamp:
            _begin(venue, state, i)
        if state.accounts.calls[i].answers == 0:
            return 1.0
    return level


@part
def note_call(accounts: Accounts, i: int, step: int) -> None:
    """Begin the call of account i unless it runs."""
    if accounts.calls[i].since == NEVER:
        accounts.calls[i].since = step


@part
def end_call(accounts: Accounts, i: int) -> None:
    """Account i is over the level."""
    accounts.calls[i].since = NEVER


@kernel
def is_due(since: int, last: int, delay: int, step: int) -> bool:
    """Whether the answer to a call comes at ``step``: a delay after the call, or after the check that follows the last.

    So an owner acts at most once per check.
    """
    return step - max(since, last + 1) >= delay
