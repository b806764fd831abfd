"""Result tables on disk: the content hash, what a damaged folder is told, exceedance curves and recorded paths."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stress
from stress import columns, engine, store, summary
from stress.errors import IncompleteRun
from stress.kernels import results
from tests import fake_plan

ROWS = st.lists(
    st.tuples(
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False) | st.none(),
        st.text(max_size=4),
    ),
    min_size=1,
    max_size=20,
)
SCHEMA = pa.schema([("count", pa.int64()), ("money", pa.float64()), ("name", pa.string())])


def table(rows: list[tuple[int, float | None, str]]) -> pa.Table:
    return pa.Table.from_arrays(
        [pa.array([row[k] for row in rows], type=field.type) for k, field in enumerate(SCHEMA)], schema=SCHEMA
    )


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> stress.Run:
    fake_plan.install(monkeypatch, fake_plan.FakeCascade())
    engine.run(fake_plan.plan(tmp_path), tmp_path / "run")
    return stress.load(tmp_path / "run")


@pytest.mark.parametrize(
    ("spec", "kernel"),
    [
        (columns.PATHS, results.POOL_COLUMNS),
        (columns.LAYERS, results.LAYER_COLUMNS),
        (columns.MARKETS, results.MARKET_COLUMNS),
        (columns.WORST_POOLS, results.TRACE_POOL_COLUMNS),
        (columns.WORST_MARKETS, results.TRACE_MARKET_COLUMNS),
    ],
)
def test_columns_follow_the_kernels(spec: columns.Table, kernel: tuple[str, ...]) -> None:
    assert tuple(column.name for column in spec.values) == kernel


def test_every_column_has_one_sentence_and_a_unit_if_it_is_a_number() -> None:
    for spec in columns.TABLES.values():
        names = [column.name for column in spec.columns]
        assert len(set(names)) == len(names)
        for column in spec.columns:
            assert column.sentence.endswith("."), column.name
            assert column.unit or column.name in {"path"} or column.type == pa.string(), column.name
            assert ("null" in column.sentence) == column.nullable, column.name


@given(ROWS, st.integers(1, 5))
def test_hash_does_not_depend_on_chunks_slices_or_encoding(rows: list[Any], size: int) -> None:
    whole = table(rows)
    chunked = pa.concat_tables([whole.slice(start, size) for start in range(0, len(rows), size)])
    padded = pa.concat_tables([whole.slice(0, 1), whole]).slice(1)
    buffer = pa.BufferOutputStream()
    pq.write_table(whole, buffer, compression="gzip", row_group_size=size, use_dictionary=False)
    read = pq.read_table(pa.BufferReader(buffer.getvalue()))
    hashes = {store.content_hash(each) for each in (whole, chunked, padded, read)}
    assert len(hashes) == 1


@given(ROWS, ROWS)
def test_hash_tells_different_rows_apart(one: list[Any], other: list[Any]) -> None:
    # Minus zero counts as another value here; no result table holds one.
    same = [repr(row) for row in one] == [repr(row) for row in other]
    assert (store.content_hash(table(one)) == store.content_hash(table(other))) == same


@given(ROWS)
def test_hash_depends_on_order_names_and_types(rows: list[Any]) -> None:
    whole = table(rows)
    digest = store.content_hash(whole)
    if [repr(row) for row in rows] != [repr(row) for row in rows[::-1]]:
        assert store.content_hash(table(rows[::-1])) != digest
    assert store.content_hash(whole.rename_columns(["count", "cash", "name"])) != digest
    assert store.content_hash(whole.select(["money", "count", "name"])) != digest


def test_a_null_is_not_a_zero_and_an_int_not_a_float() -> None:
    arrays = [pa.array([0.0]), pa.array([None], type=pa.float64()), pa.array([0]), pa.array([0], type=pa.int32())]
    assert len({store.content_hash(pa.table({"x": array})) for array in arrays}) == 4


def test_minus_zero_is_written_as_zero() -> None:
    spec = columns.MARKETS
    keys = [pa.array([0]), pa.array(["BTC"])]
    values = np.zeros((1, len(spec.values)))
    assert store.content_hash(store.to_table(spec, keys, values)) == store.content_hash(
        store.to_table(spec, keys, -values)
    )


def test_a_value_that_is_not_finite_is_refused_where_null_means_nothing() -> None:
    spec = columns.MARKETS
    values = np.full((1, len(spec.values)), np.nan)
    with pytest.raises(ValueError, match="price_low"):
        store.to_table(spec, [pa.array([0]), pa.array(["BTC"])], values)


def half_written(path: Path) -> None:
    with store.replacing(path) as temporary:
        temporary.write_text("half")
        raise OSError("disk full")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    store.write_json(tmp_path / "a.json", {"x": 1})
    with pytest.raises(ValueError, match="JSON"):
        store.write_json(tmp_path / "a.json", {"x": float("nan")})
    with pytest.raises(OSError, match="disk full"):
        half_written(tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def test_a_whole_run_verifies(run: stress.Run) -> None:
    run.verify()


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("manifest.json", r"no manifest\.json.*run --resume"),
        ("layers/part-00001.parquet", r"layers/part-00001\.parquet: missing"),
        ("worst/markets.parquet", r"worst/markets\.parquet: missing"),
        ("exceedance.parquet", r"exceedance\.parquet: missing"),
        ("scenario.resolved.json", r"scenario\.resolved\.json: missing"),
    ],
)
def test_a_missing_file_is_named_on_load(run: stress.Run, place: str, message: str) -> None:
    (run.folder / place).unlink()
    with pytest.raises(IncompleteRun, match=message):
        stress.load(run.folder)


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(IncompleteRun, match=r"no manifest\.json: not a complete run$"):
        stress.load(tmp_path)
    with pytest.raises(IncompleteRun, match="no such run folder"):
        stress.load(tmp_path / "none")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "not a JSON object"),
        ("{}", "format None"),
        ('{"format": 2}', "format 2"),
        ('{"format": 1}', "does not say that the run is complete"),
    ],
)
def test_a_damaged_manifest_is_an_incomplete_run(run: stress.Run, text: str, message: str) -> None:
    (run.folder / store.MANIFEST).write_text(text)
    with pytest.raises(IncompleteRun, match=message):
        stress.load(run.folder)


def test_a_damaged_part_is_named_when_read(run: stress.Run) -> None:
    file = run.folder / "paths" / "part-00002.parquet"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(IncompleteRun, match=r"part-00002\.parquet: cannot be read"):
        _ = stress.load(run.folder).paths


def test_a_part_of_another_table_is_named_when_read(run: stress.Run) -> None:
    (run.folder / "paths" / "part-00001.parquet").write_bytes(
        (run.folder / "markets" / "part-00001.parquet").read_bytes()
    )
    with pytest.raises(IncompleteRun, match=r"part-00001\.parquet"):
        _ = stress.load(run.folder).paths


def test_verify_names_rows_that_were_changed(run: stress.Run) -> None:
    file = run.folder / "paths" / "part-00001.parquet"
    changed = pq.read_table(file)
    pq.write_table(changed.slice(0, changed.num_rows - 1), file)
    with pytest.raises(IncompleteRun, match=r"part-00001\.parquet: the rows are not those"):
        stress.load(run.folder).verify()


def test_verify_names_a_changed_file(run: stress.Run) -> None:
    (run.folder / store.RESOLVED).write_text("{}")
    with pytest.raises(IncompleteRun, match=r"scenario\.resolved\.json: changed"):
        stress.load(run.folder).verify()


def test_rewriting_a_part_in_another_encoding_still_verifies(run: stress.Run) -> None:
    file = run.folder / "paths" / "part-00001.parquet"
    pq.write_table(pq.read_table(file), file, compression="none", row_group_size=7)
    stress.load(run.folder).verify()


def test_summary_agrees_with_the_frames(run: stress.Run) -> None:
    figures = run.summary["pools"]["main"]["bad_debt"]
    loss = run.paths.query("pool == 'main'")["bad_debt"]
    assert figures["count"] == len(loss) == run.summary["paths"]
    assert figures["mean"] == pytest.approx(loss.mean())
    assert (figures["min"], figures["max"]) == (loss.min(), loss.max())
    assert figures["share_above_zero"] == pytest.approx((loss > 0).mean())
    times = run.layers.query("pool == 'main' and layer == 'fund'")["depletion_s"]
    assert 0 < times.count() < len(times)
    assert run.summary["layers"]["main"]["fund"]["depletion_s"]["count"] == times.count()
    assert run.summary["pools"]["side"]["required_fund"]["mean"] is None
    low = run.markets.query("market == 'ETH'")["price_low"].min()
    assert run.summary["markets"]["ETH"]["price_low"]["min"] == low


def test_exceedance_of_a_run(run: stress.Run) -> None:
    curve = run.exceedance.query("pool == 'main' and metric == 'bad_debt'")
    loss = run.paths.query("pool == 'main'")["bad_debt"].to_numpy()
    for value, probability in zip(curve["loss"], curve["probability"], strict=True):
        assert probability == np.mean(loss >= value)
    assert set(run.exceedance["metric"]) == {"bad_debt", "required_fund", "unpaid"}
    # A pool without a fund has no required fund, hence no curve of it.
    assert set(run.exceedance.query("pool == 'side'")["metric"]) == {"bad_debt", "unpaid"}


@given(st.lists(st.integers(0, 5), min_size=1, max_size=50))
def test_exceedance_counts_ties_together(values: list[int]) -> None:
    loss = np.array(values, dtype=np.float64)
    curve = summary.exceedance_curve(loss)
    assert list(curve[:, 0]) == sorted(set(values), reverse=True)
    assert list(curve[:, 2]) == [np.count_nonzero(loss >= value) for value in curve[:, 0]]
    assert curve[-1, 1] == 1.0


def test_exceedance_of_many_paths_is_thinned_but_keeps_the_tail_and_the_end() -> None:
    loss = np.random.default_rng(1).pareto(1.5, 200_000)
    curve = summary.exceedance_curve(loss)
    assert 1_500 < len(curve) <= 2_001
    assert np.array_equal(curve[:1_000, 0], np.sort(loss)[::-1][:1_000])
    assert np.array_equal(curve[:1_000, 2], np.arange(1, 1_001))
    assert curve[-1, 0] == loss.min()
    assert (np.diff(curve[:, 1]) > 0).all()


def test_recorded_paths_are_the_worst_and_those_at_the_quantiles(run: stress.Run) -> None:
    roles = dict(summary.recorded_paths(run, 2, [0.9, 0.99]))
    assert list(roles) == ["worst", "worst-fund", "var-90%", "var-99%"]
    frame = run.paths
    loss = (frame["bad_debt"] + frame["residual_open"]).groupby(frame["path"]).sum()
    assert roles["worst"] == loss.idxmax()
    ordered = np.sort(loss.to_numpy())
    assert loss[roles["var-90%"]] == ordered[179]
    assert loss[roles["var-99%"]] == ordered[197]
    fund = frame.groupby("path")["required_fund"].max()
    assert fund[roles["worst-fund"]] == fund.max()
