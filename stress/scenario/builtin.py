"""Scenarios that come with the package, by name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import stress
from stress.errors import UsageError
from stress.scenario.hints import did_you_mean
from stress.scenario.reading import read_file

KINDS = ("events", "examples", "venues")
"""Folders of built-in scenarios; those of venues are rules to extend, with placeholders for the rest."""


PARAMETERS = "parameters"
"""Folder of price models of known assets: no scenarios, but what scenarios extend."""


@dataclass(frozen=True)
class BuiltIn:
    """A file that comes with the package: a scenario, or a part of one."""

    name: str
    kind: str
    path: Path


def folders() -> list[Path]:
    """Folders of built-in scenarios: beside the package in a source tree, inside it when installed."""
    return [path for entry in stress.__path__ if (path := Path(entry) / "scenarios").is_dir()]


def built_ins() -> list[BuiltIn]:
    """All built-in scenarios, by kind and name."""
    return [known for kind in KINDS for known in _of_kind(kind)]


def parameter_sets() -> list[BuiltIn]:
    """All built-in price models to extend, by name."""
    return _of_kind(PARAMETERS)


def _of_kind(kind: str) -> list[BuiltIn]:
    return [BuiltIn(path.stem, kind, path) for folder in folders() for path in sorted((folder / kind).glob("*.yaml"))]


def title(known: BuiltIn) -> str:
    """Title of a built-in scenario, empty where it has none.

    Raises
    ------
    MalformedInput
        The file is not YAML.
    """
    entries = read_file(known.path).value
    node = entries.get("title") if isinstance(entries, dict) else None
    return str(node.value) if node is not None and isinstance(node.value, str) else ""


def find_built_in(word: str) -> Path | None:
    """File of a built-in scenario by name (``october-2025``) or by path (``venues/binance.yaml``).

    Parameter sets are found by path alone (``parameters/btc.yaml``): their names are those of assets.
    """
    if any(part in ("..", "") for part in word.split("/")):
        return None
    for known in [*built_ins(), *parameter_sets()]:
        paths = (f"{known.kind}/{known.name}", f"{known.kind}/{known.path.name}")
        if word in paths or (word == known.name and known.kind != PARAMETERS):
            return known.path
    return None


def scenario_file(source: str | Path) -> Path:
    """File that ``source`` names: a path, or the name of a built-in scenario.

    Raises
    ------
    UsageError
        There is neither.
    """
    path = Path(source)
    if os.path.isfile(path):
        return path
    found = find_built_in(str(source))
    if found is not None:
        return found
    if os.path.isdir(path):
        raise UsageError(f"{source}: is a folder, expected a scenario file")
    hint = did_you_mean(path.stem, [known.name for known in built_ins()])
    raise UsageError(f"{source}: no such file, nor a built-in scenario{hint}")
