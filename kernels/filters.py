"""Filters of a hidden variance or state, given prices. For calibration; no simulation uses them.

In shapes, n counts windows or returns in time and k the states of a chain.
"""

from __future__ import annotations

import math

import numpy as np

from .jit import kernel
from .structs import Floats

LEAST = 1e-3
"""Floor of the filtered variance as a share of its long-run level, so that the next one keeps a spread."""

Moments = tuple[float, float, float, float, float, float, float, float]


@kernel
def window_moments(kappa: float, theta: float, xi: float, rho: float, dt: float, v: float) -> Moments:
    """What one window of ``dt`` years shows of a square-root variance that starts at ``v``.

    Returns
    -------
    Mean of the variance at the end and of its average over the window; variances of end, average and return;
    covariances of end with average, end with return, average with return. Each is an integral over
    E v_s = theta + (v - theta) e^(-kappa s), since v moves by xi e^(-kappa (t - s)) sqrt(v_s) dW_s (Cox, Ingersoll &
    Ross 1985; Barndorff-Nielsen & Shephard 2002, JRSS B 64:253, section 4).
    """
    h = kappa * dt
    e = math.exp(-h)
    gap = v - theta
    once, twice = (1.0 - e) / kappa, (1.0 - e * e) / (2.0 * kappa)
    end = theta + gap * e
    average = theta + gap * (1.0 - e) / h
    var_end = xi * xi * (theta * twice + gap * e * once)
    calm, excess = dt - 2.0 * once + twice, once * (1.0 + e) - 2.0 * dt * e
    var_average = xi * xi * (theta * calm + gap * excess) / (h * h)
    cov_end_average = xi * xi * (theta * (once - twice) + gap * e * (dt - once)) / h
    cov_end_return = rho * xi * (theta * once + gap * e * dt)
    cov_average_return = rho * xi * (theta * (dt - once) + gap * (once - e * dt)) / h
    return end, average, var_end, var_average, dt * average, cov_end_average, cov_end_return, cov_average_return


@kernel
def square_root_filter(windows: Floats, noise: float, parameters: Floats, dt: float, filtered: Floats) -> None:
    """Best linear estimate of Heston's variance from returns and realised variances (Kalman 1960).

    The moments are exact given the variance at the start of a window, which they depend on linearly; the gain takes
    it at its estimate (Barndorff-Nielsen & Shephard 2002, section 4).

    Parameters
    ----------
    windows
        [2, n] compensated log return of each window and its realised variance per year (NaN: not observed).
    noise
        Squared relative error of a realised variance; 2 / observations for Gaussian returns.
    parameters
        [4] kappa, theta, xi, rho.
    dt
        Length of a window, years.
    filtered
        [2, n] output: variance at the end of each window, given all windows up to it, and its standard error.
    """
    kappa, theta, xi, rho = parameters[0], parameters[1], parameters[2], parameters[3]
    h = kappa * dt
    decay = math.exp(-h)
    share = (1.0 - decay) / h
    v, p = theta, xi * xi * theta / (2.0 * kappa)
    for n in range(filtered.shape[1]):
        end, average, var_end, var_average, var_x, cov_ea, cov_ex, cov_ax = window_moments(kappa, theta, xi, rho, dt, v)
        var_end += decay * decay * p
        var_average += share * share * p
        cov_ea += decay * share * p
        if not math.isnan(windows[1, n]):
            error = windows[0, n]
            end += cov_ex / var_x * error
            average += cov_ax / var_x * error
            var_end -= cov_ex * cov_ex / var_x
            cov_ea -= cov_ex * cov_ax / var_x
            var_average -= cov_ax * cov_ax / var_x
            level = max(average, LEAST * theta)
            spread = var_average + noise * (level * level + var_average)
            end += cov_ea / spread * (windows[1, n] - average)
            var_end -= cov_ea * cov_ea / spread
        v, p = max(end, LEAST * theta), max(var_end, 0.0)
        filtered[0, n] = v
        filtered[1, n] = math.sqrt(p)


@kernel
def forward_backward(density: Floats, transition: Floats, occupied: Floats, moved: Floats) -> float:
    """Smoothed states of a hidden Markov chain and the log-likelihood (Baum et al. 1970; Hamilton 1989), scaled.

    Parameters
    ----------
    density
        [n, k] density of each observation in each state.
    transition
        [k, k] probability to go from the row to the column in one step.
    occupied
        [n, k] output: probability of each state given all observations.
    moved
        [k, k] output: expected number of moves from the row to the column.
    """
    steps, states = density.shape
    scale = np.empty(steps)
    total = 0.0
    for n in range(steps):
        scale[n] = 0.0
        for k in range(states):
            before = 1.0 / states
            if n > 0:
                before = 0.0
                for j in range(states):
                    before += occupied[n - 1, j] * transition[j, k]
            occupied[n, k] = before * density[n, k]
            scale[n] += occupied[n, k]
        total += math.log(scale[n])
        for k in range(states):
            occupied[n, k] /= scale[n]
    smooth(density, transition, scale, occupied, moved)
    return total


@kernel
def smooth(density: Floats, transition: Floats, scale: Floats, occupied: Floats, moved: Floats) -> None:
    """Backward pass of :func:`forward_backward`: from filtered to smoothed probabilities."""
    steps, states = density.shape
    later, weight = np.ones(states), np.empty(states)
    for i in range(states):
        for k in range(states):
            moved[i, k] = 0.0
    for n in range(steps - 2, -1, -1):
        for k in range(states):
            weight[k] = density[n + 1, k] * later[k] / scale[n + 1]
        for i in range(states):
            later[i] = 0.0
            for k in range(states):
                step = transition[i, k] * weight[k]
                later[i] += step
                moved[i, k] += occupied[n, i] * step
        for k in range(states):
            occupied[n, k] *= later[k]
