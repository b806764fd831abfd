"""Who causes the losses of the tail and who pays for them, by owner; and how unevenly owners pay."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stress.sizing.estimate import LEAST_EXCEEDANCES, Floats

if TYPE_CHECKING:
    import pandas as pd

    from stress.store import Run

SHARES: dict[str, str] = {
    "paid_top1_share": "largest payer",
    "paid_top10_share": "ten largest",
    "paid_top100_share": "hundred largest",
}
"""Columns of ``paths`` with the share of the largest payers, and how a reader calls them."""


@dataclass(frozen=True)
class Concentration:
    """How unevenly owners of one pool pay for others, on the paths on which they do."""

    paths: int
    """All paths of the run."""
    paid: Floats
    """[w] what owners paid on each path with a payer."""
    measures: Mapping[str, Floats]
    """[w] the same paths, by column of ``paths``."""

    @classmethod
    def of(cls, run: Run, pool: str) -> Concentration:
        """Read it from the table of paths."""
        rows = run.paths[run.paths["pool"] == pool]
        paying = rows[rows["payers"] > 0]
        names = ("payers", *SHARES, "paid_gini", "paid_gini_all")
        measures = {name: paying[name].to_numpy(dtype=np.float64) for name in names}
        return cls(len(rows), paying["paid_by_owners"].to_numpy(dtype=np.float64), measures)


@dataclass(frozen=True)
class OwnerAmount:
    """One owner over the paths of the tail."""

    owner: str
    mean: float
    """Mean amount a path; paths on which it is not among the ten largest count as zero."""
    share: float
    """Of what all owners of the pool caused or paid on those paths."""
    listed: int
    """Paths on which it is among the ten largest."""


@dataclass(frozen=True)
class TailOwners:
    """The owners that cause and pay most on the paths with the most bad debt."""

    paths: int
    causing: tuple[OwnerAmount, ...]
    paying: tuple[OwnerAmount, ...]


def tail_owners(run: Run, pool: str, most: int = 5) -> TailOwners:
    """The ``most`` owners of each role on the worst percent of the paths of a pool, ten paths at least.

    Paths without bad debt are left out.
    """
    rows = run.paths[(run.paths["pool"] == pool) & (run.paths["bad_debt"] > 0.0)]
    total = run.paths["path"].nunique()
    kept = max(LEAST_EXCEEDANCES, math.ceil(total / 100))
    tail = rows.sort_values(["bad_debt", "path"], ascending=[False, True], kind="stable").head(kept)
    owners = run.owners[(run.owners["pool"] == pool) & run.owners["path"].isin(tail["path"])]
    return TailOwners(
        len(tail),
        _largest(owners[owners["role"] == "caused"], len(tail), float(tail["bad_debt"].sum()), most),
        _largest(owners[owners["role"] == "paid"], len(tail), float(tail["paid_by_owners"].sum()), most),
    )


def _largest(rows: pd.DataFrame, paths: int, total: float, most: int) -> tuple[OwnerAmount, ...]:
    """Owners by their sum over the paths, equal ones by name."""
    sums = rows.groupby("owner")["amount"].agg(["sum", "count"]).reset_index()
    first = sums.sort_values(["sum", "owner"], ascending=[False, True], kind="stable").head(most)
    return tuple(
        OwnerAmount(str(owner), amount / paths, amount / total, int(count))
        for owner, amount, count in zip(first["owner"], first["sum"].tolist(), first["count"].tolist(), strict=True)
    )
