"""Reverse stress: closed forms of the least and the likeliest event, rays, files that say what the search tried."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import norm

import stress
from stress import engine
from stress.build import build
from stress.errors import UsageError
from stress.reverse import Answer, Priors, Question, find, setting_of
from stress.reverse.event import LAG, NONE, OUTAGE, SPOOF, Event, Fault, staged
from stress.reverse.plausibility import Jumps
from stress.reverse.ray import between, from_above, from_below, without_islands
from stress.reverse.trial import Trial
from stress.scenario import load_scenario
from stress.scenario.writing import to_yaml
from tests import reversing

Intervals = list[tuple[float, float]]


def answer_of(file: Path | str, threads: int = 1, overrides: tuple[str, ...] = (), **asked: object) -> Answer:
    question = replace(Question(evaluations=1_500), **asked)  # type: ignore[arg-type]
    return find(setting_of(load_scenario(file, overrides), question), threads=threads)


@pytest.mark.interpreted
def test_the_least_fall_is_that_of_the_closed_form(tmp_path: Path) -> None:
    """20 of wallet and 5 of fund: the long of 100 uses up the fund where the price falls to under 75."""
    answer = answer_of(reversing.one_long(tmp_path), over=(0.0,))
    assert answer.smallest is not None
    assert answer.most_likely is not None
    for found in (answer.smallest, answer.most_likely):
        assert found.event.window.over == 0
        assert found.event.moves[0] == pytest.approx(math.log(0.75), rel=1e-3)
        assert found.event.moves[0] < math.log(0.75)
        assert found.event.depth == 0.0


def test_odds_of_a_single_window_are_those_of_the_normal_law(tmp_path: Path) -> None:
    """Log moves of an hour are normal; four of them make a run."""
    answer = answer_of(reversing.one_long(tmp_path), over=(0.0,))
    assert answer.most_likely is not None
    event = answer.most_likely.event
    deviation = 0.8 * math.sqrt(1 / 8760)
    once = norm.cdf((event.moves[0] + 0.5 * deviation**2) / deviation)
    assert answer.setting.nats(event) == pytest.approx(-math.log(-math.expm1(4 * math.log1p(-once))), rel=1e-9)


def test_slow_falls_are_likelier_where_they_break_the_venue_too(tmp_path: Path) -> None:
    """Over some hours the fall must jump from 80 to 75 in one of them, so it is larger and yet likelier."""
    answer = answer_of(reversing.one_long(tmp_path, horizon="24h"), over=(3_600.0, 10_800.0))
    assert answer.smallest is not None
    assert answer.most_likely is not None
    assert answer.smallest.event.moves[0] == pytest.approx(math.log(0.75), rel=1e-3)
    slow = answer.most_likely.event
    assert slow.window.over == 3
    assert slow.moves[0] < math.log(0.75)
    assert answer.setting.nats(slow) < answer.setting.nats(answer.smallest.event)


def test_the_likeliest_moves_of_two_markets_are_nearest_by_mahalanobis(tmp_path: Path) -> None:
    answer = answer_of(reversing.two_longs(tmp_path), evaluations=3_000, faults=(NONE,))
    assert answer.most_likely is not None
    covariance = np.outer(reversing.VOLATILITIES, reversing.VOLATILITIES) * (5.0 / 525_600.0)
    covariance[0, 1] *= reversing.CORRELATION
    covariance[1, 0] *= reversing.CORRELATION
    inverse = np.linalg.inv(covariance)
    best = minimize(
        lambda x: 1e3 * x @ inverse @ x / 1e6,
        np.array([-0.03, -0.03]),
        constraints={"type": "eq", "fun": lambda x: np.expm1(x) @ reversing.VALUES + reversing.LOSS},
        method="SLSQP",
        options={"ftol": 1e-14},
    )
    found = answer.most_likely.event.moves
    assert -np.expm1(found) @ reversing.VALUES == pytest.approx(reversing.LOSS, rel=1e-3)
    assert math.sqrt(found @ inverse @ found) == pytest.approx(math.sqrt(best.x @ inverse @ best.x), rel=5e-3)
    np.testing.assert_allclose(found, best.x, rtol=0.1)


def test_the_smallest_moves_of_two_markets_are_equal_falls(tmp_path: Path) -> None:
    answer = answer_of(reversing.two_longs(tmp_path))
    assert answer.smallest is not None
    np.testing.assert_allclose(answer.smallest.event.moves, math.log(1.0 - reversing.LOSS / 400.0), rtol=2e-3)


def test_markets_that_do_not_lead_follow_as_expected(tmp_path: Path) -> None:
    """B moves by rho sigma_B / sigma_A of A's move: here as much as A."""
    answer = answer_of(reversing.two_longs(tmp_path), markets=("A",))
    assert answer.most_likely is not None
    moves = answer.most_likely.event.moves
    assert moves[1] / moves[0] == pytest.approx(1.0, rel=1e-8)


def test_a_market_that_the_model_never_moves_does_not_lead(tmp_path: Path) -> None:
    loaded = load_scenario(reversing.two_longs(tmp_path), ["markets.B.model.volatility=0%"])
    assert setting_of(loaded, Question()).leaders.tolist() == [0]
    assert setting_of(loaded, Question(markets=("B",))).leaders.tolist() == [1]


def test_a_found_file_draws_nothing(tmp_path: Path) -> None:
    """One path, no jumps, no correlation, no tilted sampling, no rules that speak of many paths."""
    loaded = load_scenario("minimal", ["run.sampling=importance"])
    quiet = setting_of(loaded, Question()).plan.loaded.scenario
    assert quiet.run.paths == 1
    assert quiet.run.sampling is None
    assert not quiet.jumps
    assert not quiet.checks


def test_the_same_whatever_the_threads(tmp_path: Path) -> None:
    file = reversing.two_longs(tmp_path)
    once, twice = (answer_of(file, threads) for threads in (1, 2))
    for key in ("smallest", "most_likely"):
        np.testing.assert_array_equal(getattr(once, key).point, getattr(twice, key).point)
    assert once.evaluations == twice.evaluations


def test_nothing_found_is_said(tmp_path: Path) -> None:
    answer = answer_of(reversing.one_long(tmp_path), most=0.2)
    assert answer.smallest is None
    assert answer.most_likely is None


def test_a_target_that_is_met_without_any_event_is_no_question(tmp_path: Path) -> None:
    file = reversing.one_long(tmp_path)
    loaded = load_scenario(file, ["markets.A.price=70", "pools.main.layers.0.capital=1"])
    with pytest.raises(UsageError, match="on a day without any event"):
        find(setting_of(loaded, Question()))


FAULTS = [
    Fault(NONE),
    Fault(LAG, lag=120.0),
    Fault(OUTAGE),
    Fault(SPOOF, 1),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.kind)
def test_the_search_tries_what_the_file_says(fault: Fault, tmp_path: Path) -> None:
    """Arrays handed to the kernels for an event are those that its scenario file is built into."""
    setting = setting_of(load_scenario("oracle-attack", ["run.horizon=4h"]), Question(over=(0.0, 900.0), recovery=0.5))
    for window in setting.windows:
        event = Event(window, fault, np.array([-0.31, 0.044]), 1.3, 0.2 if fault.kind == SPOOF else 0.0)
        trial = Trial(setting.plan, fault, setting.target)
        models, venue = trial.inputs(event)
        file = tmp_path / "event.yaml"
        file.write_text(to_yaml(staged(setting.plan.loaded.scenario, event)), encoding="utf-8")
        plan = build(load_scenario(file))
        np.testing.assert_allclose(models.shock_jump, plan.models.shock_jump, rtol=1e-12, atol=1e-15)
        np.testing.assert_array_equal(models.path_variance, plan.models.path_variance)
        np.testing.assert_array_equal(venue.markets.depth_scale, plan.venue.markets.depth_scale)
        for name in venue.markets.each.dtype.names or ():
            np.testing.assert_array_equal(venue.markets.each[name], plan.venue.markets.each[name], err_msg=name)
        for name in venue.markets.disturbances.dtype.names or ():
            written = plan.venue.markets.disturbances[name]
            np.testing.assert_array_equal(venue.markets.disturbances[name], written, err_msg=name)


def test_a_file_stands_still_but_for_its_shocks_and_keeps_its_droughts() -> None:
    setting = setting_of(load_scenario("october-2025"), Question())
    quiet = setting.plan.loaded.scenario
    assert not quiet.jumps
    assert not quiet.shocks
    assert quiet.correlation is None
    drought = [getattr(market.liquidity, "drought", None) for market in quiet.markets.values()]
    assert [each.volatility for each in drought if each is not None] == [0.34, 0.53]
    # The mean variance that the price model expects, not the one it begins with (0.115).
    assert setting.plan.models.path_variance[0, 0] == pytest.approx(1.9, rel=0.15)


def test_jumps_make_a_fall_likelier_than_diffusion_does(tmp_path: Path) -> None:
    """Merton: the probability of an hour is a sum over the number of jumps, of which the largest term is taken."""
    merton = "{type: merton, volatility: 80%, jump_rate: 100, jump_mean: -20%, jump_std: 10%}"
    setting = setting_of(load_scenario(reversing.one_long(tmp_path, merton)), Question())
    climate, fall = setting.climates[0], math.log(0.75)
    hour = 1 / 8760
    drift = (-0.32 - 100 * math.expm1(-0.2 + 0.005)) * hour
    exact = sum(
        math.exp(-100 * hour)
        * (100 * hour) ** k
        / math.factorial(k)
        * norm.cdf((fall - drift + 0.2 * k) / math.sqrt(0.64 * hour + 0.01 * k))
        for k in range(8)
    )
    log_p, jumps = climate.window(np.array([fall]))
    assert jumps == (1,)
    assert log_p == pytest.approx(math.log(exact), abs=0.05)
    assert log_p > climate.log_probability(np.array([fall]), (0,)) + 10.0


def test_correlations_are_those_that_the_kernels_draw() -> None:
    """By matrix and by common factors, whose loadings multiply."""
    factors = "correlation={factors: {market: {TOKEN: 0.8, BTC: 0.5}}}"
    for override, expected in (((), 0.6), ((factors,), 0.4)):
        setting = setting_of(load_scenario("oracle-attack", override), Question(over=(3_600.0,)))
        assert setting.climates[0].correlation[0, 1] == pytest.approx(expected, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["minimal", "margin-calls"])
def test_odds_agree_with_a_run_where_one_jump_breaks_the_venue(name: str, tmp_path: Path) -> None:
    """First-order odds of the likeliest event against the share of 10,000 paths whose fund is used up."""
    loaded = load_scenario(name, paths=10_000)
    answer = find(setting_of(loaded, Question()), threads=2)
    assert answer.most_likely is not None
    engine.run(build(loaded), tmp_path / "run", threads=2)
    paths, capital = stress.load(tmp_path / "run").paths, loaded.scenario.pools["main"].layers[0].capital  # type: ignore[union-attr]
    simulated = float((paths["required_fund"] > capital).mean())
    assert 0.5 < math.exp(-answer.setting.nats(answer.most_likely.event)) / simulated < 2.0


def test_common_jumps_have_the_moments_of_their_marks() -> None:
    models = setting_of(load_scenario("six-laws"), Question(over=(3_600.0,))).climates[0].jumps
    assert isinstance(models, Jumps)
    assert models.covariance.shape == (len(models.rate), *models.mean.shape[1:] * 2)
    assert (np.linalg.eigvalsh(models.covariance) > -1e-12).all()


def test_faults_and_lost_depth_cost_what_is_stated(tmp_path: Path) -> None:
    setting = setting_of(load_scenario(reversing.one_long(tmp_path)), Question(priors=Priors(depth=2.0, outage=0.01)))
    plain = Event(setting.windows[0], Fault(NONE), np.array([-0.1]))
    worse = replace(plain, fault=Fault(OUTAGE), depth=math.log(10.0))
    assert setting.nats(worse) - setting.nats(plain) == pytest.approx(math.log(100.0) + 2.0 * math.log(10.0))


@st.composite
def broken(draw: st.DrawFn) -> Intervals:
    """Scales that break a venue: from some on, and some islands below."""
    edges = sorted(draw(st.lists(st.floats(0.02, 0.9), min_size=1, max_size=5, unique=True)))
    if len(edges) % 2 == 0:
        edges = edges[1:]
    pairs = list(zip(edges[:-1:2], edges[1::2], strict=True))
    return [*pairs, (edges[-1], math.inf)]


def breaks_in(intervals: Intervals, scale: float) -> bool:
    return any(low <= scale < high for low, high in intervals)


@pytest.mark.interpreted
@given(broken())
def test_what_a_ray_gives_breaks_and_a_little_less_does_not(intervals: Intervals) -> None:
    def breaks(scale: float) -> bool:
        return breaks_in(intervals, scale)

    for scale in (from_below(breaks, 0.01, 1.0, 1e-3), from_above(breaks, 1.0, 1e-3)):
        assert scale is not None
        assert breaks(scale)
        assert any(low <= scale <= low * 1.002 for low, _ in intervals)
        alone = without_islands(breaks, scale, 1e-3)
        assert alone <= scale
        assert breaks(alone)
        assert not breaks(0.99 * alone)


@pytest.mark.interpreted
def test_rays_that_never_break_cost_little() -> None:
    tried: list[float] = []

    def never(scale: float) -> bool:
        tried.append(scale)
        return False

    assert from_below(never, 0.01, 2.3, 1e-2) is None
    assert len(tried) <= 12
    tried.clear()
    assert from_above(never, 1.0, 1e-2) is None
    assert len(tried) == 3
    assert between(lambda scale: scale > 0.0, 0.0, 1.0, 1e-3) < 1e-15
