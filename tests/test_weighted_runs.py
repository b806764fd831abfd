"""Runs whose paths do not count alike: every reader of results takes the weights into account."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import stress
from stress import columns, store
from stress.check.compare import compare
from stress.check.limit import point
from stress.check.metrics import Statistic, read
from stress.errors import IncompleteRun
from stress.report.owners import dealings
from stress.sizing import Sizing, size
from stress.sizing.analysis import pool_losses
from stress.sizing.owners import Concentration, tail_owners
from stress.sizing.sampling import sampling_of
from stress.weights import Weights
from tests import fake_run, weighted


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> stress.Run:
    return stress.load(
        fake_run.write(tmp_path_factory.mktemp("plain") / "run", fake_run.Fake(paths=2_000, share=0.15, capital=12e6))
    )


@pytest.fixture(scope="module")
def drawn(plain: stress.Run, tmp_path_factory: pytest.TempPathFactory) -> stress.Run:
    return weighted.resampled(plain, tmp_path_factory.mktemp("drawn") / "run", 12_000)


@pytest.fixture(scope="module")
def ones(plain: stress.Run, tmp_path_factory: pytest.TempPathFactory) -> stress.Run:
    return weighted.with_ones(plain, tmp_path_factory.mktemp("ones") / "run")


@pytest.fixture(scope="module")
def sizings(plain: stress.Run, drawn: stress.Run) -> tuple[Sizing, Sizing]:
    return size(plain, tails=True), size(drawn, tails=True)


def test_a_run_has_weights_or_none(plain: stress.Run, drawn: stress.Run) -> None:
    assert plain.weights is None
    assert drawn.weights is not None
    assert drawn.weights.size == 12_000
    drawn.verify()
    assert drawn.weights.mean() == pytest.approx(1.0, abs=3.0 * drawn.weights.std() / 12_000**0.5)
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


def test_weights_of_one_change_no_number(plain: stress.Run, ones: stress.Run) -> None:
    first, second = size(plain, tails=True), size(ones, tails=True)
    assert second.sampling is not None
    assert second.sampling.problems == ()
    assert second.sampling.effective == 2_000
    assert second.to_dict() | {"sampling": None} == first.to_dict()
    assert tail_owners(ones, "main") == tail_owners(plain, "main")
    assert Concentration.of(ones, "main").counts is None
    assert dealings(ones, second, second.pools[0]) == dealings(plain, first, first.pools[0])
    compared = compare(plain, ones)
    assert compared.paired
    assert {figure.verdict for figure in compared.figures} <= {"the same", "few paths"}


def test_every_estimate_of_a_weighted_run_is_that_of_the_law_it_was_not_drawn_from(
    sizings: tuple[Sizing, Sizing],
) -> None:
    """The truth is the plain run; an interval twice as wide misses it once in 10,000 times."""
    known = {_place(row): row for row in sizings[0].estimates()}
    compared = 0
    for row in sizings[1].estimates():
        truth, value = known.get(_place(row), {}).get("value"), row["value"]
        if truth is None or value is None or row["low"] is None or row["high"] is None or row["exceedances"] < 30:
            continue
        low, high = value - 2.0 * (value - row["low"]), value + 2.0 * (row["high"] - value)
        assert low * (1.0 - 1e-9) <= truth <= high * (1.0 + 1e-9), (_place(row), truth, row)
        compared += 1
    # Of about ninety rows those without an interval, and those that the plain run has no number for, are left out.
    assert compared >= 30


def _place(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[key] for key in ("pool", "market", "metric", "statistic", "level"))


def test_parts_of_a_loss_are_divided_by_weight(sizings: tuple[Sizing, Sizing]) -> None:
    """Contributions and payers add up to the weighted loss, and agree with the plain run's."""
    plain, drawn = sizings
    for mine, truth in zip(drawn.allocations, plain.allocations, strict=True):
        shares = [{part.name: part.levels[0] or 0.0 for part in each.parts} for each in (mine, truth)]
        assert sum(shares[0].values()) == pytest.approx(sum(shares[1].values()), rel=0.1)
        for name, amount in shares[1].items():
            assert shares[0][name] == pytest.approx(amount, rel=0.15), name
    debt = drawn.pools[0].loss("bad_debt")
    assert debt is not None
    assert sum(payer.mean for payer in drawn.pools[0].payers) == pytest.approx(debt.mean.value)
    for payer, other in zip(drawn.pools[0].payers, plain.pools[0].payers, strict=True):
        assert payer.mean == pytest.approx(other.mean, rel=0.2)
    for market, other in zip(drawn.markets, plain.markets, strict=True):
        assert market.mean_liquidated == pytest.approx(other.mean_liquidated, rel=0.1)


def _standard_errors(run: stress.Run, table: columns.Table, column: str, groups: int) -> np.ndarray[Any, Any]:
    """[group] of the weighted means of a column."""
    assert run.weights is not None
    weights = Weights(run.weights)
    values = np.nan_to_num(run.frame(table.name)[column].to_numpy(dtype=np.float64)).reshape(-1, groups)
    return np.array([weights.influence(each).std() / len(each) ** 0.5 for each in values.T])


@pytest.mark.parametrize("table", [columns.PATHS, columns.MARKETS], ids=["paths", "markets"])
def test_every_column_of_the_summary_has_the_mean_of_the_plain_run(
    plain: stress.Run, drawn: stress.Run, ones: stress.Run, table: columns.Table
) -> None:
    room = {"paths": "pools", "markets": "markets"}[table.name]
    names = plain.manifest[room]
    truth, found, same = (weighted.summarised(run)[room] for run in (plain, drawn, ones))
    assert same == truth
    for column in table.values:
        errors = _standard_errors(drawn, table, column.name, len(names))
        for name, error in zip(names, errors, strict=True):
            mine, other = found[name][column.name], truth[name][column.name]
            if other["count"] == plain.manifest["paths"]:
                assert mine["mean"] == pytest.approx(other["mean"], rel=1e-9, abs=4.0 * error + 1e-9), (
                    name,
                    column.name,
                )
            assert mine["max"] is None or mine["max"] <= other["max"]
    assert found[names[0]]["liquidated_notional"]["share_above_zero"] == pytest.approx(
        truth[names[0]]["liquidated_notional"]["share_above_zero"], rel=0.1
    )


def test_a_summary_says_what_the_paths_are_worth(drawn: stress.Run, plain: stress.Run) -> None:
    assert weighted.summarised(plain)["effective_paths"] == 2_000
    assert weighted.summarised(drawn)["effective_paths"] == pytest.approx(1_200, rel=0.3)


def test_exceedance_goes_by_weight(plain: stress.Run, drawn: stress.Run) -> None:
    """At the plain run's 99 % quantile the drawn run's curve shows one percent, and its ranks count paths."""
    level = float(np.quantile(plain.paths["bad_debt"], 0.99))
    curve = drawn.exceedance[drawn.exceedance["metric"] == "bad_debt"]
    beyond = curve[curve["loss"] >= level]
    assert beyond["probability"].max() == pytest.approx(0.01, rel=0.15)
    assert beyond["rank"].max() > 0.05 * 12_000
    assert curve["probability"].max() == pytest.approx(1.0)


def test_owners_and_payers_go_by_weight(plain: stress.Run, drawn: stress.Run) -> None:
    mine, truth = tail_owners(drawn, "main"), tail_owners(plain, "main")
    # A percent of the weight is held by far more than a percent of the drawn paths.
    assert mine.paths > 5 * truth.paths
    for role in ("causing", "paying"):
        for one, other in zip(getattr(mine, role), getattr(truth, role), strict=True):
            assert one.owner == other.owner
            assert one.mean == pytest.approx(other.mean, rel=0.2)
            assert one.share == pytest.approx(other.share, rel=0.05)
    for at in (0.25, 0.5, 0.75):
        found, known = (Concentration.of(run, "main").quantile("paid", at) for run in (drawn, plain))
        assert found == pytest.approx(known, rel=0.6)
    careless = float(np.quantile(Concentration.of(drawn, "main").paid, 0.25))
    assert careless > 1.1 * Concentration.of(plain, "main").quantile("paid", 0.25)


def test_rules_read_the_weights(plain: stress.Run, drawn: stress.Run) -> None:
    for asked in (
        Statistic("bad_debt", "main"),
        Statistic("bad_debt", "main", above=0.0),
        Statistic("required_fund", "main", 0.99),
        Statistic("adl_notional", "main", above=0.0),
        Statistic("fund_low", "main", 0.01, flipped=True),
    ):
        found, truth = (point(asked, read(run, asked)) for run in (drawn, plain))
        assert found == pytest.approx(truth, rel=0.12, abs=1e-9), asked.label


def test_plain_and_weighted_runs_are_compared_as_independent(plain: stress.Run, drawn: stress.Run) -> None:
    compared = compare(plain, drawn)
    assert not compared.paired
    assert compared.same_numbers
    assert compared.weighted == (False, True)
    assert {figure.verdict for figure in compared.figures} <= {"not shown", "the same", "few paths"}
    assert sum(figure.verdict == "not shown" for figure in compared.figures) >= 8
    itself = compare(drawn, drawn)
    assert itself.paired
    assert {figure.verdict for figure in itself.figures} <= {"the same", "few paths"}


def test_weights_that_cannot_be_right_are_told(plain: stress.Run, drawn: stress.Run, tmp_path: Path) -> None:
    losses = {("main", "bad_debt"): pool_losses(plain.paths)["bad_debt"]}
    number = np.arange(2_000)
    rng = np.random.default_rng(1)
    for weight, component, words in (
        (rng.uniform(0.5, 1.3, 2_000), number % 2, "the mean weight is 0.9"),
        (np.where(number % 2 == 0, 0.1, 1.9), number % 2 + 1, "no path was drawn from the scenario's own law"),
        (np.where(number % 20 == 0, 10.5, 0.5), number % 2, "the largest weight is 10.5"),
    ):
        folder = tmp_path / words[-9:].replace(" ", "")
        run = weighted.write(plain, folder, number, weight, component.astype(np.int64))
        found = sampling_of(run, losses, (0.99,))
        assert found is not None
        assert len(found.problems) == 1
        assert words in found.problems[0]
    sound = size(drawn).sampling
    assert sound is not None
    assert sound.problems == ()
    assert [tail.level for tail in sound.tails] == [0.99, 0.999, 0.99, 0.999]
    assert all(tail.plain > 10_000 for tail in sound.tails)
    assert size(plain).sampling is None
