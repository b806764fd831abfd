"""Maintenance margin of a book: golden vectors and continuity."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stress.book.margin import deductions, maintenance, stack_tiers

HYPERLIQUID_BTC = [(0.0, 0.0125), (150e6, 0.025)]
BINANCE_BTC_2021 = [
    (0.0, 0.004),
    (50e3, 0.005),
    (250e3, 0.01),
    (1e6, 0.025),
    (10e6, 0.05),
    (20e6, 0.10),
    (50e6, 0.125),
    (100e6, 0.15),
    (200e6, 0.25),
    (300e6, 0.50),
]


@pytest.mark.parametrize(
    ("pairs", "notional", "expected"),
    [
        (HYPERLIQUID_BTC, 200e6, 3_125_000.0),
        (HYPERLIQUID_BTC, 150e6, 1_875_000.0),
        (BINANCE_BTC_2021, 1e6, 8_700.0),
        (BINANCE_BTC_2021, 5e6, 108_700.0),
        (BINANCE_BTC_2021, 250e6, 37_483_700.0),
    ],
)
def test_golden_requirements(pairs: list[tuple[float, float]], notional: float, expected: float) -> None:
    """Requirements that the venues' own tables give (Hyperliquid 2026, Binance 2021)."""
    found = maintenance(np.array([notional]), np.array([0]), stack_tiers([pairs]))
    assert found[0] == pytest.approx(expected, rel=1e-12)


def test_deductions_are_the_maintenance_amounts_that_binance_publishes() -> None:
    lower, rate = np.array(BINANCE_BTC_2021).T
    published = [0, 50, 1_300, 16_300, 266_300, 1_266_300, 2_516_300, 5_016_300, 25_016_300, 100_016_300]
    np.testing.assert_allclose(deductions(lower, rate), published, rtol=1e-12)


def test_deductions_of_the_majors(shared: Path) -> None:
    """Binance publishes the deduction of every tier beside its rate."""
    table = pd.read_csv(shared / "data" / "margin_tiers" / "binance_leverage_tiers_majors.csv")
    assert table.symbol.nunique() > 1
    for _, tiers in table.sort_values("min_notional").groupby("symbol"):
        found = deductions(tiers.min_notional.to_numpy(float), tiers.mmr.to_numpy(float))
        np.testing.assert_allclose(found, tiers["cum"], rtol=1e-9, atol=1e-6)


def test_markets_of_different_numbers_of_tiers() -> None:
    tiers = stack_tiers([HYPERLIQUID_BTC, BINANCE_BTC_2021])
    found = maintenance(np.array([1e6, 200e6, 1e6]), np.array([1, 0, 0]), tiers)
    np.testing.assert_allclose(found, [8_700.0, 3_125_000.0, 12_500.0], rtol=1e-12)


def test_a_single_tier_has_no_deduction() -> None:
    np.testing.assert_array_equal(deductions(np.array([0.0]), np.array([0.05])), [0.0])


@st.composite
def tier_tables(draw: st.DrawFn) -> list[tuple[float, float]]:
    count = draw(st.integers(1, 8))
    steps = draw(st.lists(st.floats(1.0, 1e8), min_size=count - 1, max_size=count - 1))
    rates = sorted(draw(st.lists(st.floats(0.0, 1.0), min_size=count, max_size=count)))
    return list(zip(np.cumsum([0.0, *steps]).tolist(), rates, strict=True))


@given(tier_tables(), st.floats(0.0, 1e9))
def test_requirement_is_the_integral_of_the_rate(pairs: list[tuple[float, float]], notional: float) -> None:
    """Continuous tiers ask each slice of the notional for its own tier's rate."""
    ends = [lower for lower, _ in pairs[1:]] + [np.inf]
    slices = sum(rate * max(min(notional, end) - lower, 0.0) for (lower, rate), end in zip(pairs, ends, strict=True))
    found = maintenance(np.array([notional]), np.array([0]), stack_tiers([pairs]))
    assert found[0] == pytest.approx(slices, rel=1e-9, abs=1e-6)
