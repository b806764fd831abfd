"""``tailstress run``: simulate a scenario into a folder of results."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

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
from stress.errors import ExitCode

if TYPE_CHECKING:
    from stress.build import Plan
    from stress.engine import Progress, RunResult, Shard
    from stress.scenario import Loaded


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    scenario: str
    overrides: tuple[str, ...]
    seed: int | None
    paths: int | None
    threads: int
    out: Path | None
    resume: bool
    force: bool
    tail: bool
    report: bool
    as_json: bool
    quiet: bool
    verbose: bool
    shard: Shard | None


def _shard(_ctx: click.Context, _param: click.Parameter, text: str | None) -> Shard | None:
    """The share written as 2/8."""
    if text is None:
        return None
    from stress.engine import Shard

    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise click.BadParameter(f"{text!r} is not I/N with I from 1 to N.")
    return Shard(int(match[1]), int(match[2]))


@click.command(
    "run",
    help="Simulate a scenario and write a folder of results.",
    epilog="Example: tailstress run october-2025 --paths 20_000 --report",
)
@scenario_argument
@out_option("Folder of the run; by default runs/NAME-SEED-DIGEST.")
@set_option
@seed_option
@paths_option
@threads_option
@click.option(
    "--tail", is_flag=True, help="Importance sampling for rare losses; sets run.sampling.method to importance."
)
@click.option("--shard", metavar="I/N", callback=_shard, help="Simulate the I-th of N shares; 'merge' joins them.")
@click.option("--resume", is_flag=True, help="Complete the run in the folder, keeping its whole parts.")
@force_option
@click.option("--report", is_flag=True, help="Write the report too, into the folder's report/.")
@json_option
@verbosity_options
def command(**given: Any) -> None:
    """Load, build, run and print a short table; see :class:`Options`."""
    from stress.build import build
    from stress.scenario import load_scenario

    options = Options(**given)
    if options.resume and options.force:
        raise click.UsageError("--resume keeps what --force would remove; give one of them.")
    if options.shard is not None and options.report:
        raise click.UsageError("--report is for a whole run; merge the shards first.")
    loaded = load_scenario(
        options.scenario, options.overrides, seed=options.seed, paths=options.paths, tail=options.tail
    )
    if loaded.scenario.checks:
        from stress.check.rules import require_sound

        require_sound(loaded)
    plan = build(loaded)
    folder = options.out or default_folder(loaded, options.shard)
    if not options.quiet:
        for note in plan.notes:
            click.echo(f"note: {note}", err=True)
    if options.shard is not None:
        _run_shard(plan, folder, options, options.shard)
        return
    result = _simulate(plan, folder, options)
    report = _write_report(folder) if options.report else None
    _print_result(result, report, options)


def default_folder(loaded: Loaded, shard: Shard | None = None) -> Path:
    """``runs/NAME-SEED-DIGEST``: another seed or another figure is another folder; a shard's lies in the run's."""
    scenario = loaded.scenario
    folder = Path("runs") / f"{scenario.name}-{scenario.run.seed}-{loaded.digest[:8]}"
    return folder if shard is None else folder / f"shard-{shard.number}-of-{shard.of}"


def reproducing(options: Options, loaded: Loaded) -> list[str]:
    """The command line that gives the same rows, seed and paths written out."""
    run = loaded.scenario.run
    sets = [word for override in options.overrides for word in ("--set", override)]
    tail = ["--tail"] if options.tail else []
    return ["tailstress", "run", options.scenario, *tail, *sets, "--seed", str(run.seed), "--paths", str(run.paths)]


def _simulate(plan: Plan, folder: Path, options: Options) -> RunResult:
    """Run the engine under a progress display."""
    from stress import engine

    with _watched(plan, folder, options) as given:
        return engine.run(plan, folder, **given)


def _run_shard(plan: Plan, folder: Path, options: Options, shard: Shard) -> None:
    """Run one shard; say which paths it holds, and where."""
    from stress import engine

    with _watched(plan, folder, options) as given:
        parts = engine.run_shard(plan, folder, shard, **given)
    first, last = parts[0].first, parts[-1].first + parts[-1].paths - 1
    if options.as_json:
        known = {"folder": str(folder), "shard": shard.number, "of": shard.of}
        print_json({**known, "first_path": first, "paths": last - first + 1})
        return
    click.echo(f"shard {shard.number} of {shard.of}: paths {first:,} to {last:,}", err=True)
    click.echo(str(folder))


@contextmanager
def _watched(plan: Plan, folder: Path, options: Options) -> Iterator[dict[str, Any]]:
    """Arguments of the engine, with a progress display; says how to resume when interrupted."""
    from stress.cli.progress import follow
    from stress.workers import threads_left

    command_line = reproducing(options, plan.loaded)
    if options.verbose:
        click.echo(f"{folder}: {plan.paths:,} paths on {options.threads} threads", err=True)
    following: AbstractContextManager[Progress | None] = nullcontext() if options.quiet else follow()
    try:
        with following as progress:
            yield {
                "threads": options.threads,
                "resume": options.resume,
                "force": options.force,
                "progress": progress,
                "command": shlex.join(command_line),
            }
    except KeyboardInterrupt as stop:
        shard = [] if options.shard is None else ["--shard", f"{options.shard.number}/{options.shard.of}"]
        where = ["-o", str(options.out)] if options.out else []
        click.echo(f"\n{folder} keeps its whole parts; continue with:", err=True)
        click.echo(f"  {shlex.join([*command_line, *shard, *where, '--resume'])}", err=True)
        if threads_left():
            leave_now(stop)
        raise


def leave_now(stop: KeyboardInterrupt) -> NoReturn:
    """End the process without tearing it down: LLVM aborts when that happens under a thread that compiles."""
    from stress.cli import Terminated

    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(ExitCode.TERMINATED if isinstance(stop, Terminated) else ExitCode.INTERRUPTED)


def _write_report(folder: Path) -> Path:
    import stress
    from stress.report import write_report

    return write_report(stress.load(folder), folder / "report")


def _print_result(result: RunResult, report: Path | None, options: Options) -> None:
    """A short table, or JSON, on stdout; the folder is the last line."""
    import stress
    from stress.cli.headline import headline
    from stress.sizing import size

    sizing = size(stress.load(result.folder))
    manifest = result.manifest
    if options.as_json:
        print_json(
            {
                "folder": str(result.folder),
                "report": str(report) if report else None,
                "scenario": manifest["scenario_name"],
                "seed": manifest["seed"],
                "paths": manifest["paths"],
                "kept_paths": result.kept,
                "seconds": round(result.seconds, 3),
                "content_hash": manifest["content_hash"],
                "sampling": manifest.get("sampling"),
                "sizing": sizing.to_dict(),
            }
        )
        return
    if manifest.get("sampling", {}).get("method") == "plain" and not options.quiet:
        click.echo(f"note: {manifest['sampling']['reason']}", err=True)
    console(stderr=False).print(headline(sizing))
    if options.verbose:
        click.echo(f"{result.seconds:.1f} s, content {result.manifest['content_hash']}", err=True)
    click.echo(str(report or result.folder))
