"""The engine over the real kernels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import stress
from stress import columns, engine
from stress.build import Plan, build
from stress.scenario import load_scenario

PATHS = 130


@pytest.fixture(scope="module")
def plan() -> Plan:
    """A day of hard times for a small book, so that every layer acts on some path."""
    harsh = ["markets.BTC.model.v0=4", "markets.BTC.model.theta=4", "pools.main.layers.0.capital=200_000"]
    return build(load_scenario("minimal", harsh, paths=PATHS))


@pytest.fixture(scope="module")
def run(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> stress.Run:
    folder = tmp_path_factory.mktemp("real") / "run"
    engine.run(plan, folder)
    return stress.load(folder)


def test_same_rows_for_any_threads_and_blocks(plan: Plan, run: stress.Run, tmp_path: Path) -> None:
    for threads, block_bytes in ((2, 1), (3, 100 * 16 * 289)):
        result = engine.run(plan, tmp_path / str(threads), threads=threads, block_bytes=block_bytes)
        assert result.manifest["content_hash"] == run.manifest["content_hash"]


def test_the_scenario_is_hard_enough_to_mean_something(run: stress.Run) -> None:
    sums = run.paths[["bad_debt", "adl_notional", "fund_low"]].gt(0).sum()
    assert (sums > 0).all()
    assert run.paths["first_decline_s"].notna().any()


def test_records_end_where_the_paths_do(run: stress.Run) -> None:
    last = run.worst_pools.groupby("role", sort=False).last()
    for role, row in last.iterrows():
        path = run.paths.set_index("path").loc[row["path"]]
        for name in ("liquidated_notional", "bad_debt", "adl_notional", "socialised", "residual"):
            assert row[name] == path[name], (role, name)
        assert row["fund_equity"] == path["fund_end"]
    markets = run.worst_markets.groupby("role", sort=False).last()
    for _, row in markets.iterrows():
        path = run.markets.set_index("path").loc[row["path"]]
        assert row["price"] == path["price_end"]
        assert row["open_interest"] == path["open_interest_end"]


def test_a_single_path_is_traced_as_it_ran(plan: Plan, run: stress.Run) -> None:
    pools, _ = engine.trace(plan, 77)
    column = [column.name for column in columns.WORST_POOLS.values].index("liquidated_notional")
    assert pools[-1, 0, column] == run.paths.set_index("path").loc[77, "liquidated_notional"]


def test_who_pays_adds_up_on_every_path(run: stress.Run) -> None:
    paths = run.paths.sort_values("path")
    borne = run.layers.groupby("path")["paid"].sum().to_numpy() + paths["residual"].to_numpy()
    np.testing.assert_allclose(borne, paths["bad_debt"].to_numpy(), rtol=1e-9, atol=1e-3)


def test_owners_are_listed_by_name(plan: Plan, run: stress.Run) -> None:
    """Largest first, with the amounts that the pool's totals hold; on paths where fewer than ten paid, all of them."""
    owners = run.owners
    assert set(owners["owner"]) <= set(plan.positions.owner_names)
    for _, places in owners.groupby(["path", "pool", "role"])["place"]:
        assert places.tolist() == list(range(1, len(places) + 1))
    parts = owners[["layers", "adl", "socialised", "written_off"]].sum(axis=1)
    np.testing.assert_allclose(parts, owners["amount"], rtol=1e-12)
    paths = run.paths.set_index("path")
    paid = owners[owners["role"] == "paid"].groupby("path")["amount"]
    few = paths.loc[paid.sum().index]
    np.testing.assert_allclose(paid.sum(), few["paid_top10_share"] * few["paid_by_owners"], rtol=1e-9)
    np.testing.assert_allclose(paid.max(), few["paid_top1_share"] * few["paid_by_owners"], rtol=1e-9)
    assert paths["paid_gini"].notna().equals(paths["payers"] > 0)
