"""Deterministic shocks on the grid of the kernels: moves that take time, and the strength of all of them together."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from stress.build.prices import shock_tables
from stress.build.venue import clock_of, depth_scale, disturbances_of
from stress.scenario import load_scenario
from stress.scenario.schema import Scenario
from tests.scenario_text import REFERENCE, write

pytestmark = pytest.mark.interpreted

GRID = "run: {paths: 10_000, horizon: 24h, step: 1m, check_every: 1m, seed: 20251010, max_rounds: 100}"
COARSE = "run: {paths: 1, horizon: 20m, step: 1m, check_every: 2m}"
SHOCKS = "shocks: [{at: 6h, market: BTC, jump: -10%, depth: 5%, volatility: 3, duration: 20m}]"


def scenario(folder: Path, shocks: str, *overrides: str) -> Scenario:
    text = REFERENCE.replace(GRID, COARSE).replace(SHOCKS, f"shocks: {shocks}")
    return load_scenario(write(folder, text), overrides).scenario


def jumps(given: Scenario) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return shock_tables(given, clock_of(given))[0]


def test_a_move_over_some_time_is_even_in_the_logarithm_and_done_by_its_end(tmp_path: Path) -> None:
    table = jumps(scenario(tmp_path, "[{at: 4m, market: BTC, jump: -10%, over: 6m}]"))[:, 0]
    moved = np.exp(np.cumsum(table)) - 1.0
    assert not table[:5].any()  # the price of the fourth minute, when it begins, is the old one
    np.testing.assert_allclose(np.diff(np.cumsum(table)[4:11]), math.log(0.9) / 6)
    np.testing.assert_allclose(moved[10:], -0.1, rtol=1e-12)


def test_times_are_rounded_up_to_whole_checks(tmp_path: Path) -> None:
    late, exact = (f"[{{at: {at}, market: ETH, jump: 5%, over: {over}}}]" for at, over in (("3m", "4m"), ("4m", "4m")))
    np.testing.assert_array_equal(jumps(scenario(tmp_path, late)), jumps(scenario(tmp_path, exact)))


def test_a_move_at_once_falls_on_one_step(tmp_path: Path) -> None:
    for at, step in (("0s", 2), ("1m", 2), ("4m", 4), ("20m", 20)):
        table = jumps(scenario(tmp_path, f"[{{at: {at}, market: BTC, jump: -10%}}]"))
        assert np.flatnonzero(table[:, 0]).tolist() == [step]
        assert table[step, 0] == pytest.approx(math.log(0.9))


def test_strength_goes_along_the_ray(tmp_path: Path) -> None:
    """Half the strength twice over is the whole: moves, depths, volatilities and spoofs alike; times stay."""
    shocks = "[{at: 4m, market: BTC, jump: -19%, over: 6m, depth: 25%, volatility: 4, duration: 4m}]"
    spoof = "markets.BTC.oracle.spoofs=[{from: 2m, to: 6m, factor: 64%}]"
    whole, half, none = (scenario(tmp_path, shocks, spoof, f"strength={s}") for s in (1, 0.5, 0))
    clock = clock_of(whole)
    for doubled, once in (
        (jumps(whole), 2.0 * jumps(half)),
        (depth_scale(whole, clock), depth_scale(half, clock) ** 2),
    ):
        np.testing.assert_allclose(doubled, once, rtol=1e-12)
    np.testing.assert_allclose(shock_tables(whole, clock)[1], shock_tables(half, clock)[1] ** 2)
    false = [disturbances_of([s.markets["BTC"].oracle], s.strength, clock)["factor"][0] for s in (whole, half, none)]
    assert false == pytest.approx([0.64, 0.8, 1.0])
    assert jumps(none).size == depth_scale(none, clock).size == 0


def test_a_scenario_has_the_strength_of_its_figures_by_default(tmp_path: Path) -> None:
    given = scenario(tmp_path, "[{at: 4m, market: BTC, jump: -10%, depth: 5%, duration: 2m}]")
    assert given.strength == 1.0
    assert jumps(given)[4, 0] == math.log1p(-0.1)
    assert depth_scale(given, clock_of(given))[2, 0] == 0.05


@pytest.mark.parametrize("value", ["-1", "101", "strong"])
def test_a_strength_is_a_number_from_0_to_100(tmp_path: Path, value: str) -> None:
    from stress.errors import InvalidInput

    with pytest.raises(InvalidInput, match="strength"):
        scenario(tmp_path, "[]", f"strength={value}")
