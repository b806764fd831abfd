"""Importance sampling: laws under which rare paths are common, and what a path must tell for its likelihood ratio.

A path is drawn under one of a few laws. Law 0 is that of the models; the others shift the mean of the normals that
drive prices and variances, segment of time by segment, multiply the rates at which jumps arrive, shift the normals of
their marks and multiply the mean of variance jumps. From the first check at which a score of the exogenous prices
reaches a level, every law is law 0. The density of any of these laws against law 0 depends on a path through a few
sums, which are tallied here; :mod:`stress.sampling.likelihood` makes weights of them. The law of a path follows from
its number alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .jit import kernel, lane_kernel, part, vector_part
from .structs import Floats, Ints

Normals = NDArray[np.float32]

STOP, SCORE, SUMS = 0, 1, 2
"""Rows of a tally: model steps until the laws end, highest score, then sums of normals by segment and driver; after
those PER_SOURCE rows for each jump source and PER_MARK for each mark."""
PER_SOURCE = 5
"""Arrivals by the base rate or first of all; all arrivals; sum of the normals that the marks of an arrival share; time
of the first arrival in years, 0 for none; integral of the excess over the base rate from the first arrival on."""
EXCESS = 4
"""Place of that integral among them."""
PER_MARK = 3
"""Arrivals that moved the market; sum of their own normals; sum of their variance jumps over the mean of one."""
PACE, LATER, SPREAD, COMMON = 0, 1, 2, 3
"""Rows of ``Tilt.source``."""
OWN, RISE = 0, 1
"""Rows of ``Tilt.mark``."""
FALL, FALL_FROM, CLIMB, CLIMB_FROM = 0, 1, 2, 3
"""Rows of ``Tilt.score``."""


class Tilt(NamedTuple):
    """The laws; c is the number of a law, g a segment of time, d a driver, k a mark."""

    turn: Ints
    """[k] law of path number i is turn[i % k]; empty where nothing is tilted or tallied."""
    driver: Ints
    """[d] normals that laws shift: 2 m the variance shock of market m, 2 m + 1 its price shock, both before they are
    correlated; 2 markets + f the common factor f."""
    every: Ints
    """[d] model steps from one normal of the driver that does anything to the next; the others are left alone."""
    shift: Floats
    """[c, g, d] mean of the driver's normals."""
    source: Floats
    """[4, c, n] factor on the rate of the jump source until its first arrival; after that, factors on the base rate
    and on the excess over it; mean of the normal shared by the marks of an arrival."""
    mark: Floats
    """[2, c, k] mean of the mark's own normal; factor on the mean of its variance jump."""
    place: Ints
    """[n, m] number k of the mark that source n gives market m, -1 for none."""
    score: Floats
    """[4, m] weight of a fall of the log price beyond a distance from the first price, the distance; the same of a
    rise. The score is the sum over the markets."""
    level: float
    """Score from which on paths follow law 0."""


class Tally(NamedTuple):
    """The laws, and what the lanes of a block have to remember of them."""

    tilt: Tilt
    law: Ints
    """[lane] law in force: 0 after the stop."""
    active: Floats
    """[lane] 1 until the stop, then 0."""
    score: Floats
    """[lane] score at the check."""
    shift: Normals
    """[d, lane] mean that the driver's normals get in this segment."""
    rows: Floats
    """[row, lane] the tally so far."""


class Twist(NamedTuple):
    """What a law changes in a mark."""

    common: float
    """Mean of the normal that the marks of an arrival share."""
    own: float
    """Mean of the mark's own normal."""
    rise: float
    """Factor on the mean of the variance jump."""


class Pace(NamedTuple):
    """What a law changes in the wait for an arrival."""

    base: float
    """Factor on the base rate."""
    excess: float
    """Factor on the excess over it."""


NO_PACE = Pace(1.0, 1.0)
"""Arrivals as the model has them."""
NO_TWIST = Twist(0.0, 0.0, 1.0)
"""Marks as the model has them."""


def untilted(sources: int = 0, markets: int = 0) -> Tilt:
    """No laws but that of the models, and no tally."""
    return Tilt(
        turn=np.zeros(0, np.int64),
        driver=np.zeros(0, np.int64),
        every=np.zeros(0, np.int64),
        shift=np.zeros((1, 1, 0)),
        source=np.ones((4, 1, sources)),
        mark=np.ones((2, 1, 0)),
        place=np.full((sources, markets), -1, np.int64),
        score=np.zeros((4, markets)),
        level=0.0,
    )


@part
def first_of_sources(tilt: Tilt) -> int:
    """Row of a tally at which the jump sources begin."""
    return SUMS + tilt.shift.shape[1] * tilt.driver.size


@kernel
def rows_of(tilt: Tilt) -> int:
    """Rows of a tally."""
    if tilt.turn.size == 0:
        return 0
    segments, drivers = tilt.shift.shape[1], tilt.driver.size
    return SUMS + segments * drivers + PER_SOURCE * tilt.source.shape[2] + PER_MARK * tilt.mark.shape[2]


@kernel
def allocate_tally(tilt: Tilt, lanes: int) -> Tally:
    """Scratch of a block of ``lanes`` lanes."""
    used = lanes if tilt.turn.size > 0 else 0
    return Tally(
        tilt,
        np.zeros(used, np.int64),
        np.zeros(used),
        np.zeros(used),
        np.zeros((tilt.driver.size, used), np.float32),
        np.zeros((rows_of(tilt), used)),
    )


@part
def start_tally(tally: Tally, first_path: int, steps: int) -> None:
    """Give every lane the law of its path; lane l belongs to path first_path + l."""
    for lane in range(tally.law.size):
        tally.law[lane] = tally.tilt.turn[(first_path + lane) % tally.tilt.turn.size]
        tally.active[lane] = 1.0
        for row in range(tally.rows.shape[0]):
            tally.rows[row, lane] = 0.0
        tally.rows[STOP, lane] = steps


@lane_kernel
def lean(z: Normals, shift: Normals, active: Floats, total: Floats) -> None:
    """Shift the normals of a driver, and add to the totals of the lanes that are not stopped."""
    for lane in range(total.size):
        shifted = z[lane] + shift[lane]
        z[lane] = shifted
        total[lane] += active[lane] * np.float64(shifted)


@part
def enter_segment(tally: Tally, segment: int) -> None:
    """Look up the shifts of a segment."""
    for d in range(tally.tilt.driver.size):
        for lane in range(tally.law.size):
            tally.shift[d, lane] = tally.tilt.shift[tally.law[lane], segment, d]


@vector_part
def lean_all(tally: Tally, draws: Normals, common: Normals, step: int, steps: int) -> None:
    """Shift the normals of model step ``step`` (from 1) of ``steps``: draws[m, 4, lane] and common[pair, 4, lane]."""
    tilt = tally.tilt
    segments, odd = tilt.shift.shape[1], (step - 1) % 2
    segment = (step - 1) * segments // steps
    if step == 1 or segment != (step - 2) * segments // steps:
        enter_segment(tally, segment)
    for d in range(tilt.driver.size):
        if (step - 1) % tilt.every[d] == 0:
            number, row = tilt.driver[d], SUMS + segment * tilt.driver.size + d
            block, place = number // 2, 2 * odd + number % 2
            if block < draws.shape[0]:
                lean(draws[block, place], tally.shift[d], tally.active, tally.rows[row])
            else:
                lean(common[block - draws.shape[0], place], tally.shift[d], tally.active, tally.rows[row])


@lane_kernel
def add_score(weights: Floats, log_price: Floats, start: float, score: Floats) -> None:
    """Add to the scores what one market contributes; weights [4] as ``Tilt.score`` has them."""
    fall, fall_from, climb, climb_from = weights[0], weights[1], weights[2], weights[3]
    for lane in range(score.size):
        move = log_price[lane] - start
        down, up = -move - fall_from, move - climb_from
        score[lane] += fall * (down if down > 0.0 else 0.0) + climb * (up if up > 0.0 else 0.0)


@lane_kernel
def take_highest(score: Floats, highest: Floats) -> None:
    """Keep the highest score of every lane."""
    for lane in range(highest.size):
        highest[lane] = max(highest[lane], score[lane])


@lane_kernel
def newly_over(score: Floats, level: float, active: Floats) -> float:
    """Lanes to be stopped; counted without a break, which would keep the loop scalar."""
    count = 0.0
    for lane in range(score.size):
        count += active[lane] if score[lane] >= level else 0.0
    return count


@vector_part
def judge_lanes(tally: Tally, log_price: Floats, start: Floats) -> bool:
    """Score every lane at a check, log_price[m, lane]; whether any is to be stopped."""
    tilt, score = tally.tilt, tally.score
    for lane in range(score.size):
        score[lane] = 0.0
    for m in range(log_price.shape[0]):
        if tilt.score[FALL, m] > 0.0 or tilt.score[CLIMB, m] > 0.0:
            add_score(tilt.score[:, m], log_price[m], start[m], score)
    take_highest(score, tally.rows[SCORE])
    return newly_over(score, tilt.level, tally.active) > 0.0


@part
def stop_lane(tally: Tally, lane: int, step: int) -> None:
    """Put a lane under law 0 for good, after model step ``step``."""
    tally.law[lane] = 0
    tally.active[lane] = 0.0
    tally.rows[STOP, lane] = step
    for d in range(tally.shift.shape[0]):
        tally.shift[d, lane] = 0.0


@part
def pace_of(tally: Tally, n: int, number: int, lane: int) -> Pace:
    """What the law of a lane changes in the wait for arrival ``number`` of source n."""
    if tally.law.size == 0:
        return Pace(1.0, 1.0)
    source, law = tally.tilt.source, tally.law[lane]
    if number == 0:
        return Pace(source[PACE, law, n], source[PACE, law, n])
    return Pace(source[LATER, law, n], source[SPREAD, law, n])


@part
def twist_of(tally: Tally, n: int, m: int, lane: int) -> Twist:
    """What the law of a lane changes in the mark that source n gives market m."""
    if tally.law.size == 0:
        return Twist(0.0, 0.0, 1.0)
    tilt = tally.tilt
    law, k = tally.law[lane], tilt.place[n, m]
    return Twist(tilt.source[COMMON, law, n], tilt.mark[OWN, law, k], tilt.mark[RISE, law, k])


@part
def tally_arrival(tally: Tally, n: int, lane: int, paced: bool, common: float, first: float) -> None:
    """Count an arrival of source n with the normal that its marks share; ``first`` is its time if it is the first."""
    if tally.active[lane] > 0.0:
        row = first_of_sources(tally.tilt) + PER_SOURCE * n
        tally.rows[row, lane] += 1.0 if paced else 0.0
        tally.rows[row + 1, lane] += 1.0
        tally.rows[row + 2, lane] += common
        tally.rows[row + 3, lane] += first


@part
def tally_mark(tally: Tally, n: int, m: int, lane: int, own: float, rise: float) -> None:
    """Count a mark of source n that moved market m; ``rise`` is its variance jump over the mean of one."""
    if tally.active[lane] > 0.0:
        tilt = tally.tilt
        row = first_of_sources(tilt) + PER_SOURCE * tilt.source.shape[2] + PER_MARK * tilt.place[n, m]
        tally.rows[row, lane] += 1.0
        tally.rows[row + 1, lane] += own
        tally.rows[row + 2, lane] += rise


@part
def write_tally(rows: Floats, out: Floats) -> None:
    """Copy rows[row, lane] to out[w, row]."""
    for w in range(out.shape[0]):
        for row in range(out.shape[1]):
            out[w, row] = rows[row, w]
