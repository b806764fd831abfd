"""``tailstress sweep``: a scenario with some of its values varied, or its rules switched off one at a time."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
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
    scenario_argument,
    seed_option,
    set_option,
    threads_option,
    verbosity_options,
)

if TYPE_CHECKING:
    from stress.sweep import SweepPlan, SweepResult
    from stress.sweep.run import Progress


_EPILOG = """\b
Examples:
  tailstress sweep minimal --vary 'markets.*.margin.tiers.*.maintenance=x0.5,x1,x2'
  tailstress sweep october-2025 --ablate --paths 2_000
  tailstress sweep adl-policies --vary pools.main.layers.1.rank=hyperliquid,profit,pro_rata_profit
"""


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    scenario: str
    vary: tuple[str, ...]
    together: bool
    one_at_a_time: bool
    ablate: bool
    overrides: tuple[str, ...]
    seed: int | None
    paths: int | None
    threads: int
    out: Path | None
    keep_runs: bool
    resume: bool
    force: bool
    as_json: bool
    quiet: bool
    verbose: bool


@click.command(
    "sweep",
    help="Vary values of a scenario, or switch its rules off, and compare the fund and the losses. All cells see the "
    "same random numbers. A path may hold * for every entry; x1.5 multiplies what is there.",
    epilog=_EPILOG,
)
@scenario_argument
@click.option("--vary", metavar="PATH=A,B,C", multiple=True, help="Values of one path of the scenario; repeatable.")
@click.option("--list", "together", is_flag=True, help="Take the n-th values together, not every combination.")
@click.option("--one-at-a-time", is_flag=True, help="Vary each path alone, the others as they are.")
@click.option("--ablate", is_flag=True, help="Switch every optional rule and layer off, one at a time.")
@out_option("Folder of the sweep; by default sweeps/NAME-SEED-DIGEST.")
@set_option
@seed_option
@paths_option
@threads_option
@click.option("--keep-runs", is_flag=True, help="Keep the whole run of every cell, not only its sizing and losses.")
@click.option("--resume", is_flag=True, help="Complete the sweep in the folder, keeping its finished cells.")
@force_option
@json_option
@verbosity_options
def command(**given: Any) -> None:
    """Read what is varied, run every cell, print a table; see :class:`Options`."""
    from stress.sweep.page import write_page

    options = Options(**given)
    plan = _plan(options)
    folder = options.out or _default_folder(plan)
    result = _run(plan, folder, options)
    page = write_page(result, folder)
    if options.as_json:
        print_json({"folder": str(folder), "report": str(page), **result.to_dict()})
        return
    from stress.sweep.table import render

    console(stderr=False).print(render(result))
    click.echo(str(page))


def _plan(options: Options) -> SweepPlan:
    from stress.sweep import SweepPlan
    from stress.sweep.cells import GRID, LIST, ONE, parse_varied

    if options.resume and options.force:
        raise click.UsageError("--resume keeps what --force would remove; give one of them.")
    if options.ablate and options.vary:
        raise click.UsageError("--ablate switches rules off and --vary gives values; give one of them.")
    if not options.ablate and not options.vary:
        raise click.UsageError("Give at least one --vary PATH=A,B,C, or --ablate.")
    if options.together and options.one_at_a_time:
        raise click.UsageError("--list and --one-at-a-time exclude each other.")
    mode = LIST if options.together else ONE if options.one_at_a_time else GRID
    varied = tuple(parse_varied(text) for text in options.vary)
    return SweepPlan(
        options.scenario, options.overrides, varied, mode, options.ablate, seed=options.seed, paths=options.paths
    )


def _default_folder(plan: SweepPlan) -> Path:
    """``sweeps/NAME-SEED-DIGEST``: another seed, figure or question is another folder."""
    import hashlib

    base = plan.base()
    asked = repr((base.digest, plan.varied, plan.mode, plan.ablate)).encode()
    name = f"{base.scenario.name}-{base.scenario.run.seed}-{hashlib.sha256(asked).hexdigest()[:8]}"
    return Path("sweeps") / name


def _run(plan: SweepPlan, folder: Path, options: Options) -> SweepResult:
    """Run the cells under a progress display; say how to resume when interrupted."""
    from stress.cli.run import leave_now
    from stress.sweep import sweep
    from stress.workers import threads_left

    following: AbstractContextManager[Progress | None] = nullcontext() if options.quiet else _follow()
    try:
        with following as progress:
            return sweep(
                plan,
                folder,
                threads=options.threads,
                resume=options.resume,
                force=options.force,
                keep_runs=options.keep_runs,
                progress=progress,
            )
    except KeyboardInterrupt as stop:
        click.echo(f"\n{folder} keeps its finished cells; continue with:", err=True)
        click.echo(f"  {shlex.join([*_again(options), '-o', str(folder), '--resume'])}", err=True)
        if threads_left():
            leave_now(stop)
        raise


def _again(options: Options) -> list[str]:
    """The command line without its folder."""
    words = ["tailstress", "sweep", options.scenario]
    words += [word for text in options.vary for word in ("--vary", text)]
    words += [word for text in options.overrides for word in ("--set", text)]
    flags = {"--list": options.together, "--one-at-a-time": options.one_at_a_time, "--ablate": options.ablate}
    words += [flag for flag, given in (flags | {"--keep-runs": options.keep_runs}).items() if given]
    for option, value in (("--seed", options.seed), ("--paths", options.paths)):
        words += [] if value is None else [option, str(value)]
    return words


@contextmanager
def _follow() -> Iterator[Progress]:
    """The display of a run over the paths of all cells."""
    from stress.cli.progress import follow

    with follow() as progress:
        yield lambda done, total, label: progress(done, total)
