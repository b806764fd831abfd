"""Schema of the layers that pay: funds, vaults, auto-deleveraging, socialised loss."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Literal, get_args

from pydantic import Field

from stress.scenario.markets import MarketName
from stress.scenario.parts import Complaint, Family, Part
from stress.scenario.values import Duration, Flag, Fraction, Money, Number, Text, Words

LayerName = Annotated[
    str, Text(r"[A-Za-z0-9](?:[A-Za-z0-9 _-]*[A-Za-z0-9])?", "the name of a layer: letters, digits, spaces, _ and -")
]
Switch = Annotated[bool, Flag()]


class Twap(Part):
    """Inventory is sold evenly: a fixed share of what is left per check."""

    type: Literal["twap"]
    half_life: Annotated[float, Duration(above=0.0)] = Field(description="Time in which half of the inventory is sold.")


class Participation(Part):
    """Inventory is sold at a pace that the book sets."""

    type: Literal["participation"]
    rate: Annotated[float, Fraction(above=0.0, most=100.0)] = Field(
        description="Most sold per minute, as a share of the depth of the book at that time."
    )


class Stop(Part):
    """The layer takes nothing while it has lost too much too fast."""

    window: Annotated[float, Duration(above=0.0)] = Field(description="How far back its highest equity is looked for.")
    drop: Annotated[float, Fraction(above=0.0, below=1.0)] | None = Field(
        default=None, description="Fall from the highest equity that stops it, as a share of that."
    )
    amount: Annotated[float, Money(above=0.0)] | None = Field(
        default=None, description="Fall from the highest equity that stops it, as an amount."
    )
    exact: Switch | None = Field(
        default=None,
        description="true: of a round's deficits it takes only the share that keeps its fall at this; "
        "by default the fall is looked at before the round.",
    )
    debts: Switch | None = Field(
        default=None,
        description="true: after the other layers it pays the debts of accounts without positions, stopped or not.",
    )

    def check(self) -> Iterator[Complaint]:
        """One measure of the fall."""
        if (self.drop is None) == (self.amount is None):
            yield (), "give either drop (a share) or amount"


class Hedge(Part):
    """Inventory is hedged on another venue, which trades at the fundamental price and takes any size."""

    ratio: Annotated[float, Fraction(above=0.0, most=2.0)] = Field(
        default=1.0, description="Share of the inventory in every market that is hedged."
    )
    delay: Annotated[float, Duration()] = Field(
        default=0.0, description="Time between a gap in the hedge and the trade that closes it."
    )
    cost: Annotated[float, Fraction(least=0.0, below=1.0)] = Field(
        default=0.0, description="Cost of a trade, as a share of its value."
    )
    band: Annotated[float, Money(least=0.0)] = Field(
        default=0.0, description="Value of a gap that is left alone while there is inventory."
    )
    pace: Annotated[float, Money(above=0.0, endless="none")] = Field(
        default=math.inf, description="Most value traded per minute in a market."
    )


_NAME = "Name of the layer; its type by default."
_BELOW = "Whether the layer is closed by ADL when under its floor."


class _Fund(Part):
    """What all layers with a balance have."""

    type: str
    name: LayerName = Field(description=_NAME)
    capital: Annotated[float, Money(least=0.0, endless="unlimited")] = Field(
        description="Cash at the start; unlimited takes everything and measures what would be needed."
    )
    floor: Annotated[float, Money()] = Field(default=0.0, description="Equity under which the layer takes nothing.")
    partial: Switch = Field(
        default=True,
        description="Take the same share of all deficits when short; else whole accounts, the smallest deficit first.",
    )
    cap: dict[MarketName, Annotated[float, Money(least=0.0)]] = Field(
        default={},
        description="Largest value of the inventory by market that takeovers may lead to; none where a market is "
        "not named.",
    )
    stop: Stop | None = Field(
        default=None,
        description="Takes nothing while its equity is too far under its highest in a time; off by default.",
    )
    unwind: Annotated[Twap | Participation, Family("unwind")] | None = Field(
        default=None, description="How inventory is sold; held for good by default."
    )
    hedge: Hedge | None = Field(
        default=None, description="How inventory is hedged on another venue; not at all by default."
    )

    def check(self) -> Iterator[Complaint]:
        """Capital reaches the floor."""
        if self.capital < self.floor:
            yield ("capital",), "is under the floor: the layer would never take anything"


class InsuranceFund(_Fund):
    """Takes over accounts at their equity and pays their deficits."""

    type: Literal["insurance_fund"]
    name: LayerName = Field(default="insurance_fund", description=_NAME)
    adl_below_floor: Switch = Field(default=False, description=_BELOW)
    guarantees_fills: Switch | None = Field(
        default=None, description="true: pays at once what fills of the pool's orders fall short of bankruptcy prices."
    )


class BackstopVault(_Fund):
    """Takes over accounts before they are insolvent, as Hyperliquid's liquidator vault does."""

    type: Literal["backstop_vault"]
    name: LayerName = Field(default="backstop_vault", description=_NAME)
    share: Annotated[float, Fraction(least=0.0, most=1.0)] = Field(
        default=2.0 / 3.0, description="Takes accounts whose equity is under this share of the maintenance margin."
    )
    accept_negative: Switch = Field(default=True, description="Whether it takes accounts with negative equity too.")
    equity_cap: Annotated[float, Money(above=0.0, endless="none")] = Field(
        default=math.inf, description="Most of its equity that stands behind the deficits of one round."
    )
    adl_below_floor: Switch = Field(default=True, description=_BELOW)


class SharedFund(_Fund):
    """An insurance fund that several pools list under one name; together they draw on one balance."""

    type: Literal["shared_fund"]
    name: LayerName = Field(
        default="shared_fund", description="Name of the fund, its type by default; pools that list the same share it."
    )
    weight: Annotated[float, Number(least=0.0, most=1e6)] = Field(
        default=1.0, description="What this pool has contributed to the capital, in proportion to the other pools."
    )
    draw_cap: Annotated[float, Money(least=0.0, endless="none")] = Field(
        default=math.inf, description="Most bad debt that this pool may pass to the fund on a path."
    )


RankName = Literal[
    "bitmex",
    "binance",
    "hyperliquid",
    "profit",
    "pro_rata_profit",
    "pro_rata_contracts",
    "pro_rata_capped",
    "random",
]
ClosingPrice = Literal["bankruptcy", "mark", "previous_mark"]
Closed = Literal["insolvent", "unfilled"]
Payers = Literal["session_profit", "open_interest", "equity", "maintenance"]


class ProfitCap(Part):
    """Bound on what one side of a market can win of a liquidity pool: winners are closed at the mark."""

    above: Annotated[float, Fraction(above=0.0, most=100.0)] = Field(
        description="Profit of one side, over what backs it, above which winners are closed."
    )
    to: Annotated[float, Fraction(least=0.0, below=1.0)] = Field(description="The same ratio when they have been.")
    payout: Annotated[float, Fraction(above=0.0, most=100.0, endless="none")] = Field(
        default=math.inf, description="Most of its backing that a side is paid; all profits are cut in proportion."
    )
    rank: Annotated[RankName, Words(get_args(RankName))] = Field(
        default="profit", description="Order in which winners are closed."
    )

    def check(self) -> Iterator[Complaint]:
        """Closing lowers the ratio."""
        if self.to >= self.above:
            yield ("to",), "must be less than above"
        if self.payout * self.to >= 1.0 and math.isfinite(self.payout):
            yield ("payout",), "must be less than 1 / to, or closing winners would not lower the ratio"


class LiquidityPool(Part):
    """Counterparty of every position in its pool: holds the other side, takes all fills, bears what accounts owe."""

    type: Literal["liquidity_pool"]
    name: LayerName = Field(default="liquidity_pool", description=_NAME)
    capital: Annotated[float, Money(above=0.0)] = Field(description="What it is worth at the start.")
    floor: Annotated[float, Money()] = Field(default=0.0, description="Equity under which it takes no deficits.")
    partial: Switch = Field(
        default=True, description="Take the same share of all deficits when short; else whole accounts, smallest first."
    )
    backing: dict[MarketName, Annotated[float, Fraction(above=0.0, most=1.0)]] = Field(
        default={}, description="Share of the capital that is held in the assets of markets; the rest is money."
    )
    profit_cap: ProfitCap | None = Field(default=None, description="Bound on what one side can win; none by default.")

    @property
    def cap(self) -> dict[str, float]:
        """It takes positions over as they come: they close its own."""
        return {}

    @property
    def stop(self) -> None:
        """It never stops."""

    @property
    def unwind(self) -> None:
        """Its inventory is the traders' other side, and goes when they do."""

    @property
    def hedge(self) -> None:
        """What it holds of the assets is its backing."""

    def check(self) -> Iterator[Complaint]:
        """Capital reaches the floor and is held once."""
        if self.capital < self.floor:
            yield ("capital",), "is under the floor: the pool would never take anything"
        held = math.fsum(self.backing.values())
        if held > 1.0 + 1e-9:
            yield ("backing",), f"the shares of the capital add up to {100 * held:g}%"


FUNDS = (InsuranceFund, BackstopVault, SharedFund, LiquidityPool)
"""Layers with a balance."""


class Treasury(Part):
    """Bears the debts of flat accounts and failed layers, and sells or mints a token to pay them."""

    type: Literal["treasury"]
    name: LayerName = Field(default="treasury", description=_NAME)
    token: MarketName = Field(description="Market of the token: instrument spot, with liquidity.")
    units: Annotated[float, Number(above=0.0, most=1e15)] = Field(description="Tokens that may be sold or minted.")
    discount: Annotated[float, Fraction(above=0.0, below=1.0)] = Field(
        default=0.2, description="Furthest under the fundamental price that sales may push the token's book."
    )
    floor_price: Annotated[float, Money(least=0.0)] = Field(
        default=0.0, description="Lowest price at which tokens are sold."
    )
    delay: Annotated[float, Duration()] = Field(default=0.0, description="Time from its first debt to the first sale.")
    rate: Annotated[float, Fraction(above=0.0, most=100.0, endless="none")] = Field(
        default=math.inf, description="Most sold per minute, as a share of the depth of the book at that time."
    )


class Adl(Part):
    """Auto-deleveraging: closes insolvent accounts against the best-ranked opposite positions."""

    type: Literal["adl"]
    name: LayerName = Field(default="adl", description=_NAME)
    rank: Annotated[RankName, Words(get_args(RankName))] = Field(
        description="Order in which opposite positions are closed."
    )
    price: Annotated[ClosingPrice, Words(get_args(ClosingPrice))] = Field(
        default="bankruptcy", description="Price at which they are closed."
    )
    when: Annotated[Closed, Words(get_args(Closed))] | None = Field(
        default=None, description="unfilled: of insolvent accounts it closes those whose orders found no buyer."
    )
    within: Annotated[float, Fraction(above=0.0)] | None = Field(
        default=None, description="Distance from the mark beyond which the mark stands in for a bankruptcy price."
    )

    def check(self) -> Iterator[Complaint]:
        """A distance of bankruptcy prices."""
        if self.within is not None and self.price != "bankruptcy":
            yield ("within",), "has no meaning without price: bankruptcy"


class Socialise(Part):
    """Spreads what is left over the accounts that can pay."""

    type: Literal["socialise"]
    name: LayerName = Field(default="socialise", description=_NAME)
    by: Annotated[Payers, Words(get_args(Payers))] = Field(description="In proportion to what accounts pay.")
    most: Annotated[float, Money(least=0.0)] | None = Field(
        default=None, description="Most that is spread on a path; without end by default."
    )


Layer = Annotated[
    InsuranceFund | BackstopVault | SharedFund | LiquidityPool | Treasury | Adl | Socialise, Family("layer")
]
