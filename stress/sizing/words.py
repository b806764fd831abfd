"""Money, probabilities and durations as a reader writes them; used by tables, charts and reports alike."""

from __future__ import annotations

import math

from stress.sizing.estimate import FEW_EXCEEDANCES, LEAST_EXCEEDANCES, Estimate, paths_needed

_UNITS = ((1e12, "tn"), (1e9, "bn"), (1e6, "M"), (1e3, "k"))
NONE = "n/a"
"""What stands where there is no number."""


def significant(value: float, digits: int = 3) -> str:
    """Plain decimal with so many significant digits, never in powers of ten."""
    if value == 0.0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{decimals}f}"


def money(value: float | None, digits: int = 3) -> str:
    """$31.2M, $1.20bn, $12, $0.25; less than half a cent, which only rounding leaves, is $0."""
    if value is None or math.isnan(value):
        return NONE
    if math.isinf(value):
        return "unlimited"
    # 999,960 is 1.00M and not 1000k: the unit is that of the rounded amount.
    rounded = float(f"{abs(value):.{digits - 1}e}")
    if rounded < 0.005:
        return "$0"
    sign = "-" if value < 0.0 else ""
    for factor, unit in _UNITS:
        if rounded >= factor:
            return f"{sign}${significant(rounded / factor, digits)}{unit}"
    return f"{sign}${rounded:,.0f}" if rounded >= 10.0 else f"{sign}${rounded:.2f}"


def price(value: float) -> str:
    """$121,662 or $0.08125: every digit that was given."""
    return f"${value:,.10g}"


def percent(value: float | None, digits: int = 2) -> str:
    """12%, 0.10%, 0.0030%; trailing zeros say how much is known."""
    if value is None:
        return NONE
    scaled = 100.0 * value
    if scaled == 0.0:
        return "0%"
    if 99.5 <= scaled < 100.0:
        return f"{scaled:.2f}%" if scaled < 99.995 else "over 99.99%"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(scaled))))
    return f"{scaled:.{decimals}f}%"


def level(value: float) -> str:
    """99.9% for 0.999, without binary noise."""
    return f"{100.0 * value:.10g}%"


def worth(paths: float) -> str:
    """12,000 or 85.3 plain paths that know as much: two digits, as the number is itself an estimate."""
    return f"{float(f'{paths:.2g}'):,.10g}"


def rate(value: float) -> str:
    """66.67% for two thirds: four digits of a rule of the venue."""
    return f"{100.0 * value:.4g}%"


def odds(value: float) -> str:
    """1 in 1,000 for 0.001."""
    if value <= 0.0:
        return "never"
    times = 1.0 / value
    return f"1 in {significant(times, 2)}" if times >= 10.0 else f"1 in {times:.2g}"


def count(number: int, noun: str) -> str:
    """1 path, 2,000 paths."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def duration(seconds: float | None) -> str:
    """24 h, 90 min, 30 s, 3 d: the largest unit that leaves a whole number."""
    if seconds is None or math.isnan(seconds):
        return NONE
    for factor, unit in ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min")):
        if seconds > factor and seconds % factor == 0.0:
            return f"{seconds / factor:.0f} {unit}"
    if seconds == 60.0:
        return "1 min"
    return f"{seconds:g} s"


def clock(seconds: float | None) -> str:
    """Time since the start as 6:40 (hours and minutes), with seconds where they matter."""
    if seconds is None or math.isnan(seconds):
        return "never"
    hours, rest = divmod(round(seconds), 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02d}" + (f":{left:02d}" if left else "")


def money_estimate(estimate: Estimate) -> str:
    """$31.2M ($27.0M to $38.1M)."""
    return _with_interval(estimate, money(estimate.value), money(estimate.low), money(estimate.high))


def percent_estimate(estimate: Estimate) -> str:
    """0.31% (0.21% to 0.44%)."""
    return _with_interval(estimate, percent(estimate.value), percent(estimate.low), percent(estimate.high))


def sharper(size: Estimate, depletion: float, paths: int) -> str:
    """How many paths a first, a sound, or a sharper fund size takes."""
    wanted = {f"±{level(share)}": size.paths_for(share, paths) for share in (0.1, 0.05)}
    if None in wanted.values():
        first, sound = first_and_sound(size, depletion, paths)
        return f"{first:,} paths give a first number, {sound:,} a sound one"
    told = " and ".join(f"{words} with {float(f'{number or 0:.2g}'):,.0f}" for words, number in wanted.items())
    return f"the size needed is known to {told} paths"


def first_and_sound(size: Estimate, depletion: float, paths: int) -> tuple[int, int]:
    """Paths at which a fund size has a number, and at which the number is not flagged."""
    first, sound = (
        size.paths_to(least, paths) or paths_needed(1.0 - depletion, least)
        for least in (LEAST_EXCEEDANCES, FEW_EXCEEDANCES)
    )
    return first, sound


def _with_interval(estimate: Estimate, value: str, low: str, high: str) -> str:
    if estimate.value is None:
        return NONE
    if estimate.low is None:
        return value
    return f"{value} (from {low})" if estimate.high is None else f"{value} ({low} to {high})"
