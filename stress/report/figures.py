"""Tables of what came out: losses, probabilities, payers, markets, longer times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stress.report.document import Notes, Table, table
from stress.sizing.proportions import over_periods
from stress.sizing.result import EVENTS, METRICS, PoolSizing, Sizing
from stress.sizing.words import duration, level, money, money_estimate, odds, percent, percent_estimate

if TYPE_CHECKING:
    from stress.store import Run

YEAR_S = 365 * 86_400.0

_FREQUENCIES = ((0.1, "once in ten years"), (1.0, "once a year"), (12.0, "once a month"))


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
    return table(_title("Losses over the horizon", sizing, pool), headings, rows, notes.lines())


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
        rows.append([name, estimate, money(size.upper), f"{level(size.depletion)} ({odds(size.depletion)})"])
    if fund.depleted is None:
        rows.append(["Current", "unlimited", "", "never"])
    else:
        depleted = notes.mark(percent_estimate(fund.depleted), fund.depleted.note)
        rows.append(["Current", money(fund.current), "", depleted])
    confidence = level(sizing.confidence)
    headings = ["", f"Size ({confidence} interval)", f"{confidence} upper bound", "Depleted with"]
    return table(_title(f"{fund.noun.capitalize()} {fund.layer!r}", sizing, pool), headings, rows, notes.lines())


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
    return table(_title("Who pays the bad debt", sizing, pool), headings, rows)


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


def frequencies(sizing: Sizing) -> Table | None:
    """Depletion within a year, if the scenario comes so often; None without a finite fund."""
    pools = [pool for pool in sizing.pools if pool.fund is not None and pool.fund.depleted is not None]
    if not pools:
        return None
    always = YEAR_S / sizing.horizon_s
    rows = []
    for times, words in (*_FREQUENCIES, (always, f"every {duration(sizing.horizon_s)}")):
        if times > always:
            continue
        cells = []
        for pool in pools:
            depleted = pool.fund.depleted if pool.fund else None
            ends = [] if depleted is None else [depleted.value, depleted.low, depleted.high]
            value, low, high = (percent(None if p is None else over_periods(p, times)) for p in ends)
            cells.append(f"{value} ({low} to {high})")
        rows.append([words, *cells])
    headings = ["If the scenario comes", *(f"Pool {pool.pool}: depleted within a year" for pool in pools)]
    return table("Within a year", headings, rows)


def _title(words: str, sizing: Sizing, pool: PoolSizing) -> str:
    return f"{words}, pool {pool.pool}" if len(sizing.pools) > 1 else words


def _signed(share: float) -> str:
    return ("+" if share >= 0.0 else "-") + percent(abs(share))
