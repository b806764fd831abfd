"""``--set path=value``: values put over those of the file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stress.errors import MalformedInput, Problem
from stress.scenario.merging import absolute_files
from stress.scenario.reading import Node, Place, read_text


@dataclass(frozen=True)
class Override:
    """A value for a path such as ``pools.main.layers.0.capital``; ``option`` names its origin in messages."""

    path: str
    value: str
    option: str = "--set"


def parse_overrides(arguments: Iterable[str]) -> list[Override]:
    """Overrides from the arguments of ``--set``.

    Raises
    ------
    MalformedInput
        An argument is not ``path=value``.
    """
    found, problems = [], []
    for argument in arguments:
        path, equals, value = argument.partition("=")
        if not equals or not path.strip() or not all(path.strip().split(".")):
            message = f"expected path=value such as run.paths=1000, got {argument!r}"
            problems.append(Problem("--set", None, None, "", message))
        else:
            found.append(Override(path.strip(), value))
    if problems:
        raise MalformedInput(problems)
    return found


def apply_overrides(root: Node, overrides: Sequence[Override]) -> Node:
    """``root`` with every override put in, in order.

    Raises
    ------
    MalformedInput
        With every override whose value is not YAML or whose path leads nowhere.

    Paths of files in an override are relative to the working folder.
    """
    problems: list[Problem] = []
    for override in overrides:
        try:
            root = _put(root, override.path.split("."), _value(override), override)
        except MalformedInput as error:
            problems += [replace(p, path=override.path, line=None, column=None) for p in error.problems]
    if problems:
        raise MalformedInput(problems)
    return absolute_files(root, Path.cwd())


def _value(override: Override) -> Node:
    if not override.value.strip():
        return Node(None, Place(override.option))
    return _placeless(read_text(override.value, override.option), Place(override.option))


def _placeless(node: Node, place: Place) -> Node:
    """``node`` without the lines and columns of an argument, which nobody counts."""
    value = node.value
    if isinstance(value, dict):
        value = {key: _placeless(child, place) for key, child in value.items()}
    elif isinstance(value, list):
        value = [_placeless(child, place) for child in value]
    return replace(node, value=value, place=place, keys=dict.fromkeys(node.keys, place))


def _put(node: Node, steps: Sequence[str], value: Node, override: Override) -> Node:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(node.value, list):
        n = _index(step, len(node.value), override)
        entries = list(node.value)
        entries[n] = _put(entries[n], rest, value, override)
        return replace(node, value=entries)
    if isinstance(node.value, dict):
        inner = node.value.get(step, Node({}, value.place))
        inside = bool(rest) and isinstance(inner.value, dict | list) and step in node.value
        keys = node.keys if inside else {**node.keys, step: value.place}
        return replace(node, value={**node.value, step: _put(inner, rest, value, override)}, keys=keys)
    return _put(Node({}, value.place), steps, value, override)


def _index(step: str, length: int, override: Override) -> int:
    if not (step.isascii() and step.isdigit() and len(step) < 9 and int(step) < length):
        numbers = f"0 to {length - 1}" if length else "none: it is empty"
        message = f"{step!r} is not an entry of the list; its entries are {numbers}"
        raise MalformedInput([Problem(override.option, None, None, override.path, message)])
    return int(step)
