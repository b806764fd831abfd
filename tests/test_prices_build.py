"""From a scenario file to price models: schemes, correlation, jumps, shocks, given prices, and the mistakes in them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from stress.build.prices import models_of
from stress.build.venue import clock_of
from stress.errors import InvalidInput, MalformedInput, MeaninglessInput
from stress.kernels.models import GBM, GIVEN, HESTON_EULER, HESTON_QE, YEAR
from stress.kernels.structs import Clock, Models
from stress.scenario import load_scenario
from tests.price_paths import run as simulate

HESTON = {"type": "heston", "kappa": 12, "theta": 0.35, "xi": 2.5, "rho": -0.3, "v0": 0.3}
BATES = {**HESTON, "type": "bates", "jump_rate": 20, "jump_mean": "-2%", "jump_std": "4%"}
GBM_60 = {"type": "gbm", "volatility": "60%"}
REST = {
    "liquidity": {"type": "power", "depth": "unlimited"},
    "margin": {"tiers": [{"from": 0, "maintenance": "1%"}]},
}
POOL = {
    "book": {"synthetic": {"accounts": 10, "seed": 1, "open_interest": {"A": 1_000}}},
    "layers": [{"type": "insurance_fund", "capital": 1_000}],
}

Build = Callable[..., tuple[Models, list[str], Clock]]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Write a scenario of markets with these models, read it back, and build its price models."""

    def build(models: dict[str, dict[str, Any]], price: float = 100.0, **sections: Any) -> tuple[Any, ...]:
        tree = {
            "format": 1,
            "name": "prices",
            "run": sections.pop("run", {"paths": 10, "horizon": "24h", "step": "1m"}),
            "markets": {name: {"price": price, "model": model, **REST} for name, model in models.items()},
            "pools": {"main": POOL},
            **sections,
        }
        file = tmp_path / "prices.yaml"
        file.write_text(yaml.safe_dump(tree, sort_keys=False))
        loaded = load_scenario(file)
        clock = clock_of(loaded.scenario)
        built, notes = models_of(loaded.scenario, clock, loaded.locate)
        return built, notes, clock

    return build


def test_models_and_their_parameters(build: Build) -> None:
    models, notes, clock = build({"A": GBM_60, "B": HESTON, "C": BATES})
    assert models.model.tolist() == [GBM, HESTON_EULER, HESTON_EULER]
    np.testing.assert_allclose(models.params[0, 0], 0.36)
    np.testing.assert_allclose(models.params[1], [12, 0.35, 2.5, -0.3])
    np.testing.assert_allclose(models.variance, [0.36, 0.3, 0.3])
    np.testing.assert_allclose(np.exp(models.log_price), 100.0)
    assert (models.jump_rate.tolist(), models.jump_key.tolist()) == ([20.0], [4])
    np.testing.assert_allclose(models.jump_mean, [[0.0, 0.0, -0.02]])
    assert notes == []
    log_price, _ = simulate(models, clock, 4)
    assert np.isfinite(log_price).all()


def test_every_array_is_what_the_kernels_are_compiled_for(build: Build) -> None:
    """An int where a float was would compile everything a second time."""
    models, _, _ = build({"A": GBM_60, "B": BATES}, shocks=[{"at": "1h", "market": "A", "jump": "-10%"}])
    for name, array in models._asdict().items():
        assert array.flags.c_contiguous, name
        assert array.dtype == (np.int64 if name in ("model", "table_first", "jump_key") else np.float64), name


@pytest.mark.parametrize(
    ("scheme", "step", "number"),
    [
        ("auto", "1m", HESTON_EULER),
        ("auto", "61s", HESTON_QE),
        ("auto", "1h", HESTON_QE),
        ("euler", "1h", HESTON_EULER),
        ("qe", "1s", HESTON_QE),
    ],
)
def test_the_scheme_follows_the_model_step(build: Build, scheme: str, step: str, number: int) -> None:
    run = {"paths": 1, "horizon": "61h", "step": step, "check_every": "61h"}
    models, _, clock = build({"A": {**HESTON, "scheme": scheme}}, run=run)
    assert models.model.tolist() == [number]
    assert clock.checks == 1


def test_coarse_euler_steps_are_noted(build: Build) -> None:
    _, notes, _ = build({"A": {**HESTON, "kappa": 27_000, "scheme": "euler"}})
    assert len(notes) == 1
    assert "use scheme qe" in notes[0]


def test_correlation_is_interleaved(build: Build) -> None:
    correlation = {
        "prices": [[1, 0.8], [0.8, 1]],
        "variances": [[1, 0.5], [0.5, 1]],
        "price_variance": [[0.9, -0.1], [-0.2, 0.9]],
    }
    models, notes, _ = build({"A": HESTON, "B": {**HESTON, "rho": -0.1}}, correlation=correlation)
    expected = [
        [1.0, -0.3, 0.5, -0.2],
        [-0.3, 1.0, -0.1, 0.8],
        [0.5, -0.1, 1.0, -0.1],
        [-0.2, 0.8, -0.1, 1.0],
    ]
    np.testing.assert_allclose(models.cholesky @ models.cholesky.T, expected, atol=1e-14)
    assert notes == []


def test_a_contradictory_correlation_is_repaired_and_told(build: Build) -> None:
    prices = [[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]]
    models, notes, _ = build({"A": HESTON, "B": HESTON, "C": GBM_60}, correlation={"prices": prices})
    matrix = models.cholesky @ models.cholesky.T
    np.testing.assert_allclose(np.diag(matrix), 1.0)
    assert np.linalg.eigvalsh(matrix).min() > 0.0
    assert len(notes) == 1
    assert "Higham" in notes[0]
    assert re.search(r"price of [ABC] with price of [ABC] from -?0\.900 to -?0\.", notes[0])
    # The model's own rho is the repaired one, so that price and variance stay consistent in every scheme.
    np.testing.assert_allclose(models.params[:2, 3], [matrix[1, 0], matrix[3, 2]], atol=1e-12)


def test_perfect_correlation_is_not_a_contradiction(build: Build) -> None:
    models, notes, clock = build({"A": GBM_60, "B": GBM_60}, correlation={"prices": [[1, 1], [1, 1]]})
    assert notes == []
    log_price, _ = simulate(models, clock, 3)
    np.testing.assert_array_equal(log_price[:, :, 0], log_price[:, :, 1])


def test_correlations_of_what_is_not_random_do_not_count(build: Build) -> None:
    """A replayed market correlated with two independent ones would be a contradiction."""
    replay = {"type": "replay", "points": [["0s", 100], ["24h", 90]]}
    prices = [[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]]
    models, notes, _ = build({"A": GBM_60, "B": replay, "C": GBM_60}, correlation={"prices": prices})
    np.testing.assert_array_equal(models.cholesky, np.eye(6))
    assert notes == []


def test_common_jumps_come_before_own_ones_and_keep_their_keys(build: Build) -> None:
    marks = {"B": {"mean": "-11%", "std": "5%", "probability": "60%"}, "A": {"mean": "-8%", "std": "4%"}}
    jumps = [{"name": "crash", "rate": 2, "correlation": "80%", "marks": marks}]
    jumps.append({"name": "never", "rate": 0, "marks": {"A": {"mean": 0, "std": 0}}})
    models, _, _ = build({"A": BATES, "B": GBM_60, "C": BATES}, jumps=jumps)
    assert models.jump_key.tolist() == [1, 0, 4]
    assert models.jump_rate.tolist() == [2.0, 20.0, 20.0]
    assert models.jump_correlation.tolist() == [0.8, 0.0, 0.0]
    np.testing.assert_allclose(models.jump_probability, [[1, 0.6, 0], [1, 0, 0], [0, 0, 1]])
    np.testing.assert_allclose(models.jump_mean, [[-0.08, -0.11, 0], [-0.02, 0, 0], [0, 0, -0.02]])
    np.testing.assert_allclose(models.jump_std, [[0.04, 0.05, 0], [0.04, 0, 0], [0, 0, 0.04]])


def test_shocks_are_put_on_whole_checks(build: Build) -> None:
    run = {"paths": 1, "horizon": "2h", "step": "5m", "check_every": "10m"}
    shocks = [
        {"at": "31m", "market": "B", "jump": "-10%", "volatility": 3, "duration": "20m"},
        {"at": "40m", "market": "B", "jump": "5%", "volatility": 2, "duration": "5m"},
        {"at": "0s", "market": "A", "jump": "-1%"},
        {"at": "2h", "market": "A", "jump": "-2%"},
    ]
    models, _, clock = build({"A": GBM_60, "B": GBM_60}, shocks=shocks, run=run)
    assert (clock.checks, clock.substeps) == (12, 2)
    jumps = {(int(k), int(m)): models.shock_jump[k, m] for k, m in np.argwhere(models.shock_jump)}
    assert jumps == {
        (2, 0): pytest.approx(math.log(0.99)),
        (24, 0): pytest.approx(math.log(0.98)),
        (8, 1): pytest.approx(math.log(0.9) + math.log(1.05)),
    }
    # 31 min + 20 min = 51 min is over at the check of 60 min; 45 min at the one of 50 min.
    np.testing.assert_array_equal(np.flatnonzero(models.shock_volatility[:, 1] != 1.0), [8, 9, 10, 11])
    np.testing.assert_array_equal(models.shock_volatility[8:12, 1], [6.0, 6.0, 3.0, 3.0])
    assert (models.shock_volatility[:, 0] == 1.0).all()


def test_tables_stay_empty_where_nothing_needs_them(build: Build) -> None:
    models, _, _ = build({"A": GBM_60}, shocks=[{"at": "1h", "market": "A", "depth": "5%", "duration": "20m"}])
    for array in (models.path, models.path_variance, models.shock_jump, models.shock_volatility):
        assert array.shape == (0, 1)


def test_a_replay_goes_through_its_points(build: Build) -> None:
    points = [["0s", 100], ["10m", 90], ["12m", 95], ["1h", 80]]
    run = {"paths": 2, "horizon": "2h", "step": "1m", "check_every": "2m"}
    models, notes, clock = build({"A": {"type": "replay", "points": points, "volatility": "70%"}}, run=run)
    assert models.model.tolist() == [GIVEN]
    log_price, variance = simulate(models, clock, 2)
    price = np.exp(log_price[0, :, 0])
    np.testing.assert_allclose(price[[0, 5, 6, 30]], [100, 90, 95, 80], rtol=1e-15)
    np.testing.assert_allclose(log_price[0, 1, 0], math.log(100) + 0.2 * math.log(0.9), rtol=1e-15)
    np.testing.assert_array_equal(price[30:], price[30])
    np.testing.assert_allclose(variance, 0.49)
    assert len(notes) == 1
    assert "end after 3600 s of 7200 s" in notes[0]


def test_the_variance_of_a_replay_is_its_weighted_mean_square_return(build: Build) -> None:
    rng = np.random.default_rng(1)
    returns = 0.001 * rng.standard_normal(120)
    prices = 100.0 * np.exp(np.concatenate([[0.0], np.cumsum(returns)]))
    points = [[f"{k}m", float(price)] for k, price in enumerate(prices)]
    model = {"type": "replay", "points": points, "volatility_half_life": "15m"}
    run = {"paths": 1, "horizon": "2h", "step": "1m"}
    models, _, _ = build({"A": model}, run=run)
    squares = returns**2 * YEAR / 60.0
    weight = 2.0 ** (-1.0 / 15.0)
    expected = [squares[:15].mean()]
    for square in squares:
        expected.append(weight * expected[-1] + (1.0 - weight) * square)
    np.testing.assert_allclose(models.path_variance[:121, 0], expected, rtol=1e-9)
    finer, _, _ = build({"A": model}, run={**run, "step": "20s", "check_every": "1m"})
    np.testing.assert_allclose(finer.path_variance[:361:3, 0], expected, rtol=1e-9)


def test_prescribed_prices_are_one_per_check(build: Build) -> None:
    prices = [100.0, 97.0, 101.5, 80.0]
    run = {"paths": 3, "horizon": "3h", "step": "30m", "check_every": "1h"}
    models, notes, clock = build({"A": {"type": "prescribed", "prices": prices}}, run=run)
    log_price, variance = simulate(models, clock, 3)
    np.testing.assert_allclose(np.exp(log_price[:, :, 0]), np.tile(prices, (3, 1)), rtol=1e-15)
    assert (variance == 0.0).all()
    assert notes == []


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_replay_can_come_from_a_file(build: Build, tmp_path: Path, suffix: str) -> None:
    time, price = [1_760_000_000.0, 1_760_003_600.0, 1_760_086_400.0], [100.0, 110.0, 99.0]
    file = tmp_path / f"table.{suffix}"
    if suffix == "csv":
        file.write_text("time,price\n" + "".join(f"{t},{p}\n" for t, p in zip(time, price, strict=True)))
    else:
        pq.write_table(pa.table({"time": time, "price": price}), file)
    models, _, _ = build({"A": {"type": "replay", "file": str(file)}})
    np.testing.assert_allclose(np.exp(models.path[[0, 60, 1440], 0]), price)


@pytest.mark.parametrize(
    ("text", "error", "line", "message"),
    [
        ("time,price\n0,100\n60,\n", MalformedInput, 3, "missing"),
        ("time,price\n0,100\n60,ten\n", MalformedInput, 3, "expected a number"),
        ("time,price\n0,100\n60,0\n", MeaninglessInput, 3, "must be positive"),
        ("time,price\n0,100\n60,101\n60,102\n", MeaninglessInput, 4, "must ascend"),
        ("when,price\n0,100\n", MalformedInput, 1, "missing column"),
        ("", MalformedInput, None, "empty"),
        ("time,price\n", MeaninglessInput, None, "no rows"),
    ],
)
def test_mistakes_in_a_price_file_are_told_by_line(
    build: Build, tmp_path: Path, text: str, error: type[InvalidInput], line: int | None, message: str
) -> None:
    file = tmp_path / "table.csv"
    file.write_text(text)
    with pytest.raises(error) as caught:
        build({"A": {"type": "replay", "file": str(file)}})
    assert type(caught.value) is error
    assert any(p.file == str(file) and p.line == line and message in p.message for p in caught.value.problems)


def test_all_mistakes_are_told_at_once(build: Build) -> None:
    replay = {"type": "replay", "points": [["0s", 50], ["24h", 60]]}
    jumps = [{"name": "crash", "rate": 2, "marks": {"A": {"mean": 0, "std": 0}, "C": {"mean": 0, "std": 0}}}]
    with pytest.raises(MeaninglessInput) as caught:
        build({"A": replay, "B": {"type": "replay", "points": [["0s", 99]]}, "C": GBM_60}, jumps=jumps)
    problems = caught.value.problems
    assert {p.path for p in problems} == {"markets.A.price", "markets.B.price", "jumps.0.marks.A"}
    assert all(p.line is not None and p.file.endswith("prices.yaml") for p in problems)
    assert any("start at 50" in p.message for p in problems)


# The ends of what the schema allows.
EXTREMES = [
    {**HESTON, "kappa": 1e-9},
    {**HESTON, "kappa": 1e5},
    {**HESTON, "theta": 0, "v0": 0},
    {**HESTON, "xi": 0},
    {**HESTON, "xi": 1e4},
    {**HESTON, "rho": -1},
    {**HESTON, "rho": 1, "xi": 30},
    {**HESTON, "v0": 400, "theta": 400},
    {**BATES, "jump_rate": 100_000},
    {**BATES, "jump_mean": -5, "jump_std": 5},
    {"type": "gbm", "volatility": 0},
]


@pytest.mark.parametrize("scheme", ["euler", "qe"])
@pytest.mark.parametrize("model", EXTREMES, ids=str)
def test_extreme_parameters_stay_finite(build: Build, model: dict[str, Any], scheme: str) -> None:
    model = model if model["type"] == "gbm" else {**model, "scheme": scheme}
    models, _, clock = build({"A": model}, run={"paths": 1, "horizon": "4h", "step": "5m"})
    log_price, variance = simulate(models, clock, 256)
    assert np.isfinite(log_price).all()
    assert np.isfinite(variance).all()
    assert (variance >= 0.0).all()
