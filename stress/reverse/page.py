"""The page of a reverse stress test."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from stress.report.charts.gallery import Picture, timeline_picture
from stress.report.charts.reverse import Line, Map, boundary_map, least_moves
from stress.report.charts.who_pays import who_pays
from stress.report.document import Block, Bullets, Card, Chart, Code, Document, Paragraph, Section, Table, table
from stress.report.write import write_document
from stress.reverse.find import Answer
from stress.reverse.play import STRONGER, Played, payers_of, play, timeline_of
from stress.reverse.result import (
    TITLES,
    Told,
    depth_words,
    fault_words,
    jumps_of,
    move_words,
    odds_words,
    price_words,
    window_words,
)
from stress.reverse.sections import LEFT, depth_lines, map_of, mover, window_lines, window_names
from stress.reverse.setting import Setting
from stress.sizing.words import clock, count, money, percent

_READING = (
    "Smallest: the least largest price move, with depth and oracles as the scenario has them. Most likely: the least "
    "nats, minus the natural log of the probability that a run brings such an event or worse.",
    "The probability is of first order: that of the half-space of moves behind the event within a window of its "
    "length, by the scenario's own price model, over all windows of a run. Depth and oracles count by stated priors, "
    "which are assumptions and no estimates.",
    "Both were found by search. Nothing that was tried and is smaller, or more likely, breaks the venue; that nothing "
    "else does is not proven, since more stress is not always worse.",
    "The files are played before they are told of: at their strength the target is met, at 0.99 of it not.",
)


def write_page(answer: Answer, told: list[Told], folder: Path, command: Sequence[str]) -> Path:
    """Write ``report.html``, ``report.md`` and charts; return the HTML page."""
    return write_document(document(answer, told, folder, command), folder)


def document(answer: Answer, told: list[Told], folder: Path, command: Sequence[str]) -> Document:
    """The whole page; ``told`` is not empty."""
    setting = answer.setting
    horizon = setting.plan.loaded.scenario.run.horizon
    likely = told[-1]
    found = [Paragraph(_sentence(each)) for each in told]
    sections = (
        Section("What breaks it", (*found, figures(told), *(_map_blocks(map_of(setting, told))))),
        Section("The most likely event, check by check", tuple(_story(likely, folder))),
        Section("How far from breaking", tuple(_distances(setting, likely))),
        Section("How to read it", (Bullets(_READING), Paragraph("Priors: " + _priors(setting)))),
        Section("Run it again", (Code(_again(told, command)),)),
    )
    small = told[0]
    cards = (
        Card("Smallest", move_words(small.moves), window_words(small.event)),
        Card("Most likely", move_words(likely.moves), window_words(likely.event)),
        Card("Odds", odds_words(likely.nats, horizon).split(" (")[0], f"{likely.nats:.1f} nats"),
    )
    return Document(
        title=f"What breaks {setting.loaded.scenario.name}",
        subtitle=f"Reverse stress test: {setting.target.words}; {count(answer.evaluations, 'path')} tried"
        + (", some searches ended with their evaluations" if answer.spent else ""),
        headline=(_sentence(likely),),
        cards=cards,
        sections=sections,
    )


def _sentence(told: Told) -> str:
    """An event in one sentence."""
    event, setting = told.event, told.setting
    parts = [price_words(told)]
    if event.depth > 0.0:
        parts.append(f"depth {depth_words(event)}")
    if event.fault.kind != "none":
        parts.append(f"oracles {fault_words(event, setting.plan.market_names)}")
    odds = odds_words(told.nats, setting.plan.loaded.scenario.run.horizon)
    return f"The {TITLES[told.key]} event found: {'; '.join(parts)}. Then {setting.target.words}. Odds: {odds}."


def figures(told: list[Told]) -> Table:
    """Both events side by side."""
    setting = told[0].setting
    horizon = setting.plan.loaded.scenario.run.horizon
    rows = [
        ("Scenario file", [each.file for each in told]),
        ("Prices move", [window_words(each.event) for each in told]),
        *(
            (name, [_signed(each.moves[name]) for each in told])
            for name in sorted(told[0].moves, key=lambda name: -max(abs(t.moves[name]) for t in told))[:12]
        ),
        ("Depth", [depth_words(each.event) for each in told]),
        ("Oracles", [fault_words(each.event, setting.plan.market_names) for each in told]),
        ("Nats", [f"{each.nats:,.2f}" for each in told]),
        ("Odds", [odds_words(each.nats, horizon) for each in told]),
        ("By jumps of", [_jump_words(setting, each) for each in told]),
        ("Strength 1", [_played(each.played[0]) for each in told]),
        ("Strength 0.99", [_played(each.played[1]) for each in told]),
    ]
    headings = ["", *(TITLES[each.key].capitalize() for each in told)]
    return table(f"Until {setting.target.words}", headings, [[name, *cells] for name, cells in rows], words=True)


def _jump_words(setting: Setting, told: Told) -> str:
    jumps = jumps_of(setting, told.event)
    return ", ".join(f"{name} ({number})" for name, number in jumps.items()) or "none"


def _played(played: Played) -> str:
    """Whether the target was met, and what was lost."""
    adl = played.total("adl_notional")
    closed = f", {money(adl)} closed by ADL" if adl > 0.0 else ""
    return f"{'met' if played.met else 'not met'}; bad debt {money(played.total('bad_debt'))}{closed}"


def _signed(move: float) -> str:
    return "still" if abs(move) < 5e-5 else f"{'+' if move > 0 else '-'}{percent(abs(move), 3)}"


def _map_blocks(data: Map | None) -> list[Block]:
    if data is None:
        return []

    def fill(figure: Figure) -> None:
        boundary_map(figure.subplots(), data)

    first, second = data.names
    alt = f"Moves of {first} and {second} that break the venue, and the odds that a run brings them."
    return [Chart(Picture("map", f"Which moves of {first} and {second} break it", alt, 5.4, fill))]


def _story(told: Told, folder: Path) -> list[Block]:
    """Timeline of the found event and who pays as it grows."""
    played = told.played[0]
    data = timeline_of(played)
    blocks: list[Block] = [Chart(timeline_picture("event", "The most likely event", data))]
    closer = data.closer()
    if closer is not None:
        blocks.append(Chart(timeline_picture("event-closer", "The most likely event, closer", closer)))
    further = [play(folder / told.file, strength, told.setting.target) for strength in STRONGER]
    waterfall = payers_of([told.played[1], played, *further])

    def fill(figure: Figure) -> None:
        who_pays(figure.subplots(), waterfall)

    words = ", ".join(f"{bar.label} {money(bar.total)}" for bar in waterfall.bars)
    height = 1.3 + 0.62 * len(waterfall.bars)
    blocks.append(Chart(Picture("payers", "Bad debt by layer as the event grows", f"Bad debt: {words}.", height, fill)))
    first = played.first("first_liquidation_s")
    if first is not None:
        blocks.append(Paragraph(f"The first account is liquidated {clock(first)} hours after the start."))
    return blocks


def _distances(setting: Setting, told: Told) -> list[Block]:
    """Least moves against depth and against the length of the window."""
    event = told.event
    name = setting.plan.market_names[mover(event)]
    amount = f"least move of {name} that breaks it"
    depth = depth_lines(setting, event)
    blocks = [
        _lines_chart(
            "depth", "Less depth, smaller moves", depth, [percent(left) for left in LEFT], ("depth left", amount)
        )
    ]
    if len(setting.windows) > 1:
        over = window_lines(setting, event)
        ends = ("time that the price takes", amount)
        blocks.append(_lines_chart("windows", "Fast and slow", over, window_names(setting), ends))
    text = "In both charts all markets move in the proportions of the most likely event"
    return [*blocks, Paragraph(f"{text}; {window_words(event)} in the first, with all of the depth in the second.")]


def _lines_chart(name: str, title: str, lines: list[Line], at: list[str], ends: tuple[str, str]) -> Block:
    def fill(figure: Figure) -> None:
        least_moves(figure.subplots(), lines, at, *ends)

    told = "; ".join(f"{line.label}: {', '.join(_share(move) for move in line.moves)}" for line in lines)
    return Chart(Picture(name, title, f"{ends[1][0].upper()}{ends[1][1:]}: {', '.join(at)}. {told}.", 3.7, fill))


def _share(move: float | None) -> str:
    return "none" if move is None else percent(abs(move))


def _priors(setting: Setting) -> str:
    priors = setting.question.priors
    return (
        f"depth falls to a share d with probability d^{priors.depth:g}; oracles are late with {percent(priors.lag)}, "
        f"stand still with {percent(priors.outage)}, one shows a false price with {percent(priors.spoof)}, "
        f"which is then off by {percent(priors.spoof_size)} on average; all given that prices move."
    )


def _again(told: list[Told], command: Sequence[str]) -> str:
    lines = [shlex.join(command)]
    for each in told:
        lines += [f"tailstress run {each.file}", f"tailstress run {each.file} --set strength=0.99"]
    return "\n".join(lines)
