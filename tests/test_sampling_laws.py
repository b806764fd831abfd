"""Importance sampling is unbiased: closed forms, mean weights, plain sampling beside it, and the naive likelihood."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from stress.kernels.models import YEAR
from stress.kernels.structs import Clock
from stress.kernels.tilt import STOP
from stress.sampling.laws import TURN, frame_of, shares_of, tilt_of, turns
from tests.market_models import EXAMPLES, built
from tests.price_paths import run
from tests.tilted import Estimate, draw, falls, first_passage, mean, merton_below, piloted

DAYS = 1.0 / 365.0
PROBABILITIES = (1e-3, 1e-4, 1e-6)
MERTON = {"volatility": 0.345, "jump_rate": 12.0, "jump_mean": -0.065, "jump_std": 0.15}


def of(type_: str, checks: int = 144, **keys: Any) -> tuple[Any, Clock]:
    """One market over a day of ten-minute steps."""
    models, clock, _ = built({"A": {"type": type_, **keys}}, checks=checks, substeps=1)
    return models, clock


def test_the_quadrature_is_that_of_the_continuity_correction() -> None:
    """Broadie, Glasserman & Kou (1997): a barrier watched at steps acts 0.5826 step deviations further away."""
    exact = first_passage(0.1, 0.6, DAYS, 288)
    shifted = (0.1 + 0.5826 * 0.6 * math.sqrt(DAYS / 288)) / (0.6 * math.sqrt(DAYS))
    drift = 0.5 * 0.6 * math.sqrt(DAYS)
    continuous = 0.5 * math.erfc((shifted - drift) / math.sqrt(2.0)) + math.exp(2.0 * drift * shifted) * 0.5 * (
        math.erfc((shifted + drift) / math.sqrt(2.0))
    )
    assert exact == pytest.approx(continuous, rel=0.01)


@pytest.mark.parametrize("probability", PROBABILITIES)
def test_first_passage_of_a_lognormal_price(probability: float) -> None:
    models, clock = of("gbm", volatility=0.6)
    fall = float(brentq(lambda x: math.log(first_passage(x, 0.6, DAYS, 144) / probability), 0.02, 0.4))
    tilt = piloted(models, clock, probability)
    found = draw(models, clock, tilt, 20_000)
    start = found.log_price[:, :1]
    hit = mean(found.weights * ((found.log_price - start).min(axis=1)[:, 0] <= -fall))
    assert abs(hit.z(probability)) < 3.0
    assert hit.error < 0.03 * hit.value


@pytest.mark.parametrize("probability", PROBABILITIES)
def test_digital_of_a_jump_diffusion(probability: float) -> None:
    models, clock = of("merton", **MERTON)
    law = (MERTON["volatility"], MERTON["jump_rate"], MERTON["jump_mean"], MERTON["jump_std"], DAYS)
    move = float(brentq(lambda x: math.log(merton_below(x, *law) / probability), -2.0, -0.02))
    tilt = piloted(models, clock, probability)
    found = draw(models, clock, tilt, 20_000)
    below = mean(found.weights * (found.log_price[:, -1, 0] - found.log_price[:, 0, 0] <= move))
    assert abs(below.z(probability)) < 3.0
    assert below.error < 0.06 * below.value


@pytest.mark.slow
@pytest.mark.parametrize("probability", PROBABILITIES)
@pytest.mark.parametrize("kind", ["gbm", "merton"])
def test_closed_forms_in_many_runs(kind: str, probability: float) -> None:
    """Thirty runs, pilots of their own, 20,000 paths each: the mean of their errors, and how often intervals cover."""
    if kind == "gbm":
        models, clock = of("gbm", volatility=0.6)
        fall = float(brentq(lambda x: math.log(first_passage(x, 0.6, DAYS, 144) / probability), 0.02, 0.4))
    else:
        models, clock = of("merton", **MERTON)
        law = (MERTON["volatility"], MERTON["jump_rate"], MERTON["jump_mean"], MERTON["jump_std"], DAYS)
        fall = -float(brentq(lambda x: math.log(merton_below(x, *law) / probability), -2.0, -0.02))
    scores, values = [], []
    for seed in range(30):
        found = draw(models, clock, piloted(models, clock, probability, seed=100 + seed), 20_000, seed)
        moves = found.log_price[:, :, 0] - found.log_price[:, :1, 0]
        event = (moves.min(axis=1) if kind == "gbm" else moves[:, -1]) <= -fall
        estimate = mean(found.weights * event)
        scores.append(estimate.z(probability))
        values.append(estimate.value)
    assert abs(mean(np.array(values)).z(probability)) < 3.0
    assert sum(abs(z) < 1.96 for z in scores) >= 25


HARD = {("garch", 1e-3)}
"""A fall of a Student t bar is one large innovation in any of the bars, which no mean of the normals makes likely."""


def plain_share(models: Any, clock: Clock, level: float, paths: int) -> Estimate:
    log_price, _ = run(models, clock, paths, seed=77)
    return mean(((log_price[:, :1, 0] - log_price[:, :, 0]).max(axis=1) >= level).astype(float))


@pytest.mark.parametrize("probability", [1e-2, 1e-3])
@pytest.mark.parametrize("name", list(EXAMPLES))
def test_every_model_agrees_with_plain_sampling(name: str, probability: float) -> None:
    """Two markets with common jumps that excite themselves, correlated by factors."""
    marks = {"A": {"mean": -0.04, "std": 0.03}, "B": {"mean": -0.05, "std": 0.03, "variance_jump": 0.5}}
    crash = {
        "name": "crash",
        "rate": 30,
        "marks": marks,
        "correlation": 0.5,
        "self_excitation": {"branching": 0.5, "half_life": "1h"},
    }
    factors = {"factors": {"market": {"A": 0.8, "B": 0.7}, "variance": {"A": 0.6, "B": 0.5}}}
    pair = {"A": EXAMPLES[name], "B": EXAMPLES["svcj"]}
    models, clock, _ = built(pair, step="1h", checks=24, substeps=1, jumps=[crash], correlation=factors)
    if (name, probability) in HARD:
        pytest.skip("the pilot does not find such falls, and the run falls back to plain sampling")
    tilt = piloted(models, clock, probability, paths=6_000)
    found = draw(models, clock, tilt, 16_000)
    assert abs(mean(found.weights).z(1.0)) < 4.0
    assert found.weights.max() <= 1.0 / shares_of(tilt)[0] + 1e-9
    depth = (found.log_price[:, :1, 0] - found.log_price[:, :, 0]).max(axis=1)
    plain = plain_share(models, clock, tilt.level, 60_000)
    tail = mean(found.weights * (depth >= tilt.level))
    assert abs(tail.z(*plain)) < 4.0
    assert tail.error < plain.error * math.sqrt(60_000 / 16_000)
    end = mean(found.weights * np.exp(found.log_price[:, -1, 0] - found.log_price[:, 0, 0]))
    assert abs(end.z(1.0)) < 4.0


def test_paths_of_the_models_own_law_are_those_of_plain_sampling() -> None:
    models, clock, _ = built({"A": EXAMPLES["bates"], "B": EXAMPLES["garch"]}, checks=12, substeps=2)
    tilt = piloted(models, clock, 0.01, paths=3_000)
    found = draw(models, clock, tilt, 600, seed=5)
    log_price, variance = run(models, clock, 600, seed=5)
    own = tilt.turn[np.arange(600) % TURN] == 0
    assert 0.08 < own.mean() < 0.13
    assert found.log_price[own].tobytes() == log_price[own].tobytes()
    assert found.variance[own].tobytes() == variance[own].tobytes()
    assert not np.array_equal(found.log_price[~own], log_price[~own])


@given(first=st.integers(0, 2_000), paths=st.integers(1, 130))
@settings(max_examples=15, deadline=None)
def test_a_path_is_the_same_in_any_block(first: int, paths: int) -> None:
    models, clock, tilt, whole = _whole()
    part = draw(models, clock, tilt, paths, seed=5, first=first)
    for name in ("log_price", "weights", "tallies"):
        assert getattr(part, name).tobytes() == getattr(whole, name)[first : first + paths].tobytes(), name


_WHOLE: list[Any] = []


def _whole() -> Any:
    if not _WHOLE:
        models, clock, _ = built({"A": EXAMPLES["svcj"], "B": EXAMPLES["regime"]}, checks=12, substeps=2)
        tilt = piloted(models, clock, 0.01, paths=3_000)
        _WHOLE.extend((models, clock, tilt, draw(models, clock, tilt, 2_200, seed=5)))
    return _WHOLE


def test_laws_end_at_the_first_check_over_the_level() -> None:
    _, clock, tilt, whole = _whole()
    score = whole.log_price[:, :1, 0] - whole.log_price[:, :, 0]
    over = score >= tilt.level
    first = np.where(over.any(axis=1), over.argmax(axis=1) * clock.substeps, clock.checks * clock.substeps)
    np.testing.assert_array_equal(whole.tallies[:, STOP], first)


@given(
    shares=st.lists(st.floats(0.02, 1.0), min_size=1, max_size=12),
    defensive=st.floats(0.02, 0.5),
    seed=st.integers(0, 10),
)
def test_turns_keep_the_shares(shares: list[float], defensive: float, seed: int) -> None:
    given = np.append(defensive, (1.0 - defensive) * np.array(shares) / sum(shares))
    turn = turns(given, seed)
    found = np.bincount(turn, minlength=len(given)) / TURN
    assert np.abs(found - given).max() <= 2.0 / TURN
    assert found[0] >= given[0] - 1e-9
    assert (np.roll(turns(given), 7).sum()) == turn.sum()


def test_a_market_without_normals_has_no_drivers() -> None:
    models, _, _ = built({"A": {"type": "prescribed", "prices": [100.0] * 25}}, checks=24, substeps=1)
    assert len(frame_of(models).driver) == 0


def test_laws_that_were_picked_compile_nothing_anew() -> None:
    models, _ = of("merton", **MERTON)
    frame = frame_of(models)
    picked = frame.nominal(3).only(np.array([True, False, True]))
    tilt = tilt_of(frame, picked, falls(), 1.0)
    assert all(array.flags.c_contiguous for array in tilt[:-1])


def test_years_of_the_clock() -> None:
    models, clock = of("gbm", volatility=0.6)
    assert clock.checks * clock.dt / YEAR == pytest.approx(DAYS)
    assert tilt_of(frame_of(models), frame_of(models).nominal(1), falls(), 1.0).turn.max() == 0
