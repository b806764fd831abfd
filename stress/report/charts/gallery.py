"""All charts of a run as figures, with the words that stand for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from stress.report.charts import style
from stress.report.charts.concentration import concentration
from stress.report.charts.exceedance import Losses, loss_exceedance
from stress.report.charts.fund_curve import fund_curve
from stress.report.charts.markets import MarketRow, adl_probability, contributions, open_interest, rows_height
from stress.report.charts.tail import mean_excess, quantile_quantile, shape_stability
from stress.report.charts.timeline import MarketTrace, PoolTrace, Timeline, panel_heights, timeline
from stress.report.charts.who_pays import Bar, Waterfall, bar_label, who_pays
from stress.report.worst import WorstPath
from stress.sizing.allocation import Allocation
from stress.sizing.estimate import LEAST_EXCEEDANCES, Floats
from stress.sizing.owners import Concentration
from stress.sizing.result import METRICS, PoolSizing, Sizing
from stress.sizing.tail import Tail
from stress.sizing.words import clock, money, money_estimate, odds, percent, percent_estimate
from stress.sizing.words import level as level_words
from stress.weights import Weights

if TYPE_CHECKING:
    from stress.store import Run


@dataclass(frozen=True)
class Picture:
    """One chart: file name, title, what it shows in a sentence, height in inches and what draws into the figure."""

    name: str
    title: str
    alt: str
    height: float
    fill: Callable[[Figure], object]

    def draw(self) -> Figure:
        """The figure."""
        figure = style.new_figure(self.height, self.title)
        self.fill(figure)
        return figure


def exceedance_picture(run: Run, sizing: Sizing, pool: PoolSizing) -> Picture:
    """Bad debt and unpaid loss of a pool."""
    rows = run.paths[run.paths["pool"] == pool.pool]
    unpaid, weights = rows["residual"] + rows["residual_open"], Weights.of(run.weights)
    losses = [
        Losses.of("bad debt", _losses(rows["bad_debt"]), style.BLUE, weights),
        Losses.of("unpaid: written off or still open", _losses(unpaid), style.RED, weights),
    ]

    def fill(figure: Figure) -> None:
        loss_exceedance(figure.subplots(), losses, sizing.levels, sizing.confidence)

    largest = max(float(loss.ordered[-1]) for loss in losses)
    height = 4.2 if largest > 0.0 and sizing.paths >= LEAST_EXCEEDANCES else style.STRIP
    alt = (
        f"Probability that bad debt and unpaid loss of pool {pool.pool} exceed an amount, with bands; bad debt occurs "
        f"with probability {percent_estimate(pool.events['bad_debt'])}, the largest is {money(largest)}."
    )
    return Picture(_file("exceedance", pool), _title("How much is lost, how often", sizing, pool), alt, height, fill)


def fund_picture(sizing: Sizing, pool: PoolSizing) -> Picture | None:
    """Fund size against depletion probability; None for a pool without fund."""
    fund = pool.fund
    if fund is None:
        return None

    def fill(figure: Figure) -> None:
        fund_curve(figure.subplots(), fund, sizing.paths)

    current = "unlimited" if fund.current is None else money(fund.current)
    alt = (
        f"{fund.noun.capitalize()} that pool {pool.pool} needs at each depletion probability, with a band; "
        f"{money_estimate(fund.target.size)} for {odds(fund.target.depletion)}, current {fund.noun} {current}."
    )
    height = 4.2 if any(point.high > 0.0 for point in fund.curve) else style.STRIP
    return Picture(
        _file("fund", pool),
        _title(f"{fund.noun.capitalize()} against depletion probability", sizing, pool),
        alt,
        height,
        fill,
    )


def payers_picture(sizing: Sizing, pool: PoolSizing) -> Picture:
    """Who pays the bad debt of a pool."""
    data = payers_of(pool, sizing.levels)

    def fill(figure: Figure) -> None:
        who_pays(figure.subplots(), data)

    worst = ", ".join(f"{payer.layer} {money(payer.worst)}" for payer in pool.payers)
    alt = f"Who pays the bad debt of pool {pool.pool} at the mean, at quantiles and on the worst path; there: {worst}."
    height = 1.3 + 0.62 * len(data.bars) if any(bar.total > 0.0 for bar in data.bars) else style.STRIP
    return Picture(_file("payers", pool), _title("Bad debt by layer", sizing, pool), alt, height, fill)


def payers_of(pool: PoolSizing, levels: Sequence[float]) -> Waterfall:
    """The split of a pool's bad debt at the mean, at each level and on the worst path."""
    payers = pool.payers
    bars = [Bar("on average", tuple(payer.mean for payer in payers))]
    for k, level in enumerate(levels):
        parts = [payer.levels[k] for payer in payers]
        known = tuple(part for part in parts if part is not None)
        bars.append(Bar(bar_label(level), known if len(known) == len(parts) else None))
    bars.append(Bar("worst path", tuple(payer.worst for payer in payers)))
    return Waterfall(tuple((payer.layer, payer.kind) for payer in payers), tuple(bars))


def concentration_picture(data: Concentration, sizing: Sizing, pool: PoolSizing) -> Picture:
    """How much of what owners of a pool pay for others its largest payers pay."""

    def fill(figure: Figure) -> None:
        concentration(figure.subplots(), data)

    ten = data.measures["paid_top10_share"]
    median = (
        f"there the ten largest payers pay {percent(data.quantile('paid_top10_share', 0.5))} in the median"
        if ten.size
        else "nobody pays"
    )
    alt = (
        f"Share of what owners of pool {pool.pool} pay for others, in ADL haircuts and shared losses, that the largest "
        f"payer, the ten and the hundred largest pay, on {ten.size:,} of {data.paths:,} paths; {median}."
    )
    height = 3.9 if ten.size else style.STRIP
    return Picture(_file("concentration", pool), _title("How unevenly owners pay", sizing, pool), alt, height, fill)


def timeline_pictures(worst: WorstPath) -> list[Picture]:
    """The worst path, check by check; and closer where its bad debt comes about in a short time."""
    data = _timeline(worst)
    pictures = [timeline_picture("worst-path", f"Path {worst.path:,}", data)]
    closer = data.closer()
    if closer is not None:
        pictures.append(timeline_picture("worst-path-closer", f"Path {worst.path:,}, closer", closer))
    return pictures


def timeline_picture(name: str, title: str, data: Timeline) -> Picture:
    """One path, check by check."""
    heights = panel_heights(data)

    def fill(figure: Figure) -> None:
        panels = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
        timeline(list(panels), data)

    alt = (
        f"{title}: price, open interest, fund, bad debt and auto-deleveraging from {clock(float(data.time_s[0]))} to "
        f"{clock(float(data.time_s[-1]))} hours."
    )
    return Picture(name, title, alt, 0.9 + 1.65 * sum(heights), fill)


def _timeline(worst: WorstPath) -> Timeline:
    markets = {
        name: MarketTrace(
            _floats(rows["price"]),
            _floats(rows["fundamental"]),
            _floats(rows["open_interest"]),
            float(rows["price"].iloc[0]),
        )
        for name, rows in worst.markets.items()
    }
    pools = {}
    for name, rows in worst.pools.items():
        fund = _floats(rows["fund_equity"])
        pools[name] = PoolTrace(
            None if np.isnan(fund).any() else fund, _floats(rows["bad_debt"]), _floats(rows["adl_notional"])
        )
    return Timeline(worst.time_s, markets, pools, worst.marks())


def adl_picture(sizing: Sizing) -> Picture:
    """Probability of auto-deleveraging by market."""
    rows = [MarketRow(market.market, market.adl) for market in sizing.markets]
    hit = sum(1 for row in rows if row.estimate.value)

    def fill(figure: Figure) -> None:
        adl_probability(figure.subplots(), rows, sizing.paths)

    likeliest = max(sizing.markets, key=lambda market: market.adl.value or 0.0)
    most = f"the likeliest is {likeliest.market} with {percent(likeliest.adl.value)}" if hit else "none was seen"
    alt = f"Probability of auto-deleveraging in each market, with intervals; {most}."
    return Picture("adl", "Auto-deleveraging by market", alt, rows_height(hit) if hit else style.STRIP, fill)


def open_interest_picture(amounts: dict[str, float], top1: float, top10: float) -> Picture:
    """Open interest by market at the start."""
    rows = sum(1 for amount in amounts.values() if amount > 0.0)

    def fill(figure: Figure) -> None:
        open_interest(figure.subplots(), amounts)

    alt = (
        f"Open interest of {rows} markets at the start, {money(sum(amounts.values()))} in all; the largest owner holds "
        f"{percent(top1)} of the notional, the ten largest {percent(top10)}."
    )
    return Picture("open-interest", "Open interest at the start", alt, rows_height(rows), fill)


def tail_picture(sizing: Sizing, pool: PoolSizing, tail: Tail) -> Picture:
    """Diagnostics of a fitted tail: mean excess, shape by threshold, quantiles."""

    def fill(figure: Figure) -> None:
        panels = figure.subplots(1, 3)
        mean_excess(panels[0], tail)
        shape_stability(panels[1], tail)
        quantile_quantile(panels[2], tail)

    loss = METRICS[tail.metric].lower()
    alt = (
        f"Diagnostics of the tail fitted to the {loss} of pool {pool.pool}: mean excess and shape over "
        f"{len(tail.steps)} thresholds, and quantiles of the law against those of the paths; shape "
        f"{tail.shape.value or 0.0:.2f} over {money(tail.threshold)}."
    )
    name = f"tail-{tail.metric.replace('_', '-')}"
    return Picture(_file(name, pool), _title(f"Fitted tail of the {loss}", sizing, pool), alt, 3.4, fill)


def allocation_picture(sizing: Sizing, divided: Allocation) -> Picture:
    """Contributions to the expected shortfall of the bad debt at the highest level that has numbers."""
    known = [k for k in range(len(sizing.levels)) if divided.parts and divided.parts[0].levels[k] is not None]
    at = known[-1] if known else None
    amounts = {part.name: (part.levels[at] or 0.0) if at is not None else 0.0 for part in divided.parts}
    words = "" if at is None else f" {level_words(sizing.levels[at])}"

    def fill(figure: Figure) -> None:
        contributions(figure.subplots(), amounts, f"contribution to the expected shortfall{words}")

    rows = sum(1 for amount in amounts.values() if amount > 0.0)
    most = max(amounts, key=lambda name: amounts[name], default="")
    largest = f"{most} with {money(amounts[most])}"
    alt = f"Contribution of each {divided.by} to the bad debt in the tail; the largest is {largest}."
    height = rows_height(rows) if rows else style.STRIP
    return Picture(f"allocation-{divided.by}", f"Bad debt in the tail by {divided.by}", alt, height, fill)


def _file(chart: str, pool: PoolSizing) -> str:
    """Name of a file, whatever the pool is called."""
    return f"{chart}-{re.sub(r'[^A-Za-z0-9_-]', '_', pool.pool)}"


def _title(words: str, sizing: Sizing, pool: PoolSizing) -> str:
    """Title, with the pool where there are several."""
    return f"{words}: pool {pool.pool}" if len(sizing.pools) > 1 else words


def _losses(column: Any) -> Floats:
    return np.maximum(_floats(column), 0.0)


def _floats(column: Any) -> Floats:
    values: Floats = column.to_numpy(dtype=np.float64)
    return values
