"""Shards of a run, with a fake cascade: merged they are the run in one go, byte by byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import stress
from stress import engine, shards, store
from stress.cli import main
from stress.engine import Shard
from stress.errors import IncompleteRun, NotComparable, UsageError
from tests import fake_plan
from tests.test_engine_run import data_files

PATHS = 2_500


@pytest.fixture(autouse=True)
def _fake(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_plan.install(monkeypatch, fake_plan.FakeCascade())


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A plan of several parts, which merging finds again."""
    made = fake_plan.plan(tmp_path, paths=PATHS)
    monkeypatch.setattr(shards, "_plan", lambda shard: made)
    return made


def simulate(plan: Any, folder: Path, of: int, numbers: list[int] | None = None) -> None:
    for number in numbers or range(1, of + 1):
        engine.run_shard(plan, folder / str(number), Shard(number, of), threads=number, command="tailstress run fake")


@pytest.mark.parametrize("of", [1, 2, 3])
def test_merged_shards_are_the_run_in_one_go(plan: Any, tmp_path: Path, of: int) -> None:
    engine.run(plan, tmp_path / "whole", command="tailstress run fake")
    simulate(plan, tmp_path / "shards", of)
    result = shards.merge(tmp_path / "shards", tmp_path / "merged")
    assert data_files(tmp_path / "merged") == data_files(tmp_path / "whole")
    assert result.kept == PATHS
    stress.load(tmp_path / "merged").verify()


def test_shards_share_the_parts_evenly(plan: Any) -> None:
    parts = engine.plan_parts(plan)
    for of in range(1, len(parts) + 1):
        shares = [Shard(number, of).parts(parts) for number in range(1, of + 1)]
        assert [part for share in shares for part in share] == parts
        assert max(map(len, shares)) - min(map(len, shares)) <= 1
    with pytest.raises(UsageError, match=f"has {len(parts)} parts; it cannot be cut into 99"):
        Shard(1, 99).parts(parts)


def test_a_shard_is_no_run(plan: Any, tmp_path: Path) -> None:
    simulate(plan, tmp_path, 2, [1])
    with pytest.raises(IncompleteRun, match="not a complete run"):
        stress.load(tmp_path / "1")


def test_a_shard_is_resumed(plan: Any, tmp_path: Path) -> None:
    simulate(plan, tmp_path, 2, [2])
    part = Shard(2, 2).parts(engine.plan_parts(plan))[0]
    (tmp_path / "2" / store.part_file("paths", part.index)).unlink()
    with pytest.raises(UsageError, match="not empty"):
        simulate(plan, tmp_path, 2, [2])
    engine.run_shard(plan, tmp_path / "2", Shard(2, 2), resume=True)
    simulate(plan, tmp_path, 2, [1])
    assert shards.merge(tmp_path, tmp_path / "merged").manifest["paths"] == PATHS


def test_missing_paths_are_named(plan: Any, tmp_path: Path) -> None:
    simulate(plan, tmp_path / "shards", 3, [1, 3])
    lacking = Shard(2, 3).parts(engine.plan_parts(plan))
    first, last = lacking[0].first, lacking[-1].first + lacking[-1].paths - 1
    with pytest.raises(IncompleteRun, match=f"holds the paths {first} to {last};"):
        shards.merge(tmp_path / "shards", tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_a_damaged_part_is_missing(plan: Any, tmp_path: Path) -> None:
    simulate(plan, tmp_path / "shards", 2)
    (tmp_path / "shards" / "1" / store.part_file("layers", 0)).write_bytes(b"PAR1 not any more")
    with pytest.raises(IncompleteRun, match="holds the paths 0 to "):
        shards.merge(tmp_path / "shards", tmp_path / "merged")


def test_shards_of_two_runs_do_not_mix(plan: Any, tmp_path: Path) -> None:
    simulate(plan, tmp_path / "shards", 2, [1])
    simulate(fake_plan.plan(tmp_path, paths=PATHS, seed=99), tmp_path / "shards", 2, [2])
    with pytest.raises(NotComparable, match="seed is 11, was 99"):
        shards.merge(tmp_path / "shards", tmp_path / "merged")


def test_nothing_to_merge_and_nowhere_to_put_it(plan: Any, tmp_path: Path) -> None:
    with pytest.raises(IncompleteRun, match="holds no shards"):
        shards.merge(tmp_path, tmp_path / "merged")
    simulate(plan, tmp_path / "shards", 1)
    (tmp_path / "merged").mkdir()
    (tmp_path / "merged" / "thesis.txt").write_text("mine")
    for force in (False, True):
        with pytest.raises(UsageError, match="-o names another"):
            shards.merge(tmp_path / "shards", tmp_path / "merged", force=force)
    assert (tmp_path / "merged" / "thesis.txt").read_text() == "mine"


def test_merging_again_takes_force(plan: Any, tmp_path: Path) -> None:
    simulate(plan, tmp_path, 1)
    first = shards.merge(tmp_path, tmp_path / "merged").manifest["content_hash"]
    with pytest.raises(UsageError, match="--force replaces"):
        shards.merge(tmp_path, tmp_path / "merged")
    assert shards.merge(tmp_path, tmp_path / "merged", force=True).manifest["content_hash"] == first


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/0"])
def test_shards_are_written_i_of_n(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "minimal", "--shard", text]) == 2
    assert "I/N" in capsys.readouterr().err


def test_a_report_is_for_a_whole_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "minimal", "--shard", "1/2", "--report"]) == 2
    assert "merge the shards first" in capsys.readouterr().err


@pytest.mark.slow
def test_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A built-in scenario, with its own kernels."""
    monkeypatch.undo()
    options = ["minimal", "--paths", "1200", "--set", "run.horizon=6h", "--quiet"]
    for number in (1, 2):
        assert main(["run", *options, "--shard", f"{number}/2", "-o", str(tmp_path / "shards" / str(number))]) == 0
    assert main(["run", *options, "-o", str(tmp_path / "whole")]) == 0
    capsys.readouterr()
    assert main(["merge", str(tmp_path / "shards"), "--json", "--quiet"]) == 0
    merged = json.loads(capsys.readouterr().out)
    whole, together = (stress.load(folder) for folder in (tmp_path / "whole", merged["folder"]))
    assert together.manifest == whole.manifest
