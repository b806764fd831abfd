"""Schema of the price models."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from stress.scenario.parts import Complaint, Family, Part
from stress.scenario.values import Count, Duration, File, Fraction, Money, Number, Reader, Text, Words

Variance = Annotated[float, Number(least=0.0, most=1e4, unit="per year")]
Annual = Annotated[float, Fraction(least=0.0, most=100.0, unit="per root year")]
Rate = Annotated[float, Number(least=0.0, most=1e6, unit="per year")]
JumpSize = Annotated[float, Fraction(least=-5.0, most=5.0)]
JumpSpread = Annotated[float, Fraction(least=0.0, most=5.0)]
JumpSlope = Annotated[float, Number(least=-10.0, most=10.0)]
Price = Annotated[float, Money(above=0.0)]
Share = Annotated[float, Number(least=0.0, below=1.0)]

Drift = Annotated[
    float,
    Fraction(least=-100.0, most=100.0, unit="per year"),
    Field(description="Drift of the price; the expected price is the initial one at 0."),
]
Scheme = Annotated[
    Literal["auto", "euler", "qe"],
    Words(("auto", "euler", "qe")),
    Field(description="Time stepping: full-truncation Euler, quadratic-exponential, or the right one for the step."),
]
Kappa = Annotated[
    float,
    Number(above=0.0, most=1e6, unit="per year"),
    Field(description="Speed at which the variance reverts to its long-run level."),
]
Theta = Annotated[Variance, Field(description="Long-run variance.")]
Xi = Annotated[Variance, Field(description="Volatility of the variance.")]
Rho = Annotated[
    float, Number(least=-1.0, most=1.0), Field(description="Correlation of the shocks to price and variance.")
]
V0 = Annotated[Variance, Field(description="Initial variance.")]
Volatility = Annotated[Annual, Field(description="Constant volatility.")]
JumpRate = Annotated[Rate, Field(description="Jumps per year.")]
JumpMean = Annotated[JumpSize, Field(description="Mean of a jump of the log price.")]
JumpStd = Annotated[JumpSpread, Field(description="Standard deviation of a log-price jump.")]


class SelfExcitation(Part):
    """Jumps that set off further jumps (Hawkes 1971); their long-run rate stays the stated one."""

    branching: Share = Field(description="Jumps that one jump sets off on average.")
    half_life: Annotated[float, Duration(above=0.0)] = Field(
        description="Time in which the intensity that a jump adds falls by half."
    )


Excitation = Annotated[SelfExcitation | None, Field(description="How jumps set off further jumps; not by default.")]


class Gbm(Part):
    """Geometric Brownian motion."""

    type: Literal["gbm"]
    volatility: Volatility
    drift: Drift = 0.0

    def long_run_volatility(self) -> float | None:
        """Volatility at which a market has its stated depth, per root year."""
        return self.volatility


class Merton(Part):
    """Geometric Brownian motion with normally distributed log-price jumps (Merton 1976)."""

    type: Literal["merton"]
    volatility: Annotated[Annual, Field(description="Volatility between jumps.")]
    jump_rate: JumpRate
    jump_mean: JumpMean
    jump_std: JumpStd
    self_excitation: Excitation = None
    drift: Drift = 0.0

    def long_run_volatility(self) -> float | None:
        """Volatility at which a market has its stated depth, per root year: that between jumps."""
        return self.volatility


class Heston(Part):
    """Stochastic variance (Heston 1993)."""

    type: Literal["heston"]
    kappa: Kappa
    theta: Theta
    xi: Xi
    rho: Rho
    v0: V0
    drift: Drift = 0.0
    scheme: Scheme = "auto"

    def long_run_volatility(self) -> float | None:
        """Volatility at which a market has its stated depth, per root year."""
        return math.sqrt(self.theta)


class Bates(Part):
    """Heston's model with normally distributed log-price jumps (Bates 1996)."""

    type: Literal["bates"]
    kappa: Kappa
    theta: Theta
    xi: Xi
    rho: Rho
    v0: V0
    jump_rate: JumpRate
    jump_mean: JumpMean
    jump_std: JumpStd
    self_excitation: Excitation = None
    drift: Drift = 0.0
    scheme: Scheme = "auto"

    def long_run_volatility(self) -> float | None:
        """Volatility at which a market has its stated depth, per root year."""
        return math.sqrt(self.theta)


class Svcj(Part):
    """Bates' model whose variance jumps with the price (Duffie, Pan & Singleton 2000)."""

    type: Literal["svcj"]
    kappa: Kappa
    theta: Theta
    xi: Xi
    rho: Rho
    v0: V0
    jump_rate: JumpRate
    jump_mean: Annotated[JumpSize, Field(description="Mean of a jump of the log price when the variance jumps by 0.")]
    jump_std: JumpStd
    variance_jump: Annotated[
        float,
        Number(least=0.0, most=1e3, unit="per year"),
        Field(description="Mean of a jump of the variance, exponential."),
    ]
    jump_slope: Annotated[JumpSlope, Field(description="Log-price jump per unit of the variance's jump (rho_j).")]
    self_excitation: Excitation = None
    drift: Drift = 0.0
    scheme: Scheme = "auto"

    def check(self) -> Iterator[Complaint]:
        """The expected jump must exist."""
        yield from unbounded_jump(self.variance_jump, self.jump_slope)

    def long_run_volatility(self) -> float | None:
        """Volatility at which a market has its stated depth, per root year: that without jumps."""
        return math.sqrt(self.theta)


def unbounded_jump(variance_jump: float, slope: float) -> Iterator[Complaint]:
    """E exp(slope V) is infinite for an exponential V of mean 1 / slope or more."""
    if variance_jump * slope >= 1.0:
        yield ("jump_slope",), f"times variance_jump must be less than 1, got {variance_jump * slope:g}"


class Garch(Part):
    """GJR-GARCH: the variance of a bar follows from the move of the bar before it."""

    type: Literal["garch"]
    volatility: Annotated[Annual, Field(description="Long-run volatility.")]
    alpha: Annotated[Share, Field(description="Share of a bar's squared move in the variance of the next.")]
    gamma: Annotated[
        float, Number(above=-1.0, below=2.0), Field(description="What a fall adds to alpha (Glosten and others 1993).")
    ]
    beta: Annotated[Share, Field(description="Share of a bar's variance in the variance of the next.")]
    nu: Annotated[
        float, Number(above=2.0, most=1e6), Field(description="Degrees of freedom of Student t innovations.")
    ] = 5.0
    interval: Annotated[
        float, Duration(above=0.0), Field(description="Length of a bar: that of the data the model was fitted to.")
    ]
    innovations: Annotated[
        Literal["student_t", "historical"],
        Words(("student_t", "historical")),
        Field(description="Law of the innovations: Student t, or resampled from the residuals in file."),
    ] = "student_t"
    file: Annotated[Path, File()] | None = Field(
        default=None, description="Table with the column residual: standardised residuals, for historical innovations."
    )
    v0: Variance | None = Field(default=None, description="Initial variance; the long-run one by default.")
    drift: Drift = 0.0

    def check(self) -> Iterator[Complaint]:
        """A stationary recursion with positive variances; residuals exactly where they are resampled."""
        if self.alpha + min(self.gamma, 0.0) < 0.0:
            yield ("gamma",), f"plus alpha must not be negative, got {self.alpha + self.gamma:g}"
        if self.alpha + 0.5 * self.gamma + self.beta >= 1.0:
            persistence = self.alpha + 0.5 * self.gamma + self.beta
            yield ("beta",), f"makes the persistence alpha + gamma / 2 + beta {persistence:g}: must be less than 1"
        if self.innovations == "historical" and self.file is None:
            yield ("file",), "is missing: the residuals that innovations are resampled from"
        if self.innovations == "student_t" and self.file is not None:
            yield ("file",), "has no meaning for student_t innovations: say innovations: historical"

    def long_run_volatility(self) -> float | None:
        """Volatility at which a market has its stated depth, per root year."""
        return self.volatility


class RegimeState(Part):
    """A state of the regime model."""

    volatility: Volatility
    duration: Annotated[float, Duration(above=0.0, endless="forever")] = Field(
        description="Mean time that the state lasts, exponential."
    )


@dataclass(frozen=True)
class StartState(Reader):
    """The number of a state, or ``stationary``."""

    def read(self, value: object) -> int | str:
        """The number or the word."""
        return "stationary" if value == "stationary" else int(Count(least=0).read(value))

    def schema(self) -> dict[str, Any]:
        """A number or the word."""
        return {"anyOf": [{"type": "integer", "minimum": 0}, {"const": "stationary"}]}


Probability = Annotated[float, Fraction(least=0.0, most=1.0)]


class Regime(Part):
    """Volatility by the states of a Markov chain in continuous time (Hamilton 1989, Naik 1993)."""

    type: Literal["regime"]
    states: tuple[RegimeState, ...] = Field(min_length=1, max_length=32, description="States, numbered from 0.")
    start: Annotated[int | str, StartState()] = Field(
        default="stationary", description="First state; stationary draws it by the share of time spent in each."
    )
    transitions: tuple[tuple[Probability, ...], ...] | None = Field(
        default=None,
        description="Row i: where one goes from state i; zero on the diagonal, sums of 1. Equal chances by default.",
    )
    chain: Annotated[str, Text(r"[A-Za-z0-9][A-Za-z0-9_-]*", "a name of letters, digits, _ and -")] | None = Field(
        default=None, description="Name of the chain: markets of one chain switch together; each its own by default."
    )
    drift: Drift = 0.0

    def check(self) -> Iterator[Complaint]:
        """The rows are laws over the other states; the first state exists."""
        count = len(self.states)
        if isinstance(self.start, int) and self.start >= count:
            yield ("start",), f"there are {count} states, numbered from 0, got {self.start}"
        if count == 1 and math.isfinite(self.states[0].duration):
            yield ("states", 0, "duration"), "must be forever where there is no other state"
        if self.transitions is not None and len(self.transitions) != count:
            yield ("transitions",), f"has {len(self.transitions)} rows, but there are {count} states"
        elif self.transitions is not None:
            yield from self._row_complaints(self.transitions)
        if self.start == "stationary" and count > 1 and any(math.isinf(state.duration) for state in self.states):
            yield ("start",), "must be the number of a state where a state lasts forever"

    def _row_complaints(self, rows: tuple[tuple[float, ...], ...]) -> Iterator[Complaint]:
        for i, row in enumerate(rows):
            if len(row) != len(rows):
                yield ("transitions", i), f"has {len(row)} numbers, but there are {len(rows)} states"
            elif row[i] != 0.0:
                yield ("transitions", i, i), "must be 0: a state is left for another one"
            elif len(rows) > 1 and not math.isclose(sum(row), 1.0, abs_tol=1e-9):
                yield ("transitions", i), f"sums to {sum(row):.10g}: must be 1"

    def long_run_volatility(self) -> float | None:
        """Volatility at which a market has its stated depth, per root year: the least of the states."""
        return min(state.volatility for state in self.states)


class RoughBergomi(Part):
    """Rough Bergomi: log variance driven by a fractional kernel (Bayer, Friz & Gatheral 2016)."""

    type: Literal["rough_bergomi"]
    xi0: Annotated[Variance, Field(description="Forward variance, the same at all times.")]
    eta: Annotated[float, Number(least=0.0, most=20.0), Field(description="Volatility of the log variance.")]
    hurst: Annotated[
        float, Number(least=0.01, most=0.5), Field(description="Hurst exponent; smaller is rougher, 0.5 is Brownian.")
    ]
    rho: Rho
    drift: Drift = 0.0

    def long_run_volatility(self) -> float | None:
        """Volatility at which a market has its stated depth, per root year."""
        return math.sqrt(self.xi0)


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


HESTON_FAMILY = (Heston, Bates, Svcj)
"""Models with the square-root variance of Heston."""
GIVEN_MODELS = (Replay, Prescribed)
"""Models without random numbers."""

Model = Annotated[
    Gbm | Merton | Heston | Bates | Svcj | Garch | Regime | RoughBergomi | Replay | Prescribed, Family("model")
]
