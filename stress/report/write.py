"""Writes a report: HTML, Markdown, charts, and the figures as data."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from stress.report.charts import style
from stress.report.charts.gallery import Picture
from stress.report.document import Document
from stress.report.sections import document
from stress.sizing import Sizing, size
from stress.sizing.write import write_estimates
from stress.store import write_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from stress.store import Run

PAGE = "report.html"
TEXT = "report.md"
CHARTS = "charts"

_NO_DATES = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}
"""Metadata that would differ between two equal reports."""

_PAGE_COLOURS = {style.INK: "ink", style.MUTED: "muted", style.GRID: "grid", style.PAPER: "paper", style.RED: "alarm"}


def write_report(run: Run, folder: Path | None = None) -> Path:
    """Write the report of a run and return the HTML page.

    The folder, by default ``report`` in the run's own, then holds ``report.html`` (self-contained), ``report.md``,
    ``charts/*.png`` and ``*.svg``, ``sizing.json`` and ``sizing.parquet``. Equal runs give equal bytes.
    """
    place = run.folder / "report" if folder is None else folder
    sizing = size(run, tails=True)
    page = write_document(document(run, sizing), place)
    _write_figures(sizing, place)
    return page


def write_document(report: Document, place: Path, page: str = PAGE, text: str = TEXT) -> Path:
    """Write a page, its text and its charts into a folder, and return the HTML page."""
    (place / CHARTS).mkdir(parents=True, exist_ok=True)
    inline = {picture.name: _draw(picture, place / CHARTS) for picture in report.pictures}
    _write_text(place / text, _environment().get_template("report.md.j2").render(report=report))
    _write_text(place / page, _environment().get_template("report.html.j2").render(report=report, charts=inline))
    return place / page


def _environment() -> Environment:
    """Templates; everything that goes into HTML is escaped, everything that goes into Markdown by the filter."""
    environment = Environment(
        loader=PackageLoader("stress.report", "templates"),
        autoescape=lambda name: bool(name and name.endswith(".html.j2")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["md"] = markdown_text
    environment.filters["cell"] = cell
    return environment


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it is, on one line and in a table cell too."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(text.split()))


_ESTIMATE = re.compile(r"(?P<value>.+?)(?: \((?P<interval>from .+|.+ to .+)\))?(?: \[(?P<note>\d+)\])?")


def cell(text: str) -> Markup:
    """A table cell of the page: an estimate's interval stands small under its value, the number of its note above."""
    match = _ESTIMATE.fullmatch(text)
    if match is None:
        return escape(text)
    mark = Markup("<sup>{}</sup>").format(match["note"]) if match["note"] else Markup()
    interval = Markup("<small>{}</small>").format(match["interval"]) if match["interval"] else Markup()
    return escape(match["value"]) + mark + interval


def _write_text(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", newline="\n")


def _draw(picture: Picture, folder: Path) -> Markup:
    """Write both files of a chart; return the SVG for the page."""
    with style.styled(picture.name):
        figure = picture.draw()
        _save(figure, folder / f"{picture.name}.png", "png")
        _save(figure, folder / f"{picture.name}.svg", "svg")
    return inline_svg((folder / f"{picture.name}.svg").read_text(encoding="utf-8"), picture.name, picture.alt)


def _save(figure: Figure, file: Path, kind: str) -> None:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, metadata=_NO_DATES[kind])
    file.write_bytes(buffer.getvalue())


def inline_svg(svg: str, name: str, alt: str) -> Markup:
    """SVG element for a page: named for readers of the page, identifiers of its own, colours of the page."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", body)
    body = re.sub(r' (width|height)="[\d.]+pt"', "", body, count=2)
    for colour, variable in _PAGE_COLOURS.items():
        body = body.replace(colour, f"var(--{variable})")
    # One family for the page and its charts; the font's own name is only a width to lay out by.
    body = re.sub(r"'DejaVu Sans'(, [^;\"]*)?", "var(--font)", body)
    label = Markup('role="img" aria-label="{}"').format(alt)
    return Markup(body.replace("<svg", f"<svg {label}", 1))


def _write_figures(sizing: Sizing, folder: Path) -> None:
    """Sizing as one JSON document and as one flat table."""
    write_json(folder / "sizing.json", sizing.to_dict())
    write_estimates(folder / "sizing.parquet", sizing)
