"""From the tables of a run to its sizing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stress.errors import UsageError
from stress.sizing.estimate import CONFIDENCE, Floats, ascending
from stress.sizing.fund import FundSizing, depletion_curve, depletion_probability, fund_size, newsvendor
from stress.sizing.proportions import probability
from stress.sizing.quantiles import value_at_risk
from stress.sizing.result import LossFigures, MarketSizing, PoolSizing, Sizing
from stress.sizing.shortfall import expected_shortfall, mean_loss
from stress.sizing.waterfall import RESIDUAL, Payer, split

if TYPE_CHECKING:
    import pandas as pd

    from stress.store import Run

_FUND_KINDS = ("insurance_fund", "backstop_vault", "shared_fund")


def size(
    run: Run,
    pool: str | None = None,
    depletion: float | None = None,
    levels: Sequence[float] | None = None,
    confidence: float = CONFIDENCE,
) -> Sizing:
    """Size the fund of one pool, or of every pool, from the files of a run.

    Args:
        run: a complete run, as :func:`stress.load` gives it.
        pool: name of the pool; all pools without it.
        depletion: accepted probability that the fund is depleted over the horizon; the scenario's without it.
        levels: levels of value at risk and expected shortfall; the scenario's without them.
        confidence: of two-sided intervals and of one-sided bounds.

    Raises:
        UsageError: for a pool that the run does not have, or a probability outside (0, 1).
    """
    settings = run.scenario["sizing"]
    accepted = settings["depletion"] if depletion is None else depletion
    chosen = tuple(settings["levels"] if levels is None else levels)
    for value in (accepted, confidence, *chosen):
        if not 0.0 < value < 1.0:
            raise UsageError(f"{value} is no probability between 0 and 1")
    names = list(run.manifest["pools"])
    if pool is not None and pool not in names:
        raise UsageError(f"the run has no pool {pool!r}; it has {', '.join(names)}")
    sizer = _Sizer(run, tuple(sorted(chosen)), float(accepted), confidence)
    clock = run.scenario["run"]
    return Sizing(
        scenario=run.scenario["name"],
        paths=sizer.paths,
        horizon_s=float(clock["horizon"]),
        check_every_s=float(clock["check_every"]),
        levels=sizer.levels,
        confidence=confidence,
        pools=tuple(sizer.pool(name) for name in (names if pool is None else [pool])),
        markets=tuple(sizer.market(name) for name in run.manifest["markets"]),
    )


class _Sizer:
    """One run and the questions put to it."""

    def __init__(self, run: Run, levels: tuple[float, ...], depletion: float, confidence: float) -> None:
        self.run = run
        self.levels = levels
        self.depletion = depletion
        self.confidence = confidence
        self.paths = int(run.paths["path"].nunique())

    def pool(self, name: str) -> PoolSizing:
        """All figures of one pool."""
        rows = self.run.paths[self.run.paths["pool"] == name]
        losses = {
            "bad_debt": _column(rows, "bad_debt"),
            "required_fund": _column(rows, "required_fund"),
            "unpaid": _column(rows, "residual") + _column(rows, "residual_open"),
            "adl_haircut": _column(rows, "adl_haircut"),
        }
        fund = None
        if np.isnan(losses["required_fund"]).any():
            del losses["required_fund"]
        else:
            fund = self.fund(name, losses["required_fund"])
        return PoolSizing(
            pool=name,
            fund=fund,
            losses=tuple(self.loss(metric, values) for metric, values in losses.items()),
            events=self.events(rows),
            payers=self.payers(name, rows),
        )

    def loss(self, metric: str, values: Floats) -> LossFigures:
        """Figures of one loss over all paths."""
        # A fund may require less than nothing (a floor below zero), and winners closed above the mark gain by ADL.
        ordered = ascending(np.maximum(values, 0.0))
        return LossFigures(
            metric=metric,
            mean=mean_loss(ordered, self.confidence),
            value_at_risk=tuple(value_at_risk(ordered, level, self.confidence) for level in self.levels),
            expected_shortfall=tuple(expected_shortfall(ordered, level, self.confidence) for level in self.levels),
            largest=float(ordered[-1]),
            largest_path=int(np.argmax(values)),
        )

    def fund(self, pool: str, required: Floats) -> FundSizing:
        """Sizes of the pool's first fund."""
        layer = first_fund(self.run.scenario["pools"][pool])
        capital = amount(layer["capital"])
        costs = self.run.scenario["sizing"]
        ordered = ascending(np.maximum(required, 0.0))
        return FundSizing(
            layer=layer["name"],
            kind=layer["type"],
            current=None if math.isinf(capital) else capital,
            depleted=None if math.isinf(capital) else depletion_probability(ordered, capital, self.confidence),
            target=fund_size(ordered, self.depletion, self.confidence),
            newsvendor=newsvendor(
                ordered,
                float(costs.get("capital_cost") or 0.0),
                float(costs.get("breach_cost") or 0.0),
                self.confidence,
            ),
            curve=depletion_curve(ordered, self.confidence),
        )

    def events(self, rows: pd.DataFrame) -> dict[str, Any]:
        """Probability of each event over the horizon."""
        counts = {
            "liquidation": rows["liquidated_notional"] > 0.0,
            "bad_debt": rows["bad_debt"] > 0.0,
            "adl": rows["adl_notional"] > 0.0,
            "socialised": rows["socialised"] > 0.0,
            "unpaid": rows["residual"] + rows["residual_open"] > 0.0,
            "truncated": rows["truncated_steps"] > 0,
        }
        return {name: probability(int(seen.sum()), len(rows), self.confidence) for name, seen in counts.items()}

    def payers(self, pool: str, rows: pd.DataFrame) -> tuple[Payer, ...]:
        """Layers in waterfall order, then the residual."""
        bad_debt = _column(rows, "bad_debt")
        paid = payments(self.run, pool)
        borne = sum((part for _, _, part in paid), np.zeros_like(bad_debt))
        return split(bad_debt, [*paid, ("written off", RESIDUAL, np.maximum(bad_debt - borne, 0.0))], self.levels)

    def market(self, name: str) -> MarketSizing:
        """Figures of one market."""
        rows = self.run.markets[self.run.markets["market"] == name]
        price = float(self.run.scenario["markets"][name]["price"])
        return MarketSizing(
            market=name,
            adl=probability(int((rows["adl_notional"] > 0.0).sum()), len(rows), self.confidence),
            liquidation=probability(int((rows["liquidated_notional"] > 0.0).sum()), len(rows), self.confidence),
            mean_liquidated=float(rows["liquidated_notional"].mean()),
            mean_adl=float(rows["adl_notional"].mean()),
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
