"""JSON as people read it in a pull request: short maps on one line, lists of numbers wrapped."""

from __future__ import annotations

import json
import textwrap
from typing import Any

_WIDTH = 120


def dump(value: Any) -> str:
    """JSON text with a final newline."""
    return _lines(value, "") + "\n"


def _lines(value: Any, indent: str, before: int = 0) -> str:
    line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if not isinstance(value, dict | list) or not value or (_flat(value) and before + len(indent + line) < _WIDTH):
        return line
    inner = indent + "  "
    if isinstance(value, dict):
        entries = []
        for key, entry in value.items():
            name = json.dumps(key, ensure_ascii=False) + ": "
            entries.append(inner + name + _lines(entry, inner, len(name)))
        return "{\n" + ",\n".join(entries) + f"\n{indent}}}"
    if _flat(value):
        wrapped = textwrap.wrap(line[1:-1], _WIDTH - len(inner), break_long_words=False, break_on_hyphens=False)
        return "[\n" + "\n".join(inner + part for part in wrapped) + f"\n{indent}]"
    return "[\n" + ",\n".join(inner + _lines(entry, inner) for entry in value) + f"\n{indent}]"


def _flat(value: Any) -> bool:
    """Whether it holds nothing but scalars."""
    entries = value.values() if isinstance(value, dict) else value
    return not any(isinstance(entry, dict | list) for entry in entries)
