"""From a plan to the decision how its paths are drawn."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from stress.build import Plan
from stress.sampling.laws import frame_of, tilt_of
from stress.sampling.losses import KINDS, ROUNDS, Fitted, fit_to_losses
from stress.sampling.mixture import Decision
from stress.sampling.pilot import Found, Setting, search, stream
from stress.sampling.score import score_of, typical_moves
from stress.sampling.words import described
from stress.scenario.run import Importance

PROBE = 0
"""Number of the random stream that measures how far prices move."""
MOST_PROBABILITY = 0.02
"""Wanted probability from which plain sampling is as good."""
LEAST_GAIN = 2.0
"""Gain in variance under which paths are drawn plainly."""
LEAST_EFFECTIVE = 0.01
"""Effective paths beyond the wanted loss, per path of the last round, that the pilot must have."""
WITHIN = 4.0
"""Standard errors within which the mean weight must be 1."""


def wanted_probability(plan: Plan, importance: Importance) -> float:
    """Tail probability that the run is after: the stated one, or the smallest that sizing asks for."""
    if importance.probability is not None:
        return importance.probability
    sizing = plan.loaded.scenario.sizing
    return min(1.0 - max(sizing.levels), sizing.depletion)


def setting_of(plan: Plan, importance: Importance, threads: int) -> Setting | str:
    """What the pilot is run with, or why there is nothing that it could do."""
    probability = wanted_probability(plan, importance)
    if probability > MOST_PROBABILITY:
        return f"a probability of {probability:.3g} is not rare"
    frame = frame_of(plan.models)
    if not len(frame.driver) and not frame.marks:
        return "no price of the scenario is driven by normals or jumps"
    score = score_of(plan, typical_moves(plan, probability, stream(plan.seed, PROBE)))
    if not score.any():
        return "no account has a position"
    return Setting(
        plan.models,
        plan.venue.clock,
        frame,
        score,
        probability,
        importance.defensive,
        importance.pilot_paths,
        plan.seed,
        threads,
    )


def decide(plan: Plan, threads: int = 1) -> Decision:
    """How to draw the paths of a plan; depends neither on the number of paths nor of threads."""
    importance = plan.loaded.scenario.run.sampling
    if not isinstance(importance, Importance):
        return Decision(None, "The scenario asks for plain sampling.", {})
    setting = setting_of(plan, importance, threads)
    if isinstance(setting, str):
        return Decision(None, f"Plain sampling: {setting}.", {})
    found = search(setting)
    if not found.reached:
        found = replace(found, level=math.inf)
    fit = fit_to_losses(setting, plan.venue, found, importance.pilot_losses)
    if fit is None:
        return Decision(None, "Plain sampling: no path of the pilot lost anything.", {})
    figures = _figures(setting, found, fit, importance)
    why = _objection(figures)
    return Decision(None, f"Plain sampling: {why}.", figures) if why else _with_laws(plan, setting, found, fit, figures)


def _with_laws(plan: Plan, setting: Setting, found: Found, fit: Fitted, figures: dict[str, Any]) -> Decision:
    """The laws, without the drivers that none of them moves."""
    kept = (fit.laws.shift != 0.0).any(axis=(0, 1))
    frame, laws = setting.frame.narrowed(kept), fit.laws.drivers(kept)
    # No score is infinite, but JSON has no infinity.
    level = min(found.level, float(np.finfo(np.float64).max))
    words = f"Importance sampling for losses of {100.0 * setting.probability:.3g}%: {described(plan, frame, laws)}."
    return Decision(tilt_of(frame, laws, setting.score, level, setting.seed), words, figures)


def _figures(setting: Setting, found: Found, fit: Fitted, importance: Importance) -> dict[str, Any]:
    """What the pilot says of the laws: by its last round, whose laws were fitted to the rounds before."""
    last, size = fit.last, len(fit.last.weights)
    by_kind = {}
    for kind, name in enumerate(KINDS):
        bar = fit.pool.bar(kind, setting.probability)
        hit = last.weights * (last.losses[:, kind] >= bar)
        if hit.any():
            effective = float(hit.sum() ** 2 / np.square(hit).sum())
            by_kind[name] = {"loss": bar, "gain": last.gain(kind, bar), "effective_paths": effective}
    return {
        "probability": setting.probability,
        "pilot_price_paths": found.rounds * setting.paths,
        "pilot_paths": ROUNDS * size,
        "mean_weight": float(last.weights.mean()),
        "mean_weight_error": float(last.weights.std()) / math.sqrt(size),
        "largest_weight": float(last.weights.max()),
        "pilot": by_kind,
    }


def _objection(figures: dict[str, Any]) -> str | None:
    """What speaks against the laws, or None."""
    by_kind, size = figures["pilot"].values(), figures["pilot_paths"] / ROUNDS
    if abs(figures["mean_weight"] - 1.0) > WITHIN * figures["mean_weight_error"]:
        return f"the mean weight of the pilot is {figures['mean_weight']:.4f}"
    if not by_kind:
        return "no path of the pilot's last round lost enough"
    if max(kind["gain"] for kind in by_kind) < LEAST_GAIN:
        return f"the laws gain a factor of {max(kind['gain'] for kind in by_kind):.2g} only"
    if max(kind["effective_paths"] for kind in by_kind) < LEAST_EFFECTIVE * size:
        return "too few paths of the pilot reach the wanted loss"
    return None
