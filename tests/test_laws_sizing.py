"""The sizing identity: one run with an unlimited fund tells what every finite fund would have done (MODEL 9)."""

from __future__ import annotations

import copy

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stress.kernels.cascade import empty_slots, run_block
from stress.kernels.results import LAYER_COLUMNS, POOL_COLUMNS
from stress.kernels.structs import Floats, Venue
from tests.conformance.case import Json, paths_of, venue_of
from tests.following import DUST, end_of, follow, layer_column, scale_of
from tests.venues import ANY_LAYER, FUND, VAULT, cases

EXAMPLES = settings(max_examples=200)

SIZED = st.tuples(st.one_of(FUND, FUND, VAULT), st.lists(ANY_LAYER, max_size=2)).map(
    lambda drawn: [drawn[0], *drawn[1]]
)
"""A fund or vault to be sized, with other layers after it."""

CASES = cases(layers=SIZED, pools=1)
REQUIRED = POOL_COLUMNS.index("required_fund")
DECLINED, UNDER = LAYER_COLUMNS.index("first_decline_s"), LAYER_COLUMNS.index("first_under_s")


def with_fund(case: Json, unlimited: bool, capital: float = 0.0, floor: float = 0.0) -> Json:
    """The case with its first layer made unlimited, or of the given capital and floor."""
    case = copy.deepcopy(case)
    case["pools"][0]["layers"][0] |= {"unlimited": unlimited, "cash": capital, "floor": floor}
    return case


def falls(case: Json) -> Floats:
    """[s] the largest fall of an unlimited first layer up to every step."""
    _, states = follow(with_fund(case, True))
    return np.array([layer_column(state, "largest_fall")[0] for state in states])


def first_trouble(case: Json) -> float:
    """When the first layer first declines, takes less than all, or is seen under its floor; infinite for never."""
    _, state = end_of(case)
    times = [layer_column(state, name)[0] for name in ("first_decline_s", "first_under_s")]
    return float(np.nanmin([*times, np.inf]))


def block(case: Json) -> tuple[Venue, Floats, Floats]:
    """Venue of a case and the rows [p, c] and [l, c] that a run would store of it."""
    venue = venue_of(case)
    log_price, variance = paths_of(case)
    slots = empty_slots(1, venue.pools.size, venue.layers.size, venue.markets.each.size)
    assert run_block(venue, 0, log_price[None], variance[None], slots, np.zeros(1, np.uint8)) == 1
    return venue, slots.pools[0], slots.layers[0]


@EXAMPLES
@given(CASES, st.floats(0.0, 1.5), st.sampled_from([0.0, 0.3, -0.5]))
def test_a_finite_fund_is_in_trouble_exactly_when_the_unlimited_one_needs_more(
    case: Json, size: float, floor_share: float
) -> None:
    fall = falls(case)
    assume(fall[-1] > 0.0)
    floor = floor_share * fall[-1]
    capital = size * fall[-1] + floor
    margin = DUST * (scale_of(case) + abs(capital) + abs(floor))
    assume((np.abs(fall - (capital - floor)) > margin).all())
    expected = np.flatnonzero(fall > capital - floor)
    found = first_trouble(with_fund(case, False, capital, floor))
    assert found == (expected[0] if expected.size else np.inf)


@EXAMPLES
@given(CASES, st.floats(0.01, 0.99))
def test_the_required_fund_of_a_finite_run_is_that_of_the_unlimited_one(case: Json, size: float) -> None:
    """Runs with a finite fund follow the paths on which it declines again with an unlimited one."""
    fall = falls(case)[-1]
    assume(fall > DUST * scale_of(case))
    _, unlimited, _ = block(with_fund(case, True))
    _, pools, layers = block(with_fund(case, False, size * fall))
    np.testing.assert_allclose(unlimited[0, REQUIRED], fall, rtol=1e-12)
    np.testing.assert_allclose(pools[0, REQUIRED], fall, rtol=0.0, atol=DUST * scale_of(case))
    assert not np.isnan(layers[0, [DECLINED, UNDER]]).all()


@EXAMPLES
@given(CASES)
def test_a_fund_of_the_required_size_pays_everything(case: Json) -> None:
    """With R and a little more, nothing is declined and every figure is that of the unlimited fund."""
    fall = falls(case)[-1]
    _, expected, expected_layers = block(with_fund(case, True))
    capital = fall + 10.0 * DUST * scale_of(case)
    _, found, layers = block(with_fund(case, False, capital))
    assert np.isnan(layers[0, DECLINED])
    for name in ("bad_debt", "residual", "adl_paid", "socialised", "required_fund", "taken_over_notional"):
        column = POOL_COLUMNS.index(name)
        np.testing.assert_allclose(found[0, column], expected[0, column], rtol=1e-9, atol=DUST * scale_of(case))
    end = LAYER_COLUMNS.index("equity_end")
    np.testing.assert_allclose(layers[0, end] - capital, expected_layers[0, end], atol=1e-9 * scale_of(case))
