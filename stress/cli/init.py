"""``tailstress init``: a scenario to start from."""

from __future__ import annotations

from pathlib import Path

import click

from stress.cli.options import force_option, out_option


@click.command(
    "init",
    help="Write a commented scenario to start from: complete, or on top of a built-in VENUE.",
    epilog="Example: tailstress init hyperliquid -o my-stress.yaml",
)
@click.argument("venue", required=False)
@out_option("File to write; scenario.yaml by default.")
@force_option
def command(venue: str | None, out: Path | None, force: bool) -> None:
    """Fill in the template and write it; the name of the file goes to stdout."""
    from stress.errors import UsageError
    from stress.scenario.writing import name_from, template

    file = out or Path("scenario.yaml")
    text = template(venue, name_from(file))
    try:
        with file.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise UsageError(f"{file} exists; --force overwrites it") from None
    click.echo(str(file))
    click.echo(f"next: tailstress validate {file}", err=True)
