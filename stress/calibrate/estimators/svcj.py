"""Square-root stochastic variance with jumps of price and variance at once."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from stress.calibrate.estimators import bates, heston
from stress.calibrate.estimators.common import Request
from stress.calibrate.fit import Estimate, Fit
from stress.calibrate.jumps import Jumps
from stress.calibrate.likelihood import Failed
from stress.calibrate.prices import YEAR, Series
from stress.kernels.structs import Floats, Ints

LOOK = 86_400.0
"""Seconds before and after a jump over which the variance is compared."""
MOST_BY_JUMPS = 0.5
"""Largest share of the mean and of the spread of the variance that its jumps may bear."""
MOST_TILT = 0.5
"""Largest variance_jump * jump_slope, which must be less than 1."""
SIGNIFICANT = 2.0
"""Standard errors under which jump_slope is set to 0."""
METHOD = (
    "variance_jump: realised variance of the day after a jump against what the day before lets expect. jump_slope: "
    "covariance of the two jumps. theta and xi are lowered by what variance jumps add to mean and spread. "
)


class Lift(NamedTuple):
    """The jump of the variance."""

    mean: Estimate
    slope: Estimate


def fit(request: Request) -> Fit:
    """As bates, then the variance around the jumps."""
    jumps, law, windows = bates.split(request)
    found = heston.diffusion(windows)
    lift = lift_of(request.series, jumps, float(found.values[0]))
    most = most_lift(found.values, law["jump_rate"].value)
    notes = [bates.counted(jumps)]
    if lift.mean.value > most:
        notes.append(
            f"The variance rises by {lift.mean.value:.2g} after the jumps seen, the larger ones; at the rate of all "
            "jumps "
            f"variance_jump is held to {most:.2g}, where jumps bear half of the mean or the spread of the variance."
        )
        lift = lift._replace(mean=Estimate(most, lift.mean.error))
    if abs(lift.slope.value) < SIGNIFICANT * (lift.slope.error or 0.0):
        error = lift.slope.error
        notes.append(
            f"jump_slope is set to 0: {lift.slope.value:.2g} with a standard error of {error:.2g} is not told from it."
        )
        lift = lift._replace(slope=Estimate(0.0, error))
    rate = law["jump_rate"].value
    found = heston.Diffusion(without_lift(found.values, rate, lift.mean.value), errors_with(found, rate, lift.mean))
    estimates, filtered = heston.described(found, windows)
    estimates |= {**law, **price_part(law, lift), "variance_jump": lift.mean, "jump_slope": lift.slope}
    entry = {"type": "svcj", **{name: estimate.value for name, estimate in estimates.items()}}
    method = METHOD + bates.METHOD + heston.METHOD
    remarks = (*heston.remarks(found.values, windows), *notes)
    return Fit("svcj", entry, estimates, method, remarks, None, windows.realised, filtered, jumps=jumps)


def lift_of(series: Series, jumps: Jumps, kappa: float) -> Lift:
    """Mean jump of the variance and slope of the price jump on it.

    The day after is regressed on the day before over all times without a jump (the conditional mean of a mean-reverting
    variance is linear); what it is above that line after a jump, over (1 - e^(-kappa h)) / (kappa h), is the jump.

    Raises
    ------
    Failed
        The variance does not rise at the jumps.
    """
    before, after = around(series, jumps.at)
    usual = np.isfinite(before) & np.isfinite(after)
    calm = usual & ~np.isnan(jumps.local)
    calm[jumps.at] = False
    slope, level = np.polyfit(before[calm], after[calm], 1)
    kept = usual[jumps.at]
    risen = (after - level - slope * before)[jumps.at][kept]
    h = kappa * LOOK / YEAR
    share = -math.expm1(-h) / h
    mean = float(risen.mean()) / share
    error = float(risen.std(ddof=1)) / share / math.sqrt(len(risen))
    if mean <= 0.0:
        raise Failed(f"the variance does not rise at the jumps ({mean:.3g} with a standard error of {error:.2g})")
    size = jumps.size[kept] - jumps.size[kept].mean()
    # An exponential jump has the variance of its squared mean.
    products = size * (risen - risen.mean()) / share / mean**2
    bound = MOST_TILT / mean
    tilt = float(np.clip(products.mean(), -bound, bound))
    tilt_error = math.hypot(float(products.std(ddof=1)) / math.sqrt(len(products)), 2.0 * tilt * error / mean)
    return Lift(Estimate(mean, error), Estimate(tilt, tilt_error))


def around(series: Series, struck: Ints) -> tuple[Floats, Floats]:
    """[n] mean squared return per year over a day before and after each return, jumps and itself left out."""
    count = max(1, round(LOOK / series.step))
    kept = np.ones(len(series.value))
    kept[struck] = 0.0
    squares = np.concatenate([[0.0], np.cumsum(kept * series.value**2 / series.dt)])
    number = np.concatenate([[0.0], np.cumsum(kept)])
    before, after = np.full(len(series.value), np.nan), np.full(len(series.value), np.nan)
    ends = np.arange(count, len(series.value) - count)
    before[ends] = (squares[ends] - squares[ends - count]) / np.maximum(number[ends] - number[ends - count], 1.0)
    after[ends] = (squares[ends + count + 1] - squares[ends + 1]) / np.maximum(
        number[ends + count + 1] - number[ends + 1], 1.0
    )
    return before, after


def most_lift(values: Floats, rate: float) -> float:
    """Mean jump of the variance at which jumps bear half of the mean of the variance, or of its spread."""
    kappa, level, xi, _ = values
    return float(min(MOST_BY_JUMPS * level * kappa / rate, xi * math.sqrt(MOST_BY_JUMPS * level / (2.0 * rate))))


def without_lift(values: Floats, rate: float, lift: float) -> Floats:
    """kappa, theta, xi and rho of the diffusion alone.

    Jumps of exponential size add rate lift / kappa to the mean of the variance and rate lift^2 / kappa to its variance,
    which without them is xi^2 theta / (2 kappa); its autocorrelation stays e^(-kappa t).
    """
    kappa, level, xi, rho = values
    theta = level - rate * lift / kappa
    spread = xi**2 * level - 2.0 * rate * lift**2
    own = math.sqrt(spread / theta)
    # What returns and later variances have in common is rho xi times the variance, whatever raised it.
    return np.array([kappa, theta, own, np.clip(rho * xi / own, -0.99, 0.99)])


def errors_with(found: heston.Diffusion, rate: float, lift: Estimate) -> Floats:
    """[4] errors of the diffusion, those that the jump of the variance brings into theta and xi included."""
    none = np.append(found.values[:3], 0.0)
    step = 1e-3 * max(lift.value, 1e-9)
    apart = without_lift(none, rate, lift.value) - without_lift(none, rate, lift.value - step)
    carried = apart / step * min(lift.error or 0.0, lift.value)
    total: Floats = np.hypot(found.errors, np.abs(carried))
    return total


def price_part(law: dict[str, Estimate], lift: Lift) -> dict[str, Estimate]:
    """jump_mean and jump_std of the price jump given the variance jump; the moments of both together are those seen."""
    slope, mean = lift.slope, lift.mean
    together, std = slope.value * mean.value, law["jump_std"].value
    # Error of slope times lift, by the delta method.
    moved = math.hypot((slope.error or 0.0) * mean.value, slope.value * (mean.error or 0.0))
    own = math.sqrt(max(std**2 - together**2, (0.1 * std) ** 2))
    spread_error = math.hypot((law["jump_std"].error or 0.0) * std / own, abs(together) * moved / own)
    return {
        "jump_mean": Estimate(law["jump_mean"].value - together, math.hypot(law["jump_mean"].error or 0.0, moved)),
        "jump_std": Estimate(own, spread_error),
    }
