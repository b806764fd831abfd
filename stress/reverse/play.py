"""The found scenario files, read back and played as a run would: at their strength, weaker and stronger."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stress.build import Plan, build
from stress.kernels.cascade import room_for
from stress.kernels.results import LAYER_COLUMNS, POOL_COLUMNS, TRACE_MARKET_COLUMNS, TRACE_POOL_COLUMNS
from stress.kernels.structs import Floats
from stress.records import trace
from stress.report.charts.timeline import MarketTrace, PoolTrace, Timeline
from stress.report.charts.who_pays import Bar, Waterfall
from stress.reverse.target import Outcome, Target
from stress.reverse.trial import follow, price_path
from stress.scenario import load_scenario

WHOLE, WEAKER = 1.0, 0.99
"""Strengths at which a found file is put to the test: it breaks the venue, and one percent less of it does not."""
STRONGER = (1.1, 1.25, 1.5)
"""Strengths at which it is shown what comes after."""
MARKS = {"first_liquidation_s": "first liquidation", "used_up_s": "fund used up", "first_adl_s": "first ADL"}
"""Times of a path, and what they are called in a chart."""


@dataclass(frozen=True, eq=False)
class Played:
    """One path of a found file at some strength."""

    strength: float
    plan: Plan
    outcome: Outcome
    met: bool
    """Whether the target was met."""

    def total(self, column: str) -> float:
        """Sum of a column of the paths table over the pools; nulls count as nothing."""
        return float(np.nansum(self.outcome.pools[:, POOL_COLUMNS.index(column)]))

    def first(self, name: str) -> float | None:
        """Earliest of one of the :data:`MARKS` over the pools; None where it never comes."""
        if name == "used_up_s":
            times = self.outcome.layers[:, [LAYER_COLUMNS.index(each) for each in ("first_decline_s", "first_under_s")]]
        else:
            times = self.outcome.pools[:, POOL_COLUMNS.index(name)]
        return None if np.isnan(times).all() else float(np.nanmin(times))

    def to_dict(self) -> dict[str, float | bool | None]:
        """Figures of the path."""
        sums = ("bad_debt", "adl_notional", "socialised", "residual", "residual_open", "liquidated_notional")
        return (
            {"strength": self.strength, "met": self.met}
            | {name: self.total(name) for name in sums}
            | {name: self.first(name) for name in MARKS}
        )


def play(file: Path, strength: float, target: Target) -> Played:
    """Read a scenario file, put a strength over it and follow its only path, with the kernels of a run."""
    plan = build(load_scenario(file, [f"strength={strength!r}"]))
    log_price, variance = price_path(plan.models, plan)
    outcome = follow(plan.venue, room_for(plan.venue), log_price, variance, target.funds)
    return Played(strength, plan, outcome, target.met(outcome))


def timeline_of(played: Played) -> Timeline:
    """The path check by check."""
    pools, markets = trace(played.plan, 0)
    at = {name: TRACE_MARKET_COLUMNS.index(name) for name in ("price", "fundamental", "open_interest")}
    of_pool = {name: TRACE_POOL_COLUMNS.index(name) for name in ("fund_equity", "bad_debt", "adl_notional")}
    traces = {}
    for m, name in enumerate(played.plan.market_names):
        columns = [markets[:, m, at[key]] for key in ("price", "fundamental", "open_interest")]
        traces[name] = MarketTrace(columns[0], columns[1], columns[2], float(columns[0][0]))
    ledgers = {}
    for p, name in enumerate(played.plan.pool_names):
        fund, debt, adl = (pools[:, p, of_pool[key]] for key in ("fund_equity", "bad_debt", "adl_notional"))
        ledgers[name] = PoolTrace(None if np.isnan(fund).any() else fund, debt, adl)
    times = ((played.first(name), words) for name, words in MARKS.items())
    marks = sorted(((time, words) for time, words in times if time is not None), key=lambda mark: mark[0])
    seconds: Floats = np.arange(len(markets), dtype=np.float64) * played.plan.venue.clock.dt
    return Timeline(seconds, traces, ledgers, tuple(marks))


def payers_of(played: list[Played]) -> Waterfall:
    """Who bears the bad debt at each strength, layers of one name together, and what nobody pays."""
    layers = [(name, kind) for _, name, kind in played[0].plan.layer_names]
    payers = list(dict.fromkeys(layers))
    paid = LAYER_COLUMNS.index("paid")
    bars = []
    for each in played:
        parts = dict.fromkeys(payers, 0.0)
        for layer, amount in zip(layers, each.outcome.layers[:, paid].tolist(), strict=True):
            parts[layer] += max(amount, 0.0)
        bars.append(Bar(f"strength {each.strength:g}", (*parts.values(), max(each.total("residual"), 0.0))))
    return Waterfall((*payers, ("nobody", "residual")), tuple(bars))
