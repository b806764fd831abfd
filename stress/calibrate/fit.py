"""What a calibration returns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from stress.calibrate.jumps import Jumps
from stress.calibrate.likelihood import Maximum
from stress.kernels.structs import Floats


@dataclass(frozen=True)
class Estimate:
    """A parameter with its standard error, None where it was not estimated but set."""

    value: float
    error: float | None


@dataclass(frozen=True)
class Track:
    """A quantity over time."""

    time: Floats
    """[n] Unix seconds."""
    value: Floats


@dataclass(frozen=True, eq=False)
class Fit:
    """A model calibrated to one market."""

    model: str
    entry: dict[str, Any]
    """The scenario's ``model`` map."""
    estimates: dict[str, Estimate]
    """Estimates by key of the entry, ``states.0.volatility`` where it is nested."""
    method: str
    notes: tuple[str, ...] = ()
    log_likelihood: float | None = None
    realised: Track | None = None
    """Realised variance per year of the windows that the fit looked at."""
    filtered: Track | None = None
    """The model's variance per year, given the prices up to each time."""
    residuals: Floats | None = None
    """[n] standardised innovations, of models that can resample them."""
    jumps: Jumps | None = None
    """The jumps that the model's rest on."""


def estimates_of(names: tuple[str, ...], maximum: Maximum) -> dict[str, Estimate]:
    """Estimates by name; an error that is not finite is none."""
    return {
        name: Estimate(float(value), float(error) if math.isfinite(error) else None)
        for name, value, error in zip(names, maximum.values, maximum.errors, strict=False)
    }
