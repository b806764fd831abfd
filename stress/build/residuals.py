"""Standardised residuals that filtered historical simulation resamples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.special import logsumexp

from stress.book.findings import Findings
from stress.book.tables import Column, read_table
from stress.kernels.models import garch_history
from stress.kernels.structs import Floats

COLUMNS = (Column("residual", "number", required=True),)
"""Columns of a file of residuals, in the order of time."""

FEWEST = 100
"""Residuals under which resampling them says more of chance than of history."""
NODES = 2001
"""Nodes of the table of the compensator: 0.002 apart in the volatility of a bar."""
OFF_MEAN, OFF_SPREAD = 0.2, 0.5
"""A mean, and a distance of the standard deviation from 1, beyond which a file does not hold standardised residuals."""


def read_residuals(path: Path) -> tuple[Floats, str | None]:
    """Residuals of a ``.csv`` or ``.parquet`` file, brought to mean 0 and variance 1, and a note of what that changed.

    Raises
    ------
    MalformedInput, MeaninglessInput
        The table cannot be read, has too few rows, or its column is far from mean 0 and variance 1.
    """
    findings = Findings(str(path))
    z = read_table(path, COLUMNS, findings).numbers["residual"]
    if len(z) < FEWEST:
        findings.refuse(f"has {len(z)} residuals; at least {FEWEST} are needed")
        findings.settle()
    mean, spread = float(z.mean()), float(z.std())
    if abs(mean) > OFF_MEAN or abs(spread - 1.0) > OFF_SPREAD:
        findings.refuse(
            f"is not standardised: residuals have mean {mean:.3g} and standard deviation {spread:.3g}, "
            "which should be about 0 and 1"
        )
    findings.settle()
    note = None
    if abs(mean) > 1e-3 or abs(spread - 1.0) > 1e-3:
        note = f"The residuals of {path.name} (mean {mean:.3g}, standard deviation {spread:.4g}) were standardised."
    return (z - mean) / spread, note


def historical_table(residuals: Floats) -> Floats:
    """The residuals, then log(mean exp(s z)) / s^2 at equally spaced s from 0, where it is the half of the variance."""
    s = np.linspace(0.0, garch_history.FARTHEST, NODES)[1:]
    ratio = (logsumexp(s[:, None] * residuals[None, :], axis=1) - np.log(len(residuals))) / s**2
    return np.concatenate([residuals, [0.5 * float(np.mean(residuals**2))], ratio])
