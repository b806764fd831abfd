"""``tailstress scenarios``: what comes with the package."""

from __future__ import annotations

import click

from stress.cli.options import console, json_option, print_json


@click.command(
    "scenarios",
    help="List the built-in scenarios. Venues are rules that other scenarios extend.",
    epilog="Example: tailstress scenarios --json",
)
@click.option("--parameters", is_flag=True, help="List the price models of known assets instead.")
@json_option
def command(parameters: bool, as_json: bool) -> None:
    """Read the titles and print a table or JSON."""
    from stress.scenario.builtin import PARAMETERS, built_ins, parameter_sets
    from stress.scenario.builtin import title as title_of

    rows = [
        {
            "name": f"{PARAMETERS}/{known.name}.yaml" if parameters else known.name,
            "kind": known.kind.removesuffix("s"),
            "title": title_of(known),
            "file": str(known.path),
        }
        for known in (parameter_sets() if parameters else built_ins())
    ]
    if as_json:
        print_json(rows)
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("scenario", no_wrap=True)
    table.add_column("kind")
    table.add_column("title")
    for row in rows:
        table.add_row(row["name"], row["kind"], row["title"])
    console(stderr=False).print(table)
    if not parameters:
        click.echo("price models of BTC, ETH, SOL and altcoins to extend: tailstress scenarios --parameters", err=True)
