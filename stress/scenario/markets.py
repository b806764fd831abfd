"""Schema of what a market has: liquidity, margin, mark and oracle; and of what moves several markets at once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from stress.scenario.models import Excitation, JumpSize, JumpSlope, JumpSpread, Rate, Variance, unbounded_jump
from stress.scenario.parts import Complaint, Family, Part
from stress.scenario.traders import Makers
from stress.scenario.values import Duration, Fraction, Money, Number, Text

MarketName = Annotated[
    str, Text(r"[A-Za-z0-9][A-Za-z0-9_:/-]*", "the name of a market: letters, digits and _ - / : only")
]


class Drought(Part):
    """Fall of the depth when volatility rises: ``(sigma / volatility)^-exponent``, within bounds."""

    exponent: Annotated[float, Number(least=0.0, most=100.0)] = Field(
        description="Fall of the depth with volatility; 0 is off."
    )
    floor: Annotated[float, Fraction(least=0.0, most=1.0)] = Field(
        default=0.0, description="Least share of the depth that stays."
    )
    cap: Annotated[float, Number(above=0.0, endless="none")] = Field(
        default=math.inf, description="Largest factor on the depth in calm markets."
    )
    volatility: Annotated[float, Fraction(above=0.0, unit="per root year")] | None = Field(
        default=None, description="Volatility at which the depth is the stated one; else the model's long-run level."
    )

    def check(self) -> Iterator[Complaint]:
        """Bounds in order."""
        if self.cap < self.floor:
            yield ("cap",), "must not be under the floor"


class PowerLaw(Part):
    """Power-law impact with resilience: ``displacement = at * (net fill / depth)^exponent``."""

    type: Literal["power"]
    depth: Annotated[float, Money(above=0.0, endless="unlimited")] = Field(
        description="Value that moves the book by `at`, at the initial price and calm volatility."
    )
    at: Annotated[float, Fraction(above=0.0, most=1.0)] = Field(
        default=0.01, description="Displacement of the log price made by one depth."
    )
    exponent: Annotated[float, Number(above=0.0, most=1.0)] = Field(
        default=0.5, description="Exponent of the impact: 1 flat book, 0.5 square-root law."
    )
    half_life: Annotated[float, Duration(above=0.0, endless="none")] = Field(
        default=math.inf, description="Half-life of the displacement; none if it never decays."
    )
    permanent: Annotated[float, Fraction(least=0.0, most=1.0)] = Field(
        default=0.0, description="Share of the displacement that stays in the price for good."
    )
    drought: Drought | None = Field(default=None, description="How the depth falls when volatility rises.")
    makers: Makers | None = Field(default=None, description="How the depth falls with the market makers' equity.")

    def check(self) -> Iterator[Complaint]:
        """A finite book must say how it recovers: forgetting it would be the worst case unawares."""
        if math.isfinite(self.depth) and "half_life" not in self.model_fields_set:
            yield ("half_life",), "is missing: half-life of the displacement, or none if it never decays"


class ConstantProduct(Part):
    """A pool that keeps the product of its two sides; arbitrage pulls it back to the fundamental price."""

    type: Literal["amm"]
    reserve: Annotated[float, Money(above=0.0)] = Field(
        description="Value of one side of the pool at the initial price."
    )
    half_life: Annotated[float, Duration(above=0.0, endless="none")] = Field(
        description="Half-life of the displacement; none if nobody trades it away."
    )


class OracleFills(Part):
    """No book: orders of any size are filled at the oracle's price, by a pool that is everybody's counterparty."""

    type: Literal["oracle"]

    @property
    def half_life(self) -> float:
        """There is no displacement that could decay."""
        return math.inf


class Tier(Part):
    """A maintenance rate from a notional on; the requirement is continuous between tiers."""

    from_: Annotated[float, Money(least=0.0)] = Field(alias="from", description="Notional from which the rate holds.")
    maintenance: Annotated[float, Fraction(least=0.0, most=1.0)] = Field(
        description="Maintenance margin as a share of the notional inside the tier."
    )


class DynamicMargin(Part):
    """Factor on maintenance: ``(sigma_hat / volatility)^power`` from 1 to a cap, decided at intervals, with notice."""

    half_life: Annotated[float, Duration(above=0.0)] = Field(
        description="Half-life of the volatility estimate from changes of the oracle price."
    )
    volatility: Annotated[float, Fraction(above=0.0, unit="per root year")] = Field(
        description="Volatility up to which the factor is 1."
    )
    initial: Annotated[float, Fraction(above=0.0, unit="per root year")] | None = Field(
        default=None, description="Volatility estimate at the start; `volatility` by default."
    )
    power: Annotated[float, Number(above=0.0, most=4.0)] = Field(
        default=1.0, description="Power of the volatility ratio."
    )
    cap: Annotated[float, Number(least=1.0, most=100.0)] = Field(description="Largest factor.")
    interval: Annotated[float, Duration(above=0.0)] = Field(description="Time between two decisions.")
    notice: Annotated[float, Duration()] = Field(default=0.0, description="Time from a decision to its force.")


class MarginChange(Part):
    """A factor on maintenance from a time on, until the next change."""

    at: Annotated[float, Duration()] = Field(description="Time at which the change is in force.")
    factor: Annotated[float, Number(above=0.0, most=100.0)] = Field(description="Factor on the tiers' requirement.")


class Funding(Part):
    """Payments between longs and shorts."""

    interval: Annotated[float, Duration(above=0.0)] = Field(description="Time between two payments.")
    rate: Annotated[float, Fraction(least=-1.0, most=1.0)] = Field(
        description="What longs pay shorts at each, as a share of the value at the mark."
    )


class InterestRange(Part):
    """Open interest over which the initial rate rises to 100%."""

    lower: Annotated[float, Money(least=0.0)] = Field(description="Open interest, one side, from which it rises.")
    upper: Annotated[float, Money(above=0.0)] = Field(description="Open interest at which it is 100%.")

    def check(self) -> Iterator[Complaint]:
        """A range."""
        if self.upper <= self.lower:
            yield ("upper",), "must be more than lower"


class Initial(Part):
    """Initial margin: what an account must have to hold or add positions; it liquidates nobody."""

    rate: Annotated[float, Fraction(above=0.0, most=1.0)] = Field(
        description="Equity that an open position asks for, as a share of its value."
    )
    open_interest: InterestRange | None = Field(
        default=None, description="How the rate rises with the market's open interest (dYdX v4); it stands by default."
    )


class Margin(Part):
    """Maintenance margin by notional."""

    tiers: tuple[Tier, ...] = Field(min_length=1, description="Tiers by ascending notional, the first from 0.")
    initial: Initial | None = Field(default=None, description="What it takes to open a position.")
    dynamic: DynamicMargin | None = Field(default=None, description="How maintenance follows volatility.")
    changes: tuple[MarginChange, ...] = Field(
        default=(), description="Changes of maintenance announced by governance, by ascending time."
    )

    def check(self) -> Iterator[Complaint]:
        """Tiers start at 0, ascend, and never ask less of a larger position."""
        if self.tiers[0].from_ != 0.0:
            yield ("tiers", 0, "from"), "the first tier must start from 0"
        for n in range(1, len(self.tiers)):
            if self.tiers[n].from_ <= self.tiers[n - 1].from_:
                yield ("tiers", n, "from"), "must be more than that of the tier before"
            if self.tiers[n].maintenance < self.tiers[n - 1].maintenance:
                yield ("tiers", n, "maintenance"), "must not be less than that of the tier before"
        if self.initial is not None and self.initial.rate < self.tiers[0].maintenance:
            yield (
                ("initial", "rate"),
                f"must not be less than the first tier's maintenance {self.tiers[0].maintenance:g}",
            )
        for n in range(1, len(self.changes)):
            if self.changes[n].at <= self.changes[n - 1].at:
                yield ("changes", n, "at"), "must be later than the change before"


class IndexMark(Part):
    """Margin is computed on the oracle's price."""

    type: Literal["index"]


class BookMark(Part):
    """Margin is computed on the price at which the venue's own book trades."""

    type: Literal["book"]


class BlendMark(Part):
    """Margin is computed on a weighted mean of the oracle's price and the venue's own book."""

    type: Literal["blend"]
    index: Annotated[float, Fraction(least=0.0, most=1.0)] = Field(
        description="Weight of the oracle's price; the rest is the book's."
    )


class Median3Mark(Part):
    """Margin is computed on the median of oracle plus average basis, the venue's own book, and other venues' price."""

    type: Literal["median3"]
    half_life: Annotated[float, Duration(above=0.0)] = Field(
        description="Half-life of the average of book less oracle."
    )


class OracleOutage(Part):
    """A time in which the oracle takes no new price."""

    from_: Annotated[float, Duration()] = Field(alias="from", description="Start of the outage.")
    to: Annotated[float, Duration()] = Field(description="First moment after it.")

    def check(self) -> Iterator[Complaint]:
        """A time of some length."""
        if self.to <= self.from_:
            yield ("to",), "must be after from"


class OracleSpoof(Part):
    """A time in which the oracle shows its price times a factor."""

    from_: Annotated[float, Duration()] = Field(alias="from", description="Start of the spoof.")
    to: Annotated[float, Duration()] = Field(description="First moment after it.")
    factor: Annotated[float, Fraction(above=0.0)] = Field(description="Price shown over the true one.")

    def check(self) -> Iterator[Complaint]:
        """A time of some length."""
        if self.to <= self.from_:
            yield ("to",), "must be after from"


class Oracle(Part):
    """When the index price reaches the venue; times are rounded up to whole checks.

    An outage or a spoof holds at the checks from its start on, and no more at its end.
    """

    lag: Annotated[float, Duration()] = Field(default=0.0, description="Age of the price that is published.")
    heartbeat: Annotated[float, Duration()] = Field(
        default=0.0, description="Time after which the oracle publishes whatever the change."
    )
    deviation: Annotated[float, Fraction(least=0.0)] = Field(
        default=0.0, description="Relative change that is published before the heartbeat."
    )
    outages: tuple[OracleOutage, ...] = Field(default=(), description="Times in which it takes no new price.")
    spoofs: tuple[OracleSpoof, ...] = Field(default=(), description="Times in which it shows a false price.")


Liquidity = Annotated[PowerLaw | ConstantProduct | OracleFills, Family("liquidity", bare=True)]
Mark = Annotated[IndexMark | BookMark | BlendMark | Median3Mark, Family("mark", bare=True)]


class JumpMark(Part):
    """Size of a common jump in one market."""

    mean: JumpSize = Field(description="Mean of the jump of the log price.")
    std: JumpSpread = Field(description="Standard deviation of the jump of the log price.")
    probability: Annotated[float, Fraction(least=0.0, most=1.0)] = Field(
        default=1.0, description="Probability that an arrival moves this market."
    )
    variance_jump: Variance = Field(
        default=0.0, description="Mean of the exponential jump of the variance, for models of Heston's family."
    )
    jump_slope: JumpSlope = Field(default=0.0, description="Log-price jump per unit of the variance's jump.")

    def check(self) -> Iterator[Complaint]:
        """The expected jump must exist."""
        yield from unbounded_jump(self.variance_jump, self.jump_slope)


class CommonJump(Part):
    """Jumps that arrive in several markets at once."""

    name: Annotated[str, Text(r"[A-Za-z0-9][A-Za-z0-9_-]*", "a name of letters, digits, _ and -")] = Field(
        description="Name of the jump source."
    )
    rate: Rate = Field(description="Arrivals per year.")
    correlation: Annotated[float, Fraction(least=0.0, most=1.0)] = Field(
        default=0.0, description="Correlation between the sizes in two markets."
    )
    self_excitation: Excitation = None
    marks: dict[MarketName, JumpMark] = Field(min_length=1, description="Jump sizes by market.")


class Shock(Part):
    """A deterministic event, the same on every path."""

    at: Annotated[float, Duration()] = Field(description="Time of the shock.")
    market: MarketName = Field(description="Market that is hit.")
    jump: Annotated[float, Fraction(above=-1.0)] = Field(default=0.0, description="Relative change of the price.")
    over: Annotated[float, Duration()] = Field(
        default=0.0, description="Time that the price takes for it, evenly in its logarithm; at once by default."
    )
    depth: Annotated[float, Fraction(above=0.0)] = Field(
        default=1.0, description="Factor on the depth for as long as the shock lasts."
    )
    volatility: Annotated[float, Number(least=0.0, most=1e3)] = Field(
        default=1.0, description="Factor on the volatility for as long as the shock lasts."
    )
    duration: Annotated[float, Duration()] = Field(
        default=0.0, description="How long depth and volatility are changed."
    )

    def check(self) -> Iterator[Complaint]:
        """Factors need a time to act."""
        if self.duration == 0.0 and (self.depth != 1.0 or self.volatility != 1.0):
            yield ("duration",), "is missing: without it the factors on depth and volatility do nothing"


Loading = Annotated[float, Number(least=-1.0, most=1.0)]


class CommonFactors(Part):
    """One common factor of the prices and one of the variances: a market costs the same however many there are."""

    market: dict[MarketName, Loading] = Field(
        default={}, description="Correlation of each price with the factor of the prices; 0 for those not named."
    )
    variance: dict[MarketName, Loading] = Field(
        default={}, description="Correlation of each variance with the factor of the variances; 0 for those not named."
    )
    leverage: Loading | None = Field(
        default=None, description="Correlation of the two factors; by default the one that fits every rho best."
    )

    def check(self) -> Iterator[Complaint]:
        """Something is common."""
        if not self.market and not self.variance:
            yield (), "give the loadings of prices under market, those of variances under variance, or both"


Correlations = tuple[tuple[Annotated[float, Number(least=-1.0, most=1.0)], ...], ...]


class Correlation(Part):
    """Correlation of the price and variance shocks; rows and columns in the order of the markets."""

    prices: Correlations | None = Field(default=None, description="Between prices; identity by default.")
    variances: Correlations | None = Field(default=None, description="Between variances; identity by default.")
    price_variance: Correlations | None = Field(
        default=None,
        description="Price of the row with variance of the column; the diagonal is each model's rho and ignored here.",
    )
    factors: CommonFactors | None = Field(default=None, description="Common factors, instead of matrices.")

    def check(self) -> Iterator[Complaint]:
        """Square matrices; symmetric with ones on the diagonal where a matrix is with itself; no factors beside."""
        if self.factors is not None and (self.prices or self.variances or self.price_variance):
            yield ("factors",), "give either factors or matrices"
        for name in ("prices", "variances", "price_variance"):
            matrix: Correlations | None = getattr(self, name)
            if matrix is not None:
                yield from _matrix_complaints(name, matrix, own=name != "price_variance")


def _matrix_complaints(name: str, matrix: Correlations, own: bool) -> Iterator[Complaint]:
    size = len(matrix)
    ragged = [n for n, row in enumerate(matrix) if len(row) != size]
    for n in ragged:
        yield (name, n), f"has {len(matrix[n])} numbers in a matrix of {size} rows"
    if ragged or not own:
        return
    for i in range(size):
        if matrix[i][i] != 1.0:
            yield (name, i, i), f"must be 1 on the diagonal, got {matrix[i][i]:g}"
        for j in range(i):
            if matrix[i][j] != matrix[j][i]:
                yield (name, i, j), f"is {matrix[i][j]:g}, but row {j + 1} has {matrix[j][i]:g}: must be symmetric"
