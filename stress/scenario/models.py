"""Schema of the price models."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from stress.scenario.parts import Complaint, Family, Part
from stress.scenario.values import Duration, File, Fraction, Money, Number, Words

Annual = Annotated[float, Fraction(least=0.0, most=100.0, unit="per root year")]
Variance = Annotated[float, Number(least=0.0, most=1e4, unit="per year")]
Rate = Annotated[float, Number(least=0.0, most=1e6, unit="per year")]
JumpSize = Annotated[float, Fraction(least=-5.0, most=5.0)]
JumpSpread = Annotated[float, Fraction(least=0.0, most=5.0)]
Drift = Annotated[float, Fraction(least=-100.0, most=100.0, unit="per year")]
Scheme = Annotated[Literal["auto", "euler", "qe"], Words(("auto", "euler", "qe"))]
Price = Annotated[float, Money(above=0.0)]

_DRIFT = "Drift of the price; the expected price is the initial one at 0."
_SCHEME = "Time stepping: full-truncation Euler, quadratic-exponential, or the right one for the step."


class Gbm(Part):
    """Geometric Brownian motion."""

    type: Literal["gbm"]
    volatility: Annual = Field(description="Constant volatility.")
    drift: Drift = Field(default=0.0, description=_DRIFT)

    def long_run_volatility(self) -> float | None:
        """Volatility at which a market has its stated depth, per root year."""
        return self.volatility


class Heston(Part):
    """Stochastic variance (Heston 1993)."""

    type: Literal["heston"]
    kappa: Annotated[float, Number(above=0.0, most=1e6, unit="per year")] = Field(
        description="Speed at which the variance reverts to its long-run level."
    )
    theta: Variance = Field(description="Long-run variance.")
    xi: Variance = Field(description="Volatility of the variance.")
    rho: Annotated[float, Number(least=-1.0, most=1.0)] = Field(
        description="Correlation of the shocks to price and variance."
    )
    v0: Variance = Field(description="Initial variance.")
    drift: Drift = Field(default=0.0, description=_DRIFT)
    scheme: Scheme = Field(default="auto", description=_SCHEME)

    def long_run_volatility(self) -> float | None:
        """Volatility at which a market has its stated depth, per root year."""
        return math.sqrt(self.theta)


class Bates(Part):
    """Heston's model with normally distributed log-price jumps (Bates 1996)."""

    type: Literal["bates"]
    kappa: Annotated[float, Number(above=0.0, most=1e6, unit="per year")] = Field(
        description="Speed at which the variance reverts to its long-run level."
    )
    theta: Variance = Field(description="Long-run variance.")
    xi: Variance = Field(description="Volatility of the variance.")
    rho: Annotated[float, Number(least=-1.0, most=1.0)] = Field(
        description="Correlation of the shocks to price and variance."
    )
    v0: Variance = Field(description="Initial variance.")
    jump_rate: Rate = Field(description="Jumps per year.")
    jump_mean: JumpSize = Field(description="Mean of a jump of the log price.")
    jump_std: JumpSpread = Field(description="Standard deviation of a log-price jump.")
    drift: Drift = Field(default=0.0, description=_DRIFT)
    scheme: Scheme = Field(default="auto", description=_SCHEME)

    def long_run_volatility(self) -> float | None:
        """Volatility at which a market has its stated depth, per root year."""
        return math.sqrt(self.theta)


PathPoint = tuple[Annotated[float, Duration()], Price]


class Replay(Part):
    """A recorded price path, the same on every path of the run."""

    type: Literal["replay"]
    points: tuple[PathPoint, ...] = Field(
        default=(), description="Pairs of time and price, log-linear in between; the first at 0s."
    )
    file: Annotated[Path, File()] | None = Field(
        default=None, description="Table with the columns time (seconds) and price, instead of points."
    )
    volatility: Annual | None = Field(default=None, description="Constant volatility; else estimated from the path.")
    volatility_half_life: Annotated[float, Duration(above=0.0)] = Field(
        default=1800.0, description="Half-life of the estimate of volatility from the path."
    )

    def check(self) -> Iterator[Complaint]:
        """One source of prices; times ascending from zero."""
        if bool(self.points) == (self.file is not None):
            yield (), "give either points or file"
        if self.points and self.points[0][0] != 0.0:
            yield ("points", 0, 0), "the first point must be at 0s"
        for n in range(1, len(self.points)):
            if self.points[n][0] <= self.points[n - 1][0]:
                yield ("points", n, 0), "times must ascend"

    def long_run_volatility(self) -> float | None:
        """Volatility at which a market has its stated depth, per root year; None where none is given."""
        return self.volatility


class Prescribed(Part):
    """One price per margin check, the same on every path of the run."""

    type: Literal["prescribed"]
    prices: tuple[Price, ...] = Field(min_length=1, description="Prices at index 0 and at every check.")
    volatility: Annual = Field(default=0.0, description="Constant volatility that the market is taken to have.")

    def long_run_volatility(self) -> float | None:
        """Volatility at which a market has its stated depth, per root year."""
        return self.volatility


Model = Annotated[Gbm | Heston | Bates | Replay | Prescribed, Family("model")]
