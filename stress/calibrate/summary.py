"""A calibration as plain numbers: for JSON and for tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from stress.calibrate.calibration import Calibrated, Calibration
from stress.calibrate.common_jumps import CommonJumps
from stress.calibrate.comparison import Comparison
from stress.calibrate.correlation import Structure
from stress.calibrate.facts import Facts
from stress.calibrate.fragment import period, shown, shown_error
from stress.scenario.units import Dimension, write

Measure = Callable[[Facts], float | None]
FORMAT = 1


def measures(facts: Facts) -> Iterator[tuple[str, str, Measure]]:
    """Key, words and value of everything that is compared, for facts of these lags."""
    yield "volatility", "volatility", lambda f: f.volatility
    yield "skewness", "skewness", lambda f: f.skewness
    yield "kurtosis", "kurtosis", lambda f: f.kurtosis
    yield "tail_index_falls", "tail index of falls", lambda f: None if f.left is None else f.left.index
    yield "tail_index_rises", "tail index of rises", lambda f: None if f.right is None else f.right.index
    for k, lag in enumerate(facts.lags):
        after = write(lag, Dimension.DURATION)
        yield f"squares_{after}", f"autocorrelation of squares, {after}", partial(_nth, "squares", k)
        yield f"sizes_{after}", f"autocorrelation of sizes, {after}", partial(_nth, "sizes", k)


def _nth(name: str, k: int, facts: Facts) -> float | None:
    return float(getattr(facts, name)[k])


def spread(found: Comparison, measure: Measure) -> tuple[float, float, float] | None:
    """5 %, median and 95 % of a measure over the simulated histories; None where one has none."""
    values = [measure(facts) for facts in found.simulated]
    known = [value for value in values if value is not None and math.isfinite(value)]
    if len(known) < len(values) or not known:
        return None
    low, middle, high = np.quantile(known, [0.05, 0.5, 0.95])
    return float(low), float(middle), float(high)


def as_dict(calibration: Calibration) -> dict[str, Any]:
    """Everything that was found, for ``fit.json``."""
    found: dict[str, Any] = {
        "format": FORMAT,
        "model": calibration.model,
        "markets": {one.series.market: _market(one) for one in calibration.markets},
    }
    if calibration.structure is not None:
        found["correlation"] = _structure(calibration.structure)
    if calibration.common is not None:
        found["common_jumps"] = _common(calibration.common, list(found["markets"]))
    return found


def _market(one: Calibrated) -> dict[str, Any]:
    first, last = period(one.series)
    return {
        "data": {
            "returns": len(one.series.value),
            "bar_s": one.series.step,
            "gaps": one.series.gaps,
            "first": first,
            "last": last,
            "last_price": one.series.last_price,
        },
        "entry": one.fit.entry,
        "parameters": {
            name: {"value": estimate.value, "standard_error": estimate.error}
            for name, estimate in one.fit.estimates.items()
        },
        "method": one.fit.method,
        "notes": list(one.fit.notes),
        "log_likelihood": one.fit.log_likelihood,
        **_jumps(one),
        "goodness": [_goodness(found) for found in one.comparisons],
    }


def _jumps(one: Calibrated) -> dict[str, Any]:
    jumps = one.fit.jumps
    if jumps is None:
        return {}
    return {"jumps": {"seen": len(jumps.at), "threshold": jumps.threshold}}


def _common(found: CommonJumps, markets: list[str]) -> dict[str, Any]:
    return {
        "rate": found.rate,
        "correlation": found.correlation,
        "markets": {
            name: {
                "probability": {"value": probability.value, "standard_error": probability.error},
                "own_rate": own,
                "together": together,
            }
            for name, probability, own, together in zip(
                markets, found.probability, found.own, found.together, strict=True
            )
        },
    }


def _goodness(found: Comparison) -> dict[str, Any]:
    rows = {}
    for key, _, measure in measures(found.data):
        between = spread(found, measure)
        model = None if between is None else dict(zip(("low", "median", "high"), between, strict=True))
        rows[key] = {"data": measure(found.data), "model": model}
    tails = {
        name: None if tail is None else [tail.low, tail.high]
        for name, tail in (("falls", found.data.left), ("rises", found.data.right))
    }
    return {
        "horizon_s": found.horizon,
        "returns": found.data.returns,
        "histories": len(found.simulated),
        "measures": rows,
        "hill_region": tails,
        "kolmogorov_smirnov": {"distance": found.distance, "usual": found.usual},
    }


def _structure(found: Structure) -> dict[str, Any]:
    return {
        "markets": list(found.markets),
        "prices": found.prices.tolist(),
        "variances": found.variances.tolist(),
        "price_variance": found.price_variance.tolist(),
        "factors": {"market": found.loadings[0].tolist(), "variance": found.loadings[1].tolist()},
        "unexplained": found.unexplained,
        "windows": found.windows,
        "standard_error": found.error,
        "method": found.method,
        "notes": list(found.notes),
    }


def parameter_rows(one: Calibrated) -> list[tuple[str, str, str]]:
    """Parameter, value and standard error in the units of a scenario."""
    rows = []
    for name, estimate in one.fit.estimates.items():
        key = name.rpartition(".")[2]
        if key == "duration":
            value = write(float(round(estimate.value)), Dimension.DURATION)
        else:
            value = shown(key, estimate.value, estimate)
        rows.append((name, value, "" if estimate.error is None else shown_error(key, estimate)))
    return rows


def goodness_rows(found: Comparison) -> list[tuple[str, str, str]]:
    """Measure, its value in the data, its median and range over the histories; a star where the data are outside."""
    rows = []
    for key, words, measure in measures(found.data):
        data, between = measure(found.data), spread(found, measure)
        if data is None or between is None:
            rows.append((words, "too few" if data is None else _number(key, data), ""))
            continue
        low, middle, high = between
        star = "" if low <= data <= high else " *"
        text = f"{_number(key, middle)} ({_number(key, low)} to {_number(key, high)}){star}"
        rows.append((words, _number(key, data), text))
    star = "" if found.distance <= found.usual else " *"
    rows.append(("Kolmogorov-Smirnov distance", f"{found.distance:.3f}", f"up to {found.usual:.3f} by chance{star}"))
    return rows


def _number(key: str, value: float) -> str:
    if key == "volatility":
        return f"{100.0 * value:.1f}%"
    return f"{value:.2f}" if abs(value) < 9.995 else f"{value:.1f}"
