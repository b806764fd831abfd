"""What a run will cost, before it is run.

The constants are measured on one core by ``benchmarks/cascade.py`` and over the
built-in scenarios; a path with many liquidations takes about twice as long.
"""

from __future__ import annotations

from dataclasses import dataclass

from stress.scenario import Scenario

_STEP_SECONDS = 10e-9
"""One market, one model step of one path."""
_CHECK_SECONDS = 1.2e-6
"""One margin check of one path, apart from what grows with markets and positions."""
_MARKET_SECONDS = 0.4e-6
"""One market at one margin check."""
_POSITION_SECONDS = 0.25e-9
"""One position at one margin check."""
_START_SECONDS = 3.0
"""Loading the compiled kernels, reading the book, writing and summarising results; compiling comes on top, once."""

_BASE_BYTES = 350 << 20
"""The interpreter with its libraries."""
_BLOCK_BYTES = 16 << 20
"""Prices and variances that a thread holds."""
_ACCOUNT_BYTES = 600
"""A margin account: its name, its row, and its workspace on every thread."""
_POSITION_BYTES = 300
_ROW_BYTES = 400
"""Results of one path and pool that are held while a part is written."""
_PART_PATHS = 1_000


@dataclass(frozen=True)
class Estimate:
    """Wall time in seconds and memory in bytes, good to a factor of about three."""

    seconds: float
    memory_bytes: float


def estimate(scenario: Scenario, *, accounts: int, positions: int, threads: int) -> Estimate:
    """Cost of a run of ``scenario`` with a book of this size on this many threads."""
    run = scenario.run
    markets = len(scenario.markets)
    steps = run.checks * run.substeps * markets * _STEP_SECONDS
    check = _CHECK_SECONDS + markets * _MARKET_SECONDS + positions * _POSITION_SECONDS
    seconds = _START_SECONDS + run.paths * (steps + run.checks * check) / threads
    path_bytes = 2.0 * 8.0 * (run.checks + 1) * markets
    scratch = threads * max(_BLOCK_BYTES, path_bytes)
    book = accounts * _ACCOUNT_BYTES + positions * _POSITION_BYTES * (1 + threads)
    results = min(run.paths, _PART_PATHS * threads) * (len(scenario.pools) + markets) * _ROW_BYTES
    return Estimate(seconds, _BASE_BYTES + scratch + book + results)
