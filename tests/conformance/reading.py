"""What every part of a case is read with."""

from __future__ import annotations

from typing import Any

import numpy as np

from stress.kernels.registry import Rule
from stress.kernels.structs import Floats, Ints

Json = dict[str, Any]


class Unsupported(Exception):
    """The case asks for a rule that the kernels do not have."""


def only(entry: Json, known: frozenset[str], what: str) -> None:
    """Refuse keys that nobody reads."""
    unknown = sorted(set(entry) - known)
    if unknown:
        raise Unsupported(f"{what} {', '.join(unknown)}")


def number(registry: tuple[Rule, ...], name: str) -> int:
    """Number of the rule called ``name``."""
    for n, rule in enumerate(registry):
        if rule.name == name:
            return n
    raise Unsupported(f"rule {name}")


def floats(values: list[float]) -> Floats:
    """Array of float64."""
    return np.array(values, dtype=np.float64)


def ints(values: list[int]) -> Ints:
    """Array of int64."""
    return np.array(values, dtype=np.int64)
