"""From a file and overrides to a scenario whose every value is sound."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stress.errors import MalformedInput, MeaninglessInput, Problem
from stress.scenario.builtin import scenario_file
from stress.scenario.merging import load_tree
from stress.scenario.models import Garch, Replay
from stress.scenario.overrides import Override, apply_overrides, parse_overrides
from stress.scenario.parts import MALFORMED, Where
from stress.scenario.reading import Node, find, plain
from stress.scenario.schema import Scenario

NOT_IN_DIGEST = ("name", "title", "description", "assumptions", "checks")
"""Keys that change no number of a run."""
_NOT_IN_SECTIONS = (*NOT_IN_DIGEST, "format", "sizing")
_HOW_MUCH = ("seed", "paths")
"""Keys of ``run`` that decide how well a question is answered, and not which."""


@dataclass(frozen=True)
class Loaded:
    """A sound scenario and where it came from."""

    scenario: Scenario
    file: Path
    """The scenario file."""
    files: tuple[Path, ...]
    """The scenario file and all that it extends."""
    overrides: tuple[str, ...]
    """Arguments of ``--set``, as given."""
    digest: str
    """SHA-256 of what the numbers of a run depend on, tables of positions included."""
    sections: dict[str, str]
    """SHA-256 of each part of the question that is asked, by name such as ``markets.BTC``: what the files say, without
    defaults, seed and number of paths. Runs of the same sections answer the same question."""
    canonical: dict[str, Any]
    """The scenario as JSON: complete, without ``extends``; infinity is ``unlimited`` or ``none``."""
    tree: Node

    def locate(self, path: str | Sequence[str | int]) -> tuple[str, int | None, int | None]:
        """File, line and column of the value at ``path`` (``markets.BTC.price``), or of what encloses it."""
        place = find(self.tree, _steps(path))
        return place.file, place.line, place.column

    def problem(self, path: str | Sequence[str | int], message: str) -> Problem:
        """A mistake at ``path``, for errors that are found after loading."""
        steps = _steps(path)
        return Problem(*self.locate(steps), _dotted(steps), message)


def load_scenario(
    source: str | Path,
    overrides: Sequence[str] = (),
    *,
    seed: int | None = None,
    paths: int | None = None,
    tail: bool = False,
) -> Loaded:
    """Read, merge, override and validate a scenario.

    Parameters
    ----------
    source
        Path of a YAML file, of a ``.json`` file with a resolved scenario, or the name of a built-in one.
    overrides
        Arguments such as ``pools.main.layers.0.capital=1bn``.
    seed, paths
        Put over ``run.seed`` and ``run.paths``.
    tail
        Put ``importance`` over ``run.sampling.method``.

    Raises
    ------
    UsageError
        There is no such scenario.
    InvalidInput
        With every mistake of the files and overrides: MalformedInput where a value cannot be
        read as what it should be, MeaninglessInput where all of them read well.
    """
    file = scenario_file(source)
    tree = load_tree(file)
    options = [("seed", seed), ("paths", paths)]
    own = [Override(f"run.{key}", str(value), f"--{key}") for key, value in options if value is not None]
    own += [Override("run.sampling.method", "importance", "--tail")] if tail else []
    root = apply_overrides(tree.root, [*parse_overrides(overrides), *own])
    scenario = _validated(root)
    canonical = scenario.model_dump(mode="json", exclude_none=True)
    content = _content(scenario, root)
    digest, sections = _digest(canonical, content), _sections(scenario, content)
    return Loaded(scenario, file, tuple(tree.files), tuple(overrides), digest, sections, canonical, root)


def _steps(path: str | Sequence[str | int]) -> Where:
    if not isinstance(path, str):
        return tuple(path)
    return tuple(int(step) if step.isascii() and step.isdigit() else step for step in path.split(".") if step)


def _dotted(path: Where) -> str:
    return ".".join(str(step) for step in path)


def _validated(root: Node) -> Scenario:
    try:
        return Scenario.model_validate(plain(root))
    except ValidationError as error:
        entries = error.errors(include_url=False, include_input=False)
    problems = []
    for entry in entries:
        place = find(root, entry["loc"])
        problems.append(Problem(place.file, place.line, place.column, _dotted(entry["loc"]), entry["msg"]))
    malformed = any(entry["type"] == MALFORMED for entry in entries)
    raise (MalformedInput if malformed else MeaninglessInput)(problems)


def _named_files(scenario: Scenario) -> Iterator[tuple[Where, Path]]:
    for name, market in scenario.markets.items():
        if isinstance(market.model, Replay | Garch) and market.model.file is not None:
            yield ("markets", name, "model", "file"), market.model.file
    for name, pool in scenario.pools.items():
        for key, path in (("accounts", pool.book.accounts), ("balances", pool.book.balances)):
            if path is not None:
                yield ("pools", name, "book", key), path


def _content(scenario: Scenario, root: Node) -> dict[str, str]:
    """SHA-256 of every file that the scenario names, by path."""
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for where, path in _named_files(scenario):
        try:
            if os.path.exists(path) and not os.path.isfile(path):
                raise OSError(errno.EINVAL, "it is not a file")
            with path.open("rb") as stream:
                found[path.as_posix()] = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            place = find(root, where)
            message = f"{path} cannot be read: {error.strerror}"
            problems.append(Problem(place.file, place.line, place.column, _dotted(where), message))
    if problems:
        raise MeaninglessInput(problems)
    return found


def _digest(canonical: dict[str, Any], content: dict[str, str]) -> str:
    """Files count by what they hold and not by where they lie; the order of markets and pools counts, of keys none."""
    numbers = {key: value for key, value in canonical.items() if key not in NOT_IN_DIGEST}
    return _sha256(numbers | {"order": [list(canonical["markets"]), list(canonical["pools"])]}, content)


def _sections(scenario: Scenario, content: dict[str, str]) -> dict[str, str]:
    """Defaults are left out, so that a release with a new key, or another default, still answers the same question."""
    given = scenario.model_dump(mode="json", exclude_none=True, exclude_defaults=True, exclude=set(_NOT_IN_SECTIONS))
    given["run"] = {key: value for key, value in given["run"].items() if key not in _HOW_MUCH}
    given["order"] = [list(scenario.markets), list(scenario.pools)]
    parts = {f"{key}.{name}": part for key in ("markets", "pools") for name, part in given.pop(key).items()}
    return {name: _sha256(part, content) for name, part in (given | parts).items()}


def _sha256(value: Any, content: dict[str, str]) -> str:
    """Digest of a canonical value, with files as what they hold."""

    def by_content(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: by_content(entry) for key, entry in value.items()}
        if isinstance(value, list):
            return [by_content(entry) for entry in value]
        return {"sha256": content[value]} if isinstance(value, str) and value in content else value

    text = json.dumps(by_content(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
