"""The worst path of a run: its step record, and its story in a few lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stress.sizing.estimate import Floats
from stress.sizing.words import money, percent

if TYPE_CHECKING:
    import pandas as pd

    from stress.store import Run

ROLE = "worst"
_TOLD = 5
"""Markets whose lowest or highest price the story tells."""


@dataclass(frozen=True)
class WorstPath:
    """Step record of one path, one frame per market and pool, rows by check."""

    path: int
    time_s: Floats
    markets: Mapping[str, pd.DataFrame]
    pools: Mapping[str, pd.DataFrame]
    totals: Mapping[str, pd.Series]
    """Row of the path in the table of paths, by pool."""

    @classmethod
    def of(cls, run: Run) -> WorstPath | None:
        """The path with the largest loss; None for a run that recorded none."""
        pools, markets = run.worst_pools, run.worst_markets
        pools, markets = pools[pools["role"] == ROLE], markets[markets["role"] == ROLE]
        if pools.empty or markets.empty:
            return None
        number = int(pools["path"].iloc[0])
        rows = run.paths[run.paths["path"] == number]
        by_market = {name: markets[markets["market"] == name] for name in run.manifest["markets"]}
        return cls(
            path=number,
            time_s=next(iter(by_market.values()))["time_s"].to_numpy(dtype=np.float64),
            markets=by_market,
            pools={name: pools[pools["pool"] == name] for name in run.manifest["pools"]},
            totals={str(row["pool"]): row for _, row in rows.iterrows()},
        )

    def first(self, column: str) -> tuple[float, str] | None:
        """Earliest time in a column of first times over the pools, and the pool; None where it never happens."""
        times = [(float(row[column]), pool) for pool, row in self.totals.items() if not np.isnan(row[column])]
        return min(times, default=None)

    def marks(self) -> tuple[tuple[float, str], ...]:
        """Times worth a line in a chart."""
        names = {
            "first_liquidation_s": "first liquidation",
            "first_decline_s": "fund depleted",
            "first_adl_s": "first ADL",
        }
        found = [(self.first(column), name) for column, name in names.items()]
        marks = [(event[0], name) for event, name in found if event is not None]
        return tuple(sorted(marks, key=lambda mark: mark[0]))

    def story(self) -> list[tuple[float, str]]:
        """What happened when, in order of time."""
        lines = [*self._firsts(), *self._extremes(), *self._ends()]
        return sorted(lines, key=lambda line: line[0])

    def _firsts(self) -> list[tuple[float, str]]:
        """First liquidation, depletion and ADL, each with where the prices were."""
        sentences = {
            "first_liquidation_s": "First liquidation in pool {pool}.",
            "first_decline_s": "The fund of pool {pool} is depleted: it cannot take all it is offered.",
            "first_adl_s": "Auto-deleveraging begins in pool {pool}.",
        }
        lines = []
        for column, sentence in sentences.items():
            event = self.first(column)
            if event is not None:
                lines.append((event[0], f"{sentence.format(pool=event[1])} {self._prices_at(event[0])}"))
        return lines

    def _hardest(self) -> list[str]:
        """Markets that move most, in the order of the run."""
        moves = {
            name: float((rows["price"] / rows["price"].iloc[0] - 1.0).abs().max())
            for name, rows in self.markets.items()
        }
        hardest = sorted(moves, key=lambda name: (-moves[name], name))[:_TOLD]
        return [name for name in moves if name in hardest]

    def _prices_at(self, time: float) -> str:
        """Book prices of the hardest-hit markets at a time, relative to the start."""
        index = int(np.searchsorted(self.time_s, time, side="right")) - 1
        words = []
        for name in self._hardest():
            price = self.markets[name]["price"].to_numpy(dtype=np.float64)
            words.append(f"{name} {_signed(price[index] / price[0] - 1.0)}")
        return f"Prices since the start: {', '.join(words)}."

    def _extremes(self) -> list[tuple[float, str]]:
        """Extreme price of each of the hardest-hit markets, and how far the book then was from the fundamental."""
        lines = []
        for name in self._hardest():
            rows = self.markets[name]
            move = (rows["price"] / rows["price"].iloc[0] - 1.0).to_numpy(dtype=np.float64)
            index = int(np.argmax(np.abs(move)))
            gap = float(rows["price"].iloc[index] / rows["fundamental"].iloc[index] - 1.0)
            word = "lowest" if move[index] < 0.0 else "highest"
            beyond = f", {_signed(gap)} from its fundamental price" if abs(gap) >= 0.0005 else ""
            lines.append(
                (
                    float(self.time_s[index]),
                    f"{name} at its {word} book price, {_signed(move[index])} from the start{beyond}.",
                )
            )
        return lines

    def _ends(self) -> list[tuple[float, str]]:
        """What each pool with a loss is left with."""
        end = float(self.time_s[-1])
        interest = np.sum([rows["open_interest"].to_numpy(dtype=np.float64) for rows in self.markets.values()], axis=0)
        change = f" Open interest went from {money(float(interest[0]))} to {money(float(interest[-1]))}."
        lines = []
        for pool, row in self.totals.items():
            fund = "" if np.isnan(row["fund_end"]) else f", fund at {money(float(row['fund_end']))}"
            unpaid = float(row["residual"] + row["residual_open"])
            sentence = (
                f"End, pool {pool}: {int(row['liquidated_accounts']):,} accounts liquidated "
                f"({money(float(row['liquidated_notional']))}), bad debt {money(float(row['bad_debt']))}{fund}, "
                f"{money(float(row['adl_notional']))} closed by ADL, {money(float(row['socialised']))} socialised, "
                f"{money(unpaid)} unpaid."
            )
            lines.append((end, sentence + change))
            change = ""
        return lines


def _signed(share: float) -> str:
    """+3.2% or -28%."""
    return ("+" if share >= 0.0 else "-") + percent(abs(share))
