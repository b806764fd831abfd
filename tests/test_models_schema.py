"""Mistakes in price models, told in plain words where they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from stress.errors import MeaninglessInput
from tests.market_models import EXAMPLES, GARCH, HESTON, JUMPS, built, scenario

MISTAKES: list[Any] = [
    ({"type": "svcj", **HESTON, **JUMPS, "variance_jump": 2, "jump_slope": 0.5}, "jump_slope", "must be less than 1"),
    ({"type": "garch", **GARCH, "beta": 0.9}, "beta", "makes the persistence alpha + gamma / 2 + beta 1.025"),
    ({"type": "garch", **GARCH, "gamma": -0.2}, "gamma", "plus alpha must not be negative, got -0.1"),
    ({"type": "garch", **GARCH, "interval": "25m"}, "interval", "must be a multiple of run.step (600 s), got 1500 s"),
    ({"type": "garch", **GARCH, "interval": "1m"}, "interval", "must be a multiple of run.step"),
    ({"type": "garch", **GARCH, "nu": 2}, "nu", "must be more than 2"),
    ({"type": "garch", **GARCH, "innovations": "historical"}, "file", "is missing: the residuals"),
    ({"type": "garch", **GARCH, "file": "z.csv"}, "file", "say innovations: historical"),
    ({**EXAMPLES["regime"], "start": 2}, "start", "there are 2 states, numbered from 0, got 2"),
    ({**EXAMPLES["regime"], "transitions": [[0, 1]]}, "transitions", "has 1 rows, but there are 2 states"),
    ({**EXAMPLES["regime"], "transitions": [[0, 1], [1]]}, "transitions.1", "has 1 numbers"),
    ({**EXAMPLES["regime"], "transitions": [[0.5, 0.5], [1, 0]]}, "transitions.0.0", "must be 0"),
    ({**EXAMPLES["regime"], "transitions": [[0, 0.9], [1, 0]]}, "transitions.0", "sums to 0.9: must be 1"),
    ({"type": "regime", "states": [{"volatility": 1, "duration": "1h"}]}, "states.0.duration", "must be forever"),
    (
        {"type": "regime", "states": [{"volatility": 1, "duration": "1h"}, {"volatility": 2, "duration": "forever"}]},
        "start",
        "must be the number of a state",
    ),
    ({**EXAMPLES["rough_bergomi"], "hurst": 0.6}, "hurst", "must be at most 0.5"),
    ({**EXAMPLES["bates"], "self_excitation": {"branching": 1, "half_life": "1h"}}, "branching", "must be less than 1"),
]


@pytest.mark.parametrize(("model", "where", "message"), MISTAKES)
def test_a_model_that_cannot_be_simulated(model: dict[str, Any], where: str, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        scenario({"A": model})
    told = [(".".join(map(str, error["loc"])), error["msg"]) for error in caught.value.errors()]
    assert any(at.endswith(where) and message in said for at, said in told), told


BETWEEN: list[Any] = [
    ({"correlation": {"factors": {"market": {"Z": 0.5}}}}, "correlation.factors.market.Z", "unknown market 'Z'"),
    ({"correlation": {"factors": {}}}, "correlation.factors", "give the loadings"),
    (
        {"correlation": {"prices": [[1, 0], [0, 1]], "factors": {"market": {"A": 0.5}}}},
        "correlation.factors",
        "give either factors or matrices",
    ),
    (
        {"jumps": [{"name": "x", "rate": 1, "marks": {"A": {"mean": 0, "std": 0.1, "variance_jump": 1}}}]},
        "jumps.0.marks.A.variance_jump",
        "the variance of a gbm model cannot jump",
    ),
]


@pytest.mark.parametrize(("sections", "where", "message"), BETWEEN)
def test_parts_that_do_not_fit(sections: dict[str, Any], where: str, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        scenario({"A": EXAMPLES["gbm"], "B": EXAMPLES["heston"]}, **sections)
    told = [(".".join(map(str, error["loc"])), error["msg"]) for error in caught.value.errors()]
    assert any(at == where and message in said for at, said in told), told


def test_markets_of_a_chain_must_switch_alike() -> None:
    states = [{"volatility": 0.1, "duration": "7h"}, {"volatility": 2.0, "duration": "1h"}]
    models = {"A": {**EXAMPLES["regime"], "chain": "c"}, "B": {"type": "regime", "states": states, "chain": "c"}}
    with pytest.raises(ValidationError, match="the durations differ from those of A on the same chain"):
        scenario(models)
    other = {**EXAMPLES["regime"], "chain": "c", "start": 1}
    with pytest.raises(ValidationError, match="differs from that of A on the same chain"):
        scenario({"A": models["A"], "B": other})


@pytest.mark.parametrize(
    ("rows", "message"),
    [(["1", "-1"] * 20, "has 40 residuals; at least 100"), (["2", "0"] * 100, "is not standardised")],
)
def test_files_that_hold_no_residuals(tmp_path: Path, rows: list[str], message: str) -> None:
    file = tmp_path / "z.csv"
    file.write_text("residual\n" + "\n".join(rows) + "\n")
    model = {"type": "garch", **GARCH, "innovations": "historical", "file": str(file)}
    with pytest.raises(MeaninglessInput, match=message):
        built({"A": model})


def test_residuals_nearly_standardised_are_and_it_is_told(tmp_path: Path) -> None:
    file = tmp_path / "z.csv"
    file.write_text("residual\n" + "\n".join(["1.1", "-0.9"] * 100) + "\n")
    model = {"type": "garch", **GARCH, "innovations": "historical", "file": str(file)}
    models, _, notes = built({"A": model})
    assert set(models.table[:200].round(12)) == {1.0, -1.0}
    assert "mean 0.1, standard deviation 1) were standardised" in notes[0]
