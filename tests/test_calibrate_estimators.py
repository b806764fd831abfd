"""Known parameters come back within their standard errors; estimators agree with those of others."""

from __future__ import annotations

import math

import numpy as np
import pytest

from stress.calibrate.common_jumps import common_jumps
from stress.calibrate.estimators import ESTIMATORS, Request, garch, merton
from stress.calibrate.fit import Fit
from stress.calibrate.jumps import critical_value, find_jumps
from stress.calibrate.likelihood import Failed
from stress.calibrate.prices import YEAR, Series
from stress.calibrate.windows import choose_window, realise, relative_noise
from stress.cli.calibrate import MODELS
from stress.kernels.models import HESTON_QE
from stress.kernels.structs import Clock
from stress.scenario.models import Model
from tests import histories
from tests.histories import DAY, HOUR
from tests.price_paths import Heston, Jump, models_of, run

FIT = {estimator.model: estimator.fit for estimator in ESTIMATORS}
CALM = Heston(0.3, 20.0, 0.35, 3.0, -0.4)
FAST = Heston(0.5, 60.0, 0.5, 7.0, 0.1)
NEWS = Jump(rate=60.0, mean=[-0.01], std=[0.04], probability=[1.0])


def fit(model: str, series: Series, **how: int) -> Fit:
    return FIT[model](Request(series, choose_window(series), **how))


def scores(found: Fit, true: dict[str, float]) -> dict[str, float]:
    """Distances from the truth in standard errors."""
    result = {}
    for name, value in true.items():
        estimate = found.estimates[name]
        assert estimate.error is not None, name
        result[name] = (estimate.value - value) / estimate.error
    return result


def assert_recovered(found: list[dict[str, float]], bias: float = 1.0) -> None:
    """Every estimate within four errors, three in four within two, and the mean of each parameter near the truth."""
    table = np.array([list(row.values()) for row in found])
    assert np.abs(table).max() < 4.0, found
    assert (np.abs(table) < 2.0).mean() >= 0.75, found
    assert np.abs(table.mean(axis=0)).max() < bias + 2.0 / math.sqrt(len(found)), found


def test_registry_is_what_the_command_offers_and_the_schema_knows() -> None:
    assert tuple(FIT) == MODELS
    known = {part.model_fields["type"].annotation.__args__[0] for part in Model.__args__[0].__args__}  # type: ignore[union-attr]
    assert {"gbm", "heston", "bates"} <= known & set(FIT)


def test_gbm() -> None:
    rng = np.random.default_rng(1)
    found = [
        fit("gbm", histories.series_of(0.7 * math.sqrt(HOUR / YEAR) * rng.standard_normal(5_000), HOUR))
        for _ in range(20)
    ]
    assert_recovered([scores(one, {"volatility": 0.7}) for one in found], bias=0.2)


def test_the_error_of_gbm_allows_for_clusters() -> None:
    series = histories.heston_history(FAST, 400, HOUR, seed=3)
    error = fit("gbm", series).estimates["volatility"].error
    independent = fit("gbm", series).estimates["volatility"].value / math.sqrt(2.0 * len(series.value))
    assert error is not None
    assert error > 4.0 * independent


@pytest.mark.parametrize(
    ("jump", "step"),
    [((0.5, 30.0, -0.05, 0.08), 4 * HOUR), ((0.6, 200.0, 0.0, 0.03), HOUR)],
    ids=["rare", "frequent"],
)
def test_merton(jump: tuple[float, float, float, float], step: float) -> None:
    names = ("volatility", "jump_rate", "jump_mean", "jump_std")
    found = [fit("merton", histories.merton_history(jump, 5_000, step, seed)) for seed in range(3)]
    assert_recovered([scores(one, dict(zip(names, jump, strict=True))) for one in found])


def test_density_of_merton_between_points() -> None:
    series = histories.merton_history((0.5, 500.0, -0.03, 0.05), 20_000, HOUR, 1)
    parameters = np.array([0.5, 500.0, -0.03, 0.05])
    direct = merton.log_density(series.value, parameters, series.dt, 0.0)
    grid = merton.points(series.value, 0.5 * math.sqrt(series.dt))
    assert len(grid) < len(series.value)
    between = np.interp(series.value, grid, merton.log_density(grid, parameters, series.dt, 0.0))
    np.testing.assert_allclose(between, direct, atol=1e-5)


@pytest.mark.parametrize("heston", [CALM, FAST], ids=["calm", "fast"])
def test_heston(heston: Heston) -> None:
    true = {name: getattr(heston, name) for name in ("kappa", "theta", "xi", "rho")}
    found = [fit("heston", histories.heston_history(heston, 1_500, HOUR, seed)) for seed in range(1, 7)]
    assert_recovered([scores(one, true) for one in found])


def test_heston_from_daily_closes() -> None:
    """One squared return a day says little of the day's variance: errors are large and honest."""
    true = {name: getattr(FAST, name) for name in ("kappa", "theta", "xi", "rho")}
    found = [fit("heston", histories.heston_history(FAST, 3_000, DAY, seed)) for seed in range(1, 7)]
    assert_recovered([scores(one, true) for one in found])


def test_bates() -> None:
    true = {name: getattr(CALM, name) for name in ("kappa", "theta", "xi", "rho")}
    true |= {"jump_rate": NEWS.rate, "jump_mean": NEWS.mean[0], "jump_std": NEWS.std[0]}
    found = [fit("bates", histories.heston_history(CALM, 1_500, HOUR, seed, [NEWS])) for seed in range(1, 7)]
    assert_recovered([scores(one, true) for one in found])


def test_svcj() -> None:
    """Variance jumps are weakly identified; those of 0.1 with 40 a year bear two fifths of the mean variance."""
    jump = (40.0, -0.01, 0.04, 0.12, -0.1)
    true = {"kappa": CALM.kappa, "theta": CALM.theta, "xi": CALM.xi, "rho": CALM.rho}
    true |= {"jump_rate": jump[0], "jump_std": jump[2], "variance_jump": jump[3], "jump_slope": jump[4]}
    found = [fit("svcj", histories.svcj_history(CALM, jump, 900, seed)) for seed in range(3)]
    assert_recovered([scores(one, true) for one in found], bias=1.5)


def test_regime() -> None:
    volatility, duration = (0.4, 1.4), (10 * DAY, 2 * DAY)
    true = {"states.0.volatility": 0.4, "states.0.duration": duration[0]}
    true |= {"states.1.volatility": 1.4, "states.1.duration": duration[1]}
    found = [fit("regime", histories.regime_history(volatility, duration, 8_000, HOUR, seed)) for seed in range(4)]
    assert_recovered([scores(one, true) for one in found])
    assert found[0].entry["transitions"] == [[0.0, 1.0], [1.0, 0.0]]


def test_three_regimes_are_sorted_and_lead_somewhere() -> None:
    series = histories.regime_history((0.3, 1.5), (5 * DAY, DAY), 4_000, HOUR, 1)
    entry = fit("regime", series, states=3).entry
    levels = [state["volatility"] for state in entry["states"]]
    assert levels == sorted(levels)
    np.testing.assert_allclose(np.sum(entry["transitions"], axis=1), 1.0)
    np.testing.assert_array_equal(np.diag(entry["transitions"]), 0.0)


GARCH = (0.02, 0.06, 0.04, 0.90, 5.0)


def test_garch() -> None:
    step = DAY
    scale = 1e-2
    found = [
        fit("garch", histories.series_of(scale * histories.garch_returns(GARCH, 4_000, seed), step))
        for seed in range(5)
    ]
    true = {"alpha": 0.06, "gamma": 0.04, "beta": 0.90, "nu": 5.0}
    true["volatility"] = scale * math.sqrt(GARCH[0] / 0.02) * math.sqrt(365.0)
    assert_recovered([scores(one, true) for one in found])
    assert found[0].entry["interval"] == "1d"


ARCH = (
    ("alpha", 0.072006, 0.015113),
    ("gamma", 0.019377, 0.019489),
    ("beta", 0.897227, 0.012096),
    ("nu", 5.711393, 0.535639),
)
"""Estimates and robust errors of arch 8.0.0, which has no variance targeting, on the 3,000 returns of seed 7."""
ARCH_LIKELIHOOD = -3497.79424100056
"""At the true parameters."""
ARCH_VARIANCE = [0.79874114, 1.08477982]
"""Of the returns 100 and 2,999 at the true parameters."""


def test_garch_against_the_arch_library() -> None:
    """arch 8.0.0 on the same 3,000 returns, without variance targeting: within half of its standard errors."""
    x = histories.garch_returns(GARCH, 3_000, 7)
    found = fit("garch", histories.series_of(x - x.mean(), DAY))
    for name, value, error in ARCH:
        assert found.estimates[name].value == pytest.approx(value, abs=0.5 * error), name
        assert found.estimates[name].error == pytest.approx(error, rel=0.35), name


def test_student_likelihood_is_that_of_the_arch_library() -> None:
    """Its likelihood at fixed parameters and its variances from return 100 on, where the start is forgotten."""
    x = histories.garch_returns(GARCH, 3_000, 7)
    e = x - x.mean()
    h = garch.variances(e, GARCH[0] / 0.02, GARCH[1:4])[:-1]
    np.testing.assert_allclose(h[[100, 2_999]], ARCH_VARIANCE, rtol=2e-5)
    assert garch.student(e, h, 5.0).sum() == pytest.approx(ARCH_LIKELIHOOD, abs=0.5)


def test_garch_stops_short_of_a_unit_root() -> None:
    """Returns whose volatility wanders without a mean."""
    rng = np.random.default_rng(2)
    wander = np.exp(np.cumsum(0.03 * rng.standard_normal(3_000)))
    found = fit("garch", histories.series_of(0.01 * wander * rng.standard_normal(3_000), DAY))
    persistence = sum(found.estimates[name].value * weight for name, weight in zip(GJR, (1.0, 0.5, 1.0), strict=True))
    assert persistence <= garch.MOST_PERSISTENT
    assert any("bound" in note for note in found.notes)


GJR = ("alpha", "gamma", "beta")


def test_jumps_are_rarely_seen_where_there_are_none() -> None:
    rng = np.random.default_rng(4)
    found = [len(find_jumps(histories.series_of(0.01 * rng.standard_normal(2_000), HOUR)).at) for _ in range(60)]
    assert sum(found) <= 5


def test_critical_value_is_that_of_the_largest_normal() -> None:
    """Gumbel's law of the largest of many normals, by simulation."""
    rng = np.random.default_rng(5)
    largest = [np.abs(rng.standard_normal(10_000)).max() for _ in range(600)]
    # Lee and Mykland take the law of one side for both, and the limit is reached slowly.
    assert 0.0 < np.mean(np.array(largest) > critical_value(10_000)) < 0.04 or critical_value(10_000) > max(largest)
    assert critical_value(10_000) == pytest.approx(4.98, abs=0.25)


def test_a_jump_is_found_where_it_is() -> None:
    rng = np.random.default_rng(6)
    returns = 0.005 * rng.standard_normal(3_000)
    returns[[1_000, 1_005, 2_000]] = -0.08, 0.09, 0.07
    # The second of the cluster falls into the day after the first.
    assert find_jumps(histories.series_of(returns, HOUR)).at.tolist() == [1_000, 2_000]


def test_too_few_jumps_are_refused() -> None:
    rng = np.random.default_rng(7)
    with pytest.raises(Failed, match="0 jumps; at least 10"):
        fit("bates", histories.series_of(0.005 * rng.standard_normal(3_000), HOUR))


@pytest.mark.parametrize("bars", [1, 6, 24, 288])
def test_noise_of_realised_variance_is_two_over_the_returns(bars: int) -> None:
    rng = np.random.default_rng(8)
    x = rng.standard_normal((20_000, bars))
    assert relative_noise((x**2).sum(axis=1), (x**4).sum(axis=1)) == pytest.approx(2.0 / bars, rel=0.03)


def test_windows_leave_out_days_with_few_bars() -> None:
    rng = np.random.default_rng(9)
    whole = histories.series_of(0.01 * rng.standard_normal(24 * 100), HOUR)
    kept = np.ones(len(whole.value), dtype=bool)
    kept[24 * 10 : 24 * 10 + 12] = False
    kept[24 * 20] = False
    series = Series("BTC", "prices.csv", whole.time[kept], whole.value[kept], HOUR, 2, 100.0)
    windows = realise(series, DAY)
    assert np.flatnonzero(np.isnan(windows.variance)).tolist() == [10]
    assert np.nanmean(windows.variance) == pytest.approx(1e-4 * YEAR / HOUR, rel=0.1)


def test_window_is_a_day_where_there_are_enough() -> None:
    rng = np.random.default_rng(10)
    assert choose_window(histories.series_of(rng.standard_normal(24 * 300), HOUR)) == DAY
    assert choose_window(histories.series_of(rng.standard_normal(24 * 100), HOUR)) == 4 * HOUR
    assert choose_window(histories.series_of(rng.standard_normal(9 * 1_440), 60.0)) == 1800.0
    assert choose_window(histories.series_of(rng.standard_normal(500), DAY)) == DAY


def test_common_jumps() -> None:
    """A source that moves the second market three times in five, and jumps of each market's own."""
    source = Jump(rate=80.0, mean=[-0.02, -0.03], std=[0.05, 0.06], probability=[1.0, 0.6], correlation=0.8)
    alone = [
        Jump(rate=30.0, mean=[-0.02, 0.0], std=[0.05, 0.0], probability=[1.0, 0.0], key=0),
        Jump(rate=20.0, mean=[0.0, -0.03], std=[0.0, 0.06], probability=[0.0, 1.0], key=2),
    ]
    bars = 24 * 1_200
    models = models_of([HESTON_QE] * 2, [CALM] * 2, [source, *alone])
    log_price, _ = run(models, Clock(bars, 1, HOUR), 1, 3)
    series = [histories.series_of(np.diff(log_price[0, :, m]), HOUR, name) for m, name in enumerate("AB")]
    found = common_jumps(series, [fit("bates", one) for one in series])
    assert found is not None
    # The first market shares 48 of its 110 jumps a year.
    shared, error = found.rate * found.probability[1].value, found.probability[1].error
    assert error is not None
    assert abs(shared - 48.0) < 4.0 * found.rate * error
    assert found.rate + found.own[0] == pytest.approx(110.0, rel=0.25)
    assert shared + found.own[1] == pytest.approx(68.0, rel=0.25)
    assert found.correlation == pytest.approx(0.8, abs=0.15)
    assert found.together[0] > found.together[1] > 60


def test_markets_that_jump_apart_have_no_common_jumps() -> None:
    series = [histories.heston_history(CALM, 600, HOUR, seed, [NEWS]) for seed in (1, 2)]
    assert common_jumps(series, [fit("bates", one) for one in series]) is None
