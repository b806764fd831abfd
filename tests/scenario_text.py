"""A scenario that uses every key, as a user would write it."""

from __future__ import annotations

from pathlib import Path

REFERENCE = """\
format: 1
name: example
title: One line for the report
description: >
  Some text.
assumptions: ["Depth is assumed 2x (range 1x-4x)."]
run: {paths: 10_000, horizon: 24h, step: 1m, check_every: 1m, seed: 20251010, max_rounds: 100}
markets:
  BTC:
    instrument: linear_perpetual
    price: 121_662
    model:
      {type: bates, kappa: 12, theta: 0.35, xi: 2.5, rho: -0.3, v0: 0.30,
       jump_rate: 20, jump_mean: -2%, jump_std: 4%, drift: 0%, scheme: auto}
    liquidity:
      type: power
      depth: 60_000_000
      at: 1%
      exponent: 0.5
      half_life: 2m
      permanent: 10%
      drought: {exponent: 1.5, floor: 2%, cap: none, volatility: 60%}
    margin: {tiers: [{from: 0, maintenance: 1.25%}, {from: 150_000_000, maintenance: 2.5%}]}
    mark: {type: index}
    oracle: {lag: 3s, heartbeat: 3s, deviation: 0%}
  ETH:
    price: 4_000
    model: {type: gbm, volatility: 80%}
    liquidity: {type: power, depth: unlimited}
    margin: {tiers: [{from: 0, maintenance: 1.25%}]}
    mark: book
correlation:
  prices: [[1.0, 0.8], [0.8, 1.0]]
  variances: [[1, 0.7], [0.7, 1]]
  price_variance: [[0, -0.2], [-0.1, 0]]
jumps:
  - name: crash
    rate: 2
    correlation: 80%
    marks:
      BTC: {mean: -8%, std: 4%, probability: 100%}
      ETH: {mean: -11%, std: 5%}
shocks: [{at: 6h, market: BTC, jump: -10%, depth: 5%, volatility: 3, duration: 20m}]
pools:
  main:
    book:
      synthetic:
        accounts: 2_000
        seed: 7
        open_interest: {BTC: 1_500_000_000, ETH: 1bn}
        pareto: 1.2
        leverage: {median: 6, sigma: 0.7, min: 1, max: 40}
        long_share: 60%
        isolated_share: 30%
        hedged_share: 5%
        markets_per_account: {1: 70%, 2: 30%}
        entry_spread: 5%
        market_makers: {count: 20, leverage: 3}
    liquidation:
      size: full
      limit: bankruptcy
      fee: 50bp
      fund_share: 100%
      latency: 0s
      capacity: none
      takeover_when: unfilled
    layers:
      - type: insurance_fund
        name: fund
        capital: 25_000_000
        floor: 0
        partial: true
        unwind: {type: twap, half_life: 10m}
      - {type: backstop_vault, name: hlp, capital: 300_000_000, share: 66.67%, accept_negative: true}
      - {type: adl, name: adl, rank: hyperliquid, price: bankruptcy}
      - {type: socialise, name: socialise, by: session_profit}
sizing: {levels: [99%, 99.9%], depletion: 0.1%, capital_cost: 5%, breach_cost: 10}
checks: [{metric: required_fund, level: 99.9%, at_most: 30_000_000}]
"""


def line_of(text: str, fragment: str) -> int:
    """Line, from 1, of the only occurrence of ``fragment``."""
    assert text.count(fragment) == 1, fragment
    return text[: text.index(fragment)].count("\n") + 1


def write(folder: Path, text: str, name: str = "scenario.yaml") -> Path:
    """Write ``text`` into a file of ``folder``."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file
