"""``extends``: a scenario on top of others.

Maps merge deep; lists and scalars replace. A map whose ``type`` differs from
the inherited one replaces it, for the parameters of one model mean nothing to
another. An empty value drops what is inherited.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from stress.errors import InvalidInput, MalformedInput, MeaninglessInput, Problem
from stress.scenario.builtin import built_ins, find_built_in, parameter_sets
from stress.scenario.hints import did_you_mean
from stress.scenario.reading import Node, read_file

NOT_INHERITED = ("extends", "name", "title", "description")
"""Keys that describe a file itself and not what it says."""

FILE_KEYS = (
    ("pools", "*", "book", "accounts"),
    ("pools", "*", "book", "balances"),
    ("markets", "*", "model", "file"),
)
"""Values that are paths, relative to the file they stand in."""

_DEEPEST = 16


@dataclass
class Tree:
    """A scenario with everything it extends merged in, and the files it came from, the nearest first."""

    root: Node
    files: list[Path] = field(default_factory=list)


def load_tree(path: Path) -> Tree:
    """Read a scenario file and everything it extends.

    Raises
    ------
    InvalidInput
        A file cannot be read, is not a map, or extends itself.
    """
    return _load(path, (), {})


def _load(path: Path, chain: tuple[Path, ...], known: dict[Path, Tree]) -> Tree:
    """Tree of a file; ``chain`` are the files that led here, ``known`` those read before: each is read once."""
    here = path.resolve()
    if here not in known:
        known[here] = _read(path, (*chain, here), known)
    return known[here]


def _read(path: Path, chain: tuple[Path, ...], known: dict[Path, Tree]) -> Tree:
    top = read_file(path)
    if not isinstance(top.value, dict):
        raise MalformedInput([_problem(top, "", "expected a map of keys and values, such as `format: 1`")])
    top = absolute_files(top, chain[-1].parent)
    bases = _load_bases(_extended(top), path, chain, known)
    merged: Node | None = None
    for base in bases:
        inherited = _without(base.root, NOT_INHERITED)
        merged = inherited if merged is None else merge(merged, inherited)
    own = _without(top, ("extends",))
    files = [path, *(file for base in bases for file in base.files)]
    return Tree(own if merged is None else merge(merged, own), list(dict.fromkeys(files)))


def _load_bases(entries: list[Node], path: Path, chain: tuple[Path, ...], known: dict[Path, Tree]) -> list[Tree]:
    bases: list[Tree] = []
    errors: list[InvalidInput] = []
    for node in entries:
        try:
            bases.append(_load(_base_file(node, path, chain), chain, known))
        except InvalidInput as error:
            errors.append(error)
    if errors:
        malformed = any(isinstance(error, MalformedInput) for error in errors)
        problems = [problem for error in errors for problem in error.problems]
        raise (MalformedInput if malformed else MeaninglessInput)(problems)
    return bases


def _extended(top: Node) -> list[Node]:
    node = top.value.get("extends") if isinstance(top.value, dict) else None
    if node is None or node.value is None:
        return []
    entries = node.value if isinstance(node.value, list) else [node]
    wrong = [e for e in entries if not isinstance(e.value, str)]
    if wrong:
        raise MalformedInput([_problem(e, "extends", "expected a file or a built-in scenario") for e in wrong])
    return entries


def _base_file(node: Node, path: Path, chain: tuple[Path, ...]) -> Path:
    word = str(node.value)
    beside = path.parent / word
    found = beside if os.path.isfile(beside) else find_built_in(word)
    if found is None:
        known = [f"{known.kind}/{known.path.name}" for known in [*built_ins(), *parameter_sets()]]
        message = f"{word!r} is neither a file nor a built-in scenario{did_you_mean(word, known)}"
        raise MeaninglessInput([_problem(node, "extends", message)])
    if found.resolve() in chain:
        names = " -> ".join(file.name for file in (*chain[chain.index(found.resolve()) :], found))
        raise MeaninglessInput([_problem(node, "extends", f"goes round in a circle: {names}")])
    if len(chain) >= _DEEPEST:
        raise MeaninglessInput([_problem(node, "extends", f"goes more than {_DEEPEST} files deep")])
    return found


def _problem(node: Node, path: str, message: str) -> Problem:
    return Problem(node.place.file, node.place.line, node.place.column, path, message)


def merge(base: Node, top: Node) -> Node:
    """``top`` laid over ``base``; every value keeps its place."""
    if not isinstance(base.value, dict) or not isinstance(top.value, dict) or _kind_differs(base.value, top.value):
        return top
    entries = dict(base.value)
    for key, node in top.value.items():
        entries[key] = merge(entries[key], node) if key in entries else node
    return Node(entries, top.place, base.keys | top.keys)


def _kind_differs(base: dict[str, Node], top: dict[str, Node]) -> bool:
    return "type" in top and "type" in base and base["type"].value != top["type"].value


def _without(node: Node, names: tuple[str, ...]) -> Node:
    entries = node.value if isinstance(node.value, dict) else {}
    return replace(node, value={key: child for key, child in entries.items() if key not in names})


def absolute_files(node: Node, folder: Path) -> Node:
    """``node`` with the paths of files it names made absolute against ``folder``."""
    for pattern in FILE_KEYS:
        node = _absolute(node, pattern, folder)
    return node


def _absolute(node: Node, pattern: tuple[str, ...], folder: Path) -> Node:
    if not pattern:
        text = node.value
        return replace(node, value=str(folder / text)) if isinstance(text, str) and text else node
    if not isinstance(node.value, dict):
        return node
    keys = list(node.value) if pattern[0] == "*" else [k for k in (pattern[0],) if k in node.value]
    changed = {key: _absolute(node.value[key], pattern[1:], folder) for key in keys}
    return replace(node, value={**node.value, **changed})
