"""The page of a backtest: one table of all verdicts, then each crisis with its charts, its unknowns and its sources."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from stress.backtest.crisis import Unknown
from stress.backtest.result import Backtest, Played, Row
from stress.backtest.verdict import VERDICTS, tally
from stress.backtest.words import driver, median, published, simulated_range
from stress.report.charts.backtest import Curve, Span, courses, spans
from stress.report.charts.gallery import Picture
from stress.report.document import Block, Bullets, Chart, Code, Document, Notes, Paragraph, Section, Table, table
from stress.report.write import write_document
from stress.sizing.words import count, percent

_LAWS = {"uniform": "uniform", "log_uniform": "log-uniform", "integer": "any whole number"}
_SERIES = {"liquidated_notional": "liquidated", "adl_notional": "auto-deleveraged"}

_READING = (
    "Every replicate draws what nobody has published from the ranges below, each by itself, and is played once. "
    "The range goes from the 5 % to the 95 % quantile of the replicates: it is what is not known, and no error "
    "of sampling.",
    "In band: share of the replicates within the published band, widened by a tenth of each end. A wide range meets "
    "every band; where few replicates lie in the band, near says little.",
    "Goes with: the unknown with the largest rank correlation, where it is told apart from chance.",
)


def write_page(result: Backtest, folder: Path) -> Path:
    """Write ``report.html``, ``report.md`` and charts into a folder; return the HTML page."""
    return write_document(document(result), folder)


def document(result: Backtest) -> Document:
    """The whole page."""
    what = "recorded prices" if any(one.data.used for one in result.played) else "the prices of the scenario files"
    return Document(
        title="Crises replayed",
        subtitle=f"{count(result.replicates, 'replicate')} of each crisis on {what}",
        headline=(f"Of {count(len(result.rows), 'published figure')}: {tally([row.verdict for row in result.rows])}.",),
        cards=(),
        sections=(*(_section(one) for one in result.played), _reading(), _again(result)),
    )


def _reading() -> Section:
    rules = tuple(f"{word}: {sentence}." for word, sentence in VERDICTS.items())
    return Section("How to read it", (Bullets((*rules, *_READING)),))


def _again(result: Backtest) -> Section:
    """The command that makes the page again."""
    words = ["tailstress backtest", *(one.name for one in result.played), f"--replicates {result.replicates}"]
    if result.data is not None:
        words.append(f"--data {result.data}")
    return Section("The same again", (Code(" ".join(words)),))


def _section(played: Played) -> Section:
    crisis = played.crisis
    blocks: list[Block] = [Paragraph(crisis.description)] if crisis.description else []
    blocks += [_figures(played), Chart(spans_picture(played))]
    if played.courses:
        blocks.append(Chart(courses_picture(played)))
    if crisis.unknown:
        blocks.append(_unknowns(crisis.unknown))
    assumed = (*crisis.assumed, *_data(played))
    if assumed:
        blocks.append(Bullets(assumed))
    return Section(crisis.title, tuple(blocks))


def _figures(played: Played) -> Table:
    notes = Notes()
    rows = []
    for row in played.rows:
        source = f"{row.source}; {row.date}" + (f"; {row.note}" if row.note else "")
        rows.append(
            [
                notes.mark(row.label, source),
                published(row),
                median(row),
                simulated_range(row),
                row.verdict,
                percent(row.in_band),
                driver(row),
            ]
        )
    headings = ("", "Published", "Median", "90 % range", "Verdict", "In band", "Goes with")
    return table("Published and simulated", headings, rows, notes.lines())


def _unknowns(unknown: Sequence[Unknown]) -> Table:
    rows = [
        (one.name, f"{'times ' if one.scale else ''}{one.low} to {one.high}", _LAWS[one.draw], one.source)
        for one in unknown
    ]
    return table("What is not known, and drawn", ("", "Range", "Law", "From"), rows, words=True)


def _data(played: Played) -> list[str]:
    """Which recorded data were used, and which were not there."""
    lines = []
    if played.data.used:
        lines.append(f"Recorded prices and depth: {', '.join(played.data.used)}.")
    if played.data.missing:
        lines.append(f"Not in the data folder, so as in the scenario: {', '.join(played.data.missing)}.")
    return lines


def _span(row: Row) -> Span:
    ends = (row.published_low, row.published_high)
    return Span(row.label, row.unit, ends, row.low, row.median, row.high, row.verdict)


def spans_picture(played: Played) -> Picture:
    """Simulated ranges against published bands."""
    rows = [_span(row) for row in played.rows]

    def fill(figure: Figure) -> None:
        panels = figure.subplots(len(rows), 1, squeeze=False)[:, 0]
        spans(list(panels), rows)

    told = "; ".join(f"{row.label}: {published(row)} published, {median(row)} simulated" for row in played.rows)
    title = "Simulated (line: 90 %, dot: median) against published (shaded)"
    return Picture(f"{played.crisis.name}-ranges", title, f"{title}. {told}.", 0.7 + 0.62 * len(rows), fill)


def courses_picture(played: Played) -> Picture:
    """How much of the day had come by when."""
    curves = [
        Curve(_SERIES[course.series], told.points, course.time_s, course.shares)
        for told, course in zip(played.crisis.timeline, played.courses, strict=True)
    ]

    def fill(figure: Figure) -> None:
        courses(list(figure.subplots(len(curves), 1, sharex=True, squeeze=False)[:, 0]), curves)

    words = " and ".join(curve.label for curve in curves)
    alt = f"Share of what was {words} that had come by each time, recorded and simulated with its 90 % range."
    return Picture(
        f"{played.crisis.name}-course", f"How much had been {words}, by time", alt, 1.2 + 1.9 * len(curves), fill
    )
