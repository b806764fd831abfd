"""What size and the report say of a treasury."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stress.report.document import Paragraph, Table
from stress.report.treasury import treasury_blocks
from stress.sizing.result import Sizing
from stress.sizing.treasury import treasuries


def run_of_treasury(sold: bool = True) -> Any:
    """A hundred paths: on the last 40 it bears 100, raises 80 with 20 of 50 tokens, and on the last 10 it declines."""
    active = (np.arange(100) >= 60) & sold
    scenario = {"pools": {"A": {"layers": [{"type": "treasury", "name": "T", "token": "GOV", "units": 50.0}]}}}
    layers = pd.DataFrame(
        {
            "pool": "A",
            "layer": "T",
            "paid": 90.0 * active,
            "paid_for_layers": 10.0 * active,
            "raised": 80.0 * active,
            "tokens_sold": 20.0 * active,
            "token_low": np.where(active, 3.5, np.nan),
            "first_decline_s": np.where(np.arange(100) >= 90, 60.0, np.nan),
            "equity_end": -20.0 * active,
        }
    )
    return SimpleNamespace(scenario=scenario, layers=layers)


def sizing_of(run: Any) -> Sizing:
    levels = (0.8,)
    empty = Sizing("x", 100, 3600.0, 60.0, levels, 0.95, 0.0, (), ())
    return replace(empty, treasuries=treasuries(run, levels, 0.95, None))


def test_figures_of_a_treasury() -> None:
    (figures,) = sizing_of(run_of_treasury()).treasuries
    assert figures.borne.mean.value == pytest.approx(40.0)
    assert figures.raised.mean.value == pytest.approx(32.0)
    assert figures.raised.levels[0].value == pytest.approx(80.0)
    assert (figures.sold.largest, figures.lowest) == (20.0, 3.5)
    assert (figures.declined.value, figures.owing.value) == pytest.approx((0.1, 0.4))


def test_table_of_a_treasury() -> None:
    table, paragraph = treasury_blocks(sizing_of(run_of_treasury()))
    assert isinstance(table, Table)
    assert table.title == "Treasury 'T'"
    assert table.rows[1][1].startswith("$32")
    assert table.rows[2][0] == "GOV sold, of 50"
    assert table.rows[2][-1] == "20 (40%)"
    assert isinstance(paragraph, Paragraph)
    assert "The lowest price of a sale is $3.50" in paragraph.text


def test_estimates_of_a_treasury_are_rows() -> None:
    rows = {row["statistic"]: row for row in sizing_of(run_of_treasury()).estimates()}
    assert rows["raised"]["value"] == pytest.approx(32.0)
    assert {rows[name]["metric"] for name in ("raised", "tokens_sold", "declined", "owing")} == {"T"}


def test_a_treasury_that_never_sells() -> None:
    _, paragraph = treasury_blocks(sizing_of(run_of_treasury(sold=False)))
    assert isinstance(paragraph, Paragraph)
    assert "It never sold." in paragraph.text
