"""A calibration as a scenario fragment: YAML to extend or to paste, with errors and remarks as comments."""

from __future__ import annotations

import datetime
import math
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from stress.calibrate.calibration import Calibrated, Calibration
from stress.calibrate.common_jumps import CommonJumps
from stress.calibrate.correlation import Structure
from stress.calibrate.fit import Estimate
from stress.calibrate.prices import Series
from stress.kernels.structs import Floats
from stress.scenario.units import Dimension, write

FRACTIONS = ("volatility", "jump_mean", "jump_std")
"""Keys written in per cent."""
WIDTH = 116


def fragment(calibration: Calibration, caveats: Sequence[str] = (), *, factors: bool = False) -> str:
    """Text of the fragment.

    Parameters
    ----------
    calibration
        What was found.
    caveats
        Further remarks for its head.
    factors
        Write the common factors of several markets instead of their matrices.
    """
    lines = list(_head(calibration, caveats))
    lines += ["format: 1", f"title: {title(calibration)}", "markets:"]
    for k, one in enumerate(calibration.markets):
        own = None if calibration.common is None else calibration.common.own[k]
        lines += [f"  {one.series.market}:", "    model:", *_model(one, own)]
    if calibration.structure is not None:
        lines += _factors(calibration.structure) if factors else _correlation(calibration.structure)
    if calibration.common is not None:
        lines += jump_source(calibration, calibration.common)
    return "\n".join(lines) + "\n"


def title(calibration: Calibration) -> str:
    """Markets, model and years of the data."""
    names = ", ".join(one.series.market for one in calibration.markets)
    first, last = (period(calibration.markets[0].series)[k][:4] for k in range(2))
    return f"{names} as {calibration.model}, {first}-{last}"


def period(series: Series) -> tuple[str, str]:
    """First and last day of the data."""
    first, last = (
        datetime.datetime.fromtimestamp(float(t), datetime.UTC).date().isoformat() for t in series.time[[0, -1]]
    )
    return first, last


def described(series: Series) -> str:
    """The data in a line."""
    first, last = period(series)
    bars = write(series.step, Dimension.DURATION)
    gaps = f", {series.gaps} gaps left out" if series.gaps else ""
    name = Path(series.file).name
    return (
        f"{series.market}: {len(series.value):,} returns of {bars} bars, {first} to {last}{gaps}; {name}; "
        f"last close {series.last_price:,.10g}."
    )


def _head(calibration: Calibration, caveats: Sequence[str]) -> Iterator[str]:
    yield from comment(f"{calibration.model} calibrated to prices. ± are standard errors.")
    for one in calibration.markets:
        yield from comment(described(one.series))
    yield from comment(calibration.markets[0].fit.method)
    for one in calibration.markets:
        prefix = f"{one.series.market}: " if len(calibration.markets) > 1 else ""
        for note in one.fit.notes:
            yield from comment(prefix + note)
    for caveat in caveats:
        yield from comment(caveat)


def comment(text: str) -> list[str]:
    """``text`` as comment lines."""
    return [f"# {line}" for line in textwrap.wrap(text, WIDTH - 2)]


def _model(one: Calibrated, own_jumps: float | None) -> Iterator[str]:
    """The entry, with the jumps that strike the market alone where the others are common."""
    for key, value in one.fit.entry.items():
        if key == "jump_rate" and own_jumps is not None:
            total = shown(key, value, one.fit.estimates[key])
            error = shown_error(key, one.fit.estimates[key])
            yield f"      {key}: {own_jumps:.3g}  # of {total} ± {error}; the others are common, under jumps"
        else:
            yield from _entry(key, value, one.fit.estimates)


def jump_source(calibration: Calibration, common: CommonJumps) -> list[str]:
    """Lines of the common source."""
    first = calibration.markets[0].series.market
    together = ", ".join(
        f"{count} with one of {one.series.market}"
        for one, count in zip(calibration.markets, common.together, strict=True)
    ).partition(", ")[2]
    remark = f"Of {common.together[0]} jumps of {first} seen, {together} in the same bar; unseen ones allowed for."
    lines = [
        *comment(remark),
        "jumps:",
        "  - name: common",
        f"    rate: {common.rate:.3g}",
        f"    correlation: {write(round(common.correlation, 2), Dimension.FRACTION)}",
        "    marks:",
    ]
    for one, probability in zip(calibration.markets, common.probability, strict=True):
        entry, estimates = one.fit.entry, one.fit.estimates
        mark = {"mean": "jump_mean", "std": "jump_std", "variance_jump": "variance_jump", "jump_slope": "jump_slope"}
        values = [f"{key}: {shown(name, entry[name], estimates[name])}" for key, name in mark.items() if name in entry]
        error = "" if probability.error is None else f"  # probability ± {probability.error:.1%}"
        share = write(round(probability.value, 3), Dimension.FRACTION)
        lines.append(f"      {one.series.market}: {{{', '.join([*values, f'probability: {share}'])}}}{error}")
    return lines


def _entry(key: str, value: Any, estimates: dict[str, Estimate]) -> Iterator[str]:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        yield f"      {key}:"
        for k, state in enumerate(value):
            errors = [shown_error(name, estimates.get(f"{key}.{k}.{name}")) for name in state]
            inner = ", ".join(
                f"{name}: {shown(name, state[name], estimates.get(f'{key}.{k}.{name}'))}" for name in state
            )
            yield f"        - {{{inner}}}  # ± {', '.join(errors)}"
    elif isinstance(value, list):
        yield f"      {key}: [{', '.join(_row(row) for row in value)}]"
    else:
        estimate = estimates.get(key)
        error = f"  # ± {shown_error(key, estimate)}" if estimate is not None and estimate.error is not None else ""
        yield f"      {key}: {shown(key, value, estimate)}{error}"


def _row(row: Sequence[float]) -> str:
    """Probabilities that sum to one as written: the largest takes what rounding leaves."""
    rounded = [round(p, 4) for p in row]
    largest = max(range(len(row)), key=lambda k: row[k])
    rounded[largest] = round(1.0 - sum(rounded[:largest]) - sum(rounded[largest + 1 :]), 4)
    return f"[{', '.join(f'{p:g}' for p in rounded)}]"


def shown(key: str, value: Any, estimate: Estimate | None) -> str:
    """A value to two digits of its standard error, or to four digits."""
    if not isinstance(value, float):
        return str(value)
    digits = _digits(value, None if estimate is None else estimate.error)
    number = float(f"{value:.{digits}g}")
    return write(number, Dimension.FRACTION if key in FRACTIONS else Dimension.NUMBER)


def shown_error(key: str, estimate: Estimate | None) -> str:
    """A standard error to two digits, in the unit of its value."""
    if estimate is None or estimate.error is None:
        return "none"
    number = float(f"{estimate.error:.2g}")
    if key == "duration":
        return write(60.0 * round(number / 60.0) if number >= 600.0 else float(round(number)), Dimension.DURATION)
    return write(number, Dimension.FRACTION if key in FRACTIONS else Dimension.NUMBER)


def _digits(value: float, error: float | None) -> int:
    if not value or not error:
        return 4
    return min(max(math.floor(math.log10(abs(value))) - math.floor(math.log10(error)) + 2, 2), 8)


def _matrix(matrix: Floats) -> str:
    rows = (", ".join(f"{value:.3g}" if value != 1.0 else "1.0" for value in row) for row in matrix)
    return f"[{', '.join(f'[{row}]' for row in rows)}]"


def _correlation(found: Structure) -> list[str]:
    return [
        *comment(
            f"In the order {', '.join(found.markets)}. {found.method} A correlation of 0 has ± {found.error:.2g}."
        ),
        *(line for note in found.notes for line in comment(note)),
        "correlation:",
        f"  prices: {_matrix(found.prices)}",
        f"  variances: {_matrix(found.variances)}",
        f"  price_variance: {_matrix(found.price_variance)}",
    ]


def _factors(found: Structure) -> list[str]:
    market, variance = (
        ", ".join(f"{name}: {loading:.3g}" for name, loading in zip(found.markets, row, strict=True))
        for row in found.loadings
    )
    missed = f"One factor misses the correlations of prices by up to {found.unexplained:.2g}."
    return [
        *comment(f"{found.method} {missed}"),
        "correlation:",
        f"  factors: {{market: {{{market}}}, variance: {{{variance}}}}}",
    ]
