"""Schema of the instruments: what is traded in a market, and what is posted as collateral."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from stress.scenario.markets import Funding, IndexMark, Liquidity, Margin, Mark, Oracle, PowerLaw, Tier
from stress.scenario.models import Model, Prescribed, Price
from stress.scenario.parts import Complaint, Family, Part
from stress.scenario.values import Fraction, Words

_PRICE = "Initial price."
_MODEL = "Model of the fundamental price."
_ORACLE = "When the index price reaches the venue."


def _first_price(model: Model, price: float) -> Iterator[Complaint]:
    """Prescribed prices start at the price."""
    if isinstance(model, Prescribed) and not math.isclose(model.prices[0], price, rel_tol=1e-9):
        yield ("model", "prices", 0), f"must be the initial price {price:g}, got {model.prices[0]:g}"


def _calm_volatility(model: Model, liquidity: Liquidity | None) -> Iterator[Complaint]:
    """A drought needs a calm volatility to compare with."""
    drought = liquidity.drought if isinstance(liquidity, PowerLaw) else None
    needed = drought is not None and drought.exponent > 0.0 and drought.volatility is None
    if needed and not model.long_run_volatility():
        yield ("liquidity", "drought", "volatility"), f"is missing: the {model.type} model has no long-run volatility"


class Perpetual(Part):
    """A linear perpetual contract with its price process and the book it trades in."""

    instrument: Annotated[Literal["linear_perpetual"], Words(("linear_perpetual",))] = Field(
        default="linear_perpetual", description="Kind of contract."
    )
    price: Price = Field(description=_PRICE)
    model: Model = Field(description=_MODEL)
    liquidity: Liquidity = Field(description="What forced orders do to the price.")
    margin: Margin = Field(description="Maintenance margin.")
    mark: Mark = Field(default=IndexMark(type="index"), description="Price that margin is computed on.")
    oracle: Oracle = Field(default=Oracle(), description=_ORACLE)
    funding: Funding | None = Field(default=None, description="Payments between longs and shorts.")

    @property
    def haircut(self) -> float:
        """Contracts are no collateral."""
        return 0.0

    def check(self) -> Iterator[Complaint]:
        """What the model and the book ask for."""
        yield from _first_price(self.model, self.price)
        yield from _calm_volatility(self.model, self.liquidity)


class Spot(Part):
    """An asset that accounts post as collateral and layers may hold or sell: no margin, no funding, no short side."""

    instrument: Annotated[Literal["spot"], Words(("spot",))] = Field(description="An asset, not a contract.")
    price: Price = Field(description=_PRICE)
    model: Model = Field(description=_MODEL)
    haircut: Annotated[float, Fraction(least=0.0, most=1.0)] = Field(
        default=0.0, description="Share of its value that does not count towards margin."
    )
    liquidity: Liquidity | None = Field(
        default=None, description="The book that layers sell it into; without one they hold what they took."
    )
    oracle: Oracle = Field(default=Oracle(), description=_ORACLE)

    @property
    def margin(self) -> Margin:
        """Holding an asset asks for no margin."""
        return _NO_MARGIN

    @property
    def mark(self) -> Mark:
        """It is valued at the oracle's price."""
        return IndexMark(type="index")

    @property
    def funding(self) -> None:
        """Nobody pays for holding it."""
        return

    def check(self) -> Iterator[Complaint]:
        """What the model and the book ask for."""
        yield from _first_price(self.model, self.price)
        yield from _calm_volatility(self.model, self.liquidity)


_NO_MARGIN = Margin(tiers=(Tier.model_validate({"from": 0, "maintenance": 0}),))

Market = Annotated[Perpetual | Spot, Family("market", key="instrument", default="linear_perpetual")]
