"""Who caused and who paid: sums over owners, lists of the largest, concentration by hand and by definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stress.build.index import owners_by_pool
from stress.kernels.results import LAYER_COLUMNS, OWNER_COLUMNS, POOL_COLUMNS, ROLES, TOP_OWNERS
from stress.kernels.state import State
from stress.kernels.structs import Floats, Venue
from tests.conformance import play
from tests.conformance.case import Json, owners_of
from tests.following import DUST, end_of, layer_column, pool_column, scale_of
from tests.venues import ADL, LAYERS, SOCIALISE, VAULT, cases

SHARES = ("paid_top1_share", "paid_top10_share", "paid_top100_share", "paid_gini", "paid_gini_all")
EXAMPLES = settings(max_examples=60)

AT_BANKRUPTCY = ADL.map(lambda layer: {**layer, "price": "bankruptcy"})
CLOSED_AT_BANKRUPTCY = st.tuples(VAULT, AT_BANKRUPTCY, SOCIALISE).map(list)
SHARED_OUT = st.one_of(LAYERS, st.tuples(AT_BANKRUPTCY, SOCIALISE).map(list))


def per_owner_pool(venue: Venue, state: State, word: str) -> Floats:
    """[p] sums over the owners of each pool."""
    values = state.owners.each[word]
    return np.array([values[pool.owner_first : pool.owner_last].sum() for pool in venue.pools])


@EXAMPLES
@given(cases())
def test_owners_cause_the_bad_debt_and_pay_what_is_charged(case: Json) -> None:
    venue, state = end_of(case)
    money = DUST * scale_of(case)
    caused = {word: per_owner_pool(venue, state, word) for word in ("layers", "adl", "socialised", "written_off")}
    np.testing.assert_allclose(sum(caused.values()), pool_column(state, "bad_debt"), rtol=0.0, atol=money)
    for word, column in (("adl", "adl_paid"), ("socialised", "socialised"), ("written_off", "residual")):
        np.testing.assert_allclose(caused[word], pool_column(state, column), rtol=0.0, atol=money)
    charged = pool_column(state, "socialised") + pool_column(state, "socialised_for_layers")
    np.testing.assert_allclose(per_owner_pool(venue, state, "charged"), charged, rtol=0.0, atol=money)
    closed = per_owner_pool(venue, state, "deleveraged")
    np.testing.assert_allclose(closed, pool_column(state, "adl_notional"), rtol=0.0, atol=money)
    haircut = per_owner_pool(venue, state, "haircut")
    np.testing.assert_allclose(haircut, pool_column(state, "adl_haircut"), rtol=0.0, atol=money)


@EXAMPLES
@given(cases(layers=CLOSED_AT_BANKRUPTCY))
def test_at_bankruptcy_prices_winners_lose_what_adl_bears(case: Json) -> None:
    """The deficits of accounts and of the vault, and nothing else."""
    venue, state = end_of(case)
    adl = [n for n in range(venue.layers.size) if venue.layers[n].place == 1]
    borne = np.zeros(venue.pools.size)
    for name in ("paid", "paid_for_layers"):
        np.add.at(borne, venue.layers["pool"][adl], layer_column(state, name)[adl])
    np.testing.assert_allclose(pool_column(state, "adl_haircut"), borne, rtol=0.0, atol=DUST * scale_of(case))


@EXAMPLES
@given(cases(layers=SHARED_OUT))
def test_the_largest_are_listed(case: Json) -> None:
    venue, state = end_of(case)
    columns = {"caused": ("layers", "adl", "socialised", "written_off"), "paid": ("haircut", "charged")}
    for p, pool in enumerate(venue.pools):
        for role, words in columns.items():
            amounts = {o: sum(state.owners.each[o][w] for w in words) for o in range(pool.owner_first, pool.owner_last)}
            largest = sorted((-amount, o) for o, amount in amounts.items() if amount > 0.0)[:TOP_OWNERS]
            first = (p * len(ROLES) + ROLES.index(role)) * TOP_OWNERS
            rows = state.owners.out[first : first + TOP_OWNERS]
            listed = rows[rows[:, 0] >= 0.0]
            assert [(-row[1], int(row[0])) for row in listed] == largest
            np.testing.assert_allclose(listed[:, 2:].sum(axis=1), listed[:, 1], rtol=1e-12)
            assert (rows[len(listed) :, 0] == -1.0).all()


@EXAMPLES
@given(cases(layers=SHARED_OUT))
def test_concentration_is_between_even_and_all_by_one(case: Json) -> None:
    venue, state = end_of(case)
    for p, pool in enumerate(venue.pools):
        payers, one, ten, hundred, gini, gini_all = (
            float(state.ledger.out[p, POOL_COLUMNS.index(name)])
            for name in (
                "payers",
                "paid_top1_share",
                "paid_top10_share",
                "paid_top100_share",
                "paid_gini",
                "paid_gini_all",
            )
        )
        if payers == 0.0:
            assert np.isnan([one, ten, hundred, gini, gini_all]).all()
            continue
        assert 1.0 / payers - 1e-12 <= one <= ten <= hundred <= 1.0
        assert -1e-12 <= gini <= 1.0 - 1.0 / payers + 1e-12
        assert gini - 1e-12 <= gini_all <= 1.0 - 1.0 / (pool.owner_last - pool.owner_first) + 1e-12


@EXAMPLES
@given(cases(layers=SHARED_OUT))
def test_shares_of_adl_are_those_of_the_largest_owners(case: Json) -> None:
    venue, state = end_of(case)
    for p, pool in enumerate(venue.pools):
        closed = np.sort(state.owners.each["deleveraged"][pool.owner_first : pool.owner_last])[::-1]
        for size in (1, 10, 100):
            share = float(state.ledger.out[p, POOL_COLUMNS.index(f"adl_top{size}_share")])
            if closed.sum() == 0.0:
                assert np.isnan(share)
            else:
                assert share == pytest.approx(closed[:size].sum() / closed.sum(), rel=1e-12)


def bankrupt_long(layers: list[Json], shorts: list[tuple[str, str, float]]) -> Json:
    """Ten units bought at 100 with a wallet of 80, at 90 then: a deficit of 20. ``shorts``: name, owner, units."""
    accounts: list[Json] = [{"name": "l", "owner": "L", "pool": "A", "cash": 80.0, "positions": {"M": [10.0, 100.0]}}]
    for name, owner, units in shorts:
        accounts.append({"name": name, "owner": owner, "pool": "A", "cash": 1e3, "positions": {"M": [-units, 100.0]}})
    market = {"name": "M", "price": [100.0, 90.0], "depth": 1e-6, "tiers": [[0, 0.01]]}
    pool = {"name": "A", "limit": {"type": "bankruptcy"}, "layers": layers}
    return {"dt": 1.0, "markets": [market], "accounts": accounts, "pools": [pool]}


def test_concentration_by_hand() -> None:
    """Winners of 1 + 1, 2 and 6 units pay 20 by contracts: 4, 4 and 12 of three owners.

    Gini over the payers (1*4 + 2*4 + 3*12) * 2 / (3 * 20) - 4/3 = 4/15; over all four owners 1 - (11/15) 3/4.
    """
    adl = {"type": "adl", "name": "adl", "rank": "pro_rata_contracts", "price": "bankruptcy"}
    shorts = [("a1", "A", 1.0), ("b", "B", 2.0), ("a2", "A", 1.0), ("c", "C", 6.0)]
    pool = play(bankrupt_long([adl], shorts))["pools"]["A"]
    assert {name: owner["haircut"] for name, owner in pool["owners"].items()} == pytest.approx(
        {"A": 4.0, "B": 4.0, "C": 12.0, "L": 0.0}, abs=1e-4
    )
    assert {name: pool[name] for name in ("adl_top1_share", "adl_top10_share")} == pytest.approx(
        {"adl_top1_share": 0.6, "adl_top10_share": 1.0}, abs=1e-6
    )
    assert pool["owners"]["L"]["adl"] == pytest.approx(20.0, abs=1e-4)
    expected = {"payers": 3, "paid_by_owners": 20.0, "paid_top1_share": 0.6, "paid_top10_share": 1.0}
    expected |= {"paid_gini": 4.0 / 15.0, "paid_gini_all": 0.45}
    assert {name: pool[name] for name in expected} == pytest.approx(expected, abs=1e-4)


def test_at_the_mark_nobody_pays_in_adl_and_the_deficit_is_shared() -> None:
    """ADL at the mark costs the winner nothing; the debt of 20 is then shared by equity, 1,040 and 1,060."""
    layers = [
        {"type": "adl", "name": "adl", "rank": "profit", "price": "mark"},
        {"type": "socialise", "name": "all", "rule": "equity"},
    ]
    pool = play(bankrupt_long(layers, [("a", "A", 4.0), ("c", "C", 6.0)]))["pools"]["A"]
    assert pool["adl_notional"] == pytest.approx(900.0, abs=1e-2)
    assert [pool["owners"][name]["haircut"] for name in "AC"] == pytest.approx([0.0, 0.0], abs=1e-3)
    charged = [pool["owners"][name]["charged"] for name in "AC"]
    assert charged == pytest.approx([20.0 * 1_040 / 2_100, 20.0 * 1_060 / 2_100], abs=1e-3)
    assert pool["owners"]["L"]["socialised"] == pytest.approx(20.0, abs=1e-3)


@EXAMPLES
@given(cases(layers=SHARED_OUT), st.randoms(use_true_random=False))
def test_lists_do_not_depend_on_the_order_of_accounts(case: Json, random: Any) -> None:
    """Owners with equal amounts too: every account has a twin of another owner."""
    twins = [
        {**account, "name": f"{account['name']}t", "owner": f"{account['owner']}t"} for account in case["accounts"]
    ]
    case = {**case, "accounts": case["accounts"] + twins}
    _, state = end_of(case)
    shuffled = {**case, "accounts": random.sample(case["accounts"], len(case["accounts"]))}
    _, other = end_of(shuffled)
    assert owners_of(case).names == owners_of(shuffled).names
    found, expected = other.owners.out[:, 1:], state.owners.out[:, 1:]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=DUST * scale_of(case))


def test_owners_are_numbered_by_pool_and_name() -> None:
    owners = owners_by_pool(np.array([1, 0, 0, 1]), np.array([0, 1, 0, 0]), ["zoe", "ann", "nobody"], 3)
    assert owners.names == ("ann", "zoe", "zoe")
    assert owners.of_account.tolist() == [2, 0, 1, 2]
    assert owners.first.tolist() == [0, 2, 3, 3]


def test_columns_of_lists_are_those_of_the_kernel() -> None:
    from stress import columns

    assert tuple(column.name for column in columns.OWNERS.values) == OWNER_COLUMNS
    assert tuple(column.name for column in columns.LAYERS.values) == LAYER_COLUMNS
