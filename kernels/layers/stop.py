"""Stop rule: a layer takes nothing while its equity is too far under its highest in a window (OKX, Bybit)."""

from __future__ import annotations

import math

import numpy as np

from ..jit import part
from ..records import Records
from ..state import LayerState

IN_TURN, LAST = np.bool_(False), np.bool_(True)
"""When a layer acts: in its place, or once more at the end of a round, for debts alone that its rule does not stop.

A literal True would have everything that it is passed to compiled twice.
"""


@part
def clear_highs(state: LayerState) -> None:
    """No check observed yet."""
    for k in range(state.highs.shape[0]):
        state.each[k].slot = 0
        state.each[k].seen_at = 0.0
        for column in range(state.highs.shape[1]):
            state.highs[k, column] = -math.inf


@part
def note_high(layers: Records, state: LayerState, k: int, value: float, seconds: float) -> None:
    """Keep the highest equity of every check in the window of layer k; every check is observed at least once."""
    if layers[k].stop_checks < 0:
        return
    if seconds > state.each[k].seen_at:
        state.each[k].seen_at = seconds
        state.each[k].slot = (state.each[k].slot + 1) % (layers[k].stop_checks + 1)
        state.highs[k, state.each[k].slot] = value
    else:
        state.highs[k, state.each[k].slot] = max(state.highs[k, state.each[k].slot], value)


@part
def stop_level(layers: Records, state: LayerState, k: int, value: float) -> float:
    """Equity at which the stop rule of layer k acts, its equity being ``value``; minus infinity where it has none."""
    if layers[k].stop_checks < 0:
        return -math.inf
    high = value
    for column in range(layers[k].stop_checks + 1):
        high = max(high, state.highs[k, column])
    return high - layers[k].stop_amount - layers[k].stop_share * max(0.0, high)


@part
def is_stopped(layers: Records, state: LayerState, k: int, value: float, tolerance: float) -> bool:
    """Whether the equity ``value`` of layer k is further under its highest than its stop rule bears.

    An exact rule has stopped it at the level too, where nothing is left to give.
    """
    if layers[k].stop_exact == 1:
        return value <= stop_level(layers, state, k, value) + tolerance
    return value < stop_level(layers, state, k, value) - tolerance
