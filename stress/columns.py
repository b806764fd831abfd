"""Every result column once: name, type, unit and one sentence.

The order within a group is that of :mod:`stress.kernels.results`, so that a
kernel's array ``[row, column]`` becomes a table without a map in between.
The data dictionary, the schema of every Parquet file and the reports read
what they say about a number here.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

MONEY = "quote currency"
SECONDS = "s"


@dataclass(frozen=True)
class Column:
    """One column of one result table."""

    name: str
    type: pa.DataType
    unit: str
    """Unit of the value; empty for names and numbers of things that have none."""
    sentence: str
    nullable: bool = False
    """True where null has a meaning, which the sentence then says."""

    def field(self) -> pa.Field:
        """Arrow field that carries the unit and the sentence as metadata."""
        return pa.field(
            self.name, self.type, nullable=self.nullable, metadata={"unit": self.unit, "description": self.sentence}
        )


@dataclass(frozen=True)
class Table:
    """One result table: the columns that name a row, then those a kernel fills."""

    name: str
    sentence: str
    keys: tuple[Column, ...]
    values: tuple[Column, ...]
    optional: tuple[Column, ...] = ()
    """Columns at the end of the file, of which a run has either all or none."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """Keys and values, in the order of the file: the columns of every run."""
        return self.keys + self.values

    def schema(self, optional: bool = False) -> pa.Schema:
        """Arrow schema without provenance, with the optional columns where asked for."""
        return pa.schema([column.field() for column in self.columns + (self.optional if optional else ())])


def _key(name: str, sentence: str) -> Column:
    return Column(name, pa.string(), "", sentence)


def _money(name: str, sentence: str, nullable: bool = False) -> Column:
    return Column(name, pa.float64(), MONEY, sentence, nullable)


def _count(name: str, unit: str, sentence: str) -> Column:
    return Column(name, pa.int64(), unit, sentence)


def _time(name: str, sentence: str) -> Column:
    return Column(name, pa.float64(), SECONDS, sentence, nullable=True)


def _number(name: str, unit: str, sentence: str, nullable: bool = False) -> Column:
    return Column(name, pa.float64(), unit, sentence, nullable)


def _share(name: str, sentence: str) -> Column:
    return _number(name, "fraction", sentence, nullable=True)


_PATH = _count("path", "", "Number of the path, from 0; with the seed it fixes every random number of the path.")
_POOL = _key("pool", "Name of the risk pool.")
_MARKET = _key("market", "Name of the market.")
_ROLE = _key("role", "Why the path was recorded: worst, worst-fund, or var-LEVEL for the path at that quantile's rank.")
_STEP = _count("step", "checks", "Number of the margin check; 0 is the initial state.")
_TIME = _number("time_s", SECONDS, "Time of the check since the start.")

WEIGHT = _number(
    "weight",
    "1",
    "Likelihood ratio of the scenario's law to the one the path was drawn from; 1 in the mean over many paths.",
)
COMPONENT = _count(
    "component",
    "",
    "Which law of the mixture the path was drawn from; 0 is the scenario's own.",
)

PATHS = Table(
    "paths",
    "One row per path and pool; optional columns are those of runs with importance sampling.",
    (_PATH, _POOL),
    (
        _count("breached_accounts", "accounts", "Margin accounts seen in breach of maintenance margin at least once."),
        _count("liquidated_accounts", "accounts", "Margin accounts with at least one fill in a liquidation auction."),
        _count("taken_over_accounts", "accounts", "Margin accounts of which a fund or vault took over a share or all."),
        _count("adl_closed_accounts", "accounts", "Insolvent margin accounts closed against winners by ADL."),
        _money("liquidated_notional", "Value at the mark of all liquidation orders filled in auctions."),
        _money("auction_value", "Value at the auction price of all liquidation orders filled."),
        _money("auction_cost", "What the gap between mark and auction price cost the liquidated accounts."),
        _money("taken_over_notional", "Value at the mark of all positions taken over by funds and vaults."),
        _money("taken_over_collateral", "Value at the mark of the collateral that came with accounts taken over."),
        _money("bad_debt", "Negative equity of margin accounts at the moments somebody else came to bear it."),
        _money("required_fund", "Capital with which the pool's first fund never declines; null without a fund.", True),
        _money("fund_low", "Lowest observed equity of the pool's first fund; null without a fund.", True),
        _money("fund_end", "Equity of the pool's first fund at the end; null without a fund.", True),
        _time("first_decline_s", "When the pool's first fund first took less than it was offered; null: never."),
        _money("adl_notional", "Value at the mark of the winners' positions closed by ADL."),
        _count("adl_accounts", "accounts", "Margin accounts that had a winning position closed by ADL."),
        _money("adl_haircut", "What ADL cost the winners: mark less fill, times the signed quantity closed."),
        _share("adl_top1_share", "Share of adl_notional that was the largest owner's; null where ADL closed nothing."),
        _share("adl_top10_share", "Share of adl_notional that was the ten largest owners'; null as well."),
        _share("adl_top100_share", "Share of adl_notional that was the hundred largest owners'; null as well."),
        _money("adl_paid", "Bad debt borne by winners in ADL fills."),
        _money("socialised", "Bad debt of accounts spread over the other accounts of the pool."),
        _money("socialised_for_layers", "Debt of funds and vaults spread over accounts, on top of socialised."),
        _money("residual", "Loss written off after the last layer: the venue cannot pay it."),
        _money("residual_open", "Deficits of accounts open at the end, and debts a treasury bore and has not raised."),
        _money(
            "collateral_seized",
            "Value at the mark of collateral taken from accounts without equity when their debts were borne by others.",
        ),
        _count("payers", "owners", "Owners who paid on balance for others: ADL haircuts and shared losses."),
        _money("paid_by_owners", "What those owners paid on balance."),
        _share("paid_top1_share", "Share of that paid by the owner who paid most; null where nobody paid."),
        _share("paid_top10_share", "Share of that paid by the ten owners who paid most; null where nobody paid."),
        _share("paid_top100_share", "Share of that paid by the hundred who paid most; null where nobody paid."),
        _share("paid_gini", "Gini coefficient of what the payers paid, over the payers; null where nobody paid."),
        _share("paid_gini_all", "The same over all owners in the pool, most of whom pay nothing; null as well."),
        _money("fees", "Liquidation fees paid by accounts."),
        _money("fees_fund", "Part of the liquidation fees that went to the pool's first fund."),
        _time("first_liquidation_s", "When the first liquidation order was filled; null: never."),
        _time("first_adl_s", "When ADL first closed a position; null: never."),
        _count("rounds", "rounds", "Most liquidation rounds that one check took."),
        _count("truncated_steps", "checks", "Checks whose rounds were cut off at run.max_rounds."),
        _money("topped_up", "Cash that owners added from outside after margin calls."),
        _count("topped_up_accounts", "accounts", "Margin accounts whose owner added cash."),
        _money("reduced_notional", "Value at the mark of owners' own orders filled after margin calls."),
        _count("reduced_accounts", "accounts", "Margin accounts whose owner reduced positions."),
    ),
    (WEIGHT, COMPONENT),
)

LAYERS = Table(
    "layers",
    "One row per path and layer of a pool's waterfall; of a shared fund, payments are the pool's alone.",
    (_PATH, _POOL, _key("layer", "Name of the layer."), _key("kind", "Kind of the layer, such as insurance_fund.")),
    (
        _money("equity_low", "Lowest observed equity of the layer; 0 for layers without a balance."),
        _money("equity_end", "Equity of the layer at the end; 0 for layers without a balance."),
        _money("largest_fall", "Largest fall of the observed equity below its initial value."),
        _time("largest_fall_s", "When it had fallen that far; null where it never fell."),
        _money(
            "part_fall",
            "Shared fund: largest fall of what the pool brought in less what it cost, hedges apart; where the fund "
            "declined and is the first fund of a pool, with one that takes everything; null for other layers.",
            True,
        ),
        _money("paid", "Bad debt of accounts borne by the layer: all layers and the residual add up to bad_debt."),
        _money("paid_for_layers", "Debt of earlier layers of the pool borne by the layer, on top of paid."),
        _money("received", "Positive equity of accounts that the layer took over."),
        _money("fees", "Liquidation fees that went to the layer."),
        _money("inventory_end", "Value at the mark of the layer's open contracts at the end, longs and shorts added."),
        _money("collateral_end", "Value at the mark of the collateral that the layer holds at the end."),
        _money(
            "collateral_loss",
            "Value of the collateral when the layer took it over, less what it was sold for and is worth at the end.",
        ),
        _money("hedge_notional", "Value of the hedges that the layer traded on another venue."),
        _money("hedge_result", "What its hedges gained or lost until the end, costs included."),
        _money("raised", "Cash that a treasury raised by selling its token."),
        _number("tokens_sold", "tokens", "Tokens that it sold or minted for it."),
        _number("token_low", "quote currency per token", "Lowest price it sold at; null where it sold none.", True),
        _time("first_decline_s", "When the layer first took less than it was offered; null: never."),
        _time("first_under_s", "When the layer's equity was first seen under its floor; null: never."),
        _time("depletion_s", "When the layer's equity was first seen at its floor or under it; null: never."),
    ),
)

MARKETS = Table(
    "markets",
    "One row per path and market.",
    (_PATH, _MARKET),
    (
        _number("price_low", "quote currency per base unit", "Lowest book price observed at a check."),
        _number("price_high", "quote currency per base unit", "Highest book price observed at a check."),
        _number("price_end", "quote currency per base unit", "Book price at the end."),
        _number("largest_displacement", "log", "Largest distance of the book from the fundamental price, either way."),
        _money("liquidated_notional", "Value at the mark of liquidation orders filled in the market."),
        _money("adl_notional", "Value at the mark of the winners' positions closed by ADL in the market."),
        _number("adl_units", "base units", "Quantity of those positions, shorts below zero."),
        _money(
            "adl_fill_value",
            "The same at the fill prices: adl_units times price_end less this is what they would have gained since.",
        ),
        _money(
            "open_interest_end",
            "Long open interest of accounts and layers at the end, at the mark; of an asset all they hold.",
        ),
        _number("margin_factor_peak", "1", "Highest factor on maintenance in force, by volatility or announcement."),
        _number("margin_factor_call", "1", "Largest relative rise of that factor within a day: the margin call."),
        _number("maker_depth_low", "1", "Lowest factor on the depth by the makers' equity; 1 where it stands."),
    ),
)

OWNERS = Table(
    "owners",
    "The ten owners of each path and pool that caused most of the bad debt, and the ten that paid most for others.",
    (
        _PATH,
        _POOL,
        _key("role", "caused: bad debt of the owner's accounts in the pool; paid: what they paid for others."),
        _count("place", "rank", "1 for the largest amount; equal amounts in the order of the names."),
        _key("owner", "Name of the owner of the margin accounts."),
    ),
    (
        _money("amount", "caused: bad debt of the owner's accounts; paid: ADL haircuts and shared losses, on balance."),
        _money("layers", "caused: part borne by layers with money of their own; paid: 0."),
        _money("adl", "caused: part borne by winners in ADL; paid: ADL haircuts, below zero for a gain on the mark."),
        _money("socialised", "caused: part spread over other accounts; paid: shared losses charged."),
        _money("written_off", "caused: part written off; paid: 0."),
    ),
)

WORST_POOLS = Table(
    "worst_pools",
    "Step-by-step record of the recorded paths, one row per path, pool and check.",
    (_PATH, _ROLE, _POOL, _STEP, _TIME),
    (
        _money("fund_equity", "Equity of the pool's first fund; null without a fund.", True),
        _money("liquidated_notional", "Value at the mark of liquidation orders filled, from the start to the check."),
        _money("bad_debt", "Bad debt from the start to the check."),
        _money("adl_notional", "Value at the mark of winners' positions closed by ADL, from the start to the check."),
        _money("socialised", "Socialised loss from the start to the check."),
        _money("residual", "Loss written off from the start to the check."),
    ),
)

WORST_MARKETS = Table(
    "worst_markets",
    "Step-by-step record of the recorded paths, one row per path, market and check.",
    (_PATH, _ROLE, _MARKET, _STEP, _TIME),
    (
        _number("fundamental", "quote currency per base unit", "Fundamental price, permanent impact included."),
        _number("price", "quote currency per base unit", "Book price: what can be traded at the venue."),
        _number("mark", "quote currency per base unit", "Mark price: what margin is computed on."),
        _number("displacement", "log", "Log distance of the book from the fundamental price."),
        _number(
            "depth",
            "base units",
            "Depth of the book or reserve of the pool; null where endless.",
            True,
        ),
        _money("open_interest", "Long open interest of accounts and layers, at the mark; of an asset all they hold."),
    ),
)

EXCEEDANCE = Table(
    "exceedance",
    "Loss exceedance curve of each pool and metric, thinned where it is dense.",
    (_POOL, _key("metric", "bad_debt, required_fund, or unpaid: residual plus residual_open.")),
    (
        _money("loss", "A loss that occurred; 0 stands for all paths without one."),
        _number("probability", "fraction", "Share of the paths that lost at least as much."),
        _count("rank", "paths", "Number of the paths that lost at least as much."),
    ),
)

TABLES: dict[str, Table] = {
    table.name: table for table in (PATHS, LAYERS, MARKETS, OWNERS, WORST_POOLS, WORST_MARKETS, EXCEEDANCE)
}
"""Every table of a run folder, by name."""


def dictionary() -> dict[str, object]:
    """The data dictionary: every table and column as plain JSON values."""
    return {
        table.name: {
            "description": table.sentence,
            "columns": [
                {
                    "name": column.name,
                    "type": str(column.type),
                    "unit": column.unit,
                    "nullable": column.nullable,
                    "optional": column in table.optional,
                    "description": column.sentence,
                }
                for column in table.columns + table.optional
            ],
        }
        for table in TABLES.values()
    }
