"""Schema of a whole scenario, and the conditions between its parts.

Attribute names are the keys of the file. Values are canonical: fractions as
such, durations in seconds, money in the quote currency, infinity for
``unlimited`` and ``none``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from stress.scenario.between import Sections, complaints
from stress.scenario.checks import Check
from stress.scenario.hints import shown
from stress.scenario.instruments import Market
from stress.scenario.markets import CommonJump, Correlation, MarketName, Shock
from stress.scenario.parts import Complaint, Part, attempt, malformed
from stress.scenario.pools import Pool, PoolName
from stress.scenario.run import Run
from stress.scenario.values import Fraction, Number, Reader, Text

FORMAT = 1
"""Version of the scenario file that this release reads."""

ScenarioName = Annotated[str, Text(r"[a-z0-9]+(?:-[a-z0-9]+)*", "a name of small letters, digits and single hyphens")]
Strength = Annotated[float, Number(least=0.0, most=100.0)]
Level = Annotated[float, Fraction(above=0.0, below=1.0)]


@dataclass(frozen=True)
class FormatNumber(Reader):
    """The version of the file format, which must be known before anything else makes sense."""

    def read(self, value: object) -> int:
        """The version that this release reads."""
        if value not in (FORMAT, str(FORMAT)) or isinstance(value, bool):
            raise malformed(f"this release reads format {FORMAT}, got {shown(value)}")
        return FORMAT

    def schema(self) -> dict[str, Any]:
        """The one version."""
        return {"const": FORMAT}


class Sizing(Part):
    """What a fund size is chosen by."""

    levels: tuple[Level, ...] = Field(default=(0.99, 0.999), min_length=1, description="Levels of VaR and ES.")
    depletion: Level = Field(default=0.001, description="Probability of depletion over the horizon that is accepted.")
    capital_cost: Annotated[float, Fraction(least=0.0, below=1.0)] = Field(
        default=0.05, description="Cost of a unit of capital over the horizon."
    )
    breach_cost: Annotated[float, Number(above=0.0)] = Field(
        default=10.0, description="Cost of a unit of loss beyond the fund."
    )


class Scenario(Part):
    """Everything a run depends on, apart from the tables of positions."""

    format: Annotated[int, FormatNumber()] = Field(description="Version of the file format: 1.")
    name: ScenarioName = Field(description="Name of the scenario.")
    title: Annotated[str, Text()] = Field(default="", description="One line for the report.")
    description: Annotated[str, Text()] = Field(default="", description="Text for the report, in Markdown.")
    assumptions: tuple[Annotated[str, Text()], ...] = Field(
        default=(), description="Sentences that the report prints under its assumptions."
    )
    run: Run = Field(description="How much is simulated.")
    markets: dict[MarketName, Market] = Field(min_length=1, description="Markets by name.")
    correlation: Correlation | None = Field(default=None, description="Correlation of shocks; none by default.")
    jumps: tuple[CommonJump, ...] = Field(default=(), description="Jumps common to several markets.")
    shocks: tuple[Shock, ...] = Field(default=(), description="Deterministic events.")
    strength: Strength = Field(
        default=1.0,
        description="Factor on all shocks and oracle spoofs, in logarithms: 0.5 is the square root of what they do.",
    )
    pools: dict[PoolName, Pool] = Field(min_length=1, description="Risk pools by name.")
    sizing: Sizing = Field(default=Sizing(), description="What a fund size is chosen by.")
    checks: tuple[Check, ...] = Field(default=(), description="Rules that results must keep.")

    def check(self) -> Iterator[Complaint]:
        """Conditions between the parts."""
        return complaints(
            Sections(
                market_names=tuple(self.markets),
                pool_names=tuple(self.pools),
                run=self.run,
                markets=self.markets,
                correlation=self.correlation,
                jumps=dict(enumerate(self.jumps)),
                shocks=dict(enumerate(self.shocks)),
                pools=self.pools,
                check_pools={n: check.pool for n, check in enumerate(self.checks)},
            )
        )

    @classmethod
    def salvage(cls, data: dict[Any, Any]) -> Iterator[Complaint]:
        """The same conditions over the parts that are sound in themselves."""
        return complaints(
            Sections(
                market_names=tuple(_entries(data.get("markets"))),
                pool_names=tuple(_entries(data.get("pools"))),
                run=attempt(Run, data.get("run")),
                markets=_sound(Market, data.get("markets")),
                correlation=attempt(Correlation, data.get("correlation")),
                jumps=_sound(CommonJump, data.get("jumps")),
                shocks=_sound(Shock, data.get("shocks")),
                pools=_sound(Pool, data.get("pools")),
                check_pools={n: check.pool for n, check in _sound(Check, data.get("checks")).items()},
            )
        )


def _entries(value: Any) -> dict[Any, Any]:
    if isinstance(value, dict):
        return value
    return dict(enumerate(value)) if isinstance(value, list | tuple) else {}


def _sound(kind: Any, value: Any) -> dict[Any, Any]:
    """Entries of a map or list that are sound in themselves."""
    parts = {key: attempt(kind, entry) for key, entry in _entries(value).items()}
    return {key: part for key, part in parts.items() if part is not None}
