"""Several pools on one market through the engine: the same rows however the work is cut."""

from __future__ import annotations

from pathlib import Path

import pytest

import stress
from stress import engine
from stress.build import Plan, build
from stress.scenario import load_scenario

PATHS = 90
HARSH = ("markets.BTC.model.v0=3", "markets.BTC.model.theta=3")


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Two pools that share a book, on days rough enough for both to lose."""
    return build(load_scenario("two-pools", HARSH, paths=PATHS))


@pytest.fixture(scope="module")
def content(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Hash of the rows of a run in one thread and one block."""
    folder = tmp_path_factory.mktemp("pools") / "run"
    content: str = engine.run(plan, folder).manifest["content_hash"]
    paths = stress.load(folder).paths
    assert (paths.groupby("pool")["bad_debt"].max() > 0.0).all()
    assert paths.groupby("pool").size().tolist() == [PATHS, PATHS]
    return content


@pytest.mark.parametrize(("threads", "block_bytes"), [(1, 1), (2, 1), (2, 40 * 16 * 289)])
def test_same_rows_however_the_work_is_cut(
    plan: Plan, content: str, tmp_path: Path, threads: int, block_bytes: int
) -> None:
    result = engine.run(plan, tmp_path / "run", threads=threads, block_bytes=block_bytes)
    assert result.manifest["content_hash"] == content


def test_another_seed_gives_other_rows(content: str, tmp_path: Path) -> None:
    other = build(load_scenario("two-pools", (*HARSH, "run.seed=2"), paths=PATHS))
    assert engine.run(other, tmp_path / "run").manifest["content_hash"] != content
