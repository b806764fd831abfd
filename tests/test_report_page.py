"""The written report: files, well-formedness, nothing from outside, the same bytes twice, edge cases."""

from __future__ import annotations

import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

import stress
from stress.cli import main
from stress.errors import ExitCode
from stress.report import write_report
from stress.report.write import cell, inline_svg, markdown_text
from tests import fake_run
from tests.fake_run import Fake

OF_POOL = ("exceedance", "fund", "payers", "concentration", "tail-required-fund", "tail-bad-debt")
"""Charts that a report has of every pool."""
VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """Checks that tags close in order, and collects what a page refers to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.identifiers: list[str] = []
        self.references: list[str] = []
        self.charts: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self._note(tag, dict(attrs))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(tag, dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def _note(self, tag: str, attrs: dict[str, str | None]) -> None:
        if attrs.get("id"):
            self.identifiers.append(str(attrs["id"]))
        self.references += [str(attrs[key]) for key in ("src", "href", "xlink:href") if key in attrs]
        if tag == "svg":
            assert attrs["role"] == "img"
            self.charts.append(str(attrs["aria-label"]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Report folder of a run of two pools."""
    run = fake_run.write(tmp_path_factory.mktemp("run"), Fake(pools=("main", "alts"), share=0.2, exponent=1.8))
    return write_report(stress.load(run)).parent


def test_report_holds_all_its_files(folder: Path) -> None:
    assert folder.name == "report"
    charts = {
        *(f"{chart}-{pool}" for chart in OF_POOL for pool in ("main", "alts")),
        *("worst-path", "worst-path-closer", "adl", "allocation-market", "open-interest"),
    }
    assert {file.stem for file in (folder / "charts").glob("*.svg")} == charts
    assert {file.stem for file in (folder / "charts").glob("*.png")} == charts
    assert {file.name for file in folder.iterdir()} == {
        *("report.html", "report.md", "charts", "sizing.json", "sizing.parquet"),
    }


def test_page_is_well_formed_and_self_contained(folder: Path) -> None:
    text = (folder / "report.html").read_text()
    page = Page(text)
    assert len(page.identifiers) == len(set(page.identifiers))
    assert len(page.charts) == 2 * len(OF_POOL) + 5
    assert all(len(alt) > 40 for alt in page.charts)
    # References go to the page's own elements, and every one of them is there.
    assert {reference[:1] for reference in page.references} <= {"#"}
    assert {reference[1:] for reference in page.references} <= set(page.identifiers)
    assert {url[1:] for url in re.findall(r"url\(([^)]*)\)", text)} <= set(page.identifiers)
    assert "@import" not in text
    assert "<script" not in text


def test_charts_are_xml_without_a_date(folder: Path) -> None:
    for file in (folder / "charts").glob("*.svg"):
        text = file.read_text()
        ElementTree.fromstring(text)
        assert "<dc:date>" not in text


def test_two_reports_of_a_run_have_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    again = write_report(stress.load(folder.parent), tmp_path / "again").parent
    files = sorted(file.relative_to(folder) for file in folder.rglob("*") if file.is_file())
    assert files == sorted(file.relative_to(again) for file in again.rglob("*") if file.is_file())
    assert [file for file in files if (folder / file).read_bytes() != (again / file).read_bytes()] == []


def test_text_of_others_is_escaped(folder: Path) -> None:
    html = (folder / "report.html").read_text()
    assert "Books &lt;b&gt;do not&lt;/b&gt; trade &amp; wait." in html
    assert r"Books \<b\>do not\</b\> trade" in (folder / "report.md").read_text()
    assert "Numbers that no venue ever saw" in html
    assert "<li>one</li>" in html


def test_markdown_says_what_the_page_says(folder: Path) -> None:
    words = " ".join(" ".join(Page((folder / "report.html").read_text()).text).split())
    markdown = (folder / "report.md").read_text()
    for link in re.findall(r"!\[[^\]]*\]\(([^)]*)\)", markdown.replace(r"\[", "").replace(r"\]", "")):
        assert (folder / link).is_file()
    rows = [line for line in markdown.splitlines() if line.startswith("| ") and "---" not in line]
    assert len(rows) > 60
    for heading in re.findall(r"^#+ (.*)$", markdown, flags=re.MULTILINE):
        assert heading.replace("\\", "") in words


def test_assumptions_begin_with_the_scenario_and_the_book(folder: Path) -> None:
    markdown = (folder / "report.md").read_text()
    first = markdown.split("## Assumptions")[1].strip().splitlines()[0]
    assert first.startswith("- The results hold for this scenario and for a book that does not trade")
    assert "Margin is checked every 5 min" in markdown
    assert "Depth is assumed 2x" in markdown
    assert "3 margin accounts of the book" in markdown


def test_provenance_ends_the_report(folder: Path) -> None:
    markdown = (folder / "report.md").read_text()
    manifest = stress.load(folder.parent).manifest
    assert "tailstress run made-up --seed 7 --paths 10000" in markdown
    assert manifest["content_hash"] in markdown
    assert "numba 0.68.1" in markdown


def test_figures_are_written_as_data(folder: Path) -> None:
    sizing = json.loads((folder / "sizing.json").read_text())
    table = pd.read_parquet(folder / "sizing.parquet")
    row = table[(table["pool"] == "main") & (table["statistic"] == "fund_size")].iloc[0]
    target = sizing["pools"][0]["fund"]["target"]
    assert row["value"] == target["size"]["value"]
    assert row["upper_bound"] == target["upper"]
    assert row["level"] == pytest.approx(0.999)


@pytest.mark.parametrize(
    ("fake", "words"),
    [
        (Fake(paths=1, share=1.0), ["needs more paths before it can be given a fund", "this run has 1, 10,000 give"]),
        (Fake(paths=1000, share=0.0), ["No loss in 1,000 paths", "No path has bad debt"]),
        (Fake(paths=500, capital=math.inf), ["fund is unlimited", "unlimited"]),
        (Fake(paths=500, capital=0.0), ["current fund of $0", "depends on the size of a fund"]),
        (Fake(paths=500, capital=math.nan), ["neither fund nor vault"]),
        (Fake(paths=500, markets=tuple(f"M{k}" for k in range(40))), ["15 more in the table", "5 of 40"]),
    ],
)
def test_reports_of_odd_runs(tmp_path: Path, fake: Fake, words: list[str]) -> None:
    page = write_report(stress.load(fake_run.write(tmp_path, fake)))
    text = " ".join(" ".join(Page(page.read_text()).text).split())
    for expected in words:
        assert expected in text
    assert not re.search(r"\bnan\b|\binf\b|None", text)


def test_command_writes_where_it_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = fake_run.write(tmp_path / "run", Fake(paths=50))
    assert main(["report", str(run), "-o", str(tmp_path / "out")]) == ExitCode.OK
    assert capsys.readouterr().out.strip() == str(tmp_path / "out" / "report.html")
    assert (tmp_path / "out" / "report.md").is_file()
    assert main(["report", str(tmp_path)]) == ExitCode.INCOMPLETE


def test_cell_puts_interval_and_note_apart() -> None:
    assert cell("$5 ($1 to $9) [2]") == "$5<sup>2</sup><small>$1 to $9</small>"
    assert cell("$5 (from $1) [2]") == "$5<sup>2</sup><small>from $1</small>"
    assert cell("$0 [1]") == "$0<sup>1</sup>"
    assert cell("a < b") == "a &lt; b"
    assert cell("") == ""


def test_markdown_text_stays_on_its_line() -> None:
    assert markdown_text("a|b\n*c* [1] `d`") == r"a\|b \*c\* \[1\] \`d\`"


def test_inlined_charts_do_not_share_identifiers() -> None:
    shapes = '<g id="a"/><use xlink:href="#a" clip-path="url(#b)"/>'
    svg = f'<?xml?><svg width="9pt" height="8pt" viewBox="0 0 9 8">{shapes}</svg>'
    inline = inline_svg(svg, "one", 'the "first"')
    assert inline.startswith('<svg role="img" aria-label="the &#34;first&#34;" viewBox')
    assert 'id="one-a"' in inline
    assert 'href="#one-a"' in inline
    assert "url(#one-b)" in inline
