"""Runs as importance sampling leaves them, made of plain ones, so that the truth is known.

Paths of a plain run are drawn again, the severe ones too often, and carry what makes up for it. In the mean over draws
every weighted figure is then the figure of the plain run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

import stress
from stress import columns, store, summary

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DEFENSIVE = 0.1
"""Share of the paths that are drawn from the plain run's own law."""


def severity(run: stress.Run) -> Floats:
    """[w] what the tilted law prefers: bad debt over all pools, and required funds."""
    columns_of = run.paths.groupby("path")[["bad_debt", "required_fund"]].sum()
    total: Floats = columns_of.to_numpy(dtype=np.float64).sum(axis=1)
    return total


def draw(loss: Floats, paths: int, seed: int) -> tuple[Ints, Floats, Ints]:
    """Numbers of drawn paths, weights and components; one path in ten from the plain law, as the number says.

    Half of the tilted law lies evenly on paths with a loss, half in proportion to the square root of the loss.
    """
    rng = np.random.default_rng(seed)
    tilted = np.where(loss > 0.0, 0.5 / max(np.count_nonzero(loss), 1), 0.0)
    tilted = tilted + 0.5 * np.sqrt(loss) / np.sqrt(loss).sum()
    component = (np.arange(paths) % round(1.0 / DEFENSIVE) > 0).astype(np.int64)
    number = np.where(
        component > 0, rng.choice(loss.size, paths, p=tilted / tilted.sum()), rng.integers(loss.size, size=paths)
    )
    mixture = DEFENSIVE / loss.size + (1.0 - DEFENSIVE) * tilted / tilted.sum()
    return number, 1.0 / loss.size / mixture[number], component


def resampled(run: stress.Run, folder: Path, paths: int, seed: int = 1) -> stress.Run:
    """A weighted run of so many paths drawn from those of a plain one."""
    return write(run, folder, *draw(severity(run), paths, seed))


def with_ones(run: stress.Run, folder: Path) -> stress.Run:
    """The same run with a weight of 1 on every path."""
    paths = run.manifest["paths"]
    return write(run, folder, np.arange(paths), np.ones(paths), np.zeros(paths, dtype=np.int64))


def write(run: stress.Run, folder: Path, number: Ints, weight: Floats, component: Ints) -> stress.Run:
    """A run of the given paths of another one, with weights and components."""
    tables = {name: _taken(run, columns.TABLES[name], number) for name in store.PART_TABLES}
    paths = tables[columns.PATHS.name]
    rows = paths["path"].to_numpy()
    for column, values in ((columns.WEIGHT, weight), (columns.COMPONENT, component)):
        paths = paths.append_column(column.field(), pa.array(values[rows]))
    tables[columns.PATHS.name] = paths
    entry = store.write_part(folder, 0, 0, number.size, tables, {})
    pools = run.manifest["pools"]
    draft = store.Run(folder, {"parts": [entry]})
    singles = {"exceedance": summary.exceedance(draft, pools)}
    singles |= {name: run.table(name) for name in (columns.WORST_POOLS.name, columns.WORST_MARKETS.name)}
    written = {
        name: store.write_table(folder / place, singles[name], {}) for name, place in store.SINGLE_TABLES.items()
    }
    store.write_json(folder / store.RESOLVED, run.scenario)
    store.write_json(folder / store.SUMMARY, summarised(store.Run(folder, run.manifest | {"parts": [entry]})))
    changed = {"parts": [entry], "tables": written, "paths": int(number.size)}
    files = {name: store.file_hash(folder / name) for name in (store.RESOLVED, store.SUMMARY)}
    changed |= {"files": files, "content_hash": store.combined_hash([entry], written)}
    store.write_json(folder / store.MANIFEST, run.manifest | changed)
    return stress.load(folder)


def _taken(run: stress.Run, spec: columns.Table, number: Ints) -> pa.Table:
    """Rows of the given paths, numbered anew."""
    table = run.table(spec.name)
    path = table["path"].to_numpy()
    first, last = (np.searchsorted(path, number, side=side) for side in ("left", "right"))
    rows = np.concatenate([np.arange(start, end) for start, end in zip(first, last, strict=True)])
    taken = table.take(pa.array(rows))
    anew = pa.array(np.repeat(np.arange(number.size), last - first))
    return taken.set_column(0, spec.columns[0].field(), anew).cast(spec.schema())


def summarised(run: stress.Run) -> Any:
    """The summary of a run, formed anew: made-up runs have none."""
    layers = [(layer["pool"], layer["name"], layer["kind"]) for layer in run.manifest["layers"]]
    return summary.summarise(run, run.manifest["pools"], layers, run.manifest["markets"])
