"""Where the result of a case differs from what is expected of it."""

from __future__ import annotations

import math
from typing import Any

from tests.conformance.case import Json

RELATIVE = 1e-9
ABSOLUTE = 1e-9
"""Money and prices of the cases are between 1 and 1e7: what is less than this is nothing."""
SHALLOW, SHALLOW_ABSOLUTE = 1e-6, 2e-5
"""A book of this depth stands for one in which nothing can be sold, but a billionth of a unit is."""

NOT_COMPARED = frozenset({"trace", "log"})


def differences(case: Json, result: Json) -> list[str]:
    """One line per expected number that ``result`` does not have."""
    if "expected" in case:
        wanted = {key: value for key, value in case["expected"].items() if key not in NOT_COMPARED}
        return list(_tree(wanted, result, "", ABSOLUTE))
    depths = [market.get("depth") for market in case["input"]["markets"]]
    shallow = any(isinstance(depth, float) and depth <= SHALLOW for depth in depths)
    absolute = SHALLOW_ABSOLUTE if shallow else ABSOLUTE
    found = []
    for path, value in case["expected_by_hand"].items():
        found += _tree(value, _at(result, path), path, absolute)
    return found


def _at(result: Any, path: str) -> Any:
    for key in path.split("."):
        result = result[int(key)] if isinstance(result, list) else result[key]
    return result


def _tree(wanted: Any, found: Any, path: str, absolute: float) -> list[str]:
    """Compare what is wanted; ``found`` may say more."""
    lines: list[str] = []
    if isinstance(wanted, dict):
        for key, value in wanted.items():
            below = f"{path}.{key}" if path else key
            lines += _tree(value, found[key], below, absolute) if key in found else [f"{below}: missing"]
    elif isinstance(wanted, list):
        if len(wanted) != len(found):
            return [f"{path}: {len(found)} values, expected {len(wanted)}"]
        for n, value in enumerate(wanted):
            lines += _tree(value, found[n], f"{path}.{n}", absolute)
    elif isinstance(wanted, int | float) and isinstance(found, int | float):
        if not math.isclose(wanted, found, rel_tol=RELATIVE, abs_tol=absolute):
            lines.append(f"{path}: {found!r}, expected {wanted!r}")
    elif wanted != found:
        lines.append(f"{path}: {found!r}, expected {wanted!r}")
    return lines
