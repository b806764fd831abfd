"""Puts the shards of a run together: the same rows, hashes and files as those of a run in one go."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stress import engine, sampling, store
from stress.build import build
from stress.errors import IncompleteRun, NotComparable, UsageError
from stress.provenance import Provenance
from stress.scenario import load_scenario
from stress.workers import Part

if TYPE_CHECKING:
    from stress.build import Plan


def shards_in(folder: Path) -> list[Path]:
    """Folders of shards below a folder, by name.

    :raises IncompleteRun: there is none.
    """
    found = sorted(path.parent for path in folder.glob(f"*/{store.SHARD}"))
    if not found:
        raise IncompleteRun(f"{folder}: holds no shards of a run; run SCENARIO --shard I/N -o {folder}/I writes one")
    return found


def merge(folder: Path, out: Path, *, force: bool = False) -> engine.RunResult:
    """Merge the shards below ``folder`` into the run ``out``.

    The plan is built anew from the first shard's scenario, to record the worst paths: tables that it names must still
    be where they were.

    :raises IncompleteRun: paths are missing, or a file of a shard is damaged.
    :raises NotComparable: shards of several runs, or other inputs or kernels than they were simulated with.
    :raises UsageError: ``out`` is not empty and ``force`` is not given.
    """
    shards = shards_in(folder)
    plan = _plan(shards[0])
    decision = sampling.kept(shards[0])
    if decision is not None:
        plan = sampling.with_laws(plan, decision)
    origin = Provenance.of(plan)
    for shard in shards:
        differences = origin.differences(store.read_json(shard / store.IDENTITY))
        if differences:
            raise NotComparable(f"{shard} was simulated with other inputs: {'; '.join(differences)}")
    parts = engine.plan_parts(plan)
    places = _places(parts, shards, origin)
    _begin(out, force)
    for part in parts:
        for table in store.PART_TABLES:
            target = out / store.part_file(table, part.index)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(places[part.index] / store.part_file(table, part.index), target)
    for name in (store.IDENTITY, *([] if decision is None else [store.SAMPLING])):
        shutil.copyfile(shards[0] / name, out / name)
    return engine.run(plan, out, resume=True, command=_command(shards[0]))


def _plan(shard: Path) -> Plan:
    """The plan of a shard, with the scenario file that it keeps."""
    loaded = load_scenario(shard / store.RESOLVED)
    return build(replace(loaded, file=shard / store.SCENARIO))


def _command(shard: Path) -> str | None:
    command: Any = store.read_json(shard / store.SHARD).get("command")
    return None if command is None else str(command)


def _places(parts: Sequence[Part], shards: Sequence[Path], origin: Provenance) -> dict[int, Path]:
    """The shard that holds each part whole."""
    places: dict[int, Path] = {}
    for part in parts:
        for shard in shards:
            if store.kept_part(shard, part.index, part.first, part.paths, origin.metadata()) is not None:
                places[part.index] = shard
                break
    missing = [part for part in parts if part.index not in places]
    if missing:
        ranges = ", ".join(_ranges(missing))
        raise IncompleteRun(f"{shards[0].parent}: no whole shard holds the paths {ranges}; run --resume completes one")
    return places


def _ranges(parts: Sequence[Part]) -> Iterator[str]:
    """Paths of parts as ranges, consecutive ones as one."""
    first = parts[0].first
    for part, following in zip(parts, [*parts[1:], None], strict=True):
        end = part.first + part.paths
        if following is None or following.first != end:
            yield f"{first} to {end - 1}"
            first = following.first if following is not None else end


def _begin(out: Path, force: bool) -> None:
    """Make the folder of the merged run ready."""
    if out.is_dir() and any(out.iterdir()):
        if not force:
            raise UsageError(f"{out} is not empty: --force replaces its run, -o names another folder")
        if not (out / store.IDENTITY).is_file():
            raise UsageError(f"{out} holds other files than a run's; -o names another folder")
        engine.clear(out)
    out.mkdir(parents=True, exist_ok=True)
