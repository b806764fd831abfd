"""Laws that fit the paths that matter: the mixture of least cross-entropy, by expectation and maximisation.

The laws maximise the expected log density of the paths beyond a score, each path counted by its weight (Rubinstein &
Kroese 2004, The Cross-Entropy Method, chapter 3; for mixtures Kurtz & Song 2013, Structural Safety 42:35). Densities
depend on a path through its counts alone, so both steps are sums over paths.
"""

from __future__ import annotations

import numpy as np

from stress.kernels.structs import Floats, Ints
from stress.kernels.tilt import COMMON, LATER, OWN, PACE, RISE, SPREAD, Tilt
from stress.sampling.laws import Frame, Laws
from stress.sampling.likelihood import Counts, log_ratios

ROUNDS = 6
"""Rounds of expectation and maximisation; a mixture of well separated modes settles in three."""
LEAST_MASS = 0.02
"""Share of the weight under which a law is given up: fewer paths than that say nothing of its parameters."""
LEAST_SHARE = 0.04
"""Share of the paths that each law gets at least."""
SIGNIFICANT = 3.0
"""Standard errors under which the mean of a normal is taken for noise and set to zero."""
FARTHEST_SHIFT, LEAST_PACE, RISES = 4.0, 1.0, (1.0, 20.0)
FEWEST = 8.0


def fitted(frame: Frame, counts: Counts, weights: Floats, groups: Ints, defensive: float) -> Laws:
    """Law 0 with the share ``defensive``, and laws that fit weighted paths, grouped at first as ``groups`` [w] says."""
    held = np.eye(int(groups.max()) + 1)[groups]
    held = held[:, (weights @ held) > LEAST_MASS * weights.sum()]
    laws = maximised(frame, counts, weights, held)
    for _ in range(ROUNDS):
        held = responsibilities(frame, counts, laws)
        mass = weights @ held / weights.sum()
        laws = maximised(frame, counts, weights, held[:, mass > LEAST_MASS])
    shares = np.maximum(laws.shares, LEAST_SHARE)
    nominal = frame.nominal(1)
    return Laws(
        np.append(defensive, (1.0 - defensive) * shares / shares.sum()),
        np.concatenate([nominal.shift, laws.shift]),
        np.concatenate([nominal.source, laws.source], axis=1),
        np.concatenate([nominal.mark, laws.mark], axis=1),
    )


def responsibilities(frame: Frame, counts: Counts, laws: Laws) -> Floats:
    """[w, c] probability that each law drew the path."""
    logs = ratios(frame, counts, laws) + np.log(laws.shares)
    logs -= logs.max(axis=1, keepdims=True)
    held: Floats = np.exp(logs)
    held /= held.sum(axis=1, keepdims=True)
    return held


def ratios(frame: Frame, counts: Counts, laws: Laws) -> Floats:
    """[w, c] log likelihood ratios of paths under laws that end where the counts do."""
    none, score = np.zeros(0, dtype=np.int64), np.zeros((4, 0))
    bare = Tilt(none, frame.driver, frame.every, laws.shift, laws.source, laws.mark, frame.place, score, 0.0)
    return log_ratios(bare, counts)


def maximised(frame: Frame, counts: Counts, weights: Floats, held: Floats) -> Laws:
    """Laws of which law c fits best the paths that it holds, [w, c] shares of paths."""
    nominal = frame.nominal(held.shape[1])
    by_law = (held * weights[:, None]).T
    laws = nominal._replace(
        shares=by_law.sum(axis=1) / by_law.sum(),
        shift=_mean(by_law, counts.sums, counts.normals).reshape(nominal.shift.shape),
    )
    laws.source[PACE] = np.maximum(_ratio(by_law @ counts.first, by_law @ counts.awaited, nothing=1.0), LEAST_PACE)
    laws.source[LATER] = np.maximum(_ratio(by_law @ counts.later, by_law @ counts.expected, nothing=1.0), LEAST_PACE)
    spread = _ratio(by_law @ (counts.arrivals - counts.first - counts.later), by_law @ counts.due, nothing=1.0)
    laws.source[SPREAD] = np.clip(spread, 1.0, np.maximum(frame.most_spread, 1.0))
    laws.source[COMMON] = _mean(by_law, counts.common, counts.arrivals)
    laws.mark[OWN] = _mean(by_law, counts.own, counts.moved)
    rise = _ratio(by_law @ counts.rise, by_law @ counts.moved, nothing=1.0)
    laws.mark[RISE] = np.where(rise > 0.0, np.clip(rise, *RISES), 1.0)
    return laws


def _ratio(top: Floats, bottom: Floats, nothing: float) -> Floats:
    """Quotients, ``nothing`` where both are zero."""
    return np.divide(top, bottom, out=np.full_like(top, nothing), where=bottom > 1e-300)


def _mean(by_law: Floats, sums: Floats, numbers: Floats) -> Floats:
    """[c, k] means of normals; zero where the error of the mean hides it.

    The error is that of as many equally weighted paths as know as much (Kish).
    """
    number = by_law @ numbers
    mean = _ratio(by_law @ sums, number, nothing=0.0)
    squares = np.square(by_law) @ numbers
    error = np.sqrt(_ratio(squares, np.square(number), nothing=0.0))
    return np.where(
        (np.abs(mean) > SIGNIFICANT * error) & (np.square(number) > FEWEST * squares),
        np.clip(mean, -FARTHEST_SHIFT, FARTHEST_SHIFT),
        0.0,
    )
