"""Runs the cells of a sweep one after the other, each on all threads, and keeps what the comparison needs."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from stress import engine, sampling, store
from stress.build import Plan, build
from stress.errors import InvalidInput, MalformedInput, MeaninglessInput, NotComparable, UsageError
from stress.provenance import Provenance
from stress.sampling import Decision
from stress.scenario import Loaded, load_scenario
from stress.sizing import Sizing, size
from stress.sizing.analysis import path_weights
from stress.sweep.ablate import ablations
from stress.sweep.cells import Cell, Varied, cells, edited
from stress.sweep.result import Outcome, SweepResult, losses_of
from stress.sweep.winners import BORNE, FORGONE
from stress.sweep.winners import KEPT as KEPT_OF_WINNERS

ABLATE = "ablate"
"""Mode of a sweep that switches rules off."""
PLAN = "sweep.json"
CELLS = "cells"
KEPT = (
    "path",
    "pool",
    "weight",
    "bad_debt",
    "required_fund",
    "residual",
    "residual_open",
    *KEPT_OF_WINNERS,
)
"""Columns of ``paths`` that are kept of a cell, for paired comparisons."""

Progress = Callable[[int, int, str], None]
"""Called with the paths done and in all, over all cells, and the label of the cell."""


@dataclass(frozen=True)
class SweepPlan:
    """A scenario and what is varied in it."""

    source: str
    overrides: tuple[str, ...] = ()
    varied: tuple[Varied, ...] = ()
    mode: str = "grid"
    ablate: bool = False
    seed: int | None = None
    paths: int | None = None

    def base(self) -> Loaded:
        """The scenario as it is."""
        return load_scenario(self.source, self.overrides, seed=self.seed, paths=self.paths)

    def load(self, cell: Cell, base: Loaded, scratch: Path) -> Loaded:
        """The scenario of a cell; one with edits is written into ``scratch`` first, canonical as it is."""
        if not cell.edits:
            return load_scenario(self.source, [*self.overrides, *cell.overrides], seed=self.seed, paths=self.paths)
        # Checks are put to runs, not to cells; with their defaults written out they would not all read back.
        asked = {key: value for key, value in base.canonical.items() if key != "checks"}
        content = json.dumps(edited(asked, cell.edits), allow_nan=False)
        file = scratch / f"{hashlib.sha256(content.encode()).hexdigest()[:16]}.json"
        file.write_text(content, encoding="utf-8")
        return load_scenario(file, cell.overrides)

    def cells(self, scratch: Path) -> Cells:
        """Every cell with its scenario.

        Raises:
            InvalidInput: with every mistake of every cell, before anything is run.
            UsageError: nothing is varied, or :func:`stress.sweep.cells.cells` refuses it.
        """
        base = self.base()
        canonical = base.canonical
        asked = ablations(canonical) if self.ablate else cells(self.varied, self.mode, canonical)
        pairs, refused = [(asked[0], base)], list[tuple[str, InvalidInput]]()
        for cell in asked[1:]:
            try:
                pairs.append((cell, self.load(cell, base, scratch)))
            except InvalidInput as error:
                refused.append((cell.label, error))
        if refused and not self.ablate:
            problems = [
                replace(p, message=f"{p.message} ({label})") for label, error in refused for p in error.problems
            ]
            malformed = any(isinstance(error, MalformedInput) for _, error in refused)
            raise (MalformedInput if malformed else MeaninglessInput)(problems)
        if len(pairs) == 1:
            raise UsageError("the scenario has no rule to switch off" if self.ablate else "give at least one --vary")
        return Cells(pairs, tuple(f"{label}: {error.problems[0].message}" for label, error in refused))


@dataclass(frozen=True)
class Cells:
    """The cells of a sweep, the scenario as it is first."""

    pairs: list[tuple[Cell, Loaded]]
    left_out: tuple[str, ...]
    """Rules that others need, so that they cannot be switched off alone, and why."""


def sweep(
    plan: SweepPlan,
    folder: Path,
    *,
    threads: int = 1,
    resume: bool = False,
    force: bool = False,
    keep_runs: bool = False,
    progress: Progress | None = None,
) -> SweepResult:
    """Run every cell into ``folder``; finished cells, and whole parts of the others, are kept by ``resume``.

    Raises:
        InvalidInput: a cell is no sound scenario.
        UsageError: the folder is not empty and neither resume nor force fits it.
        NotComparable: resuming another sweep.
    """
    with tempfile.TemporaryDirectory() as scratch:
        found = plan.cells(Path(scratch))
        _prepare(folder, found.pairs, resume, force)
        outcomes = _run(folder, found.pairs, threads, keep_runs, progress)
    mode = ABLATE if plan.ablate else plan.mode
    result = replace(SweepResult.of(mode, plan.varied, outcomes), left_out=found.left_out)
    result.write(folder)
    return result


def _run(
    folder: Path, pairs: Sequence[tuple[Cell, Loaded]], threads: int, keep_runs: bool, progress: Progress | None
) -> list[Outcome]:
    """Run the cells in their order; equal scenarios are run once."""
    total = sum(loaded.scenario.run.paths for _, loaded in pairs)
    done, outcomes = 0, list[Outcome]()
    known: dict[tuple[str, int, int], Outcome] = {}
    drawn: Drawn | None = None
    for index, (cell, loaded) in enumerate(pairs):

        def report(paths: int, _all: int, before: int = done, label: str = cell.label) -> None:
            if progress is not None:
                progress(before + paths, total, label)

        report(0, 0)
        run = loaded.scenario.run
        same = loaded.digest, run.seed, run.paths
        if same not in known:
            place = folder / CELLS / f"{index:04d}"
            known[same], own = _cell(place, cell, loaded, threads, keep_runs, report, drawn)
            drawn = drawn or own
        outcomes.append(replace(known[same], cell=cell))
        done += run.paths
    return outcomes


def _prepare(folder: Path, pairs: Sequence[tuple[Cell, Loaded]], resume: bool, force: bool) -> None:
    """Make the folder this sweep's."""
    wanted = {"cells": [{"label": cell.label, "digest": loaded.digest} for cell, loaded in pairs]}
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; -o names another folder")
    if folder.is_dir() and any(folder.iterdir()):
        if not (resume or force):
            raise UsageError(
                f"{folder} is not empty: --resume completes its sweep, --force replaces it, -o names another"
            )
        if not (folder / PLAN).is_file():
            raise UsageError(f"{folder} holds other files than a sweep's; -o names another folder")
        if force:
            for name in (PLAN, "summary.json", "summary.parquet", "report.html", "report.md"):
                (folder / name).unlink(missing_ok=True)
            for name in (CELLS, "charts"):
                shutil.rmtree(folder / name, ignore_errors=True)
        elif store.read_json(folder / PLAN) != wanted:
            raise NotComparable(f"{folder} was begun as another sweep and cannot be resumed")
    folder.mkdir(parents=True, exist_ok=True)
    store.write_json(folder / PLAN, wanted)


@dataclass(frozen=True)
class Drawn:
    """How the paths of a cell with importance sampling were drawn."""

    plan: Plan
    laws: Decision

    def for_(self, plan: Plan) -> Decision | None:
        """The laws for another cell, where prices have the same law: its paths then are those of this one."""
        asked, mine = (each.loaded.scenario.run.sampling for each in (plan, self.plan))
        same = asked == mine and (plan.seed, plan.venue.clock) == (self.plan.seed, self.plan.venue.clock)
        models = zip(plan.models, self.plan.models, strict=True)
        return self.laws if same and all(np.array_equal(one, other) for one, other in models) else None


def _cell(
    place: Path,
    cell: Cell,
    loaded: Loaded,
    threads: int,
    keep_run: bool,
    progress: Callable[[int, int], None],
    drawn: Drawn | None,
) -> tuple[Outcome, Drawn | None]:
    """Run one cell, or take what is there of it; with the laws of importance sampling that it found."""
    plan = build(loaded)
    laws = None if drawn is None else drawn.for_(plan)
    origin = asdict(Provenance.of(plan))
    figures, paths = place.with_suffix(".json"), place.with_suffix(".parquet")
    known = store.read_json(figures) if figures.is_file() and paths.is_file() else {}
    if known.get("provenance") != origin or (keep_run and not (place / store.MANIFEST).is_file()):
        # An unfinished run of this very cell is continued, any other is replaced.
        begun = origin if laws is None else asdict(Provenance.of(sampling.with_laws(plan, laws)))
        mine = (place / store.IDENTITY).is_file() and store.read_json(place / store.IDENTITY) == begun
        force = not mine and place.is_dir()
        engine.run(plan, place, threads=threads, resume=mine, force=force, progress=progress, laws=laws)
        known = _keep(place, cell, loaded, origin)
        if not keep_run:
            shutil.rmtree(place)
    progress(loaded.scenario.run.paths, loaded.scenario.run.paths)
    found = known.get("sampling")
    own = None if found is None else Drawn(plan, Decision.of_json(found))
    return Outcome(cell, loaded.canonical, known["sizing"], losses_of(paths)), own


def _keep(place: Path, cell: Cell, loaded: Loaded, origin: dict[str, Any]) -> dict[str, Any]:
    """Write what outlives a cell's run: its sizing and the losses of every path; the sizing last."""
    run = store.load(place)
    sizing: Sizing = size(run)
    whole = run.paths.assign(**{BORNE: _borne(run), FORGONE: _forgone(run)})
    frame = whole[[name for name in KEPT if name in whole]]
    with store.replacing(place.with_suffix(".parquet")) as temporary:
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), temporary, compression="zstd")
    known = {
        "label": cell.label,
        "settings": [list(setting) for setting in cell.settings],
        "overrides": list(cell.overrides),
        "edits": [list(edit) for edit in cell.edits],
        "provenance": origin,
        "weighted": path_weights(run) is not None,
        "sampling": None if (laws := sampling.kept(place)) is None else laws.to_json(),
        "sizing": sizing.to_dict(),
    }
    store.write_json(place.with_suffix(".json"), known)
    return known


def _borne(run: store.Run) -> Any:
    """Debts of accounts and layers that the ADL layers of each path and pool bore, in the order of ``paths``."""
    layers = run.layers[run.layers["kind"] == "adl"]
    sums = (layers["paid"] + layers["paid_for_layers"]).groupby([layers["path"], layers["pool"]]).sum()
    keys = pd.MultiIndex.from_frame(run.paths[["path", "pool"]])
    return sums.reindex(keys, fill_value=0.0).to_numpy()


def _forgone(run: store.Run) -> Any:
    """What positions closed by ADL would have gained by the end of each path; null where several pools share it."""
    if run.paths["pool"].nunique() > 1:
        return math.nan
    markets = run.markets
    gained = markets["adl_units"] * markets["price_end"] - markets["adl_fill_value"]
    return gained.groupby(markets["path"]).sum().reindex(run.paths["path"], fill_value=0.0).to_numpy()
