"""Who bears ADL in the cells of a sweep."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import stress
from stress.cli import main
from stress.errors import ExitCode
from stress.report.charts.panels import Dot, Panel, panels
from stress.sizing.weights import Weights
from stress.sizing.words import percent
from stress.sweep.winners import BORNE, FORGONE, KEPT, MEASURES, Winners, winners_change


def frame(paths: int = 400, seed: int = 1) -> pd.DataFrame:
    """Paths of which every fourth has no ADL."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame({name: rng.uniform(0.1, 0.9, paths) for name in KEPT})
    rows[FORGONE] = rows[BORNE] + 0.5
    rows.loc[::4, "adl_notional"] = 0.0
    rows.loc[::4, ["adl_top10_share", "paid_gini_all"]] = np.nan
    return rows


def winners(rows: pd.DataFrame, weights: Weights | None = None) -> Winners:
    found = Winners.of(rows, weights)
    assert found is not None
    return found


def test_means_are_over_the_paths_with_adl() -> None:
    rows = frame()
    found = winners(rows)
    hit = rows[rows["adl_notional"] > 0.0]
    assert len(found.path) == 300
    assert found.mean("adl_closed") == pytest.approx(hit["adl_notional"].mean())
    assert found.mean("adl_overshoot") == pytest.approx(0.5)
    assert found.mean("adl_gini") == pytest.approx(hit["paid_gini_all"].mean())


def test_no_adl_or_no_columns_is_nothing() -> None:
    rows = frame()
    assert Winners.of(rows.assign(adl_notional=0.0), None) is None
    assert Winners.of(rows.drop(columns=BORNE), None) is None


def test_change_is_over_the_paths_with_adl_in_both() -> None:
    there, rows = frame(), frame()
    rows["adl_top10_share"] = np.where(np.isnan(rows["adl_top10_share"]), 0.99, rows["adl_top10_share"] - 0.05)
    rows.loc[:199, "adl_notional"] = 0.0
    rows.loc[::4, "adl_notional"] = 1.0
    change = winners_change(winners(rows), winners(there), "adl_top10")
    assert change.value == pytest.approx(-0.05)
    assert change.exceedances == 150
    assert winners_change(winners(there), winners(there), "adl_hit").value == 0.0


def test_interval_holds_on_bounded_shares() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(200):
        there = frame(200, int(rng.integers(1 << 30)))
        rows = there.assign(paid_top10_share=there["paid_top10_share"] + 0.2 * rng.beta(0.3, 2.0, 200))
        change = winners_change(winners(rows), winners(there), "adl_paid_top10")
        assert change.low is not None
        assert change.high is not None
        covered += change.low <= 0.2 * 0.3 / 2.3 <= change.high
    assert covered >= 180


def test_few_paths_have_no_interval() -> None:
    change = winners_change(winners(frame(20)), winners(frame(20)), "adl_hit")
    assert (change.value, change.low) == (None, None)
    assert "15 paths" in change.note


def test_what_pools_share_is_not_known_by_pool() -> None:
    rows = frame().assign(**{FORGONE: np.nan})
    assert winners(rows).mean("adl_overshoot") is None
    assert winners_change(winners(rows), winners(rows), "adl_overshoot").value is None
    assert winners(rows).mean("adl_hit") is not None


def test_weights_count() -> None:
    rows = frame()
    ratios = np.where(np.arange(400) < 200, 1.6, 0.4)
    weighted = winners(rows, Weights(ratios))
    by_hand = np.average(rows["adl_accounts"][rows["adl_notional"] > 0], weights=ratios[rows["adl_notional"] > 0])
    assert weighted.mean("adl_hit") == pytest.approx(by_hand, rel=0.05)
    even = winners_change(winners(rows, Weights(np.ones(400))), winners(frame(seed=2)), "adl_hit")
    plain = winners_change(winners(rows), winners(frame(seed=2)), "adl_hit")
    assert (even.value, even.low) == pytest.approx((plain.value, plain.low))


def test_a_sweep_of_ranks_says_who_bears_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue by profit closes fewer accounts than all in proportion, and takes more from the largest."""
    monkeypatch.chdir(tmp_path)
    asked = ["--vary", "pools.main.layers.1.rank=profit,pro_rata_profit", "--set", "pools.main.layers.0.capital=20_000"]
    asked += ["--set", "markets.BTC.model.v0=4", "--set", "markets.BTC.model.theta=4"]
    assert main(["sweep", "minimal", "--paths", "400", *asked, "-o", "out", "-q", "--keep-runs"]) == ExitCode.OK
    rows = pd.read_parquet("out/summary.parquet").set_index("label")
    queue, share = rows.loc["layers rank profit"], rows.loc["layers rank pro_rata_profit"]
    assert queue["adl_hit"] < share["adl_hit"]
    assert queue["adl_gini"] > share["adl_gini"]
    assert queue["adl_gini_change_low"] <= queue["adl_gini_change"] <= queue["adl_gini_change_high"]
    for cell, row in enumerate((queue, share), 1):
        paths = stress.load(f"out/cells/000{cell}").paths
        hit = paths[paths["adl_notional"] > 0.0]
        assert row["adl_closed"] == pytest.approx(hit["adl_notional"].mean())
        losses = pd.read_parquet(f"out/cells/000{cell}.parquet")
        # At bankruptcy prices winners pay the debts and no more.
        assert losses["adl_haircut"].tolist() == pytest.approx(losses[BORNE].tolist(), abs=1e-3)
        hit = losses[losses["adl_notional"] > 0.0]
        assert row["adl_overshoot"] == pytest.approx((hit[FORGONE] - hit[BORNE]).mean())
    page = Path("out/report.md").read_text()
    assert "Means over the paths with ADL" in page
    assert set(MEASURES) <= set(rows.columns)


def test_panels_draw_every_figure() -> None:
    figure = Figure()
    shown = [
        Panel("Share, of all", (Dot(0.3, None), Dot(0.5, (0.1, 0.3)), Dot(None, None)), percent),
        Panel("None", (Dot(None, None),) * 3, percent),
    ]
    artists = panels(figure, ["as it is", "a", "b"], shown)
    assert len(artists) == 4
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["as it is", "a", "b"]
