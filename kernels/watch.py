"""Which accounts a move of the marks can have hurt: every safe account waits at the price that could end its safety.

A position says up to which mark its account is safe in its market and
direction. Those prices lie in buckets, one row of buckets per market and
direction, so that a check passes over the few buckets between the mark of the
last check and that of now, however many accounts there are. Who is found there
is *pending* and will be looked at.

What all paths share, the prices at index 0, is laid out once; an account is
moved to a chain of its bucket when it is first looked at on a path. Setting
back touches what the path has touched.

Both directions are one: with ``x = mark`` against falls and ``x = -mark``
against rises, an account is looked at once ``x <= key``. Funding that has been
paid since counts as a move against whoever paid it, so a payment shifts ``x``
and touches no account.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .jit import part
from .records import Record, Records, record, records
from .structs import Ints

BUCKETS = 2048
"""Buckets of one market and direction."""

REACH = 4.0
"""Price, in units of that at index 0, at which the last bucket begins; a bucket is 0.2 % of the first price wide."""

FALL, RISE = 0, 1
"""Directions; row ``2 m + direction`` belongs to market m."""

NOWHERE = -1

ROW = record(
    ("per_unit", float, "Buckets per unit of price."),
    ("start", float, "Mark at index 0."),
    ("paid", float, "Funding per unit paid so far by those whom this direction hurts."),
    ("funding", float, "Cumulative funding per unit at the last look."),
    ("frontier", int, "Bucket of x at the last look; nobody waits above it."),
)

WAITING = record(
    ("key", float, "x at or under which the account must be looked at."),
    ("bucket", int, "Bucket in which the position waits on this path, or NOWHERE."),
    ("following", int, "Next position of the bucket, or NOWHERE."),
    ("preceding", int, "The one before, or NOWHERE."),
)

ENTRY = record(
    ("account", int, "Account."),
    ("key", float, "x at or under which it must be looked at, as long as nobody has done so on this path."),
)

WATCHED = record(
    ("looked", int, "Path stamp of the first look: from then on its entries of index 0 say nothing."),
    ("touched", int, "Path stamp of the first change."),
    ("pending", int, "1 while in the list of those to look at."),
)

COUNTS = record(
    ("stamp", int, "Number of the running path, from 1."),
    ("pending", int, "Accounts to look at."),
    ("touched", int, "Accounts changed on this path."),
    ("exposed", int, "Accounts that are looked at from the start of every path."),
    ("everybody", int, "1 when all must be looked at: after a new margin factor."),
)


class Watch(NamedTuple):
    """Who waits where; ``r`` is the row of a market and direction, place ``2 j + direction`` belongs to position j."""

    rows: Records
    """[r] ROW."""
    head: Ints
    """[r * BUCKETS] first position waiting in the bucket, or NOWHERE."""
    places: Records
    """[2j] WAITING."""
    entries: Records
    """[2j] ENTRY of index 0, bucket by bucket."""
    entry_first: Ints
    """[r * BUCKETS + 1] first entry of the bucket."""
    each: Records
    """[i] WATCHED."""
    pending: Ints
    """[i] accounts to look at."""
    touched: Ints
    """[i] accounts changed on this path."""
    exposed: Ints
    """[i] accounts in breach at index 0."""
    counts: Records
    """[1] COUNTS."""


def watch_for(accounts: int, positions: int, markets: int) -> Watch:
    """Room for a watch over a book."""
    return Watch(
        records(ROW, 2 * markets),
        np.full(2 * markets * BUCKETS, NOWHERE, np.int64),
        records(WAITING, 2 * positions),
        records(ENTRY, 2 * positions),
        np.zeros(2 * markets * BUCKETS + 1, np.int64),
        records(WATCHED, accounts),
        np.zeros(accounts, np.int64),
        np.zeros(accounts, np.int64),
        np.zeros(accounts, np.int64),
        records(COUNTS, 1),
    )


@part
def pend(watch: Watch, i: int) -> None:
    """Have account i looked at in the next search."""
    if watch.each[i].pending == 0:
        watch.each[i].pending = 1
        watch.pending[watch.counts[0].pending] = i
        watch.counts[0].pending += 1


@part
def touch(watch: Watch, i: int) -> None:
    """Have account i set back at the start of the next path."""
    if watch.each[i].touched != watch.counts[0].stamp:
        watch.each[i].touched = watch.counts[0].stamp
        watch.touched[watch.counts[0].touched] = i
        watch.counts[0].touched += 1


@part
def disturb(watch: Watch, i: int) -> None:
    """Cash or positions of account i have changed."""
    touch(watch, i)
    pend(watch, i)


@part
def forget(watch: Watch) -> None:
    """Have everybody looked at: margin factors have changed."""
    watch.counts[0].everybody = 1


@part
def bucket_of(row: Record, r: int, x: float) -> int:
    """Bucket of x in row r; it does not fall as x rises."""
    if r % 2 == FALL:
        return int(min(max(0.0, x) * row.per_unit, BUCKETS - 1.0))
    return BUCKETS - 1 - int(min(max(0.0, -x) * row.per_unit, BUCKETS - 1.0))


@part
def _x(row: Record, r: int, mark: float) -> float:
    """Mark of row r with what funding has cost, so that less is worse."""
    return (mark if r % 2 == FALL else -mark) - row.paid


@part
def _take_funding(row: Record, r: int, funding: float) -> None:
    """Count funding paid since the last look against those whom it hurts."""
    change = funding - row.funding
    row.funding = funding
    row.paid += max(0.0, change if r % 2 == FALL else -change)


@part
def _cross_bucket(watch: Watch, at: int, x: float) -> None:
    """Pend who waits at or above x in bucket ``at`` of all rows' buckets."""
    stamp = watch.counts[0].stamp
    for e in range(watch.entry_first[at], watch.entry_first[at + 1]):
        if x <= watch.entries[e].key and watch.each[watch.entries[e].account].looked != stamp:
            pend(watch, watch.entries[e].account)


@part
def _cross_chain(watch: Watch, positions: Records, at: int, x: float) -> None:
    """As :func:`_cross_bucket`, of those who were looked at on this path."""
    q = watch.head[at]
    while q != NOWHERE:
        if x <= watch.places[q].key:
            pend(watch, positions[q // 2].holder)
        q = watch.places[q].following


@part
def cross(watch: Watch, positions: Records, now: Records) -> None:
    """Pend every account that the marks of now may have hurt; ``positions`` are those of the book."""
    for r in range(watch.rows.size):
        row = watch.rows[r]
        if now[r // 2].funding != row.funding:
            _take_funding(row, r, now[r // 2].funding)
        x = _x(row, r, now[r // 2].mark)
        bucket = bucket_of(row, r, x)
        for b in range(bucket, row.frontier + 1):
            _cross_bucket(watch, r * BUCKETS + b, x)
            _cross_chain(watch, positions, r * BUCKETS + b, x)
        row.frontier = bucket


@part
def _leave(watch: Watch, r: int, q: int) -> None:
    """Take place q out of its bucket."""
    place = watch.places[q]
    if place.bucket == NOWHERE:
        return
    if place.preceding == NOWHERE:
        watch.head[r * BUCKETS + place.bucket] = place.following
    else:
        watch.places[place.preceding].following = place.following
    if place.following != NOWHERE:
        watch.places[place.following].preceding = place.preceding
    place.bucket = NOWHERE


@part
def _enter(watch: Watch, r: int, q: int) -> None:
    """Put place q, whose key is set, into its bucket."""
    place = watch.places[q]
    place.bucket = bucket_of(watch.rows[r], r, place.key)
    first = watch.head[r * BUCKETS + place.bucket]
    place.following, place.preceding = first, NOWHERE
    if first != NOWHERE:
        watch.places[first].preceding = q
    watch.head[r * BUCKETS + place.bucket] = q


@part
def key_at(watch: Watch, r: int, mark: float, distance: float) -> float:
    """Key of an account that is safe until the mark has moved against it by the relative ``distance``."""
    return _x(watch.rows[r], r, mark) - distance * mark


@part
def wait(watch: Watch, r: int, j: int, hurt: bool, before: bool, key: float) -> None:
    """Let position j wait in row r at ``key`` if a move there can hurt it; ``before``: it may wait already."""
    q = 2 * j + r % 2
    if before:
        _leave(watch, r, q)
    else:
        watch.places[q].bucket = NOWHERE
    if hurt:
        watch.places[q].key = key
        _enter(watch, r, q)


@part
def mark_looked(watch: Watch, i: int) -> bool:
    """Note that account i has been looked at on this path; whether it had been before, so that it may have places."""
    before = watch.each[i].looked == watch.counts[0].stamp
    watch.each[i].looked = watch.counts[0].stamp
    return before


@part
def is_laid_out(watch: Watch, now: Records) -> bool:
    """Whether the entries of index 0 are those of its marks."""
    if watch.counts[0].stamp == 0:
        return False
    for r in range(watch.rows.size):
        if watch.rows[r].start != now[r // 2].mark:
            return False
    return True


@part
def begin_watch(watch: Watch, now: Records) -> None:
    """Start a path: nobody has been looked at, and whoever was in breach at index 0 is pending."""
    counts = watch.counts[0]
    for n in range(counts.pending):
        watch.each[watch.pending[n]].pending = 0
    counts.pending, counts.touched, counts.everybody = 0, 0, 0
    counts.stamp += 1
    for at in range(watch.head.size):
        watch.head[at] = NOWHERE
    for r in range(watch.rows.size):
        row = watch.rows[r]
        row.paid, row.funding = 0.0, 0.0
        row.frontier = bucket_of(row, r, _x(row, r, now[r // 2].mark))
    for n in range(counts.exposed):
        pend(watch, watch.exposed[n])
