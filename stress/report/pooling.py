"""The section on funds that several pools share."""

from __future__ import annotations

from stress.report.document import Block, Notes, Paragraph, Section, Table, table
from stress.sizing.pooling import Member, Pooling
from stress.sizing.result import Sizing
from stress.sizing.words import NONE, level, money, money_estimate, percent, percent_estimate

_TEXT = (
    "A pool alone would have had its contribution, and would have needed the largest fall of its own part of the fund: "
    "what it brought in less what it cost. It is spared where it needs more and the shared fund is enough for all, and "
    "short through others where its own part would have been enough and the shared fund is not. Prices are those of "
    "this run in both cases, and hedges are left apart: run a scenario without sharing to see the rest."
)


def pooling_section(sizing: Sizing) -> Section | None:
    """What sharing saves and spreads; None where no fund is shared."""
    if not sizing.poolings:
        return None
    blocks: list[Block] = []
    for pooling in sizing.poolings:
        blocks += [Paragraph(_saving(sizing, pooling)), _members(pooling)]
    return Section("What does sharing a fund do?", (*blocks, Paragraph(_TEXT)))


def _saving(sizing: Sizing, pooling: Pooling) -> str:
    """What one fund needs against several."""
    accepted = level(pooling.together.depletion)
    start = f"For a depletion probability of {accepted} each, the pools of the fund {pooling.fund!r}"
    if pooling.apart is None or pooling.together.size.value is None:
        return f"{start} need more than {sizing.paths:,} paths before it can be said what sharing saves."
    needed = f"need {money(pooling.apart)} apart and {money(pooling.together.size.value)} together"
    saved = f": sharing saves {percent(pooling.saved)}" if pooling.saved is not None else ""
    return f"{start} {needed}{saved}."


def _members(pooling: Pooling) -> Table:
    """One row per pool: what it gave, took and would have needed."""
    notes = Notes()

    def chance(member: Member, name: str) -> str:
        estimate = getattr(member, name)
        return NONE if estimate is None else notes.mark(percent_estimate(estimate), estimate.note)

    rows = [
        [
            f"Pool {member.pool}",
            f"{money(member.contribution)} ({percent(member.share)})",
            money(member.drawn),
            money(member.brought),
            notes.mark(money_estimate(member.alone.size), member.alone.size.note),
            *(chance(member, name) for name in ("short_alone", "spared", "infected")),
        ]
        for member in pooling.members
    ]
    headings = [
        *(
            "",
            "Contributed",
            "Drew on average",
            "Brought in on average",
            f"Alone for {level(pooling.together.depletion)}",
        ),
        *("Short alone", "Spared by sharing", "Short through others"),
    ]
    return table(f"Shared fund {pooling.fund!r}", headings, rows, notes.lines())
