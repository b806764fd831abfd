"""From the price models, correlations, jumps and shocks of a scenario to what the kernels simulate."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from stress.build.correlation import Factors, assemble, lower_factor, settle
from stress.build.given import Given, given_path, table_of
from stress.build.venue import shock_span
from stress.errors import InvalidInput, MalformedInput, MeaninglessInput, Problem
from stress.kernels.models import GBM, GIVEN, HESTON_EULER, HESTON_QE, YEAR
from stress.kernels.structs import Clock, Floats, Ints, Models

if TYPE_CHECKING:
    from stress.scenario.instruments import Market
    from stress.scenario.models import Model
    from stress.scenario.schema import Scenario

Path = tuple[str | int, ...]
Locate = Callable[[Path], tuple[str, int | None, int | None]]
"""File, line and column of a key of the scenario."""

EULER_STEP = 60.0
"""Longest step in seconds for which ``scheme: auto`` takes Euler: there its tail is within 0.5 % of QE's."""
COARSE = 0.02
"""kappa dt or xi^2 dt / theta from which Euler steps are too long: at 0.07 the 1 % tail of a day is 9 % too thin."""
SAME_PRICE = 1e-6
"""Relative difference up to which a given path starts at the market's price."""


@dataclass
class Findings:
    """What is wrong with the prices, and what the reader of a report should know."""

    locate: Locate
    problems: list[Problem] = field(default_factory=list)
    malformed: bool = False
    notes: list[str] = field(default_factory=list)

    def add(self, path: Path, message: str) -> None:
        """A mistake at a key of the scenario."""
        self.problems.append(Problem(*self.locate(path), ".".join(map(str, path)), message))

    def settle(self) -> None:
        """Raise what was found, if anything was."""
        if self.problems:
            raise (MalformedInput if self.malformed else MeaninglessInput)(self.problems)


@dataclass(frozen=True)
class Sources:
    """Jump sources; the arrays of :class:`stress.kernels.structs.Models` of the same names without ``jump_``."""

    rate: Floats
    probability: Floats
    mean: Floats
    std: Floats
    correlation: Floats
    key: Ints


def models_of(scenario: Scenario, clock: Clock, locate: Locate) -> tuple[Models, list[str]]:
    """Price models of all markets, in their order.

    Parameters
    ----------
    scenario
        A validated scenario.
    clock
        Its time grid: ``clock.dt`` is the time between checks.
    locate
        Says where a key of the scenario stands, for error messages.

    Returns
    -------
    Models
        Ready for :func:`stress.kernels.paths.simulate`.
    list of str
        What was decided or repaired on the way, a sentence each.

    Raises
    ------
    MalformedInput, MeaninglessInput
        With every mistake found: price tables that cannot be read or start elsewhere, random jumps in a given price.
    """
    findings = Findings(locate)
    given = given_paths(scenario, clock, findings)
    sources = jump_sources(scenario, findings)
    findings.settle()
    shocks = settle(_factors(scenario), assemble(_factors(scenario), *_blocks(scenario)))
    if shocks.note:
        findings.notes.append(shocks.note)
    markets = list(scenario.markets.items())
    path, path_variance = _stacked(given, clock, len(markets))
    jump, volatility = shock_tables(scenario, clock)
    step = clock.dt / clock.substeps
    models = Models(
        model=np.array([_number(name, market.model, step, findings) for name, market in markets], dtype=np.int64),
        params=np.array(
            [_parameters(market.model, shocks.matrix[2 * m, 2 * m + 1]) for m, (_, market) in enumerate(markets)]
        ),
        log_price=np.array([_log_price(market, given.get(m)) for m, (_, market) in enumerate(markets)]),
        variance=np.array([_variance(market.model, given.get(m)) for m, (_, market) in enumerate(markets)]),
        drift=np.array([getattr(market.model, "drift", 0.0) for _, market in markets], dtype=np.float64),
        cholesky=lower_factor(shocks.matrix),
        jump_rate=sources.rate,
        jump_probability=sources.probability,
        jump_mean=sources.mean,
        jump_std=sources.std,
        jump_correlation=sources.correlation,
        jump_key=sources.key,
        path=path,
        path_variance=path_variance,
        shock_jump=jump,
        shock_volatility=volatility,
    )
    return models, findings.notes


def given_paths(scenario: Scenario, clock: Clock, findings: Findings) -> dict[int, Given]:
    """Paths of the markets whose prices are given, by number of the market."""
    paths: dict[int, Given] = {}
    for m, (name, market) in enumerate(scenario.markets.items()):
        model = market.model
        if model.type != "replay" and model.type != "prescribed":
            continue
        try:
            table = table_of(model, clock)
        except InvalidInput as error:
            findings.problems += error.problems
            findings.malformed |= isinstance(error, MalformedInput)
            continue
        first = math.exp(table.log_price[0])
        if abs(first / market.price - 1.0) > SAME_PRICE:
            findings.add(
                ("markets", name, "price"), f"is {market.price:.10g}, but the given prices start at {first:.10g}"
            )
        if table.time[-1] < clock.checks * clock.dt * (1.0 - 1e-9):
            findings.notes.append(
                f"The prices given for {name} end after {table.time[-1]:g} s of {clock.checks * clock.dt:g} s; "
                "the last one holds from there on."
            )
        paths[m] = given_path(model, table, clock)
    return paths


def _stacked(given: dict[int, Given], clock: Clock, markets: int) -> tuple[Floats, Floats]:
    """Tables of log price and variance with a column per market, empty when no market is given."""
    if not given:
        return np.zeros((0, markets)), np.zeros((0, markets))
    steps = (clock.checks + 1) * clock.substeps
    log_price, variance = np.zeros((steps, markets)), np.zeros((steps, markets))
    for m, path in given.items():
        log_price[:, m], variance[:, m] = path
    return log_price, variance


def _log_price(market: Market, given: Given | None) -> float:
    return math.log(market.price) if given is None else float(given.log_price[0])


def _variance(model: Model, given: Given | None) -> float:
    """Initial variance, per year."""
    if given is not None:
        return float(given.variance[0])
    return model.volatility**2 if model.type == "gbm" else getattr(model, "v0", 0.0)


def _number(name: str, model: Model, step: float, findings: Findings) -> int:
    """Number of the model in the kernels, the scheme chosen by the step in seconds."""
    if model.type == "gbm":
        return GBM
    if model.type == "replay" or model.type == "prescribed":
        return GIVEN
    if model.scheme == "qe" or (model.scheme == "auto" and step > EULER_STEP):
        return HESTON_QE
    noise = model.xi**2 / model.theta if model.theta > 0.0 else 0.0
    if max(model.kappa, noise) * step / YEAR > COARSE:
        findings.notes.append(
            f"Euler steps of {step:g} s are coarse for the variance of {name}, whose half-life is "
            f"{math.log(2.0) / model.kappa * YEAR:.3g} s and whose volatility is {model.xi:g} per year: use scheme qe."
        )
    return HESTON_EULER


def _parameters(model: Model, rho: float) -> list[float]:
    """Row of Models.params, padded to the width of the longest; rho as the repaired correlation has it."""
    if model.type == "gbm":
        return [model.volatility**2, 0.0, 0.0, 0.0]
    if model.type == "heston" or model.type == "bates":
        return [model.kappa, model.theta, model.xi, rho]
    return [0.0, 0.0, 0.0, 0.0]


def _factors(scenario: Scenario) -> Factors:
    models = [market.model for market in scenario.markets.values()]
    return Factors(
        names=tuple(scenario.markets),
        rho=[getattr(model, "rho", 0.0) for model in models],
        has_price=[model.type not in ("replay", "prescribed") for model in models],
        has_variance=[model.type in ("heston", "bates") for model in models],
    )


def _blocks(scenario: Scenario) -> tuple[Floats | None, Floats | None, Floats | None]:
    """Correlation matrices of prices, variances, and prices with variances, None where not given."""
    given = scenario.correlation
    if given is None:
        return None, None, None
    matrices = (given.prices, given.variances, given.price_variance)
    prices, variances, cross = (None if matrix is None else np.array(matrix, dtype=np.float64) for matrix in matrices)
    return prices, variances, cross


def jump_sources(scenario: Scenario, findings: Findings) -> Sources:
    """Common jumps, then the own jumps of each market.

    A source's key numbers its random draws: 2 m for the own jumps of market m, 2 k + 1 for the k-th common source, so
    that adding one leaves the arrivals of the others as they were.
    """
    names = list(scenario.markets)
    rows: list[tuple[float, float, int, dict[int, tuple[float, float, float]]]] = []
    for k, jump in enumerate(scenario.jumps):
        marks = {names.index(name): (mark.probability, mark.mean, mark.std) for name, mark in jump.marks.items()}
        for name in jump.marks:
            if scenario.markets[name].model.type in ("replay", "prescribed"):
                findings.add(("jumps", k, "marks", name), f"the prices of {name} are given and cannot jump at random")
        rows.append((jump.rate, jump.correlation, 2 * k + 1, marks))
    for m, market in enumerate(scenario.markets.values()):
        model = market.model
        if model.type == "bates":
            rows.append((model.jump_rate, 0.0, 2 * m, {m: (1.0, model.jump_mean, model.jump_std)}))
    rows = [row for row in rows if row[0] > 0.0]
    tables = np.zeros((3, len(rows), len(names)))
    for n, (_, _, _, marks) in enumerate(rows):
        for m, mark in marks.items():
            tables[:, n, m] = mark
    return Sources(
        rate=np.array([row[0] for row in rows], dtype=np.float64),
        probability=tables[0].copy(),
        mean=tables[1].copy(),
        std=tables[2].copy(),
        correlation=np.array([row[1] for row in rows], dtype=np.float64),
        key=np.array([row[2] for row in rows], dtype=np.int64),
    )


def shock_tables(scenario: Scenario, clock: Clock) -> tuple[Floats, Floats]:
    """Log price jumps and volatility factors of the deterministic shocks by model step and market.

    Times are rounded up to whole checks. A jump is seen first by the check it falls on; one at 0 s by the first check,
    since index 0 is the initial state. A factor acts from that check until the duration has passed. Jumps at the same
    time compound and overlapping factors multiply. Tables are empty where no shock needs them.
    """
    shape = ((clock.checks + 1) * clock.substeps, len(scenario.markets))
    jump, volatility = np.zeros(shape), np.ones(shape)
    names = list(scenario.markets)
    for shock in scenario.shocks:
        m = names.index(shock.market)
        start, end = shock_span(shock, clock.dt)
        if max(start, 1) <= clock.checks:
            jump[max(start, 1) * clock.substeps, m] += math.log1p(shock.jump)
        volatility[start * clock.substeps : end * clock.substeps, m] *= shock.volatility
    none = np.zeros((0, shape[1]))
    return jump if jump.any() else none, volatility if (volatility != 1.0).any() else none
