"""Exponentials that carry the past of a fractional kernel."""

from __future__ import annotations

import numpy as np

from stress.kernels.structs import Floats

PER_DECADE = 2.5
"""Exponentials per factor of ten in time: with the reach below the fitted weights are within 0.1 %."""
BEYOND = 0.75
"""Decades that the speeds reach beyond the first lag and the last."""
DENSE = 64
"""Lags fitted one by one; later ones are taken at equal ratios, since the weights change by their ratio."""


def lag_weights(lags: Floats, hurst: float, dt: float) -> Floats:
    """Weights of the hybrid scheme: mean of the kernel u^(H - 1/2) between the lags j dt and (j + 1) dt.

    Bennedsen, Lunde & Pakkanen (2017), eq. 2.8 with the optimal evaluation points of proposition 2.8; the increment of
    j steps ago is weighted by it, j = 1, 2, ...
    """
    power = hurst + 0.5
    with np.errstate(all="ignore"):
        # The difference of two large powers loses digits; the derivative at the middle is exact to 1e-12 there.
        difference = (lags + 1.0) ** power - lags**power
        middle = power * (lags + 0.5) ** (power - 1.0)
    weights: Floats = np.where(lags > 1e4, middle, difference) / power * dt ** (hurst - 0.5)
    return weights


def fitted_lags(steps: int) -> Floats:
    """Lags at which the exponentials are fitted: all of the first, then about a hundred per decade."""
    last = max(steps, 2)
    later = np.geomspace(1.0, last, max(2, int(100 * np.log10(last))))
    return np.unique(np.concatenate([np.arange(1.0, min(DENSE, last) + 1.0), np.round(later)]))


def kernel_exponentials(hurst: float, dt: float, steps: int) -> tuple[Floats, Floats]:
    """Decays per step and weights whose sums of powers are the weights of the hybrid scheme.

    Parameters
    ----------
    hurst
        Hurst exponent of the kernel.
    dt
        Model step, years.
    steps
        Model steps of a path; lags up to it are fitted.

    Returns
    -------
    decays, weights
        [k] each: sum_k weight decay^j is close to the weight of lag j. The fit is of least relative squares over speeds
        at equal ratios (the spectrum of a fractional kernel is a power law: Abi Jaber & El Euch 2019).
    """
    lags = fitted_lags(steps)
    target = lag_weights(lags, hurst, dt)
    span = np.log10(lags[-1]) + BEYOND
    speeds = np.geomspace(10.0**BEYOND, 10.0**-span, max(4, int(np.ceil(PER_DECADE * (span + BEYOND)))))
    decays = np.exp(-speeds)
    basis = np.exp(-np.outer(lags, speeds)) / target[:, None]
    weights = np.linalg.lstsq(basis, np.ones(len(lags)), rcond=1e-12)[0]
    used = decays > 0.0
    return decays[used], weights[used]


def half_variances(hurst: float, eta: float, dt: float, decays: Floats, weights: Floats, steps: int) -> Floats:
    """eta^2 Var(Y) / 2 of the scheme at every model step, [steps + 1], from 0."""
    lag = np.zeros(max(steps, 1))
    power = np.ones(len(decays))
    for j in range(steps - 1):
        power = power * decays
        lag[j + 1] = power @ weights
    variance = dt ** (2.0 * hurst) + 2.0 * hurst * dt * np.cumsum(lag**2)
    return np.concatenate([[0.0], 0.5 * eta * eta * variance])
