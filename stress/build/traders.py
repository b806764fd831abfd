"""What traders do by themselves, as the kernels read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from stress.book import MARKET_MAKER, Positions, Terms
from stress.book.loading import Locate
from stress.build.timing import checks_in
from stress.errors import MeaninglessInput, Problem
from stress.kernels.structs import Floats, Ints
from stress.scenario.instruments import Market
from stress.scenario.markets import PowerLaw
from stress.scenario.pools import Pool
from stress.scenario.schema import Scenario
from stress.scenario.traders import Makers


def makers_rule(market: Market) -> Makers | None:
    """How the depth of the market's book follows its makers."""
    return market.liquidity.makers if isinstance(market.liquidity, PowerLaw) else None


def answers_calls(scenario: Scenario) -> bool:
    """Whether the owners of some pool answer margin calls."""
    return any(pool.margin_calls is not None for pool in scenario.pools.values())


def margin_calls(pools: Sequence[Pool], dt: float) -> dict[str, Floats | Ints]:
    """[p] columns of POOL that say who answers margin calls, and how."""
    calls = [pool.margin_calls for pool in pools]
    added = [call.top_up if call else None for call in calls]
    reduced = [call.deleverage if call else None for call in calls]
    return {
        "call_level": np.array([call.under if call else 0.0 for call in calls]),
        "call_target": np.array([call.target if call else 0.0 for call in calls]),
        "top_up_probability": np.array([rule.probability if rule else 0.0 for rule in added]),
        "top_up_delay": np.array([checks_in(rule.delay, dt) if rule else 0 for rule in added], dtype=np.int64),
        "top_up_most": np.array([rule.most if rule else 0.0 for rule in added]),
        "deleverage_probability": np.array([rule.probability if rule else 0.0 for rule in reduced]),
        "deleverage_delay": np.array([checks_in(rule.delay, dt) if rule else 0 for rule in reduced], dtype=np.int64),
    }


def makers_of(scenario: Scenario, positions: Positions, terms: Terms, order: Ints, locate: Locate) -> list[Ints]:
    """[m] accounts of the kernel's book whose equity the depth of each market follows.

    They are the market makers with a position in it; ``order`` [i] says where each account stands in ``positions``.

    Raises
    ------
    MeaninglessInput
        Where a depth is to follow makers that are not there, or have nothing to begin with.
    """
    place = np.argsort(order)
    rich = positions.equity(terms.prices) > 0.0
    found, problems = [], []
    for m, (name, market) in enumerate(scenario.markets.items()):
        holders = positions.holder[positions.market == m] if makers_rule(market) else np.zeros(0, dtype=np.int64)
        makers = holders[positions.kind[holders] == MARKET_MAKER]
        found.append(np.sort(place[makers]).astype(np.int64))
        if makers_rule(market) and not rich[makers].any():
            problems.append(_no_makers(name, len(makers), locate))
    if problems:
        raise MeaninglessInput(problems)
    return found


def _no_makers(name: str, makers: int, locate: Locate) -> Problem:
    file, line, column = locate(("markets", name, "liquidity", "makers"))
    lack = "has equity above zero" if makers else f"of kind {MARKET_MAKER} holds a position in {name}"
    return Problem(file, line, column, f"markets.{name}.liquidity.makers", f"no account {lack}: whom to follow?")


def call_notes(scenario: Scenario, positions: Positions, terms: Terms) -> Iterator[str]:
    """Pools in which accounts start under the level of their margin calls."""
    equity, required = positions.margin_equity(terms), positions.maintenance(terms.prices, terms.tiers)
    for number, (name, pool) in enumerate(scenario.pools.items()):
        if pool.margin_calls is None:
            continue
        called = int(((positions.pool == number) & (equity < pool.margin_calls.under * required)).sum())
        if called:
            yield (
                f"pool {name}: {called:,} accounts start under {pool.margin_calls.under:g} times maintenance, "
                "and are called at the first check"
            )
