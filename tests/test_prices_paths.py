"""Blocks of paths: same bytes in any company, correlation between markets, shocks, given prices, substeps."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stress.kernels.models import GBM, GIVEN, HESTON_EULER, HESTON_QE
from stress.kernels.paths import HELD, LANES
from stress.kernels.structs import Clock, Models
from tests.price_paths import BTC, DAY, SPOT, STRESSED, Floats, Heston, Jump, models_of, run

CLOCK = Clock(21, 2, 7200.0)
CRASH = Jump(rate=400.0, mean=[-0.03, -0.05, 0.0], std=[0.02, 0.03, 0.04], probability=[1.0, 0.6, 0.3], correlation=0.8)


def correlated(markets: int, prices: float = 0.7, variances: float = 0.5, cross: float = -0.1) -> Floats:
    """Correlation [2m, 2m] with each market's own rho."""
    matrix = np.eye(2 * markets)
    for i in range(markets):
        for j in range(markets):
            if i != j:
                matrix[2 * i, 2 * j] = variances
                matrix[2 * i + 1, 2 * j + 1] = prices
            matrix[2 * i, 2 * j + 1] = matrix[2 * j + 1, 2 * i] = BTC.rho if i == j else cross
    return matrix


def three_markets() -> Models:
    """All schemes at once, correlated, with a common jump."""
    return models_of([HESTON_EULER, GBM, HESTON_QE], [BTC, BTC, STRESSED], [CRASH], correlated(3))


@pytest.fixture(scope="module")
def whole() -> tuple[Floats, Floats]:
    """600 paths simulated in one call."""
    return run(three_markets(), CLOCK, 600, seed=5)


@settings(max_examples=15)
@given(first=st.integers(0, 599), count=st.integers(1, 300))
def test_a_path_has_the_same_bytes_in_any_block(whole: tuple[Floats, Floats], first: int, count: int) -> None:
    count = min(count, 600 - first)
    part = run(three_markets(), CLOCK, count, seed=5, first=first)
    for found, expected in zip(part, whole, strict=True):
        assert found.tobytes() == expected[first : first + count].tobytes()


@pytest.mark.parametrize("width", [0, 1, 63, 64, 65, LANES - 1, LANES, LANES + 1])
def test_block_sizes_next_to_the_lane_width(whole: tuple[Floats, Floats], width: int) -> None:
    part = run(three_markets(), CLOCK, width, seed=5)
    for found, expected in zip(part, whole, strict=True):
        assert found.tobytes() == expected[:width].tobytes()


def test_threads_do_not_change_a_byte(whole: tuple[Floats, Floats]) -> None:
    models = three_markets()
    starts = range(0, 600, 50)
    with ThreadPoolExecutor(2) as pool:
        parts = list(pool.map(lambda first: run(models, CLOCK, 50, 5, first), starts))
    for k in range(2):
        assert np.concatenate([part[k] for part in parts]).tobytes() == whole[k].tobytes()


def test_seeds_differ(whole: tuple[Floats, Floats]) -> None:
    other, _ = run(three_markets(), CLOCK, 64, seed=6)
    assert not np.any(other[:, 1:] == whole[0][:64, 1:])


def test_results_are_finite_and_start_at_the_initial_state(whole: tuple[Floats, Floats]) -> None:
    log_price, variance = whole
    assert np.isfinite(log_price).all()
    assert np.isfinite(variance).all()
    assert (variance >= 0.0).all()
    np.testing.assert_array_equal(log_price[:, 0], math.log(SPOT))
    np.testing.assert_array_equal(variance[:, 0, 2], STRESSED.v0)


def test_adding_a_market_leaves_the_others_as_they_were(whole: tuple[Floats, Floats]) -> None:
    two = CRASH._replace(mean=CRASH.mean[:2], std=CRASH.std[:2], probability=CRASH.probability[:2])
    fewer = models_of([HESTON_EULER, GBM], [BTC, BTC], [two], correlated(2))
    log_price, variance = run(fewer, CLOCK, 64, seed=5)
    np.testing.assert_array_equal(log_price, whole[0][:64, :, :2])
    np.testing.assert_array_equal(variance, whole[1][:64, :, :2])


def test_a_longer_run_starts_with_the_shorter_one(whole: tuple[Floats, Floats]) -> None:
    log_price, _ = run(three_markets(), Clock(CLOCK.checks + 9, 2, 7200.0), 64, seed=5)
    np.testing.assert_array_equal(log_price[:, : CLOCK.checks + 1], whole[0][:64])


@pytest.mark.parametrize("substeps", [1, 2, 3, 5])
def test_checks_are_a_selection_of_the_model_steps(substeps: int) -> None:
    models = three_markets()
    fine, fine_variance = run(models, Clock(30, 1, 3600.0), 64)
    coarse, coarse_variance = run(models, Clock(30 // substeps, substeps, 3600.0 * substeps), 64)
    np.testing.assert_array_equal(coarse, fine[:, ::substeps])
    np.testing.assert_array_equal(coarse_variance, fine_variance[:, ::substeps])


@pytest.mark.parametrize("checks", [1, HELD // 3 - 1, HELD // 3, HELD])
def test_every_check_is_written(checks: int) -> None:
    log_price, variance = run(three_markets(), Clock(checks, 1, 3600.0), 3)
    assert np.isfinite(log_price).all()
    assert np.isfinite(variance).all()


@pytest.mark.parametrize("number", [HESTON_EULER, HESTON_QE])
def test_markets_have_the_stated_correlations(number: int) -> None:
    """Returns and variance changes of one minute: the correlation of the shocks, up to sampling error."""
    matrix = correlated(2)
    log_price, variance = run(models_of([number] * 2, [BTC] * 2, correlation=matrix), Clock(1, 1, 60.0), 50_000)
    change = [np.diff(variance[:, :, 0])[:, 0], np.diff(log_price[:, :, 0])[:, 0]]
    change += [np.diff(variance[:, :, 1])[:, 0], np.diff(log_price[:, :, 1])[:, 0]]
    np.testing.assert_allclose(np.corrcoef(change), matrix, atol=4.5 / math.sqrt(50_000))


def test_perfectly_correlated_markets_move_as_one() -> None:
    matrix = np.eye(4)
    matrix[1, 3] = matrix[3, 1] = 1.0
    factor = np.zeros((4, 4))
    factor[0, 0] = factor[1, 1] = factor[2, 2] = factor[3, 1] = 1.0
    models = models_of([GBM, GBM], [BTC, BTC])._replace(cholesky=factor)
    log_price, _ = run(models, Clock(24, 1, 3600.0), 64)
    np.testing.assert_array_equal(log_price[:, :, 0], log_price[:, :, 1])


def table(rows: int, entries: dict[int, float], base: float = 0.0) -> Floats:
    """[step, 1] with entries at some steps."""
    out = np.full((rows, 1), base)
    for step, value in entries.items():
        out[step] = value
    return out


@pytest.mark.parametrize("number", [GBM, HESTON_EULER, HESTON_QE])
def test_a_deterministic_jump_shifts_the_price_from_its_step_on(number: int) -> None:
    clock = Clock(12, 2, 7200.0)
    plain, _ = run(models_of([number], [BTC]), clock, 64)
    jumped, _ = run(models_of([number], [BTC], shock_jump=table(26, {8: -0.1, 14: 0.03})), clock, 64)
    expected = np.zeros(13)
    expected[4:] -= 0.1
    expected[7:] += 0.03
    np.testing.assert_allclose((jumped - plain)[:, :, 0], np.tile(expected, (64, 1)), atol=1e-14)


@pytest.mark.parametrize("number", [GBM, HESTON_EULER, HESTON_QE])
def test_a_volatility_shock_stretches_returns_and_reported_variance(number: int) -> None:
    clock = Clock(6, 1, 3600.0)
    tripled = table(7, {2: 3.0, 3: 3.0}, base=1.0)
    plain, variance = run(models_of([number], [BTC]), clock, 20_000)
    shocked, shocked_variance = run(models_of([number], [BTC], shock_volatility=tripled), clock, 20_000)
    factor = np.array([1.0, 1.0, 9.0, 9.0, 1.0, 1.0, 1.0])
    np.testing.assert_allclose(shocked_variance[:, :, 0], variance[:, :, 0] * factor, rtol=1e-12)
    before, after = np.diff(plain[:, :, 0], axis=1), np.diff(shocked[:, :, 0], axis=1)
    np.testing.assert_allclose(after[:, [0, 1, 4, 5]], before[:, [0, 1, 4, 5]], atol=1e-14)
    for k in (2, 3):
        assert after[:, k].std() / before[:, k].std() == pytest.approx(3.0, rel=0.01)
        growth = np.exp(after[:, k])
        assert abs(growth.mean() - 1.0) < 3.0 * growth.std() / math.sqrt(len(growth))


def test_given_prices_are_followed_exactly_and_take_shocks() -> None:
    clock = Clock(5, 2, 60.0)
    prices = np.log(np.linspace(100.0, 90.0, 12))[:, None]
    variances = np.linspace(0.1, 0.4, 12)[:, None]
    given_market = Heston(0.1, 1.0, 1.0, 1.0, 0.0)
    models = models_of([GIVEN], [given_market], path=prices, path_variance=variances)._replace(log_price=prices[0])
    log_price, variance = run(models, clock, 3)
    np.testing.assert_array_equal(log_price[:, :, 0], np.tile(prices[:11:2, 0], (3, 1)))
    np.testing.assert_array_equal(variance[:, :, 0], np.tile(variances[:11:2, 0], (3, 1)))
    shocked, _ = run(models._replace(shock_jump=table(12, {4: -0.2})), clock, 3)
    expected = np.where(np.arange(6) >= 2, -0.2, 0.0)
    np.testing.assert_allclose((shocked - log_price)[:, :, 0], np.tile(expected, (3, 1)), atol=1e-15)


def test_a_given_market_leaves_a_random_one_as_it_was() -> None:
    clock = Clock(12, 1, 3600.0)
    alone, _ = run(models_of([HESTON_EULER], [BTC]), clock, 64)
    flat = np.zeros((13, 2))
    models = models_of([HESTON_EULER, GIVEN], [BTC, BTC._replace(rho=0.0)], path=flat, path_variance=flat)
    both, _ = run(models, clock, 64)
    np.testing.assert_array_equal(both[:, :, 0], alone[:, :, 0])


def test_a_day_of_minutes_has_the_law_of_its_end() -> None:
    """Minimum and end of stored one-minute paths: the reflection principle bounds the minimum of a lognormal price."""
    log_price, _ = run(models_of([GBM], [BTC]), Clock(1440, 1, 60.0), 2_000)
    x = log_price[:, :, 0] - math.log(SPOT)
    total = BTC.v0 * DAY / 31_536_000.0
    barrier = -1.5 * math.sqrt(total)
    reached = float((x.min(axis=1) < barrier).mean())
    beyond = float((x[:, -1] < barrier).mean())
    assert reached == pytest.approx(2.0 * beyond, abs=4.0 * math.sqrt(reached / 2_000))
