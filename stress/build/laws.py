"""What the kernels need of each price model: its number, parameters, table and initial variance."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import chdtri, gammaincinv, ndtr

from stress.build.residuals import historical_table, read_residuals
from stress.build.rough import half_variances, kernel_exponentials
from stress.kernels.models import (
    GARCH,
    GARCH_HISTORY,
    GBM,
    HESTON_EULER,
    HESTON_QE,
    REGIME,
    ROUGH_BERGOMI,
    YEAR,
    garch,
)
from stress.kernels.structs import Clock, Floats

if TYPE_CHECKING:
    from stress.scenario.models import Garch, Gbm, Heston, Merton, Regime, RoughBergomi

EULER_STEP = 60.0
"""Longest step in seconds for which ``scheme: auto`` takes Euler: there its tail is within 0.5 % of QE's."""
COARSE = 0.02
"""kappa dt or xi^2 dt / theta from which Euler steps are too long: at 0.07 the 1 % tail of a day is 9 % too thin."""
QUANTILES = 2801
"""Nodes of the table of log W: 0.005 apart, so that linear interpolation is within 1e-5 of W."""


class Law(NamedTuple):
    """A price model as the kernels know it."""

    number: int
    """Place in :data:`stress.kernels.models.MODELS`."""
    params: list[float]
    """Parameters in the model's own order."""
    variance: float
    """Initial variance, per year."""
    table: Floats = np.zeros(0)
    """What the model looks up."""
    note: str | None = None
    """What the reader of a report should know."""


class Setting(NamedTuple):
    """What a law depends on besides its own keys."""

    name: str
    """Name of the market."""
    rho: float
    """Correlation of its price with its variance, as repaired."""
    chain: int
    """Number under which its regimes are drawn."""
    clock: Clock
    """The time grid."""

    @property
    def step(self) -> float:
        """Model step, seconds."""
        return self.clock.dt / self.clock.substeps

    @property
    def steps(self) -> int:
        """Model steps of a path."""
        return self.clock.checks * self.clock.substeps


def brownian(model: Gbm | Merton, setting: Setting) -> Law:
    """Constant volatility."""
    return Law(GBM, [model.volatility**2], model.volatility**2)


def square_root(model: Heston, setting: Setting) -> Law:
    """Heston's variance, the scheme chosen by the model step."""
    params = [model.kappa, model.theta, model.xi, setting.rho]
    if model.scheme == "qe" or (model.scheme == "auto" and setting.step > EULER_STEP):
        return Law(HESTON_QE, params, model.v0)
    noise = model.xi**2 / model.theta if model.theta > 0.0 else 0.0
    note = None
    if max(model.kappa, noise) * setting.step / YEAR > COARSE:
        note = (
            f"Euler steps of {setting.step:g} s are coarse for the variance of {setting.name}, whose half-life is "
            f"{math.log(2.0) / model.kappa * YEAR:.3g} s and whose volatility is {model.xi:g} per year: use scheme qe."
        )
    return Law(HESTON_EULER, params, model.v0, note=note)


def autoregressive(model: Garch, setting: Setting) -> Law:
    """GJR-GARCH by variance targeting: omega is what makes the long-run variance the stated one."""
    bar = model.interval / YEAR
    persistence = model.alpha + 0.5 * model.gamma + model.beta
    variance = model.volatility**2 if model.v0 is None else model.v0
    steps = round(model.interval / setting.step)
    if model.file is not None:
        residuals, note = read_residuals(model.file)
        # Half of a symmetric law lies below 0; residuals say themselves how much of theirs does.
        persistence += model.gamma * (float(np.mean(np.where(residuals < 0.0, residuals**2, 0.0))) - 0.5)
    omega = (1.0 - persistence) * model.volatility**2 * bar
    recursion = [omega, model.alpha, model.gamma, model.beta, float(steps), bar]
    if model.file is None:
        return Law(GARCH, [*recursion, model.nu], variance, mixing_quantiles(model.nu))
    return Law(GARCH_HISTORY, [*recursion, float(len(residuals))], variance, historical_table(residuals), note)


def mixing_quantiles(nu: float) -> Floats:
    """Log of W at equally spaced normals: 1/W is chi-square of nu degrees of freedom over nu - 2, so that E W = 1.

    The normal z gives the quantile of W at Phi(z).
    """
    z = np.linspace(-garch.REACH, garch.REACH, QUANTILES)
    # From both ends, for the small probabilities of either would be lost in 1 - p.
    low = np.where(z > 0.0, 2.0 * gammaincinv(0.5 * nu, ndtr(-z)), chdtri(nu, ndtr(z)))
    log_w: Floats = np.log(nu - 2.0) - np.log(low)
    return log_w


def switching(model: Regime, setting: Setting) -> Law:
    """A Markov chain of volatilities."""
    volatility = np.array([state.volatility for state in model.states])
    leaving = YEAR / np.array([state.duration for state in model.states])
    count = len(volatility)
    moves = (np.ones((count, count)) - np.eye(count)) / max(count - 1, 1)
    if model.transitions is not None:
        moves = np.array(model.transitions, dtype=np.float64)
    first = stationary(leaving, moves) if isinstance(model.start, str) else np.eye(count)[model.start]
    table = np.concatenate([volatility**2, leaving, np.cumsum(first), np.cumsum(moves, axis=1).ravel()])
    return Law(REGIME, [float(count), float(setting.chain)], float(first @ volatility**2), table)


def stationary(leaving: Floats, moves: Floats) -> Floats:
    """Share of time that a chain spends in each state, from rates of leaving and laws of the next state."""
    count = len(leaving)
    generator = leaving[:, None] * (moves - np.eye(count))
    system = np.vstack([generator.T, np.ones(count)])
    solution = np.linalg.lstsq(system, np.append(np.zeros(count), 1.0), rcond=None)[0]
    share: Floats = np.maximum(solution, 0.0)
    share /= share.sum()
    return share


def rough(model: RoughBergomi, setting: Setting) -> Law:
    """Log variance with a fractional kernel, its past in exponentials."""
    dt = setting.step / YEAR
    decays, weights = kernel_exponentials(model.hurst, dt, setting.steps)
    half = half_variances(model.hurst, model.eta, dt, decays, weights, setting.steps)
    params = [model.xi0, model.eta, model.hurst, float(len(decays))]
    return Law(ROUGH_BERGOMI, params, model.xi0, np.concatenate([decays, weights, half]))


LAWS: dict[str, Callable[[Any, Setting], Law]] = {
    "gbm": brownian,
    "merton": brownian,
    "heston": square_root,
    "bates": square_root,
    "svcj": square_root,
    "garch": autoregressive,
    "regime": switching,
    "rough_bergomi": rough,
}
"""Laws of the random models, by the type in the scenario; given prices have their own way in."""
