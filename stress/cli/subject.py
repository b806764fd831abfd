"""What a command looks at: a run that is there, or a scenario that it first runs."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stress.errors import UsageError

if TYPE_CHECKING:
    from stress.check.evaluate import Place
    from stress.scenario import Loaded
    from stress.scenario.checks import Check
    from stress.store import Run


@dataclass(frozen=True)
class Wish:
    """How a scenario is run where the subject is not a run already."""

    overrides: tuple[str, ...] = ()
    seed: int | None = None
    paths: int | None = None
    threads: int = 1
    out: Path | None = None
    force: bool = False
    quiet: bool = False


@dataclass(frozen=True)
class Subject:
    """A complete run, and the scenario it was made from where that is at hand."""

    run: Run
    loaded: Loaded | None

    @property
    def checks(self) -> tuple[Check, ...]:
        """Rules of the scenario at hand, else those that the run was made with."""
        from stress.check.baseline import checks_of

        return checks_of(self.run) if self.loaded is None else self.loaded.scenario.checks

    @property
    def places(self) -> dict[int, Place]:
        """File and line of each rule; nothing where no scenario is at hand."""
        if self.loaded is None:
            return {}
        located = (self.loaded.locate(("checks", n)) for n in range(len(self.checks)))
        return {n: (file, line) for n, (file, line, _) in enumerate(located)}


@contextmanager
def subject(source: str, wish: Wish, scenario: str | None = None) -> Iterator[Subject]:
    """Open a run folder, or run a scenario into ``wish.out`` or a folder that is gone afterwards.

    ``scenario`` names the file to take the rules from, instead of the run's own.

    :raises NotComparable: that file is another scenario than the run's.
    """
    import stress
    from stress.cli.run import leave_now
    from stress.scenario import load_scenario
    from stress.workers import threads_left

    if Path(source).is_dir():
        run = stress.load(source)
        loaded = None if scenario is None else load_scenario(scenario, wish.overrides)
        if loaded is not None:
            _same_question(run, loaded)
        yield Subject(run, loaded)
        return
    if scenario is not None:
        raise UsageError(f"{source}: no such run folder; --scenario says where the rules of a run are")
    loaded = load_scenario(source, wish.overrides, seed=wish.seed, paths=wish.paths)
    with tempfile.TemporaryDirectory(prefix="tailstress-") if wish.out is None else nullcontext() as folder:
        place = wish.out or Path(str(folder)) / loaded.scenario.name
        try:
            run = _simulated(loaded, place, wish)
        except KeyboardInterrupt as stop:
            if threads_left():
                if wish.out is None:
                    shutil.rmtree(place, ignore_errors=True)
                leave_now(stop)
            raise
        yield Subject(run, loaded)


def _same_question(run: Run, loaded: Loaded) -> None:
    """The rules of another scenario say nothing of this run."""
    from stress.errors import NotComparable

    theirs = run.manifest["scenario_sections"]
    other = sorted(
        name for name in theirs.keys() | loaded.sections.keys() if theirs.get(name) != loaded.sections.get(name)
    )
    if other:
        raise NotComparable(f"{run.folder} was run from another scenario than {loaded.file}: {', '.join(other)} differ")


def _simulated(loaded: Loaded, folder: Path, wish: Wish) -> Run:
    import stress
    from stress import engine
    from stress.build import build
    from stress.check.rules import require_sound
    from stress.cli.progress import follow

    require_sound(loaded)
    plan = build(loaded)
    if not wish.quiet:
        for note in plan.notes:
            click.echo(f"note: {note}", err=True)
    with nullcontext() if wish.quiet else follow() as progress:
        engine.run(plan, folder, threads=wish.threads, force=wish.force, progress=progress)
    return stress.load(folder)
