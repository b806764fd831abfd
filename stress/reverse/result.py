"""What a search tells: the two events in figures and words, and the table of every boundary point."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from stress.kernels.models import YEAR
from stress.reverse.event import LAG, NONE, OUTAGE, SPOOF, Event
from stress.reverse.find import Answer
from stress.reverse.setting import Setting
from stress.sizing.words import duration, percent, significant

if TYPE_CHECKING:
    from stress.reverse.play import Played

TITLES = {"smallest": "smallest", "most_likely": "most likely"}
"""What the two events are called."""
NEVER = 30.0
"""Nats from which odds say nothing: once in 10^13 runs."""
STILL = 5e-4
"""Moves under it are not told in words."""


@dataclass(frozen=True, eq=False)
class Told:
    """One of the two events with what became of its scenario file."""

    key: str
    file: str
    event: Event
    setting: Setting
    played: tuple[Played, ...]
    """At full strength, and one percent weaker."""

    @property
    def nats(self) -> float:
        """Minus the log of the probability that a run brings it."""
        return self.setting.nats(self.event)

    @property
    def verified(self) -> bool:
        """Whether the file breaks the venue and one percent less of it does not."""
        return self.played[0].met and not self.played[1].met

    @property
    def moves(self) -> dict[str, float]:
        """Relative price move of each market."""
        names = self.setting.plan.market_names
        return {name: math.expm1(move) for name, move in zip(names, self.event.moves.tolist(), strict=True)}

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values."""
        event, window = self.event, self.event.window
        runs = math.exp(self.nats) if self.nats < NEVER else None
        names = self.setting.plan.market_names
        return {
            "file": self.file,
            "moves": self.moves,
            "at_s": window.at * window.dt,
            "over_s": window.over * window.dt,
            "until_s": window.end * window.dt,
            "depth_left": math.exp(-event.depth),
            "fault": event.fault.kind,
            "fault_market": names[event.fault.market] if event.fault.kind == SPOOF else None,
            "fault_lag_s": event.fault.lag if event.fault.kind == LAG else None,
            "fault_factor": math.exp(event.spoof) if event.fault.kind == SPOOF else None,
            "largest_log_move": event.size,
            "nats": self.nats,
            "probability": math.exp(-self.nats),
            "once_in_runs": runs,
            "once_in_years": None if runs is None else runs * self.setting.plan.loaded.scenario.run.horizon / YEAR,
            "jumps": jumps_of(self.setting, event),
            "verified": self.verified,
            "played": [played.to_dict() for played in self.played],
        }


def jumps_of(setting: Setting, event: Event) -> dict[str, int]:
    """Jumps of each source that make the moves most likely, where it takes any."""
    counts = setting.climate(event.window).window(event.moves)[1]
    return {name: count for name, count in zip(source_names(setting), counts, strict=True) if count}


def source_names(setting: Setting) -> list[str]:
    """Names of the jump sources in the order of the kernels: common ones, then those of a market alone."""
    scenario = setting.loaded.scenario
    own = [name for name, market in scenario.markets.items() if getattr(market.model, "jump_rate", 0.0) > 0.0]
    return [jump.name for jump in scenario.jumps if jump.rate > 0.0] + own


def move_words(moves: dict[str, float]) -> str:
    """BTC -8.9%, ETH -12%; the largest first."""
    told = sorted(((name, move) for name, move in moves.items() if abs(move) >= STILL), key=lambda each: -abs(each[1]))
    words = [f"{name} {'+' if move > 0 else '-'}{percent(abs(move), 3)}" for name, move in told]
    return ", ".join(words[:6]) + (f" and {len(words) - 6} others" if len(words) > 6 else "") or "still"


def price_words(told: Told) -> str:
    """Which prices move, and how fast."""
    if told.event.size < STILL:
        return "prices stand still"
    return f"{move_words(told.moves)} {window_words(told.event)}"


def window_words(event: Event) -> str:
    """At once, or over how long."""
    return "at once" if event.window.over == 0 else f"over {duration(event.window.over * event.window.dt)}"


def depth_words(event: Event) -> str:
    """Share of the depth that is left, and for how long."""
    if event.depth == 0.0:
        return "as it is"
    lasting = (event.window.end - event.window.at) * event.window.dt
    return f"{percent(math.exp(-event.depth))} left for {duration(lasting)}"


def fault_words(event: Event, names: Sequence[str]) -> str:
    """What is wrong with the oracles."""
    lasting = duration((event.window.end - event.window.at) * event.window.dt)
    if event.fault.kind == NONE:
        return "sound"
    if event.fault.kind == LAG:
        return f"late by {duration(event.fault.lag)}"
    if event.fault.kind == OUTAGE:
        return f"standing still for {lasting}"
    return f"showing {percent(math.exp(event.spoof), 3)} of {names[event.fault.market]} for {lasting}"


def odds_words(nats: float, horizon: float) -> str:
    """Once in 130 runs of 24 h (4 months)."""
    if nats > NEVER:
        return "practically never"
    runs = math.exp(nats)
    if runs < 1.5:
        return f"in most runs of {duration(horizon)}"
    often = f"once in {_rounded(runs)} runs of {duration(horizon)}"
    years = runs * horizon / YEAR
    return often if years < 1.0 else f"{often} ({_rounded(years)} years)"


def _rounded(number: float) -> str:
    """Two significant digits, without powers of ten."""
    return significant(float(f"{number:.1e}"), 2)


def candidates_table(answer: Answer) -> pa.Table:
    """Every boundary point that the search came by, the most likely first."""
    setting = answer.setting
    rows = sorted(((setting.nats(found.event), found) for found in answer.candidates), key=lambda row: row[0])
    names = setting.plan.market_names
    columns: dict[str, list[Any]] = {
        "over_s": [f.event.window.over * f.event.window.dt for _, f in rows],
        "fault": [f.event.fault.kind for _, f in rows],
        "fault_market": [names[f.event.fault.market] if f.event.fault.kind == SPOOF else None for _, f in rows],
        "fault_factor": [math.exp(f.event.spoof) for _, f in rows],
        "depth_left": [math.exp(-f.event.depth) for _, f in rows],
        "largest_log_move": [f.event.size for _, f in rows],
        "nats": [nats for nats, _ in rows],
        "probability": [math.exp(-nats) for nats, _ in rows],
    }
    columns |= {f"move.{name}": [math.expm1(f.event.moves[m]) for _, f in rows] for m, name in enumerate(names)}
    texts = ("fault", "fault_market")
    schema = pa.schema([(name, pa.string() if name in texts else pa.float64()) for name in columns])
    return pa.table(columns, schema=schema)
