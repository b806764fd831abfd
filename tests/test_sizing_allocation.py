"""Euler allocation, ratios, and the fund over a year."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stress
from stress.cli import main
from stress.errors import ExitCode, UsageError
from stress.sizing import size
from stress.sizing.allocation import allocate, tail_weights
from stress.sizing.analysis import path_weights
from stress.sizing.breakdown import OTHER_OWNERS
from stress.sizing.cover import caused_by_largest
from stress.sizing.estimate import Estimate, ascending
from stress.sizing.horizon import YEAR_S, frequencies, over_a_year
from stress.sizing.quantiles import value_at_risk
from stress.sizing.ratios import ratio
from stress.sizing.shortfall import shortfall_point
from stress.sizing.weights import Weights
from tests import fake_run
from tests.fake_run import Fake

AMOUNTS = st.lists(st.sampled_from([0.0, 1.0, 2.0, 5.0, 9.0]), min_size=100, max_size=100)


@given(AMOUNTS, AMOUNTS, st.sampled_from([0.5, 0.8, 0.895]))
def test_contributions_add_up_to_the_shortfall(first: list[float], second: list[float], level: float) -> None:
    parts = {"a": np.array(first), "b": np.array(second)}
    divided = allocate("market", "bad_debt", parts, [level])
    total = ascending(parts["a"] + parts["b"])
    found = sum(part.levels[0] or 0.0 for part in divided.parts)
    assert found == pytest.approx(shortfall_point(total, level))
    assert sum(part.mean for part in divided.parts) == pytest.approx(total.mean())


def test_contribution_is_the_part_on_the_worst_paths() -> None:
    loss = np.arange(100.0)
    parts = {"first": np.where(loss < 90, loss, 0.0), "rest": np.where(loss < 90, 0.0, loss)}
    divided = allocate("owner", "bad_debt", parts, [0.9, 0.99], rest="rest")
    assert [part.name for part in divided.parts] == ["first", "rest"]
    assert divided.parts[1].levels == (pytest.approx(94.5), None)
    assert divided.parts[0].levels == (0.0, None)


@given(st.permutations(range(100)))
def test_equal_losses_share_the_tail_in_any_order(order: list[int]) -> None:
    loss = np.repeat(np.arange(20.0), 5)
    weights = tail_weights(loss[order], 0.88)
    assert weights is not None
    plain = tail_weights(loss, 0.88)
    assert plain is not None
    np.testing.assert_allclose(weights, plain[order])
    assert weights.sum() == pytest.approx(1.0)


def test_weighted_contributions_of_weights_of_one_are_the_plain_ones() -> None:
    rng = np.random.default_rng(1)
    parts = {"a": rng.pareto(3.0, 1000), "b": rng.exponential(1.0, 1000)}
    plain = allocate("pool", "bad_debt", parts, [0.95])
    weighted = allocate("pool", "bad_debt", parts, [0.95], Weights(np.ones(1000)))
    assert [part.levels[0] for part in plain.parts] == pytest.approx([part.levels[0] for part in weighted.parts])


def test_pools_of_a_run_add_up_and_need_more_alone(tmp_path: Path) -> None:
    run = stress.load(fake_run.write(tmp_path, Fake(pools=("main", "alts"))))
    sizing = size(run)
    by_pool, by_market, by_owner = sizing.allocations
    debt = run.paths.groupby("path")["bad_debt"].sum().to_numpy()
    for divided in (by_pool, by_market, by_owner):
        for k, at in enumerate(sizing.levels):
            found = sum(part.levels[k] or 0.0 for part in divided.parts)
            assert found == pytest.approx(shortfall_point(np.sort(debt), at))
            if divided.alone:
                assert found <= (divided.alone[k] or 0.0) * (1 + 1e-12)
    assert {part.name for part in by_market.parts} >= {"BTC", "ETH"}
    assert [part.name for part in by_owner.parts] == ["big", "small", OTHER_OWNERS]
    assert by_owner.parts[0].mean == pytest.approx(0.6 * debt.mean())
    assert by_owner.parts[2].mean == pytest.approx(0.2 * debt.mean())
    assert size(run, pool="alts").allocations == ()


def test_cover_is_the_quantile_of_the_largest_debts(tmp_path: Path) -> None:
    """The fake's largest owner makes 60 % of every path's bad debt and the two largest 80 %."""
    run = stress.load(fake_run.write(tmp_path, Fake(share=0.2)))
    pool = size(run, depletion=0.01).pools[0]
    debt = run.paths["bad_debt"].to_numpy()
    np.testing.assert_allclose(caused_by_largest(run, "main", debt.size, 1), 0.6 * debt)
    np.testing.assert_allclose(caused_by_largest(run, "main", debt.size, 2), 0.8 * debt)
    var = value_at_risk(np.sort(debt), 0.99)
    assert var.value is not None
    assert [cover.owners for cover in pool.cover] == [1, 2]
    for cover, share in zip(pool.cover, (0.6, 0.8), strict=True):
        assert cover.fund.size.value == pytest.approx(share * var.value)
    assert pool.fund is not None
    assert (pool.cover[1].fund.upper or 0.0) <= (pool.fund.target.upper or 0.0)


def test_ratio_is_that_of_the_sums() -> None:
    rng = np.random.default_rng(2)
    below = np.where(rng.random(5000) < 0.1, rng.integers(1, 9, 5000), 0).astype(np.float64)
    above = 100.0 * below * rng.uniform(0.9, 1.1, 5000)
    found = ratio(above, below)
    assert found.value == pytest.approx(above.sum() / below.sum())
    assert found.low is not None
    assert found.high is not None
    assert found.low < 100.0 < found.high
    assert found.note == ""
    weighted = ratio(above, below, weights=Weights(np.ones(5000)))
    assert (weighted.value, weighted.low) == pytest.approx((found.value, found.low))


def test_ratio_over_few_paths_is_none() -> None:
    below = (np.arange(1000) < 9).astype(np.float64)
    assert ratio(below, below).value is None
    assert "9 paths" in ratio(below, below).note
    assert ratio(np.zeros(9), np.zeros(9)).value is None
    assert "only 20" in ratio(np.ones(1000), (np.arange(1000) < 20).astype(np.float64)).note


def test_ratio_interval_covers_what_it_claims() -> None:
    rng, inside = np.random.default_rng(3), 0
    for _ in range(300):
        below = np.where(rng.random(2000) < 0.05, rng.geometric(0.3, 2000), 0).astype(np.float64)
        found = ratio(below * rng.exponential(50.0, 2000), below)
        inside += (found.low or 0.0) <= 50.0 <= (found.high or 0.0)
    # Three standard errors of 300 repetitions under 0.95.
    assert inside / 300 >= 0.91


def test_frequencies_end_with_one_horizon_after_the_other() -> None:
    assert [words for _, words in frequencies(86_400.0)] == [
        *("once in ten years", "once a year", "once a month", "every 24 h"),
    ]
    assert frequencies(86_400.0)[-1][0] == 365.0
    assert [times for times, _ in frequencies(YEAR_S)] == [0.1, 1.0]
    assert frequencies(86_400.0, 4.0) == ((4.0, "4 times a year"),)


def test_fund_of_a_year_is_depleted_as_often_as_accepted() -> None:
    rng = np.random.default_rng(4)
    required = ascending(rng.exponential(1.0, 100_000))
    (year,) = over_a_year(required, 5.0, 0.1, ((12.0, "monthly"),))
    assert year.target.depletion == pytest.approx(1.0 - 0.9 ** (1 / 12))
    assert year.target.size.value == pytest.approx(-math.log(year.target.depletion), rel=0.02)
    once = float((required > 5.0).mean())
    assert year.depleted is not None
    assert year.depleted.value == pytest.approx(1.0 - (1.0 - once) ** 12)
    # Twelve draws at a time, as a year would make them.
    years = rng.choice(required, (20_000, 12)).max(axis=1)
    assert float((years > (year.target.size.value or 0.0)).mean()) == pytest.approx(0.1, abs=0.01)


def test_one_time_a_year_is_the_horizon_itself(tmp_path: Path) -> None:
    run = stress.load(fake_run.write(tmp_path, Fake()))
    fund = size(run, times_a_year=1.0).pools[0].fund
    assert fund is not None
    assert [year.times for year in fund.years] == [1.0]
    assert fund.years[0].target.size.value == fund.target.size.value
    for times in (0.0, math.inf, math.nan):
        with pytest.raises(UsageError, match="no frequency"):
            size(run, times_a_year=times)


def test_winners_lose_what_the_tables_say(tmp_path: Path) -> None:
    run = stress.load(fake_run.write(tmp_path, Fake(share=0.3)))
    winners = size(run).pools[0].winners
    rows = run.paths
    assert winners.per_account.value == pytest.approx(rows["adl_haircut"].sum() / rows["adl_accounts"].sum())
    assert winners.per_notional.value == pytest.approx(rows["adl_haircut"].sum() / rows["adl_notional"].sum())
    hit = rows[rows["adl_notional"] > 0.0]
    assert winners.accounts.value == pytest.approx(hit["adl_accounts"].mean())


def test_paths_for_a_precision_grow_with_its_square() -> None:
    estimate = Estimate(100.0, 80.0, 130.0, 50.0)
    assert estimate.paths_for(0.3, 1000) == 1000
    assert estimate.paths_for(0.15, 1000) == 4000
    assert Estimate(100.0, None, None, 5.0).paths_for(0.1, 1000) is None
    assert Estimate(0.0, 0.0, 1.0, 5.0).paths_for(0.1, 1000) is None


@dataclass
class Weighted:
    """A run whose paths have weights."""

    run: Any
    weights: Any
    components: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.run, name)


def test_every_figure_follows_the_weights_of_the_paths(tmp_path: Path) -> None:
    """Weight 2 on half of the paths and 0 on the others is a run of that half."""
    run = stress.load(fake_run.write(tmp_path, Fake(pools=("main", "alts"))))
    weight = np.where(np.arange(10_000) % 2, 2.0, 0.0)
    weighted: Any = Weighted(run, weight)
    assert path_weights(run) is None
    assert path_weights(weighted) is not None
    found, half = size(weighted), run.paths[run.paths["path"] % 2 == 1]
    rows = half[half["pool"] == "alts"]
    pool = found.pools[1]
    debt = pool.loss("bad_debt")
    assert debt is not None
    assert debt.mean.value == pytest.approx(rows["bad_debt"].mean())
    assert debt.expected_shortfall[0].value == pytest.approx(
        shortfall_point(np.sort(rows["bad_debt"].to_numpy()), 0.99)
    )
    assert pool.events["bad_debt"].value == pytest.approx((rows["bad_debt"] > 0).mean())
    assert sum(payer.mean for payer in pool.payers) == pytest.approx(debt.mean.value)
    assert pool.fund is not None
    assert pool.fund.depleted is not None
    assert pool.fund.depleted.value == pytest.approx((rows["required_fund"] > 25e6).mean())
    total = half.groupby("path")["bad_debt"].sum().to_numpy()
    assert sum(p.levels[0] or 0.0 for p in found.allocations[1].parts) == pytest.approx(
        shortfall_point(np.sort(total), 0.99)
    )


def test_command_writes_parquet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import pandas as pd

    folder = fake_run.write(tmp_path / "run", Fake())
    file = tmp_path / "sizing.parquet"
    assert main(["size", str(folder), "--no-tail", "--times-a-year", "2", "-o", str(file)]) == ExitCode.OK
    assert "2 times a year" in capsys.readouterr().out
    table = pd.read_parquet(file)
    assert {"fund_size", "contribution", "per_account"} <= set(table["statistic"])
    assert "tail_shape" not in set(table["statistic"])
