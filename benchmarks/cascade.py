"""What following a path costs: ``python benchmarks/cascade.py [--quick]``.

One day of one-minute checks at 80 % volatility, ordinary and with a fall of
15 % in twenty minutes; accounts with one to three positions. Two tables, by
accounts and by markets. Each row gives the whole path, the trigger search
alone, and beside it a full scan in the same process: the surplus of every
account from columns of plain floats, which the compiler vectorises. Prices are
simulated beforehand and not counted.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from venue import write_scenario

from stress.build import Plan, build
from stress.kernels import cascade, paths
from stress.kernels.cascade import room_for
from stress.kernels.jit import kernel, vector_kernel
from stress.kernels.marks import set_marks
from stress.kernels.results import POOL_COLUMNS
from stress.kernels.state import State
from stress.kernels.structs import Book, Floats, Venue
from stress.kernels.trigger import find_breaches
from stress.kernels.views import view
from stress.scenario import load_scenario

LIQUIDATED = POOL_COLUMNS.index("liquidated_accounts")

WIDEST_SCAN = 10
"""Markets up to which the full scan is measured: its columns grow with accounts times markets."""


@kernel
def search(venue: Venue, state: State, log_price: Floats) -> int:
    """Trigger search alone; who is found is closed at once, at no price."""
    venue, state = view(venue), view(state)
    found = 0
    for step in range(log_price.shape[0]):
        for m in range(state.market.size):
            state.market[m].published = np.exp(log_price[step, m])
        set_marks(venue.markets, state.market)
        breaches, _ = find_breaches(venue, state, step)
        for b in range(breaches):
            holder = venue.book.accounts[state.accounts.breach[b]]
            state.accounts.each[state.accounts.breach[b]].cash = 0.0
            for j in range(holder.first, holder.last):
                state.accounts.positions[j].quantity = 0.0
        found += breaches
    return found


@vector_kernel
def _surplus(cash: Floats, slope: Floats, log_price: Floats, surplus: Floats) -> int:
    """Accounts under maintenance, summed over the steps: a scan of everybody by one multiplication per market."""
    found = 0
    for step in range(log_price.shape[0]):
        for i in range(surplus.size):
            surplus[i] = cash[i]
        for m in range(slope.shape[0]):
            price, row = np.exp(log_price[step, m]), slope[m]
            for i in range(surplus.size):
                surplus[i] += row[i] * price
        for i in range(surplus.size):
            found += surplus[i] < 0.0
    return found


def scan(book: Book, markets: int, log_price: Floats) -> float:
    """Thread time of a full scan, for tiers of one rate: [m, i] what a unit of price adds to the surplus."""
    slope = np.zeros((markets, book.accounts.size))
    quantity = book.positions["quantity"]
    np.add.at(slope, (book.positions["market"], book.positions["holder"]), quantity - 0.01 * np.abs(quantity))
    cash, surplus = np.array(book.accounts["cash"]), np.zeros(book.accounts.size)
    _surplus(cash, slope, log_price[:1], surplus)
    begin = time.thread_time()
    _surplus(cash, slope, log_price, surplus)
    return time.thread_time() - begin


def simulate(plan: Plan, count: int) -> tuple[Floats, Floats]:
    """Prices and variances of the first ``count`` paths."""
    shape = (count, plan.venue.clock.checks + 1, len(plan.market_names))
    log_price, variance = np.empty(shape), np.empty(shape)
    paths.simulate(plan.models, plan.venue.clock, plan.seed, 0, log_price, variance)
    return log_price, variance


def seconds_per_path(plan: Plan, log_price: Floats, variance: Floats) -> tuple[float, float]:
    """Thread time of a whole path, and liquidated accounts on it."""
    count = len(log_price)
    slots = cascade.empty_slots(count, len(plan.pool_names), len(plan.layer_names), len(plan.market_names))
    begin = time.thread_time()
    cascade.run_block(plan.venue, 0, log_price, variance, slots, np.zeros(1, np.uint8))
    spent = time.thread_time() - begin
    return spent / count, float(slots.pools[:, 0, LIQUIDATED].mean())


def seconds_of_search(plan: Plan, log_price: Floats) -> float:
    """Thread time of the trigger search alone, per path, over paths without cascades."""
    room, spent = room_for(plan.venue), 0.0
    for path in log_price:
        still = np.ascontiguousarray(np.repeat(path[:1], 2, axis=0))
        venue = plan.venue._replace(clock=plan.venue.clock._replace(checks=1))
        # The path of one check without a move brings the room to index 0; what `search` changed by hand is put back.
        room.state.watch.counts["stamp"] = 0
        cascade.run_path(venue, room, 0, still, still * 0.0)
        begin = time.thread_time()
        search(plan.venue, room.state, path)
        spent += time.thread_time() - begin
    return spent / len(log_price)


class Row(NamedTuple):
    """One line of a table."""

    accounts: int
    markets: int
    crash: bool


def measure(folder: Path, row: Row) -> str:
    """One line: whole path, search, account-steps per second and core, gain over the scan."""
    plan = build(load_scenario(write_scenario(folder / "scenario.yaml", *row)))
    count = 8 if row.accounts >= 100_000 else 64
    log_price, variance = simulate(plan, count)
    seconds_per_path(plan, log_price[:1], variance[:1])
    seconds_of_search(plan, log_price[:1])
    whole, liquidated = seconds_per_path(plan, log_price, variance)
    quick = seconds_of_search(plan, log_price)
    steps = row.accounts * plan.venue.clock.checks
    scanned = scan(plan.venue.book, row.markets, log_price[0]) if row.markets <= WIDEST_SCAN else float("nan")
    return (
        f"{row.accounts:>9,} {row.markets:>7} {'crash' if row.crash else 'ordinary':>9} {1e3 * whole:>9.2f} "
        f"{liquidated:>11,.0f} {1e3 * quick:>9.2f} {1e-9 * steps / quick:>8.2f} "
        f"{1e-9 * steps / scanned:>8.2f} {scanned / quick:>6.0f}"
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="What following a path costs.")
    parser.add_argument("--quick", action="store_true", help="up to 100,000 accounts and 10 markets only")
    quick = parser.parse_args().quick
    accounts = (1_000, 10_000, 100_000) if quick else (1_000, 10_000, 100_000, 1_000_000)
    markets = (1, 10) if quick else (1, 10, 50, 162)
    print(f"{'':>27} {'whole path':>21} {'search alone':>18} {'scan':>8} {'gain':>6}")
    print(f"{'accounts':>9} {'markets':>7} {'day':>9} {'ms':>9} {'liquidated':>11} {'ms':>9} {'G/s':>8} {'G/s':>8}")
    with TemporaryDirectory() as folder:
        for row in [Row(n, 3, crash) for n in accounts for crash in (False, True)]:
            print(measure(Path(folder), row), flush=True)
        for row in [Row(100_000, m, crash) for m in markets for crash in (False, True)]:
            print(measure(Path(folder), row), flush=True)


if __name__ == "__main__":
    main()
