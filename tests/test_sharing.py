"""Pools that share a fund: their parts of it, and what sharing saves and spreads."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stress.kernels.layers import SHARED_FUND
from stress.kernels.results import LAYER_COLUMNS
from stress.kernels.state import State
from stress.kernels.structs import Floats
from stress.sizing.pooling import Terms, poolings
from tests.conformance.case import Json
from tests.following import DUST, end_of, follow, layer_column, scale_of
from tests.test_layers import SHARED_CASES, run, two_pools
from tests.venues import TWAP, cases


def parts(state: State) -> Floats:
    """[l] gains of the pools' parts of shared funds."""
    units = np.array(state.layers.stock["part"]).reshape(state.layers.quantity.shape)
    return np.array(state.layers.each["part_cash"] + units @ state.market["worth"])


@settings(max_examples=40)
@given(SHARED_CASES)
def test_the_parts_of_a_shared_fund_add_up_to_what_it_has_gained(case: Json) -> None:
    venue, states = follow(case)
    shared = venue.layers["kind"] == SHARED_FUND
    for state in states:
        worth = np.array(state.market["worth"])
        gain = state.layers.each["cash"] + state.layers.quantity @ worth - venue.layers["capital"]
        assert parts(state)[shared].sum() == pytest.approx(gain[shared].sum(), abs=DUST * scale_of(case))


@settings(max_examples=40)
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


def shared_run(capital: object) -> Any:
    """Twenty paths of a fund that A, with twice the weight, and B share; B comes second in its own list of one."""
    paths = np.arange(20)
    need = {"A": np.where(paths < 8, 10.0 * paths, 0.0), "B": np.where(paths >= 6, 5.0 * (paths - 6), 0.0)}
    fund = {"type": "shared_fund", "name": "S", "capital": capital, "floor": 0.0}
    scenario = {
        "pools": {
            "A": {"layers": [{**fund, "weight": 2.0}]},
            "B": {"layers": [{"type": "adl", "name": "adl"}, {**fund, "weight": 1.0}]},
        }
    }
    rows, layers = [], []
    for pool, part in need.items():
        rows.append(pd.DataFrame({"path": paths, "pool": pool, "required_fund": need["A"] + need["B"]}))
        drawn = {"paid": part, "paid_for_layers": 0.0, "received": 1.0, "fees": 0.5}
        layers.append(pd.DataFrame({"path": paths, "pool": pool, "layer": "S", "part_fall": part, **drawn}))
    return SimpleNamespace(scenario=scenario, paths=pd.concat(rows), layers=pd.concat(layers))


def test_who_is_spared_and_who_is_short_through_others() -> None:
    """A needs 10 a path up to 70, B 5 a path up to 65, of 60 together: 40 and 20 are theirs.

    A alone is short on paths 5 to 7, B on 11 to 19. Together they need over 60 on path 7 (70 and 5) and on 19 (65).
    """
    (pooling,) = poolings(shared_run(60.0), Terms(0.5, 0.95, None))
    one, other = pooling.members
    assert (one.contribution, other.contribution) == pytest.approx((40.0, 20.0))
    assert (one.drawn, one.brought) == pytest.approx((14.0, 1.5))
    counted = [[event.value for event in (m.short_alone, m.spared, m.infected) if event] for m in (one, other)]
    assert counted[0] == pytest.approx([3 / 20, 2 / 20, 1 / 20])
    assert counted[1] == pytest.approx([9 / 20, 8 / 20, 1 / 20])
    assert pooling.apart is not None
    assert pooling.together.size.value is not None
    assert pooling.saved == pytest.approx(1.0 - pooling.together.size.value / pooling.apart)


def test_nobody_is_short_of_an_unlimited_fund() -> None:
    (pooling,) = poolings(shared_run("unlimited"), Terms(0.5, 0.95, None))
    assert pooling.capital is None
    assert [member.short_alone for member in pooling.members] == [None, None]
    assert [member.share for member in pooling.members] == pytest.approx([2 / 3, 1 / 3])


def test_a_fund_that_is_nobodys_first_is_left_out() -> None:
    """Its need is known on the paths of this run alone, where it may have declined."""
    run = shared_run(60.0)
    for pool in run.scenario["pools"].values():
        pool["layers"].insert(0, {"type": "insurance_fund", "name": "own", "capital": 1.0})
    assert poolings(run, Terms(0.5, 0.95, None)) == ()
