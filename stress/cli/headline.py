"""The few figures a run ends with; ``tailstress size`` and the report have the rest."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stress.sizing import Estimate, LossFigures, PoolSizing, Sizing
from stress.sizing.sampling import weighing
from stress.sizing.words import duration, level, money, money_estimate, percent_estimate

_EVENTS = {"bad_debt": "any bad debt", "adl": "any ADL", "unpaid": "any unpaid loss"}
_LOSSES = {"bad_debt": "bad debt", "required_fund": "required fund"}


def headline(sizing: Sizing) -> RenderableType:
    """One short table per pool: probabilities, quantiles, and what the current fund is worth."""
    parts: list[RenderableType] = [
        Text(
            f"{sizing.scenario}: {sizing.paths:,} paths of {duration(sizing.horizon_s)}, "
            f"margin checked every {duration(sizing.check_every_s)}; intervals at {level(sizing.confidence)}"
        )
    ]
    if sizing.drawing:
        parts.append(Text(sizing.drawing, "dim"))
    if sizing.sampling is not None:
        parts += [Text(line, "dim") for line in weighing(sizing.sampling)]
        parts += [Text(f"caution: {problem}", "yellow") for problem in sizing.sampling.problems]
    for pool in sizing.pools:
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(style="bold", no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(style="dim", overflow="fold")
        for label, text, note in _rows(sizing, pool):
            table.add_row(label, text, note)
        parts += [Text(f"pool {pool.pool}", "underline"), table]
    return Group(*parts)


def _rows(sizing: Sizing, pool: PoolSizing) -> Iterator[tuple[str, str, str]]:
    for event, label in _EVENTS.items():
        yield f"P({label})", *_percent(pool.events[event])
    for metric, label in _LOSSES.items():
        loss = pool.loss(metric)
        if loss is not None:
            yield from _quantiles(sizing, loss, label)
    if pool.fund is not None and pool.fund.depleted is not None:
        text, note = _percent(pool.fund.depleted)
        yield f"P({pool.fund.layer} of {money(pool.fund.current)} depleted)", text, note


def _quantiles(sizing: Sizing, loss: LossFigures, label: str) -> Iterator[tuple[str, str, str]]:
    for at, estimate in zip(sizing.levels, loss.value_at_risk, strict=True):
        yield f"{label}, {level(at)} quantile", money_estimate(estimate), estimate.note


def _percent(estimate: Estimate) -> tuple[str, str]:
    return percent_estimate(estimate), estimate.note
