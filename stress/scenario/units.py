"""Units written in values: ``5%``, ``50bp``, ``15m``, ``1h30m``, ``25_000_000``, ``1.5bn``.

Everything is read exactly in decimal and rounded once to the nearest double,
so that ``66.67%`` is the same number as ``0.6667``.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from enum import Enum


class Dimension(Enum):
    """What a number measures; the value is how messages name it, with an example."""

    FRACTION = "a fraction such as 5%, 50bp or 0.05"
    DURATION = "a duration such as 30s, 15m, 24h or 30d"
    MONEY = "an amount such as 25_000_000, 250M or 1.5bn"
    NUMBER = "a number such as 2.5"
    COUNT = "a whole number such as 10_000"


_DIGITS = r"\d+(?:_\d+)*"
_NUMBER = rf"[+-]?(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][+-]?\d+)?"
_SUFFIXES: dict[Dimension, dict[str, int]] = {
    Dimension.FRACTION: {"": 0, "%": -2, "bp": -4},
    Dimension.MONEY: {"": 0, "k": 3, "M": 6, "bn": 9},
    Dimension.NUMBER: {"": 0, "%": -2},
    Dimension.COUNT: {"": 0, "k": 3, "M": 6},
}
"""Power of ten of each suffix."""

_SECONDS = {
    unit: Decimal(seconds)
    for unit, seconds in {"ms": "0.001", "s": "1", "m": "60", "h": "3600", "d": "86400", "w": "604800"}.items()
}
_DURATION_PART = re.compile(rf"({_DIGITS}(?:\.{_DIGITS})?)\s*(ms|s|m|h|d|w)\s*")
_PATTERNS: dict[Dimension, str] = {
    dimension: rf"{_NUMBER}\s*(?:{'|'.join(s for s in suffixes if s)})?" for dimension, suffixes in _SUFFIXES.items()
} | {Dimension.DURATION: rf"0|(?:{_DIGITS}(?:\.{_DIGITS})?\s*(?:ms|s|m|h|d|w)\s*)+"}
_SHAPES = {
    dimension: re.compile(rf"({_NUMBER})\s*({'|'.join(s for s in suffixes if s)})?", re.ASCII)
    for dimension, suffixes in _SUFFIXES.items()
}
_LONGEST = 64
"""Characters of the longest number: a double needs 24, and longer ones only cost time."""


class NotAQuantity(ValueError):
    """The text is not of the dimension asked for; the message is fit for the user."""


def pattern(dimension: Dimension) -> str:
    """Regular expression (ECMA dialect, anchored) of the texts that :func:`parse` reads."""
    return f"^(?:{_PATTERNS[dimension]})$"


def parse(text: str, dimension: Dimension) -> float | int:
    """Number that ``text`` stands for: fractions as such, durations in seconds, counts as int.

    Raises
    ------
    NotAQuantity
        The text is not of this dimension, is too long, or is too large for a double.
    """
    if len(text) > _LONGEST:
        raise NotAQuantity(f"expected {dimension.value}, got {len(text)} characters")
    word = text.strip()
    value = _seconds(word) if dimension is Dimension.DURATION else _scaled(word, dimension)
    if value is None:
        raise NotAQuantity(f"expected {dimension.value}, got {text!r}" + _advice(word, dimension))
    if not math.isfinite(float(value)):
        raise NotAQuantity(f"expected {dimension.value}, got {text!r}, which is too large")
    if dimension is Dimension.COUNT:
        return _whole(value, text)
    return float(value)


def _scaled(word: str, dimension: Dimension) -> Decimal | None:
    found = _SHAPES[dimension].fullmatch(word)
    if found is None:
        return None
    return Decimal(found[1].replace("_", "")).scaleb(_SUFFIXES[dimension][found[2] or ""])


def _seconds(word: str) -> Decimal | None:
    if word == "0":
        return Decimal(0)
    total, end = Decimal(0), 0
    for part in _DURATION_PART.finditer(word):
        if part.start() != end:
            return None
        total += Decimal(part[1].replace("_", "")) * _SECONDS[part[2]]
        end = part.end()
    return total if word and end == len(word) else None


def _whole(value: Decimal, text: str) -> int:
    whole = int(value)
    if whole != value:
        raise NotAQuantity(f"expected {Dimension.COUNT.value}, got {text!r}")
    return whole


def _advice(word: str, dimension: Dimension) -> str:
    """A hint for the mistakes that are made most: no unit of time, unit of another dimension."""
    if dimension is Dimension.DURATION and re.fullmatch(rf"{_DIGITS}(?:\.{_DIGITS})?", word):
        return f"; write the unit: {word}s, {word}m or {word}h"
    if dimension is Dimension.MONEY and re.fullmatch(rf"{_NUMBER}\s*(?:m|mm|mn|b|B|billion|million|K)", word):
        return "; the suffixes are k, M and bn"
    if re.fullmatch(r"[+-]?\.?(?:nan|inf|infinity)", word, re.IGNORECASE):
        return "; only finite numbers are allowed"
    return ""


def write(value: float, dimension: Dimension) -> str:
    """Shortest text of ``value`` for people, which :func:`parse` reads back to the same number."""
    if dimension is Dimension.DURATION:
        return _write_duration(value)
    if dimension is Dimension.FRACTION:
        return f"{_plain(Decimal(repr(value)).scaleb(2))}%"
    if dimension in (Dimension.MONEY, Dimension.COUNT) and value == int(value) and abs(value) < 1e15:
        return f"{int(value):_}"
    return repr(value).removesuffix(".0")


def _write_duration(value: float) -> str:
    for unit in ("d", "h", "m"):
        if value and value % float(_SECONDS[unit]) == 0:
            return f"{_plain(Decimal(repr(value)) / _SECONDS[unit])}{unit}"
    return f"{_plain(Decimal(repr(value)))}s"


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
