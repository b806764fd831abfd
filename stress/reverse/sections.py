"""What the charts of a search show: boundaries around the found events, found with a few hundred more paths."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from stress.kernels.structs import Floats, Ints
from stress.report.charts.reverse import Line, Map, Outline
from stress.reverse.event import FAULTS, LAG, NONE, SPOOF, Event, Fault, Window
from stress.reverse.find import least_scale
from stress.reverse.result import TITLES, Told, fault_words, window_words
from stress.reverse.setting import Setting
from stress.reverse.space import Space
from stress.reverse.trial import Trial
from stress.sizing.words import duration, percent

ANGLES = 32
"""Directions in which the map looks for the boundary."""
GRID = 29
"""Places per axis at which the map knows the odds."""
FURTHEST = 4.0
"""What the map shows, in the largest move of the found events."""
LEFT = (1.0, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05)
"""Shares of depth left over which least moves are drawn."""
FALSE = 0.1
"""Log of the false price that is drawn: ten percent further."""


def map_of(setting: Setting, told: list[Told]) -> Map | None:
    """The plane of the two leaders that move most at the likeliest event; None where only one market leads."""
    event = told[-1].event
    space = setting.space(event.window, Fault(NONE))
    if space.leaders < 2:
        return None
    weight = np.abs(event.moves[setting.leaders]) / space.typical[: space.leaders]
    pair = np.sort(np.argsort(-weight, kind="stable")[:2]).astype(np.int64)
    first, second = setting.leaders[pair]
    outlines = [_outline(setting, space, pair, Event(event.window, Fault(NONE), event.moves), "breaks the venue")]
    worse = event.depth > 0.0 or event.fault.kind != NONE
    if worse:
        outlines.append(_outline(setting, space, pair, event, _worse_words(setting, event)))
    found = np.expm1([[each.event.moves[m] for each in told] for m in (first, second)])
    most = FURTHEST * max(float(np.abs(found).max()), 0.05)
    reach = [_reach([*(o.across if n == 0 else o.up for o in outlines), found[n]], most) for n in range(2)]
    across, up = (np.linspace(low, high, GRID) for low, high in reach)
    climate = setting.climate(event.window)
    log_odds = np.array([[-climate.nats(_moved(space, pair, (x, y), event.window)) for x in across] for y in up])
    marked = tuple(
        (
            f"{TITLES[t.key]}, {window_words(t.event)}",
            math.expm1(t.event.moves[first]),
            math.expm1(t.event.moves[second]),
        )
        for t in told
    )
    names = setting.plan.market_names
    return Map((names[first], names[second]), tuple(outlines), across, up, log_odds, marked)


def _moved(space: Space, pair: Ints, moves: tuple[float, float], window: Window) -> Event:
    """The two leaders at relative moves, the other leaders still, the rest following."""
    point = np.zeros(space.leaders)
    point[pair] = np.log1p(moves)
    return space.event(space.point(point))


def _reach(drawn: list[Floats], most: float) -> tuple[float, float]:
    """Limits of an axis around all that is drawn on it, as far as it is not far away."""
    values = np.concatenate([*drawn, np.zeros(1)])
    near = values[np.abs(values) <= most]
    low, high = float(near.min()), float(near.max())
    margin = 0.12 * max(high - low, 1e-3)
    return max(low - margin, -0.98), high + margin


def _outline(setting: Setting, space: Space, pair: Ints, event: Event, label: str) -> Outline:
    """Boundary in the plane of two leaders, with depth and oracles as in the event."""
    trial = setting.trial(event.fault)
    angles = 2.0 * np.pi * np.arange(ANGLES) / ANGLES
    found = np.full((ANGLES, 2), np.nan)
    for n, angle in enumerate(angles):
        point = np.zeros(space.leaders)
        point[pair] = np.array([np.cos(angle), np.sin(angle)]) * space.typical[pair]
        ray = replace(event, moves=space.following @ point)
        scale = least_scale(trial, ray, setting.bounds)
        if scale is not None:
            found[n] = np.expm1(scale * point[pair])
    return Outline(label, found[:, 0], found[:, 1])


def _worse_words(setting: Setting, event: Event) -> str:
    """Depth and oracles of an event, for a legend."""
    parts = [] if event.depth == 0.0 else [f"with {percent(math.exp(-event.depth))} of the depth"]
    if event.fault.kind != NONE:
        parts.append(f"oracles {fault_words(event, setting.plan.market_names)}")
    return ", ".join(parts)


def mover(event: Event) -> int:
    """Number of the market that moves most."""
    return int(np.abs(event.moves).argmax())


def depth_lines(setting: Setting, event: Event) -> list[Line]:
    """Least move of the event's largest mover at every depth, a line for each kind of fault that was searched."""
    lines = []
    dt = setting.plan.venue.clock.dt
    asked = [kind for kind in FAULTS if kind == NONE or kind in setting.question.faults]
    further = math.copysign(FALSE, event.moves[mover(event)])
    labels = {
        NONE: "sound oracles",
        LAG: f"oracles {duration(setting.question.lag)} late",
        SPOOF: "false price, 10% further",
    }
    for kind in asked:
        fault = Fault(kind, mover(event), math.ceil(setting.question.lag / dt) * dt if kind == LAG else 0.0)
        trial = setting.trial(fault)
        base = replace(event, fault=fault, spoof=further if kind == SPOOF else 0.0)
        events = (replace(base, depth=-math.log(left)) for left in LEFT)
        moves = tuple(_least(setting, trial, each) for each in events)
        lines.append(Line(labels.get(kind, "oracles stand still"), moves))
    return lines


def window_lines(setting: Setting, event: Event) -> list[Line]:
    """Least move of the event's largest mover in every window, in its own direction and the other."""
    trial = setting.trial(Fault(NONE))
    lines = []
    for sign in (1.0, -1.0):
        moves = sign * event.moves
        events = [Event(window, Fault(NONE), moves) for window in setting.windows]
        word = "up" if moves[mover(event)] > 0.0 else "down"
        name = setting.plan.market_names[mover(event)]
        lines.append(Line(f"{name} {word}", tuple(_least(setting, trial, each) for each in events)))
    return lines


def _least(setting: Setting, trial: Trial, event: Event) -> float | None:
    """Relative move of the largest mover at which the event just breaks the venue."""
    scale = least_scale(trial, event, setting.bounds)
    return None if scale is None else math.expm1(scale * float(event.moves[mover(event)]))


def window_names(setting: Setting) -> list[str]:
    """Lengths of the windows that were searched."""
    return ["at once" if w.over == 0 else duration(w.over * w.dt) for w in setting.windows]
