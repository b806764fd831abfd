"""What is not known, drawn: one set of values for every replicate, written as overrides of the scenario."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from stress.backtest.crisis import INTEGER, LOG_UNIFORM, Found, Unknown, quantity
from stress.errors import InvalidInput, MeaninglessInput, Problem
from stress.scenario import units
from stress.scenario.units import Dimension
from stress.sweep.cells import matches

DIGITS = 4
"""Significant digits of a drawn value: enough for any range, and short enough to type again."""


def draw(unknown: Unknown, seed: int, replicate: int) -> float:
    """The value of an unknown in a replicate.

    It hangs on the seed, the replicate and the unknown's name alone: another unknown, or more replicates, change none
    of the draws that are there.
    """
    rng = np.random.default_rng([seed, replicate, zlib.crc32(unknown.name.encode())])
    (low, _), (high, _) = quantity(unknown.low), quantity(unknown.high)
    if unknown.draw == INTEGER:
        return float(rng.integers(int(low), int(high), endpoint=True))
    part = float(rng.random())
    if unknown.draw == LOG_UNIFORM:
        return _rounded(low * (high / low) ** part)
    return _rounded(low + (high - low) * part)


def _rounded(value: float) -> float:
    return value if value == 0.0 else round(value, DIGITS - 1 - math.floor(math.log10(abs(value))))


def places_of(found: Found, canonical: Mapping[str, Any]) -> list[list[tuple[str, Any]]]:
    """Where every unknown stands in the scenario, and the value there.

    Raises
    ------
    MeaninglessInput
        With every path that leads nowhere, and every value that is to be multiplied and is no number.
    """
    problems: list[Problem] = []
    places: list[list[tuple[str, Any]]] = []
    for n, unknown in enumerate(found.crisis.unknown):
        mine: list[tuple[str, Any]] = []
        for k, path in enumerate(unknown.paths):
            here = list(matches(path, canonical))
            if not here:
                problems.append(found.problem(("unknown", n, "paths", k), f"the scenario has no {path!r}"))
            for place, value in here:
                if unknown.scale and (isinstance(value, bool) or not isinstance(value, int | float)):
                    message = f"{place} is {value!r}, which cannot be multiplied"
                    problems.append(found.problem(("unknown", n, "paths", k), message))
            mine += here
        problems += _taken(found, n, mine, places)
        places.append(mine)
    if problems:
        raise MeaninglessInput(problems)
    return places


def _taken(
    found: Found, n: int, mine: list[tuple[str, Any]], earlier: list[list[tuple[str, Any]]]
) -> Iterator[Problem]:
    """Places that an earlier unknown is put into already: the later one would undo it."""
    taken = {
        place: other.name for other, theirs in zip(found.crisis.unknown, earlier, strict=False) for place, _ in theirs
    }
    for place, _ in mine:
        if place in taken:
            yield found.problem(("unknown", n, "paths"), f"{place} is drawn by {taken[place]!r} already")


def require_sound_ends(found: Found, before: tuple[str, ...], places: list[list[tuple[str, Any]]]) -> None:
    """Load the scenario with each unknown at either end of its range, before hundreds of draws find out.

    Raises
    ------
    MeaninglessInput
        With every end that makes no sound scenario.
    """
    problems = []
    for n, (unknown, mine) in enumerate(zip(found.crisis.unknown, places, strict=True)):
        for key, text in (("low", unknown.low), ("high", unknown.high)):
            try:
                found.scenario((*before, *written(unknown, quantity(text)[0], mine)))
            except InvalidInput as error:
                message = "; ".join(f"{problem.path}: {problem.message}" for problem in error.problems)
                problems.append(found.problem(("unknown", n, key), f"makes no sound scenario: {message}"))
    if problems:
        raise MeaninglessInput(problems)


def written(unknown: Unknown, value: float, places: list[tuple[str, Any]]) -> list[str]:
    """Overrides that put a drawn value into every place."""
    if unknown.scale:
        return [f"{place}={_rounded(before * value)!r}" for place, before in places]
    text = _text(unknown, value)
    return [f"{place}={text}" for place, _ in places]


def _text(unknown: Unknown, value: float) -> str:
    dimension = quantity(unknown.low)[1]
    return units.write(value, Dimension.COUNT if unknown.draw == INTEGER else dimension)
