"""Tables of a book, from CSV or Parquet to clean columns that know their line."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from stress.book.findings import Findings, Rows
from stress.kernels.structs import Floats, Ints
from stress.scenario.hints import did_you_mean

_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
"""What a number in text looks like: no ``nan``, ``inf``, underscores or separators of thousands."""

_CONTROL = r"[\x00-\x1f\x7f]"

Texts = NDArray[np.object_]


class Column(NamedTuple):
    """A column of a table and what it may hold."""

    name: str
    kind: Literal["text", "number", "time"]
    """A time is a time stamp, ISO 8601 text (UTC unless it says otherwise) or a number, and becomes Unix seconds."""
    required: bool
    whole: bool = False
    """Whether no row may leave it empty if the file has it; always so where it is required."""


@dataclass(frozen=True)
class Table:
    """Rows of a file; absent optional columns are empty text or NaN."""

    file: str
    line: Ints
    """[row] line of a CSV file, the header being 1; row of a Parquet file, the first being 1."""
    texts: Mapping[str, Texts]
    """[row] text by column, "" where missing."""
    numbers: Mapping[str, Floats]
    """[row] numbers and times by column, NaN where missing."""
    present: frozenset[str]
    """Columns the file has."""

    def where(self, row: int) -> str:
        """Where a row stands, in words."""
        return f"{'row' if self.file.lower().endswith('.parquet') else 'line'} {self.line[row]}"

    def select(self, rows: Rows) -> Table:
        """The table with only some of its rows."""
        return Table(
            self.file,
            self.line[rows],
            {name: values[rows] for name, values in self.texts.items()},
            {name: values[rows] for name, values in self.numbers.items()},
            self.present,
        )


def read_table(path: Path, columns: Sequence[Column], findings: Findings, *, others: bool = False) -> Table:
    """Read a ``.csv`` or ``.parquet`` file into clean columns; with ``others`` it may have more, which are left out.

    Raises
    ------
    MalformedInput
        The file cannot be read, columns are missing or unknown, or rows lack a value or hold text for a number.
    """
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".parquet"):
        findings.stop(f"the name of a table ends in .csv or .parquet, not in {suffix!r}")
    try:
        table, line = (_read_csv if suffix == ".csv" else _read_parquet)(path, columns, findings, others)
        return _clean(table, line, columns, findings)
    except (pa.ArrowException, UnicodeDecodeError) as error:
        findings.stop(f"damaged, or not a {suffix[1:]} file: {_first_line(error)}")
    except OSError as error:
        findings.stop(f"cannot be read: {error.strerror or _first_line(error)}")


def _first_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]


def _read_csv(path: Path, columns: Sequence[Column], findings: Findings, others: bool) -> tuple[pa.Table, Ints]:
    """All cells as text, and the line of each row; blank lines are left out, ragged ones are findings."""
    data = path.read_bytes()
    if not data.strip():
        findings.stop("the file is empty")
    try:
        header = data.decode("utf-8-sig").splitlines()[0]
    except UnicodeDecodeError as error:
        findings.stop("not UTF-8 text", line=data.count(b"\n", 0, error.start) + 1)
    names = [name.strip() for name in next(csv.reader([header]), [])]
    _check_header(names, columns, findings, 1, others)
    ragged: list[int] = []

    def skip(row: pyarrow.csv.InvalidRow) -> str:
        ragged.append(row.number)
        quote = ", is a quote left open" if row.text.count('"') % 2 else ""
        findings.add("", f"{row.actual_columns} values in {row.expected_columns} columns{quote}", row.number)
        return "skip"

    # One thread and one block: only then does pyarrow number the rows it refuses.
    table = pyarrow.csv.read_csv(
        pa.BufferReader(data + b"\n"),  # a header alone is a table only with its line ended
        pyarrow.csv.ReadOptions(use_threads=False, block_size=min(len(data) + 1, 2**31 - 1)),
        pyarrow.csv.ParseOptions(ignore_empty_lines=False, invalid_row_handler=skip),
        pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
    )
    table = table.rename_columns(names)
    line = np.delete(np.arange(2, table.num_rows + len(ragged) + 2), np.array(ragged, dtype=np.int64) - 2)
    blank = np.ones(table.num_rows, dtype=np.bool_)
    for column in table.columns:
        blank &= pc.equal(column, "").to_numpy()
    return table.filter(pa.array(~blank)), line[~blank]


def _read_parquet(path: Path, columns: Sequence[Column], findings: Findings, others: bool) -> tuple[pa.Table, Ints]:
    if path.stat().st_size == 0:
        findings.stop("the file is empty")
    with pa.OSFile(str(path)) as file:
        table = pyarrow.parquet.read_table(file)
    # What pandas adds to a frame whose index is not 0, 1, 2, ... is no column of the user's.
    table = table.drop_columns([name for name in table.column_names if name.startswith("__index_level_")])
    _check_header(table.column_names, columns, findings, None, others)
    return table, np.arange(1, table.num_rows + 1)


def _check_header(
    names: list[str], columns: Sequence[Column], findings: Findings, line: int | None, others: bool
) -> None:
    """Stop unless every required column is there once and, but with ``others``, no unknown one is."""
    known = [column.name for column in columns]
    missing = [column.name for column in columns if column.required and column.name not in names]
    unknown = [] if others else [name for name in dict.fromkeys(names) if name not in known]
    for name in unknown:
        separators = "; columns are separated by commas" if ";" in name or "\t" in name else ""
        findings.add(name, f"unknown column{separators or did_you_mean(name, known)}", line)
    for name in missing:
        findings.add(name, f"missing column, the file has {', '.join(names)}", line)
    for name in known:
        if names.count(name) > 1:
            findings.add(name, "the column is there twice", line)
    findings.settle()


def _clean(table: pa.Table, line: Ints, columns: Sequence[Column], findings: Findings) -> Table:
    texts: dict[str, Texts] = {}
    numbers: dict[str, Floats] = {}
    for column in columns:
        if column.name not in table.column_names:
            if column.kind == "text":
                texts[column.name] = np.full(len(line), "", dtype=np.object_)
            else:
                numbers[column.name] = np.full(len(line), np.nan)
            continue
        values = _plain(table.column(column.name))
        asked = column._replace(required=column.required or column.whole)
        if column.kind == "text":
            texts[column.name] = _texts(values, line, asked, findings)
        else:
            read = _times if column.kind == "time" else _numbers
            numbers[column.name] = read(values, line, asked, findings)
    return Table(findings.file, line, texts, numbers, frozenset(table.column_names))


def _plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """The same values in an encoding that the text functions of pyarrow take."""
    if pa.types.is_dictionary(values.type):
        values = pc.cast(values, values.type.value_type)
    return pc.cast(values, pa.string()) if pa.types.is_string_view(values.type) else values


def _texts(values: pa.ChunkedArray, line: Ints, column: Column, findings: Findings) -> Texts:
    """Names without blanks around them; whole numbers are names too."""
    if pa.types.is_integer(values.type) or pa.types.is_null(values.type):
        values = pc.cast(values, pa.string())
    if not _is_text(values.type):
        findings.stop(f"expected text, the column holds {values.type}", column.name)
    values = pc.fill_null(pc.utf8_trim_whitespace(values), "")
    texts: Texts = values.to_numpy()
    unprintable = pc.match_substring_regex(values, _CONTROL).to_numpy()
    findings.add_rows(
        unprintable, line, column.name, lambda row: f"unprintable characters in {texts[row]!r}", malformed=True
    )
    if column.required:
        findings.add_rows(pc.equal(values, "").to_numpy(), line, column.name, lambda _: "missing", malformed=True)
    return texts


def _numbers(values: pa.ChunkedArray, line: Ints, column: Column, findings: Findings) -> Floats:
    """Finite numbers, NaN where missing; text must read as a decimal number."""
    kind = values.type
    if _is_text(kind):
        return _numbers_of_text(values, line, column, findings)
    if not (
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind)
    ):
        findings.stop(f"expected numbers, the column holds {kind}", column.name)
    numbers: Floats = pc.cast(values, pa.float64(), safe=False).to_numpy()
    missing = pc.is_null(values).to_numpy()
    odd = ~np.isfinite(numbers) & ~missing
    return _finite(numbers, missing, odd, line, column, findings)


def _numbers_of_text(values: pa.ChunkedArray, line: Ints, column: Column, findings: Findings) -> Floats:
    values = pc.fill_null(pc.utf8_trim_whitespace(values), "")
    missing = pc.equal(values, "").to_numpy()
    reads = pc.match_substring_regex(values, _NUMBER)
    digits = pc.if_else(reads, pc.utf8_ltrim(values, "+"), pa.scalar(None, values.type))
    numbers: Floats = pc.cast(digits, pa.float64()).to_numpy()
    wrong = ~missing & ~reads.to_numpy()
    findings.add_rows(
        wrong, line, column.name, lambda row: f"expected a number, got {values[row].as_py()!r}", malformed=True
    )
    return _finite(numbers, missing, np.isinf(numbers), line, column, findings)


def _finite(numbers: Floats, missing: Rows, odd: Rows, line: Ints, column: Column, findings: Findings) -> Floats:
    findings.add_rows(
        odd, line, column.name, lambda row: f"expected a finite number, got {numbers[row]}", malformed=True
    )
    if column.required:
        findings.add_rows(missing, line, column.name, lambda _: "missing", malformed=True)
    return np.where(odd, np.nan, numbers)


def _times(values: pa.ChunkedArray, line: Ints, column: Column, findings: Findings) -> Floats:
    """Unix seconds; numbers are taken as they are."""
    if pa.types.is_date(values.type):
        values = pc.cast(values, pa.timestamp("s"))
    if pa.types.is_timestamp(values.type):
        missing = pc.is_null(values).to_numpy()
        if column.required:
            findings.add_rows(missing, line, column.name, lambda _: "missing", malformed=True)
        numbers = pc.fill_null(pc.cast(pc.cast(values, pa.timestamp("us")), pa.int64()), 0).to_numpy() / 1e6
        return np.where(missing, np.nan, numbers)
    if not _is_text(values.type) or pc.all(pc.match_substring_regex(values, _NUMBER), skip_nulls=True).as_py():
        return _numbers(values, line, column, findings)
    texts = pc.fill_null(pc.utf8_trim_whitespace(values), "").to_numpy()
    stamps = pd.to_datetime(pd.Series(texts), format="ISO8601", utc=True, errors="coerce")
    wrong = stamps.isna().to_numpy()
    findings.add_rows(
        wrong,
        line,
        column.name,
        lambda row: f"expected a time such as 2025-10-10T21:20:00 or Unix seconds, got {texts[row]!r}",
        malformed=True,
    )
    return np.where(wrong, np.nan, stamps.dt.as_unit("us").astype("int64").to_numpy() / 1e6)


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
