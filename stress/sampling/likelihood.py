"""Likelihood ratios of paths drawn under tilted laws, from their tallies, and the weights of a mixture of laws.

Of independent unit normals with mean a the log likelihood ratio to mean 0 is a S - n a^2 / 2, S their sum and n their
number; of a Poisson process with r times the rate, N log r - (r - 1) rate T; of an exponential variable with f times
the mean, -log f + (V / mean) (1 - 1 / f). All stop counting at the stop of the path, which depends on the path alone,
so the ratios are stopped martingales (Asmussen & Glynn 2007, Stochastic Simulation, sections V.1 and VI.2).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stress.kernels.models import YEAR
from stress.kernels.structs import Clock, Models
from stress.kernels.tilt import COMMON, LATER, OWN, PACE, PER_MARK, PER_SOURCE, RISE, SPREAD, STOP, SUMS, Tilt

Floats = NDArray[np.float64]


class Counts(NamedTuple):
    """Tallies by what was counted."""

    sums: Floats
    """[w, (g, d)] sums of normals before the stop."""
    normals: Floats
    """[w, (g, d)] how many they are."""
    first: Floats
    """[w, n] 1 where there was an arrival."""
    awaited: Floats
    """[w, n] integral of the intensity until the first arrival."""
    later: Floats
    """[w, n] arrivals of the base intensity after the first."""
    expected: Floats
    """[w, n] how many of them to expect until the stop under law 0."""
    arrivals: Floats
    """[w, n] all arrivals, those that others set off included."""
    due: Floats
    """[w, n] how many to expect of those that others set off."""
    common: Floats
    """[w, n] sums of the normals that marks of an arrival share."""
    moved: Floats
    """[w, k] arrivals that moved the market of the mark."""
    own: Floats
    """[w, k] sums of the marks' own normals."""
    rise: Floats
    """[w, k] sums of variance jumps over the mean of one."""

    def rows(self, kept: NDArray[np.int64]) -> Counts:
        """Those of some of the paths."""
        return Counts(*(values[kept] for values in self))


def counts_of(models: Models, clock: Clock, tilt: Tilt, tallies: Floats) -> Counts:
    """Read the rows of tallies [w, row]."""
    paths = len(tallies)
    drivers = tilt.shift.shape[1] * tilt.shift.shape[2]
    sources, marks = tilt.source.shape[2], tilt.mark.shape[2]
    stop = tallies[:, STOP].astype(np.int64)
    first = SUMS + drivers + PER_SOURCE * sources
    by_source = tallies[:, SUMS + drivers : first].reshape(paths, sources, PER_SOURCE)
    by_mark = tallies[:, first : first + PER_MARK * marks].reshape(paths, marks, PER_MARK)
    paced, arrivals, common, first_time, due = (by_source[:, :, k] for k in range(PER_SOURCE))
    moved, own, rise = (by_mark[:, :, k] for k in range(PER_MARK))
    years = stop[:, None] * clock.dt / (clock.substeps * YEAR)
    first = (arrivals > 0.0).astype(np.float64)
    alone = np.where(arrivals > 0.0, first_time, years)
    stock = models.jump_rate * models.jump_branching / models.jump_decay
    awaited = alone * base_rates(models) - stock * np.expm1(-models.jump_decay * alone)
    expected = (years - alone) * base_rates(models)
    normals = normals_before(tilt, clock)[stop]
    sums = tallies[:, SUMS : SUMS + drivers]
    return Counts(sums, normals, first, awaited, paced - first, expected, arrivals, due, common, moved, own, rise)


def base_rates(models: Models) -> Floats:
    """[n] arrivals per year that no other arrival sets off."""
    rates: Floats = models.jump_rate * (1.0 - models.jump_branching)
    return rates


def normals_before(tilt: Tilt, clock: Clock) -> Floats:
    """[step, (g, d)] normals of each driver that count in each segment until a model step, inclusive."""
    steps, segments = clock.checks * clock.substeps, tilt.shift.shape[1]
    before = np.arange(steps)
    counted = (before[:, None] * segments // steps == np.arange(segments))[:, :, None]
    counted = counted & (before[:, None] % tilt.every == 0)[:, None, :]
    out = np.zeros((steps + 1, segments * len(tilt.driver)))
    np.cumsum(counted.reshape(steps, -1), axis=0, out=out[1:])
    return out


def log_ratios(tilt: Tilt, counts: Counts) -> Floats:
    """[w, c] log likelihood ratio of each path under each law to law 0.

    Sums without BLAS, whose last bits may depend on how many rows are multiplied at once.
    """
    shift = tilt.shift.reshape(len(tilt.shift), -1)
    pace, later, spread, common = (tilt.source[row] for row in (PACE, LATER, SPREAD, COMMON))
    own, rise = tilt.mark[OWN], tilt.mark[RISE]
    terms = (
        (counts.sums, shift),
        (counts.normals, -0.5 * shift**2),
        (counts.first, np.log(pace)),
        (counts.awaited, 1.0 - pace),
        (counts.later, np.log(later)),
        (counts.expected, 1.0 - later),
        (counts.arrivals - counts.first - counts.later, np.log(spread)),
        (counts.due, 1.0 - spread),
        (counts.common, common),
        (counts.arrivals, -0.5 * common**2),
        (counts.own, own),
        (counts.moved, -0.5 * own**2 - np.log(rise)),
        (counts.rise, 1.0 - 1.0 / rise),
    )
    total = np.zeros((len(counts.sums), len(shift)))
    for values, weights in terms:
        total += np.einsum("wk,ck->wc", values, weights)
    return total


def mixture_weights(logs: Floats, shares: Floats) -> Floats:
    """[w] likelihood ratio of law 0 to the mixture: 1 / sum_c share_c exp(log ratio_c).

    The balance heuristic of Veach & Guibas (1995, SIGGRAPH): at most one over the share of law 0.
    """
    with np.errstate(divide="ignore"):
        total = logs + np.log(shares)
    highest = total.max(axis=1)
    weights: Floats = np.exp(-highest) / np.exp(total - highest[:, None]).sum(axis=1)
    return weights
