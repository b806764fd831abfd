"""Owners of the tail: sums over the worst paths, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import stress
from stress.sizing.owners import Concentration, tail_owners
from tests import fake_run
from tests.fake_run import Fake


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> stress.Run:
    return stress.load(fake_run.write(tmp_path_factory.mktemp("run"), Fake(paths=2_000)))


def test_shares_of_the_worst_percent(run: stress.Run) -> None:
    """On every made-up path ``big`` causes 60 %, ``small`` 20 %, and ``maker`` pays half of what is paid."""
    tail = tail_owners(run, "main")
    worst = run.paths.sort_values("bad_debt", ascending=False).head(20)
    assert tail.paths == 20
    assert [(owner.owner, round(owner.share, 9), owner.listed) for owner in tail.causing] == [
        ("big", 0.6, 20),
        ("small", 0.2, 20),
    ]
    assert tail.causing[0].mean == pytest.approx(0.6 * worst["bad_debt"].mean())
    assert tail.paying[0].owner == "maker"
    assert tail.paying[0].mean == pytest.approx(0.5 * worst["paid_by_owners"].mean())
    assert tail.paying[0].listed == int((worst["payers"] > 0).sum())


def test_only_the_largest_are_kept(run: stress.Run) -> None:
    assert [owner.owner for owner in tail_owners(run, "main", most=1).causing] == ["big"]


def test_a_run_without_losses_has_no_owners(tmp_path: Path) -> None:
    run = stress.load(fake_run.write(tmp_path, Fake(paths=50, share=0.0)))
    tail = tail_owners(run, "main")
    assert (tail.paths, tail.causing, tail.paying) == (0, (), ())
    assert Concentration.of(run, "main").paid.size == 0


def test_concentration_is_of_the_paths_with_payers(run: stress.Run) -> None:
    data = Concentration.of(run, "main")
    paying = run.paths["payers"] > 0
    assert (data.paths, data.paid.size) == (2_000, int(paying.sum()))
    np.testing.assert_array_equal(data.measures["paid_gini"], run.paths.loc[paying, "paid_gini"])
