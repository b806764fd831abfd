"""Cover-1 and Cover-2: the fund that withstands the default of the one or two owners who cost most.

Clearing houses hold resources for the default of the participants whose failure would cost most in extreme but
plausible markets (CPMI-IOSCO 2012, Principles for financial market infrastructures, principle 4: one participant, two
for those of systemic importance). Here the markets are the paths, each path has its own worst owners, and the level is
that of the fund. What other owners cost on the same path, and what positions lose once they are taken over, is left
out; the required fund has both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stress.sizing.estimate import CONFIDENCE, Floats
from stress.sizing.fund import FundSize, fund_size
from stress.sizing.weights import Weights, ascending_with

if TYPE_CHECKING:
    from stress.store import Run

MOST_OWNERS = 2


@dataclass(frozen=True)
class Cover:
    """The fund that covers the bad debt of the ``owners`` who cause most of it."""

    owners: int
    fund: FundSize


def covers(
    run: Run, pool: str, paths: int, depletion: float, confidence: float = CONFIDENCE, weights: Weights | None = None
) -> tuple[Cover, ...]:
    """Cover-1 and Cover-2 of one pool."""
    found = []
    for owners in range(1, MOST_OWNERS + 1):
        ordered, ranked = ascending_with(caused_by_largest(run, pool, paths, owners), weights)
        found.append(Cover(owners, fund_size(ordered, depletion, confidence, ranked)))
    return tuple(found)


def caused_by_largest(run: Run, pool: str, paths: int, owners: int) -> Floats:
    """[w] bad debt of the so many owners of a pool who cause most of it on each path; 0 where nobody does."""
    table = run.owners
    rows = table[(table["pool"] == pool) & (table["role"] == "caused") & (table["place"] <= owners)]
    amounts = rows["amount"].to_numpy(dtype=np.float64)
    return np.bincount(rows["path"].to_numpy(), weights=amounts, minlength=paths).astype(np.float64)
