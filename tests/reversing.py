"""Venues whose breaking moves are known in closed form."""

from __future__ import annotations

from pathlib import Path

from tests.scenario_text import write

ONE = """\
format: 1
name: one-long
run: {paths: 10, horizon: HORIZON, step: 1h, seed: 1}
markets:
  A:
    price: 100
    model: MODEL
    liquidity: {type: power, depth: unlimited}
    margin: {tiers: [{from: 0, maintenance: 0%}]}
pools:
  main:
    book: {accounts: positions.csv, balances: balances.csv}
    liquidation: {size: full, limit: none, fee: 0bp}
    layers: [{type: insurance_fund, name: fund, capital: 5}]
"""
GBM = "{type: gbm, volatility: 80%}"


def one_long(folder: Path, model: str = GBM, horizon: str = "4h") -> Path:
    """One long of a unit at 100 with a wallet of 20, before a fund of 5: a fall to under 75 at once uses it up."""
    write(folder, "account,market,quantity,entry_price\nlong,A,1,100\nmaker,A,-1,100\n", "positions.csv")
    write(folder, "account,asset,amount\nlong,USD,20\nmaker,USD,100000\n", "balances.csv")
    return write(folder, ONE.replace("MODEL", model).replace("HORIZON", horizon))


TWO = """\
format: 1
name: two-longs
run: {paths: 10, horizon: 10m, step: 5m, seed: 1}
markets:
  A:
    price: 100
    model: {type: gbm, volatility: 60%}
    liquidity: {type: power, depth: unlimited}
    margin: {tiers: [{from: 0, maintenance: 0%}]}
  B:
    price: 50
    model: {type: gbm, volatility: 120%}
    liquidity: {type: power, depth: unlimited}
    margin: {tiers: [{from: 0, maintenance: 0%}]}
correlation: {prices: [[1, 0.5], [0.5, 1]]}
pools:
  main:
    book: {accounts: positions.csv, balances: balances.csv}
    liquidation: {size: full, limit: none, fee: 0bp}
    layers: [{type: insurance_fund, name: fund, capital: 2}]
"""
VOLATILITIES = (0.6, 1.2)
CORRELATION = 0.5
VALUES = (300.0, 100.0)
"""Value of the long's two positions."""
LOSS = 12.0
"""Loss that uses up its wallet and then the fund."""


def two_longs(folder: Path) -> Path:
    """One account long in two correlated markets: the fund is used up where its loss is more than 12."""
    rows = "long,A,3,100\nmaker,A,-3,100\nlong,B,2,50\nmaker,B,-2,50\n"
    write(folder, f"account,market,quantity,entry_price\n{rows}", "positions.csv")
    write(folder, "account,asset,amount\nlong,USD,10\nmaker,USD,100000\n", "balances.csv")
    return write(folder, TWO)
