"""Volatility that switches between a few levels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from stress.calibrate.estimators.common import Request
from stress.calibrate.fit import Estimate, Fit, Track
from stress.calibrate.likelihood import standard_errors
from stress.kernels.filters import forward_backward
from stress.kernels.structs import Floats
from stress.scenario.units import Dimension, write

ROUNDS = 500
SETTLED = 1e-9
"""Gain of log-likelihood per return at which the rounds end."""
LEAST_MOVE = 1e-9
"""Floor of a transition probability per bar, so that its logarithm stays finite."""
METHOD = "Maximum likelihood of a hidden Markov chain by the Baum-Welch algorithm (Baum et al. 1970; Hamilton 1989)."


def fit(request: Request) -> Fit:
    """Expectation maximisation from volatilities spread over the quantiles of the returns."""
    series, states = request.series, request.states
    x = series.value - series.value.mean()
    deviation, transition = start(x, states)
    occupied, total, before = np.zeros((len(x), states)), -math.inf, -math.inf
    for number in range(ROUNDS):
        moved = np.zeros((states, states))
        before, total = total, forward_backward(densities(x, deviation), transition, occupied, moved)
        if request.progress is not None and number % 10 == 9:
            request.progress(f"round {number + 1}")
        if total - before < SETTLED * len(x):
            break
        deviation = np.sqrt((occupied * x[:, None] ** 2).sum(axis=0) / occupied.sum(axis=0))
        transition = np.maximum(moved / moved.sum(axis=1, keepdims=True), LEAST_MOVE)
        transition /= transition.sum(axis=1, keepdims=True)
    order = np.argsort(deviation)
    deviation, transition, occupied = deviation[order], transition[np.ix_(order, order)], occupied[:, order]
    entry = entry_of(deviation, transition, series.dt)
    filtered = Track(series.time + series.step, occupied @ deviation**2 / series.dt)
    notes = [f"State {k + 1} holds {share:.1%} of the time." for k, share in enumerate(occupied.mean(axis=0))]
    return Fit(
        "regime",
        entry,
        estimates_at(x, deviation, transition, series.dt),
        METHOD,
        tuple(notes),
        total,
        None,
        filtered,
    )


def start(x: Floats, states: int) -> tuple[Floats, Floats]:
    """Deviations at even quantiles of the absolute returns; a move every fifty bars."""
    quantile = (np.arange(states) + 0.5) / states
    levels = np.quantile(np.abs(x), 0.3 + 0.65 * quantile)
    deviation = np.maximum(levels, 1e-3 * float(x.std()))
    transition = np.full((states, states), 0.02 / max(states - 1, 1))
    np.fill_diagonal(transition, 0.98 if states > 1 else 1.0)
    return deviation, transition


def densities(x: Floats, deviation: Floats) -> Floats:
    """[n, k] normal densities, with a floor for returns that no state explains."""
    scaled = x[:, None] / deviation
    return np.asarray(np.maximum(np.exp(-0.5 * scaled**2), 1e-280) / deviation / math.sqrt(2.0 * math.pi))


def entry_of(deviation: Floats, transition: Floats, dt: float) -> dict[str, Any]:
    """The scenario's map: volatility and mean duration of each state, and where one goes from it."""
    volatility, duration, onward = described(deviation, transition, dt)
    states = [
        {"volatility": float(level), "duration": write(rounded(float(length)), Dimension.DURATION)}
        for level, length in zip(volatility, duration, strict=True)
    ]
    return {"type": "regime", "states": states, "transitions": [[float(p) for p in row] for row in onward]}


def rounded(seconds: float) -> float:
    """To whole minutes where there are an hour of them."""
    return 60.0 * round(seconds / 60.0) if seconds >= 3600.0 else float(round(seconds))


def described(deviation: Floats, transition: Floats, dt: float) -> tuple[Floats, Floats, Floats]:
    """Volatilities per root year, mean durations in seconds, and probabilities of the next state given that it changes.

    A chain in steps of a bar stays 1 / (1 - p) bars; one in continuous time, which moves at rate q, is seen unmoved
    after a bar with probability e^(-q): its duration is -1 / log p bars.
    """
    stay = np.diag(transition)
    duration = dt * 365.0 * 86_400.0 / -np.log(np.minimum(stay, 1.0 - LEAST_MOVE))
    onward = transition - np.diag(stay)
    total = onward.sum(axis=1, keepdims=True)
    return deviation / math.sqrt(dt), duration, onward / np.where(total > 0.0, total, 1.0)


def estimates_at(x: Floats, deviation: Floats, transition: Floats, dt: float) -> dict[str, Estimate]:
    """Volatilities and durations with errors from the curvature of the likelihood."""
    states = len(deviation)
    off = ~np.eye(states, dtype=np.bool_)

    def chain(y: Floats) -> tuple[Floats, Floats]:
        moves = np.zeros((states, states))
        moves[off] = np.exp(y[states:])
        np.fill_diagonal(moves, 1.0 - moves.sum(axis=1))
        return np.exp(y[:states]), moves

    def natural(y: Floats) -> Floats:
        volatility, duration, _ = described(*chain(y), dt)
        return np.stack([volatility, duration], axis=1).ravel()

    def scores(y: Floats) -> Floats:
        level, moves = chain(y)
        occupied, moved = np.zeros((len(x), states)), np.zeros((states, states))
        return np.array([forward_backward(densities(x, level), moves, occupied, moved)])

    y = np.concatenate([np.log(deviation), np.log(np.maximum(transition[off], LEAST_MOVE))])
    errors = standard_errors(scores, natural, y)
    names = [f"states.{k}.{name}" for k in range(states) for name in ("volatility", "duration")]
    values = natural(y)
    return {
        name: Estimate(float(value), float(error) if math.isfinite(error) else None)
        for name, value, error in zip(names, values, errors, strict=True)
    }
