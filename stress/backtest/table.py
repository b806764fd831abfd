"""A backtest as a table on a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stress.backtest.result import Backtest, Played
from stress.backtest.verdict import INSIDE, MISSED, NEAR, VERDICTS, tally
from stress.backtest.words import median, published, simulated_range
from stress.sizing.words import count, percent

COLOURS = {INSIDE: "green", NEAR: "yellow", MISSED: "red"}


def render(result: Backtest) -> RenderableType:
    """One table for each crisis, then the rule of the verdicts."""
    parts: list[RenderableType] = [table_of(played) for played in result.played]
    verdicts = [row.verdict for row in result.rows]
    parts.append(Text(f"\n{count(result.replicates, 'replicate')} of each crisis; in all {tally(verdicts)}"))
    parts += [Text(f"{word}: {sentence}", style="dim") for word, sentence in VERDICTS.items()]
    return Group(*parts)


def table_of(played: Played) -> Table:
    """Published, simulated and verdict of one crisis."""
    title = f"\n{played.crisis.title}: {tally(played.verdicts)}"
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    table.add_column("", overflow="fold")
    table.add_column("published", justify="right")
    table.add_column("median", justify="right", no_wrap=True)
    table.add_column("90 % range", justify="right")
    table.add_column("verdict", no_wrap=True)
    table.add_column("in band", justify="right", no_wrap=True)
    for row in played.rows:
        verdict = Text(row.verdict, COLOURS[row.verdict])
        table.add_row(row.label, published(row), median(row), simulated_range(row), verdict, percent(row.in_band))
    return table
