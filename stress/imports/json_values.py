"""Values of a large JSON file one after the other, in the memory of one.

A venue's state is one object or list of several gigabytes, or a value on each line. The text is read in pieces and
decoded value by value, so that memory follows the largest value and not the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TextIO

from stress.book.findings import Findings

_PIECE = 1 << 20
_AHEAD = 1 << 12
"""Characters in which the first key of a file and the first letter of its value are found."""
_LARGEST = 64 << 20
"""Characters of one value; more is no account."""
_EXPONENT = 8
"""Characters that may belong to a number though it reads as one without them."""
_BLANK = " \t\r\n"


class Value(NamedTuple):
    """One value and where it stands."""

    key: str | None
    """Key in an object, None in a list or on a line of its own."""
    line: int
    content: Any


def values(path: Path, findings: Findings) -> Iterator[Value]:
    """Values of the file: entries of its only list, values of its only object with their keys, or lines.

    A single object whose first value is no object is one value itself.

    Raises:
        MalformedInput: the file is no UTF-8 or no JSON.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            yield from _Reader(stream, findings).values()
    except UnicodeDecodeError:
        findings.stop("not UTF-8 text")
    except OSError as error:
        findings.stop(f"cannot be read: {error.strerror}")


class _Refused(ValueError):
    """JSON that the decoder would take and a strict reader does not."""


def _no_constant(name: str) -> NoReturn:
    raise _Refused(f"{name} is no number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _Refused(f"the key {twice!r} is there twice")
    return found


class _Reader:
    """A window over the text that moves forward."""

    def __init__(self, stream: TextIO, findings: Findings) -> None:
        self.stream = stream
        self.findings = findings
        self.text = ""
        self.at = 0
        self.line = 1
        self.ended = False
        self.decoder = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=_unique)

    def values(self) -> Iterator[Value]:
        opening = self._next()
        if opening == "":
            self.findings.stop("the file is empty")
        if opening == "[":
            yield from self._entries("]")
        elif opening == "{" and self._maps_to_objects():
            yield from self._entries("}")
        else:
            while self._next():
                line = self.line
                yield Value(None, line, self._decode())
            return
        if self._next():
            self.findings.stop("more text after the end of the JSON value", line=self.line)

    def _entries(self, closing: str) -> Iterator[Value]:
        """Values between brackets, with their keys in an object."""
        self.at += 1
        if self._next() == closing:
            self.at += 1
            return
        while True:
            line, key = self.line, None
            if closing == "}":
                key = self._key()
            self._next()
            yield Value(key, line, self._decode())
            mark = self._next()
            if mark not in (",", closing):
                self.findings.stop(self._expected(f"',' or '{closing}'", mark), line=self.line)
            self.at += 1
            if mark == closing:
                return
            if self._next() == closing:
                self.findings.stop(f"a comma before '{closing}'", line=self.line)

    def _key(self) -> str:
        if self._next() != '"':
            self.findings.stop(self._expected("a key in quotes", self._next()), line=self.line)
        key = self._decode()
        if self._next() != ":":
            self.findings.stop(self._expected("':' after the key", self._next()), line=self.line)
        self.at += 1
        return str(key)

    @staticmethod
    def _expected(what: str, got: str) -> str:
        return f"expected {what}, got {got!r}" if got else f"the file ends where {what} should be"

    def _maps_to_objects(self) -> bool:
        """Whether the first object is a map of accounts: its first value is an object with positions in it."""
        while len(self.text) - self.at < _AHEAD and self._more():
            pass
        rest = self.text[self.at + 1 : self.at + _AHEAD].lstrip(_BLANK)
        try:
            key, end = self.decoder.raw_decode(rest)
        except ValueError:
            return False
        after = rest[end:].lstrip(_BLANK)
        return isinstance(key, str) and after[:1] == ":" and after[1:].lstrip(_BLANK)[:1] == "{" and _is_name(key)

    def _decode(self) -> Any:
        """The value that begins here; more text is read until it is complete."""
        while True:
            try:
                value, end = self.decoder.raw_decode(self.text, self.at)
            except _Refused as error:
                self.findings.stop(str(error), line=self.line)
            except (json.JSONDecodeError, RecursionError) as error:
                if len(self.text) - self.at > _LARGEST:
                    self.findings.stop("a value of more than 64 MB", line=self.line)
                if self._more():
                    continue
                self._stop(error)
            # A number at the end of the window may go on in the next piece, with its exponent too.
            if len(self.text) - end < _EXPONENT and self._more():
                continue
            self.line += self.text.count("\n", self.at, end)
            self.at = end
            return value

    def _stop(self, error: Exception) -> NoReturn:
        if isinstance(error, json.JSONDecodeError):
            line = self.line + self.text.count("\n", self.at, error.pos)
            self.findings.stop(f"no JSON: {error.msg}", line=line)
        self.findings.stop("nested too deeply", line=self.line)

    def _next(self) -> str:
        """The next character that is no blank; empty at the end."""
        while True:
            while self.at < len(self.text) and self.text[self.at] in _BLANK:
                self.line += self.text[self.at] == "\n"
                self.at += 1
            if self.at < len(self.text):
                return self.text[self.at]
            if not self._more():
                return ""

    def _more(self) -> bool:
        """Read another piece, as long as what is kept already, and forget what was read."""
        if self.ended:
            return False
        piece = self.stream.read(max(_PIECE, len(self.text) - self.at))
        self.ended = not piece
        if piece:
            self.text = self.text[self.at :] + piece
            self.at = 0
        return bool(piece)


def _is_name(key: str) -> bool:
    """Whether a key can name an account; those of the state itself are words such as marginSummary."""
    return key not in ("marginSummary", "crossMarginSummary", "clearinghouseState", "state", "data")
