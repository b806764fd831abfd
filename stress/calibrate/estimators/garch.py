"""GJR-GARCH with Student innovations."""

from __future__ import annotations

import math

import numpy as np
from scipy.signal import lfilter
from scipy.special import gammaln

from stress.calibrate.estimators.common import Request, rule_of_thumb
from stress.calibrate.fit import Estimate, Fit, Track, estimates_of
from stress.calibrate.likelihood import logistic, logit, maximise, mean_error
from stress.kernels.structs import Floats
from stress.scenario.units import Dimension, write

NAMES = ("alpha", "gamma", "beta", "nu")
MOST_PERSISTENT = 0.995
"""Bound of alpha + gamma / 2 + beta: unbounded estimates of BTC are above 1 in every window, where no long-run
volatility exists."""
LEAST_NU = 2.05
BURN_IN = 50
"""Returns at the start that only warm up the variance."""


def fit(request: Request) -> Fit:
    """Quasi-maximum likelihood with variance targeting (Francq, Horváth & Zakoïan 2011)."""
    series = request.series
    e = series.value - series.value.mean()
    target = float((e**2).mean())

    def scores(y: Floats) -> Floats:
        alpha, gamma, beta, nu = natural(y)
        h = variances(e, target, (alpha, gamma, beta))[:-1]
        return student(e, h, nu)[BURN_IN:]

    # Persistence 0.98, of which news 0.08; news of falls and rises alike; five degrees of freedom.
    start = np.array([logit(0.98 / MOST_PERSISTENT), logit(0.08), 0.0, math.log(5.0 - LEAST_NU)])
    best = maximise(scores, natural, start, request.progress)
    estimates = estimates_of(NAMES, best)
    alpha, gamma, beta, _ = best.values
    h = variances(e, target, (alpha, gamma, beta))
    volatility = math.sqrt(target / series.dt)
    error = mean_error(e**2, rule_of_thumb(len(e))) / series.dt / (2.0 * volatility)
    estimates = {"volatility": Estimate(volatility, error), **estimates, "v0": Estimate(float(h[-1] / series.dt), None)}
    entry = {"type": "garch", **{name: estimate.value for name, estimate in estimates.items()}}
    entry["interval"] = write(series.step, Dimension.DURATION)
    filtered = Track(series.time + series.step, h[1:] / series.dt)
    method = (
        "Quasi-maximum likelihood with variance targeting (Francq, Horváth and Zakoïan 2011), errors of White (1982)."
    )
    return Fit(
        "garch",
        entry,
        estimates,
        method,
        remarks(alpha + gamma / 2.0 + beta),
        best.log_likelihood,
        None,
        filtered,
        (e / np.sqrt(h[:-1]))[BURN_IN:],
    )


def natural(y: Floats) -> Floats:
    """alpha, gamma, beta and nu: alpha and alpha + gamma positive, alpha + gamma / 2 + beta under the bound."""
    persistence = MOST_PERSISTENT * logistic(y[0])
    news, by_rises = 2.0 * persistence * logistic(y[1]), logistic(y[2])
    alpha = news * by_rises
    gamma = news - 2.0 * alpha
    return np.array([alpha, gamma, persistence - news / 2.0, LEAST_NU + math.exp(y[3])])


def variances(e: Floats, target: float, parameters: tuple[float, float, float]) -> Floats:
    """[n + 1] variance of each return given those before, of the next one too (Glosten, Jagannathan & Runkle 1993)."""
    alpha, gamma, beta = parameters
    omega = target * (1.0 - alpha - gamma / 2.0 - beta)
    news = omega + (alpha + gamma * (e < 0.0)) * e**2
    rest, _ = lfilter([1.0], [1.0, -beta], news, zi=np.array([beta * target]))
    return np.concatenate([[target], rest])


def student(e: Floats, h: Floats, nu: float) -> Floats:
    """[n] log density of Student innovations of variance h (Bollerslev 1987)."""
    constant = float(gammaln((nu + 1.0) / 2.0) - gammaln(nu / 2.0)) - 0.5 * math.log(math.pi * (nu - 2.0))
    density: Floats = constant - 0.5 * np.log(h) - (nu + 1.0) / 2.0 * np.log1p(e**2 / ((nu - 2.0) * h))
    return density


def remarks(persistence: float) -> tuple[str, ...]:
    """What the reader of the parameters should know."""
    half_life = math.log(0.5) / math.log(persistence)
    notes = [f"Persistence {persistence:.4f}: half of a shock to the variance is left after {half_life:.0f} bars."]
    notes.append(
        "For filtered historical simulation put `innovations: historical` and `file:` with the path of the residuals "
        "in the place of nu."
    )
    if persistence > 0.999 * MOST_PERSISTENT:
        notes.append(f"Persistence is at its bound of {MOST_PERSISTENT}; the likelihood would go on to 1 and beyond.")
    return tuple(notes)
