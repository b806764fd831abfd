"""States of Hyperliquid's clearinghouse: what the info endpoint answers to ``clearinghouseState``, for many users.

Equity is the venue's own: of the cross account ``crossMarginSummary.accountValue``, of an isolated position
``marginUsed``, at the mark ``positionValue / |szi|``. Entry prices are rounded in the answers, so that wallets are
equity less profit at the rounded entry price: at the mark the book has the venue's equity to the cent.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from stress.book.findings import LISTED, Findings
from stress.imports.export import Export
from stress.imports.json_values import Value, values
from stress.imports.validate import validated

Number = Annotated[float, Field(allow_inf_nan=False)]
NotBelowZero = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class Leverage(BaseModel):
    """How a position is margined."""

    type: Literal["cross", "isolated"]


class Position(BaseModel):
    """One entry of ``assetPositions``."""

    coin: Annotated[str, Field(min_length=1)]
    szi: Number
    leverage: Leverage
    positionValue: NotBelowZero | None = None
    entryPx: NotBelowZero | None = None
    marginUsed: Number | None = None


class Entry(BaseModel):
    """A position in its wrapping."""

    position: Position


class Summary(BaseModel):
    """Totals of an account."""

    accountValue: Number


class State(BaseModel):
    """What the endpoint answers for one user; keys that no book needs are passed over."""

    marginSummary: Summary
    crossMarginSummary: Summary | None = None
    assetPositions: list[Entry]


_ADDRESS_KEYS = ("user", "address", "account")
_STATE_KEYS = ("clearinghouseState", "state", "response", "data")


def read(path: Path, findings: Findings, export: Export) -> None:
    """Add the accounts of a file: an object by address, a list, or a state on each line.

    In lists and lines the address is ``user``, ``address`` or ``account`` beside the state's keys or beside
    ``clearinghouseState``, ``state``, ``response`` or ``data``, or the first of a pair. A lone state without one is
    named after the file.
    """
    names = set(export.wallet) | set(export.account)
    wrong = 0
    for number, (value, alone) in enumerate(_looking_ahead(values(path, findings))):
        name, content, where = _unwrapped(value, number, path.stem if alone else "")
        if not name:
            findings.add(where, "no address: expected a key 'user' beside the state", value.line)
        elif name in names:
            findings.add(where, f"account {name!r} is there twice", value.line)
        else:
            names.add(name)
            wrong += not _add(name, content, where, value.line, findings, export)
        if wrong > LISTED:
            findings.stop("more accounts are wrong than are told; the rest of the file was not read")


def _looking_ahead(found: Iterator[Value]) -> Iterator[tuple[Value, bool]]:
    """Every value, and whether it is the file's only one."""
    first = next(found, None)
    if first is None:
        return
    second = next(found, None)
    yield first, second is None
    if second is not None:
        yield second, False
        yield from ((value, False) for value in found)


def _unwrapped(value: Value, number: int, alone: str) -> tuple[str, Any, str]:
    """Address, state, and the state's path in the file."""
    content, where = value.content, value.key if value.key is not None else f"[{number}]"
    name = value.key or ""
    if isinstance(content, list) and len(content) == 2 and isinstance(content[0], str):
        name, content, where = content[0], content[1], f"{where}[1]"
    if isinstance(content, dict):
        said = next((content[key] for key in _ADDRESS_KEYS if isinstance(content.get(key), str)), "")
        inner = next((key for key in _STATE_KEYS if isinstance(content.get(key), dict)), None)
        name = name or said
        if inner is not None and "assetPositions" not in content:
            content, where = content[inner], f"{where}.{inner}"
    return name or alone, content, where


def _add(name: str, content: Any, where: str, line: int, findings: Findings, export: Export) -> bool:
    """Read one state; False where it cannot be."""
    state = validated(State, content, where, line, findings)
    if state is None:
        return False
    open_positions = [entry.position for entry in state.assetPositions if entry.position.szi != 0.0]
    export.left_out["position of size zero"] += len(state.assetPositions) - len(open_positions)
    complete = True
    for position in open_positions:
        missing = [key for key in ("entryPx", "positionValue") if not getattr(position, key)]
        if position.leverage.type == "isolated" and position.marginUsed is None:
            missing.append("marginUsed")
        for key in missing:
            findings.add(f"{where}.{position.coin}.{key}", "missing for an open position", line)
            complete = False
    if complete:
        _fill(name, state, open_positions, export)
    return complete


def _fill(name: str, state: State, open_positions: list[Position], export: Export) -> None:
    """Rows of one account; its cross wallet is equity less profit."""
    isolated_equity = profit = 0.0
    crosses = 0
    for position in open_positions:
        quantity, entry = position.szi, position.entryPx or 0.0
        mark = (position.positionValue or 0.0) / abs(quantity)
        if position.leverage.type == "isolated":
            equity = position.marginUsed or 0.0
            isolated_equity += equity
            export.add_isolated(name, position.coin, quantity, entry, mark, equity)
        else:
            profit += quantity * (mark - entry)
            crosses += 1
            export.add(name, position.coin, quantity, entry, mark, math.nan)
    summary = state.crossMarginSummary
    equity = state.marginSummary.accountValue - isolated_equity if summary is None else summary.accountValue
    if crosses or (open_positions and equity > 0.0):
        export.wallet[name] = equity - profit
    elif not open_positions:
        export.left_out["account without positions"] += 1
