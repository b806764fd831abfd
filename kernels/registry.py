"""What every family of rules says about its members; documentation and tests read it."""

from __future__ import annotations

from typing import NamedTuple


class Parameter(NamedTuple):
    """One parameter of a rule."""

    name: str
    unit: str
    sentence: str


class Rule(NamedTuple):
    """A member of a family: its number inside the kernels is its place in the registry."""

    name: str
    sentence: str
    source: str
    parameters: tuple[Parameter, ...] = ()


def number_of(registry: tuple[Rule, ...], name: str) -> int:
    """Number of the rule called ``name``.

    Raises
    ------
    KeyError
        When the registry has no such rule.
    """
    for number, rule in enumerate(registry):
        if rule.name == name:
            return number
    raise KeyError(name)
