"""Exact repetition: equal hashes of all rows where equal bytes are promised, one part in a billion elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from stress.check.baseline import Baseline, versions
from stress.check.finding import Verdict
from stress.check.metrics import Statistic, read

if TYPE_CHECKING:
    from stress.store import Run

TOLERANCE = 1e-9
"""Relative; what is left of identical arithmetic when another processor rounds elsewhere."""


def compare(run: Run, baseline: Baseline) -> tuple[Verdict, str]:
    """Verdict and why.

    The same scenario, seed, paths and kernels on the same compiler and processor features must give the same bytes.
    Where the compiler or the processor is another one, figures are compared to one part in a billion; if they differ by
    more, or if the kernels changed, there is nothing to compare exactly and the statistical rules decide.
    """
    manifest = run.manifest
    if manifest["content_hash"] == baseline.content_hash:
        return Verdict.PASS, "every number is that of the baseline"
    mine, theirs = versions(manifest), baseline.versions
    kernels = mine.kernels != theirs.kernels
    inputs = [
        name
        for name, same in (
            ("seed", manifest["seed"] == baseline.seed),
            ("number of paths", manifest["paths"] == baseline.paths),
            ("random-stream layout", manifest["stream_layout"] == baseline.stream_layout),
            ("resolved scenario", manifest["scenario_digest"] == baseline.scenario_digest),
            ("kernels", not kernels),
        )
        if not same
    ]
    if inputs:
        return Verdict.NOT_COMPARABLE, f"the numbers differ, and so does: {', '.join(inputs)}"
    machine = [name for name in ("numba", "numpy", "cpu") if getattr(mine, name) != getattr(theirs, name)]
    if not machine:
        return (
            Verdict.FAIL,
            "the numbers differ, with equal scenario, seed, kernels, compiler and processor",
        )
    largest = max(_distances(run, baseline), default=0.0)
    where = f"another {' and '.join('processor' if name == 'cpu' else name for name in machine)}"
    if largest <= TOLERANCE:
        return Verdict.PASS, f"the tails agree to {TOLERANCE:g} on {where}"
    return Verdict.NOT_COMPARABLE, f"the tails differ by {largest:.1e} on {where}: the statistical rules decide"


def _distances(run: Run, baseline: Baseline) -> Iterator[float]:
    """Largest relative distance of the losses in each tail."""
    for series in baseline.series:
        sample = read(run, Statistic(series.metric, series.pool, flipped=series.worse == "lower"))
        numbers = series.worst_paths[: len(series.worst_values)]
        values = sample.values[numbers] * (-1.0 if series.worse == "lower" else 1.0)
        before = np.array(series.worst_values)
        scale = np.maximum(np.maximum(np.abs(before), np.abs(values)), 1e-9)
        yield float((np.abs(values - before) / scale).max(initial=0.0))
