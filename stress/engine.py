"""Runs a plan into a folder: parts on threads, records of the worst paths, summary, manifest.

A *part* is a fixed range of paths, a function of the plan alone, and one set
of files. A *block* is what one call of the kernels simulates, sized by the
memory of its prices. The bytes of a part depend on neither threads nor blocks.
"""

from __future__ import annotations

import math
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stress import columns, sampling, store, summary
from stress.compiling import compile_kernels
from stress.errors import IncompleteRun, NotComparable, UsageError
from stress.manifest import manifest
from stress.provenance import Provenance
from stress.records import part_tables, record, trace
from stress.workers import LANES, Part, PartResults, in_background, simulate_parts

if TYPE_CHECKING:
    from stress.build import Plan
    from stress.sampling import Decision

__all__ = ["Progress", "RunResult", "Shard", "plan_parts", "run", "run_shard", "trace", "warm"]

Progress = Callable[[int, int], None]
"""Called in the calling thread with the paths done and the paths in all."""

BLOCK_BYTES = 16 << 20
"""Prices and variances of one block; 4 to 64 MiB run at the same speed, and small blocks stop sooner."""
PART_PATHS = 1_000
LEAST_PARTS = 8
PART_WORK = 10_000_000_000
"""Positions times checks of one part: some tens of seconds, the most that a kill loses per thread."""


@dataclass(frozen=True)
class RunResult:
    """A finished run."""

    folder: Path
    manifest: dict[str, Any]
    kept: int
    """Paths that were there already when the run was resumed."""
    seconds: float
    """Wall time."""


@dataclass(frozen=True)
class Shard:
    """One of several shares of a run, each simulated by itself, on other machines perhaps."""

    number: int
    """From 1."""
    of: int

    def parts(self, parts: Sequence[Part]) -> list[Part]:
        """The parts of this share: consecutive ones, as evenly as they divide.

        :raises UsageError: there are fewer parts than shares.
        """
        if self.of > len(parts):
            raise UsageError(f"the run has {len(parts)} parts; it cannot be cut into {self.of} shards")
        first, last = (len(parts) * k // self.of for k in (self.number - 1, self.number))
        return list(parts[first:last])


def plan_parts(plan: Plan) -> list[Part]:
    """Ranges of paths that become one set of files each.

    At most 1,000 paths; fewer so that there are eight parts, and so that books
    of many positions do not lose long work to a kill.
    """
    work = (plan.venue.clock.checks + 1) * (len(plan.venue.book.positions) + len(plan.market_names))
    most = min(PART_PATHS, math.ceil(plan.paths / LEAST_PARTS), max(1, PART_WORK // work))
    size = math.ceil(most / LANES) * LANES
    starts = range(0, plan.paths, size)
    return [Part(index, first, min(size, plan.paths - first)) for index, first in enumerate(starts)]


def run(
    plan: Plan,
    folder: Path,
    *,
    threads: int = 1,
    resume: bool = False,
    force: bool = False,
    progress: Progress | None = None,
    command: str | None = None,
    block_bytes: int = BLOCK_BYTES,
    laws: Decision | None = None,
) -> RunResult:
    """Simulate every path of the plan into ``folder``.

    Interrupted by ``KeyboardInterrupt`` it stops within two seconds and leaves
    whole parts, which ``resume`` keeps; the rows of a resumed run are those of
    an uninterrupted one. Where the scenario asks for importance sampling, its
    pilot runs first, unless the folder holds its laws already, or ``laws`` are
    those of another run of the same price models. ``command`` is what the
    manifest says reproduces it.

    :raises UsageError: the folder is not empty and neither resume nor force fits it.
    :raises NotComparable: resuming a run of another scenario, seed or kernel.
    :raises NonFinitePath: a path left the finite numbers.
    """
    started = time.monotonic()
    resuming = _vacate(folder, resume, force)
    plan, decision = _settled(plan, folder, resuming, threads, laws)
    origin = Provenance.of(plan)
    finished = _resumed(folder, origin) if resuming else None
    if finished is not None:
        return RunResult(folder, finished.manifest, plan.paths, time.monotonic() - started)
    _write_inputs(folder, plan, origin, decision)
    entries, kept = _complete(plan, folder, plan_parts(plan), origin, resume, threads, block_bytes, progress)
    final = _finish(plan, folder, entries, origin, command, decision)
    seconds = time.monotonic() - started
    store.log(folder, "end", time=time.time(), seconds=seconds)
    return RunResult(folder, final, kept, seconds)


def run_shard(
    plan: Plan,
    folder: Path,
    shard: Shard,
    *,
    threads: int = 1,
    resume: bool = False,
    force: bool = False,
    progress: Progress | None = None,
    command: str | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> list[Part]:
    """Simulate one shard's parts of the plan into ``folder``, which then is no run yet: :func:`stress.shards.merge`.

    ``command`` is what the manifest of the merged run says reproduces it. Errors are those of :func:`run`.

    :raises UsageError: also where there are fewer parts than shards.
    """
    parts = shard.parts(plan_parts(plan))
    resuming = _vacate(folder, resume, force)
    plan, decision = _settled(plan, folder, resuming, threads)
    origin = Provenance.of(plan)
    if not resuming or _resumed(folder, origin) is None:
        _write_inputs(folder, plan, origin, decision)
        store.write_json(folder / store.SHARD, asdict(shard) | {"command": command})
        _complete(plan, folder, parts, origin, resume, threads, block_bytes, progress)
    return parts


def _settled(
    plan: Plan, folder: Path, resuming: bool, threads: int, given: Decision | None = None
) -> tuple[Plan, Decision | None]:
    """The plan with the laws its paths are drawn under, and how they were decided on."""
    decision = given or in_background(lambda: sampling.settled(plan, folder if resuming else None, threads))
    return (plan if decision is None else sampling.with_laws(plan, decision)), decision


def _complete(
    plan: Plan,
    folder: Path,
    parts: Sequence[Part],
    origin: Provenance,
    resume: bool,
    threads: int,
    block_bytes: int,
    progress: Progress | None,
) -> tuple[list[dict[str, Any]], int]:
    """Simulate and write the parts that are not there; the entries of all, and the paths that were there."""
    entries = {part.index: _kept(folder, part, origin) for part in parts} if resume else {}
    missing = [part for part in parts if entries.get(part.index) is None]
    total = sum(part.paths for part in parts)
    kept = total - sum(part.paths for part in missing)
    store.log(folder, "start", time=time.time(), threads=threads, kept_paths=kept)
    metadata = origin.metadata()

    def write(results: PartResults) -> dict[str, Any]:
        part = results.part
        return store.write_part(folder, part.index, part.first, part.paths, part_tables(plan, results), metadata)

    done = kept
    report = progress or (lambda done, total: None)
    report(done, total)
    if missing:
        compile_kernels(plan)
    began = time.monotonic()
    for block in simulate_parts(plan, missing, threads, block_bytes, write):
        done += block.paths
        if block.part is not None:
            entries[block.part.index] = block.written
            store.log(folder, "part", index=block.part.index, seconds=time.monotonic() - began)
        report(done, total)
    return [entry for part in parts if (entry := entries[part.index]) is not None], kept


def _finish(
    plan: Plan,
    folder: Path,
    parts: Sequence[dict[str, Any]],
    origin: Provenance,
    command: str | None,
    decision: Decision | None,
) -> dict[str, Any]:
    """Form what needs all paths, in path order, and write the manifest last."""
    scenario = plan.loaded.scenario
    draft = store.Run(folder, {"parts": parts})
    roles = summary.recorded_paths(draft, len(plan.pool_names), scenario.sizing.levels)
    singles = in_background(lambda: record(plan, roles))
    singles[columns.EXCEEDANCE.name] = summary.exceedance(draft, plan.pool_names)
    metadata = origin.metadata()
    tables = {
        name: store.write_table(folder / place, singles[name], metadata) for name, place in store.SINGLE_TABLES.items()
    }
    figures = summary.summarise(draft, plan.pool_names, plan.layer_names, plan.market_names)
    store.write_json(folder / store.SUMMARY, figures)
    again = command or f"tailstress run {scenario.name} --seed {plan.seed} --paths {plan.paths}"
    final = manifest(folder, plan, origin, parts, tables, again, None if decision is None else decision.told())
    store.write_json(folder / store.MANIFEST, final)
    return final


def _vacate(folder: Path, resume: bool, force: bool) -> bool:
    """Make the folder ready to write into; whether there is a run in it to be resumed."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; -o names another folder")
    if folder.is_dir() and any(folder.iterdir()):
        if not (resume or force):
            raise UsageError(
                f"{folder} is not empty: --resume completes its run, --force replaces it, -o names another"
            )
        if not (folder / store.IDENTITY).is_file():
            raise UsageError(f"{folder} holds other files than a run's; -o names another folder")
        if not force:
            return True
        clear(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return False


def _resumed(folder: Path, origin: Provenance) -> store.Run | None:
    """The run in the folder where it is whole; what a killed one left half written is removed."""
    differences = origin.differences(store.read_json(folder / store.IDENTITY))
    if differences:
        raise NotComparable(f"{folder} was begun with other inputs and cannot be resumed: {'; '.join(differences)}")
    for leftover in folder.rglob(".*.tmp"):
        leftover.unlink(missing_ok=True)
    with suppress(IncompleteRun):
        finished = store.load(folder)
        finished.verify()
        return finished
    (folder / store.MANIFEST).unlink(missing_ok=True)
    return None


def clear(folder: Path) -> None:
    """Remove what a run and its report wrote, the manifest first, and nothing else."""
    for name in store.FILES:
        (folder / name).unlink(missing_ok=True)
    for name in store.FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)


def _kept(folder: Path, part: Part, origin: Provenance) -> dict[str, Any] | None:
    return store.kept_part(folder, part.index, part.first, part.paths, origin.metadata())


def _write_inputs(folder: Path, plan: Plan, origin: Provenance, decision: Decision | None) -> None:
    """What is known before the first path; the identity first, since it marks the folder as a run's."""
    store.write_json(folder / store.IDENTITY, asdict(origin))
    with store.replacing(folder / store.SCENARIO) as temporary:
        shutil.copyfile(plan.loaded.file, temporary)
    store.write_json(folder / store.RESOLVED, plan.loaded.canonical)
    store.write_json(folder / store.DICTIONARY, columns.dictionary())
    if decision is not None:
        store.write_json(folder / store.SAMPLING, decision.to_json())


def warm() -> float:
    """Compile every kernel, by running a scenario of two checks; return the seconds it took.

    All kernels take the same types whatever the scenario, so one compiles all.
    """
    from stress.build import build
    from stress.scenario import load_scenario

    started = time.monotonic()
    plan = build(load_scenario("minimal", ["run.horizon=10m"], paths=1))
    with tempfile.TemporaryDirectory() as folder:
        run(plan, Path(folder) / "warm")
    return time.monotonic() - started
