"""Order of the numbers a path ends with; :mod:`stress.columns` says what each one means."""

from __future__ import annotations

POOL_COLUMNS: tuple[str, ...] = (
    "breached_accounts",
    "liquidated_accounts",
    "taken_over_accounts",
    "adl_closed_accounts",
    "liquidated_notional",
    "auction_value",
    "auction_cost",
    "taken_over_notional",
    "taken_over_collateral",
    "bad_debt",
    "required_fund",
    "fund_low",
    "fund_end",
    "first_decline_s",
    "adl_notional",
    "adl_accounts",
    "adl_haircut",
    "adl_top1_share",
    "adl_top10_share",
    "adl_top100_share",
    "adl_paid",
    "socialised",
    "socialised_for_layers",
    "residual",
    "residual_open",
    "collateral_seized",
    "payers",
    "paid_by_owners",
    "paid_top1_share",
    "paid_top10_share",
    "paid_top100_share",
    "paid_gini",
    "paid_gini_all",
    "fees",
    "fees_fund",
    "first_liquidation_s",
    "first_adl_s",
    "rounds",
    "truncated_steps",
    "topped_up",
    "topped_up_accounts",
    "reduced_notional",
    "reduced_accounts",
)

LAYER_COLUMNS: tuple[str, ...] = (
    "equity_low",
    "equity_end",
    "largest_fall",
    "largest_fall_s",
    "part_fall",
    "paid",
    "paid_for_layers",
    "received",
    "fees",
    "inventory_end",
    "collateral_end",
    "collateral_loss",
    "hedge_notional",
    "hedge_result",
    "raised",
    "tokens_sold",
    "token_low",
    "first_decline_s",
    "first_under_s",
    "depletion_s",
)

MARKET_COLUMNS: tuple[str, ...] = (
    "price_low",
    "price_high",
    "price_end",
    "largest_displacement",
    "liquidated_notional",
    "adl_notional",
    "adl_units",
    "adl_fill_value",
    "open_interest_end",
    "margin_factor_peak",
    "margin_factor_call",
    "maker_depth_low",
)

OWNER_COLUMNS: tuple[str, ...] = (
    "amount",
    "layers",
    "adl",
    "socialised",
    "written_off",
)

TOP_OWNERS = 10
"""Owners listed per path, pool and role."""

ROLES: tuple[str, ...] = ("caused", "paid")
"""What an owner is listed for."""

TRACE_POOL_COLUMNS: tuple[str, ...] = (
    "fund_equity",
    "liquidated_notional",
    "bad_debt",
    "adl_notional",
    "socialised",
    "residual",
)

TRACE_MARKET_COLUMNS: tuple[str, ...] = (
    "fundamental",
    "price",
    "mark",
    "displacement",
    "depth",
    "open_interest",
)
