"""Square-root stochastic variance."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares

from stress.calibrate import affine
from stress.calibrate.estimators.common import Request, rule_of_thumb
from stress.calibrate.fit import Estimate, Fit, Track
from stress.calibrate.likelihood import Failed, jacobian, mean_error
from stress.calibrate.windows import Windows, realise
from stress.kernels.filters import square_root_filter
from stress.kernels.structs import Floats

NAMES = ("kappa", "theta", "xi", "rho")
LAGS = (1, 2, 5, 10, 20)
"""Windows between the two variances of a joint transform: from a day to three weeks."""
LEVERAGE_LAGS = (0, 1, 2)
METHOD = (
    "theta: mean realised variance. kappa and xi: generalised method of moments on exp(-variance / theta) of one "
    "window and of two at lags 1 to 20 (transforms of Cox, Ingersoll and Ross 1985). rho: returns against the same "
    "exponentials of this window and the next two."
)


class Diffusion(NamedTuple):
    """Estimates of the square-root process and of rho."""

    values: Floats
    """[4] kappa, theta, xi, rho."""
    errors: Floats


def fit(request: Request) -> Fit:
    """Generalised method of moments on realised variances."""
    windows = realise(request.series, request.window)
    if request.progress is not None:
        request.progress(f"{int((~np.isnan(windows.variance)).sum())} windows")
    found = diffusion(windows)
    estimates, filtered = described(found, windows)
    entry = {"type": "heston", **{name: estimate.value for name, estimate in estimates.items()}}
    notes = remarks(found.values, windows)
    return Fit("heston", entry, estimates, METHOD, notes, None, windows.realised, filtered)


def diffusion(windows: Windows) -> Diffusion:
    """kappa, theta, xi and rho of realised variances.

    A second moment would be ruled by the few windows of a crash, whose squares have no finite mean in crypto markets
    (their tail index is half of that of returns, 1.5); the exponentials are bounded and ask how often the variance is
    small, and for how long.
    """
    seen = int((~np.isnan(windows.variance)).sum())
    window = affine.observed(windows.dt, windows.noise)
    moments = Moments(windows.variance, window)
    best = least_squares(moments.gaps, moments.start(), xtol=1e-12, ftol=1e-12)
    if np.abs(best.fun).max() > 0.1 or not np.isfinite(best.x).all():
        raise Failed("no square-root process has a variance as spread and as persistent as this one")
    kappa, xi = np.exp(best.x)
    process = affine.SquareRoot(kappa, moments.theta, xi)
    errors = np.exp(best.x) * moments.errors(best.x)
    rho, rho_error = price_variance(windows, window, process)
    level_error = level_error_of(process, windows, seen)
    return Diffusion(
        np.array([kappa, moments.theta, xi, rho]), np.array([errors[0], level_error, errors[1], rho_error])
    )


def level_error_of(process: affine.SquareRoot, windows: Windows, seen: int) -> float:
    """Standard error of the mean variance: what the process would give, or what the sample shows if it is more."""
    years = seen * windows.dt
    by_law = process.xi * math.sqrt(process.theta / years) / process.kappa
    by_noise = process.theta * math.sqrt(windows.noise / seen)
    sample = windows.variance[~np.isnan(windows.variance)]
    return max(math.hypot(by_law, by_noise), mean_error(sample, rule_of_thumb(seen)))


class Moments:
    """Mean of exp(-y / theta) and its autocovariances, in the sample and under a process; x are log kappa and log xi.

    Parameters
    ----------
    variance
        [n] realised variances y, NaN where missing.
    window
        How they are observed.
    """

    weight = np.array([math.sqrt(len(LAGS)), *np.ones(len(LAGS))])
    """The level counts as much as all lags together."""

    def __init__(self, variance: Floats, window: affine.Observed) -> None:
        self.variance = variance
        self.window = window
        self.theta = float(np.nanmean(variance))

    def sample(self, theta: float) -> tuple[Floats, Floats]:
        """[1 + lags] moments, and [1 + lags, n] what each window adds to their error."""
        rows = exponentials(self.variance, 1.0 / theta)
        means = np.nanmean(rows, axis=1)
        slopes = np.eye(len(means))
        slopes[1:, 0] = -2.0 * means[0]
        seen = np.isfinite(rows).mean(axis=1, keepdims=True)
        return apart(means), slopes @ np.nan_to_num((rows - means[:, None]) / seen)

    def expected(self, x: Floats, theta: float) -> Floats:
        """[1 + lags] moments of a process."""
        process = affine.SquareRoot(math.exp(x[0]), theta, math.exp(x[1]))
        alone = affine.transform(process, self.window, 1.0 / theta)
        joint = [affine.joint_transform(process, self.window, 1.0 / theta, lag) for lag in LAGS]
        return apart(np.array([alone, *joint]))

    def gaps(self, x: Floats, theta: float | None = None) -> Floats:
        """[1 + lags] weighted differences."""
        level = self.theta if theta is None else theta
        return self.weight * (self.expected(x, level) - self.sample(level)[0])

    def start(self) -> Floats:
        """Coordinates from the decay of the autocovariances, for a gamma law of shape one."""
        moments, _ = self.sample(self.theta)
        ratio = float(np.clip(moments[4] / max(moments[2], 1e-6), 0.05, 0.98))
        kappa = -math.log(ratio) / ((LAGS[3] - LAGS[1]) * self.window.dt)
        return np.array([math.log(kappa), 0.5 * math.log(2.0 * kappa * self.theta)])

    def errors(self, x: Floats) -> Floats:
        """Standard errors of x (Hansen 1982), that of theta, which comes from the same sample, included."""
        slopes = jacobian(self.gaps, x)
        by_level = jacobian(lambda level: self.gaps(x, float(level[0])), np.array([self.theta]))
        missed = np.nan_to_num(self.variance - self.theta) / np.isfinite(self.variance).mean()
        spread = long_run(self.weight[:, None] * self.sample(self.theta)[1] - by_level * missed)
        inverse = np.linalg.pinv(slopes)
        errors: Floats = np.sqrt(np.diag(inverse @ spread @ inverse.T))
        return errors


def exponentials(variance: Floats, decay: float) -> Floats:
    """[1 + lags, n] exp(-decay y) and its products with later ones; NaN where either is missing."""
    bounded = np.exp(-decay * variance)
    rows = [bounded]
    for lag in LAGS:
        row = np.full_like(bounded, np.nan)
        row[:-lag] = bounded[lag:] * bounded[:-lag]
        rows.append(row)
    return np.stack(rows)


def apart(means: Floats) -> Floats:
    """[1 + lags] mean of the exponential, then its autocovariances: level and memory are asked apart."""
    return np.array([means[0], *(means[1:] - means[0] ** 2)])


def long_run(sample: Floats) -> Floats:
    """[k, k] covariance of the means of the rows of sample [k, n] (Newey & West 1987)."""
    lags = rule_of_thumb(sample.shape[1])
    total = sample @ sample.T
    for lag in range(1, lags + 1):
        cross = sample[:, lag:] @ sample[:, :-lag].T
        total += (1.0 - lag / (lags + 1.0)) * (cross + cross.T)
    covariance: Floats = total / sample.shape[1] ** 2
    return covariance


def price_variance(windows: Windows, window: affine.Observed, process: affine.SquareRoot) -> tuple[float, float]:
    """rho and its error from the covariance of returns with the exponentials of this window and later ones."""
    decay = 1.0 / process.theta
    bounded = np.exp(-decay * windows.variance)
    bounded = np.nan_to_num(bounded - np.nanmean(bounded))
    slopes = [affine.leverage(process, window, decay, lag) for lag in LEVERAGE_LAGS]
    products = np.zeros_like(bounded)
    for lag, slope in zip(LEVERAGE_LAGS, slopes, strict=True):
        products[: len(products) - lag] += slope * windows.value[: len(products) - lag] * bounded[lag:]
    scale = float(np.dot(slopes, slopes))
    seen = int((~np.isnan(windows.variance)).sum())
    rho = float(products.sum()) / seen / scale
    error = mean_error(products, rule_of_thumb(seen)) * len(products) / seen / scale
    return float(np.clip(rho, -0.99, 0.99)), error


def described(found: Diffusion, windows: Windows) -> tuple[dict[str, Estimate], Track]:
    """Estimates with the filtered variance at the end as v0, and the filtered variance."""
    filtered = np.empty((2, len(windows.value)))
    square_root_filter(np.stack([windows.value, windows.variance]), windows.noise, found.values, windows.dt, filtered)
    estimates = {n: Estimate(float(v), float(e)) for n, v, e in zip(NAMES, found.values, found.errors, strict=True)}
    estimates["v0"] = Estimate(float(filtered[0, -1]), float(filtered[1, -1]))
    return estimates, Track(windows.begin + windows.length, filtered[0])


def remarks(values: Floats, windows: Windows) -> tuple[str, ...]:
    """What the reader of the parameters should know."""
    kappa, theta, xi = values[:3]
    notes = ["v0 is the filtered variance at the end of the prices; set it to today's, or to theta for an average day."]
    feller = 2.0 * kappa * theta / xi**2
    if feller < 1.0:
        notes.append(f"Feller ratio 2 kappa theta / xi^2 = {feller:.2g}: the variance often comes close to zero.")
    if kappa * windows.dt > 2.0:
        notes.append("The variance reverts within a window: shorten the window (--window) to see its speed.")
    return tuple(notes)
