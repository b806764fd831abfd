"""Strict YAML with the place of every value.

Scalars stay text: the field that reads one knows its dimension, so that
``no`` is never a flag and ``1e6`` never a word. Only an empty value, ``~`` and
``null`` mean "nothing". Read from JSON, numbers and flags are typed as JSON
types them.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from stress.errors import MalformedInput, Problem

MOST_BYTES = 4 * 2**20
MOST_DEPTH = 32
MOST_NODES = 200_000
"""Values of a file after its aliases are followed; the largest built-in scenario has about a thousand."""

MOST_KEY = 200

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_CONTROL = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that YAML 1.1 does not allow."""
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands; line and column count from 1 and are absent for a command-line argument."""

    file: str
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A value with its place; ``nodes`` and ``height`` count what it contains, aliases followed."""

    value: dict[str, Node] | list[Node] | str | int | float | bool | None
    place: Place
    keys: dict[str, Place] = field(default_factory=dict)
    nodes: int = 1
    height: int = 1


class _Refused(Exception):
    """The text cannot be read any further."""

    def __init__(self, mark: Any, message: str) -> None:
        super().__init__(message)
        self.mark = mark


def read_file(path: Path) -> Node:
    """Tree of a YAML file, or of a resolved scenario in a ``.json`` file.

    Raises
    ------
    MalformedInput
        The file cannot be opened, is not UTF-8, is too large or is not strict YAML.
    """
    name = str(path)
    try:
        with path.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise _malformed(name, f"cannot be read: {reason}") from None
    return read_text(_decoded(data, name), name, typed=path.suffix == ".json")


def _malformed(file: str, message: str, line: int | None = None, column: int | None = None) -> MalformedInput:
    return MalformedInput([Problem(file, line, column, "", message)])


def _decoded(data: bytes, file: str) -> str:
    if len(data) > MOST_BYTES:
        raise _malformed(file, f"is larger than {MOST_BYTES // 2**20} MiB")
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            raise _malformed(file, f"is encoded in {encoding}; save it as UTF-8", 1, 1)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        raise _malformed(file, f"is not UTF-8: byte 0x{data[error.start]:02x}", line, column) from None


def read_text(text: str, file: str, typed: bool = False) -> Node:
    """Tree of a YAML text; ``typed`` gives numbers and flags the types they have in JSON.

    Raises
    ------
    MalformedInput
        With every duplicate key and tag, or the first mistake after which the text makes no sense.
    """
    stray = _CONTROL.search(text)
    if stray is not None:
        line = text.count("\n", 0, stray.start()) + 1
        column = stray.start() - text.rfind("\n", 0, stray.start())
        raise _malformed(file, f"holds the control character U+{ord(stray[0]):04X}", line, column)
    builder = _Builder(file, typed)
    try:
        root = builder.document(yaml.parse(text, Loader=_LOADER))
    except _Refused as refused:
        raise MalformedInput([*builder.problems, builder.problem(refused.mark, str(refused))]) from None
    except yaml.YAMLError as error:
        raise MalformedInput([*builder.problems, _syntax(error, text, file)]) from None
    if builder.problems:
        raise MalformedInput(builder.problems)
    return root


def _syntax(error: yaml.YAMLError, text: str, file: str) -> Problem:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        reason = str(getattr(error, "reason", error)).splitlines()[0]
        return Problem(file, None, None, "", f"is not YAML: {reason}")
    mark = error.problem_mark
    message = f"is not YAML: {error.problem}"
    if text[mark.index : mark.index + 1] == "\t":
        message = "is not YAML: a tab where YAML allows only spaces"
    elif error.context:
        message += f" ({error.context})"
    return Problem(file, mark.line + 1, mark.column + 1, "", message)


class _Builder:
    """Turns the events of one document into nodes."""

    def __init__(self, file: str, typed: bool) -> None:
        self.file = file
        self.typed = typed
        self.problems: list[Problem] = []
        self.anchors: dict[str, Node] = {}
        self.nodes = 0

    def problem(self, mark: Any, message: str) -> Problem:
        place = self.place(mark)
        return Problem(place.file, place.line, place.column, "", message)

    def place(self, mark: Any) -> Place:
        return Place(self.file, mark.line + 1, mark.column + 1)

    def document(self, events: Iterator[Any]) -> Node:
        """The only document of the stream."""
        root: Node | None = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise _Refused(event.start_mark, "holds several documents; one scenario per file")
                root = self.node(next(events), events, 1)
        if root is None or root.value is None:
            raise MalformedInput([*self.problems, Problem(self.file, 1, 1, "", "is empty")])
        return root

    def node(self, event: Any, events: Iterator[Any], depth: int) -> Node:
        if depth > MOST_DEPTH:
            raise _Refused(event.start_mark, f"is nested more than {MOST_DEPTH} deep")
        if isinstance(event, yaml.AliasEvent):
            target = self.alias(event, depth)
            self.count(target.nodes, event)
            return target
        self.count(1, event)
        if event.tag is not None and event.tag != "!":
            self.problems.append(self.problem(event.start_mark, f"tags such as {event.tag} are not allowed"))
        if isinstance(event, yaml.ScalarEvent):
            made = Node(self.scalar(event), self.place(event.start_mark))
        elif isinstance(event, yaml.SequenceStartEvent):
            made = self.sequence(event, events, depth)
        else:
            made = self.mapping(event, events, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = made
        return made

    def count(self, nodes: int, event: Any) -> None:
        self.nodes += nodes
        if self.nodes > MOST_NODES:
            raise _Refused(event.start_mark, f"holds more than {MOST_NODES:_} values, aliases followed")

    def alias(self, event: Any, depth: int) -> Node:
        target = self.anchors.get(event.anchor)
        if target is None:
            raise _Refused(event.start_mark, f"alias *{event.anchor} has no anchor before it")
        if depth + target.height - 1 > MOST_DEPTH:
            raise _Refused(event.start_mark, f"is nested more than {MOST_DEPTH} deep")
        return target

    def sequence(self, event: Any, events: Iterator[Any], depth: int) -> Node:
        entries: list[Node] = []
        while not isinstance(following := next(events), yaml.SequenceEndEvent):
            entries.append(self.node(following, events, depth + 1))
        return _collection(entries, entries, self.place(event.start_mark), {})

    def mapping(self, event: Any, events: Iterator[Any], depth: int) -> Node:
        entries: dict[str, Node] = {}
        keys: dict[str, Place] = {}
        while not isinstance(following := next(events), yaml.MappingEndEvent):
            key = self.key(following)
            if key in entries:
                first = keys[key].line
                self.problems.append(self.problem(following.start_mark, f"key {key!r} is given twice (line {first})"))
            keys[key] = self.place(following.start_mark)
            entries[key] = self.node(next(events), events, depth + 1)
        return _collection(entries, list(entries.values()), self.place(event.start_mark), keys)

    def key(self, event: Any) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            raise _Refused(event.start_mark, "a key must be a plain word")
        if event.value == "<<":
            raise _Refused(event.start_mark, "merge keys (<<) are not allowed; use extends or an alias")
        if event.anchor is not None or (event.tag is not None and event.tag != "!"):
            raise _Refused(event.start_mark, "a key must be a plain word")
        if not event.style and event.value in _NOTHING:
            raise _Refused(event.start_mark, "a key is empty")
        if len(event.value) > MOST_KEY:
            raise _Refused(event.start_mark, f"a key has more than {MOST_KEY} characters")
        return str(event.value)

    def scalar(self, event: Any) -> str | int | float | bool | None:
        plain = not event.style  # None or empty, depending on the parser
        if plain and event.value in _NOTHING:
            return None
        return _json_scalar(event.value) if plain and self.typed else str(event.value)


def _json_scalar(text: str) -> str | int | float | bool:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, bool | int | float) else text


def _collection(
    value: dict[str, Node] | list[Node], children: Sequence[Node], place: Place, keys: dict[str, Place]
) -> Node:
    nodes = 1 + sum(child.nodes for child in children)
    height = 1 + max((child.height for child in children), default=0)
    return Node(value, place, keys, nodes, height)


def plain(node: Node) -> Any:
    """The bare values of a tree; entries of a map that are nothing are left out, as if not given."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items() if child.value is not None}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    return node.value


def find(root: Node, path: Sequence[str | int]) -> Place:
    """Place of the value at ``path``, or of the nearest part of the path that exists.

    A map or list is placed at its key; an unknown or misplaced key at the key itself.
    """
    node, place = root, root.place
    for step in path:
        if isinstance(node.value, dict) and str(step) in node.value:
            child, key = node.value[str(step)], node.keys[str(step)]
        elif isinstance(node.value, list) and isinstance(step, int) and 0 <= step < len(node.value):
            child = node.value[step]
            key = child.place
        else:
            break
        node, place = child, key if isinstance(child.value, dict | list) else child.place
    return place
