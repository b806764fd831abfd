"""Runs whose paths do not count alike: every reader of results takes the weights into account."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import stress
from stress import columns, store
from stress.errors import IncompleteRun
from tests import fake_run, weighted


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> stress.Run:
    return stress.load(fake_run.write(tmp_path_factory.mktemp("plain") / "run", fake_run.Fake(paths=2_000)))


@pytest.fixture(scope="module")
def drawn(plain: stress.Run, tmp_path_factory: pytest.TempPathFactory) -> stress.Run:
    return weighted.resampled(plain, tmp_path_factory.mktemp("drawn") / "run", 3_000)


def test_a_run_has_weights_or_none(plain: stress.Run, drawn: stress.Run) -> None:
    assert plain.weights is None
    assert drawn.weights is not None
    assert drawn.weights.size == 3_000
    drawn.verify()
    assert drawn.weights.mean() == pytest.approx(1.0, abs=3.0 * drawn.weights.std() / 3_000**0.5)
    assert drawn.weights.max() <= 1.0 / weighted.DEFENSIVE * (1.0 + 1e-12)
    assert np.unique(drawn.paths["component"]).tolist() == [0, 1]


def test_optional_columns_are_in_the_dictionary() -> None:
    listed = columns.dictionary()["paths"]["columns"]  # type: ignore[index]
    assert [column["name"] for column in listed if column["optional"]] == ["weight", "component"]


def test_a_run_has_all_optional_columns_or_none(drawn: stress.Run, tmp_path: Path) -> None:
    table = drawn.table("paths").drop_columns(["component"])
    file = tmp_path / store.part_file("paths", 0)
    file.parent.mkdir()
    pq.write_table(table, file)
    with pytest.raises(IncompleteRun, match="its columns are not those of table paths"):
        store.read_files([file], columns.PATHS)
