"""Regime switching: a volatility per state of a continuous-time Markov chain, constant between its switches."""

from __future__ import annotations

import math

import numpy as np

from ..jit import part, vector_part
from ..philox import REGIME, philox, uniform64
from ..registry import Parameter, Rule
from ..structs import Floats
from ..vecmath import log64
from .lanes import Lanes

U32 = np.uint32

RULE = Rule(
    "regime",
    "The volatility is that of a state; a Markov chain stays in a state for an exponential time and then moves on.",
    "Hamilton (1989), Econometrica 57:357; in continuous time Naik (1993), Journal of Finance 48:1969.",
    (
        Parameter("states", "1", "Number of states."),
        Parameter("chain", "1", "Number under which the chain draws: markets of one chain switch together."),
    ),
)
"""The table holds, for S states, their variances [S] and rates of leaving [S] per year, the cumulative law of the first
state [S], and the cumulative law of the next state [S, S]."""

ROWS = 3
STATE, SWITCH, COUNT = 0, 1, 2
"""Rows of the memory: the state, the time of the next switch in years, the number of switches so far."""

SOONEST = 2
"""Coefficient that keeps the earliest switch of any lane: most steps need look no further."""


@part
def coefficients(params: Floats, dt: float, out: Floats) -> None:
    """Fill out with (dt, sqrt(dt)), the earliest switch, states and chain; dt in years."""
    out[0] = dt
    out[1] = math.sqrt(dt)
    out[SOONEST] = math.inf
    out[3] = params[0]
    out[4] = params[1]


@part
def pick(cumulative: Floats, u: float) -> int:
    """State in which a cumulative law passes u."""
    state = 0
    while state < cumulative.size - 1 and u >= cumulative[state]:
        state += 1
    return state


@part
def enter(coefficient: Floats, lanes: Lanes, lane: int, law: Floats, now: float) -> None:
    """Draw the state that a lane enters at the time ``now``, in years, and how long it stays."""
    states, chain = int(coefficient[3]), U32(int(coefficient[4]))
    counter, number = lanes.counter, int(lanes.memory[COUNT, lane])
    words = philox(U32(counter.first_path + lane), U32(number), chain, REGIME, counter.key[0], counter.key[1])
    state = pick(law, uniform64(words[0], words[1]))
    leaving = lanes.table[states + state]
    stay = -log64(uniform64(words[2], words[3])) / leaving if leaving > 0.0 else math.inf
    lanes.memory[STATE, lane] = state
    lanes.memory[SWITCH, lane] = now + stay
    lanes.memory[COUNT, lane] = number + 1
    lanes.variance[lane] = lanes.table[state]


@part
def begin(coefficient: Floats, lanes: Lanes) -> None:
    """Draw the first state of every lane."""
    states = int(coefficient[3])
    coefficient[SOONEST] = math.inf
    for lane in range(lanes.variance.size):
        lanes.memory[COUNT, lane] = 0.0
        enter(coefficient, lanes, lane, lanes.table[2 * states : 3 * states], 0.0)
        coefficient[SOONEST] = min(coefficient[SOONEST], lanes.memory[SWITCH, lane])


@part
def switch(coefficient: Floats, lanes: Lanes, now: float) -> None:
    """Let every lane whose time has come move on, as often as it does until ``now``, in years."""
    states = int(coefficient[3])
    coefficient[SOONEST] = math.inf
    for lane in range(lanes.variance.size):
        while lanes.memory[SWITCH, lane] <= now:
            row = (3 + int(lanes.memory[STATE, lane])) * states
            enter(coefficient, lanes, lane, lanes.table[row : row + states], lanes.memory[SWITCH, lane])
        coefficient[SOONEST] = min(coefficient[SOONEST], lanes.memory[SWITCH, lane])


@vector_part
def diffuse(coefficient: Floats, drift: float, stretch: float, lanes: Lanes) -> None:
    """The step of the log price at the volatility of each lane."""
    half, scale = 0.5 * coefficient[0] * stretch * stretch, coefficient[1] * stretch
    x, v, z = lanes.log_price, lanes.variance, lanes.shock_price
    for lane in range(x.size):
        x[lane] += (drift - half * v[lane]) + scale * math.sqrt(v[lane]) * np.float64(z[lane])


@part
def advance(coefficient: Floats, drift: float, stretch: float, lanes: Lanes) -> None:
    """One step of log drift ``drift``, with the volatility multiplied by ``stretch``; switches count at its end."""
    diffuse(coefficient, drift, stretch, lanes)
    now = lanes.counter.step * coefficient[0]
    if coefficient[SOONEST] <= now:
        switch(coefficient, lanes, now)
