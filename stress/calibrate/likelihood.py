"""Maximum likelihood with standard errors."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize

from stress.kernels.structs import Floats

Progress = Callable[[str], None]
"""Takes a few words on how far a fit is."""


class Failed(Exception):
    """The data do not determine the parameters; the message says why, fit for the user."""


@dataclass(frozen=True)
class Maximum:
    """A maximum of a likelihood in its natural parameters."""

    values: Floats
    errors: Floats
    log_likelihood: float


Scores = Callable[[Floats], Floats]
Natural = Callable[[Floats], Floats]

_STEP = 1e-4
"""Step of numerical derivatives in coordinates of order one: errors of 1e-8 in the gradient, 1e-4 in the Hessian."""


def maximise(scores: Scores, natural: Natural, start: Floats, progress: Progress | None = None) -> Maximum:
    """Quasi-maximum likelihood with sandwich standard errors (White 1982, Econometrica 50:1).

    Parameters
    ----------
    scores
        Log densities [n] of the observations at unbounded coordinates [k].
    natural
        Parameters at the same coordinates; their errors follow by the delta method.
    start
        [k] where to begin.

    Raises
    ------
    Failed
        No maximum is found near the start.
    """
    rounds = 0

    def tell(_x: Floats) -> None:
        nonlocal rounds
        rounds += 1
        if progress is not None and rounds % 5 == 0:
            progress(f"round {rounds}")

    def loss(x: Floats) -> float:
        total = float(np.sum(scores(x)))
        return -total if math.isfinite(total) else 1e300

    x = np.asarray(start, dtype=np.float64)
    for method, options in (("L-BFGS-B", {"maxiter": 500, "ftol": 1e-13}), ("Nelder-Mead", {"maxiter": 60 * len(x)})):
        found = minimize(loss, x, method=method, callback=tell, options=options)  # type: ignore[call-overload]
        x = np.asarray(found.x, dtype=np.float64) if found.fun < loss(x) else x
    if loss(x) >= 1e300:
        raise Failed("the likelihood is not finite: are there enough prices that differ?")
    errors = standard_errors(scores, natural, x)
    return Maximum(natural(x), errors, -loss(x))


def standard_errors(scores: Scores, natural: Natural, x: Floats) -> Floats:
    """Errors of the natural parameters at a maximum: H^-1 G'G H^-1 by numerical derivatives, the delta method on top.

    A direction in which the likelihood is flat adds nothing: at a bound the errors are those given the bound.
    """
    gradient = jacobian(scores, x)
    curvature = -jacobian(lambda y: jacobian(scores, y).sum(axis=0), x)
    curvature = 0.5 * (curvature + curvature.T)
    # Directions in which the likelihood is flat, as at a bound, are left out.
    inverse = np.linalg.pinv(curvature, rcond=1e-9, hermitian=True)
    # One score for everything is a likelihood without terms: its inverse curvature is all there is.
    spread = inverse if len(gradient) == 1 else inverse @ (gradient.T @ gradient) @ inverse
    slopes = jacobian(natural, x)
    variances = np.einsum("ij,jk,ik->i", slopes, spread, slopes)
    return np.sqrt(np.where(variances >= 0.0, variances, np.nan))


def jacobian(function: Callable[[Floats], Floats], x: Floats) -> Floats:
    """[n, k] central differences of a vector function."""
    columns = []
    for k in range(len(x)):
        step = np.zeros_like(x)
        step[k] = _STEP * max(1.0, abs(x[k]))
        columns.append((function(x + step) - function(x - step)) / (2.0 * step[k]))
    return np.stack(columns, axis=-1)


def logistic(x: Any) -> Any:
    """From the real line to (0, 1)."""
    return 1.0 / (1.0 + np.exp(-x))


def logit(p: float) -> float:
    """Inverse of :func:`logistic`."""
    return math.log(p / (1.0 - p))


def mean_error(sample: Floats, lags: int) -> float:
    """Standard error of the mean of a stationary series (Newey & West 1987, Econometrica 55:703)."""
    centred = sample - sample.mean()
    total = float(centred @ centred)
    for lag in range(1, min(lags, len(sample) - 1) + 1):
        total += 2.0 * (1.0 - lag / (lags + 1.0)) * float(centred[lag:] @ centred[:-lag])
    return math.sqrt(max(total, 0.0)) / len(sample)
