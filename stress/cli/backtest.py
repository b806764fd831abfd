"""``tailstress backtest``: crises replayed, over what is not known, against what was published."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stress.cli.options import (
    Count,
    console,
    force_option,
    json_option,
    out_option,
    print_json,
    quiet_option,
    threads_option,
)

if TYPE_CHECKING:
    from stress.backtest import Backtest
    from stress.backtest.run import Progress

MARK = "backtest.json"
"""File that makes a folder one of this command's, so that --force may write into it."""


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    crises: tuple[str, ...]
    data: Path | None
    out: Path | None
    replicates: int | None
    short: bool
    threads: int
    force: bool
    as_json: bool
    quiet: bool
    list_them: bool


@click.command(
    "backtest",
    help="Replay crises many times, over what is not known of them, and hold the figures against what was published. "
    "CRISIS is a built-in one or a file; all built-in ones by default. Writes a page with charts, the table, and every "
    "replicate.",
    epilog="Example: tailstress backtest hyperliquid-2025-10-10 --replicates 500",
)
@click.argument("crises", metavar="[CRISIS]...", nargs=-1)
@click.option("--list", "list_them", is_flag=True, help="List the built-in crises.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of recorded prices and depth; the scenarios' own thinned prices without it.",
)
@out_option("Folder to write into; backtest by default.")
@click.option("--replicates", type=Count(least=2, most=1_000_000), help="Draws of what is not known; 200 by default.")
@click.option("--quick", "short", is_flag=True, help="20 replicates: a first look.")
@threads_option
@force_option
@json_option
@quiet_option
def command(**given: Any) -> None:
    """Load the crises, play them, write a folder, print the table; see :class:`Options`."""
    options = Options(**given)
    if options.list_them:
        _list(options.as_json)
        return
    if options.short and options.replicates is not None:
        raise click.UsageError("--quick is a number of replicates too; give one of them.")
    folder = options.out or Path("backtest")
    _writable(folder, options.force)
    result = _play(options)
    from stress.backtest.page import write_page

    page = write_page(result, folder)
    result.write(folder)
    if options.as_json:
        print_json({"folder": str(folder), "report": str(page), **result.to_dict()})
        return
    from stress.backtest.table import render

    console(stderr=False).print(render(result))
    click.echo(str(page))


def _play(options: Options) -> Backtest:
    from stress.backtest import backtest, built_in_crises, load_crisis
    from stress.backtest.run import QUICK, REPLICATES
    from stress.cli.run import leave_now
    from stress.workers import threads_left

    found = [load_crisis(word) for word in options.crises or built_in_crises()]
    replicates = QUICK if options.short else options.replicates or REPLICATES
    try:
        with nullcontext() if options.quiet else _follow() as progress:
            return backtest(found, replicates=replicates, data=options.data, threads=options.threads, progress=progress)
    except KeyboardInterrupt as stop:
        if threads_left():
            leave_now(stop)
        raise


@contextmanager
def _follow() -> Iterator[Progress]:
    """The display of a run over all replicates."""
    from stress.cli.progress import follow

    with follow() as progress:
        yield lambda done, total, title: progress(done, total)


def _writable(folder: Path, force: bool) -> None:
    from stress.errors import UsageError

    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; -o names another folder")
    if folder.is_dir() and any(folder.iterdir()):
        if not force:
            raise UsageError(f"{folder} is not empty: --force replaces its backtest, -o names another")
        if not (folder / MARK).is_file():
            raise UsageError(f"{folder} holds other files than a backtest's; -o names another folder")


def _list(as_json: bool) -> None:
    from stress.backtest import built_in_crises, load_crisis

    rows = []
    for file in built_in_crises():
        crisis = load_crisis(file).crisis
        rows.append({"name": crisis.name, "title": crisis.title, "figures": len(crisis.published), "file": str(file)})
    if as_json:
        print_json(rows)
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("crisis", no_wrap=True)
    table.add_column("title", overflow="fold")
    table.add_column("figures", justify="right")
    for row in rows:
        table.add_row(str(row["name"]), str(row["title"]), str(row["figures"]))
    console(stderr=False).print(table)
