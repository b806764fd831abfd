"""Schema of the run: how many paths, how long, how fine."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from stress.scenario.parts import Complaint, Family, Part
from stress.scenario.values import Count, Duration, Fraction

MOST_STEPS = 10_000_000
"""Steps of the longest run: a market's price and variance are then 160 MB per path."""


class Plain(Part):
    """Every path is drawn under the price models' own law."""

    method: Literal["plain"] = Field(description="Kind of sampling.")


class Importance(Part):
    """Paths are drawn under laws that make large losses common, and weighted by likelihood ratios."""

    method: Literal["importance"] = Field(description="Kind of sampling.")
    probability: Annotated[float, Fraction(above=0.0, below=0.5)] | None = Field(
        default=None,
        description="Probability of the losses that laws are made for; by default the smallest that sizing asks for.",
    )
    defensive: Annotated[float, Fraction(least=0.01, most=0.9)] = Field(
        default=0.1, description="Share of the paths drawn under the models' own law; no weight exceeds one over it."
    )
    pilot_paths: Annotated[int, Count(least=1_000, most=10_000_000)] = Field(
        default=6_000, description="Paths, of prices alone, in each round of the pilot's first half."
    )
    pilot_losses: Annotated[int, Count(least=200, most=10_000_000)] = Field(
        default=1_500, description="Paths with cascades in each of the four rounds of its second half."
    )


Sampling = Annotated[Plain | Importance, Family("sampling", bare=True, key="method")]


class Run(Part):
    """How much is simulated."""

    paths: Annotated[int, Count(least=1, most=1_000_000_000)] = Field(default=10_000, description="Number of paths.")
    horizon: Annotated[float, Duration(above=0.0)] = Field(description="Length of a path.")
    step: Annotated[float, Duration(above=0.0)] = Field(default=60.0, description="Time step of the price models.")
    check_every: Annotated[float, Duration(above=0.0)] = Field(
        default_factory=lambda data: data["step"],
        description="Time between two margin checks, a multiple of the step; the step by default.",
    )
    seed: Annotated[int, Count(least=0, most=2**63 - 1)] = Field(default=0, description="Seed of all random numbers.")
    max_rounds: Annotated[int, Count(least=1, most=1_000_000)] = Field(
        default=100, description="Most rounds of liquidation within one check."
    )

    sampling: Sampling | None = Field(
        default=None, description="How paths are drawn: plain, which is the default, or importance for rare losses."
    )

    def check(self) -> Iterator[Complaint]:
        """The three times fit into each other, and the run into memory."""
        if not _multiple(self.check_every, self.step):
            yield ("check_every",), f"must be a multiple of step ({self.step:g} s), got {self.check_every:g} s"
        if not _multiple(self.horizon, self.check_every):
            yield ("horizon",), f"must be a multiple of check_every ({self.check_every:g} s), got {self.horizon:g} s"
        if self.horizon / self.step > MOST_STEPS:
            yield ("step",), f"makes {self.horizon / self.step:.3g} steps per path; at most {MOST_STEPS:_} are possible"

    @property
    def checks(self) -> int:
        """Margin checks per path."""
        return round(self.horizon / self.check_every)

    @property
    def substeps(self) -> int:
        """Model steps between two checks."""
        return round(self.check_every / self.step)


def _multiple(whole: float, part: float) -> bool:
    ratio = whole / part
    return round(ratio) >= 1 and math.isclose(ratio, round(ratio), rel_tol=1e-9)
