"""Errors a user can cause, and the exit code each one ends with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """What the command line promises to its caller."""

    OK = 0
    CHECK_FAILED = 1
    INVALID = 2
    INCONCLUSIVE = 3
    NOT_COMPARABLE = 4
    INCOMPLETE = 5
    BUG = 70
    INTERRUPTED = 130
    TERMINATED = 143


class TailstressError(Exception):
    """Base of every error that is the user's to mend; never shown as a traceback."""

    exit_code: ExitCode = ExitCode.INVALID


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake in a file, at the place where it can be mended."""

    file: str
    line: int | None
    column: int | None
    path: str
    message: str

    def __str__(self) -> str:
        where = self.file
        if self.line is not None:
            where += f":{self.line}"
            if self.column is not None:
                where += f":{self.column}"
        return f"{where}: {self.path}: {self.message}" if self.path else f"{where}: {self.message}"


class InvalidInput(TailstressError):
    """A scenario, book or price file with every mistake found in it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems), key=lambda p: (p.file, p.line or 0, p.column or 0, p.path, p.message))
        super().__init__("\n".join(str(p) for p in self.problems))


class MalformedInput(InvalidInput):
    """The file cannot be read as what it claims to be (syntax, encoding, columns)."""


class MeaninglessInput(InvalidInput):
    """The file reads well but says something that cannot be simulated."""


class UsageError(TailstressError):
    """The command line asks for something that cannot be done."""


class IncompleteRun(TailstressError):
    """A run folder without a manifest, or whose files do not match it."""

    exit_code = ExitCode.INCOMPLETE


class NotComparable(TailstressError):
    """Two runs, or a run and a baseline, that answer different questions."""

    exit_code = ExitCode.NOT_COMPARABLE


class DamagedBaseline(TailstressError):
    """A baseline file that is not what was written."""

    exit_code = ExitCode.INCOMPLETE


class NonFinitePath(TailstressError):
    """A path whose simulation left the finite numbers; names what replays it alone."""

    exit_code = ExitCode.BUG
