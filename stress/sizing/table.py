"""A sizing as tables on a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stress.sizing.estimate import Estimate
from stress.sizing.result import EVENTS, METRICS, PoolSizing, Sizing
from stress.sizing.words import duration, level, money, money_estimate, odds, percent_estimate


def render(sizing: Sizing) -> RenderableType:
    """Fund, losses and probabilities of each pool, with the notes of flagged figures underneath."""
    parts: list[RenderableType] = [
        Text(
            f"{sizing.scenario}: {sizing.paths:,} paths over {duration(sizing.horizon_s)}, "
            f"intervals at {level(sizing.confidence)}"
        )
    ]
    for pool in sizing.pools:
        notes: list[str] = []
        parts += [_fund_table(pool, notes), _loss_table(sizing, pool, notes), _event_table(pool, notes)]
        parts += [Text(f"  [{k}] {note}", style="dim") for k, note in enumerate(notes, 1)]
    return Group(*parts)


def _marked(text: str, estimate: Estimate, notes: list[str]) -> str:
    """Text with the number of its note; equal notes share one."""
    if not estimate.flagged:
        return text
    if estimate.note not in notes:
        notes.append(estimate.note)
    return f"{text} \\[{notes.index(estimate.note) + 1}]"


def _table(title: str, *headings: str) -> Table:
    table = Table(title=f"\n{title}", title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for k, heading in enumerate(headings):
        table.add_column(heading, justify="right" if k else "left", no_wrap=True)
    return table


def _fund_table(pool: PoolSizing, notes: list[str]) -> RenderableType:
    """Current fund and its depletion, the size for the target and the cheapest one."""
    if pool.fund is None:
        return Text(f"\nPool {pool.pool}: no fund or vault to size", "bold")
    fund = pool.fund
    sizes = {"needed": fund.target} | ({"cheapest": fund.newsvendor.fund} if fund.newsvendor else {})
    table = _table(f"Pool {pool.pool}: size of {fund.layer!r}", "", "size (interval)", "upper bound", "depleted with")
    for name, size in sizes.items():
        text = _marked(money_estimate(size.size), size.size, notes)
        table.add_row(name, text, money(size.upper), f"{level(size.depletion)} ({odds(size.depletion)})")
    if fund.depleted is None:
        table.add_row("current", "unlimited", "", "never")
    else:
        depleted = _marked(percent_estimate(fund.depleted), fund.depleted, notes)
        table.add_row("current", money(fund.current), "", depleted)
    return table


def _loss_table(sizing: Sizing, pool: PoolSizing, notes: list[str]) -> Table:
    """One column per loss; mean, quantiles, shortfalls and the largest as rows."""
    names = [METRICS[loss.metric].partition(" (")[0] for loss in pool.losses]
    table = _table(f"Pool {pool.pool}: losses", "", *names)
    table.add_row("mean", *(_marked(money(loss.mean.value), loss.mean, notes) for loss in pool.losses))
    for k, at in enumerate(sizing.levels):
        columns = {
            "VaR": [x.value_at_risk[k] for x in pool.losses],
            "ES": [x.expected_shortfall[k] for x in pool.losses],
        }
        for name, estimates in columns.items():
            table.add_row(f"{name} {level(at)}", *(_marked(money(each.value), each, notes) for each in estimates))
    table.add_row("largest", *(money(loss.largest) for loss in pool.losses))
    return table


def _event_table(pool: PoolSizing, notes: list[str]) -> Table:
    table = _table(f"Pool {pool.pool}: probability over the horizon", "", "")
    for name, sentence in EVENTS.items():
        event = pool.events[name]
        table.add_row(sentence, _marked(percent_estimate(event), event, notes))
    return table
