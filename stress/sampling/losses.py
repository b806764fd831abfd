"""The second half of the pilot: laws fitted to the paths that cost the venue most, cascades included.

How deep prices fall says little of a loss where the speed of the fall decides: a slow fall is liquidated in time, a
jump of half its size is not. So a few paths go through the cascade, and laws are fitted to those with the largest
losses. All rounds are pooled, each path weighted against the mixture of the laws of all rounds (Cornuet, Marin, Mira &
Robert 2012, Scandinavian Journal of Statistics 39:798), which only works because they all end at the same score.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from stress.kernels.cascade import empty_slots, run_block
from stress.kernels.paths import LANE_QUANTUM, simulate_tilted
from stress.kernels.results import POOL_COLUMNS
from stress.kernels.structs import Floats, Venue
from stress.kernels.tilt import SCORE
from stress.sampling.fit import fitted, ratios
from stress.sampling.laws import Laws, shares_of, tilt_of
from stress.sampling.likelihood import Counts, counts_of, mixture_weights
from stress.sampling.pilot import Found, Setting, first_laws, grouped, stream

ROUNDS = 4
"""Rounds of paths with cascades."""
LADDER = ((1.0, 1.0), (10.0, 0.3))
"""Multiples of the wanted probability that laws are made for, and the share of the later ones in the mixture."""
MOST = 0.1
"""Largest probability that laws are made for."""
ELITE = 0.1
"""Share of the pooled paths that laws are fitted to while the wanted loss is rarer than that."""
BLOCK_BYTES = 16 << 20
"""Prices and variances of one call, as in a run."""
FIRST_STREAM = 100
"""Number of the first random stream; the rounds on prices alone have those before."""
UNPAID = tuple(POOL_COLUMNS.index(name) for name in ("bad_debt", "residual_open"))
REQUIRED = POOL_COLUMNS.index("required_fund")
KINDS = ("bad_debt", "required_fund")
"""What losses are counted: bad debt with what is open at the end, and the funds required, each over all pools."""


@dataclass(frozen=True)
class Losses:
    """Paths that went through the cascade, from all rounds so far."""

    laws: Laws
    """The laws of all rounds, with shares in all paths."""
    counts: Counts
    losses: Floats
    """[w, 2] as KINDS names them."""
    weights: Floats
    """[w] likelihood ratios of law 0 to the mixture of all rounds."""

    def quantile(self, kind: int, probability: float) -> float:
        """Loss that this share of all paths reaches."""
        order = np.argsort(-self.losses[:, kind], kind="stable")
        beyond = np.cumsum(self.weights[order]) / len(order)
        return float(self.losses[order[min(int(np.searchsorted(beyond, probability)), len(order) - 1)], kind])

    def bar(self, kind: int, probability: float) -> float:
        """Loss of this probability, or the least there is where losses are rarer; infinity where there are none."""
        losses = self.losses[:, kind]
        return max(self.quantile(kind, probability), float(losses[losses > 0.0].min(initial=math.inf)))

    def gain(self, kind: int, bar: float) -> float:
        """Variance of plain sampling over that of these paths, for the probability of such a loss."""
        hit = self.weights * (self.losses[:, kind] >= bar)
        share, spread = float(hit.mean()), float(hit.var())
        return share * (1.0 - share) / spread if spread > 0.0 else 0.0


def with_losses(setting: Setting, venue: Venue, laws: Laws, level: float, paths: int, number: int) -> Losses:
    """Draw paths under laws and follow their cascades."""
    tilt = tilt_of(setting.frame, laws, setting.score, level, setting.seed + number)
    seed = stream(setting.seed, number)
    own, most = venue._replace(seed=seed), block_paths(venue, paths)

    def block(first: int) -> tuple[Floats, Floats]:
        size = min(most, paths - first)
        log_price = np.empty((size, venue.clock.checks + 1, len(setting.models.model)))
        variance = np.empty_like(log_price)
        rows = simulate_tilted(setting.models, setting.clock, tilt, seed, first, log_price, variance)
        slots = empty_slots(size, len(venue.pools), len(venue.layers), log_price.shape[2])
        run_block(own, first, log_price, variance, slots, np.zeros(1, np.uint8))
        return rows, slots.pools

    with ThreadPoolExecutor(setting.threads) as pool:
        blocks = list(pool.map(block, range(0, paths, most)))
    rows, pools = (np.concatenate([found[k] for found in blocks]) for k in range(2))
    losses = np.stack([pools[:, :, UNPAID].sum(axis=(1, 2)), np.nan_to_num(pools[:, :, REQUIRED]).sum(axis=1)], axis=1)
    counts = counts_of(setting.models, setting.clock, tilt, rows)
    return weighed(setting, Losses(laws._replace(shares=shares_of(tilt)), counts, losses, rows[:, SCORE]))


def block_paths(venue: Venue, paths: int) -> int:
    """Paths of one call: few enough for memory, and for eight calls to share out among threads."""
    checks, markets = venue.clock.checks + 1, len(venue.markets.each)
    fitting = min(BLOCK_BYTES // (16 * checks * markets), math.ceil(paths / 8))
    return max(LANE_QUANTUM, fitting // LANE_QUANTUM * LANE_QUANTUM)


def weighed(setting: Setting, found: Losses) -> Losses:
    """With weights against the mixture of all its laws."""
    logs = ratios(setting.frame, found.counts, found.laws)
    return replace(found, weights=mixture_weights(logs, found.laws.shares))


def pooled(setting: Setting, one: Losses, other: Losses) -> Losses:
    """Two sets of paths as one."""
    mine, theirs = len(one.losses), len(other.losses)
    part = mine / (mine + theirs)
    laws = joined(one.laws, other.laws, part)
    counts = Counts(*(np.concatenate(pair) for pair in zip(one.counts, other.counts, strict=True)))
    both = Losses(laws, counts, np.concatenate([one.losses, other.losses]), np.zeros(mine + theirs))
    return weighed(setting, both)


def joined(one: Laws, other: Laws, part: float) -> Laws:
    """The laws of two mixtures, the first of which has this share."""
    return Laws(
        np.concatenate([part * one.shares, (1.0 - part) * other.shares]),
        np.concatenate([one.shift, other.shift]),
        np.concatenate([one.source, other.source], axis=1),
        np.concatenate([one.mark, other.mark], axis=1),
    )


@dataclass(frozen=True)
class Fitted:
    """Laws fitted to losses, and what the pool of paths says."""

    laws: Laws
    pool: Losses
    last: Losses
    """The paths of the last round alone: what laws fitted to the rounds before it gain."""


def fit_to_losses(setting: Setting, venue: Venue, start: Found, paths: int) -> Fitted | None:
    """Rounds of paths with cascades, laws fitted to the largest losses of all rounds; None if nothing is lost."""
    laws, pool, last = joined(first_laws(setting), start.laws, 0.5), None, None
    for number in range(ROUNDS):
        last = with_losses(setting, venue, laws, start.level, paths, FIRST_STREAM + number)
        pool = last if pool is None else pooled(setting, pool, last)
        laws = ladder(setting, pool) or laws
    if pool is None or last is None or not pool.losses.any():
        return None
    return Fitted(laws, pool, last)


def ladder(setting: Setting, pool: Losses) -> Laws | None:
    """Laws for the wanted losses and laws for those ten times as frequent; None while nothing is lost.

    The second are on the way to losses of another kind than those seen, which else only law 0 would draw, with the
    largest weights there are.
    """
    found = None
    for rung, part in LADDER:
        beyond = np.flatnonzero(elite(pool, min(setting.probability * rung, MOST)))
        if len(beyond):
            counts = pool.counts.rows(beyond)
            laws = fitted(setting.frame, counts, pool.weights[beyond], grouped(setting, counts), setting.defensive)
            found = laws if found is None else merged(found, laws, part)
    return found


def merged(one: Laws, other: Laws, part: float) -> Laws:
    """Two mixtures as one with a single law 0; the second has the share ``part``."""
    both = joined(one, other, 1.0 - part)
    first = len(one.shares)
    both.shares[0] += both.shares[first]
    kept = np.arange(len(both.shares)) != first
    return both.only(kept)


def elite(pool: Losses, probability: float) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """[w] paths that lose, in either sense, what the wanted share of all paths loses, or what is in reach."""
    chosen = np.zeros(len(pool.losses), dtype=np.bool_)
    for kind in range(pool.losses.shape[1]):
        losses = pool.losses[:, kind]
        if losses.any():
            reach = np.sort(losses)[-max(1, math.ceil(ELITE * len(losses)))]
            bar = min(pool.quantile(kind, probability), float(reach))
            chosen |= (losses >= bar) & (losses > 0.0)
    return chosen
