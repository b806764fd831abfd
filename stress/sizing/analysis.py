"""From the tables of a run to its sizing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stress.errors import UsageError
from stress.sizing.allocation import Allocation
from stress.sizing.breakdown import by_market, by_owner, by_pool
from stress.sizing.cover import covers
from stress.sizing.estimate import CONFIDENCE, Estimate, Floats
from stress.sizing.fund import FundSizing, depletion_curve, depletion_probability, fund_size, newsvendor
from stress.sizing.horizon import frequencies, over_a_year
from stress.sizing.pooling import Terms, poolings
from stress.sizing.proportions import share_of
from stress.sizing.quantiles import value_at_risk
from stress.sizing.ratios import ratio
from stress.sizing.result import LossFigures, MarketSizing, PoolSizing, Sizing, Winners
from stress.sizing.sampling import Sampling, sampling_of
from stress.sizing.shortfall import expected_shortfall, mean_loss
from stress.sizing.tail import Tail, fit_tail
from stress.sizing.treasury import treasuries
from stress.sizing.waterfall import RESIDUAL, Payer, split
from stress.sizing.weights import Weights, ascending_with

if TYPE_CHECKING:
    import pandas as pd

    from stress.store import Run

_FAR = (0.999, 0.9999, 0.99999)
"""Levels at which a fitted tail is asked besides the sizing's own."""
SIZED = ("required_fund", "bad_debt")
"""Losses that a fund is sized by."""
_FUND_KINDS = ("insurance_fund", "backstop_vault", "shared_fund", "liquidity_pool")


@dataclass(frozen=True)
class Question:
    """What is asked of a run; what is None is the scenario's."""

    pool: str | None = None
    """Only this pool; all of them by default."""
    depletion: float | None = None
    """Accepted probability that the fund is depleted over the horizon, and within a year."""
    levels: Sequence[float] | None = None
    """Levels of value at risk and expected shortfall."""
    confidence: float = CONFIDENCE
    """Of two-sided intervals and of one-sided bounds."""
    times_a_year: float | None = None
    """How often the scenario comes within a year; several frequencies by default."""
    tails: bool = False
    """Whether generalised Pareto tails are fitted, which takes about a second per pool."""


def size(
    run: Run,
    pool: str | None = None,
    depletion: float | None = None,
    levels: Sequence[float] | None = None,
    confidence: float = CONFIDENCE,
    **more: Any,
) -> Sizing:
    """Size the fund of one pool, or of every pool, from the files of a run.

    Args:
        run: a complete run, as :func:`stress.load` gives it.
        pool: name of the pool; all pools without it.
        depletion: accepted probability that the fund is depleted over the horizon; the scenario's without it.
        levels: levels of value at risk and expected shortfall; the scenario's without them.
        confidence: of two-sided intervals and of one-sided bounds.
        more: the other fields of :class:`Question`.

    Raises:
        UsageError: for a pool that the run does not have, a probability outside (0, 1), or a frequency not above 0.
    """
    asked = Question(pool, depletion, levels, confidence, **more)
    settings = run.scenario["sizing"]
    accepted = settings["depletion"] if depletion is None else depletion
    chosen = tuple(settings["levels"] if levels is None else levels)
    for value in (accepted, confidence, *chosen):
        if not 0.0 < value < 1.0:
            raise UsageError(f"{value} is no probability between 0 and 1")
    if asked.times_a_year is not None and not 0.0 < asked.times_a_year < math.inf:
        raise UsageError(f"{asked.times_a_year:g} times a year is no frequency above 0")
    names = list(run.manifest["pools"])
    if pool is not None and pool not in names:
        raise UsageError(f"the run has no pool {pool!r}; it has {', '.join(names)}")
    sizer = _Sizer(run, tuple(sorted(chosen)), float(accepted), asked)
    clock = run.scenario["run"]
    return Sizing(
        scenario=run.scenario["name"],
        paths=sizer.paths,
        horizon_s=float(clock["horizon"]),
        check_every_s=float(clock["check_every"]),
        levels=sizer.levels,
        confidence=confidence,
        open_interest=sizer.open_interest,
        pools=tuple(sizer.pool(name) for name in (names if pool is None else [pool])),
        markets=tuple(sizer.market(name) for name in run.manifest["markets"]),
        treasuries=treasuries(run, sizer.levels, confidence, sizer.weights) if pool is None else (),
        poolings=poolings(run, Terms(float(accepted), confidence, sizer.weights)) if pool is None else (),
        allocations=sizer.allocations() if pool is None else (),
        drawing=run.manifest.get("sampling", {}).get("reason", ""),
        sampling=sizer.sampling(names if pool is None else [pool]),
    )


class _Sizer:
    """One run and the questions put to it."""

    def __init__(self, run: Run, levels: tuple[float, ...], depletion: float, asked: Question) -> None:
        self.run = run
        self.levels = levels
        self.depletion = depletion
        self.asked = asked
        self.confidence = asked.confidence
        self.paths = int(run.paths["path"].nunique())
        self.weights = path_weights(run)
        self.open_interest = float(sum(run.manifest["book"]["open_interest"].values()))

    def pool(self, name: str) -> PoolSizing:
        """All figures of one pool."""
        rows = self.rows(name)
        losses = pool_losses(rows)
        fund = self.fund(name, losses["required_fund"]) if "required_fund" in losses else None
        return PoolSizing(
            pool=name,
            fund=fund,
            losses=tuple(self.loss(metric, values) for metric, values in losses.items()),
            events=self.events(rows),
            payers=self.payers(name, rows),
            winners=self.winners(rows),
            cover=covers(self.run, name, self.paths, self.depletion, self.confidence, self.weights),
            tails=self.tails(losses) if self.asked.tails else (),
        )

    def rows(self, pool: str) -> pd.DataFrame:
        """Paths of one pool."""
        return self.run.paths[self.run.paths["pool"] == pool]

    def ordered(self, values: Floats) -> tuple[Floats, Weights | None]:
        """Losses in ascending order with their weights.

        A fund may require less than nothing (a floor below zero), and winners closed above the mark gain by ADL.
        """
        return ascending_with(np.maximum(values, 0.0), self.weights)

    def loss(self, metric: str, values: Floats) -> LossFigures:
        """Figures of one loss over all paths."""
        ordered, weights = self.ordered(values)
        confidence = self.confidence
        return LossFigures(
            metric=metric,
            mean=mean_loss(ordered, confidence, weights),
            value_at_risk=tuple(value_at_risk(ordered, level, confidence, weights) for level in self.levels),
            expected_shortfall=tuple(expected_shortfall(ordered, level, confidence, weights) for level in self.levels),
            largest=float(ordered[-1]),
            largest_path=int(np.argmax(values)),
        )

    def fund(self, pool: str, required: Floats) -> FundSizing:
        """Sizes of the pool's first fund."""
        layer = first_fund(self.run.scenario["pools"][pool])
        capital = amount(layer["capital"])
        current = None if math.isinf(capital) else capital
        costs = self.run.scenario["sizing"]
        ordered, weights = self.ordered(required)
        often = frequencies(float(self.run.scenario["run"]["horizon"]), self.asked.times_a_year)
        return FundSizing(
            layer=layer["name"],
            kind=layer["type"],
            current=current,
            depleted=None if current is None else depletion_probability(ordered, current, self.confidence, weights),
            target=fund_size(ordered, self.depletion, self.confidence, weights),
            newsvendor=newsvendor(
                ordered,
                float(costs.get("capital_cost") or 0.0),
                float(costs.get("breach_cost") or 0.0),
                self.confidence,
                weights,
            ),
            curve=depletion_curve(ordered, self.confidence, weights),
            years=over_a_year(ordered, current, self.depletion, often, self.confidence, weights),
        )

    def tails(self, losses: Mapping[str, Floats]) -> tuple[Tail, ...]:
        """Generalised Pareto tails of the losses that a fund is sized by."""
        levels = sorted({*self.levels, *_FAR})
        fitted = []
        for metric in (name for name in SIZED if name in losses):
            ordered, weights = self.ordered(losses[metric])
            fitted.append(fit_tail(metric, ordered, levels, self.open_interest, self.confidence, weights))
        return tuple(fitted)

    def sampling(self, pools: Sequence[str]) -> Sampling | None:
        """What the weights are worth, in the tails of the bad debt and of the required fund."""
        if self.run.weights is None:
            return None
        losses = {name: pool_losses(self.rows(name)) for name in pools}
        asked = {(name, metric): losses[name][metric] for name in pools for metric in SIZED if metric in losses[name]}
        return sampling_of(self.run, asked, self.levels)

    def share(self, seen: Any) -> Estimate:
        """Probability of an event known for every path."""
        return share_of(np.asarray(seen, dtype=np.bool_), self.confidence, self.weights)

    def events(self, rows: pd.DataFrame) -> dict[str, Any]:
        """Probability of each event over the horizon."""
        seen = {
            "liquidation": rows["liquidated_notional"] > 0.0,
            "bad_debt": rows["bad_debt"] > 0.0,
            "adl": rows["adl_notional"] > 0.0,
            "socialised": rows["socialised"] > 0.0,
            "unpaid": rows["residual"] + rows["residual_open"] > 0.0,
            "truncated": rows["truncated_steps"] > 0,
        }
        return {name: self.share(event) for name, event in seen.items()}

    def winners(self, rows: pd.DataFrame) -> Winners:
        """What ADL costs those it closes."""
        haircut, notional = _column(rows, "adl_haircut"), _column(rows, "adl_notional")
        return Winners(
            per_account=ratio(haircut, _column(rows, "adl_accounts"), self.confidence, self.weights),
            per_notional=ratio(haircut, notional, self.confidence, self.weights),
            accounts=ratio(
                _column(rows, "adl_accounts"), (notional > 0.0).astype(np.float64), self.confidence, self.weights
            ),
        )

    def allocations(self) -> tuple[Allocation, ...]:
        """Expected shortfall of the bad debt of all pools by pool, market and owner."""
        names = list(self.run.manifest["pools"])
        debts = {name: _column(self.rows(name), "bad_debt") for name in names}
        debt = sum(debts.values(), np.zeros(self.paths))
        found = [divide(self.run, debt, self.levels, self.weights) for divide in (by_market, by_owner)]
        if len(names) > 1:
            found.insert(0, by_pool(debts, self.levels, self.weights))
        return tuple(found)

    def payers(self, pool: str, rows: pd.DataFrame) -> tuple[Payer, ...]:
        """Layers in waterfall order, then the residual."""
        bad_debt = _column(rows, "bad_debt")
        paid = payments(self.run, pool)
        borne = sum((part for _, _, part in paid), np.zeros_like(bad_debt))
        return split(
            bad_debt, [*paid, ("written off", RESIDUAL, np.maximum(bad_debt - borne, 0.0))], self.levels, self.weights
        )

    def market(self, name: str) -> MarketSizing:
        """Figures of one market."""
        rows = self.run.markets[self.run.markets["market"] == name]
        mean = np.mean if self.weights is None else self.weights.mean
        price = float(self.run.scenario["markets"][name]["price"])
        return MarketSizing(
            market=name,
            adl=self.share(rows["adl_notional"] > 0.0),
            liquidation=self.share(rows["liquidated_notional"] > 0.0),
            mean_liquidated=float(mean(_column(rows, "liquidated_notional"))),
            mean_adl=float(mean(_column(rows, "adl_notional"))),
            lowest_price=float(rows["price_low"].min()) / price,
            highest_price=float(rows["price_high"].max()) / price,
            largest_displacement=float(rows["largest_displacement"].abs().max()),
        )


def payments(run: Run, pool: str) -> list[tuple[str, str, Floats]]:
    """Layer, kind and [w] what it bore of the bad debt, in waterfall order."""
    layers = run.layers[run.layers["pool"] == pool]
    return [
        (layer["name"], layer["kind"], _column(layers[layers["layer"] == layer["name"]], "paid"))
        for layer in run.manifest["layers"]
        if layer["pool"] == pool
    ]


def path_weights(run: Run) -> Weights | None:
    """Weights of the paths in path order; None where the run has none, or all are 1."""
    return Weights.of(run.weights)


def pool_losses(rows: pd.DataFrame) -> dict[str, Floats]:
    """Losses of one pool that are sized, each [w]; without the required fund where the pool has no fund."""
    losses = {
        "bad_debt": _column(rows, "bad_debt"),
        "required_fund": _column(rows, "required_fund"),
        "unpaid": _column(rows, "residual") + _column(rows, "residual_open"),
        "adl_haircut": _column(rows, "adl_haircut"),
    }
    if np.isnan(losses["required_fund"]).any():
        del losses["required_fund"]
    return losses


def first_fund(pool: Mapping[str, Any]) -> dict[str, Any]:
    """The first fund or vault of a pool's waterfall, as the scenario gives it.

    Raises:
        LookupError: for a pool without one.
    """
    for layer in pool["layers"]:
        if layer["type"] in _FUND_KINDS:
            return dict(layer)
    raise LookupError("the pool has neither fund nor vault")


def amount(value: object) -> float:
    """A number of the canonical scenario, which writes infinity as a word."""
    if value is None or isinstance(value, str):
        return math.inf
    return float(value)  # type: ignore[arg-type]


def _column(rows: pd.DataFrame, name: str) -> Floats:
    """[w] one column as float64."""
    return rows[name].to_numpy(dtype=np.float64)
