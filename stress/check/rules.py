"""Mistakes in rules that can be told before anything is simulated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stress.check.metrics import LOWER_IS_WORSE, known_metrics, suggestion
from stress.errors import MeaninglessInput, Problem
from stress.scenario.checks import DEPLETION, REGRESSION
from stress.sizing.analysis import first_fund

if TYPE_CHECKING:
    from stress.scenario import Loaded


def require_sound(loaded: Loaded) -> None:
    """Raise for every rule of a scenario that no run of it could answer.

    :raises MeaninglessInput: naming each at its place.
    """
    problems = list(_problems(loaded))
    if problems:
        raise MeaninglessInput(problems)


def _problems(loaded: Loaded) -> Iterator[Problem]:
    for number, rule in enumerate(loaded.scenario.checks):
        if rule.metric is not None and rule.metric not in known_metrics():
            yield loaded.problem(("checks", number, "metric"), suggestion(rule.metric))
        if rule.rule == REGRESSION and rule.mean and rule.metric in LOWER_IS_WORSE:
            words = f"means are compared where more is worse, not of {rule.metric}; a level asks for its quantile"
            yield loaded.problem(("checks", number), words)
        if rule.metric == DEPLETION:
            pool = rule.pool or next(iter(loaded.scenario.pools))
            try:
                first_fund(loaded.canonical["pools"][pool])
            except LookupError:
                yield loaded.problem(("checks", number), f"pool {pool} has neither fund nor vault to be depleted")
