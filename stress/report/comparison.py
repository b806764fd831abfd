"""Two runs side by side: a page, its text and its charts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from stress.check.compare import HIGHER, LOWER, Compared, Moved
from stress.check.output.comparison import amount, basis, change, shown_differences
from stress.report.charts import style
from stress.report.charts.exceedance import Losses, loss_exceedance
from stress.report.charts.fund_curve import fund_curve
from stress.report.charts.gallery import Picture, payers_of
from stress.report.charts.two_runs import half_width, path_by_path
from stress.report.charts.who_pays import Bar, Waterfall, who_pays
from stress.report.document import Block, Bullets, Card, Chart, Code, Document, Paragraph, Section, Table, table
from stress.report.write import write_document
from stress.sizing import Sizing, size
from stress.sizing.estimate import Floats
from stress.sizing.words import money
from stress.store import write_json
from stress.weights import Weights

if TYPE_CHECKING:
    from stress.store import Run

PAGE = "compare.html"
TEXT = "compare.md"
TITLES = ("Before", "After")


def write_comparison(before: Run, after: Run, compared: Compared, folder: Path) -> Path:
    """Write ``compare.html``, ``compare.md``, ``compare.json`` and charts; return the page."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "compare.json", compared.to_dict())
    return write_document(document(before, after, compared), folder, PAGE, TEXT)


def document(before: Run, after: Run, compared: Compared) -> Document:
    """The whole page."""
    sizings = size(before), size(after)
    pools = list(dict.fromkeys(moved.pool for moved in compared.figures))
    sections = [_what_differs(before, after, compared)]
    sections += [_pool(pool, (before, after), sizings, compared, len(pools) > 1) for pool in pools]
    first, second = compared.scenarios
    names = first if first == second else f"{first} and {second}"
    return Document(
        title=f"Two runs of {names}" if first == second else f"{first} against {second}",
        subtitle=f"{compared.paths[0]:,} paths of seed {compared.seeds[0]} before, {compared.paths[1]:,} of seed "
        f"{compared.seeds[1]} after; {basis(compared)}",
        headline=(headline(compared),),
        cards=tuple(_card(moved) for moved in _headlines(compared)),
        sections=tuple(sections),
    )


def headline(compared: Compared) -> str:
    """One sentence: what is shown to have moved."""
    if compared.identical:
        return "Every number of the two runs is the same."
    for verdict in (HIGHER, LOWER):
        moved = [f"{_words(one)} of pool {one.pool}" for one in compared.figures if one.verdict == verdict]
        if moved:
            others = "" if len(moved) == 1 else f", and {len(moved) - 1} more figures"
            both = "" if verdict == LOWER else _also_lower(compared)
            return f"Shown to be {verdict}: {moved[0]}{others}{both}."
    return "No figure is shown to have moved."


def _also_lower(compared: Compared) -> str:
    lower = sum(one.verdict == LOWER for one in compared.figures)
    return f"; {lower} are lower" if lower else ""


def _headlines(compared: Compared) -> list[Moved]:
    """Up to four quantiles of required funds and bad debts."""
    chosen = [one for one in compared.figures if one.level is not None and " ES " not in one.label]
    chosen = [one for one in chosen if one.metric in ("required_fund", "bad_debt") and one.before is not None]
    return sorted(chosen, key=lambda one: one.metric != "required_fund")[:4]


def _card(moved: Moved) -> Card:
    before, after = amount(moved, moved.before), amount(moved, moved.after)
    value = before if before == after else f"{before} → {after}"
    return Card(f"{_words(moved)}, {moved.pool}", value, "the same" if change(moved) == "none" else change(moved))


def _words(moved: Moved) -> str:
    """Name of a figure for a reader."""
    return moved.label.replace("_", " ").replace("adl ", "ADL ")


def _what_differs(before: Run, after: Run, compared: Compared) -> Section:
    """Scenario, kernels, command."""
    blocks: list[Block] = []
    if compared.differences:
        rows = shown_differences(compared)
        blocks.append(table("Values of the scenarios", ("Key", *TITLES), rows, words=True))
    else:
        blocks.append(Paragraph("The scenarios say the same."))
    if before.manifest["kernel_digest"] != after.manifest["kernel_digest"]:
        blocks.append(Bullets(("The kernels differ: the simulation itself has changed.",)))
    commands = [run.manifest["command"] for run in (before, after)]
    # A run made from edits in memory has the command of the scenario that was edited, which would repeat the other one.
    if commands[0] != commands[1] or not compared.differences:
        blocks.append(Code("\n".join(dict.fromkeys(commands))))
    return Section("What differs", tuple(blocks))


def _pool(
    pool: str, runs: tuple[Run, Run], sizings: tuple[Sizing, Sizing], compared: Compared, several: bool
) -> Section:
    """Figures and charts of one pool."""
    losses = [_losses(run, pool) for run in runs]
    blocks: list[Block] = [
        _figures(pool, compared),
        Chart(_exceedance(pool, losses, sizings[0], runs)),
        *_funds(pool, sizings),
        Chart(_payers(pool, sizings)),
    ]
    if compared.paired:
        blocks.append(Chart(_scatter(pool, losses)))
    return Section(f"Pool {pool}" if several else "What has moved", tuple(blocks))


def _figures(pool: str, compared: Compared) -> Table:
    rows = [
        [_words(moved), amount(moved, moved.before), amount(moved, moved.after), change(moved), moved.verdict]
        for moved in compared.figures
        if moved.pool == pool
    ]
    notes = (
        "Changes are 95 % intervals as a share of the figure before; higher and lower are shown with 95 % confidence, "
        "adjusted by Holm for the number of figures.",
    )
    return table("Figures", ("", *TITLES, "Change", ""), rows, notes)


def _losses(run: Run, pool: str) -> Floats:
    rows = run.paths[run.paths["pool"] == pool]
    losses: Floats = np.maximum(rows["bad_debt"].to_numpy(dtype=np.float64), 0.0)
    return losses


def _exceedance(pool: str, losses: list[Floats], sizing: Sizing, runs: tuple[Run, Run]) -> Picture:
    """Exceedance of both runs in one chart."""
    shown = [
        Losses.of(title.lower(), values, colour, Weights.of(run.weights))
        for title, values, colour, run in zip(TITLES, losses, (style.MUTED, style.RED), runs, strict=True)
    ]

    def fill(figure: Figure) -> None:
        loss_exceedance(figure.subplots(), shown, sizing.levels, sizing.confidence)

    alt = f"Probability that the bad debt of pool {pool} exceeds an amount, before and after, with bands."
    height = 4.2 if max(float(values.max()) for values in losses) > 0.0 else style.STRIP
    return Picture(f"exceedance-{_file(pool)}", "Bad debt: how much, how often", alt, height, fill)


def _funds(pool: str, sizings: tuple[Sizing, Sizing]) -> list[Chart]:
    """Fund against depletion probability, in both runs on one scale."""
    sized = [next(each for each in sizing.pools if each.pool == pool) for sizing in sizings]
    funds = [each.fund for each in sized]
    if any(fund is None or not any(point.high > 0.0 for point in fund.curve) for fund in funds):
        return []

    def fill(figure: Figure) -> None:
        panels = figure.subplots(1, 2, sharey=True)
        for axes, title, fund, sizing in zip(panels, TITLES, funds, sizings, strict=True):
            if fund is not None:
                fund_curve(axes, fund, sizing.paths)
            half_width(axes, title)
        panels[1].set_ylabel("")

    needed = " before and ".join(money(fund.target.size.value) for fund in funds if fund is not None)
    alt = (
        f"Fund that pool {pool} needs at each depletion probability, side by side; {needed} after for the accepted one."
    )
    return [Chart(Picture(f"fund-{_file(pool)}", "Fund against depletion probability", alt, 4.0, fill))]


def _payers(pool: str, sizings: tuple[Sizing, Sizing]) -> Picture:
    """Who pays: each bar before and after."""
    data = [payers_of(next(each for each in sizing.pools if each.pool == pool), sizing.levels) for sizing in sizings]
    both = interleaved(*data)

    def fill(figure: Figure) -> None:
        who_pays(figure.subplots(), both)

    some = any(bar.total > 0.0 for bar in both.bars)
    alt = f"Who pays the bad debt of pool {pool} at the mean, at quantiles and on the worst path, before and after."
    height = 1.3 + 0.62 * len(both.bars) if some else style.STRIP
    return Picture(f"payers-{_file(pool)}", "Bad debt by layer", alt, height, fill)


def interleaved(before: Waterfall, after: Waterfall) -> Waterfall:
    """One chart of two: every bar before, then after; payers of either, in the order of the waterfalls."""
    payers = tuple(dict.fromkeys([*before.payers[:-1], *after.payers[:-1], *before.payers[-1:], *after.payers[-1:]]))
    labels = dict.fromkeys(bar.label for each in (before, after) for bar in each.bars)
    bars = []
    for label in labels:
        for title, each in zip(TITLES, (before, after), strict=True):
            found = next((bar for bar in each.bars if bar.label == label), None)
            parts = None if found is None or found.parts is None else dict(zip(each.payers, found.parts, strict=True))
            split = None if parts is None else tuple(parts.get(payer, 0.0) for payer in payers)
            bars.append(Bar(f"{label}, {title.lower()}", split))
    return Waterfall(payers, tuple(bars))


def _scatter(pool: str, losses: list[Floats]) -> Picture:
    common = min(values.size for values in losses)
    before, after = (values[:common] for values in losses)

    def fill(figure: Figure) -> None:
        path_by_path(figure.subplots(), before, after)

    alt = f"Bad debt of each path of pool {pool} after against before; red paths are worse, blue ones better."
    height = 5.2 if max(float(before.max()), float(after.max())) > 0.0 else style.STRIP
    return Picture(f"paths-{_file(pool)}", "Path by path", alt, height, fill)


def _file(pool: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", pool)
