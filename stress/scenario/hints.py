"""Did-you-mean, and how a value is shown in a message."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LONGEST = 60
"""Characters of a value in a message; longer words are not looked up either."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``"; did you mean 'x'?"`` for the nearest known word, else the known words, else nothing."""
    words = [str(k) for k in known]
    lowered = {w.lower(): w for w in reversed(words)}
    near = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.6) if len(word) <= _LONGEST else []
    if near:
        return f"; did you mean {lowered[near[0]]!r}?"
    return f"; known: {', '.join(words)}" if 0 < len(words) <= 12 else ""


def shown(value: object) -> str:
    """``value`` in a message: short, and without the names of Python types."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list | tuple):
        return "a list"
    text = repr(value[: _LONGEST + 1] if isinstance(value, str) else value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
