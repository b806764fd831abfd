"""Jump sources of a scenario: common ones, then the own ones of each market."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stress.kernels.jumps import Sources
from stress.kernels.models import YEAR

if TYPE_CHECKING:
    from stress.scenario.markets import JumpMark
    from stress.scenario.models import Bates, Merton, SelfExcitation, Svcj
    from stress.scenario.schema import Scenario


class Row(NamedTuple):
    """One source."""

    rate: float
    correlation: float
    key: int
    excitation: SelfExcitation | None
    marks: dict[int, tuple[float, float, float, float, float]]
    """Probability, mean, standard deviation, variance jump and slope by number of the market."""


def jump_sources(scenario: Scenario) -> Sources:
    """Common jumps, then the own jumps of each market.

    A source's key numbers its random draws: 2 m for the own jumps of market m, 2 k + 1 for the k-th common source, so
    that adding one leaves the arrivals of the others as they were.
    """
    numbers = {name: m for m, name in enumerate(scenario.markets)}
    rows = [
        Row(
            jump.rate,
            jump.correlation,
            2 * k + 1,
            jump.self_excitation,
            {numbers[name]: _mark(mark) for name, mark in jump.marks.items()},
        )
        for k, jump in enumerate(scenario.jumps)
    ]
    for m, market in enumerate(scenario.markets.values()):
        model = market.model
        if model.type == "merton" or model.type == "bates" or model.type == "svcj":
            rows.append(Row(model.jump_rate, 0.0, 2 * m, model.self_excitation, {m: _own_mark(model)}))
    return _stacked([row for row in rows if row.rate > 0.0], len(numbers))


def _mark(mark: JumpMark) -> tuple[float, float, float, float, float]:
    return mark.probability, mark.mean, mark.std, mark.variance_jump, mark.jump_slope


def _own_mark(model: Merton | Bates | Svcj) -> tuple[float, float, float, float, float]:
    variance, slope = (model.variance_jump, model.jump_slope) if model.type == "svcj" else (0.0, 0.0)
    return 1.0, model.jump_mean, model.jump_std, variance, slope


def _stacked(rows: list[Row], markets: int) -> Sources:
    tables = np.zeros((5, len(rows), markets))
    for n, row in enumerate(rows):
        for m, mark in row.marks.items():
            tables[:, n, m] = mark
    excited = [row.excitation for row in rows]
    return Sources(
        rate=np.array([row.rate for row in rows], dtype=np.float64),
        probability=tables[0].copy(),
        mean=tables[1].copy(),
        std=tables[2].copy(),
        variance=tables[3].copy(),
        slope=tables[4].copy(),
        correlation=np.array([row.correlation for row in rows], dtype=np.float64),
        branching=np.array([0.0 if e is None else e.branching for e in excited], dtype=np.float64),
        decay=np.array([1.0 if e is None else math.log(2.0) * YEAR / e.half_life for e in excited], dtype=np.float64),
        key=np.array([row.key for row in rows], dtype=np.int64),
    )
