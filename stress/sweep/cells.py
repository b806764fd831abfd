"""What is varied: from the words of the command line to the cells of a sweep."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stress.errors import UsageError

MOST_CELLS = 10_000
"""More cells than that are a slip of the pen."""

GRID, LIST, ONE = "grid", "list", "one-at-a-time"
MODES = (GRID, LIST, ONE)
"""Every combination; the n-th values of all together; each value alone, the others as in the scenario."""

_FACTOR = re.compile(r"x(\d+(?:\.\d*)?|\.\d+)")
_OPENING, _CLOSING = "([{", ")]}"


@dataclass(frozen=True)
class Varied:
    """A path of the scenario and the values it takes."""

    path: str
    """Dotted; a step ``*`` stands for every key or entry that has the rest of the path."""
    values: tuple[str, ...]
    """As in a scenario file; ``x1.5`` multiplies what is there."""

    @property
    def name(self) -> str:
        """Last words of the path, enough for a label."""
        steps = [step for step in self.path.split(".") if step != "*" and not step.isdigit()]
        return " ".join(steps[-2:]).replace("_", " ")


@dataclass(frozen=True)
class Cell:
    """One scenario of a sweep."""

    label: str
    settings: tuple[tuple[str, str], ...]
    """What is varied and to what, in the order of the command line; empty for the scenario itself."""
    overrides: tuple[str, ...] = ()
    """Arguments of ``--set`` that make it."""
    edits: tuple[tuple[str, Any], ...] = ()
    """Places of the canonical scenario and what they become, before the overrides; None takes them out."""


BASE = "as it is"
"""Label of the scenario without any change."""


def parse_varied(text: str) -> Varied:
    """A path and its values from ``path=a,b,c``; commas inside brackets and quotes belong to a value.

    Raises:
        UsageError: where there is no path or no value.
    """
    path, equals, values = text.partition("=")
    found = tuple(value.strip() for value in split_values(values))
    if not equals or not path.strip() or not all(path.strip().split(".")) or not all(found):
        raise UsageError(f"--vary: expected path=value,value such as run.horizon=12h,24h, got {text!r}")
    if len(set(found)) < len(found):
        raise UsageError(f"--vary {path.strip()}: a value is given twice")
    return Varied(path.strip(), found)


def split_values(text: str) -> list[str]:
    """Parts between commas that are outside brackets and quotes."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in _OPENING:
            depth += 1
        elif letter in _CLOSING:
            depth -= 1
        if letter == "," and depth == 0 and not quote:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def cells(varied: Sequence[Varied], mode: str, canonical: Mapping[str, Any]) -> list[Cell]:
    """The scenario itself, then every cell of the sweep.

    Args:
        varied: what is varied.
        mode: one of :data:`MODES`.
        canonical: the scenario as run, in which wildcards and factors are looked up.

    Raises:
        UsageError: a path leads nowhere, a factor meets no number, lists differ in length, or there are too many cells.
    """
    names = [axis.path for axis in varied]
    if len(set(names)) < len(names):
        raise UsageError("--vary: a path is varied twice; give all its values at once")
    settings = list(_settings(varied, mode))
    if len(settings) > MOST_CELLS:
        raise UsageError(f"{len(settings):,} cells are more than {MOST_CELLS:,}")
    labels = {axis.path: axis.name for axis in varied}
    found = [Cell(BASE, ())]
    for setting in settings:
        words = ", ".join(f"{labels[path]} {value}" for path, value in setting)
        overrides = [f"{place}={value}" for path, value in setting for place in places(path, value, canonical)]
        edits = [edit for path, value in setting for edit in multiplied(path, value, canonical)]
        found.append(Cell(words, setting, tuple(overrides), tuple(edits)))
    return found


def _settings(varied: Sequence[Varied], mode: str) -> Iterator[tuple[tuple[str, str], ...]]:
    if mode == ONE:
        yield from (((axis.path, value),) for axis in varied for value in axis.values)
        return
    if mode == LIST:
        lengths = {len(axis.values) for axis in varied}
        if len(lengths) > 1:
            raise UsageError("--list: every --vary must have as many values as the others")
        rows: Any = zip(*(axis.values for axis in varied), strict=True)
    else:
        if math.prod(len(axis.values) for axis in varied) > MOST_CELLS:
            raise UsageError(f"the grid has more than {MOST_CELLS:,} cells")
        rows = itertools.product(*(axis.values for axis in varied))
    for row in rows:
        yield tuple((axis.path, value) for axis, value in zip(varied, row, strict=True))


def places(path: str, value: str, canonical: Mapping[str, Any]) -> list[str]:
    """Paths without wildcards that are given the value; none for a factor.

    Raises:
        UsageError: a wildcard meets nothing.
    """
    if _FACTOR.fullmatch(value):
        return []
    if "*" not in path.split("."):
        return [path]
    return [place for place, _ in _found(path, canonical)]


def multiplied(path: str, value: str, canonical: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Places and their products with a factor; none for another value.

    Raises:
        UsageError: there is no such place, or no finite number in it.
    """
    factor = _FACTOR.fullmatch(value)
    if factor is None:
        return []
    products = []
    for place, number in _found(path, canonical):
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise UsageError(f"--vary {path}: {place} is {number!r}, which cannot be multiplied")
        product = number * float(factor[1])
        products.append((place, round(product) if isinstance(number, int) else product))
    return products


def edited(canonical: Mapping[str, Any], edits: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """A copy of the canonical scenario with every edit made."""
    copy: dict[str, Any] = json.loads(json.dumps(canonical))
    for place, value in edits:
        *above, last = place.split(".")
        at: Any = copy
        for step in above:
            at = at[int(step)] if isinstance(at, list) else at[step]
        if value is None:
            del at[last]
        else:
            at[int(last) if isinstance(at, list) else last] = value
    return copy


def _found(path: str, canonical: Mapping[str, Any]) -> list[tuple[str, Any]]:
    found = list(matches(path, canonical))
    if not found:
        raise UsageError(f"--vary {path}: the scenario has no such value; {_nearest(path, canonical)}")
    return found


def matches(path: str, canonical: Any) -> Iterator[tuple[str, Any]]:
    """Every place that a path with wildcards stands for, and the value there."""
    yield from _below((), tuple(path.split(".")), canonical)


def _below(done: tuple[str, ...], rest: tuple[str, ...], value: Any) -> Iterator[tuple[str, Any]]:
    if not rest:
        yield ".".join(done), value
        return
    if isinstance(value, list | tuple):
        entries = {str(n): entry for n, entry in enumerate(value)}
    else:
        entries = dict(value) if isinstance(value, Mapping) else {}
    for key in entries if rest[0] == "*" else [rest[0]]:
        if key in entries:
            yield from _below((*done, str(key)), rest[1:], entries[key])


def _nearest(path: str, canonical: Mapping[str, Any]) -> str:
    """How far a path leads, and what is there."""
    steps = path.split(".")
    for length in range(len(steps) - 1, -1, -1):
        found = [value for _, value in _below((), tuple(steps[:length]), canonical)]
        keys = next((list(value) for value in found if isinstance(value, Mapping)), None)
        if keys is not None:
            return f"{'.'.join(steps[:length]) or 'the top'} has {', '.join(map(str, keys[:12]))}"
    return "it ends there"


def number_of(value: str, path: str, canonical: Mapping[str, Any]) -> float | None:
    """Where a value stands on an axis: a factor itself, else the number that the cell's scenario has there."""
    factor = _FACTOR.fullmatch(value)
    if factor is not None:
        return float(factor[1])
    found = next((at for _, at in matches(path, canonical)), None)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return float(found)
