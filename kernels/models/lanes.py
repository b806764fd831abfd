"""What one market's model steps forward: paths side by side, one per lane."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

COEFFICIENTS = 12
"""Numbers a model may keep per market between steps."""

YEAR = 31_536_000.0
"""Seconds in a year of 365 days."""

Key = tuple[np.uint32, np.uint32]


class Counter(NamedTuple):
    """Where in the run a model step is: what its own random numbers are drawn by."""

    step: int
    """The model step being taken, from 1; 0 at the initial state."""
    market: int
    """Number of the market."""
    first_path: int
    """Number of the path in lane 0."""
    key: Key
    """Key of the seed."""


class Lanes(NamedTuple):
    """Rows over ``lane`` of one market in one model step.

    A loop over lanes takes its bound from an array that it writes to: with the bound of another one numba keeps a check
    per index that stops vectorisation (33 instead of 2 ns per lane in the dearest loop).
    """

    shock_variance: NDArray[np.float32]
    """[lane] standard normal that drives the variance."""
    shock_price: NDArray[np.float32]
    """[lane] standard normal that drives the price, correlated with the other one as the model asks."""
    log_price: NDArray[np.float64]
    """[lane] log price, stepped in place."""
    variance: NDArray[np.float64]
    """[lane] variance per year, stepped in place."""
    work: NDArray[np.float64]
    """[2, lane] scratch."""
    normals: NDArray[np.float32]
    """[4, lane] normals that a model draws for itself; they stay from step to step."""
    memory: NDArray[np.float64]
    """[row, lane] what a model remembers from step to step."""
    table: NDArray[np.float64]
    """[k] what the model looks up."""
    counter: Counter
    """Where in the run this step is."""
