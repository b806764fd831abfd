"""Funding payments: an index per unit, so that a payment touches no account (MODEL 8)."""

from __future__ import annotations

from .jit import part
from .records import Records
from .structs import Markets


@part
def pay_funding(markets: Markets, now: Records, step: int) -> None:
    """Longs pay shorts ``rate * mark`` per unit at this step.

    Layers and outside traders pay and receive as accounts do: all of them value
    a unit at the mark less the index.
    """
    if markets.funding_rate.shape[0] == 0:
        return
    for m in range(now.size):
        rate = markets.funding_rate[step, m]
        if rate != 0.0:
            now[m].funding += rate * now[m].mark
