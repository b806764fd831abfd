"""The report of a run, section by section."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from stress.report import figures, rules
from stress.report.charts import gallery
from stress.report.document import Block, Bullets, Chart, Code, Document, Paragraph, Section, Table, table
from stress.report.owners import OWNERS_TEXT, dealings, owner_blocks
from stress.report.pooling import pooling_section
from stress.report.sampling import sampling_blocks
from stress.report.tails import tail_section
from stress.report.treasury import treasury_blocks
from stress.report.verdict import cards, headline
from stress.report.worst import WorstPath
from stress.sizing.estimate import FEW_EXCEEDANCES, LEAST_EXCEEDANCES
from stress.sizing.result import PoolSizing, Sizing
from stress.sizing.words import clock, count, duration, level, percent, sharper

if TYPE_CHECKING:
    from stress.store import Run

_ADL_TEXT = (
    "Auto-deleveraging closes winning positions against insolvent ones. The bad debt it bears is in the table above; "
    "the ADL haircut is what the winners lose against the mark price, which depends on the price at which they are "
    "closed."
)
_EULER_TEXT = (
    "Contributions to the expected shortfall (Euler) add up to it. A path's bad debt is divided among markets in "
    "proportion to the notional liquidated in each, since an account under cross margin has one deficit for all."
)


def document(run: Run, sizing: Sizing) -> Document:
    """The whole report of a run."""
    scenario = run.scenario
    name = scenario["name"]
    worst = WorstPath.of(run)
    sections = [
        _fund(run, sizing),
        tail_section(sizing),
        _payers(run, sizing),
        *([pooling] if (pooling := pooling_section(sizing)) else []),
        *([_worst(worst)] if worst else []),
        _markets(run, sizing),
        _rules(run),
        _prices(run),
        _assumptions(run, sizing),
        _provenance(run),
    ]
    return Document(
        title=str(scenario.get("title") or name),
        subtitle=f"Fund sizing of scenario {name}: {count(sizing.paths, 'path')} over {duration(sizing.horizon_s)}, "
        f"margin checked every {duration(sizing.check_every_s)}",
        headline=headline(sizing),
        cards=cards(sizing),
        sections=tuple(sections),
    )


def _present(*blocks: Block | None) -> tuple[Block, ...]:
    return tuple(block for block in blocks if block is not None)


def _fund(run: Run, sizing: Sizing) -> Section:
    """How large the fund must be, and how much is lost."""
    blocks: list[Block | None] = []
    for pool in sizing.pools:
        picture = gallery.fund_picture(sizing, pool)
        blocks += [Chart(picture) if picture else None, figures.fund_sizes(sizing, pool), _sharper(sizing, pool)]
        blocks += [Chart(gallery.exceedance_picture(run, sizing, pool)), figures.losses(sizing, pool)]
    blocks += [figures.events(sizing), _reading(sizing), *sampling_blocks(sizing)]
    if any(pool.fund is not None for pool in sizing.pools):
        blocks.append(_a_year(sizing))
        blocks += [figures.years(sizing, pool) for pool in sizing.pools]
    return Section("How large must the fund be?", _present(*blocks))


def _sharper(sizing: Sizing, pool: PoolSizing) -> Paragraph | None:
    """How many paths a sharper size takes; None without a fund."""
    if pool.fund is None:
        return None
    target = pool.fund.target
    words = sharper(target.size, target.depletion, sizing.paths)
    return Paragraph(f"{words[0].upper()}{words[1:]}; this run has {sizing.paths:,}.")


def _a_year(sizing: Sizing) -> Paragraph:
    """What figures for a year assume."""
    return Paragraph(
        f"All probabilities are over one horizon of {duration(sizing.horizon_s)}, given that the scenario happens. "
        "They say nothing of how often it does. If it comes k times a year, independently and with the fund refilled "
        "in between, a probability p becomes 1 - (1 - p)^k within the year, and a fund for P within the year must be "
        "depleted with no more than 1 - (1 - P)^(1 / k) each time. Crises that come in clusters need more."
    )


def _reading(sizing: Sizing) -> Paragraph:
    """How the figures are meant."""
    confidence = level(sizing.confidence)
    cheapest = ""
    if any(pool.fund is not None and pool.fund.newsvendor is not None for pool in sizing.pools):
        cheapest = (
            " The cheapest size minimises capital cost times size plus breach cost times the expected loss beyond it, "
            "both costs over one horizon."
        )
    return Paragraph(
        f"Intervals hold with {confidence} confidence. Quantiles and fund sizes are Harrell-Davis estimates with exact "
        "binomial intervals; the interval of expected shortfall is the hull of Hall's skewness-corrected one and that "
        "of a fitted tail; probabilities have Clopper-Pearson intervals. With fewer than "
        f"{LEAST_EXCEEDANCES} paths expected beyond a level there is no "
        f"number; with fewer than {FEW_EXCEEDANCES} it is flagged. Intervals say how well this many paths know the "
        "scenario's own figures, not how well the scenario knows the world."
        f"{cheapest}"
    )


def _payers(run: Run, sizing: Sizing) -> Section:
    """Which layer bears the bad debt, which owners cause it, and who of them pays for others."""
    blocks: list[Block] = []
    for pool in sizing.pools:
        blocks += [Chart(gallery.payers_picture(sizing, pool)), figures.payers(sizing, pool)]
        blocks += dealings(run, sizing, pool)
    text = (
        "Bad debt is the negative equity of accounts at the moment somebody else comes to bear it. At a level the "
        "columns are means over the paths around that quantile of the bad debt, so that they add up to it. What layers "
        "later gain or lose on the positions they took over is not in these figures, but is in the fund that is needed."
    )
    by_pool = [figures.allocation(sizing, divided) for divided in sizing.allocations if divided.by == "pool"]
    blocks += [Paragraph(text), *treasury_blocks(sizing), *by_pool, figures.winners(sizing), Paragraph(_ADL_TEXT)]
    for pool in sizing.pools:
        blocks += owner_blocks(run, sizing, pool)
    blocks += [figures.allocation(sizing, divided) for divided in sizing.allocations if divided.by == "owner"]
    return Section("Who pays?", (*blocks, Paragraph(OWNERS_TEXT)))


def _worst(worst: WorstPath) -> Section:
    """The worst path, in a chart and in words."""
    rows = [[clock(at), sentence] for at, sentence in worst.story()]
    story = table("What happened when", ["Time", ""], rows, words=True)
    text = "The path with the most bad debt and open deficits over all pools. It is one of many and no forecast."
    charts = [Chart(picture) for picture in gallery.timeline_pictures(worst)]
    return Section("The worst path", (Paragraph(text), *charts, story))


def _markets(run: Run, sizing: Sizing) -> Section:
    """Auto-deleveraging, liquidations and open interest by market."""
    book = run.manifest["book"]
    owners = (
        f"The book has {count(book['accounts'], 'margin account')} with {count(book['positions'], 'position')}. "
        f"The largest owner holds {percent(book['top1_share'])} of the notional, the ten largest "
        f"{percent(book['top10_share'])}."
    )
    interest = gallery.open_interest_picture(book["open_interest"], book["top1_share"], book["top10_share"])
    divided: list[Block] = []
    for allocation in sizing.allocations:
        if allocation.by == "market":
            picture = gallery.allocation_picture(sizing, allocation)
            divided = [Chart(picture), figures.allocation(sizing, allocation), Paragraph(_EULER_TEXT)]
    blocks = (Chart(gallery.adl_picture(sizing)), figures.markets(run, sizing), *divided)
    return Section("Which markets?", (*blocks, Paragraph(owners), Chart(interest)))


def _rules(run: Run) -> Section:
    """The venue's rules as they were simulated."""
    scenario, markets, pools = run.scenario, run.manifest["markets"], run.manifest["pools"]
    blocks = _present(
        rules.layers(scenario, pools),
        rules.liquidation(scenario, pools),
        rules.margin(scenario, markets),
        rules.collateral(scenario, markets),
        rules.initial_margin(scenario, markets, run.manifest["book"].get("initial_margin", {})),
        rules.moving_margin(scenario, markets),
        rules.margin_calls(scenario, pools),
        rules.marks(scenario, markets),
        rules.disturbances(scenario, markets),
        rules.liquidity(scenario, markets, run.manifest["book"]["open_interest"]),
    )
    return Section("The venue's rules", blocks)


def _prices(run: Run) -> Section:
    """Price models and what moves them together."""
    scenario, markets = run.scenario, run.manifest["markets"]
    text = "Rates and variances are per year of 365 days; jump sizes are those of the log price."
    return Section(
        "Prices",
        _present(
            Paragraph(text),
            *rules.models(scenario, markets),
            rules.correlation(scenario, markets),
            rules.factors(scenario, markets),
            rules.jumps(scenario),
            rules.shocks(scenario),
        ),
    )


def _who_trades(scenario: Mapping[str, Any]) -> str:
    """What the book does besides being liquidated."""
    answers = any(pool.get("margin_calls") for pool in scenario["pools"].values())
    who = (
        "a book that trades by rule alone: nobody opens or withdraws, and owners close or deposit only in answer to "
        "margin calls"
        if answers
        else "a book that does not trade: nobody opens, closes, deposits or withdraws but by liquidation"
    )
    return f"The results hold for this scenario and for {who}; outside traders appear only as the depth of the market."


def _assumptions(run: Run, sizing: Sizing) -> Section:
    """What the figures stand on, the model's own assumptions before the scenario's."""
    checks = sizing.horizon_s / sizing.check_every_s
    general = [
        _who_trades(run.scenario),
        f"Margin is checked every {duration(sizing.check_every_s)}, {checks:,.0f} times. Between checks nothing is "
        "seen: 288 checks a day understate the probability of a one-day price fall of one in a thousand by 11% against "
        "continuous ones.",
        *_warnings(run, sizing),
    ]
    given = [str(sentence) for sentence in run.scenario.get("assumptions") or ()]
    described = _described(run.scenario.get("description"))
    blocks: list[Block] = [Bullets(tuple(general))]
    if described:
        blocks += [Paragraph("The scenario describes itself:"), *described]
    if given:
        blocks += [Paragraph("Assumptions of the scenario:"), Bullets(tuple(given))]
    return Section("Assumptions", tuple(blocks))


def _warnings(run: Run, sizing: Sizing) -> Iterable[str]:
    """What a reader should know of this run in particular."""
    breaches = run.manifest["book"]["in_breach_at_start"]["accounts"]
    if breaches:
        yield f"Under maintenance margin at the first prices already: {count(breaches, 'margin account')} of the book."
    if not run.manifest["sizing_identity"]:
        yield (
            "Something besides acceptance depends on the size of a fund here, so that figures of funds other than the "
            "simulated one are approximate: check a chosen size by a run of its own."
        )
    for pool in sizing.pools:
        cut = pool.events["truncated"]
        if cut.value:
            yield (
                f"In pool {pool.pool} the rounds of a check were cut off at {run.scenario['run']['max_rounds']} on "
                f"{percent(cut.value)} of the paths: their cascades may have gone on."
            )


def _described(text: Any) -> list[Block]:
    """Paragraphs and lists of a description, which is Markdown: emphasis and headings become plain text."""
    blocks: list[Block] = []
    for part in re.split(r"\n\s*\n", str(text or "").strip()):
        plain = re.sub(r"\*\*|__|`|^#+\s*", "", part, flags=re.MULTILINE)
        items = re.split(r"(?:^|\n)\s*[-*]\s+", plain)
        if items[0].strip():
            blocks.append(Paragraph(" ".join(items[0].split())))
        if items[1:]:
            blocks.append(Bullets(tuple(" ".join(item.split()) for item in items[1:])))
    return blocks


def _provenance(run: Run) -> Section:
    """Everything needed to get the same numbers again."""
    manifest = run.manifest
    packages = {**manifest.get("environment", {}), "python": manifest.get("platform", {}).get("python", "")}
    values = {
        "Scenario": manifest["scenario_name"],
        "Scenario digest": manifest["scenario_digest"],
        "Inputs digest": manifest.get("inputs_digest"),
        "Kernel digest": manifest["kernel_digest"],
        "Content hash of the results": manifest["content_hash"],
        "Seed": manifest["seed"],
        "Paths": f"{manifest['paths']:,}",
        "Step of the prices": duration(manifest["step_s"]),
        "Step of the margin checks": duration(manifest["check_every_s"]),
        "tailstress": manifest["tool_version"],
        "Versions": ", ".join(f"{name} {version}" for name, version in sorted(packages.items())),
        "Processor": manifest.get("platform", {}).get("cpu"),
    }
    rows = [[name, str(value)] for name, value in values.items() if value not in (None, "")]
    facts: Table = table("What the numbers depend on", ["", ""], rows, words=True)
    text = "This command gives the same numbers, byte for byte on processors with the same features:"
    return Section("Provenance", (Paragraph(text), Code(manifest["command"]), facts))
