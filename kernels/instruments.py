"""What a market trades: contracts, and assets that are posted as collateral (MODEL 1, 10)."""

from __future__ import annotations

from .registry import Parameter, Rule

INSTRUMENTS: tuple[Rule, ...] = (
    Rule(
        "linear_perpetual",
        "A contract without expiry whose profit is quantity times change of price, in the quote currency.",
        "BitMEX (2016) and all venues since; USD- or stablecoin-margined perpetuals",
    ),
    Rule(
        "spot",
        "An asset. Accounts post it as collateral, layers that take accounts over hold it at its price and may sell "
        "it; what it counts for in margin is its value less the haircut.",
        "collateral ratios of Binance, OKX and Bybit multi-asset margin",
        (Parameter("haircut", "fraction", "Share of its value that does not count towards margin."),),
    ),
)
"""Instruments, by number."""

LINEAR_PERPETUAL, SPOT = 0, 1
