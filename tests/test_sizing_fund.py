"""Fund sizes, the cheapest fund and who pays, on samples small enough to check by eye."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stress.sizing.fund import depletion_curve, depletion_probability, fund_size, newsvendor
from stress.sizing.quantiles import harrell_davis
from stress.sizing.waterfall import split


def test_depletion_counts_the_paths_that_require_more() -> None:
    required = np.array([0.0, 1.0, 2.0, 2.0, 3.0])
    # A fund of exactly the required size holds.
    assert [depletion_probability(required, fund).value for fund in (0.0, 1.0, 2.0, 3.0)] == [0.8, 0.6, 0.2, 0.0]


@given(st.integers(0, 2**32 - 1), st.floats(0.02, 0.4))
def test_fund_for_a_probability_is_depleted_with_that_probability(seed: int, depletion: float) -> None:
    required = np.sort(np.random.default_rng(seed).pareto(2.0, 2000))
    size = fund_size(required, depletion).size
    assert size.value is not None
    assert size.low is not None
    assert size.high is not None
    assert depletion_probability(required, size.value).value == pytest.approx(depletion, abs=0.01)
    assert depletion_probability(required, size.low).value >= depletion  # type: ignore[operator]
    assert depletion_probability(required, size.high).value <= depletion  # type: ignore[operator]


def test_one_sided_bound_lies_between_point_and_two_sided_end() -> None:
    required = np.sort(np.random.default_rng(2).pareto(2.0, 20_000))
    fund = fund_size(required, 0.001)
    assert fund.size.value is not None
    assert fund.size.high is not None
    assert fund.upper is not None
    assert fund.size.value < fund.upper <= fund.size.high
    unsupported = fund_size(required, 0.0001)
    assert (unsupported.size.value, unsupported.upper) == (None, None)


def test_curve_ends_where_ten_paths_support_it_and_rises() -> None:
    curve = depletion_curve(np.sort(np.random.default_rng(3).pareto(2.0, 1000)))
    assert curve[0].depletion == pytest.approx(0.5)
    assert curve[-1].depletion == pytest.approx(0.01)
    assert all(a.size <= b.size and a.high <= b.high for a, b in itertools.pairwise(curve))
    assert all(point.low <= point.size <= point.high for point in curve)
    assert depletion_curve(np.zeros(20)) == ()
    assert {point.size for point in depletion_curve(np.zeros(1000))} == {0.0}


def test_cheapest_fund_has_the_least_cost() -> None:
    required = np.sort(np.random.default_rng(4).exponential(10.0, 20_000))
    best = newsvendor(required, capital_cost=0.05, breach_cost=1.0)
    assert best is not None
    assert best.fund.depletion == pytest.approx(0.05)

    def cost(fund: float) -> float:
        return 0.05 * fund + float(np.maximum(required - fund, 0.0).mean())

    assert best.fund.size.value is not None
    at_best = cost(best.fund.size.value)
    assert at_best <= min(cost(fund) for fund in np.linspace(0.0, 100.0, 401)) * 1.0005
    assert cost(0.8 * best.fund.size.value) > at_best < cost(1.25 * best.fund.size.value)


@pytest.mark.parametrize(("capital", "breach"), [(0.0, 10.0), (5.0, 5.0), (6.0, 5.0), (0.05, 0.0)])
def test_no_cheapest_fund_where_nothing_or_everything_is_held(capital: float, breach: float) -> None:
    assert newsvendor(np.ones(1000), capital, breach) is None


def test_parts_add_up_to_the_quantile_of_the_bad_debt() -> None:
    rng = np.random.default_rng(5)
    debt = np.where(rng.random(5000) < 0.1, rng.pareto(2.0, 5000), 0.0)
    fund = np.minimum(debt, 0.5)
    adl = 0.7 * (debt - fund)
    parts = [("fund", "insurance_fund", fund), ("adl", "adl", adl), ("rest", "residual", debt - fund - adl)]
    payers = split(debt, parts, [0.95, 0.99])
    assert sum(p.mean for p in payers) == pytest.approx(debt.mean())
    assert sum(p.worst for p in payers) == pytest.approx(debt.max())
    for k, level in enumerate((0.95, 0.99)):
        paid = [p.levels[k] for p in payers]
        assert None not in paid
        assert sum(x for x in paid if x is not None) == pytest.approx(harrell_davis(np.sort(debt), level))
    assert payers[0].worst == 0.5


def test_nobody_pays_at_a_quantile_of_zero() -> None:
    debt = np.append(np.zeros(960), np.arange(1.0, 41.0))
    (payer,) = split(debt, [("fund", "insurance_fund", debt)], [0.95, 0.97])
    assert payer.levels[0] == 0.0
    assert payer.levels[1] == pytest.approx(10.0, abs=1.0)


def test_no_split_at_a_level_with_too_few_exceedances() -> None:
    debt = np.arange(100.0)
    (payer,) = split(debt, [("fund", "insurance_fund", debt)], [0.9, 0.95])
    assert payer.levels[0] is not None
    assert payer.levels[1] is None
