"""``makers``: depth that falls with the equity of those who quote it."""

from __future__ import annotations

from ..jit import part
from ..margin import equity
from ..results import MARKET_COLUMNS
from ..state import State
from ..structs import Venue

LEAST = MARKET_COLUMNS.index("maker_depth_low")


@part
def depth_factor(venue: Venue, state: State, m: int) -> float:
    """Factor on the depth of market m: ``(equity now / equity at the start)^elasticity``, from ``floor`` to 1.

    The equity is that of the last observation, so that the depth stands for the
    whole check. Debts do not count: one maker's failure takes nothing from the others.
    """
    rules = venue.markets.each[m]
    if rules.maker_elasticity == 0.0:
        return 1.0
    now, start = 0.0, 0.0
    for at in range(rules.maker_first, rules.maker_last):
        i = venue.markets.makers[at]
        now += max(0.0, equity(venue.book, state.accounts, state.market, i))
        start += max(0.0, state.accounts.each[i].start_equity)
    factor = min(1.0, max(rules.maker_floor, (now / start) ** rules.maker_elasticity))
    state.market_out[m, LEAST] = min(state.market_out[m, LEAST], factor)
    return factor
