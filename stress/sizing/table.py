"""A sizing as tables on a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stress.sizing.allocation import Allocation
from stress.sizing.estimate import Estimate
from stress.sizing.pooling import Pooling
from stress.sizing.result import EVENTS, METRICS, PoolSizing, Sizing
from stress.sizing.sampling import weighing
from stress.sizing.tail import Tail
from stress.sizing.words import NONE, duration, level, money, money_estimate, odds, percent, percent_estimate, sharper

_MOST_PARTS = 10
"""Parts of a loss that the terminal shows."""


def render(sizing: Sizing) -> RenderableType:
    """Fund, losses and probabilities of each pool, with the notes of flagged figures underneath."""
    parts: list[RenderableType] = [
        Text(
            f"{sizing.scenario}: {sizing.paths:,} paths over {duration(sizing.horizon_s)}, "
            f"intervals at {level(sizing.confidence)}"
        )
    ]
    if sizing.drawing:
        parts.append(Text(f"  {sizing.drawing}", style="dim"))
    if sizing.sampling is not None:
        parts += [Text(f"  {line}", style="dim") for line in weighing(sizing.sampling)]
        parts += [Text(f"  caution: {problem}", style="yellow") for problem in sizing.sampling.problems]
    for pool in sizing.pools:
        notes: list[str] = []
        parts += [_fund_table(sizing, pool, notes), *_precision(sizing, pool), *_year_table(pool, notes)]
        parts += [_loss_table(sizing, pool, notes), _event_table(pool, notes), _winner_table(pool, notes)]
        for tail in pool.tails:
            parts += _tail_table(pool, tail, notes)
        parts += [Text(f"  [{k}] {note}", style="dim") for k, note in enumerate(notes, 1)]
    parts += [_pooling_table(pooling) for pooling in sizing.poolings]
    parts += [_allocation_table(sizing, divided) for divided in sizing.allocations]
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


def _pooling_table(pooling: Pooling) -> RenderableType:
    """A shared fund: what its pools contributed, drew, and would have needed alone."""
    saved = "" if pooling.saved is None else f", {percent(pooling.saved)} less than apart"
    title = f"Shared fund {pooling.fund!r}: {money(pooling.together.size.value)} needed together{saved}"
    table = _table(title, "", "gave", "drew", "needs alone", "short alone", "spared", "infected")
    for member in pooling.members:
        events = (member.short_alone, member.spared, member.infected)
        chances = [NONE if event is None else percent(event.value) for event in events]
        needed = money(member.alone.size.value)
        table.add_row(f"pool {member.pool}", money(member.contribution), money(member.drawn), needed, *chances)
    return table


def _fund_table(sizing: Sizing, pool: PoolSizing, notes: list[str]) -> RenderableType:
    """Current fund and its depletion, the size for the target and the cheapest one."""
    if pool.fund is None:
        return Text(f"\nPool {pool.pool}: no fund or vault to size", "bold")
    fund = pool.fund
    sizes = {"needed": fund.target} | ({"cheapest": fund.newsvendor.fund} if fund.newsvendor else {})
    title = f"Pool {pool.pool}: size of {fund.layer!r}"
    table = _table(title, "", "size (interval)", "upper bound", "depleted with")
    for name, size in sizes.items():
        text = _marked(money_estimate(size.size), size.size, notes)
        odd = f"{level(size.depletion)} ({odds(size.depletion)})"
        table.add_row(name, text, money(size.upper), odd)
    for cover in pool.cover:
        text = _marked(money_estimate(cover.fund.size), cover.fund.size, notes)
        table.add_row(f"Cover-{cover.owners}", text, money(cover.fund.upper), "")
    if fund.depleted is None:
        table.add_row("current", "unlimited", "", "never")
    else:
        depleted = _marked(percent_estimate(fund.depleted), fund.depleted, notes)
        table.add_row("current", money(fund.current), "", depleted)
    return table


def _precision(sizing: Sizing, pool: PoolSizing) -> list[RenderableType]:
    """Sizes against the open interest, and how many paths a sharper one takes; nothing without a fund."""
    if pool.fund is None:
        return []
    shares = {"needed": pool.fund.target.size.value, "current": pool.fund.current}
    known = {name: sizing.over_open_interest(amount) for name, amount in shares.items()}
    words = ", ".join(f"{name} {percent(share)}" for name, share in known.items() if share is not None)
    interest = [Text(f"  of the open interest at the start: {words}", style="dim")] if words else []
    target = pool.fund.target
    return [*interest, Text(f"  {sharper(target.size, target.depletion, sizing.paths)}", style="dim")]


def _year_table(pool: PoolSizing, notes: list[str]) -> list[RenderableType]:
    """The fund over a year, one row per frequency of the scenario; nothing without a fund."""
    fund = pool.fund
    if fund is None:
        return []
    accepted = level(fund.target.depletion)
    title = f"Pool {pool.pool}: within a year (independent, refilled in between)"
    table = _table(title, "if it comes", "current depleted", f"size for {accepted} a year", "each time")
    for year in fund.years:
        depleted = "never" if year.depleted is None else _marked(percent_estimate(year.depleted), year.depleted, notes)
        size = _marked(money(year.target.size.value), year.target.size, notes)
        table.add_row(year.words, depleted, size, percent(year.target.depletion))
    return [table]


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


def _winner_table(pool: PoolSizing, notes: list[str]) -> Table:
    table = _table(f"Pool {pool.pool}: what ADL costs a winner, on average", "", "")
    winners = pool.winners
    table.add_row(
        "haircut of a closed account", _marked(money_estimate(winners.per_account), winners.per_account, notes)
    )
    share = _marked(percent_estimate(winners.per_notional), winners.per_notional, notes)
    table.add_row("haircut as a share of what is closed", share)
    return table


def _tail_table(pool: PoolSizing, tail: Tail, notes: list[str]) -> list[RenderableType]:
    """The fitted law level by level, then where it must not be used."""
    name = METRICS[tail.metric].partition(" (")[0].lower()
    title = f"Pool {pool.pool}: generalised Pareto tail of {name}"
    warnings: list[RenderableType] = [Text(f"  {warning}", style="yellow") for warning in tail.warnings]
    if not tail.fitted or tail.shape.value is None:
        return [Text(f"\n{title}", "bold"), *warnings]
    low, high = tail.shape.low or 0.0, tail.shape.high or 0.0
    over = f"over {money(tail.threshold)} ({tail.excesses:,} paths)"
    found = f"{over}, shape {tail.shape.value:.2f} ({low:.2f} to {high:.2f})"
    table = _table(f"{title}, {found}", "", "VaR (interval)", "ES (interval)")
    for reach in tail.levels:
        figures = (reach.value_at_risk, reach.expected_shortfall)
        table.add_row(level(reach.level), *(_marked(money_estimate(each), each, notes) for each in figures))
    return [table, *warnings]


def _allocation_table(sizing: Sizing, divided: Allocation) -> Table:
    """Contributions to the expected shortfall of bad debt."""
    title = f"Bad debt in the tail by {divided.by}: contributions to expected shortfall"
    table = _table(title, "", "mean", *(f"ES {level(at)}" for at in sizing.levels))
    for part in divided.parts[:_MOST_PARTS]:
        table.add_row(part.name, money(part.mean), *(money(value) for value in part.levels))
    if divided.alone:
        table.add_row(f"each {divided.by} alone", "", *(money(value) for value in divided.alone))
    return table
