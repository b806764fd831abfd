"""A baseline on a terminal, and what an update changed in it."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stress.check.baseline import Baseline, Figure, Series
from stress.check.metrics import Statistic
from stress.sizing.words import percent


def render(baseline: Baseline) -> RenderableType:
    """Where it comes from, and its figures."""
    made = baseline.versions
    head = Table(box=None, show_header=False, pad_edge=False)
    rows = {
        "scenario": f"{baseline.scenario} ({baseline.scenario_digest[:16]})",
        "updated": f"{baseline.date}: {baseline.reason}",
        "run": f"{baseline.paths:,} paths, seed {baseline.seed}",
        "made with": f"tailstress {made.tailstress}, kernels {made.kernels}, numba {made.numba}, numpy {made.numpy}",
        "content": baseline.content_hash[:16],
    }
    for label, text in rows.items():
        head.add_row(Text(label, "bold"), text)
    table = _table("pool", "figure", "value", "95% interval", "paths beyond", "in the file")
    for series in baseline.series:
        for figure in series.figures:
            words = _words(series, figure)
            interval = f"{words(figure.low)} to {words(figure.high)}"
            kept = "all" if figure.beyond <= len(series.worst_paths) else "number only"
            table.add_row(
                series.pool, _label(series, figure), words(figure.value), interval, f"{figure.beyond:,}", kept
            )
    return Group(head, Text(""), table)


def changes(before: Baseline, after: Baseline) -> RenderableType:
    """Figures of two baselines side by side."""
    table = _table("pool", "figure", "before", "after", "change")
    known = {_key(series, figure): figure for series in before.series for figure in series.figures}
    for series in after.series:
        for figure in series.figures:
            words = _words(series, figure)
            old = known.pop(_key(series, figure), None)
            row = [series.pool, _label(series, figure), "-" if old is None else words(old.value), words(figure.value)]
            table.add_row(*row, "new" if old is None else _change(old.value, figure.value))
    gone = [Text(f"no longer in it: {pool} {label}") for pool, label, _ in known]
    return Group(table, *gone)


def _change(before: float, after: float) -> str:
    if before == after:
        return "none"
    return f"{100.0 * (after - before) / abs(before):+.3g}%" if before else ""


def _key(series: Series, figure: Figure) -> tuple[str, str, str]:
    return series.pool, _label(series, figure), series.worse


def _statistic(series: Series, figure: Figure) -> Statistic:
    return Statistic(series.metric, series.pool, figure.level, figure.above, series.worse == "lower", figure.shortfall)


def _label(series: Series, figure: Figure) -> str:
    return _statistic(series, figure).label


def _words(series: Series, figure: Figure) -> Callable[[float | None], str]:
    """Writes a figure in its unit."""
    return percent if figure.above is not None else _statistic(series, figure).words


def _table(*headings: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading)
    return table
