"""The venue that the benchmarks of the cascade follow, for any number of accounts and markets."""

from __future__ import annotations

from pathlib import Path

MARKET = """
  M{m}:
    price: {price}
    model: {{type: heston, kappa: 12, theta: 0.64, xi: 2.5, rho: -0.2, v0: 0.64}}
    liquidity: {{type: power, depth: {depth}, at: 1%, exponent: 0.5, half_life: 2m}}
    margin: {{tiers: [{{from: 0, maintenance: 1%}}]}}
"""

SCENARIO = """
format: 1
name: benchmark
run: {{paths: {paths}, horizon: 24h, step: 1m, seed: 1}}
markets:{markets}
correlation: {{factors: {{market: {{{loadings}}}}}}}
{shocks}
pools:
  main:
    book:
      synthetic:
        accounts: {accounts}
        seed: 1
        open_interest: {{{interest}}}
        pareto: 1.2
        leverage: {{median: 6, sigma: 0.7, min: 1, max: 40}}
        long_share: 60%
        markets_per_account: {{{spread}}}
    liquidation: {{size: full, limit: bankruptcy, fee: 50bp}}
    layers:
      - {{type: insurance_fund, capital: unlimited, unwind: {{type: twap, half_life: 10m}}}}
"""

SPREADS = {1: "1: 100%", 2: "1: 60%, 2: 40%"}
"""Markets per account where there are fewer than three."""

TOTAL = 7_000_000_000
"""Open interest of all markets; the m-th has a share of 1 / m of the first one's."""


def _crash(names: list[str]) -> str:
    """-15 % in twenty minutes from noon on, with the depth at 5 %."""
    falls = (
        f"\n  - {{at: {60 * 12 + minute}m, market: {name}, jump: -0.8%, depth: 5%, duration: 20m}}"
        for minute in range(20)
        for name in names
    )
    return "shocks:" + "".join(falls)


def write_scenario(file: Path, accounts: int, markets: int, crash: bool, paths: int = 64) -> Path:
    """Write the scenario of one case; returns the file."""
    names = [f"M{m}" for m in range(markets)]
    weights = [1.0 / (m + 1) for m in range(markets)]
    interest = [TOTAL * weight / sum(weights) for weight in weights]
    file.write_text(
        SCENARIO.format(
            paths=paths,
            markets="".join(
                MARKET.format(m=m, price=round(100_000 / (m + 1) ** 2, 4), depth=round(interest[m] / 40))
                for m in range(markets)
            ),
            loadings=", ".join(f"{name}: 0.8" for name in names),
            shocks=_crash(names) if crash else "",
            accounts=accounts,
            interest=", ".join(f"{name}: {round(value)}" for name, value in zip(names, interest, strict=True)),
            spread=SPREADS.get(markets, "1: 60%, 2: 25%, 3: 15%"),
        )
    )
    return file
