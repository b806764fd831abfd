"""What was read, in figures."""

from __future__ import annotations

from typing import Any

import numpy as np

from stress.book import Terms, stack_tiers, summary
from stress.book.check import sides
from stress.imports.export import Imported
from stress.kernels.structs import Floats

QUANTILES = (0.05, 0.5, 0.95, 0.99, 1.0)
"""Of the leverage; the last is the largest."""


def figures(imported: Imported) -> dict[str, Any]:
    """Counts, sides by market, leverage and what was left out, ready for JSON.

    Leverage is gross notional over equity of the margin accounts with positions and equity; accounts without equity are
    counted apart.
    """
    book = imported.positions
    prices = np.array([imported.prices[name] for name in book.market_names])
    terms = Terms(book.market_names, prices, stack_tiers([(0.0, 0.0)] for _ in prices))
    found = summary(book, terms)
    longs, shorts = sides(book, prices)
    notional, equity = book.per_account(book.notional(prices)), book.equity(prices)
    held = notional > 0.0
    leverage = notional[held & (equity > 0.0)] / equity[held & (equity > 0.0)]
    return {
        **{key: found[key] for key in ("accounts", "isolated_accounts", "owners", "positions")},
        **{key: found[key] for key in ("gross_notional", "equity", "top1_share", "top10_share")},
        "without_equity": int((held & (equity <= 0.0)).sum()),
        "leverage": _quantiles(leverage),
        "markets": {
            name: {"price": float(prices[m]), "long": float(longs[m]), "short": float(shorts[m])}
            for m, name in enumerate(book.market_names)
        },
        "left_out": imported.left_out,
        "notes": list(imported.notes),
    }


def _quantiles(values: Floats) -> dict[str, float]:
    if not values.size:
        return {}
    return {f"{q:.0%}": float(np.quantile(values, q)) for q in QUANTILES}
