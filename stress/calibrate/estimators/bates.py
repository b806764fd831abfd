"""Square-root stochastic variance with normal jumps of the price."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stress.calibrate.estimators import heston
from stress.calibrate.estimators.common import Request
from stress.calibrate.fit import Estimate, Fit, estimates_of
from stress.calibrate.jumps import Jumps, find_jumps, jump_law, unseen_variance
from stress.calibrate.windows import Windows, realise
from stress.kernels.structs import Floats

JUMP_NAMES = ("jump_rate", "jump_mean", "jump_std")
METHOD = (
    "Jumps: returns beyond the threshold of Lee and Mykland (2008) over bipower variation, the first within a day; "
    "their law by maximum likelihood given that only these are seen. The rest as heston, on the other returns. "
)


def fit(request: Request) -> Fit:
    """Jumps first, then Heston's model on what is left."""
    jumps, law, windows = split(request)
    found = heston.diffusion(windows)
    estimates, filtered = heston.described(found, windows)
    estimates |= law
    entry = {"type": "bates", **{name: estimate.value for name, estimate in estimates.items()}}
    notes = (*heston.remarks(found.values, windows), counted(jumps))
    return Fit(
        "bates",
        entry,
        estimates,
        METHOD + heston.METHOD,
        notes,
        None,
        windows.realised,
        filtered,
        jumps=jumps,
    )


def split(request: Request) -> tuple[Jumps, dict[str, Estimate], Windows]:
    """Jumps, their law, and the realised variance of the other returns less that of jumps too small to be seen."""
    if request.progress is not None:
        request.progress("looking for jumps")
    jumps = find_jumps(request.series)
    best = jump_law(jumps, request.series.dt, request.progress)
    windows = realise(request.series, request.window, jumps.at)
    return jumps, estimates_of(JUMP_NAMES, best), less(windows, unseen_variance(best.values, jumps))


def less(windows: Windows, hidden: float) -> Windows:
    """Realised variances scaled to a mean that is lower by ``hidden``, at most by a fifth."""
    level = float(np.nanmean(windows.variance))
    factor: Floats = windows.variance * max(1.0 - hidden / level, 0.8)
    return replace(windows, variance=factor)


def counted(jumps: Jumps) -> str:
    """How many jumps the law rests on."""
    down = int((jumps.size < 0.0).sum())
    return (
        f"{len(jumps.at)} jumps beyond {jumps.threshold:.1f} local standard deviations, {down} of them down, "
        f"from {jumps.size.min():+.1%} to {jumps.size.max():+.1%}."
    )
