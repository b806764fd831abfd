"""Every built-in scenario loads, says what it assumes, and runs; the closed-form one comes out right."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from scipy.stats import norm

import stress
from stress.book import load_books, terms_of
from stress.build import build
from stress.engine import run
from stress.scenario import BuiltIn, Scenario, built_ins, load_scenario
from stress.scenario.models import GIVEN_MODELS

ALL = pytest.mark.parametrize("known", built_ins(), ids=lambda known: known.name)
CRISES = pytest.mark.parametrize("known", [b for b in built_ins() if b.kind == "events"], ids=lambda known: known.name)
LEAST_EXCEEDANCES = 50


def run_scenario(name: str, folder: Path, *overrides: str) -> stress.Run:
    run(build(load_scenario(name, overrides)), folder)
    return stress.load(folder)


def is_replay(scenario: Scenario) -> bool:
    return all(isinstance(market.model, GIVEN_MODELS) for market in scenario.markets.values())


def test_names_are_unique() -> None:
    names = [known.name for known in built_ins()]
    assert len(set(names)) == len(names)
    assert {"october-2025", "black-thursday-2020", "hyperliquid", "binance", "minimal"} <= set(names)


@ALL
def test_name_is_the_file_stem_and_text_is_there(known: BuiltIn) -> None:
    scenario = load_scenario(known.name).scenario
    assert scenario.name == known.path.stem
    assert scenario.title
    assert scenario.description
    assert scenario.assumptions


@ALL
def test_nobody_starts_in_breach(known: BuiltIn) -> None:
    loaded = load_scenario(known.name)
    terms = terms_of(loaded.scenario.markets)
    positions, _ = load_books(loaded.scenario, loaded.locate)
    assert not positions.breaches(terms).any()


@ALL
def test_paths_carry_the_headline_level(known: BuiltIn) -> None:
    scenario = load_scenario(known.name).scenario
    if is_replay(scenario):
        assert scenario.run.paths == 1, "every path would be the same"
        return
    exceedances = scenario.run.paths * (1.0 - min(scenario.sizing.levels))
    assert exceedances >= LEAST_EXCEEDANCES - 1e-6


@CRISES
def test_every_figure_of_a_crisis_says_where_it_is_from(known: BuiltIn) -> None:
    text, replay = known.path.read_text(encoding="utf-8"), is_replay(load_scenario(known.name).scenario)
    for key in ("price:", "v0:", "theta:", "kappa:", "xi:", "rho:", "depth:", "open_interest:", "capital:"):
        lines = text.splitlines()
        first = next((n for n, line in enumerate(lines) if line.strip().startswith(key)), None)
        if first is None and replay:
            continue
        assert first is not None, key
        words = " ".join(lines[max(0, first - 2) : first + 1])
        assert any(word in words for word in ("estimated:", "assumed:", "source:")), key


@ALL
def test_runs(known: BuiltIn, tmp_path: Path) -> None:
    paths = min(4, load_scenario(known.name).scenario.run.paths)
    result = run_scenario(known.name, tmp_path / "run", f"run.paths={paths}")
    assert result.manifest["complete"] is True
    assert len(result.paths) == paths * len(result.scenario["pools"])


def test_bad_debt_of_the_put_option_is_the_option_price(tmp_path: Path) -> None:
    """Black and Scholes (1973) put without interest, strike = entry price less wallet; 3 standard errors."""
    result = run_scenario("put-option", tmp_path / "run")
    debt = result.paths["bad_debt"]
    spread = 0.8 * math.sqrt(90 / 365)
    upper = math.log(100 / 80) / spread + spread / 2
    put = 80 * norm.cdf(spread - upper) - 100 * norm.cdf(-upper)
    assert abs(debt.mean() - put) < 3 * debt.std() / math.sqrt(len(debt))
    assert result.scenario["markets"]["ASSET"]["price"] == 100


def test_a_false_index_costs_by_the_mark_it_meets(tmp_path: Path) -> None:
    """All bad debt is the attack's; a blend with the book dampens it, the median of three does not see it."""

    def mean_debt(name: str, *overrides: str) -> float:
        result = run_scenario("oracle-attack", tmp_path / name, "run.paths=50", *overrides)
        return float(result.paths["bad_debt"].mean())

    median = "markets.TOKEN.mark={type: median3, half_life: 150s}"
    assert mean_debt("index", "markets.TOKEN.mark=index") > mean_debt("blend") > 0.0
    assert mean_debt("median", median) == mean_debt("none", "markets.TOKEN.oracle.spoofs=") == 0.0


def test_a_shared_book_carries_losses_from_pool_to_pool(tmp_path: Path) -> None:
    """Without permanent impact the professional pool is margined on a price that retail selling does not move."""
    overrides = ("run.paths=100",)
    shared = run_scenario("two-pools", tmp_path / "shared", *overrides)
    apart = run_scenario("two-pools", tmp_path / "apart", *overrides, "markets.BTC.liquidity.permanent=0%")
    liquidated = [r.paths.query("pool == 'professional'")["liquidated_notional"].sum() for r in (shared, apart)]
    assert liquidated[0] > liquidated[1]
