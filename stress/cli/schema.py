"""``tailstress schema``: the JSON Schema of scenario files."""

from __future__ import annotations

import json
from pathlib import Path

import click

from stress.cli.options import out_option, print_json


@click.command(
    "schema",
    help="Print the JSON Schema of scenario files, for completion and checking in an editor.",
    epilog="Example: tailstress schema -o scenario.schema.json",
)
@out_option("Write it into this file instead of stdout.")
def command(out: Path | None) -> None:
    """Make the schema and print or write it."""
    from stress.scenario.writing import json_schema

    if out is None:
        print_json(json_schema())
    else:
        out.write_text(json.dumps(json_schema(), indent=2) + "\n", encoding="utf-8")
        click.echo(f"wrote {out}", err=True)
