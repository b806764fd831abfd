"""The figures carried by the built-in crisis scenarios, recomputed from market data.

Every function takes a pandas series or frame of a price history indexed by UTC
time and returns numbers in the units of a scenario file: rates per year,
variances per year, log jumps. A year is 365 days.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import gamma

YEAR: Final = pd.Timedelta(days=365)


@dataclass(frozen=True)
class SquareRootProcess:
    """Parameters of dv = kappa (theta - v) dt + xi sqrt(v) dW, per year."""

    kappa: float
    theta: float
    xi: float


@dataclass(frozen=True)
class Jumps:
    """Arrivals per year and moments of the log jump."""

    rate: float
    mean: float
    std: float


def closes(file: Path, symbols: tuple[str, ...]) -> pd.DataFrame:
    """Closing prices of one-minute bars, a column per symbol, indexed by the bar's start."""
    bars = pd.read_parquet(file, columns=["symbol", "ts_ms", "close"])
    bars["time"] = pd.to_datetime(bars["ts_ms"], unit="ms")
    return bars.pivot(index="time", columns="symbol", values="close")[list(symbols)]


def series(file: Path, column: str = "close") -> pd.Series:
    """One column of single-symbol bars, indexed by the bar's start."""
    bars = pd.read_parquet(file, columns=["ts_ms", column])
    return pd.Series(bars[column].to_numpy(dtype=float), index=pd.to_datetime(bars["ts_ms"], unit="ms"))


def log_returns(prices: pd.DataFrame | pd.Series, bar: str) -> pd.DataFrame | pd.Series:
    """Log returns over ``bar``, labelled by the start of the bar in which they end."""
    return np.log(prices).resample(bar).last().diff()


def realised_variance(returns: pd.DataFrame | pd.Series, period: str) -> pd.DataFrame | pd.Series:
    """Sum of squared returns in each ``period``, per year (Andersen and Bollerslev 1998)."""
    return (returns**2).resample(period).sum() * (YEAR / pd.Timedelta(period))


def mean_reversion(autocorrelation: float, period: str) -> float:
    """Speed kappa at which averages of a square-root process over ``period`` have this lag-1 autocorrelation.

    With a = kappa h it is (1 - e^-a)^2 / (2 (a - 1 + e^-a)): Barndorff-Nielsen and
    Shephard (2002), section 4, for integrated variance.
    """
    a = brentq(lambda x: np.expm1(-x) ** 2 / (2.0 * (x + np.expm1(-x))) - autocorrelation, 1e-3, 1e3)
    return float(a * (YEAR / pd.Timedelta(period)))


def _smoothing(kappa: float, period: str) -> float:
    """Variance of an average over ``period`` relative to that of the process: 2 (a - 1 + e^-a) / a^2, a = kappa h."""
    a = kappa * (pd.Timedelta(period) / YEAR)
    return float(2.0 * (a + np.expm1(-a)) / a**2)


def shock_correlation(prices: pd.DataFrame, period: str) -> pd.DataFrame:
    """Correlation of returns and changes of log realised variance over ``period``; positive semidefinite.

    Columns: the symbols (returns), then ``v`` + symbol (variances of one-minute returns).
    """
    returns = log_returns(prices, period)
    variances = np.log(realised_variance(log_returns(prices, "1min"), period)).diff()
    return pd.concat([returns, variances.add_prefix("v")], axis=1).corr()


def isolated_jumps(prices: pd.Series, multiple: float, least: float) -> tuple[Jumps, pd.DatetimeIndex]:
    """Five-minute returns beyond ``multiple`` local volatilities and ``least``, the first of each cluster.

    Local volatility is the bipower variation of the 24 hours before (Barndorff-Nielsen
    and Shephard 2004; threshold as Mancini 2009). A return within 24 hours of an earlier
    one belongs to its cluster and is left to the variance process.
    """
    returns = log_returns(prices, "5min").dropna()
    bipower = (np.pi / 2 * returns.abs() * returns.abs().shift()).rolling(288).mean().shift(1)
    beyond = returns[(returns.abs() > multiple * np.sqrt(bipower)) & (returns.abs() > least)]
    first = beyond[beyond.index.to_series().diff() > pd.Timedelta(days=1)]
    years = (returns.index[-1] - returns.index[0]) / YEAR
    return Jumps(len(first) / years, float(first.mean()), float(first.std())), pd.DatetimeIndex(first.index)


def stationary_shape(variance: pd.Series, kappa: float, period: str) -> float:
    """Shape of the gamma law of the process whose averages have the sample's ratio of median to mean.

    The square-root process is gamma with shape 2 kappa theta / xi^2 (Feller 1951); its averages are
    taken as gamma too, with a smaller variance. The median is matched and not the variance because
    one burst makes up most of the sample's variance.
    """
    ratio = float(variance.median() / variance.mean())
    averaged = brentq(lambda shape: gamma.median(shape, scale=1.0 / shape) - ratio, 0.02, 50.0)
    return float(averaged * _smoothing(kappa, period))


def square_root_process(variance: pd.Series, kappa: float, period: str) -> SquareRootProcess:
    """Process of given speed whose averages over ``period`` have the sample's mean and median."""
    theta = float(variance.mean())
    return SquareRootProcess(kappa, theta, float(np.sqrt(2 * kappa * theta / stationary_shape(variance, kappa, period))))


def local_volatility(prices: pd.Series, begin: str, end: str) -> float:
    """Volatility per root year of one-minute returns of the bars from ``begin`` to ``end``."""
    return float(np.sqrt((log_returns(prices, "1min").loc[begin:end] ** 2).mean() * (YEAR / pd.Timedelta("1min"))))


def thinned(prices: pd.Series, points: int) -> pd.Series:
    """The ``points`` prices that a polygon through them needs most (Ramer 1972, Douglas and Peucker 1973).

    Distances are vertical, in log price; the split farthest from its chord is taken first.
    """
    clock = prices.index.to_numpy(dtype="datetime64[s]").astype(float)
    level = np.log(prices.to_numpy())
    kept = [0, len(level) - 1]
    while len(kept) < points:
        distance = np.abs(level - np.interp(clock, clock[kept], level[kept]))
        kept = sorted({*kept, int(distance.argmax())})
    return prices.iloc[kept]
