"""What stratified sampling could gain at most: ``python benchmarks/strata.py [PATHS]``.

Strata of the move over the whole horizon take away the part of a variance which that move explains, and no more: with
that part R2, even endlessly many strata gain 1 / (1 - R2). The first dimension of Sobol points on a Brownian bridge
takes away the same part. Paths with jumps cannot be drawn given their end, so for them it is a bound out of reach.
"""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

import stress
from stress.cli import main as command

SCENARIOS = ("minimal", "two-pools", "shared-fund", "dynamic-margin", "october-2025", "black-thursday-2020")
LEVELS = (0.9, 0.99, 0.999)
STRATA = 20

Floats = NDArray[np.float64]


def explained(values: Floats, by: Floats) -> float:
    """Share of the variance of [w] values between strata of equal numbers of paths, less what chance would give."""
    groups = np.array_split(values[np.argsort(by, kind="stable")], STRATA)
    within = sum(float(np.square(group - group.mean()).sum()) for group in groups) / (values.size - STRATA)
    total = float(values.var(ddof=1))
    return max(0.0, 1.0 - within / total) if total > 0.0 else 0.0


def move(run: stress.Run) -> Floats:
    """[w] move of the price over the horizon, along the direction in which the markets move most."""
    ends = run.markets.pivot(index="path", columns="market", values="price_end").to_numpy(dtype=np.float64)
    moves = np.log(ends)
    moves -= moves.mean(axis=0)
    _, _, directions = np.linalg.svd(moves, full_matrices=False)
    return moves @ directions[0]


def measure(name: str, paths: int, folder: Path) -> str:
    """One line of the table."""
    arguments = ["run", name, "--paths", str(paths), "--quiet", "--force", "--out", str(folder)]
    with redirect_stdout(StringIO()):
        status = command(arguments)
    if status != 0:
        raise SystemExit(f"{name} does not run")
    run = stress.load(folder)
    by = move(run)
    losses = run.paths.groupby("path")["bad_debt"].sum().to_numpy(dtype=np.float64)
    gains = [1.0 / (1.0 - explained(losses, by))]
    gains += [1.0 / (1.0 - explained((losses > np.quantile(losses, level)).astype(np.float64), by)) for level in LEVELS]
    return f"{name:<22}" + "".join(f"{gain:>9.2f}" for gain in gains)


def main() -> None:
    """Print the table."""
    paths = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    print(f"{'bad debt':<22}{'mean':>9}" + "".join(f"{f'{level:.1%}':>9}" for level in LEVELS))
    for name in SCENARIOS:
        with TemporaryDirectory() as folder:
            print(measure(name, paths, Path(folder) / "run"), flush=True)


if __name__ == "__main__":
    main()
