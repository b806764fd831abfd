"""The counterparty's layers, in the order of the waterfall (MODEL 6)."""

from __future__ import annotations

from ..registry import Parameter, Rule

_FUND = (
    Parameter("capital", "money", "Cash at the start; `unlimited` accepts everything and measures what is needed."),
    Parameter("floor", "money", "Equity under which the layer takes nothing."),
    Parameter("partial", "word", "true: the same share of all deficits; false: whole accounts, smallest first."),
    Parameter("cap", "money by market", "Largest value of the inventory that takeovers may lead to."),
    Parameter("stop", "map", "Takes nothing, or no positions, while equity is too far under its highest (OKX, Bybit)."),
    Parameter("unwind", "map", "How inventory is sold back into the book."),
    Parameter("hedge", "map", "How inventory is hedged on another venue."),
)

LAYERS: tuple[Rule, ...] = (
    Rule(
        "insurance_fund",
        "Takes over insolvent and unfilled accounts whole, holds their positions and bears their deficits.",
        "Binance, Bybit, BitMEX and OKX documentation",
        (
            *_FUND,
            Parameter(
                "guarantees_fills", "word", "Whether it pays at once what fills fall short of bankruptcy prices."
            ),
        ),
    ),
    Rule(
        "backstop_vault",
        "Takes over accounts whose equity is under a share of maintenance; itself closed by ADL when under its floor.",
        "Hyperliquid documentation, liquidations (2/3 of maintenance)",
        (
            *_FUND,
            Parameter("share", "fraction", "Share of maintenance under which accounts are taken over."),
            Parameter("equity_cap", "money", "Most of its equity that stands behind the deficits of one round."),
            Parameter("accept_negative", "word", "Whether accounts with negative equity are taken too."),
            Parameter("adl_below_floor", "word", "Whether ADL closes the vault when it is under its floor."),
        ),
    ),
    Rule(
        "shared_fund",
        "One insurance fund listed by several pools; when short, its money goes pro rata to demand.",
        "Bybit documentation, insurance pools shared by contracts",
        (*_FUND, Parameter("draw_cap", "money", "Most bad debt that the pool may pass to the fund on a path.")),
    ),
    Rule(
        "treasury",
        "Takes the debts of flat accounts and of failed layers upon itself and sells or mints a token to pay them, as "
        "far as the tokens it has left cover them at the lowest price it would sell at.",
        "MakerDAO, debt auctions (2020-03-19 to 28); Aave safety module",
        (
            Parameter("token", "market", "The token: a market with `instrument: spot` and a book."),
            Parameter("units", "number", "Tokens that may be sold or minted."),
            Parameter("discount", "fraction", "Furthest under the fundamental price that a sale may push the book."),
            Parameter("floor_price", "price", "Lowest price at which tokens are sold."),
            Parameter("delay", "duration", "Time from its first debt to the first sale."),
            Parameter("rate", "fraction per minute", "Most sold per minute, as a share of the book's depth."),
        ),
    ),
    Rule(
        "adl",
        "Closes insolvent accounts against the opposite side's winners, in rank order.",
        "BitMEX, Binance and Hyperliquid documentation",
        (
            Parameter("rank", "word", "Who is closed first."),
            Parameter("price", "word", "bankruptcy, mark (the deficit goes on) or previous_mark."),
            Parameter(
                "within", "fraction", "Bankruptcy prices further than this from the mark give way to it (Bybit)."
            ),
            Parameter("when", "word", "insolvent: whoever owes; unfilled: of them, whose orders found no buyer."),
        ),
    ),
    Rule(
        "socialise",
        "Spreads the cash deficits of flat accounts over those who can pay.",
        "Deribit (session profit), Drift (open interest); CPMI-IOSCO (2014), cash calls and gains haircuts",
        (
            Parameter("by", "word", "session_profit, open_interest, equity or maintenance."),
            Parameter(
                "most", "money", "Most that is spread on a path: the end of a clearing house's assessment powers."
            ),
        ),
    ),
    Rule(
        "liquidity_pool",
        "Counterparty of every position in its pool: holds the other side from the start, takes the other end of every "
        "order, and bears what closed accounts owe.",
        "GMX v2 (GM pools) and Synthetix v3 (perps market), contracts",
        (
            Parameter("capital", "money", "What it is worth at the start."),
            Parameter("floor", "money", "Equity under which it takes no deficits."),
            Parameter(
                "partial", "word", "true: the same share of all deficits; false: whole accounts, smallest first."
            ),
            Parameter("backing", "fraction by market", "Share of the capital that is held in the market's own asset."),
            Parameter("profit_cap", "map", "Closes winners when what one side has gained is too much of the pool."),
        ),
    ),
)
"""Layer kinds, by number."""

INSURANCE_FUND, BACKSTOP_VAULT, SHARED_FUND, TREASURY, ADL, SOCIALISE = 0, 1, 2, 3, 4, 5
LIQUIDITY_POOL = 6

PRICES = ("bankruptcy", "mark", "previous_mark")
AT_BANKRUPTCY, AT_MARK, AT_PREVIOUS_MARK = 0, 1, 2

BASES = ("session_profit", "open_interest", "equity", "maintenance")
BY_SESSION_PROFIT, BY_OPEN_INTEREST, BY_EQUITY, BY_MAINTENANCE = 0, 1, 2, 3

UNWINDS: tuple[Rule, ...] = (
    Rule("hold", "Inventory is kept to the end.", "none"),
    Rule(
        "twap",
        "Every check sends the share of the inventory that halves it in one half-life.",
        "Hyperliquid documentation, portfolio margin (10 minute half-life)",
        (Parameter("half_life", "duration", "Time in which half of the inventory is sold."),),
    ),
    Rule(
        "participation",
        "Every check sends at most a share of the depth of the book at that time.",
        "Percentage-of-volume execution",
        (Parameter("rate", "fraction per minute", "Most sold per minute, as a share of the depth."),),
    ),
)
"""How inventory is unwound, by number."""

HOLD, TWAP, PARTICIPATION = 0, 1, 2

PROFIT_CAP: tuple[Parameter, ...] = (
    Parameter("above", "fraction", "Profit of one side over what backs it, above which winners are closed."),
    Parameter("to", "fraction", "The same ratio when they have been."),
    Parameter("payout", "fraction", "Most of its backing that a side is paid: profits are cut in proportion."),
    Parameter("rank", "word", "Who is closed first."),
)
"""Bound on what one side of a market can win of a liquidity pool."""

HEDGE: tuple[Parameter, ...] = (
    Parameter("ratio", "fraction", "Share of the inventory in every market that is hedged."),
    Parameter("delay", "duration", "Time between a gap in the hedge and the trade that closes it."),
    Parameter("cost", "fraction", "Cost of a trade, as a share of its value."),
    Parameter("band", "money", "Value of a gap that is left alone while there is inventory."),
    Parameter("pace", "money per minute", "Most value traded in a market."),
)
"""Hedging of inventory on another venue, which trades at the fundamental price."""
