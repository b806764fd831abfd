"""Schema of what traders do by themselves; all of it is off unless it is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from stress.scenario.parts import Complaint, Part
from stress.scenario.values import Duration, Fraction, Number

_PROBABILITY = "Probability that the owner of an account does so, drawn once per path."


class TopUp(Part):
    """The owner adds cash from outside."""

    probability: Annotated[float, Fraction(above=0.0, most=1.0)] = Field(description=_PROBABILITY)
    delay: Annotated[float, Duration()] = Field(default=0.0, description="Time from the call to the cash.")
    most: Annotated[float, Fraction(above=0.0)] = Field(
        default=1.0, description="Most that is added on a path, as a share of the account's equity at the start."
    )


class Deleverage(Part):
    """The owner reduces all positions alike by market orders."""

    probability: Annotated[float, Fraction(above=0.0, most=1.0)] = Field(description=_PROBABILITY)
    delay: Annotated[float, Duration()] = Field(default=0.0, description="Time from the call to the orders.")


class MarginCalls(Part):
    """Owners are called when equity falls under a multiple of maintenance, and some of them answer."""

    under: Annotated[float, Number(above=1.0, most=1e3)] = Field(
        description="Equity over maintenance under which the owner of an account is called."
    )
    target: Annotated[float, Number(least=1.01, most=1e3)] = Field(
        description="Equity over maintenance that an answer restores."
    )
    top_up: TopUp | None = Field(default=None, description="Who adds cash.")
    deleverage: Deleverage | None = Field(default=None, description="Who reduces positions.")

    def check(self) -> Iterator[Complaint]:
        """An answer ends the call, and somebody answers."""
        if self.target < 1.01 * self.under:
            yield ("target",), f"must be at least 1.01 times under ({1.01 * self.under:g}), or the call would not end"
        if self.top_up is None and self.deleverage is None:
            yield (), "give top_up or deleverage: nobody would answer"


class Makers(Part):
    """Market makers quote less as their equity falls: ``(equity / equity at the start)^elasticity``, within bounds."""

    elasticity: Annotated[float, Number(above=0.0, most=100.0)] = Field(
        default=1.0, description="Power of the makers' equity over that at the start."
    )
    floor: Annotated[float, Fraction(above=0.0, most=1.0)] = Field(
        description="Least share of the depth that stays, however little the makers have."
    )
