"""Every venue file runs through a crash and accounts for every dollar, and every figure of its rules has a source."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import stress
from stress.build import build
from stress.engine import run
from stress.scenario import BuiltIn, built_ins, load_scenario
from stress.scenario.layers import FUNDS
from stress.scenario.writing import template

ALL = [known for known in built_ins() if known.kind == "venues"]
VENUES = pytest.mark.parametrize("known", ALL, ids=lambda known: known.name)
PAGE = Path(__file__).resolve().parents[1] / "docs" / "venues.md"
RULES = ("margin:", "mark:", "oracle:", "funding:", "liquidation:", "margin_calls:", "layers:")
"""Keys under which a venue file states rules; the rest of it is placeholders."""
HONEST = ("assumed", "unverified", "placeholder")
"""Words of a comment on a figure that has no source."""


def crash_of(name: str, paths: int) -> list[str]:
    """Overrides: few paths, and a fall of a quarter in an empty book after an hour, in every market with contracts."""
    scenario = load_scenario(name).scenario
    markets = [key for key, market in scenario.markets.items() if market.instrument != "spot"]
    shocks = ", ".join(f"{{at: 1h, market: {key}, jump: -25%, depth: 10%, duration: 4h}}" for key in markets)
    return [f"run.paths={paths}", f"shocks=[{shocks}]"]


def run_scenario(source: str | Path, folder: Path, *overrides: str) -> stress.Run:
    run(build(load_scenario(source, overrides)), folder)
    return stress.load(folder)


@VENUES
def test_runs_through_a_crash_and_every_dollar_is_somebodys(known: BuiltIn, tmp_path: Path) -> None:
    """On every path bad debt is what the layers paid and what nobody paid, pool by pool."""
    result = run_scenario(known.name, tmp_path / "run", *crash_of(known.name, 50))
    paths = result.paths.set_index(["path", "pool"])
    assert (paths["liquidated_notional"] + paths["taken_over_notional"]).sum() > 0.0
    borne = result.layers.groupby(["path", "pool"])["paid"].sum().reindex(paths.index) + paths["residual"]
    np.testing.assert_allclose(borne, paths["bad_debt"], rtol=1e-9, atol=1e-3)
    parts = result.owners[["layers", "adl", "socialised", "written_off"]].sum(axis=1)
    np.testing.assert_allclose(parts, result.owners["amount"], rtol=1e-9, atol=1e-3)


@VENUES
def test_what_init_writes_on_top_of_it_runs(known: BuiltIn, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(template(known.name, "mine"), encoding="utf-8")
    assert run_scenario(file, tmp_path / "run", "run.paths=2").manifest["complete"] is True


@VENUES
def test_what_init_suggests_is_sound(known: BuiltIn, tmp_path: Path) -> None:
    """The lines that it writes as comments, its tables of a book apart."""
    text = template(known.name, "mine").partition("# pools:")[0]
    text = re.sub(r"^# (?=markets:|shocks:|  )", "", text, flags=re.MULTILINE)
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    scenario = load_scenario(file).scenario
    assert scenario.shocks
    assert scenario.run.horizon == load_scenario(known.name).scenario.run.horizon
    assert len(scenario.markets) == len(load_scenario(known.name).scenario.markets)


def rule_lines(text: str) -> Iterator[tuple[int, str, bool]]:
    """Number, code and coverage of the lines of the rules: a comment on them, on the line or block above them."""
    inside, covered = -1, [(-1, False)]
    comment_above = False
    for number, line in enumerate(text.splitlines(), 1):
        code, _, comment = line.partition("#")
        depth = len(code) - len(code.lstrip())
        if not code.strip():
            comment_above = bool(comment)
            continue
        while covered[-1][0] >= depth:
            covered.pop()
        has = bool(comment) or comment_above or (covered[-1][1] if covered else False)
        if inside < 0 and code.strip().startswith(RULES):
            inside = depth
        elif depth <= inside and not code.strip().startswith(RULES):
            inside = -1
        if inside >= 0:
            yield number, code, has
        covered.append((depth, has and inside >= 0))
        comment_above = False


@VENUES
def test_every_figure_of_its_rules_has_a_comment(known: BuiltIn) -> None:
    lines = rule_lines(known.path.read_text(encoding="utf-8"))
    bare = [f"{number}: {code.strip()}" for number, code, has in lines if re.search(r"[1-9]", code) and not has]
    assert not bare


@VENUES
def test_its_head_names_its_sources_and_what_it_leaves_out(known: BuiltIn) -> None:
    """Every [tag] is explained in the head, every tag of the head is used, and figures without one say so."""
    text = known.path.read_text(encoding="utf-8")
    head, body = text.split("\nformat: 1\n")
    assert "# Sources" in head
    assert "cannot" in head
    tags = set(re.findall(r"^#   \[([a-z0-9-]+)\]", head, flags=re.MULTILINE))
    assert tags
    assert re.findall(r"\b(?:19|20)\d\d-\d\d\b|unknown", head), "sources have a date"
    comments = [line.partition("#")[2] for line in body.splitlines() if "#" in line]
    used = {tag for comment in comments for tag in re.findall(r"\[([a-z0-9-]+)\]", comment)}
    assert used == tags
    assert any(word in body for word in HONEST)


@VENUES
def test_the_page_of_venues_tells_of_it(known: BuiltIn) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert f"## {known.name}\n" in page
    assert f"`{known.name}`" in page.split("\n## ")[0]


def test_the_comparison_of_rules_has_the_same_traders_depth_and_fund() -> None:
    made = runpy.run_path(str(PAGE.with_suffix(".py")))
    tables = PAGE.read_text(encoding="utf-8").partition("## The same traders under six rule books")[2]
    for name in made["VENUES"]:
        scenario = load_scenario(name, list(made["overrides"](load_scenario(name).scenario, 12))).scenario
        books = [pool.book.synthetic for pool in scenario.pools.values() if pool.book.synthetic is not None]
        interest = {market: value for book in books for market, value in book.open_interest.items()}
        assert interest == made["OPEN_INTEREST"]
        assert sum(book.accounts for book in books) == 1_000
        funds = [layer for pool in scenario.pools.values() for layer in pool.layers if isinstance(layer, FUNDS)]
        assert sum(fund.capital for fund in funds) == made["FUND"] * sum(interest.values())
        assert tables.count(f"\n| `{name}` | ") == len(made["FALLS"])
