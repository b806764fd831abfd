"""A sweep as a table on a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stress.sizing.words import count, level, money, percent
from stress.sweep.page import change, signed
from stress.sweep.result import SweepResult


def render(result: SweepResult) -> RenderableType:
    """One table per pool: the fund, its change with the interval below it, and what else moves."""
    title = f"{result.scenario}: {count(result.paths, 'path')} a cell, fund depleted with {level(result.depletion)}"
    parts: list[RenderableType] = [Text(title)]
    for pool in result.pools:
        rows = result.of_pool(pool)
        name = f"\nPool {pool}" if len(result.pools) > 1 else None
        table = Table(title=name, title_justify="left", title_style="bold", box=None, padding=(0, 1, 0, 0))
        table.add_column("", overflow="fold", min_width=14)
        unpaid = any(row["unpaid"] for row in rows)
        for heading in ("fund", "change", "bad debt", "change", "any ADL", *(("unpaid",) if unpaid else ())):
            table.add_column(heading, justify="right", no_wrap=True)
        notes: list[str] = []
        for row in rows:
            cells = [
                _marked(money(row["fund"]), row["note"] or "", notes),
                "" if row["cell"] == 0 else change(row, "fund").replace(" (", "\n").removesuffix(")"),
                money(row["bad_debt"]),
                "" if row["cell"] == 0 else signed(row["bad_debt_change"]),
                percent(row["adl_probability"]),
            ]
            table.add_row(row["label"], *cells, *((money(row["unpaid"]),) if unpaid else ()))
        parts += [table, *(Text(f"  {'*' * k} {note}", style="dim") for k, note in enumerate(notes, 1))]
    parts += [Text(f"left out: {reason}", style="dim") for reason in result.left_out]
    return Group(*parts)


def _marked(text: str, note: str, notes: list[str]) -> str:
    """Text with the stars of its note; equal notes share them."""
    if not note:
        return text
    if note not in notes:
        notes.append(note)
    return text + "*" * (notes.index(note) + 1)
