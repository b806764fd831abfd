"""Price histories of known parameters, drawn without the program where the kernels are not what is tested."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

from stress.calibrate.prices import YEAR, Series
from stress.kernels.models import HESTON_QE
from stress.kernels.structs import Clock
from tests.price_paths import Heston, Jump, models_of, run

Floats = NDArray[np.float64]
HOUR, DAY = 3600.0, 86_400.0
BEGIN = 18_262 * DAY
"""1 January 2020."""


def series_of(returns: Floats, step: float, market: str = "BTC") -> Series:
    """Returns as if they had been read from a file."""
    time = BEGIN + np.arange(len(returns)) * step
    return Series(market, "prices.csv", time, np.asarray(returns, dtype=np.float64), step, 0, 100.0)


def heston_history(heston: Heston, days: int, step: float, seed: int, jumps: Sequence[Jump] = ()) -> Series:
    """Bars of Heston's model by the kernels, with jumps."""
    bars = round(days * DAY / step)
    log_price, _ = run(models_of([HESTON_QE], [heston], jumps), Clock(bars, 1, step), 1, seed)
    return series_of(np.diff(log_price[0, :, 0]), step)


def svcj_history(heston: Heston, jump: tuple[float, float, float, float, float], days: int, seed: int) -> Series:
    """Hourly bars by Euler steps of five minutes; jump: rate, mean, std, mean jump of the variance, slope."""
    rng = np.random.default_rng(seed)
    rate, mean, std, lift, slope = jump
    dt, steps = 300.0 / YEAR, round(days * DAY / 300.0)
    z, w = rng.standard_normal((2, steps))
    arrived = np.flatnonzero(rng.random(steps) < rate * dt)
    up = dict(zip(arrived.tolist(), rng.exponential(lift, len(arrived)), strict=True))
    x, v = np.zeros(steps), heston.v0
    across = np.sqrt(1.0 - heston.rho**2)
    for n in range(steps):
        level = max(v, 0.0)
        spread = np.sqrt(level * dt)
        x[n] = -0.5 * level * dt + spread * (heston.rho * z[n] + across * w[n])
        v += heston.kappa * (heston.theta - level) * dt + heston.xi * spread * z[n]
        if n in up:
            v += up[n]
            x[n] += mean + slope * up[n] + std * rng.standard_normal()
    return series_of(x.reshape(-1, 12).sum(axis=1), HOUR)


def merton_history(jump: tuple[float, float, float, float], bars: int, step: float, seed: int) -> Series:
    """Bars with constant volatility; jump: volatility, rate, mean, std."""
    rng = np.random.default_rng(seed)
    volatility, rate, mean, std = jump
    dt = step / YEAR
    count = rng.poisson(rate * dt, bars)
    jumps = count * mean + np.sqrt(count) * std * rng.standard_normal(bars)
    return series_of(volatility * np.sqrt(dt) * rng.standard_normal(bars) + jumps, step)


def garch_returns(parameters: tuple[float, float, float, float, float], bars: int, seed: int) -> Floats:
    """Returns of GJR-GARCH; parameters: omega, alpha, gamma, beta, nu."""
    omega, alpha, gamma, beta, nu = parameters
    uniform = np.random.Generator(np.random.PCG64(seed)).random(bars)
    z = student_t.ppf(uniform, nu) * np.sqrt((nu - 2.0) / nu)
    x, h = np.empty(bars), omega / (1.0 - alpha - gamma / 2.0 - beta)
    for n in range(bars):
        x[n] = np.sqrt(h) * z[n]
        h = omega + (alpha + gamma * (x[n] < 0.0)) * x[n] ** 2 + beta * h
    return x


def regime_history(volatility: Sequence[float], duration: Sequence[float], bars: int, step: float, seed: int) -> Series:
    """Bars of two volatilities that last exponential times of these means, in seconds, switching within bars."""
    rng = np.random.default_rng(seed)
    variance, state, left = np.zeros(bars), 0, float(rng.exponential(duration[0]))
    for n in range(bars):
        rest = step
        while left < rest:
            variance[n] += volatility[state] ** 2 * left / YEAR
            rest -= left
            state = 1 - state
            left = float(rng.exponential(duration[state]))
        variance[n] += volatility[state] ** 2 * rest / YEAR
        left -= rest
    return series_of(np.sqrt(variance) * rng.standard_normal(bars), step)


def write_csv(path: Path, rows: Sequence[Sequence[object]], header: str = "time,close") -> Path:
    """A table of rows."""
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n", encoding="utf-8")
    return path


def write_bars(path: Path, series: Series, price: float = 100.0) -> Path:
    """Bars of a series, the first one before its first return."""
    closes = price * np.exp(np.concatenate([[0.0], np.cumsum(series.value)]))
    times = np.concatenate([[series.time[0] - series.step], series.time])
    return write_csv(path, [(int(t), repr(float(p))) for t, p in zip(times, closes, strict=True)])
