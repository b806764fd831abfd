"""Where every position waits at index 0, the same for all paths of a venue."""

from __future__ import annotations

from .jit import part
from .records import Records
from .state import Accounts
from .structs import Venue
from .traders.calls import first_level
from .trigger import ROUNDING, is_hurt_by, judge
from .watch import BUCKETS, NOWHERE, REACH, Watch, bucket_of, key_at


@part
def _start_rows(watch: Watch, now: Records) -> None:
    """Measure of the buckets: prices in units of those at index 0."""
    for r in range(watch.rows.size):
        mark = now[r // 2].mark
        watch.rows[r].start = mark
        watch.rows[r].per_unit = BUCKETS / (REACH * mark)
        watch.rows[r].paid = 0.0


@part
def _place(
    venue: Venue, watch: Watch, accounts: Accounts, now: Records, j: int, direction: int, distance: float, level: float
) -> None:
    """Set key and bucket of position j in one direction, and count it there."""
    r = 2 * venue.book.positions[j].market + direction
    place = watch.places[2 * j + direction]
    place.bucket = NOWHERE
    if distance > 0.0 and is_hurt_by(venue.markets, now, r // 2, accounts.positions[j].quantity, direction, level):
        place.key = key_at(watch, r, now[r // 2].mark, distance)
        place.bucket = r * BUCKETS + bucket_of(watch.rows[r], r, place.key)
        watch.entry_first[place.bucket + 1] += 1


@part
def _place_all(venue: Venue, watch: Watch, accounts: Accounts, now: Records) -> None:
    """Keys and buckets of all positions; an account without slack waits nowhere and is looked at on every path.

    Who answers margin calls differs from path to path, so every account that may is looked at when it is called.
    """
    book = venue.book
    for i in range(accounts.each.size):
        level = first_level(venue, i)
        slack, slope, _ = judge(book, venue.markets, accounts, now, i, level)
        if slack <= 0.0:
            watch.exposed[watch.counts[0].exposed] = i
            watch.counts[0].exposed += 1
        distance = slack / slope * (1.0 - ROUNDING) if slope > 0.0 else 0.0
        for j in range(book.accounts[i].first, book.accounts[i].end):
            for direction in range(2):
                _place(venue, watch, accounts, now, j, direction, distance, level)


@part
def _gather(venue: Venue, watch: Watch) -> None:
    """Entries bucket by bucket: a counting sort."""
    first = watch.entry_first
    for at in range(1, first.size):
        first[at] += first[at - 1]
    total = first[first.size - 1]
    for q in range(watch.places.size - 1, -1, -1):
        at = watch.places[q].bucket
        if at != NOWHERE:
            first[at + 1] -= 1  # from the end of the bucket down to its start
            watch.entries[first[at + 1]].key = watch.places[q].key
            watch.entries[first[at + 1]].account = venue.book.positions[q // 2].holder
    for at in range(first.size - 1):
        first[at] = first[at + 1]
    first[first.size - 1] = total


@part
def lay_out(venue: Venue, watch: Watch, accounts: Accounts, now: Records) -> None:
    """Put every position, as it is at index 0, into the bucket of its key."""
    for at in range(watch.entry_first.size):
        watch.entry_first[at] = 0
    watch.counts[0].exposed = 0
    _start_rows(watch, now)
    _place_all(venue, watch, accounts, now)
    _gather(venue, watch)
