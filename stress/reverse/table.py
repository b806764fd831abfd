"""The found events as a table on a terminal."""

from __future__ import annotations

from rich.console import RenderableType
from rich.table import Table

from stress.reverse.page import figures
from stress.reverse.result import Told


def render(told: list[Told]) -> RenderableType:
    """One column per event."""
    content = figures(told)
    shown = Table(title=content.title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for n, heading in enumerate(content.headings):
        shown.add_column(heading, overflow="fold", no_wrap=n == 0)
    for row in content.rows:
        shown.add_row(*row)
    return shown
