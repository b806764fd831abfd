"""The manifest: what makes a run folder complete, and what a reader needs to trust and repeat it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stress import book, provenance, store

if TYPE_CHECKING:
    from stress.build import Plan

_BLIND_TO_SIZE = frozenset(
    {"insurance_fund", "backstop_vault", "shared_fund", "treasury", "adl", "socialise", "liquidity_pool"}
)
"""Kinds of layers that do not read how large a fund is, unless by one of these:"""
_READ_THE_FUND = ("cap", "stop", "draw_cap", "equity_cap", "profit_cap", "backing")
_OFF: tuple[object, ...] = (None, "none", {})
"""Values with which such a rule is off."""


def manifest(
    folder: Path,
    plan: Plan,
    origin: provenance.Provenance,
    parts: Sequence[Mapping[str, Any]],
    tables: Mapping[str, Mapping[str, Any]],
    command: str,
    sampling: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The manifest of a run whose other files are all written; ``tables`` are the entries of single-file tables.

    ``sampling`` is how the paths were drawn, where the scenario says anything of it.
    """
    clock = plan.venue.clock
    files = (*store.PLAIN_FILES, *([] if sampling is None else [store.SAMPLING]))
    told = {} if sampling is None else {"sampling": dict(sampling)}
    return told | {
        "format": store.FORMAT,
        "complete": True,
        "tool_version": origin.tool_version,
        "scenario_name": origin.scenario_name,
        "scenario_digest": origin.scenario_digest,
        "scenario_sections": plan.loaded.sections,
        "inputs_digest": origin.inputs_digest,
        "kernel_digest": origin.kernel_digest,
        "seed": origin.seed,
        "stream_layout": provenance.STREAM_LAYOUT,
        "paths": origin.paths,
        "step_s": clock.dt / clock.substeps,
        "check_every_s": clock.dt,
        "horizon_s": clock.dt * clock.checks,
        "pools": list(plan.pool_names),
        "layers": [{"pool": pool, "name": name, "kind": kind} for pool, name, kind in plan.layer_names],
        "markets": list(plan.market_names),
        "parts": list(parts),
        "tables": dict(tables),
        "files": {name: store.file_hash(folder / name) for name in files},
        "content_hash": store.combined_hash(parts, tables),
        "book": book.summary(plan.positions, plan.terms),
        "notes": list(plan.notes),
        "sizing_identity": sizing_identity(plan.loaded.canonical.get("pools", {})),
        "command": command,
        "platform": provenance.platform(),
        "environment": provenance.environment(),
    }


def sizing_identity(pools: Mapping[str, Any]) -> bool:
    """Whether one run sizes every fund: a fund of any size is depleted on the paths that require more.

    True where nothing but acceptance depends on the size of a fund (MODEL 9).
    ``pools`` are those of the canonical scenario; a kind of layer that is not
    known for it makes it False.
    """
    layers = [layer for pool in pools.values() for layer in pool["layers"]]
    return all(
        layer["type"] in _BLIND_TO_SIZE and all(layer.get(key) in _OFF for key in _READ_THE_FUND) for layer in layers
    )
