"""Tables of what came out: losses, probabilities, payers, markets, longer times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stress.report.document import Notes, Table, table
from stress.sizing.allocation import Allocation
from stress.sizing.estimate import Estimate
from stress.sizing.result import EVENTS, METRICS, PoolSizing, Sizing
from stress.sizing.tail import Tail
from stress.sizing.words import NONE, level, money, money_estimate, odds, percent, percent_estimate, significant

if TYPE_CHECKING:
    from stress.store import Run

MOST_PARTS = 25
"""Parts of a loss that a table names; the others are added up."""


def losses(sizing: Sizing, pool: PoolSizing) -> Table:
    """Mean, quantiles, shortfalls and the largest of every loss, with intervals."""
    notes = Notes()
    rows = [["Mean", *(notes.mark(money_estimate(loss.mean), loss.mean.note) for loss in pool.losses)]]
    for k, at in enumerate(sizing.levels):
        quantiles = [loss.value_at_risk[k] for loss in pool.losses]
        shortfalls = [loss.expected_shortfall[k] for loss in pool.losses]
        for name, estimates in (("Value at risk", quantiles), ("Expected shortfall", shortfalls)):
            rows.append([f"{name} {level(at)}", *(notes.mark(money_estimate(e), e.note) for e in estimates)])
    rows.append(["Largest of all paths", *(money(loss.largest) for loss in pool.losses)])
    headings = ["", *(METRICS[loss.metric] for loss in pool.losses)]
    return table(titled("Losses over the horizon", sizing, pool), headings, rows, notes.lines())


def fund_sizes(sizing: Sizing, pool: PoolSizing) -> Table | None:
    """The fund for the accepted probability, the cheapest one and the current one; None without a fund."""
    fund = pool.fund
    if fund is None:
        return None
    notes = Notes()
    rows = []
    sizes = {f"For a depletion probability of {level(fund.target.depletion)}": fund.target}
    if fund.newsvendor is not None:
        costs = fund.newsvendor
        words = f"{level(costs.capital_cost)} capital cost, {costs.breach_cost:g} per unit uncovered"
        sizes[f"Cheapest at {words}"] = costs.fund
    for name, size in sizes.items():
        estimate = notes.mark(money_estimate(size.size), size.size.note)
        interest = percent(sizing.over_open_interest(size.size.value))
        rows.append([name, estimate, money(size.upper), interest, f"{level(size.depletion)} ({odds(size.depletion)})"])
    for cover in pool.cover:
        size = cover.fund
        name = f"Cover-{cover.owners}: bad debt of the {'owner' if cover.owners == 1 else 'two owners'} who cost most"
        estimate = notes.mark(money_estimate(size.size), size.size.note)
        interest = percent(sizing.over_open_interest(size.size.value))
        rows.append([name, estimate, money(size.upper), interest, f"exceeded with {level(size.depletion)}"])
    if fund.depleted is None:
        rows.append(["Current", "unlimited", "", "", "never"])
    else:
        depleted = notes.mark(percent_estimate(fund.depleted), fund.depleted.note)
        interest = percent(sizing.over_open_interest(fund.current))
        rows.append(["Current", money(fund.current), "", interest, depleted])
    confidence = level(sizing.confidence)
    headings = ["", f"Size ({confidence} interval)", f"{confidence} upper bound", "Of open interest", "Depleted with"]
    return table(titled(f"{fund.noun.capitalize()} {fund.layer!r}", sizing, pool), headings, rows, notes.lines())


def events(sizing: Sizing) -> Table:
    """Probability of each event, one column per pool."""
    notes = Notes()
    rows = []
    for name, sentence in EVENTS.items():
        estimates = [pool.events[name] for pool in sizing.pools]
        rows.append([sentence, *(notes.mark(percent_estimate(e), e.note) for e in estimates)])
    headings = ["", *(f"Pool {pool.pool}" for pool in sizing.pools)]
    return table("Probability over the horizon", headings, rows, notes.lines())


def payers(sizing: Sizing, pool: PoolSizing) -> Table:
    """What each layer bears of the bad debt; columns add up to it."""
    rows = []
    for payer in pool.payers:
        at_levels = [money(paid) for paid in payer.levels]
        kind = payer.kind.replace("_", " ")
        name = payer.layer if kind == payer.layer.replace("_", " ") else f"{payer.layer} ({kind})"
        rows.append([name, money(payer.mean), *at_levels, money(payer.worst)])
    totals = [sum(payer.mean for payer in pool.payers)]
    columns = [[payer.levels[k] for payer in pool.payers] for k in range(len(sizing.levels))]
    sums = [None if None in column else sum(paid for paid in column if paid is not None) for column in columns]
    worst = sum(payer.worst for payer in pool.payers)
    rows.append(["bad debt", money(totals[0]), *(money(total) for total in sums), money(worst)])
    headings = ["Layer", "On average", *(f"At {level(at)}" for at in sizing.levels), "Worst path"]
    return table(titled("Who pays the bad debt", sizing, pool), headings, rows)


def markets(run: Run, sizing: Sizing) -> Table:
    """What happens in each market."""
    interest = run.manifest["book"]["open_interest"]
    rows = [
        [
            market.market,
            money(interest.get(market.market)),
            percent_estimate(market.liquidation),
            percent_estimate(market.adl),
            money(market.mean_liquidated),
            money(market.mean_adl),
            f"{_signed(market.lowest_price - 1.0)} to {_signed(market.highest_price - 1.0)}",
            percent(market.largest_displacement),
        ]
        for market in sizing.markets
    ]
    headings = [
        *("Market", "Open interest", "Liquidation", "ADL", "Mean liquidated", "Mean closed by ADL"),
        *("Book price from start", "Largest gap to fundamental"),
    ]
    return table("Markets", headings, rows)


def years(sizing: Sizing, pool: PoolSizing) -> Table | None:
    """The fund over a year, by how often the scenario comes; None without a fund."""
    fund = pool.fund
    if fund is None:
        return None
    notes = Notes()
    rows = []
    for year in fund.years:
        depleted = "never" if year.depleted is None else notes.mark(percent_estimate(year.depleted), year.depleted.note)
        size = year.target.size
        once = year.target.depletion
        rows.append([year.words, depleted, notes.mark(money_estimate(size), size.note), f"{percent(once)} a time"])
    accepted = level(fund.target.depletion)
    headings = [
        *("If the scenario comes", f"Current {fund.noun} depleted within a year"),
        *(f"{fund.noun.capitalize()} depleted within a year with {accepted}", "That is"),
    ]
    return table(titled("Within a year", sizing, pool), headings, rows, notes.lines())


def winners(sizing: Sizing) -> Table:
    """What auto-deleveraging costs those it closes, one column per pool."""
    notes = Notes()
    rows = [
        [
            words,
            *(
                notes.mark(write(getattr(pool.winners, name)), getattr(pool.winners, name).note)
                for pool in sizing.pools
            ),
        ]
        for name, words, write in (
            ("per_account", "Haircut of a closed account", money_estimate),
            ("per_notional", "Haircut as a share of what is closed", percent_estimate),
            ("accounts", "Accounts closed on a path with ADL", _count_estimate),
        )
    ]
    headings = ["On average", *(f"Pool {pool.pool}" for pool in sizing.pools)]
    return table("What ADL costs a winner", headings, rows, notes.lines())


def tail_levels(sizing: Sizing, pool: PoolSizing, tail: Tail) -> Table:
    """The fitted law beside the plain estimates, level by level."""
    notes = Notes()
    plain = pool.loss(tail.metric)
    known = {} if plain is None else dict(zip(sizing.levels, plain.value_at_risk, strict=True))
    rows = []
    for reach in tail.levels:
        var, shortfall = reach.value_at_risk, reach.expected_shortfall
        beside = known.get(reach.level)
        rows.append(
            [
                level(reach.level),
                notes.mark(money_estimate(var), var.note),
                notes.mark(money_estimate(shortfall), shortfall.note),
                "" if beside is None else notes.mark(money_estimate(beside), beside.note),
            ]
        )
    headings = ["Level", "Value at risk by the law", "Expected shortfall by the law", "Value at risk, order statistics"]
    return table(titled(f"{METRICS[tail.metric]} by a fitted tail", sizing, pool), headings, rows, notes.lines())


def allocation(sizing: Sizing, divided: Allocation) -> Table:
    """Contributions to the expected shortfall of the bad debt; columns add up to it."""
    most = divided.parts[:MOST_PARTS]
    rest = divided.parts[MOST_PARTS:]
    rows = [[part.name, money(part.mean), *(money(value) for value in part.levels)] for part in most]
    if rest:
        sums = [_sum([part.levels[k] for part in rest]) for k in range(len(sizing.levels))]
        rows.append([f"{len(rest)} more", money(sum(part.mean for part in rest)), *(money(value) for value in sums)])
    totals = [_sum([part.levels[k] for part in divided.parts]) for k in range(len(sizing.levels))]
    rows.append(["all", money(sum(part.mean for part in divided.parts)), *(money(value) for value in totals)])
    if divided.alone:
        rows.append([f"each {divided.by} alone", "", *(money(value) for value in divided.alone)])
    headings = [divided.by.capitalize(), "Mean", *(f"Of the shortfall {level(at)}" for at in sizing.levels)]
    return table(f"Bad debt in the tail, by {divided.by}", headings, rows)


def _sum(values: list[float | None]) -> float | None:
    """Sum of known values; None where one is missing."""
    return None if None in values else sum(value for value in values if value is not None)


def _count_estimate(estimate: Estimate) -> str:
    """12.3 (10.1 to 15.0)."""
    if estimate.value is None:
        return NONE
    low, high = (NONE if end is None else significant(end) for end in (estimate.low, estimate.high))
    return f"{significant(estimate.value)} ({low} to {high})"


def titled(words: str, sizing: Sizing, pool: PoolSizing) -> str:
    """A title, with the pool where there are several."""
    return f"{words}, pool {pool.pool}" if len(sizing.pools) > 1 else words


def _signed(share: float) -> str:
    return ("+" if share >= 0.0 else "-") + percent(abs(share))
