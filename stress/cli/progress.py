"""How far a run is: a bar on a terminal, a line for every tenth of the paths otherwise; on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from stress.cli.options import console

if TYPE_CHECKING:
    from stress.engine import Progress

_TENTHS = 10


@contextmanager
def follow() -> Iterator[Progress]:
    """A progress callback for :func:`stress.engine.run`, fit for what stderr is."""
    _tell_of_compiling()
    if sys.stderr.isatty():
        with _bar() as progress:
            yield progress
    else:
        yield Lines()


class Lines:
    """One line for every tenth of the paths.

    The pace is taken from the end of the first block on, since the kernels may be compiled before it.
    """

    def __init__(self) -> None:
        self._tenth: int | None = None
        self._from: tuple[float, int] | None = None

    def __call__(self, done: int, total: int) -> None:
        """Take note of ``done`` of ``total`` paths; the first call is before the first block."""
        now, tenth = time.monotonic(), _TENTHS * done // total
        if self._tenth is None:
            self._tenth = tenth
            return
        if tenth > self._tenth:
            self._tenth = tenth
            pace = self._pace(now, done, total)
            click.echo(f"{100 * tenth // _TENTHS:3d} %  {done:,} of {total:,} paths{pace}", err=True)
        self._from = self._from or (now, done)

    def _pace(self, now: float, done: int, total: int) -> str:
        if self._from is None or done == total or now <= self._from[0]:
            return ""
        pace = (done - self._from[1]) / (now - self._from[0])
        return f", {pace:,.0f} paths/s, {(total - done) / pace:,.0f} s left"


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TimeRemainingColumn
    from rich.text import Text

    class Pace(ProgressColumn):
        """Paths per second."""

        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.0f} paths/s" if task.speed else "")

    bar = Progress(BarColumn(None), MofNCompleteColumn(), Pace(), TimeRemainingColumn(), console=console())
    with bar:
        task = bar.add_task("paths", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _tell_of_compiling() -> None:
    from stress.kernels import jit

    if jit.COMPILED and not any(jit.CACHE_FOLDER.rglob("*.nbi")):
        click.echo("compiling the kernels, once per installation: about half a minute", err=True)
