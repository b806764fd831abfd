"""The engine with a fake cascade: same bytes however it is run, and what it leaves on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import stress
from stress import columns, engine, store
from stress.errors import IncompleteRun, NonFinitePath, NotComparable, UsageError
from tests import fake_plan


@pytest.fixture(autouse=True)
def _fake(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_plan.install(monkeypatch, fake_plan.FakeCascade())


@pytest.fixture
def plan(tmp_path: Path) -> Any:
    return fake_plan.plan(tmp_path)


@pytest.fixture
def finished(plan: Any, tmp_path: Path) -> stress.Run:
    engine.run(plan, tmp_path / "run")
    return stress.load(tmp_path / "run")


def data_files(folder: Path) -> dict[str, bytes]:
    """Every file of a run but the log, by place."""
    files = (file for file in folder.rglob("*") if file.is_file() and file.name != store.LOG)
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in sorted(files)}


@pytest.mark.parametrize(("threads", "block_bytes"), [(1, 1), (2, 1), (2, 1 << 20), (5, 64 * 800)])
def test_same_bytes_for_any_threads_and_blocks(
    plan: Any, finished: stress.Run, tmp_path: Path, threads: int, block_bytes: int
) -> None:
    engine.run(plan, tmp_path / "other", threads=threads, block_bytes=block_bytes)
    assert data_files(tmp_path / "other") == data_files(finished.folder)


def test_another_seed_gives_other_rows(finished: stress.Run, tmp_path: Path) -> None:
    other = engine.run(fake_plan.plan(tmp_path, seed=12), tmp_path / "other")
    assert other.manifest["content_hash"] != finished.manifest["content_hash"]


def test_a_path_does_not_depend_on_how_many_there_are(finished: stress.Run, tmp_path: Path) -> None:
    engine.run(fake_plan.plan(tmp_path, paths=70), tmp_path / "fewer")
    fewer = stress.load(tmp_path / "fewer")
    assert fewer.paths.equals(finished.paths.head(2 * 70))


def test_parts_are_fixed_ranges_that_cover_every_path_once(tmp_path: Path) -> None:
    for paths in (1, 2, 64, 65, 1_000, 10_000, 100_001):
        parts = engine.plan_parts(fake_plan.plan(tmp_path, paths=paths))
        assert [part.first for part in parts] == list(np.cumsum([0, *(part.paths for part in parts)]))[:-1]
        assert sum(part.paths for part in parts) == paths
        assert max(part.paths for part in parts) <= 1_024
        assert [part.index for part in parts] == list(range(len(parts)))


def test_large_books_have_small_parts(plan: Any) -> None:
    book = plan.venue.book._replace(positions=np.zeros(5_000_000))
    plan.venue = plan.venue._replace(book=book)
    plan.paths = 100_000
    assert max(part.paths for part in engine.plan_parts(plan)) == 128


def test_frames_have_the_types_of_the_data_dictionary(finished: stress.Run) -> None:
    for name, spec in columns.TABLES.items():
        frame = finished.frame(name)
        assert list(frame.columns) == [column.name for column in spec.columns]
        for column in spec.columns:
            kind = {"int64": "int64", "double": "float64", "string": "str"}[str(column.type)]
            assert str(frame[column.name].dtype) == kind, column.name
    assert len(finished.paths) == 200 * 2
    assert len(finished.layers) == 200 * 3
    assert len(finished.markets) == 200 * 2
    assert list(finished.paths["path"]) == list(np.repeat(np.arange(200), 2))
    assert list(finished.layers["layer"][:3]) == ["fund", "adl", "socialise"]


def test_no_nan_but_nulls_where_the_dictionary_allows_them(finished: stress.Run) -> None:
    for name, spec in columns.TABLES.items():
        table = finished.table(name)
        for column in spec.columns:
            values = table[column.name].combine_chunks()
            assert column.nullable or values.null_count == 0, column.name
            if str(column.type) == "double":
                assert np.isfinite(values.drop_null().to_numpy()).all(), column.name
    assert finished.paths.query("pool == 'side'")["required_fund"].isna().all()
    assert finished.worst_markets["depth"].isna().all()


def test_a_part_carries_provenance_units_and_sentences(finished: stress.Run) -> None:
    schema = pq.read_schema(finished.folder / "paths" / "part-00001.parquet")
    stamp = {key.decode(): value.decode() for key, value in schema.metadata.items()}
    assert stamp["first_path"] == "64"
    assert stamp["part_paths"] == "64"
    assert stamp["seed"] == "11"
    assert stamp["scenario_digest"] == "d" * 64
    assert stamp["kernel_digest"] == finished.manifest["kernel_digest"]
    assert stamp["content_sha256"] == finished.manifest["parts"][1]["sha256"]["paths"]
    field = schema.field("bad_debt")
    assert field.metadata[b"unit"] == b"quote currency"
    assert b"Negative equity" in field.metadata[b"description"]


def test_readable_as_a_dataset(finished: stress.Run) -> None:
    dataset = ds.dataset(finished.folder / "paths", format="parquet")
    total = dataset.to_table(columns=["bad_debt"], filter=ds.field("pool") == "main")["bad_debt"].to_numpy().sum()
    assert total == pytest.approx(finished.paths.query("pool == 'main'")["bad_debt"].sum())


def test_manifest_says_what_repeats_the_run_and_describes_the_book(finished: stress.Run) -> None:
    manifest = finished.manifest
    assert manifest["command"] == "tailstress run fake --seed 11 --paths 200"
    assert manifest["complete"] is True
    assert (manifest["step_s"], manifest["check_every_s"], manifest["horizon_s"]) == (3600.0, 3600.0, 86400.0)
    assert [part["first"] for part in manifest["parts"]] == [0, 64, 128, 192]
    assert manifest["layers"][0] == {"pool": "main", "name": "fund", "kind": "insurance_fund"}
    assert manifest["sizing_identity"] is True
    assert manifest["notes"] == ["a note"]
    book = manifest["book"]
    # Prices 100 and 10; account a has equity 10 under a requirement of 20, b 5 over 1, c 90 over 21.
    assert (book["accounts"], book["owners"], book["positions"]) == (3, 2, 4)
    assert book["in_breach_at_start"]["accounts"] == 1
    assert book["open_interest"] == pytest.approx({"BTC": 100.0, "ETH": 10.0})
    assert book["top1_share"] == pytest.approx(0.5)
    assert book["top10_share"] == pytest.approx(1.0)


def test_copies_of_the_inputs(finished: stress.Run) -> None:
    assert finished.scenario == {"format": 1, "name": "fake"}
    assert (finished.folder / store.SCENARIO).read_text() == "format: 1\nname: fake\n"
    dictionary = json.loads((finished.folder / store.DICTIONARY).read_text())
    assert dictionary["paths"]["columns"][0]["name"] == "path"


def test_progress_is_reported_in_whole_blocks_up_to_the_end(plan: Any, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    engine.run(plan, tmp_path / "run", threads=2, block_bytes=1, progress=lambda *step: seen.append(step))
    assert seen[0] == (0, 200)
    assert seen[-1] == (200, 200)
    assert len(seen) == 5
    assert seen == sorted(seen)


def test_a_full_folder_is_not_written_into(plan: Any, finished: stress.Run) -> None:
    before = data_files(finished.folder)
    with pytest.raises(UsageError, match="not empty"):
        engine.run(plan, finished.folder)
    assert data_files(finished.folder) == before


def test_a_folder_of_other_files_is_never_cleared(plan: Any, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    for how in ({"force": True}, {"resume": True}):
        with pytest.raises(UsageError, match="other files"):
            engine.run(plan, tmp_path / "mine", **how)
    with pytest.raises(UsageError, match="is a file"):
        engine.run(plan, tmp_path / "mine" / "notes.txt", force=True)
    assert (tmp_path / "mine" / "notes.txt").read_text() == "keep"


def test_force_replaces_the_run_and_its_report_but_not_other_files(finished: stress.Run, tmp_path: Path) -> None:
    (finished.folder / "notes.txt").write_text("keep")
    (finished.folder / "report").mkdir()
    (finished.folder / "report" / "report.html").write_text("old")
    engine.run(fake_plan.plan(tmp_path, paths=10), finished.folder, force=True)
    again = stress.load(finished.folder)
    assert len(again.paths) == 20
    assert len(list((finished.folder / "paths").iterdir())) == 1
    assert not (finished.folder / "report").exists()
    assert (finished.folder / "notes.txt").read_text() == "keep"


def test_a_price_that_is_not_finite_is_named(plan: Any, tmp_path: Path) -> None:
    plan.models = plan.models._replace(drift=np.array([0.0, np.inf]))
    with pytest.raises(NonFinitePath, match=r"scenario fake, seed 11, path \d+: price of ETH at check 1 is not finite"):
        engine.run(plan, tmp_path / "run")


def test_a_result_that_is_not_finite_is_named(plan: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_plan.install(monkeypatch, fake_plan.FakeCascade(broken_path=1.05))
    with pytest.raises(NonFinitePath, match=r"path \d+: bad_debt of main is not finite.*trace\(plan, \d+\)"):
        engine.run(plan, tmp_path / "run", threads=2)
    with pytest.raises(IncompleteRun):
        stress.load(tmp_path / "run")


def test_an_error_in_the_kernel_reaches_the_caller(plan: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("inside")

    monkeypatch.setattr(fake_plan.FakeCascade, "run_block", fail)
    with pytest.raises(ZeroDivisionError, match="inside"):
        engine.run(plan, tmp_path / "run", threads=2)


def test_resume_refuses_another_plan(finished: stress.Run, tmp_path: Path) -> None:
    with pytest.raises(NotComparable, match="seed is 12, was 11"):
        engine.run(fake_plan.plan(tmp_path, seed=12), finished.folder, resume=True)
    changed = fake_plan.plan(tmp_path)
    changed.venue = changed.venue._replace(book=changed.venue.book._replace(positions=np.zeros(3)))
    with pytest.raises(NotComparable, match="inputs_digest"):
        engine.run(changed, finished.folder, resume=True)


def test_resume_of_a_finished_run_does_nothing(plan: Any, finished: stress.Run) -> None:
    before = data_files(finished.folder)
    result = engine.run(plan, finished.folder, resume=True)
    assert result.kept == 200
    assert data_files(finished.folder) == before


def test_resume_into_an_empty_folder_starts(plan: Any, finished: stress.Run, tmp_path: Path) -> None:
    result = engine.run(plan, tmp_path / "new", resume=True)
    assert result.kept == 0
    assert result.manifest == finished.manifest


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "manifest.json").unlink(),
        lambda folder: (folder / "layers" / "part-00002.parquet").unlink(),
        lambda folder: (folder / "markets" / "part-00000.parquet").write_bytes(b"PAR1 cut short"),
        lambda folder: (folder / "paths" / "part-00003.parquet").rename(folder / "paths" / "part-00000.parquet"),
        lambda folder: (folder / "worst" / "pools.parquet").write_bytes(b""),
        lambda folder: (folder / "summary.json").unlink(),
        lambda folder: (folder / "paths" / ".part-00000.parquet.1.tmp").write_bytes(b"left by a kill"),
    ],
)
def test_resume_mends_what_is_missing_or_damaged(plan: Any, finished: stress.Run, damage: Any) -> None:
    before = data_files(finished.folder)
    damage(finished.folder)
    engine.run(plan, finished.folder, resume=True)
    assert data_files(finished.folder) == before


def test_trace_replays_a_recorded_path(plan: Any, finished: stress.Run) -> None:
    worst = finished.worst_markets.query("role == 'worst' and market == 'ETH'")
    _, markets = engine.trace(plan, int(worst["path"].iloc[0]))
    assert np.array_equal(worst["price"].to_numpy(), markets[:, 1, 1])
    assert list(worst["step"]) == list(range(25))
    assert list(worst["time_s"]) == [3600.0 * step for step in range(25)]


def test_a_long_record_keeps_every_nth_check_and_the_last(
    plan: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stress.records.RECORD_ROWS", 80)
    engine.run(plan, tmp_path / "run")
    kept = stress.load(tmp_path / "run").worst_pools.query("role == 'worst' and pool == 'main'")["step"]
    assert list(kept) == [0, 3, 6, 9, 12, 15, 18, 21, 24]
