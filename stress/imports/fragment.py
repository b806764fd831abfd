"""A scenario that uses an imported book."""

from __future__ import annotations

import os
from pathlib import Path

import yaml

from stress.imports.export import Imported
from stress.scenario import Scenario
from stress.scenario.writing import name_from


def fragment(
    imported: Imported, file: Path, tables: tuple[Path, Path], venue: str | None, rules: Scenario | None
) -> str:
    """YAML of a scenario: prices of the export, its book, and the rules of a venue where one is given.

    Without a venue models, liquidity, margin, liquidation and layers are to be added; with one the first of its pools
    takes the book, and markets that the export does not have keep the venue's price.
    """
    pool = "main" if rules is None else next(iter(rules.pools))
    accounts, balances = (_beside(path, file) for path in tables)
    head = "# Book and prices as imported."
    top = {"format": 1, "name": name_from(file), "title": "Imported book"}
    parts = [head, _yaml(top)]
    if venue is None:
        parts.append(
            "# extends: a venue with models, liquidity and margin of the markets, liquidation and layers of the pool\n"
        )
    else:
        base = _beside(Path(venue), file) if Path(venue).is_file() else venue
        parts.append(_yaml({"extends": [base]}))
    parts.append(_yaml({"markets": {name: {"price": price} for name, price in sorted(imported.prices.items())}}))
    replaced = {"synthetic": None} if rules is not None and rules.pools[pool].book.synthetic is not None else {}
    parts.append(_yaml({"pools": {pool: {"book": {**replaced, "accounts": accounts, "balances": balances}}}}))
    return "\n".join(part.rstrip("\n") for part in parts) + "\n"


def _beside(path: Path, file: Path) -> str:
    return Path(os.path.relpath(path, file.parent)).as_posix()


def _yaml(value: object) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120, default_flow_style=False)
