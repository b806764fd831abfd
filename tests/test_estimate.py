"""The cost of a run before it is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from stress.estimate import Estimate, estimate
from stress.scenario import load_scenario
from tests.scenario_text import REFERENCE, write


def cost(folder: Path, *overrides: str, accounts: int = 2_000, positions: int = 2_600, threads: int = 1) -> Estimate:
    scenario = load_scenario(write(folder, REFERENCE), overrides).scenario
    return estimate(scenario, accounts=accounts, positions=positions, threads=threads)


@pytest.mark.parametrize("override", ["run.paths=100_000", "run.horizon=48h", "run.step=30s"])
def test_more_work_takes_longer(tmp_path: Path, override: str) -> None:
    assert cost(tmp_path, override, "run.check_every=1m").seconds > cost(tmp_path).seconds


def test_large_books_take_time_and_memory(tmp_path: Path) -> None:
    small, large = cost(tmp_path), cost(tmp_path, accounts=400_000, positions=500_000)
    assert large.seconds > 10 * small.seconds
    assert large.memory_bytes > small.memory_bytes + 100e6


def test_threads_share_the_time_and_each_take_memory(tmp_path: Path) -> None:
    one, four = cost(tmp_path), cost(tmp_path, threads=4)
    assert one.seconds / 4 < four.seconds < one.seconds / 3
    assert four.memory_bytes > one.memory_bytes
