"""One round's offers go down the layers."""

from __future__ import annotations

from ..jit import stage
from ..state import State
from ..structs import Venue
from . import ADL, SOCIALISE
from .adl import deleverage
from .residual import write_off
from .socialise import socialise
from .takeover import take_over


@stage
def run_layers(venue: Venue, state: State, breaches: int, seconds: float, unlimited: int) -> bool:
    """Let every layer act in its place, then write off what is left of flat accounts; whether anything changed."""
    changed = False
    for k in range(venue.layers.size):
        kind = venue.layers[k].kind
        if kind == ADL:
            acted = deleverage(venue, state, k, breaches, seconds, unlimited)
        elif kind == SOCIALISE:
            acted = socialise(venue, state, k, breaches, unlimited)
        else:
            acted = take_over(venue, state, k, breaches, seconds, unlimited)
        changed = changed or acted
    return write_off(venue, state, breaches) or changed
