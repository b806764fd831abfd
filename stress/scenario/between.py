"""Conditions between the parts of a scenario: names that must exist, numbers that must fit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from stress.scenario.hints import did_you_mean
from stress.scenario.instruments import Market, Spot
from stress.scenario.layers import FUNDS, LiquidityPool, SharedFund, Treasury
from stress.scenario.markets import CommonJump, Correlation, Shock
from stress.scenario.models import HESTON_FAMILY, Garch, Prescribed, Regime
from stress.scenario.parts import Complaint, Where
from stress.scenario.pools import Pool
from stress.scenario.run import Run

YEAR = 365.0 * 86_400.0
"""Seconds."""
QUOTE = "USD"
"""What money is in."""
OWN_TERMS = ("draw_cap", "weight")
"""Keys in which the pools that list a shared fund may differ."""
LONGEST_EULER_STEP = 60.0
"""Seconds; longer steps are quadratic-exponential where the scheme is auto."""


@dataclass(frozen=True)
class Sections:
    """The sound parts of a scenario, by name or by place in their list; None and gaps where one is not."""

    market_names: tuple[str, ...]
    pool_names: tuple[str, ...]
    run: Run | None
    markets: Mapping[str, Market]
    correlation: Correlation | None
    jumps: Mapping[int, CommonJump]
    shocks: Mapping[int, Shock]
    pools: Mapping[str, Pool]
    check_pools: Mapping[int, str | None]


def complaints(sections: Sections) -> Iterator[Complaint]:
    """Everything that is wrong between the parts."""
    yield from _unknown("market", sections.market_names, _market_references(sections))
    pools = ((("checks", n, "pool"), name) for n, name in sections.check_pools.items() if name is not None)
    yield from _unknown("pool", sections.pool_names, pools)
    yield from _correlation(sections)
    yield from _jump_names(sections)
    yield from _variance_jumps(sections)
    yield from _chains(sections.markets)
    yield from _shared_funds(sections.pools)
    yield from _tokens(sections)
    yield from _no_contracts(sections)
    if sections.run is not None:
        yield from _prescribed(sections.run, sections.markets)
        yield from _late_shocks(sections.run, sections.shocks)
        yield from _coarse_steps(sections.run, sections.markets)
        yield from _bars(sections.run, sections.markets)
        yield from _unseen_windows(sections.run, sections.markets)


def _market_references(sections: Sections) -> Iterator[tuple[Where, str]]:
    for n, jump in sections.jumps.items():
        yield from ((("jumps", n, "marks", name), name) for name in jump.marks)
    if sections.correlation is not None and sections.correlation.factors is not None:
        for kind in ("market", "variance"):
            named = getattr(sections.correlation.factors, kind)
            yield from ((("correlation", "factors", kind, name), name) for name in named)
    for n, shock in sections.shocks.items():
        yield ("shocks", n, "market"), shock.market
    for pool_name, pool in sections.pools.items():
        if pool.book.synthetic is not None:
            where: Where = ("pools", pool_name, "book", "synthetic", "open_interest")
            yield from (((*where, name), name) for name in pool.book.synthetic.open_interest)
            where = ("pools", pool_name, "book", "synthetic", "collateral")
            yield from (((*where, name), name) for name in pool.book.synthetic.collateral)
        for n, layer in enumerate(pool.layers):
            if isinstance(layer, FUNDS):
                yield from ((("pools", pool_name, "layers", n, "cap", name), name) for name in layer.cap)
            if isinstance(layer, LiquidityPool):
                yield from ((("pools", pool_name, "layers", n, "backing", name), name) for name in layer.backing)
            elif isinstance(layer, Treasury):
                yield ("pools", pool_name, "layers", n, "token"), layer.token


def _unknown(noun: str, known: tuple[str, ...], references: Iterable[tuple[Where, str]]) -> Iterator[Complaint]:
    for where, name in references:
        if name not in known:
            yield where, f"unknown {noun} {name!r}" + did_you_mean(name, known)


def _no_contracts(sections: Sections) -> Iterator[Complaint]:
    """Open interest is in contracts; of an asset there is what accounts post."""
    assets = {name for name, market in sections.markets.items() if isinstance(market, Spot)}
    for pool_name, pool in sections.pools.items():
        drawn = pool.book.synthetic.open_interest if pool.book.synthetic else {}
        posted = pool.book.synthetic.collateral.keys() if pool.book.synthetic else set()
        for name in assets & drawn.keys():
            where: Where = ("pools", pool_name, "book", "synthetic", "open_interest", name)
            yield where, f"{name} is an asset (instrument: spot) and has no open interest"
        for name in posted & (sections.markets.keys() - assets):
            where = ("pools", pool_name, "book", "synthetic", "collateral", name)
            yield where, f"{name} is a contract: only an asset (instrument: spot) can be posted"
        for n, layer in enumerate(pool.layers):
            for name in assets & (layer.backing.keys() if isinstance(layer, LiquidityPool) else set()):
                where = ("pools", pool_name, "layers", n, "backing", name)
                yield where, f"{name} is an asset (instrument: spot): name the market of contracts that it backs"
    if QUOTE in assets:
        yield ("markets", QUOTE), f"{QUOTE} is the quote currency, whose price is 1; give the asset another name"
    if sections.markets and assets == set(sections.market_names):
        yield ("markets",), "are all assets (instrument: spot): there is nothing to liquidate"


def _correlation(sections: Sections) -> Iterator[Complaint]:
    if sections.correlation is None:
        return
    markets = len(sections.market_names)
    for name in ("prices", "variances", "price_variance"):
        matrix = getattr(sections.correlation, name)
        if matrix is not None and len(matrix) != markets:
            yield ("correlation", name), f"has {len(matrix)} rows, but there are {markets} markets"


def _jump_names(sections: Sections) -> Iterator[Complaint]:
    seen: set[str] = set()
    for n, jump in sections.jumps.items():
        if jump.name in seen:
            yield ("jumps", n, "name"), f"another jump source is called {jump.name!r} already"
        seen.add(jump.name)


def _variance_jumps(sections: Sections) -> Iterator[Complaint]:
    """Only a variance that is a state of its own can jump."""
    for n, jump in sections.jumps.items():
        for name, mark in jump.marks.items():
            market = sections.markets.get(name)
            if mark.variance_jump > 0.0 and market is not None and not isinstance(market.model, HESTON_FAMILY):
                message = f"the variance of a {market.model.type} model cannot jump: use heston, bates or svcj"
                yield ("jumps", n, "marks", name, "variance_jump"), message


def _chains(markets: Mapping[str, Market]) -> Iterator[Complaint]:
    """Markets switch together only where their chains are the same but for the volatilities."""
    first: dict[str, tuple[str, Regime]] = {}
    for name, market in markets.items():
        model = market.model
        if not isinstance(model, Regime) or model.chain is None:
            continue
        where, known = first.setdefault(model.chain, (name, model))
        if [s.duration for s in model.states] != [s.duration for s in known.states]:
            yield ("markets", name, "model", "states"), f"the durations differ from those of {where} on the same chain"
        for key in ("start", "transitions"):
            if getattr(model, key) != getattr(known, key):
                yield ("markets", name, "model", key), f"differs from that of {where} on the same chain"


def _bars(run: Run, markets: Mapping[str, Market]) -> Iterator[Complaint]:
    """The bars of GARCH are whole model steps: steps longer than a bar would need a recursion of their own."""
    for name, market in markets.items():
        model = market.model
        if isinstance(model, Garch):
            steps = model.interval / run.step
            if round(steps) < 1 or not math.isclose(steps, round(steps), rel_tol=1e-9):
                message = f"must be a multiple of run.step ({run.step:g} s), got {model.interval:g} s"
                yield ("markets", name, "model", "interval"), message


def _shared_funds(pools: Mapping[str, Pool]) -> Iterator[Complaint]:
    """A shared fund is one fund, which somebody has paid for: its listings differ in the pool's own terms alone."""
    first: dict[str, tuple[str, SharedFund]] = {}
    weights: dict[str, float] = {}
    for pool_name, pool in pools.items():
        for n, layer in enumerate(pool.layers):
            if not isinstance(layer, SharedFund):
                continue
            where, known = first.setdefault(layer.name, (pool_name, layer))
            weights[layer.name] = weights.get(layer.name, 0.0) + layer.weight
            for key in SharedFund.model_fields:
                if key not in OWN_TERMS and getattr(layer, key) != getattr(known, key):
                    yield ("pools", pool_name, "layers", n, key), f"the fund {layer.name!r} has another in pool {where}"
    for name, (pool_name, layer) in first.items():
        if weights[name] == 0.0:
            yield ("pools", pool_name, "layers", pools[pool_name].layers.index(layer), "weight"), "is 0 in every pool"


def _tokens(sections: Sections) -> Iterator[Complaint]:
    """A treasury sells a token that has a book, and no other treasury sells it."""
    sellers: dict[str, str] = {}
    for pool_name, pool in sections.pools.items():
        for n, layer in enumerate(pool.layers):
            if not isinstance(layer, Treasury):
                continue
            where: Where = ("pools", pool_name, "layers", n, "token")
            market = sections.markets.get(layer.token)
            if market is not None and not isinstance(market, Spot):
                yield where, f"{layer.token} is a contract; a treasury sells an asset (instrument: spot)"
            elif market is not None and market.liquidity is None:
                yield where, f"{layer.token} has no liquidity: there is no book to sell it into"
            seller = sellers.setdefault(layer.token, f"{layer.name!r} of pool {pool_name}")
            if seller != f"{layer.name!r} of pool {pool_name}":
                yield where, f"{layer.token} is sold by the treasury {seller} already"


def _prescribed(run: Run, markets: Mapping[str, Market]) -> Iterator[Complaint]:
    for name, market in markets.items():
        if isinstance(market.model, Prescribed) and len(market.model.prices) != run.checks + 1:
            yield (
                ("markets", name, "model", "prices"),
                f"has {len(market.model.prices)} prices; the run has {run.checks} checks and needs {run.checks + 1}",
            )


def _late_shocks(run: Run, shocks: Mapping[int, Shock]) -> Iterator[Complaint]:
    for n, shock in shocks.items():
        if shock.at > run.horizon:
            yield ("shocks", n, "at"), f"is after the end of the run ({run.horizon:g} s)"
        elif shock.at + shock.over > run.horizon * (1.0 + 1e-9):
            yield ("shocks", n, "over"), f"ends after the end of the run ({run.horizon:g} s)"


def _coarse_steps(run: Run, markets: Mapping[str, Market]) -> Iterator[Complaint]:
    """Euler steps of the variance overshoot its long-run level where kappa * step > 1, and diverge from 2 on."""
    for name, market in markets.items():
        model = market.model
        if isinstance(model, HESTON_FAMILY) and model.kappa * run.step > YEAR:
            euler = model.scheme == "euler" or (model.scheme == "auto" and run.step <= LONGEST_EULER_STEP)
            if euler:
                message = f"is too fast for Euler steps of {run.step:g} s: at most {YEAR / run.step:g}, or scheme: qe"
                yield ("markets", name, "model", "kappa"), message


def _unseen_windows(run: Run, markets: Mapping[str, Market]) -> Iterator[Complaint]:
    """Outages and spoofs of an oracle must hold at a margin check, or they would silently do nothing."""
    for name, market in markets.items():
        for kind in ("outages", "spoofs"):
            for n, window in enumerate(getattr(market.oracle, kind)):
                first, end = (math.ceil(at / run.check_every - 1e-9) for at in (window.from_, window.to))
                if max(first, 1) >= min(end, run.checks + 1):
                    message = f"holds at no margin check: they are every {run.check_every:g} s until {run.horizon:g} s"
                    yield ("markets", name, "oracle", kind, n), message
