"""Sweeps of runs with importance sampling: cells whose prices have the same law see the same paths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stress.cli import main
from stress.errors import ExitCode
from stress.sweep.result import losses_of


def test_cells_with_the_same_prices_share_the_laws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    sampling = "run.sampling={method: importance, probability: 2%, pilot_paths: 5000}"
    varied = ["--vary", "markets.BTC.liquidity.depth=x2", "--vary", "markets.BTC.model.v0=x2", "--one-at-a-time"]
    command = ["sweep", "minimal", "--paths", "500", "--set", sampling, *varied, "-q", "-o", str(out)]
    assert main(command) == ExitCode.OK, capsys.readouterr().err
    cells = [losses_of(out / "cells" / f"{cell:04d}.parquet")["main"] for cell in range(3)]
    first, deeper, wilder = (None if cell.weights is None else cell.weights.ratios for cell in cells)
    assert first is not None
    assert deeper is not None
    np.testing.assert_array_equal(first, deeper)
    assert not np.array_equal(cells[0].bad_debt, cells[1].bad_debt)
    assert wilder is None or not np.allclose(first, wilder)
