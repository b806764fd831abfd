"""Decoded JSON as typed records, with every mistake at its path."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from stress.book.findings import Findings

Record = TypeVar("Record", bound=BaseModel)


def validated(form: type[Record], content: Any, where: str, line: int, findings: Findings) -> Record | None:
    """The record at ``where`` of a file; None, and every mistake in it noted, if it is none."""
    try:
        return form.model_validate(content)
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=True):
            findings.add(where + _path(problem["loc"]), _words(problem), line)
        return None


def _path(steps: tuple[int | str, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def _words(problem: Any) -> str:
    """A mistake in the words of this package."""
    if problem["type"] == "missing":
        return "missing"
    got = repr(problem["input"])
    got = got if len(got) <= 60 else got[:57] + "..."
    if problem["type"] == "model_type":
        return f"expected an object, got {got}"
    said = str(problem["msg"]).removeprefix("Input should be ").split(", unable")[0]
    return f"expected {said}, got {got}"
