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


def laplace_transform(decay: float, process: SquareRootProcess, period: str) -> float:
    """E exp(-decay * average of v over ``period``) of the stationary process.

    The price of a bond whose short rate is decay v / h (Cox, Ingersoll and Ross 1985, eq. 23),
    averaged over the gamma law of the initial v (Feller 1951).
    """
    kappa, theta, xi = process.kappa, process.theta, process.xi
    h = pd.Timedelta(period) / YEAR
    g = np.sqrt(kappa**2 + 2.0 * xi**2 * decay / h)
    grown = np.expm1(g * h)
    divisor = (g + kappa) * grown + 2.0 * g
    loading = 2.0 * decay / h * grown / divisor
    shape, scale = 2.0 * kappa * theta / xi**2, xi**2 / (2.0 * kappa)
    log_a = shape * (np.log(2.0 * g) + (kappa + g) * h / 2.0 - np.log(divisor))
    return float(np.exp(log_a - shape * np.log1p(loading * scale)))


def square_root_process(variance: pd.Series, kappa: float, period: str) -> SquareRootProcess:
    """Process of given speed with the sample's mean and its mean of exp(-variance / mean).

    The second moment is no use here: one burst makes up most of it. The bounded function asks how
    much of the time the variance is small against its mean.
    """
    theta = float(variance.mean())
    target = float(np.exp(-variance / theta).mean())

    def excess(xi: float) -> float:
        return laplace_transform(1.0 / theta, SquareRootProcess(kappa, theta, xi), period) - target

    widest = np.sqrt(2.0 * kappa * theta / 0.005)
    return SquareRootProcess(kappa, theta, float(brentq(excess, 0.01 * widest, widest)))


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


def depth_within_one_percent(file: Path, begin: str, end: str) -> float:
    """Mean of the median bid and the median ask notional within 1 % of the mid price."""
    depth = pd.read_parquet(file, columns=["ts_ms", "percentage", "notional"])
    depth["time"] = pd.to_datetime(depth["ts_ms"], unit="ms")
    table = depth.pivot(index="time", columns="percentage", values="notional").loc[begin:end]
    return float((table[-1].median() + table[1].median()) / 2)


def drought_exponent(fall: float, volatility: float, calm: float) -> float:
    """Exponent at which depth proportional to volatility^-exponent has lost ``fall`` at ``volatility``."""
    return float(-np.log(1.0 - fall) / np.log(volatility / calm))


def depth_from_cost(size: float, round_trip: float, exponent: float, at: float = 0.01) -> float:
    """Depth at displacement ``at`` for which buying and selling ``size`` costs ``round_trip`` of its value.

    One side costs the mean of the power law up to ``size``, at (size / depth)^exponent / (exponent + 1).
    """
    reached = (1.0 + exponent) * round_trip / 2.0 / at
    return float(size / reached ** (1.0 / exponent))
