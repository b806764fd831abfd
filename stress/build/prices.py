"""From the price models, correlations, jumps and shocks of a scenario to what the kernels simulate."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from stress.build.correlation import Factors, Shocks, assemble, from_factors, from_matrix
from stress.build.given import Given, given_path, table_of
from stress.build.jumps import jump_sources
from stress.build.laws import LAWS, Law, Setting
from stress.build.timing import checks_in
from stress.build.venue import shock_span
from stress.errors import InvalidInput, MalformedInput, MeaninglessInput, Problem
from stress.kernels.models import GIVEN
from stress.kernels.structs import Clock, Floats, Models
from stress.scenario.models import GIVEN_MODELS, HESTON_FAMILY

if TYPE_CHECKING:
    from stress.scenario.instruments import Market
    from stress.scenario.markets import CommonFactors, Shock
    from stress.scenario.models import Model
    from stress.scenario.schema import Scenario

Path = tuple[str | int, ...]
Locate = Callable[[Path], tuple[str, int | None, int | None]]
"""File, line and column of a key of the scenario."""

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
    _no_random_jumps(scenario, findings)
    findings.settle()
    shocks = _shocks(scenario)
    laws = _laws(scenario, clock, shocks.rho, given, findings)
    findings.settle()
    findings.notes += [*shocks.notes, *(law.note for law in laws if law.note)]
    sources = jump_sources(scenario)
    path, path_variance = _stacked(given, clock, len(laws))
    jump, volatility = shock_tables(scenario, clock)
    markets = list(scenario.markets.values())
    models = Models(
        model=np.array([law.number for law in laws], dtype=np.int64),
        params=_padded([law.params for law in laws]),
        table=np.concatenate([law.table for law in laws]),
        table_first=np.cumsum([0, *(len(law.table) for law in laws)], dtype=np.int64),
        log_price=np.array([_log_price(market, given.get(m)) for m, market in enumerate(markets)]),
        variance=np.array([law.variance for law in laws], dtype=np.float64),
        drift=np.array([getattr(market.model, "drift", 0.0) for market in markets], dtype=np.float64),
        cholesky=shocks.cholesky,
        loading=shocks.loading,
        **{f"jump_{name}": values for name, values in sources._asdict().items()},
        path=path,
        path_variance=path_variance,
        shock_jump=jump,
        shock_volatility=volatility,
    )
    return models, findings.notes


def _laws(scenario: Scenario, clock: Clock, rho: Floats, given: dict[int, Given], findings: Findings) -> list[Law]:
    """What the kernels know of each market's model; files of residuals that cannot be used are findings."""
    laws = []
    chains = _chains(scenario)
    for m, (name, market) in enumerate(scenario.markets.items()):
        if m in given:
            laws.append(Law(GIVEN, [0.0], float(given[m].variance[0])))
            continue
        try:
            laws.append(LAWS[market.model.type](market.model, Setting(name, float(rho[m]), chains[m], clock)))
        except InvalidInput as error:
            findings.problems += error.problems
            findings.malformed |= isinstance(error, MalformedInput)
    return laws


def _chains(scenario: Scenario) -> list[int]:
    """Number under which each market draws its regimes: 2 m for its own, 2 k + 1 for the k-th common chain."""
    names = [getattr(market.model, "chain", None) for market in scenario.markets.values()]
    common = list(dict.fromkeys(name for name in names if name is not None))
    return [2 * m if name is None else 2 * common.index(name) + 1 for m, name in enumerate(names)]


def _padded(rows: list[list[float]]) -> Floats:
    """Rows of different lengths as one table, zeros at the end."""
    out = np.zeros((len(rows), max(map(len, rows))))
    for m, row in enumerate(rows):
        out[m, : len(row)] = row
    return out


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


def _no_random_jumps(scenario: Scenario, findings: Findings) -> None:
    """Prices that are given cannot jump at random."""
    for k, jump in enumerate(scenario.jumps):
        for name in jump.marks:
            if isinstance(scenario.markets[name].model, GIVEN_MODELS):
                findings.add(("jumps", k, "marks", name), f"the prices of {name} are given and cannot jump at random")


def _shocks(scenario: Scenario) -> Shocks:
    """Dependence of the shocks: independent, by matrices or by common factors."""
    models = [market.model for market in scenario.markets.values()]
    names = tuple(scenario.markets)
    factors = Factors(
        names=names,
        rho=[getattr(model, "rho", 0.0) for model in models],
        has_price=[not isinstance(model, GIVEN_MODELS) for model in models],
        has_variance=[_has_variance(model) for model in models],
    )
    given = scenario.correlation
    if given is None:
        return from_matrix(factors, assemble(factors, None, None, None))
    if given.factors is not None:
        loads = [np.array([named.get(name, 0.0) for name in names]) for named in _loadings(given.factors)]
        return from_factors(factors, loads[0], loads[1], given.factors.leverage)
    matrices = (given.prices, given.variances, given.price_variance)
    blocks = [None if matrix is None else np.array(matrix, dtype=np.float64) for matrix in matrices]
    return from_matrix(factors, assemble(factors, *blocks))


def _loadings(factors: CommonFactors) -> tuple[dict[str, float], dict[str, float]]:
    return factors.market, factors.variance


def _has_variance(model: Model) -> bool:
    """Whether a shock of its own drives the variance; that of t innovations spreads the variance of a bar."""
    if model.type == "garch":
        return model.innovations == "student_t"
    return isinstance(model, HESTON_FAMILY) or model.type == "rough_bergomi"


def moving(shock: Shock, clock: Clock) -> tuple[int, int]:
    """First and last model step in which a shock moves the price: the same one where it does so at once."""
    start, end = (checks_in(seconds, clock.dt) for seconds in (shock.at, shock.at + shock.over))
    if end > start:
        return start * clock.substeps + 1, end * clock.substeps
    return max(start, 1) * clock.substeps, max(start, 1) * clock.substeps


def shock_tables(scenario: Scenario, clock: Clock) -> tuple[Floats, Floats]:
    """Log price jumps and volatility factors of the deterministic shocks by model step and market.

    Times are rounded up to whole checks. A jump is seen first by the check it falls on; one at 0 s by the first check,
    since index 0 is the initial state. One that takes some time is spread evenly over the model steps of it. A factor
    acts from that check until the duration has passed. Jumps at the same time compound and overlapping factors
    multiply. Tables are empty where no shock needs them.
    """
    shape = ((clock.checks + 1) * clock.substeps, len(scenario.markets))
    jump, volatility = np.zeros(shape), np.ones(shape)
    names = list(scenario.markets)
    for shock in scenario.shocks:
        m = names.index(shock.market)
        start, end = (check * clock.substeps for check in shock_span(shock, clock.dt))
        first, last = moving(shock, clock)
        if last <= clock.checks * clock.substeps:
            jump[first : last + 1, m] += scenario.strength * math.log1p(shock.jump) / (last + 1 - first)
        volatility[start:end, m] *= shock.volatility**scenario.strength
    none = np.zeros((0, shape[1]))
    return jump if jump.any() else none, volatility if (volatility != 1.0).any() else none
