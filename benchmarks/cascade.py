"""What following a path costs: ``python benchmarks/cascade.py``.

One day of one-minute checks on 1 k, 10 k and 100 k margin accounts over three
markets, at 80 % volatility without a crash and with a fall of 15 % in twenty
minutes. Beside the trigger search stands a scan of every account in every
round by the same code, in the same process: their ratio is what the search
saves. Prices are simulated beforehand and not counted.
"""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from stress.build import Plan, build
from stress.kernels import cascade, paths
from stress.kernels.cascade import NOBODY, room_for
from stress.kernels.jit import kernel
from stress.kernels.marks import set_marks
from stress.kernels.results import POOL_COLUMNS
from stress.kernels.state import State
from stress.kernels.structs import Floats, Venue
from stress.kernels.trigger import find_breaches
from stress.kernels.watch import forget
from stress.scenario import load_scenario

MARKET = """
  {name}:
    price: {price}
    model: {{type: heston, kappa: 12, theta: 0.64, xi: 2.5, rho: -0.2, v0: 0.64}}
    liquidity: {{type: power, depth: {depth}, at: 1%, exponent: 0.5, half_life: 2m}}
    margin: {{tiers: [{{from: 0, maintenance: 1%}}]}}
"""

SCENARIO = """
format: 1
name: benchmark
run: {{paths: 64, horizon: 24h, step: 1m, seed: 1}}
markets:{markets}
{shocks}
pools:
  main:
    book:
      synthetic:
        accounts: {accounts}
        seed: 1
        open_interest: {{BTC: 4bn, ETH: 2bn, SOL: 1bn}}
        pareto: 1.2
        leverage: {{median: 6, sigma: 0.7, min: 1, max: 40}}
        long_share: 60%
        markets_per_account: {{1: 60%, 2: 25%, 3: 15%}}
    liquidation: {{size: full, limit: bankruptcy, fee: 50bp}}
    layers:
      - {{type: insurance_fund, capital: unlimited, unwind: {{type: twap, half_life: 10m}}}}
"""

CRASH = "shocks:" + "".join(
    f"\n  - {{at: {60 * 12 + minute}m, market: {name}, jump: -0.8%, depth: 5%, duration: 20m}}"
    for minute in range(20)
    for name in ("BTC", "ETH", "SOL")
)


def plan(folder: Path, accounts: int, crash: bool) -> Plan:
    """Three markets and one pool with an unlimited fund."""
    prices = (("BTC", 100_000, 100_000_000), ("ETH", 4_000, 50_000_000), ("SOL", 200, 20_000_000))
    markets = "".join(MARKET.format(name=name, price=price, depth=depth) for name, price, depth in prices)
    shocks = CRASH if crash else ""
    file = folder / "scenario.yaml"
    file.write_text(SCENARIO.format(markets=markets, shocks=shocks, accounts=accounts))
    return build(load_scenario(file))


@kernel
def search(venue: Venue, state: State, log_price: Floats, everything: bool) -> int:
    """Trigger search alone, of every account if ``everything``; who is found is closed at once, at no price."""
    found = 0
    for step in range(log_price.shape[0]):
        for m in range(state.market.size):
            state.market[m].published = np.exp(log_price[step, m])
        set_marks(venue.markets, state.market)
        if everything:
            forget(state.watch)
        breaches = find_breaches(venue, state.accounts, state.market, state.watch, step)
        for b in range(breaches):
            holder = venue.book.accounts[state.accounts.breach[b]]
            state.accounts.each[state.accounts.breach[b]].cash = 0.0
            for j in range(holder.first, holder.last):
                state.accounts.positions[j].quantity = 0.0
        found += breaches
    return found


def simulate(plan: Plan, count: int) -> tuple[Floats, Floats]:
    """Prices and variances of the first ``count`` paths."""
    shape = (count, plan.venue.clock.checks + 1, len(plan.market_names))
    log_price, variance = np.empty(shape), np.empty(shape)
    paths.simulate(plan.models, plan.venue.clock, plan.seed, 0, log_price, variance)
    return log_price, variance


def seconds_per_path(plan: Plan, log_price: Floats, variance: Floats) -> tuple[float, float]:
    """Thread time of a whole path, and liquidated accounts on it."""
    venue, count = plan.venue, len(log_price)
    slots = cascade.empty_slots(count, len(plan.pool_names), len(plan.layer_names), len(plan.market_names))
    begin = time.thread_time()
    cascade.run_block(venue, 0, log_price, variance, slots, np.zeros(1, np.uint8))
    spent = time.thread_time() - begin
    return spent / count, float(slots.pools[:, 0, POOL_COLUMNS.index("liquidated_accounts")].mean())


def seconds_of_search(plan: Plan, log_price: Floats, everything: bool) -> float:
    """Thread time of the trigger search alone on one path without cascades."""
    room = room_for(plan.venue)  # the path below only brings its state to index 0
    still = np.ascontiguousarray(np.repeat(log_price[:1], plan.venue.clock.checks + 1, axis=0))
    cascade.run_path(plan.venue, room.state, room.memory, still, still * 0.0, NOBODY, room.no_trace, room.no_trace)
    begin = time.thread_time()
    search(plan.venue, room.state, log_price, everything)
    return time.thread_time() - begin


def main() -> None:
    """Print the table."""
    print(f"{'':>18} {'whole path':>21} {'search alone, ms':>20}")
    print(f"{'accounts':>9} {'day':>8} {'ms':>9} {'liquidated':>11} {'blocks':>10} {'scan':>9} {'scan/blocks':>12}")
    with TemporaryDirectory() as folder:
        for accounts in (1_000, 10_000, 100_000):
            for crash in (False, True):
                case = plan(Path(folder), accounts, crash)
                count = 16 if accounts > 10_000 else 64
                log_price, variance = simulate(case, count)
                seconds_per_path(case, log_price[:1], variance[:1])
                seconds_of_search(case, log_price[0], True)
                whole, liquidated = seconds_per_path(case, log_price, variance)
                quick = seconds_of_search(case, log_price[0], False)
                full = seconds_of_search(case, log_price[0], True)
                day = "crash" if crash else "ordinary"
                print(
                    f"{accounts:>9,} {day:>8} {1e3 * whole:>9.2f} {liquidated:>11,.0f} {1e3 * quick:>10.2f} "
                    f"{1e3 * full:>9.1f} {full / quick:>12,.0f}"
                )


if __name__ == "__main__":
    main()
