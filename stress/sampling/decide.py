"""From a plan to the decision how its paths are drawn."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from stress.build import Plan
from stress.kernels.structs import Floats
from stress.kernels.tilt import PACE
from stress.sampling.laws import Frame, Laws, frame_of, tilt_of
from stress.sampling.mixture import Decision
from stress.sampling.pilot import Found, Sample, Setting, drawn, search, stream
from stress.sampling.score import score_of, typical_moves
from stress.scenario.run import Importance

PROBE, TRIAL = 0, 99
"""Numbers of the random streams that the pilot measures moves and tries its result with; rounds are in between."""
MOST_PROBABILITY = 0.02
"""Wanted probability from which plain sampling is as good: the mixture gains less than a factor of ten there."""
LEAST_EFFECTIVE = 200.0
"""Effective paths beyond the wanted score that a trial of 20,000 must have (a hundredth of its paths)."""
LEAST_GAIN = 2.0
"""Gain in variance on the wanted probability under which paths are drawn plainly."""
WITHIN = 4.0
"""Standard errors within which mean weight and probability must be what they should be."""


def wanted_probability(plan: Plan, importance: Importance) -> float:
    """Tail probability that the run is after: the stated one, or the smallest that sizing asks for."""
    if importance.probability is not None:
        return importance.probability
    sizing = plan.loaded.scenario.sizing
    return min(1.0 - max(sizing.levels), sizing.depletion)


def decide(plan: Plan, threads: int = 1, report: Callable[[str], None] | None = None) -> Decision:
    """How to draw the paths of a plan; depends neither on the number of paths nor of threads."""
    importance = plan.loaded.scenario.run.sampling
    if not isinstance(importance, Importance):
        return Decision(None, "The scenario asks for plain sampling.", {})
    probability = wanted_probability(plan, importance)
    if probability > MOST_PROBABILITY:
        return _plain(f"a probability of {probability:.3g} is not rare", probability)
    frame = frame_of(plan.models)
    if not len(frame.driver) and not frame.marks:
        return _plain("no price of the scenario is driven by normals or jumps", probability)
    moves = typical_moves(plan, probability, stream(plan.seed, PROBE))
    setting = Setting(
        plan.models,
        plan.venue.clock,
        frame,
        score_of(plan, moves),
        probability,
        importance.defensive,
        importance.pilot_paths,
        plan.seed,
        threads,
    )
    if not setting.score.any():
        return _plain("no account has a position", probability)
    return _tried(setting, search(setting, report))


def _plain(why: str, probability: float) -> Decision:
    return Decision(None, f"Plain sampling: {why}.", {"probability": probability})


def _tried(setting: Setting, found: Found) -> Decision:
    """Try the laws on fresh paths; what they fail at is the reason to do without them."""
    sample = drawn(setting, found.laws, found.level, TRIAL)
    figures = _figures(setting, found, sample)
    why = _objection(setting, found, figures)
    if why is not None:
        return Decision(None, f"Plain sampling: {why}.", figures)
    kept = (found.laws.shift != 0.0).any(axis=(0, 1))
    frame, laws = setting.frame.narrowed(kept), found.laws.drivers(kept)
    tilt = tilt_of(frame, laws, setting.score, found.level, setting.seed)
    words = "; ".join(described(setting, frame, laws))
    return Decision(tilt, f"Importance sampling for a probability of {setting.probability:.3g}: {words}.", figures)


def _figures(setting: Setting, found: Found, sample: Sample) -> dict[str, Any]:
    """What the trial says of the laws."""
    hit = sample.weights * (sample.scores >= found.level)
    share, size = float(hit.mean()), len(hit)
    relative = float(hit.var()) / share**2 if share > 0.0 else math.inf
    return {
        "probability": setting.probability,
        "level": found.level if math.isfinite(found.level) else None,
        "rounds": found.rounds,
        "pilot_paths": (found.rounds + 1) * setting.paths,
        "trial_probability": share,
        "trial_error": float(hit.std()) / math.sqrt(size),
        "trial_effective": sample.effective(found.level),
        "trial_gain": (1.0 - share) / share / relative if share > 0.0 and relative > 0.0 else 0.0,
        "mean_weight": float(sample.weights.mean()),
        "mean_weight_error": float(sample.weights.std()) / math.sqrt(size),
        "largest_weight": float(sample.weights.max()),
    }


def _objection(setting: Setting, found: Found, figures: dict[str, Any]) -> str | None:
    """What speaks against the laws, or None (NUMERICS of the acceptance of a mixture with a defensive part)."""
    if not found.reached:
        return f"the pilot did not reach a score of probability {setting.probability:.3g} in {found.rounds} rounds"
    if abs(figures["mean_weight"] - 1.0) > WITHIN * figures["mean_weight_error"]:
        return f"the mean weight of the trial is {figures['mean_weight']:.4f}"
    if figures["trial_effective"] < LEAST_EFFECTIVE * setting.paths / 20_000:
        return f"only {figures['trial_effective']:.0f} effective paths of the trial reach the wanted score"
    if not 0.5 < figures["trial_probability"] / setting.probability < 2.0:
        return f"the trial found a probability of {figures['trial_probability']:.3g} for {setting.probability:.3g}"
    if figures["trial_gain"] < LEAST_GAIN:
        return f"the laws gain a factor of {figures['trial_gain']:.2g} only"
    return None


def described(setting: Setting, frame: Frame, laws: Laws) -> list[str]:
    """One phrase per tilted law: its share, where it drifts, which jumps it makes frequent."""
    clock, models = setting.clock, setting.models
    steps = clock.checks * clock.substeps
    segments = laws.shift.shape[1]
    phrases = []
    for c in range(1, len(laws.shares)):
        means = (laws.shift[c] / frame.every).sum(axis=0) * math.sqrt(steps) / segments
        moves = frame.loading @ means
        farthest = int(np.argmax(np.abs(moves)))
        parts = [f"market {farthest} by {moves[farthest]:+.1f} standard deviations"] if moves.any() else []
        parts += _jumps(setting, frame, laws.source[PACE, c], models.jump_rate)
        phrases.append(f"{laws.shares[c]:.0%} of the paths move " + ", ".join(parts or ["by marks of jumps"]))
    return phrases


def _jumps(setting: Setting, frame: Frame, pace: Floats, rates: Floats) -> list[str]:
    """Sources whose rate is multiplied at least by ten."""
    years = setting.clock.checks * setting.clock.dt / 31_536_000.0
    raised = [n for n in np.argsort(-pace * rates, kind="stable") if pace[n] >= 10.0][:2]
    return [f"{pace[n] * rates[n] * years:.2g} jumps of source {n}" for n in raised]
