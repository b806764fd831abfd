"""Starting and threads: ``python benchmarks/startup.py [--warm]``.

What a small run takes when nothing is compiled yet (left out with ``--warm``) and when everything is, by the clock and
of the processor, child processes included; and paths a second of a venue of 100,000 accounts on one and two threads.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from venue import write_scenario

REPEATS = 5
"""Warm starts, of which the fastest counts: the others met something else on the machine."""

ACCOUNTS, MARKETS, PATHS = 100_000, 3, (200, 1_200)
"""The difference of two runs of different length is free of what starting takes."""


def start(arguments: list[str], cache: Path | None = None) -> tuple[float, float]:
    """Seconds by the clock and of the processor of one command in a process of its own."""
    environment = dict(os.environ) if cache is None else os.environ | {"TAILSTRESS_CACHE_DIR": str(cache)}
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, "-m", "stress", "run", *arguments, "--quiet", "--force"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    clock, after = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def starting(folder: Path, cold: bool) -> None:
    """Print the table of starts."""
    arguments = ["minimal", "--paths", "100", "--out", str(folder / "run")]
    print(f"{'start':>14} {'s':>7} {'s of processor':>15}")
    if cold:
        print("{:>14} {:>7.1f} {:>15.1f}".format("nothing there", *start(arguments, folder / "cache")), flush=True)
    start(arguments)
    print("{:>14} {:>7.2f} {:>15.2f}".format("compiled", *min(start(arguments) for _ in range(REPEATS))), flush=True)


def scaling(folder: Path) -> None:
    """Print paths a second by threads."""
    scenario = str(write_scenario(folder / "scenario.yaml", ACCOUNTS, MARKETS, crash=False, paths=PATHS[1]))
    print(f"\n{'threads':>14} {'paths/s':>7} {'times':>15}")
    single = 0.0
    for threads in (1, 2):
        seconds = []
        for paths in PATHS:
            arguments = [scenario, "--paths", str(paths), "--threads", str(threads), "--out", str(folder / "run")]
            seconds.append(start(arguments)[0])
        pace = (PATHS[1] - PATHS[0]) / (seconds[1] - seconds[0])
        single = single or pace
        print(f"{threads:>14} {pace:>7.0f} {pace / single:>15.2f}", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Starting and threads.")
    parser.add_argument("--warm", action="store_true", help="leave out the start with nothing compiled")
    cold = not parser.parse_args().warm
    with TemporaryDirectory() as folder:
        starting(Path(folder), cold)
        scaling(Path(folder))


if __name__ == "__main__":
    main()
