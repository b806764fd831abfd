"""Mistakes in the rows of one table, told all at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from stress.errors import InvalidInput, MalformedInput, MeaninglessInput, Problem
from stress.kernels.structs import Ints

LISTED = 50
"""Rows told one by one; a file with a systematic mistake has as many as it has rows."""

Rows = NDArray[np.bool_]


class Findings:
    """Collects what is wrong with a file.

    Parameters
    ----------
    file : str
        Name of the file, for the messages.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self._malformed = False
        self._rows: list[tuple[Ints, str, Callable[[int], str]]] = []
        self._problems: list[Problem] = []

    def add(self, column: str, message: str, line: int | None = None) -> None:
        """A mistake that makes the file unreadable: of the whole file, or of a line that has no row."""
        self._malformed = True
        self._problems.append(Problem(self.file, line, None, column, message))

    def add_rows(
        self, wrong: Rows, lines: Ints, column: str, message: Callable[[int], str], *, malformed: bool = False
    ) -> None:
        """A mistake repeated in rows: ``wrong`` [row] says where, ``message`` is asked for the rows that are told."""
        rows = np.flatnonzero(wrong)
        if len(rows):
            self._malformed |= malformed
            self._rows.append((np.stack([lines[rows], rows]), column, message))

    def stop(self, message: str, column: str = "", line: int | None = None) -> NoReturn:
        """Nothing more can be said of the file: raise this and what was found before."""
        self.add(column, message, line)
        self._raise()

    def refuse(self, message: str) -> None:
        """A mistake of the whole file that reads well."""
        self._problems.append(Problem(self.file, None, None, "", message))

    def settle(self) -> None:
        """Raise what was found, if anything was.

        Raises
        ------
        MalformedInput
            Some of it cannot be read.
        MeaninglessInput
            All of it reads well and says what cannot be.
        """
        if self._problems or self._rows:
            self._raise()

    def _raise(self) -> NoReturn:
        total = len(self._problems) + sum(found.shape[1] for found, _, _ in self._rows)
        told = list(self._problems)
        for found, column, message in self._rows:
            first = found[:, np.argsort(found[0], kind="stable")[:LISTED]].T.tolist()
            told += [Problem(self.file, line, None, column, message(row)) for line, row in first]
        told = sorted(told, key=lambda problem: problem.line or 0)[:LISTED]
        if total > len(told):
            rest = f"the first {len(told)} mistakes follow, and {total - len(told):,} more"
            told.append(Problem(self.file, None, None, "", rest))
        raise (MalformedInput if self._malformed else MeaninglessInput)(told)


@contextmanager
def gathered(errors: list[InvalidInput]) -> Iterator[None]:
    """Put an error about input aside, so that the input after it is looked at too."""
    try:
        yield
    except InvalidInput as error:
        errors.append(error)


def together(errors: Sequence[InvalidInput]) -> InvalidInput:
    """The problems of several files as one error, malformed if any of them is."""
    problems = [problem for error in errors for problem in error.problems]
    malformed = any(isinstance(error, MalformedInput) for error in errors)
    return (MalformedInput if malformed else MeaninglessInput)(problems)
