"""Every figure among the reference values that a simulation of prices can reach, a few minutes together."""

from __future__ import annotations

import csv
import json
import math
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from stress.kernels.models import YEAR
from tests.market_models import built
from tests.price_paths import DAY, Floats, run

pytestmark = pytest.mark.slow

PATHS = 100_000
REACHED = 1e-4
"""Options and probabilities under it are seen by too few paths."""


class Row(NamedTuple):
    """One reference value."""

    model: str
    quantity: str
    params: dict[str, Any]
    value: float


@pytest.fixture(scope="module")
def rows(shared: Path) -> list[Row]:
    """All of them, literature, software and own."""
    with (shared / "references" / "reference_values.csv").open(encoding="utf-8") as file:
        found = [row for row in csv.DictReader(file) if not row["model"].startswith(("RNG", "inverse", "POT"))]
    return [Row(r["model"], r["quantity"], json.loads(r["params"]), float(r["value"])) for r in found]


def heston(p: dict[str, Any]) -> dict[str, Any]:
    """Keys of a scenario; Andersen's scheme, since most of the options run for months."""
    keys = {"kappa": p["kappa"], "theta": p["theta"], "xi": p["sigma_v"], "rho": p["rho"], "v0": p["v0"]}
    return {"type": "heston", **keys, "scheme": "qe"}


def svcj(p: dict[str, Any]) -> dict[str, Any]:
    """The same with the jumps of a calibration."""
    jumps = {"jump_rate": p["lam"], "jump_mean": p["ly"], "jump_std": p["sy"]}
    return {**heston(p), "type": "svcj", **jumps, "variance_jump": p["lv"], "jump_slope": p["rhoj"]}


def ends(model: dict[str, Any], years: float, seed: int = 1) -> tuple[Floats, Floats]:
    """Prices over the initial one, and variances, at the end: steps of a day, or a hundred."""
    steps = max(100, math.ceil(365.0 * years))
    models, clock, _ = built({"A": model}, step="1d", checks=1, substeps=steps)
    log_price, variance = run(models, clock._replace(dt=years * YEAR), PATHS, seed)
    return np.exp(log_price[:, 1, 0]) / 100.0, variance[:, 1, 0]


def controlled(payoff: Floats, ratio: Floats) -> tuple[float, float]:
    """Mean and standard error of a payoff, with the martingale as a control variate."""
    slope = np.cov(payoff, ratio)[0, 1] / ratio.var()
    sample = payoff - slope * (ratio - 1.0)
    return float(sample.mean()), float(sample.std() / math.sqrt(len(sample)))


def option_scores(rows: list[Row], law: Any) -> Iterator[float]:
    """z-scores of European options; those of one law and maturity share their paths."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.value / row.params["S0"] >= REACHED:
            kept = {k: v for k, v in row.params.items() if k not in ("K", "S0", "type", "moneyness")}
            groups[json.dumps(kept, sort_keys=True)].append(row)
    for members in groups.values():
        p = members[0].params
        ratio, _ = ends(law(p), p["T"])
        growth, discount = math.exp((p.get("r", 0.0) - p.get("q", 0.0)) * p["T"]), math.exp(-p.get("r", 0.0) * p["T"])
        for row in members:
            sign = -1.0 if "put" in (row.quantity, row.params.get("type")) else 1.0
            payoff = discount * np.maximum(sign * (ratio * growth - row.params["K"] / row.params["S0"]), 0.0)
            mean, error = controlled(payoff, ratio)
            yield (mean - row.value / row.params["S0"]) / error


def test_heston_options(rows: list[Row]) -> None:
    chosen = [row for row in rows if row.model == "Heston"]
    scores = list(option_scores(chosen, heston))
    assert len(scores) > 35
    assert np.abs(scores).max() < 4.0


def test_svcj_options(rows: list[Row]) -> None:
    """The tails of a day have jumps in them: a hundred steps are enough, since jumps are exact."""
    chosen = [row for row in rows if row.model == "SVCJ" and "ly" in row.params]
    scores = list(option_scores(chosen, svcj))
    assert len(scores) > 12
    assert np.abs(scores).max() < 4.0


@pytest.mark.parametrize(("name", "law"), [("Heston moments", heston), ("SVCJ moments", svcj)])
def test_moments(rows: list[Row], name: str, law: Any) -> None:
    """Means and variances of the variance and of the log price; the higher ones are too noisy to mean much."""
    scores = []
    for row in [row for row in rows if row.model == name]:
        ratio, variance = ends(law(row.params), row.params["T_days"] / 365.0, seed=4)
        x = np.log(ratio)
        samples = {
            "E[v_T]": variance,
            "Var[v_T]": (variance - variance.mean()) ** 2,
            "E[ln S_T/F]": x,
            "Var[ln S_T/F]": (x - x.mean()) ** 2,
        }
        sample = samples.get(row.quantity.replace(" (closed form)", ""))
        if sample is not None:
            scores.append((sample.mean() - row.value) / (sample.std() / math.sqrt(PATHS)))
    assert len(scores) >= 6
    assert np.abs(scores).max() < 4.0


def checked(model: dict[str, Any], seconds: float, checks: int, paths: int = PATHS) -> tuple[Floats, Floats]:
    """Log returns and variances [w, s] at every check."""
    models, clock, _ = built({"A": model}, step="1m", checks=checks, substeps=1)
    log_price, variance = run(models, clock._replace(dt=seconds / checks), paths)
    return log_price[:, :, 0] - math.log(100.0), variance[:, :, 0]


def test_barriers_watched_fifty_times(rows: list[Row]) -> None:
    """Down-and-out calls of Broadie, Glasserman & Kou (1997), table 2.1; three decimals are printed."""
    chosen = [row for row in rows if "discrete, m=50" in row.model]
    assert len(chosen) > 5
    p = chosen[0].params
    x, _ = checked({"type": "gbm", "volatility": p["sigma"], "drift": p["r"]}, p["T"] * YEAR, p["m"])
    prices = 100.0 * np.exp(x)
    for row in chosen:
        alive = prices[:, 1:].min(axis=1) > row.params["H"]
        payoff = math.exp(-p["r"] * p["T"]) * np.maximum(prices[:, -1] - p["K"], 0.0) * alive
        mean, error = controlled(payoff, prices[:, -1] / (100.0 * math.exp(p["r"] * p["T"])))
        assert abs(mean - row.value) < 4.0 * error + 5e-4, row


def test_first_passages_at_checks(rows: list[Row]) -> None:
    """A day of 288 checks under constant volatility, beside Gauss-Legendre recursion."""
    chosen = [row for row in rows if row.model.startswith("GBM first passage") and row.value > REACHED]
    assert len(chosen) >= 3
    for row in chosen:
        x, _ = checked({"type": "gbm", "volatility": row.params["sigma"]}, DAY, row.params["m"])
        hit = (x.min(axis=1) <= math.log1p(-row.params["drawdown"])).mean()
        assert abs(hit - row.value) < 4.0 * math.sqrt(row.value / PATHS), row


def test_first_passages_at_any_time(rows: list[Row]) -> None:
    """Heston over a day, beside QuantLib's finite differences: one-minute steps and the bridge between them."""
    chosen = [row for row in rows if row.model.startswith("Heston first passage")]
    assert chosen
    x, v = checked({**heston(chosen[0].params), "scheme": "euler"}, DAY, 1440, paths=20_000)
    for row in chosen:
        level = math.log1p(row.params["ret"])
        a, b = np.maximum(x[:, :-1] - level, 0.0), np.maximum(x[:, 1:] - level, 0.0)
        apart = -np.expm1(-2.0 * a * b / np.maximum(v[:, :-1] * 60.0 / YEAR, 1e-300))
        seen = 1.0 - np.prod(np.where(a * b > 0.0, apart, 0.0), axis=1)
        assert abs(seen.mean() - row.value) < 4.0 * seen.std() / math.sqrt(len(seen)), row
