"""Who causes the losses of the tail and who pays for them, by owner; and how unevenly owners pay."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stress.sizing.estimate import LEAST_EXCEEDANCES, Floats
from stress.weights import Weights

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
    counts: Floats | None = None
    """[w] what the same paths count for; None where all count alike."""

    @classmethod
    def of(cls, run: Run, pool: str) -> Concentration:
        """Read it from the table of paths."""
        rows = run.paths[run.paths["pool"] == pool]
        pays = (rows["payers"] > 0).to_numpy()
        paying, weights = rows[pays], Weights.of(run.weights)
        names = ("payers", *SHARES, "paid_gini", "paid_gini_all")
        measures = {name: paying[name].to_numpy(dtype=np.float64) for name in names}
        counts = None if weights is None else weights.counts[pays]
        return cls(len(rows), paying["paid_by_owners"].to_numpy(dtype=np.float64), measures, counts)

    def quantile(self, name: str, at: float, paths: NDArray[np.intp] | None = None, method: str = "linear") -> float:
        """Quantile of a measure, or of what is ``paid``, over the paths with a payer or some of them.

        Weighted paths give the smallest value that is passed with no more than the rest of the weight.
        """
        values = self.paid if name == "paid" else self.measures[name]
        chosen = slice(None) if paths is None else paths
        if self.counts is None:
            return float(np.quantile(values[chosen], at, method=method))  # type: ignore[call-overload]
        return float(np.quantile(values[chosen], at, method="inverted_cdf", weights=self.counts[chosen]))


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
    weights = Weights.of(run.weights)
    total = run.paths["path"].nunique()
    counts = np.ones(total) if weights is None else weights.counts
    ranked = rows.sort_values(["bad_debt", "path"], ascending=[False, True], kind="stable")
    # Counts that should meet a percent of the paths miss it by rounding.
    short = int(np.searchsorted(np.cumsum(counts[ranked["path"]]), math.ceil(total / 100) - 1e-6))
    tail = ranked.head(max(LEAST_EXCEEDANCES, short + 1))
    mass = counts[tail["path"]]
    owners = run.owners[(run.owners["pool"] == pool) & run.owners["path"].isin(tail["path"])]
    found = []
    for role, column in (("caused", "bad_debt"), ("paid", "paid_by_owners")):
        share = mass * tail[column]
        found.append(_largest(owners[owners["role"] == role], counts, (float(mass.sum()), float(share.sum())), most))
    return TailOwners(len(tail), *found)


def _largest(rows: pd.DataFrame, counts: Floats, totals: tuple[float, float], most: int) -> tuple[OwnerAmount, ...]:
    """Owners by their sum over the paths, equal ones by name; ``totals`` are of what the paths count for and lose."""
    weighed = rows.assign(amount=rows["amount"] * counts[rows["path"]])
    sums = weighed.groupby("owner")["amount"].agg(["sum", "count"]).reset_index()
    first = sums.sort_values(["sum", "owner"], ascending=[False, True], kind="stable").head(most)
    paths, total = totals
    return tuple(
        OwnerAmount(str(owner), amount / paths, amount / total, int(count))
        for owner, amount, count in zip(first["owner"], first["sum"].tolist(), first["count"].tolist(), strict=True)
    )
