"""How paths are drawn: importance sampling for losses that plain sampling hardly ever sees.

:mod:`stress.sampling.score` says from the book which price moves hurt, :mod:`stress.sampling.pilot` finds laws under
which such moves are common, :mod:`stress.sampling.decide` tries them, and :mod:`stress.sampling.draw` draws paths under
them and weighs them by their likelihood ratios.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from stress import store
from stress.sampling.mixture import Decision

if TYPE_CHECKING:
    from stress.build import Plan

__all__ = ["Decision", "kept", "settled", "with_laws"]


def settled(plan: Plan, folder: Path | None, threads: int) -> Decision | None:
    """How to draw a plan's paths: as the run in ``folder`` does, or as a pilot finds; None for a plain scenario."""
    if plan.loaded.scenario.run.sampling is None:
        return None
    found = None if folder is None else kept(folder)
    if found is not None:
        return found
    from stress.sampling.decide import decide

    return decide(plan, threads)


def kept(folder: Path) -> Decision | None:
    """The decision that a run or a shard keeps.

    :raises IncompleteRun: the file is damaged.
    """
    file = folder / store.SAMPLING
    return Decision.of_json(store.read_json(file)) if file.is_file() else None


def with_laws(plan: Plan, decision: Decision) -> Plan:
    """The plan with the laws of a decision."""
    return replace(plan, tilt=decision.tilt)
