"""``tailstress check``: put the rules of a scenario to a run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stress.cli.options import (
    console,
    force_option,
    json_option,
    out_option,
    paths_option,
    print_json,
    seed_option,
    set_option,
    threads_option,
    verbosity_options,
)

if TYPE_CHECKING:
    from stress.check import Baseline, Outcome

_EPILOG = """\b
Examples:
  tailstress check october-2025 --baseline baselines/october-2025.json
  tailstress check runs/mine --baseline mine.json --explain --junit checks.xml

\b
Exit code: 0 every rule passes, 1 one fails, 3 one is not decided and none fails, 4 the run and the
baseline cannot be compared, 5 the run or the baseline is damaged.
"""


@click.command(
    "check",
    help="Put the rules of a scenario to a run: limits, no change against a baseline, the very same numbers. "
    "A scenario is run first, with the seed and paths of the baseline.",
    epilog=_EPILOG,
)
@click.argument("source", metavar="RUN|SCENARIO")
@click.option(
    "-b", "--baseline", "baseline_file", type=click.Path(path_type=Path), help="What 'baseline create' wrote."
)
@click.option("--scenario", metavar="FILE", help="Take the rules from this scenario, instead of the run's own.")
@click.option("--explain", is_flag=True, help="Name the paths and layers that moved.")
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write JUnit XML into this file.")
@click.option("--markdown", type=click.Path(path_type=Path, dir_okay=False), help="Write Markdown into this file.")
@click.option(
    "--github/--no-github",
    default=None,
    help="Step summary and annotations for GitHub Actions; by default where they are asked for by its environment.",
)
@out_option("Keep the run of a scenario in this folder.")
@set_option
@seed_option
@paths_option
@threads_option
@force_option
@json_option
@verbosity_options
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> None:
    """Load, run where needed, check, write what was asked for and end with the outcome's code."""
    from stress.check import check, load_baseline
    from stress.cli.subject import subject

    file = given["baseline_file"]
    baseline = None if file is None else load_baseline(file)
    with subject(given["source"], _wish(given, baseline), given["scenario"]) as at_hand:
        outcome = check(
            at_hand.run,
            at_hand.checks,
            baseline,
            baseline_file=str(file or ""),
            places=at_hand.places,
            explained=given["explain"],
        )
    _write(outcome, given)
    ctx.exit(int(outcome.exit_code))


def _wish(given: dict[str, Any], baseline: Baseline | None) -> Any:
    """How a scenario is run: as the baseline was, unless said otherwise."""
    from stress.cli.subject import Wish

    asked = [name for name in ("overrides", "seed", "paths", "out", "force") if given[name]]
    if asked and Path(given["source"]).is_dir():
        words = ", ".join("--set" if name == "overrides" else f"--{name}" for name in asked)
        raise click.UsageError(f"{words} say how a scenario is run; {given['source']} is a run already.")
    seed, paths = given["seed"], given["paths"]
    if baseline is not None:
        seed = baseline.seed if seed is None else seed
        paths = baseline.paths if paths is None else paths
    return Wish(given["overrides"], seed, paths, given["threads"], given["out"], given["force"], given["quiet"])


def _write(outcome: Outcome, given: dict[str, Any]) -> None:
    """Every form of the outcome that was asked for."""
    from stress.check.output import github, junit, markdown, table

    if given["junit"] is not None:
        junit.write(given["junit"], outcome)
    if given["markdown"] is not None:
        given["markdown"].write_text(markdown.render(outcome), encoding="utf-8", newline="\n")
    asked = given["github"]
    if asked or (asked is None and os.environ.get("GITHUB_ACTIONS") == "true"):
        github.append_summary(outcome)
        workspace = os.environ.get("GITHUB_WORKSPACE")
        for line in github.workflow_commands(outcome, Path(workspace) if workspace else None):
            click.echo(line, err=True)
    if given["as_json"]:
        print_json(outcome.to_dict())
    else:
        console(stderr=False).print(table.render(outcome, given["verbose"]))
