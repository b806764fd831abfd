"""The pilot: finds laws under which the paths that cost a venue most are common, from prices alone.

Multilevel cross-entropy (Rubinstein & Kroese 2004, section 3.2): simulate under the laws so far, fit new ones to the
paths with the highest scores, weighted by their likelihood ratios, and go on until the score is reached that the wanted
share of all paths reaches. The pilot has random streams of its own, so whatever it finds, the run is unbiased.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from stress.kernels.models import YEAR
from stress.kernels.paths import LANES, simulate_tilted
from stress.kernels.structs import Clock, Floats, Ints, Models
from stress.kernels.tilt import CLIMB, FALL, PACE, SCORE, Tilt
from stress.sampling.fit import fitted
from stress.sampling.laws import Frame, Laws, shares_of, tilt_of
from stress.sampling.likelihood import Counts, counts_of, log_ratios, mixture_weights

ROUNDS = 10
"""Most rounds; two to four are usual, one per power of ten where jumps that are rare themselves must add up."""
ELITE = 0.1
"""Share of the simulated paths that laws are fitted to while the wanted score is out of reach."""
ENOUGH = 100.0
"""Effective paths beyond the wanted score with which it is taken for found."""
REFINEMENTS = 2
"""Rounds that fit laws to the wanted score once it is found."""
DIRECTIONS = 6
"""Most single markets whose fall or rise is a law of the first round."""


@dataclass(frozen=True)
class Setting:
    """What a pilot is run with."""

    models: Models
    clock: Clock
    frame: Frame
    score: Floats
    """[4, m]"""
    probability: float
    """Share of all paths that reach the score which the laws are made for."""
    defensive: float
    """Share of the paths drawn under the models' own law."""
    paths: int
    """Paths of one round."""
    seed: int
    threads: int = 1


@dataclass(frozen=True)
class Sample:
    """Paths drawn under laws."""

    counts: Counts
    weights: Floats
    """[w]"""
    scores: Floats
    """[w]"""

    def share_over(self, score: float) -> float:
        """Estimate of the share of all paths that reach a score."""
        return float(self.weights[self.scores >= score].sum()) / len(self.weights)

    def effective(self, score: float) -> float:
        """Equally weighted paths that know as much of the paths beyond the score (Kish)."""
        beyond = self.weights[self.scores >= score]
        return float(beyond.sum() ** 2 / np.square(beyond).sum()) if len(beyond) and beyond.any() else 0.0

    def quantile(self, probability: float) -> float:
        """Score that this share of all paths reaches."""
        order = np.argsort(-self.scores, kind="stable")
        beyond = np.cumsum(self.weights[order]) / len(order)
        return float(self.scores[order[min(int(np.searchsorted(beyond, probability)), len(order) - 1)]])


def stream(seed: int, number: int) -> int:
    """Seed of a round of the pilot: no run has it but by accident."""
    digest = hashlib.sha256(f"pilot {seed} {number}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def tallies(setting: Setting, tilt: Tilt, number: int) -> Floats:
    """[w, row] tallies of a round's paths, whatever the number of threads."""
    markets, seed = len(setting.models.model), stream(setting.seed, number)

    def block(first: int) -> Floats:
        nothing = np.zeros((min(LANES, setting.paths - first), 0, markets))
        return simulate_tilted(setting.models, setting.clock, tilt, seed, first, nothing, nothing.copy())

    with ThreadPoolExecutor(setting.threads) as pool:
        return np.concatenate(list(pool.map(block, range(0, setting.paths, LANES))))


def drawn(setting: Setting, laws: Laws, level: float, number: int) -> Sample:
    """A round's paths under laws that end at a score."""
    tilt = tilt_of(setting.frame, laws, setting.score, level, setting.seed + number)
    rows = tallies(setting, tilt, number)
    counts = counts_of(setting.models, setting.clock, tilt, rows)
    return Sample(counts, mixture_weights(log_ratios(tilt, counts), shares_of(tilt)), rows[:, SCORE])


@dataclass(frozen=True)
class Found:
    """Where a pilot ended."""

    laws: Laws
    level: float
    """Score from which on paths follow the models' own law."""
    rounds: int
    reached: bool
    """Whether the wanted score was found."""


def search(setting: Setting, report: Callable[[str], None] | None = None) -> Found:
    """Fit laws to higher and higher scores until the wanted one, and refine them there."""
    laws, level, refined = first_laws(setting), math.inf, 0
    for number in range(1, ROUNDS + 1):
        sample = drawn(setting, laws, level, number)
        wanted, reach = sample.quantile(setting.probability), float(np.quantile(sample.scores, 1.0 - ELITE))
        bar, level = (wanted, wanted) if wanted <= reach else (reach, math.inf)
        if report is not None:
            report(f"round {number}: score {bar:.6g} of {wanted:.6g}, {sample.effective(bar):.0f} effective paths")
        laws = fitted_to(setting, sample, bar)
        if bar == wanted and sample.effective(bar) >= ENOUGH:
            refined += 1
            if refined > REFINEMENTS:
                return Found(laws, level, number, True)
    return Found(laws, level, ROUNDS, False)


def fitted_to(setting: Setting, sample: Sample, bar: float) -> Laws:
    """Laws that fit the paths that reach a score."""
    beyond = np.flatnonzero((sample.scores >= bar) & (sample.weights > 0.0))
    counts = sample.counts.rows(beyond)
    groups = grouped(setting, counts)
    return fitted(setting.frame, counts, sample.weights[beyond], groups, setting.defensive)


def directions(setting: Setting) -> Floats:
    """[k, d] unit vectors along which drivers move the score: all markets down, all up, then single ones."""
    loading, score = setting.frame.loading, setting.score
    volatility = np.sqrt(np.maximum(setting.models.variance, 1e-12))
    down, up = score[FALL] * volatility, score[CLIMB] * volatility
    rows = [-(down @ loading), up @ loading]
    if len(down) > 1:
        order = np.argsort(-np.concatenate([down, up]), kind="stable")[:DIRECTIONS]
        singles = np.concatenate([-loading * down[:, None], loading * up[:, None]])
        rows += list(singles[order])
    kept = [row / np.linalg.norm(row) for row in rows if np.linalg.norm(row) > 0.0]
    return np.array(kept).reshape(len(kept), len(setting.frame.driver))


def first_laws(setting: Setting) -> Laws:
    """Law 0; moves along each direction as far as a normal of the wanted probability; one jump of each kind."""
    frame, steps = setting.frame, setting.clock.checks * setting.clock.substeps
    ways, raised = directions(setting), raised_paces(setting)
    laws = frame.nominal(1 + len(ways) + len(raised))
    far = -NormalDist().inv_cdf(setting.probability)
    for c, way in enumerate(ways, 1):
        laws.shift[c] = far * way * np.sqrt(frame.every / steps)
    for c, paces in enumerate(raised, 1 + len(ways)):
        laws.source[PACE, c] = paces
    return laws


def raised_paces(setting: Setting) -> list[Floats]:
    """Factors [n] on the base rates that make one jump of a kind likely: a common source, or any of the others."""
    expected = setting.models.jump_rate * setting.clock.checks * setting.clock.dt / YEAR
    common = (setting.frame.place >= 0).sum(axis=1) > 1
    kinds = [np.flatnonzero(common & (np.arange(len(common)) == n)) for n in np.flatnonzero(common)]
    kinds += [np.flatnonzero(~common)] if not common.all() else []
    rows = []
    for kind in kinds:
        if expected[kind].sum() < 1.0:
            paces = np.ones(len(expected))
            paces[kind] = 1.0 / expected[kind].sum()
            rows.append(paces)
    return rows


def grouped(setting: Setting, counts: Counts) -> Ints:
    """[w] first guess of what drew each path: the rarest kind of jump, up or down, or where normals drift."""
    ways = directions(setting)
    total = counts.sums.reshape(len(counts.sums), -1, len(setting.frame.driver)).sum(axis=1)
    groups = (total @ ways.T).argmax(axis=1) if len(ways) else np.zeros(len(total), dtype=np.int64)
    rates = setting.models.jump_rate
    for n in np.argsort(-rates, kind="stable"):
        if rates[n] * setting.clock.checks * setting.clock.dt / YEAR < 1.0:
            struck = counts.arrivals[:, n] > 0.0
            own = counts.own[:, setting.frame.mark_source == n].sum(axis=1)
            groups[struck] = len(ways) + 2 * n + (counts.common[:, n] + own > 0.0)[struck]
    return groups.astype(np.int64)
