"""Laplace transforms of Heston's variance in its stationary state, in closed form."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import roots_genlaguerre

from stress.kernels.structs import Floats

NODES = 6
"""Nodes of each quadrature; 12 change no transform of a day by more than 1e-4."""


class SquareRoot(NamedTuple):
    """dv = kappa (theta - v) dt + xi sqrt(v) dW, per year."""

    kappa: float
    theta: float
    xi: float

    @property
    def shape(self) -> float:
        """Shape of the stationary gamma law (Feller 1951)."""
        return 2.0 * self.kappa * self.theta / self.xi**2

    @property
    def scale(self) -> float:
        """Scale of the stationary gamma law."""
        return self.xi**2 / (2.0 * self.kappa)


class Exponential(NamedTuple):
    """exp(level - slope v) as a function of the variance."""

    level: Floats
    slope: Floats


def carry(process: SquareRoot, years: float | Floats, discount: Floats, end: Exponential) -> Exponential:
    """E[exp(-discount int v) end(v at the end) | v at the start] over some years.

    Cox, Ingersoll & Ross (1985), eq. 23, with a load at the end (Lamberton & Lapeyre 1996, proposition 6.2.5).
    """
    kappa, _, xi = process
    gamma = np.sqrt(kappa**2 + 2.0 * xi**2 * discount)
    # Everything divided by e^(gamma years), which overflows for long gaps.
    shrunk = np.exp(-gamma * years)
    divisor = xi**2 * end.slope * (1.0 - shrunk) + (gamma - kappa) * shrunk + gamma + kappa
    slope = (end.slope * ((gamma + kappa) * shrunk + gamma - kappa) + 2.0 * discount * (1.0 - shrunk)) / divisor
    grown = np.log(2.0 * gamma) - 0.5 * (gamma - kappa) * years - np.log(divisor)
    return Exponential(end.level + process.shape * grown, slope)


ONE = Exponential(np.zeros(()), np.zeros(()))


def stationary(process: SquareRoot, value: Exponential) -> Floats:
    """Mean of exp(level - slope v) over the stationary law."""
    mean: Floats = np.exp(value.level - process.shape * np.log1p(value.slope * process.scale))
    return mean


class Observed(NamedTuple):
    """A realised variance as the average variance of a window times an independent chi-square over its degrees."""

    dt: float
    """Years in a window."""
    node: Floats
    weight: Floats


def observed(dt: float, noise: float) -> Observed:
    """Quadrature over the error of a realised variance, whose squared relative size is ``noise``."""
    half = 1.0 / noise
    node, weight = roots_genlaguerre(NODES, half - 1.0)
    return Observed(dt, node / half, weight / weight.sum())


def transform(process: SquareRoot, window: Observed, decay: float) -> float:
    """E exp(-decay y) of a realised variance y."""
    value = carry(process, window.dt, decay * window.node / window.dt, ONE)
    return float(window.weight @ stationary(process, value))


def joint_transform(process: SquareRoot, window: Observed, decay: float, lag: int) -> float:
    """E exp(-decay (y + z)) of realised variances ``lag`` windows apart."""
    discount = decay * window.node / window.dt
    later = carry(process, window.dt, discount, ONE)
    between = carry(process, (lag - 1) * window.dt, np.zeros(()), later)
    first = carry(process, window.dt, discount[:, None], between)
    return float(window.weight @ stationary(process, first) @ window.weight)


def leverage(process: SquareRoot, window: Observed, decay: float, lag: int) -> float:
    """E[x exp(-decay y)] / rho, for the return x of a window and the realised variance ``lag`` windows later.

    By Clark and Ocone's formula it is -xi int E[v_t b(t) e^(a(t) - b(t) v_t)] dt over the window, where e^(a - b v) is
    what is expected of the exponential at t.
    """
    node, weight = np.polynomial.legendre.leggauss(NODES)
    time, weight = 0.5 * window.dt * (node + 1.0)[:, None], 0.5 * window.dt * weight
    discount = decay * window.node / window.dt
    if lag == 0:
        now = carry(process, window.dt - time, discount[None, :], ONE)
        since = discount[None, :]
    else:
        later = carry(process, window.dt, discount, ONE)
        now = carry(process, lag * window.dt - time, np.zeros(()), later)
        since = np.zeros((1, 1))
    # E[v e^(-b v) ...] is the slope of the transform in b.
    step = 1e-4 / process.scale
    ends = [
        stationary(process, carry(process, time, since, Exponential(now.level, now.slope + d))) for d in (-step, step)
    ]
    slope = now.slope * (ends[0] - ends[1]) / (2.0 * step)
    return float(-process.xi * weight @ slope @ window.weight)
