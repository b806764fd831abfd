"""Subaccounts of dYdX v4: what the indexer answers to ``/v4/addresses/{address}``, for many addresses.

A subaccount is one margin account, those that hold a position in an isolated market too. Answers have no mark; it
follows from ``unrealizedPnl``, which is the signed size times mark less entry price.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from stress.book.findings import LISTED, Findings
from stress.imports.export import Export
from stress.imports.json_values import values
from stress.imports.validate import validated

Number = Annotated[float, Field(allow_inf_nan=False)]
Price = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class Position(BaseModel):
    """One entry of ``openPerpetualPositions``."""

    market: Annotated[str, Field(min_length=1)]
    side: Literal["LONG", "SHORT"]
    size: Number
    entryPrice: Price
    unrealizedPnl: Number

    @property
    def quantity(self) -> float:
        """Signed size, whether or not the answer signs it."""
        return math.copysign(abs(self.size), 1.0 if self.side == "LONG" else -1.0)

    @property
    def mark(self) -> float:
        """Oracle price at which the profit was computed."""
        return self.entryPrice + self.unrealizedPnl / self.quantity


class Subaccount(BaseModel):
    """One margin account; keys that no book needs are passed over."""

    address: Annotated[str, Field(min_length=1)]
    subaccountNumber: Annotated[int, Field(ge=0)]
    equity: Number
    openPerpetualPositions: dict[str, Position]


def read(path: Path, findings: Findings, export: Export) -> None:
    """Add the subaccounts of a file: a list, or one on each line, of subaccounts or of answers with ``subaccounts``."""
    names = set(export.wallet) | set(export.account)
    wrong = 0
    for content, where, line in _subaccounts(path, findings):
        found = validated(Subaccount, content, where, line, findings)
        name = "" if found is None else f"{found.address}/{found.subaccountNumber}"
        if found is None:
            wrong += 1
        elif name in names:
            findings.add(where, f"subaccount {name!r} is there twice", line)
        else:
            names.add(name)
            _fill(name, found, where, line, findings, export)
        if wrong > LISTED:
            findings.stop("more subaccounts are wrong than are told; the rest of the file was not read")


def _subaccounts(path: Path, findings: Findings) -> Iterator[tuple[Any, str, int]]:
    """Every subaccount with its path in the file and its line."""
    for number, value in enumerate(values(path, findings)):
        where = value.key if value.key is not None else f"[{number}]"
        content = value.content
        inner = content.get("subaccounts") if isinstance(content, dict) else content if value.key else None
        if isinstance(inner, list):
            steps = ".subaccounts" if isinstance(content, dict) else ""
            yield from ((entry, f"{where}{steps}[{k}]", value.line) for k, entry in enumerate(inner))
        else:
            yield content, where, value.line


def _fill(name: str, found: Subaccount, where: str, line: int, findings: Findings, export: Export) -> None:
    """Rows of one subaccount; its wallet is equity less profit."""
    held = [position for position in found.openPerpetualPositions.values() if position.size != 0.0]
    export.left_out["position of size zero"] += len(found.openPerpetualPositions) - len(held)
    for position in held:
        if position.mark <= 0.0:
            words = f"a mark of {position.mark:g} follows from it"
            findings.add(f"{where}.openPerpetualPositions.{position.market}.unrealizedPnl", words, line)
        numbers = position.quantity, position.entryPrice, position.mark, math.nan
        export.add(name, position.market, *numbers, found.address)
    if held:
        export.wallet[name] = found.equity - sum(position.unrealizedPnl for position in held)
    else:
        export.left_out["account without positions"] += 1
