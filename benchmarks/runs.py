"""Whole runs of large venues: ``python benchmarks/runs.py [ACCOUNTS MARKETS PATHS]``; wall time and peak of memory."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from venue import write_scenario

CASES = ((100_000, 3, 10_000), (437_000, 162, 1_000))
"""Accounts, markets, paths: a large venue, and one of the size of the largest on-chain one."""


def measure(folder: Path, accounts: int, markets: int, paths: int) -> str:
    """One line of the table."""
    file = write_scenario(folder / "scenario.yaml", accounts, markets, crash=False, paths=paths)
    begin = time.monotonic()
    command = [sys.executable, "-m", "stress", "run", str(file), "--quiet", "--force", "--out", str(folder / "run")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - begin
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    return f"{accounts:>9,} {markets:>7} {paths:>7,} {seconds:>8.1f} {peak:>9.2f}"


def main() -> None:
    """Print the table."""
    given = tuple(int(word) for word in sys.argv[1:])
    print(f"{'accounts':>9} {'markets':>7} {'paths':>7} {'s':>8} {'GiB':>9}")
    for accounts, markets, paths in (given,) if given else CASES:
        with TemporaryDirectory() as folder:
            print(measure(Path(folder), accounts, markets, paths), flush=True)


if __name__ == "__main__":
    main()
