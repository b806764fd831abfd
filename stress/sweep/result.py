"""What a sweep found: one row per cell and pool, compared with the scenario as it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stress import store
from stress.sizing.estimate import Estimate, Floats
from stress.sizing.weights import Weights
from stress.sweep.cells import Cell, Varied, number_of
from stress.sweep.paired import mean_change, passed
from stress.sweep.tails import Tail, quantile_change, shortfall_change
from stress.sweep.winners import MEASURES, Winners, winners_change

SUMMARY = "summary.parquet"
FIGURES = "summary.json"

TEXT, NUMBER = pa.string(), pa.float64()


def _columns_of_winners() -> dict[str, tuple[pa.DataType, str]]:
    """Mean of every measure of ADL, and its change with an interval."""
    found = {}
    for name, measure in MEASURES.items():
        found[name] = (NUMBER, f"{measure.sentence} Mean over the paths with ADL.")
        found[f"{name}_change"] = (NUMBER, "Difference to the scenario as it is, over the paths with ADL in both.")
        found[f"{name}_change_low"] = (NUMBER, "Lower end of its interval.")
        found[f"{name}_change_high"] = (NUMBER, "Upper end of its interval.")
    return found


COLUMNS: dict[str, tuple[pa.DataType, str]] = {
    "cell": (pa.int64(), "Number of the cell; 0 is the scenario as it is."),
    "label": (TEXT, "What is different in the cell."),
    "pool": (TEXT, "Name of the pool."),
    "depletion": (NUMBER, "Accepted probability of depletion over the horizon."),
    "fund": (NUMBER, "Fund that is depleted with that probability; null without a fund or with too few paths."),
    "fund_low": (NUMBER, "Lower end of its interval."),
    "fund_high": (NUMBER, "Upper end of its interval."),
    "fund_upper": (NUMBER, "One-sided upper confidence bound of it."),
    "fund_change": (NUMBER, "Difference to the fund of the scenario as it is, over the same paths."),
    "fund_change_low": (NUMBER, "Lower end of its interval."),
    "fund_change_high": (NUMBER, "Upper end of its interval."),
    "depleted_base_fund": (NUMBER, "Share of the paths that need more than the fund of the scenario as it is."),
    "depleted_p_value": (NUMBER, "McNemar's exact test that this share is the same as there."),
    "bad_debt": (NUMBER, "Mean bad debt."),
    "bad_debt_low": (NUMBER, "Lower end of its interval."),
    "bad_debt_high": (NUMBER, "Upper end of its interval."),
    "bad_debt_change": (NUMBER, "Difference to the scenario as it is, over the same paths."),
    "bad_debt_change_low": (NUMBER, "Lower end of its interval."),
    "bad_debt_change_high": (NUMBER, "Upper end of its interval."),
    "level": (NUMBER, "Level of the next two: the highest of the sizing that the paths carry."),
    "value_at_risk": (NUMBER, "Value at risk of the bad debt; null with too few paths."),
    "value_at_risk_change": (NUMBER, "Difference to the scenario as it is, over the same paths."),
    "value_at_risk_change_low": (NUMBER, "Lower end of its interval."),
    "value_at_risk_change_high": (NUMBER, "Upper end of its interval."),
    "shortfall": (NUMBER, "Expected shortfall of the bad debt; null with too few paths."),
    "shortfall_change": (NUMBER, "Difference to the scenario as it is, over the same paths."),
    "shortfall_change_low": (NUMBER, "Lower end of its interval; null where few paths differ or the tail is heavy."),
    "shortfall_change_high": (NUMBER, "Upper end of its interval; null likewise."),
    "adl_probability": (NUMBER, "Probability of any auto-deleveraging."),
    "unpaid": (NUMBER, "Mean loss that nobody pays."),
    "unpaid_change": (NUMBER, "Difference to the scenario as it is, over the same paths."),
    "unpaid_change_low": (NUMBER, "Lower end of its interval."),
    "unpaid_change_high": (NUMBER, "Upper end of its interval."),
    **_columns_of_winners(),
    "note": (TEXT, "What must be known of the fund's size before relying on it."),
}
"""Columns of the summary; the varied paths follow, as text and, where they are, as numbers."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Losses:
    """One pool's losses on every path of a cell, each [w]."""

    bad_debt: Floats
    required_fund: Floats | None
    unpaid: Floats
    weights: Weights | None
    winners: Winners | None = None
    """Figures of the paths with ADL."""


@dataclass(frozen=True)
class Outcome:
    """One finished cell."""

    cell: Cell
    canonical: dict[str, Any]
    sizing: dict[str, Any]
    """As :meth:`stress.sizing.Sizing.to_dict` gives it."""
    losses: dict[str, Losses]
    """By pool."""


def losses_of(file: Path) -> dict[str, Losses]:
    """Losses by pool from the file that outlives a cell's run."""
    frame = pq.read_table(file).to_pandas()
    found = {}
    for pool in dict.fromkeys(frame["pool"]):
        rows = frame[frame["pool"] == pool]
        required = rows["required_fund"].to_numpy(dtype=np.float64)
        weights = Weights.of(rows["weight"].to_numpy(dtype=np.float64)) if "weight" in rows else None
        found[pool] = Losses(
            rows["bad_debt"].to_numpy(dtype=np.float64),
            None if np.isnan(required).any() else required,
            (rows["residual"] + rows["residual_open"]).to_numpy(dtype=np.float64),
            weights,
            Winners.of(rows, weights),
        )
    return found


@dataclass(frozen=True)
class SweepResult:
    """All cells of a sweep."""

    scenario: str
    paths: int
    mode: str
    varied: tuple[Varied, ...]
    depletion: float
    rows: tuple[Row, ...]
    """Columns of :data:`COLUMNS` and the varied paths."""
    left_out: tuple[str, ...] = ()
    """Rules that cannot be switched off alone, and why."""

    @classmethod
    def of(cls, mode: str, varied: Sequence[Varied], outcomes: Sequence[Outcome]) -> SweepResult:
        """Compare every cell with the first one."""
        base = outcomes[0]
        rows = [
            _row(index, outcome, base, pool, varied)
            for index, outcome in enumerate(outcomes)
            for pool in outcome.sizing["pools"]
        ]
        name, paths = base.sizing["scenario"], base.sizing["paths"]
        depletion = float(base.canonical["sizing"]["depletion"])
        return cls(name, paths, mode, tuple(varied), depletion, tuple(rows))

    @property
    def pools(self) -> list[str]:
        """Names of the pools of the scenario as it is."""
        return list(dict.fromkeys(row["pool"] for row in self.rows if row["cell"] == 0))

    def of_pool(self, pool: str) -> list[Row]:
        """Rows of a pool in the order of the cells."""
        return [row for row in self.rows if row["pool"] == pool]

    def schema(self) -> pa.Schema:
        """Columns of the summary with their sentences."""
        fields = [pa.field(name, kind, metadata={"description": words}) for name, (kind, words) in COLUMNS.items()]
        for axis in self.varied:
            fields.append(pa.field(axis.path, TEXT, metadata={"description": f"Value given to {axis.path}."}))
            words = f"The same as a number; a factor where {axis.path} was multiplied."
            fields.append(pa.field(f"{axis.path} (number)", NUMBER, metadata={"description": words}))
        return pa.schema(fields)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        varied = [{"path": axis.path, "values": list(axis.values)} for axis in self.varied]
        rows = list(self.rows)
        return {
            "scenario": self.scenario,
            "paths": self.paths,
            "mode": self.mode,
            "varied": varied,
            "left_out": list(self.left_out),
            "rows": rows,
        }

    def write(self, folder: Path) -> None:
        """Summary as a Parquet table and as JSON; the JSON last, which makes the sweep complete."""
        with store.replacing(folder / SUMMARY) as temporary:
            pq.write_table(pa.Table.from_pylist(list(self.rows), schema=self.schema()), temporary, compression="zstd")
        store.write_json(folder / FIGURES, self.to_dict())


def _row(index: int, outcome: Outcome, base: Outcome, pool: dict[str, Any], varied: Sequence[Varied]) -> Row:
    """One cell and pool."""
    name = pool["pool"]
    losses = {loss["metric"]: loss for loss in pool["losses"]}
    highest = _highest(base, name) if outcome.sizing["levels"] == base.sizing["levels"] else -1
    debt, unpaid = losses["bad_debt"], losses["unpaid"]
    row: Row = dict.fromkeys(COLUMNS)
    row |= {"cell": index, "label": outcome.cell.label, "pool": name}
    row |= {
        "bad_debt": debt["mean"]["value"],
        "bad_debt_low": debt["mean"]["low"],
        "bad_debt_high": debt["mean"]["high"],
        "level": outcome.sizing["levels"][highest],
        "value_at_risk": debt["value_at_risk"][highest]["value"],
        "shortfall": debt["expected_shortfall"][highest]["value"],
        "adl_probability": pool["events"]["adl"]["value"],
        "unpaid": unpaid["mean"]["value"],
    }
    if pool["fund"] is not None:
        target = pool["fund"]["target"]
        size = target["size"]
        row |= {"depletion": target["depletion"], "fund": size["value"], "fund_low": size["low"]}
        row |= {"fund_high": size["high"], "fund_upper": target["upper"], "note": size["note"]}
    row |= _against(outcome, base, name, row)
    settings = dict(outcome.cell.settings)
    for axis in varied:
        value = settings.get(axis.path)
        row[axis.path] = value
        row[f"{axis.path} (number)"] = _number(value, axis.path, outcome, index)
    return row


def _highest(base: Outcome, pool: str) -> int:
    """Place of the highest level at which the scenario as it is has a value at risk; of the last where none has."""
    found = next((entry for entry in base.sizing["pools"] if entry["pool"] == pool), None)
    debt = {} if found is None else next(loss for loss in found["losses"] if loss["metric"] == "bad_debt")
    known = [k for k, value in enumerate(debt.get("value_at_risk", ())) if value["value"] is not None]
    return known[-1] if known else -1


def _number(value: str | None, path: str, outcome: Outcome, index: int) -> float | None:
    """A value on its axis; the scenario as it is stands where it has a number of its own."""
    number = number_of(value or "", path, outcome.canonical)
    return None if number is None or not math.isfinite(number) or (value is None and index) else number


def _against(outcome: Outcome, base: Outcome, pool: str, row: Row) -> Row:
    """Differences of a row to the scenario as it is, which has none to itself."""
    there, here = base.losses.get(pool), outcome.losses[pool]
    if there is None or there.bad_debt.size != here.bad_debt.size:
        return {}
    found: Row = {}
    for name, mine, other in (("bad_debt", here.bad_debt, there.bad_debt), ("unpaid", here.unpaid, there.unpaid)):
        found |= _changed(name, mean_change(mine, other, weights=(here.weights, there.weights)))
    level = row["level"]
    debts = Tail(here.bad_debt, level, here.weights), Tail(there.bad_debt, level, there.weights)
    found |= _winners(here.winners, there.winners)
    found |= _changed("value_at_risk", quantile_change(*debts))
    if row["shortfall"] is not None and found["value_at_risk_change"] is not None:
        found |= _changed("shortfall", shortfall_change(*debts))
    before = next(entry["fund"] for entry in base.sizing["pools"] if entry["pool"] == pool)
    size = None if before is None else before["target"]["size"]["value"]
    if size is not None and here.required_fund is not None and there.required_fund is not None:
        moved = passed(here.required_fund, there.required_fund, size, (here.weights, there.weights))
        found |= {"depleted_base_fund": moved.share, "depleted_p_value": moved.p_value}
        found |= _fund_change(row, here, there, before["target"])
    return found


def _winners(here: Winners | None, there: Winners | None) -> Row:
    """Means of the measures of ADL, and their changes where it acted in both cells."""
    if here is None:
        return {}
    found: Row = {name: here.mean(name) for name in MEASURES}
    if there is not None:
        for name in MEASURES:
            found |= _changed(name, winners_change(here, there, name))
    return found


def _fund_change(row: Row, here: Losses, there: Losses, target: dict[str, Any]) -> Row:
    """Change of the fund; without an interval where another depletion is accepted."""
    if row["fund"] is None or here.required_fund is None or there.required_fund is None:
        return {}
    if row["depletion"] != target["depletion"]:
        return {"fund_change": row["fund"] - target["size"]["value"]}
    level = 1.0 - row["depletion"]
    required = Tail(here.required_fund, level, here.weights), Tail(there.required_fund, level, there.weights)
    return _changed("fund", quantile_change(*required))


def _changed(name: str, change: Estimate) -> Row:
    return {f"{name}_change": change.value, f"{name}_change_low": change.low, f"{name}_change_high": change.high}
