"""``tailstress baseline``: keep what a run was like, for ``tailstress check`` to hold later ones against."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stress.cli.group import global_options
from stress.cli.options import (
    console,
    force_option,
    json_option,
    paths_option,
    print_json,
    quiet_option,
    seed_option,
    set_option,
    threads_option,
)
from stress.errors import UsageError

if TYPE_CHECKING:
    from stress.check import Baseline

_FILE = click.Path(path_type=Path, dir_okay=False)

_EPILOG = """\b
Examples:
  tailstress baseline create october-2025 -o october-2025.json --reason "first"
  tailstress baseline update october-2025.json october-2025 --reason "deeper book"
  tailstress baseline show october-2025.json
"""


@click.group(
    "baseline",
    help="Keep what a run was like in a small file, for 'check' to hold later runs against.",
    epilog=_EPILOG,
)
def command() -> None:
    """Group of the three commands below."""


def _subcommand(function: Any) -> Any:
    """Register with the options that every command has."""
    made = command.command()(function)
    made.params.extend(global_options())
    return made


def _source_options(function: Any) -> Any:
    for option in (quiet_option, threads_option, paths_option, seed_option, set_option):
        function = option(function)
    return click.argument("source", metavar="RUN|SCENARIO")(function)


def _made(given: dict[str, Any], like: Baseline | None = None) -> Baseline:
    """The baseline of a run, or of a scenario that is run first."""
    from stress.check import create_baseline
    from stress.cli.subject import Wish, subject

    seed = like.seed if like is not None and given["seed"] is None else given["seed"]
    paths = like.paths if like is not None and given["paths"] is None else given["paths"]
    wish = Wish(given["overrides"], seed, paths, given["threads"], quiet=given["quiet"])
    with subject(given["source"], wish) as at_hand:
        return create_baseline(at_hand.run, at_hand.checks, given["reason"])


@_subcommand
@_source_options
@click.option("-o", "--out", type=_FILE, help="File to write; by default NAME.json, after the scenario.")
@click.option("--reason", default="first baseline", show_default=True, help="Why, for those who read the file.")
@force_option
def create(**given: Any) -> None:
    """Write the baseline of a run, or of a scenario that is run first."""
    from stress.check.baseline import write

    out = given["out"]
    if out is not None and out.exists() and not given["force"]:
        raise UsageError(f"{out} is there already: baseline update refreshes it, --force replaces it")
    baseline = _made(given)
    file = out or Path(f"{baseline.scenario}.json")
    if file.exists() and not given["force"]:
        raise UsageError(f"{file} is there already: baseline update refreshes it, --force replaces it")
    write(file, baseline)
    click.echo(str(file))


@_subcommand
@click.argument("file", type=_FILE)
@_source_options
@click.option("--reason", required=True, help="Why the figures may change, for those who read the file.")
def update(file: Path, **given: Any) -> None:
    """Refresh a baseline, and say what changed; limits stand in the scenario and stay."""
    from stress.check.baseline import load, write
    from stress.check.output.baseline import changes

    before = load(file)
    after = _made(given, before)
    write(file, after)
    console(stderr=False).print(changes(before, after))
    click.echo(str(file))


@_subcommand
@click.argument("file", type=_FILE)
@json_option
def show(file: Path, as_json: bool) -> None:
    """Print a baseline."""
    from stress.check.baseline import load
    from stress.check.output.baseline import render

    baseline = load(file)
    if as_json:
        print_json(baseline.model_dump(mode="json"))
    else:
        console(stderr=False).print(render(baseline))
