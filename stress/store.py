"""A run folder: Parquet parts, JSON files and the manifest that completes it.

Layout, all names fixed::

    identity.json            what the numbers depend on; written first
    scenario.yaml            the scenario as given
    scenario.resolved.json   the scenario as run: canonical, nothing inherited
    sampling.json            the laws of importance sampling; with sampling in the scenario only
    paths|layers|markets|owners/part-00000.parquet   fixed ranges of paths
    worst/pools.parquet, worst/markets.parquet
    exceedance.parquet, summary.json, data-dictionary.json
    log.jsonl                wall times; the only file that differs between equal runs
    manifest.json            written last: the run is complete if and only if it is there

Every file but the log appears by an atomic rename, so that a killed run
leaves whole parts only. A part carries the hash of its own rows.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from numpy.typing import NDArray

from stress import columns
from stress.errors import IncompleteRun

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 1
"""Version of the layout; a reader refuses a newer one."""

MANIFEST = "manifest.json"
IDENTITY = "identity.json"
SCENARIO = "scenario.yaml"
RESOLVED = "scenario.resolved.json"
SUMMARY = "summary.json"
DICTIONARY = "data-dictionary.json"
SAMPLING = "sampling.json"
"""The laws of importance sampling, where a scenario asks for it; kept by --resume and merge."""
LOG = "log.jsonl"
SHARD = "shard.json"
"""Marks a folder that holds one share of a run's parts."""
PART_TABLES: tuple[str, ...] = (columns.PATHS.name, columns.LAYERS.name, columns.MARKETS.name, columns.OWNERS.name)
PLAIN_FILES: tuple[str, ...] = (SCENARIO, RESOLVED, SUMMARY, DICTIONARY)
"""Files other than tables whose bytes the manifest vouches for."""
SINGLE_TABLES: dict[str, str] = {
    columns.WORST_POOLS.name: "worst/pools.parquet",
    columns.WORST_MARKETS.name: "worst/markets.parquet",
    columns.EXCEEDANCE.name: "exceedance.parquet",
}
"""Tables that are one file, and its place in the folder."""

FILES: tuple[str, ...] = (MANIFEST, IDENTITY, SHARD, *PLAIN_FILES, SAMPLING, LOG, "exceedance.parquet")
FOLDERS: tuple[str, ...] = (*PART_TABLES, "worst", "report")
"""Everything a run and its report leave in the folder."""

_HASH = b"content_sha256"
_COMPRESSION_LEVEL = 3


def part_file(table: str, index: int) -> str:
    """Place of part ``index`` of a table in its run folder."""
    return f"{table}/part-{index:05d}.parquet"


# --- content ---------------------------------------------------------------------------------------------------------


def to_table(
    spec: columns.Table, keys: Sequence[pa.Array], values: NDArray[np.float64], optional: Sequence[pa.Array] = ()
) -> pa.Table:
    """Arrow table of ``values[row, column]`` under the key columns, with the optional columns where they are given.

    Non-finite values become null in nullable columns. Minus zero becomes zero,
    so that equal numbers have equal bytes.

    :raises ValueError: non-finite value in a column that cannot be null.
    """
    arrays = list(keys)
    for k, column in enumerate(spec.values):
        data = values[:, k] + 0.0
        finite = np.isfinite(data)
        if pa.types.is_integer(column.type):
            data = np.where(finite, data, 0.0).astype(np.int64)
        if column.nullable:
            arrays.append(pa.array(data, type=column.type, mask=~finite))
        elif finite.all():
            arrays.append(pa.array(data, type=column.type))
        else:
            raise ValueError(f"column {column.name} of table {spec.name} has a value that is not finite")
    return pa.Table.from_arrays([*arrays, *optional], schema=spec.schema(bool(optional)))


def content_hash(table: pa.Table) -> str:
    """SHA-256 of the rows in their order, whatever their chunks, encoding or metadata.

    Per column: name, type and row count, the validity of each row, then the
    values little-endian with nulls as zero; text as its distinct values in
    order of appearance and one number per row.
    """
    digest = hashlib.sha256()
    for name, column in zip(table.column_names, table.columns, strict=True):
        digest.update(f"{name}\0{column.type}\0{len(column)}\0".encode())
        array = column.combine_chunks()
        digest.update(np.packbits(np.asarray(array.is_valid())).tobytes())
        if pa.types.is_string(array.type):
            encoded = array.dictionary_encode()
            for word in encoded.dictionary.to_pylist():
                digest.update(len(word.encode()).to_bytes(8, "little") + word.encode())
            array = encoded.indices
        values = array.fill_null(0).to_numpy()
        digest.update(values.astype(values.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes; of nothing where there is no such file."""
    with suppress(FileNotFoundError):
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return ""


def combined_hash(parts: Sequence[Mapping[str, Any]], singles: Mapping[str, Mapping[str, Any]]) -> str:
    """One hash of all rows of a run, from the hashes of its parts and single tables."""
    digest = hashlib.sha256()
    for index, part in enumerate(parts):
        for table in PART_TABLES:
            digest.update(f"{part_file(table, index)} {part['sha256'][table]}\n".encode())
    for table, place in SINGLE_TABLES.items():
        digest.update(f"{place} {singles[table]['sha256']}\n".encode())
    return digest.hexdigest()


# --- writing ---------------------------------------------------------------------------------------------------------


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside ``path`` that takes its place when the block ends without an error.

    Its name starts with a dot, which dataset readers skip, and holds the
    process number, so that two processes do not write into the same file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name}.{os.getpid()}.tmp"
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def write_json(path: Path, value: object) -> None:
    """Write JSON with sorted keys and a final newline; NaN and infinity are refused."""
    text = json.dumps(value, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
    with replacing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def write_table(path: Path, table: pa.Table, provenance: Mapping[str, str]) -> dict[str, Any]:
    """Write one Parquet file that carries its provenance and content hash; return rows and hash."""
    digest = content_hash(table)
    metadata = {**{key.encode(): value.encode() for key, value in provenance.items()}, _HASH: digest.encode()}
    with replacing(path) as temporary:
        pq.write_table(
            table.replace_schema_metadata(metadata),
            temporary,
            compression="zstd",
            compression_level=_COMPRESSION_LEVEL,
        )
    return {"rows": table.num_rows, "sha256": digest}


def write_part(
    folder: Path,
    index: int,
    first: int,
    paths: int,
    tables: Mapping[str, pa.Table],
    provenance: Mapping[str, str],
) -> dict[str, Any]:
    """Write the tables of one part; return its entry in the manifest."""
    stamped = {**provenance, "first_path": str(first), "part_paths": str(paths)}
    written = {name: write_table(folder / part_file(name, index), tables[name], stamped) for name in PART_TABLES}
    return _part_entry(first, paths, written)


def _part_entry(first: int, paths: int, written: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "first": first,
        "paths": paths,
        "rows": {name: written[name]["rows"] for name in PART_TABLES},
        "sha256": {name: written[name]["sha256"] for name in PART_TABLES},
    }


def kept_part(folder: Path, index: int, first: int, paths: int, provenance: Mapping[str, str]) -> dict[str, Any] | None:
    """Manifest entry of a part already there and whole, or None where it must be run again."""
    expected = {**provenance, "first_path": str(first), "part_paths": str(paths)}
    written = {}
    for name in PART_TABLES:
        try:
            table = pq.read_table(folder / part_file(name, index))
        except (OSError, pa.ArrowException):
            return None
        metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
        digest = content_hash(table)
        if metadata.pop(_HASH.decode(), None) != digest or metadata != expected:
            return None
        written[name] = {"rows": table.num_rows, "sha256": digest}
    return _part_entry(first, paths, written)


def log(folder: Path, event: str, **values: object) -> None:
    """Append one line to the log of wall times."""
    with (folder / LOG).open("a", encoding="utf-8") as handle:
        handle.write(json.dumps({"event": event, **values}) + "\n")


# --- reading ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """A complete run on disk; frames are read when first asked for."""

    folder: Path
    manifest: dict[str, Any]

    @cached_property
    def scenario(self) -> dict[str, Any]:
        """The scenario as run, canonical."""
        return read_json(self.folder / RESOLVED)

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Figures over all paths: :func:`stress.summary.summarise`."""
        return read_json(self.folder / SUMMARY)

    @cached_property
    def paths(self) -> pd.DataFrame:
        """One row per path and pool."""
        return self.frame(columns.PATHS.name)

    @cached_property
    def weights(self) -> NDArray[np.float64] | None:
        """[w] likelihood ratios of the paths; None where they were drawn from the scenario's own law."""
        return self._by_path(columns.WEIGHT)

    @cached_property
    def components(self) -> NDArray[np.int64] | None:
        """[w] the law that each path was drawn from, as :attr:`weights`."""
        return self._by_path(columns.COMPONENT)

    def _by_path(self, column: columns.Column) -> NDArray[Any] | None:
        """[w] an optional column of ``paths``; None where the run does not have it."""
        spec = columns.PATHS
        if column.name not in _schema(self.folder / self.files(spec.name)[0], spec).names:
            return None
        frame = self.frame(spec.name, ["path", column.name]).drop_duplicates("path")
        return frame[column.name].to_numpy()

    @cached_property
    def layers(self) -> pd.DataFrame:
        """One row per path and layer."""
        return self.frame(columns.LAYERS.name)

    @cached_property
    def markets(self) -> pd.DataFrame:
        """One row per path and market."""
        return self.frame(columns.MARKETS.name)

    @cached_property
    def owners(self) -> pd.DataFrame:
        """The owners that caused and paid most on each path, by pool."""
        return self.frame(columns.OWNERS.name)

    @cached_property
    def worst_pools(self) -> pd.DataFrame:
        """Step-by-step record of the recorded paths by pool."""
        return self.frame(columns.WORST_POOLS.name)

    @cached_property
    def worst_markets(self) -> pd.DataFrame:
        """Step-by-step record of the recorded paths by market."""
        return self.frame(columns.WORST_MARKETS.name)

    @cached_property
    def exceedance(self) -> pd.DataFrame:
        """Loss exceedance curves."""
        return self.frame(columns.EXCEEDANCE.name)

    def frame(self, table: str, names: Sequence[str] | None = None) -> pd.DataFrame:
        """A table, or some of its columns, as a pandas frame in path order; nulls are NaN.

        :raises IncompleteRun: a file is missing or cannot be read.
        """
        frame: pd.DataFrame = self.table(table, names).to_pandas()
        return frame

    def table(self, table: str, names: Sequence[str] | None = None) -> pa.Table:
        """As :meth:`frame`, as an Arrow table."""
        files = [self.folder / place for place in self.files(table)]
        return read_files(files, columns.TABLES[table], names)

    def verify(self) -> None:
        """Read every table and file, and compare them with the manifest.

        :raises IncompleteRun: naming the first file that differs.
        """
        for index, part in enumerate(self.manifest["parts"]):
            for name in PART_TABLES:
                self._verify(part_file(name, index), name, part["rows"][name], part["sha256"][name])
        for name, place in SINGLE_TABLES.items():
            entry = self.manifest["tables"][name]
            self._verify(place, name, entry["rows"], entry["sha256"])
        for name, digest in self.manifest["files"].items():
            if file_hash(self.folder / name) != digest:
                raise IncompleteRun(f"{self.folder / name}: changed since the manifest was written")
        if combined_hash(self.manifest["parts"], self.manifest["tables"]) != self.manifest["content_hash"]:
            raise IncompleteRun(f"{self.folder / MANIFEST}: the content hash does not match the parts")

    def _verify(self, place: str, table: str, rows: int, digest: str) -> None:
        content = read_files([self.folder / place], columns.TABLES[table])
        if content.num_rows != rows or content_hash(content) != digest:
            raise IncompleteRun(f"{self.folder / place}: the rows are not those that the manifest was written for")

    def files(self, table: str) -> list[str]:
        """Places of a table's files in the folder, in path order."""
        if table in SINGLE_TABLES:
            return [SINGLE_TABLES[table]]
        return [part_file(table, index) for index in range(len(self.manifest["parts"]))]


def read_files(files: Sequence[Path], spec: columns.Table, names: Sequence[str] | None = None) -> pa.Table:
    """Rows of Parquet files in the order of the files.

    :raises IncompleteRun: a file is missing, damaged, or not of this table.
    """
    for file in files:
        if not file.is_file():
            raise IncompleteRun(f"{file}: missing from the run")
    try:
        schema = _schema(files[0], spec)
        dataset = ds.dataset(list(map(str, files)), schema=schema)
        for fragment in dataset.get_fragments():
            # A scan would fill columns that a file lacks with nulls.
            if not fragment.physical_schema.equals(schema):
                raise IncompleteRun(f"{fragment.path}: its columns are not those of table {spec.name}")
        return dataset.to_table(columns=list(names) if names else None)
    except (OSError, pa.ArrowException) as error:
        raise IncompleteRun(f"{_damaged(files)}: cannot be read: {error}") from None


def _schema(file: Path, spec: columns.Table) -> pa.Schema:
    """Schema that a table's files should have, with the optional columns where this one has any of them.

    :raises IncompleteRun: the file is missing or cannot be read.
    """
    try:
        names = set(pq.read_schema(file).names)
    except (OSError, pa.ArrowException) as error:
        raise IncompleteRun(f"{file}: cannot be read: {error}") from None
    return spec.schema(any(column.name in names for column in spec.optional))


def _damaged(files: Sequence[Path]) -> Path:
    """The first file that cannot be read alone."""
    for file in files:
        try:
            pq.read_table(file)
        except (OSError, pa.ArrowException):
            return file
    return files[0].parent


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object of a run folder.

    :raises IncompleteRun: missing, damaged, or not an object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise IncompleteRun(f"{path}: missing from the run") from None
    except (OSError, ValueError) as error:
        raise IncompleteRun(f"{path}: cannot be read: {error}") from None
    if not isinstance(value, dict):
        raise IncompleteRun(f"{path}: not a JSON object")
    return value


def load(folder: str | os.PathLike[str]) -> Run:
    """Open a complete run.

    :raises IncompleteRun: no manifest, a manifest of a newer format, or a missing file.
    """
    place = Path(folder)
    if not place.is_dir():
        raise IncompleteRun(f"{place}: no such run folder")
    if not (place / MANIFEST).is_file():
        hint = "; finish it with run --resume" if (place / IDENTITY).is_file() else ""
        raise IncompleteRun(f"{place}: no {MANIFEST}: not a complete run{hint}")
    manifest = read_json(place / MANIFEST)
    version = manifest.get("format")
    if not isinstance(version, int) or version > FORMAT:
        raise IncompleteRun(
            f"{place / MANIFEST}: format {version!r} is not known to this version, which reads {FORMAT}"
        )
    if not manifest.get("complete") or not manifest.get("parts"):
        raise IncompleteRun(f"{place / MANIFEST}: does not say that the run is complete")
    run = Run(place, manifest)
    for file in (RESOLVED, SUMMARY, *(file for table in columns.TABLES for file in run.files(table))):
        if not (place / file).is_file():
            raise IncompleteRun(f"{place / file}: missing from the run")
    return run
