"""Formats of exports: one file each, and the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stress.book.findings import Findings, gathered, together
from stress.errors import InvalidInput, UsageError
from stress.imports import dydx, hyperliquid, positions
from stress.imports.export import Export


@dataclass(frozen=True)
class Options:
    """What a format may be told."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """Column of a field of a table, where its name is not known."""


@dataclass(frozen=True)
class Format:
    """One kind of export."""

    words: str
    """What it is, for the help."""
    suffixes: tuple[str, ...]
    """Endings by which a file is taken for it."""
    read: Callable[[Path, Findings, Export, Options], None]
    """Adds what a file holds to an export."""
    has_columns: bool = False
    """Whether columns can be named."""


FORMATS: dict[str, Format] = {
    "hyperliquid": Format(
        "states of Hyperliquid's clearinghouse, JSON or a state on each line",
        (".json", ".jsonl", ".ndjson"),
        lambda path, findings, export, options: hyperliquid.read(path, findings, export),
    ),
    "dydx": Format(
        "subaccounts of dYdX v4's indexer, JSON or an answer on each line; --format names it",
        (),
        lambda path, findings, export, options: dydx.read(path, findings, export),
    ),
    "positions": Format(
        "a table with one open position in each row",
        (".csv", ".parquet"),
        lambda path, findings, export, options: positions.read(path, findings, export, options.columns),
        has_columns=True,
    ),
}
"""Every format by the name that ``--format`` takes."""


def format_of(path: Path) -> str:
    """Format of a file by its ending.

    Raises:
        UsageError: no format has it.
    """
    for name, known in FORMATS.items():
        if path.suffix.lower() in known.suffixes:
            return name
    endings = ", ".join(ending for known in FORMATS.values() for ending in known.suffixes)
    raise UsageError(f"{path}: the ending says no format (known: {endings}); --format does")


def read_exports(files: Sequence[Path], format: str | None = None, options: Options | None = None) -> Export:
    """Read files into one export.

    Raises:
        InvalidInput: with the mistakes of all files.
        UsageError: a file's format is not known, or an option is none of its format's.
    """
    export, errors, asked = Export(), list[InvalidInput](), options or Options()
    names = [format or format_of(path) for path in files]
    if asked.columns and not any(FORMATS[name].has_columns for name in names):
        raise UsageError("--column names columns of a table, and there is none among the files")
    for path, name in zip(files, names, strict=True):
        findings = Findings(str(path))
        with gathered(errors):
            FORMATS[name].read(path, findings, export, asked)
            findings.settle()
    if errors:
        raise together(errors)
    return export
