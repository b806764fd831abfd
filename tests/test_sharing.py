"""Pools that share a fund: their parts of it, and what sharing saves and spreads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stress.kernels.layers import SHARED_FUND
from stress.kernels.results import LAYER_COLUMNS
from stress.kernels.state import State
from stress.kernels.structs import Floats
from tests.conformance.case import Json
from tests.following import DUST, end_of, follow, layer_column, scale_of
from tests.test_layers import EXAMPLES, SHARED_CASES, run, two_pools
from tests.venues import TWAP, cases

pytestmark = pytest.mark.interpreted


def parts(state: State) -> Floats:
    """[l] gains of the pools' parts of shared funds."""
    units = np.array(state.layers.stock["part"]).reshape(state.layers.quantity.shape)
    return np.array(state.layers.each["part_cash"] + units @ state.market["worth"])


@EXAMPLES
@given(SHARED_CASES)
def test_the_parts_of_a_shared_fund_add_up_to_what_it_has_gained(case: Json) -> None:
    venue, states = follow(case)
    shared = venue.layers["kind"] == SHARED_FUND
    for state in states:
        worth = np.array(state.market["worth"])
        gain = state.layers.each["cash"] + state.layers.quantity @ worth - venue.layers["capital"]
        assert parts(state)[shared].sum() == pytest.approx(gain[shared].sum(), abs=DUST * scale_of(case))


@settings(max_examples=60)
@given(cases(layers=st.just([]), pools=3), st.one_of(st.none(), TWAP))
def test_a_part_falls_as_a_fund_of_its_own_would(case: Json, unwind: Json | None) -> None:
    """Funds that take everything, one for all pools or one for each, see the same accounts and the same prices."""
    for pool in case["pools"]:
        pool["layers"] = [{"type": "shared_fund", "name": "S", "unlimited": True, "unwind": unwind}]
    _, together = end_of(case)
    for pool in case["pools"]:
        pool["layers"] = [{"type": "insurance_fund", "name": pool["name"], "unlimited": True, "unwind": unwind}]
    _, alone = end_of(case)
    found, expected = layer_column(together, "part_fall"), layer_column(alone, "largest_fall")
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=DUST * scale_of(case))
    assert layer_column(together, "largest_fall")[0] <= expected.sum() + DUST * scale_of(case)


def test_parts_are_known_where_a_finite_fund_declines() -> None:
    """A fund of 12 pays 4 and 8 of debts of 10 and 20; the parts say what would have been needed."""
    _, layers = run(two_pools(12.0))
    assert layers[:, LAYER_COLUMNS.index("paid")] == pytest.approx([4.0, 8.0])
    assert layers[:, LAYER_COLUMNS.index("part_fall")] == pytest.approx([10.0, 20.0])
