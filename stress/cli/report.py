"""``tailstress report``: the report of a run."""

from __future__ import annotations

from pathlib import Path

import click

from stress.cli.options import out_option, run_argument


@click.command("report", help="Write the report of a run: HTML, Markdown, charts.")
@run_argument
@out_option("Folder to write into, instead of 'report' in the run's own.")
@click.option("--open", "show", is_flag=True, help="Open the page in a browser.")
def command(run: Path, out: Path | None, show: bool) -> None:
    """Load the run, write its report, print where it is."""
    import stress
    from stress.report import write_report

    page = write_report(stress.load(run), out)
    click.echo(str(page))
    if show:
        click.launch(str(page))
