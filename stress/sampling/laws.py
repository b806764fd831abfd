"""What of a scenario's prices can be tilted, and tilted laws as the kernels read them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stress.kernels.models import GARCH, GARCH_HISTORY, GIVEN, HESTON_EULER, HESTON_QE, ROUGH_BERGOMI
from stress.kernels.structs import Floats, Ints, Models
from stress.kernels.tilt import LATER, PACE, RISE, SPREAD, Tilt

TURN = 256
"""Laws take turns over so many path numbers; shares are multiples of one over it."""
SEGMENTS = 4
"""Segments of the horizon with shifts of their own: a barrier's best shift is steady, that of a variance falls off."""


MOST_OFFSPRING = 1.0
"""Arrivals that one may set off on average under a tilted law: with more, their number explodes."""


class Laws(NamedTuple):
    """Tilted laws, that of the models first."""

    shares: Floats
    """[c] probabilities with which paths are drawn under them; sum 1."""
    shift: Floats
    """[c, g, d] as in :class:`stress.kernels.tilt.Tilt`, like the next two."""
    source: Floats
    """[4, c, n]"""
    mark: Floats
    """[2, c, k]"""

    def only(self, kept: NDArray[Any]) -> Laws:
        """Some of the laws, their shares scaled to sum 1."""
        shares = self.shares[kept]
        return Laws(shares / shares.sum(), self.shift[kept], self.source[:, kept], self.mark[:, kept])

    def drivers(self, kept: NDArray[np.bool_]) -> Laws:
        """The same laws of some of the drivers."""
        return self._replace(shift=np.ascontiguousarray(self.shift[:, :, kept]))


class Frame(NamedTuple):
    """What laws of these models may change."""

    driver: Ints
    """[d]"""
    every: Ints
    """[d]"""
    loading: Floats
    """[m, d] how each driver moves the price shock of each market."""
    place: Ints
    """[n, m]"""
    most_spread: Floats
    """[n] factor on what arrivals set off with which each sets off MOST_OFFSPRING others."""
    mark_source: Ints
    """[k] source of each mark."""
    mark_market: Ints
    """[k] market that the mark moves."""

    @property
    def marks(self) -> int:
        """Number of marks."""
        return len(self.mark_source)

    def nominal(self, laws: int) -> Laws:
        """So many laws, all that of the models, in equal shares."""
        sources, drivers = self.place.shape[0], len(self.driver)
        source, mark = np.zeros((4, laws, sources)), np.zeros((2, laws, self.marks))
        source[[PACE, LATER, SPREAD]], mark[RISE] = 1.0, 1.0
        return Laws(np.full(laws, 1.0 / laws), np.zeros((laws, SEGMENTS, drivers)), source, mark)

    def narrowed(self, kept: NDArray[np.bool_]) -> Frame:
        """With some of the drivers."""
        return self._replace(driver=self.driver[kept], every=self.every[kept], loading=self.loading[:, kept])


def frame_of(models: Models) -> Frame:
    """What can be tilted: the normals that reach a price or a variance, and the jumps.

    Resampled and given prices have no normals of their own. The variance shock of a GARCH market acts at the start of a
    bar only.
    """
    markets = len(models.model)
    reach = _loadings(models)
    acts = np.zeros(2 * markets, dtype=np.bool_)
    acts[1::2] = ~np.isin(models.model, (GIVEN, GARCH_HISTORY))
    acts[0::2] = np.isin(models.model, (HESTON_EULER, HESTON_QE, ROUGH_BERGOMI, GARCH))
    used = (np.abs(reach[acts]) > 0.0).any(axis=0)
    driver = np.flatnonzero(used).astype(np.int64)
    every = np.array([_every(models, reach, acts, int(d)) for d in driver], dtype=np.int64)
    place = np.full(models.jump_probability.shape, -1, dtype=np.int64)
    source, market = np.nonzero(models.jump_probability > 0.0)
    place[source, market] = np.arange(len(source))
    loading = np.where(acts[1::2, None], reach[1::2], 0.0)[:, driver]
    offspring = np.maximum(models.jump_branching, 1e-300)
    most = np.where(models.jump_branching > 0.0, MOST_OFFSPRING / offspring, 1.0)
    return Frame(driver, every, loading, place, most, source.astype(np.int64), market.astype(np.int64))


def _loadings(models: Models) -> Floats:
    """[2m, d] shocks of all markets by independent normal: own ones, then common factors."""
    own = np.tril(models.cholesky)
    if models.loading.shape[1]:
        block = np.kron(np.eye(len(models.model)), np.ones((2, 2)))
        own = own * block
    return np.concatenate([own, models.loading], axis=1)


def _every(models: Models, reach: Floats, acts: NDArray[np.bool_], driver: int) -> int:
    """Model steps from one normal of a driver that acts to the next."""
    market = driver // 2
    if driver % 2 or market >= len(models.model) or models.model[market] != GARCH:
        return 1
    others = np.delete(reach[:, driver] * acts, driver)
    return 1 if others.any() else int(models.params[market, 4])


def tilt_of(frame: Frame, laws: Laws, score: Floats, level: float, seed: int = 0) -> Tilt:
    """The laws as kernels read them; ``score`` [4, m] as in :class:`stress.kernels.tilt.Tilt`.

    Rows picked out of an array may lie in another order in memory, for which numba would compile all kernels again.
    """
    ordered = np.ascontiguousarray
    return Tilt(
        turn=turns(laws.shares, seed),
        driver=ordered(frame.driver),
        every=ordered(frame.every),
        shift=ordered(laws.shift),
        source=ordered(laws.source),
        mark=ordered(laws.mark),
        place=ordered(frame.place),
        score=ordered(score),
        level=level,
    )


def turns_each(shares: Floats) -> Ints:
    """How many of TURN paths each law gets: the largest remainders round up, and law 0 gets no less than its share."""
    exact = shares * TURN
    exact[0] = np.ceil(exact[0] - 1e-9)
    exact[1:] *= (TURN - exact[0]) / max(exact[1:].sum(), 1e-300)
    counts = np.floor(exact + 1e-9).astype(np.int64)
    order = np.argsort(counts - exact, kind="stable")
    counts[order[: TURN - counts.sum()]] += 1
    return counts


def turns(shares: Floats, seed: int = 0) -> Ints:
    """[TURN] law of each path number, as evenly spread as goes: each turn to the law furthest behind its share.

    Where the turns begin depends on the seed alone, so that the probability that a path has a law is its share, over
    seeds, however many paths are run.
    """
    counts = turns_each(np.array(shares, dtype=np.float64))
    given, turn = np.zeros(len(counts)), np.zeros(TURN, dtype=np.int64)
    for i in range(TURN):
        behind = counts * (i + 1.0) / TURN - given
        turn[i] = int(np.argmax(behind))
        given[turn[i]] += 1.0
    return np.roll(turn, int(np.random.default_rng(seed).integers(TURN)))


def shares_of(tilt: Tilt) -> Floats:
    """[c] share of the path numbers that each law gets."""
    return np.bincount(tilt.turn, minlength=tilt.shift.shape[0]) / len(tilt.turn)
