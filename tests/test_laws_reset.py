"""A path leaves nothing behind for the next one in the same room."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stress.kernels.cascade import Slots, empty_slots, run_block
from stress.kernels.structs import Floats, Venue
from tests.conformance.case import Json, paths_of, venue_of
from tests.venues import cases


def results(venue: Venue, first: int, log_price: Floats, variance: Floats) -> Slots:
    """All results of a block of paths."""
    slots = empty_slots(len(log_price), venue.pools.size, venue.layers.size, venue.markets.each.size)
    assert run_block(venue, first, log_price, variance, slots, np.zeros(1, np.uint8)) == len(log_price)
    return slots


def several_paths(case: Json, seed: int, count: int) -> tuple[Floats, Floats]:
    """The case's path, that path mirrored and calmed, and the first path again at the end."""
    log_price, variance = paths_of(case)
    scale = np.random.default_rng(seed).uniform(-1.5, 1.5, count)
    scale[0] = scale[-1] = 1.0
    moves = log_price - log_price[0]
    return log_price[0] + scale[:, None, None] * moves, np.repeat(variance[None], count, axis=0)


@given(cases(), st.integers(0, 1_000))
def test_paths_in_one_room_are_those_of_fresh_rooms(case: Json, seed: int) -> None:
    venue = venue_of(case)
    log_price, variance = several_paths(case, seed, 5)
    together = results(venue, 7, log_price, variance)
    for w in range(len(log_price)):
        alone = results(venue, 7 + w, log_price[w : w + 1], variance[w : w + 1])
        for block, one in zip(together, alone, strict=True):
            np.testing.assert_array_equal(block[w], one[0])


@given(cases())
def test_a_room_whose_first_prices_change_is_set_up_again(case: Json) -> None:
    """A cascade is told its prices at index 0 with every path; those of the path before must not be taken for them."""
    venue = venue_of(case)
    log_price, variance = several_paths(case, 1, 3)
    log_price[1] += 0.05
    together = results(venue, 0, log_price, variance)
    alone = results(venue, 1, log_price[1:2], variance[1:2])
    for block, one in zip(together, alone, strict=True):
        np.testing.assert_array_equal(block[1], one[0])
