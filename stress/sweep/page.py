"""The page of a sweep: charts, one table per pool, what the comparison means."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from stress.report.charts.gallery import Picture
from stress.report.charts.panels import Dot, Panel, panels
from stress.report.charts.sweep import MOST_BARS, Bar, End, Point, frontier, heatmap, tornado
from stress.report.document import Block, Bullets, Chart, Document, Notes, Paragraph, Section, Table, table
from stress.report.write import write_document
from stress.sizing.words import count, level, money, odds, percent
from stress.sweep.cells import GRID, LIST, ONE
from stress.sweep.result import Row, SweepResult
from stress.sweep.winners import MEASURES

AMOUNTS: dict[str, str] = {"fund": "fund needed", "bad_debt": "mean bad debt"}
"""Figures that are drawn, and how a reader calls them."""

_LEAST_P = 1e-6
"""p-values under it are told as less."""

_DRAWN = ("adl_hit", "adl_top10", "adl_paid_top10", "adl_gini")
"""Measures of ADL that are drawn; the table has all of them."""

_READING = (
    "All cells draw path i from the same random numbers, so that differences between them are those of the rules and "
    "not of chance. Every change has an interval of the differences path by path, which is narrower than those of the "
    "two amounts.",
    "The change of the fund and of the value at risk is that of a quantile: its interval follows from the paths that "
    "lie beyond it in one of the two cells only. Changes of means have Hall's interval. A change without one rests on "
    "too few paths that differ, or on a tail too heavy.",
    "Where ADL acts often enough, its figures are means over the paths with ADL, and their changes are over the paths "
    "with ADL in both cells. Overshoot is what winners would have gained from the fill to the end of the path without "
    "ADL, beyond the debts that it paid.",
    "Depleted with the fund as it is: share of the paths that need more than the fund of the scenario as it is; the "
    "p-value is McNemar's exact test that it is the same there.",
)


def write_page(result: SweepResult, folder: Path) -> Path:
    """Write ``report.html``, ``report.md`` and charts into the folder of a sweep; return the HTML page."""
    return write_document(document(result), folder)


def document(result: SweepResult) -> Document:
    """The whole page."""
    sections = [_section(result, pool) for pool in result.pools]
    if result.left_out:
        words = "These rules cannot be switched off alone, as others need them:"
        sections.append(Section("Left out", (Paragraph(words), Bullets(result.left_out))))
    sections.append(Section("How to read it", (Bullets(_READING),)))
    cells = max(row["cell"] for row in result.rows)
    what = "each rule switched off alone" if not result.varied else ", ".join(axis.path for axis in result.varied)
    return Document(
        title=f"Sweep of {result.scenario}",
        subtitle=f"{count(cells, 'cell')} and the scenario as it is, {count(result.paths, 'path')} each: {what}",
        headline=tuple(_headline(result, pool) for pool in result.pools),
        cards=(),
        sections=tuple(sections),
    )


def _headline(result: SweepResult, pool: str) -> str:
    """The range of the funds, or of the bad debt where there is no fund."""
    rows = result.of_pool(pool)
    name = "fund" if sum(row["fund"] is not None for row in rows) > 1 else "bad_debt"
    known = [row for row in rows if row[name] is not None]
    where = f" of pool {pool}" if len(result.pools) > 1 else ""
    if not known:
        return f"Too few paths for a number{where} in any cell."
    low, high = min(known, key=lambda row: row[name]), max(known, key=lambda row: row[name])
    if _alike([row[name] for row in known]):
        return f"The {AMOUNTS[name]}{where} is {money(low[name])} in every cell."
    accepted = f" (depleted with {level(result.depletion)}, {odds(result.depletion)})" if name == "fund" else ""
    return (
        f"The {AMOUNTS[name]}{where}{accepted} goes from {money(low[name])} ({low['label']}) to {money(high[name])} "
        f"({high['label']}); as it is: {money(rows[0][name])}."
    )


def _section(result: SweepResult, pool: str) -> Section:
    charts: list[Block] = [Chart(picture) for name in AMOUNTS for picture in pictures(result, pool, name)]
    title = "Results" if len(result.pools) == 1 else f"Pool {pool}"
    flagged = "Flagged sizes rest on few paths: see their notes."
    told = any(row["note"] for row in result.of_pool(pool))
    tables = figures(result, pool), *((Paragraph(flagged),) if told else ()), *tails(result, pool)
    return Section(title, (*charts, *tables, *winners(result, pool)))


def figures(result: SweepResult, pool: str) -> Table:
    """One row per cell."""
    notes = Notes()
    rows = []
    for row in result.of_pool(pool):
        interval = "" if row["fund_low"] is None else f" ({money(row['fund_low'])} to {money(row['fund_high'])})"
        rows.append(
            [
                row["label"],
                notes.mark(f"{money(row['fund'])}{interval}", row["note"] or ""),
                "" if row["cell"] == 0 else change(row, "fund"),
                _depleted(row),
                money(row["bad_debt"]),
                "" if row["cell"] == 0 else change(row, "bad_debt"),
                percent(row["adl_probability"]),
                money(row["unpaid"]),
            ]
        )
    headings = [
        *("Cell", "Fund needed", "Change", "Depleted with the fund as it is", "Mean bad debt", "Change"),
        *("Any ADL", "Mean unpaid"),
    ]
    return table("Cells" if len(result.pools) == 1 else f"Cells, pool {pool}", headings, rows, notes.lines())


def tails(result: SweepResult, pool: str) -> list[Block]:
    """One row per cell: the tail of the bad debt; nothing where the paths carry no level."""
    found, rows = result.of_pool(pool), []
    if found[0]["value_at_risk"] is None:
        return []
    for row in found:
        changes = ["" if row["cell"] == 0 else change(row, name) for name in ("value_at_risk", "shortfall")]
        rows.append(
            [row["label"], money(row["value_at_risk"]), changes[0], money(row["shortfall"]), changes[1]],
        )
    at = level(found[0]["level"])
    headings = ["Cell", f"VaR {at} of the bad debt", "Change", f"ES {at}", "Change"]
    where = "" if len(result.pools) == 1 else f", pool {pool}"
    return [table(f"Tail of the bad debt{where}", headings, rows)]


def winners(result: SweepResult, pool: str) -> list[Block]:
    """Who bears ADL in each cell, where enough paths have any."""
    rows = result.of_pool(pool)
    if not any(row["adl_hit_change_low"] is not None for row in rows):
        return []
    varied = f"{result.varied[0].name} " if len(result.varied) == 1 else ""
    labels = [row["label"].removeprefix(varied) for row in rows]
    headings = ["Cell", *(measure.heading for measure in MEASURES.values())]
    lines = [[label, *(_measured(row, name) for name in MEASURES)] for label, row in zip(labels, rows, strict=True)]
    where = "" if len(result.pools) == 1 else f", pool {pool}"
    drawn = [
        Panel(MEASURES[name].heading, tuple(Dot(row[name], _interval(row, name)) for row in rows), MEASURES[name].words)
        for name in _DRAWN
    ]

    def fill(figure: Figure) -> None:
        panels(figure, labels, drawn)

    file = f"adl-{re.sub(r'[^A-Za-z0-9_-]', '_', pool)}"
    alt = "Accounts hit by ADL, shares of the ten largest owners and Gini coefficient in every cell."
    picture = Picture(file, f"Who bears ADL{where}", alt, 1.3 + 0.3 * len(labels), fill)
    return [Chart(picture), table(f"Means over the paths with ADL{where}", headings, lines)]


def _measured(row: Row, name: str) -> str:
    """A mean with the interval of its change."""
    words, low, high = MEASURES[name].words, row[f"{name}_change_low"], row[f"{name}_change_high"]
    if row[name] is None or row["cell"] == 0 or low is None or high is None:
        return words(row[name])
    if words(low) == words(high) == words(0.0):
        return words(row[name])
    ends = (f"{'+' if end > 0.0 else ''}{words(end)}" for end in (low, high))
    return f"{words(row[name])} ({' to '.join(ends)})"


def signed(amount: float | None) -> str:
    """+$3.10M or -$2.00k."""
    text = money(amount)
    return f"+{text}" if amount is not None and amount > 0.0 and text != "$0" else text


def change(row: Row, name: str) -> str:
    """A change with its interval."""
    value, low, high = (row[f"{name}_change{end}"] for end in ("", "_low", "_high"))
    if value is None:
        return ""
    if (low is None and high is None) or low == high == value:
        return signed(value)
    if {signed(value), signed(low), signed(high)} == {"$0"}:
        return "$0"
    if low is None or high is None:
        return f"{signed(value)} ({f'{signed(low)} or more' if high is None else f'{signed(high)} or less'})"
    return f"{signed(value)} ({signed(low)} to {signed(high)})"


def _interval(row: Row, name: str) -> tuple[float, float] | None:
    """Interval of a change, for a chart."""
    low, high = row[f"{name}_change_low"], row[f"{name}_change_high"]
    return None if low is None or high is None else (low, high)


def _depleted(row: Row) -> str:
    if row["depleted_base_fund"] is None:
        return ""
    share = percent(row["depleted_base_fund"])
    return share if row["cell"] == 0 else f"{share}, {_probability(row['depleted_p_value'])}"


def _probability(p_value: float) -> str:
    return f"p = {p_value:.2g}" if p_value >= _LEAST_P else f"p < {_LEAST_P:.0e}".replace("e-0", "e-")


def pictures(result: SweepResult, pool: str, name: str) -> list[Picture]:
    """The charts of one figure of one pool: a frontier, a map or a tornado, as the sweep asks for."""
    rows = result.of_pool(pool)
    base, cells = rows[0][name], rows[1:]
    known = [row[name] for row in cells if row[name] is not None]
    if not known:
        return []
    where = f", pool {pool}" if len(result.pools) > 1 else ""
    title = f"{AMOUNTS[name].capitalize()}{where}"
    axes = result.varied
    file = f"{name.replace('_', '-')}-{re.sub(r'[^A-Za-z0-9_-]', '_', pool)}"
    one_axis = result.mode == LIST or (result.mode == GRID and len(axes) == 1)
    if one_axis and all(row[f"{axes[0].path} (number)"] is not None for row in cells):
        return [_frontier(result, cells, name, base, (f"frontier-{file}", title))]
    if result.mode == GRID and len(axes) == 2:
        return [_heatmap(result, cells, name, (f"map-{file}", title))]
    if base is None or _alike([base, *known]):
        return []
    return [_tornado(result, cells, name, base, (f"tornado-{file}", title))]


def _frontier(
    result: SweepResult, cells: Sequence[Row], name: str, base: float | None, called: tuple[str, str]
) -> Picture:
    axis = result.varied[0]
    key = f"{axis.path} (number)"
    low, high = f"{name}_low", f"{name}_high"
    points = [Point(row[key], row[axis.path], row[name], row[low], row[high], _interval(row, name)) for row in cells]

    def fill(figure: Figure) -> None:
        frontier(figure.subplots(), points, axis.path, AMOUNTS[name], base)

    ends = ", ".join(f"{money(point.value)} at {point.label}" for point in (points[0], points[-1]))
    return Picture(called[0], called[1], f"{called[1]} against {axis.path}: {ends}.", 4.0, fill)


def _heatmap(result: SweepResult, cells: Sequence[Row], name: str, called: tuple[str, str]) -> Picture:
    rows, columns = result.varied
    found = {(row[rows.path], row[columns.path]): row[name] for row in cells}
    amounts = [[found[r, c] for c in columns.values] for r in rows.values]
    said = {(row[rows.path], row[columns.path]): change(row, name) for row in cells}
    words = [[said[r, c] for c in columns.values] for r in rows.values]

    def fill(figure: Figure) -> None:
        heatmap(figure.subplots(), amounts, words, rows.values, columns.values, (rows.name, columns.name))

    alt = f"{called[1]} by {rows.path} and {columns.path}, {len(cells)} cells with their amounts."
    return Picture(called[0], called[1], alt, 1.5 + 0.5 * max(len(rows.values), 3), fill)


def _tornado(result: SweepResult, cells: Sequence[Row], name: str, base: float, called: tuple[str, str]) -> Picture:
    bars = _bars(result, cells, name)

    def fill(figure: Figure) -> None:
        tornado(figure.subplots(), bars, base, AMOUNTS[name])

    alt = f"{called[1]} in every cell against {money(base)} of the scenario as it is, the largest difference first."
    return Picture(called[0], called[1], alt, 1.3 + 0.36 * max(min(len(bars), MOST_BARS), 1), fill)


def _bars(result: SweepResult, cells: Sequence[Row], name: str) -> list[Bar]:
    """One bar per cell; where values are varied one at a time, one per path from its least to its largest amount; in a
    grid of more than two, the same of the means over all else."""
    if result.mode not in (ONE, GRID) or (result.mode == GRID and len(result.varied) == 1):
        return [
            Bar(row["label"], (End(row[name], "", _interval(row, name)),)) for row in cells if row[name] is not None
        ]
    bars = []
    for axis in result.varied:
        ends = []
        for value in axis.values:
            known = [row for row in cells if row[axis.path] == value and row[name] is not None]
            if known:
                change = _interval(known[0], name) if len(known) == 1 else None
                ends.append(End(sum(row[name] for row in known) / len(known), value, change))
        bars.append(Bar(axis.name, _outermost(ends)))
    return bars


def _alike(amounts: Sequence[float]) -> bool:
    """Whether amounts differ by no more than a reader would see."""
    return math.isclose(min(amounts), max(amounts), rel_tol=1e-4)


def _outermost(ends: Sequence[End]) -> tuple[End, ...]:
    """The least and the largest of the ends; one for all where none moves the amount by more than rounding."""
    if not ends:
        return ()
    least, largest = min(ends, key=lambda end: end.amount), max(ends, key=lambda end: end.amount)
    if len(ends) > 1 and _alike([end.amount for end in ends]):
        return (End(largest.amount, "any value"),)
    return (least,) if least is largest else (least, largest)
