"""One round's offers go down the layers."""

from __future__ import annotations

from ..jit import part
from ..state import State
from ..structs import Venue
from . import ADL, LIQUIDITY_POOL, SOCIALISE
from .adl import deleverage
from .fills import pay_fills
from .liquidity_pool import cap_profits
from .residual import write_off
from .socialise import socialise
from .stop import IN_TURN, LAST
from .takeover import take_over


@part
def run_layers(venue: Venue, state: State, breaches: int, seconds: float, unlimited: int) -> bool:
    """Let every layer act in its place, then write off what is left of flat accounts; whether anything changed.

    Funds whose stop rule spares debts act once more at the end: what ADL closes at the mark owes only then.
    """
    changed = False
    for k in range(venue.layers.size):
        kind = venue.layers[k].kind
        if kind == ADL:
            acted = deleverage(venue, state, k, breaches, seconds, unlimited)
        elif kind == SOCIALISE:
            acted = socialise(venue, state, k, breaches, unlimited)
        else:
            if venue.layers[k].guarantees == 1:
                changed = pay_fills(venue, state, k, breaches, seconds, unlimited) or changed
            elif kind == LIQUIDITY_POOL:
                changed = cap_profits(venue, state, k, seconds) or changed
            acted = take_over(venue, state, k, breaches, seconds, unlimited, IN_TURN)
        changed = changed or acted
    for k in range(venue.layers.size):
        if venue.layers[k].stop_debts == 1:
            changed = take_over(venue, state, k, breaches, seconds, unlimited, LAST) or changed
    return write_off(venue, state, breaches) or changed
