"""The manifest: what makes a run folder complete, and what a reader needs to trust and repeat it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stress import provenance, store
from stress.book.margin import Tiers, maintenance
from stress.kernels.structs import Venue

if TYPE_CHECKING:
    from stress.build import Plan

_DUST = 1e-9
"""Breach is equity under maintenance by more than this times (gross notional + 1)."""


def manifest(
    folder: Path,
    plan: Plan,
    origin: provenance.Provenance,
    parts: Sequence[Mapping[str, Any]],
    tables: Mapping[str, Mapping[str, Any]],
    command: str,
) -> dict[str, Any]:
    """The manifest of a run whose other files are all written; ``tables`` are the entries of single-file tables."""
    clock = plan.venue.clock
    return {
        "format": store.FORMAT,
        "complete": True,
        "tool_version": origin.tool_version,
        "scenario_name": origin.scenario_name,
        "scenario_digest": origin.scenario_digest,
        "inputs_digest": origin.inputs_digest,
        "kernel_digest": origin.kernel_digest,
        "seed": origin.seed,
        "paths": origin.paths,
        "step_s": clock.dt / clock.substeps,
        "check_every_s": clock.dt,
        "horizon_s": clock.dt * clock.checks,
        "pools": list(plan.pool_names),
        "layers": [{"pool": pool, "name": name, "kind": kind} for pool, name, kind in plan.layer_names],
        "markets": list(plan.market_names),
        "parts": list(parts),
        "tables": dict(tables),
        "files": {name: store.file_hash(folder / name) for name in store.PLAIN_FILES},
        "content_hash": store.combined_hash(parts, tables),
        "book": book_summary(plan),
        "command": command,
        "platform": provenance.platform(),
        "environment": provenance.environment(),
    }


def book_summary(plan: Plan) -> dict[str, Any]:
    """Size, sides and concentration of the book at the initial prices; money in the quote currency."""
    book = plan.venue.book
    price = np.exp(plan.models.log_price)
    value = book.quantity * price[book.market]
    long = np.bincount(book.market, np.maximum(value, 0.0), len(price))
    short = np.bincount(book.market, np.maximum(-value, 0.0), len(price))
    owned = np.sort(np.bincount(book.owner[book.holder], np.abs(value), 1))[::-1]
    gross = float(owned.sum())
    return {
        "accounts": len(book.cash),
        "owners": len(np.unique(book.owner)),
        "positions": len(book.quantity),
        "open_interest": _by_market(plan, np.maximum(long, short)),
        "long": _by_market(plan, long),
        "short": _by_market(plan, short),
        "top1_share": float(owned[0]) / gross if gross else 0.0,
        "top10_share": float(owned[:10].sum()) / gross if gross else 0.0,
        "in_breach_at_start": _breaches(plan.venue, value),
    }


def _by_market(plan: Plan, values: Any) -> dict[str, float]:
    return {name: float(value) for name, value in zip(plan.market_names, values, strict=True)}


def _breaches(venue: Venue, value: Any) -> int:
    """Number of margin accounts in breach of maintenance at the initial prices."""
    book, markets = venue.book, venue.markets
    tiers = Tiers(markets.tier_first, markets.tier_lower, markets.tier_rate, markets.tier_deduction)
    accounts, holder = len(book.cash), book.holder
    gross = np.bincount(holder, np.abs(value), accounts)
    required = np.bincount(holder, maintenance(np.abs(value), book.market, tiers), accounts)
    equity = book.cash + np.bincount(holder, value, accounts)
    return int(np.count_nonzero(equity < required - _DUST * (gross + 1.0)))
