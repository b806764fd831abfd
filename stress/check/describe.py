"""Findings in words."""

from __future__ import annotations

import math
from functools import partial

from stress.check.baseline import Baseline, Figure, finite
from stress.check.finding import Finding, Verdict
from stress.check.limit import Answer
from stress.check.metrics import Statistic
from stress.check.regression import Change
from stress.scenario.checks import EXACT, Check
from stress.sizing.estimate import LEAST_EXCEEDANCES, paths_needed
from stress.sizing.words import percent, rate


def limit(number: int, rule: Check, asked: Statistic, found: Answer) -> Finding:
    """A limit's finding."""
    tail = 1.0 - rule.confidence
    words = partial(percent, digits=3) if rule.probability else asked.words
    bounds = [
        f"at {way} {rate(bound) if rule.probability else asked.words(bound)}"
        for way, bound in (("most", rule.at_most), ("least", rule.at_least))
        if bound is not None
    ]
    if found.kept <= tail:
        verdict, message = Verdict.PASS, f"shown to be {' and '.join(bounds)}"
    elif found.broken <= tail:
        verdict, message = Verdict.FAIL, f"shown not to be {' and '.join(bounds)}"
    else:
        verdict, message = Verdict.INCONCLUSIVE, f"neither shown to be {' and '.join(bounds)} nor not to be"
    known = {"value": found.value, "low": found.low, "high": found.high}
    return Finding(
        number,
        rule.rule,
        asked.label,
        asked.pool,
        verdict,
        message,
        value=words(found.value),
        reference=", ".join(bounds),
        shown=_between(
            None if found.low is None else words(found.low), None if found.high is None else words(found.high)
        ),
        method="counts of paths" if rule.probability or asked.level is not None else "Hall's bounds of a mean",
        paths_needed=found.paths_needed,
        figures={name: finite(value) for name, value in known.items()},
    )


def regression(
    asked: Statistic, figure: Figure, value: float, change: Change, tolerance: float, verdict: Verdict
) -> Finding:
    """A regression's finding in words."""
    sign = -1.0 if asked.flipped else 1.0
    share = asked.above is not None
    before = figure.value if share or asked.averaged else sign * figure.threshold
    # Bounds of a mean are of its change already.
    start = 0.0 if asked.averaged else before
    ends = [None if end is None else end - start for end in (change.low, change.high)]
    words = _Words(asked, before)
    message = {
        Verdict.PASS: f"unchanged within {words.size(tolerance)}",
        Verdict.FAIL: f"worse by more than {words.size(tolerance)}",
        Verdict.IMPROVED: f"better by more than {words.size(tolerance)}; refresh the baseline",
        Verdict.INCONCLUSIVE: f"a change of {words.size(tolerance)} is neither shown nor excluded",
    }[verdict]
    low, high = ends if not asked.flipped else [None if end is None else -end for end in reversed(ends)]
    return Finding(
        0,
        "",
        asked.label,
        asked.pool,
        verdict,
        message,
        value=percent(value, 3) if share else asked.words(value),
        reference=f"{percent(figure.value, 3) if share else asked.words(figure.value)} ± {words.size(tolerance)}",
        shown=_between(words.change(low), words.change(high)),
        method=change.method,
        paths_needed=change.paths_needed,
        figures={
            "value": value,
            "baseline": figure.value,
            "tolerance": tolerance,
            "change_low": low,
            "change_high": high,
            "p_worse": change.worse,
            "p_better": change.better,
            "p_equal": change.equal,
            "paths_entered": float(change.entered),
            "paths_left": float(change.left),
        },
    )


def not_comparable(number: int, rule: str, asked: Statistic | None, reason: str) -> Finding:
    """A rule that cannot be put to these runs."""
    subject, pool = ("all results", "") if asked is None else (asked.label, asked.pool)
    return Finding(number, rule, subject, pool, Verdict.NOT_COMPARABLE, reason)


def too_few(number: int, rule: str, asked: Statistic, beyond: float, paths: int) -> Finding:
    """A quantile or mean that rests on too few of the paths to be a number."""
    mean = asked.averaged and asked.shortfall is None
    words = "with a loss" if mean else "expected beyond the level"
    message = f"{beyond:.3g} paths {words}; no number under {LEAST_EXCEEDANCES}"
    if mean:
        needed = math.ceil(paths * LEAST_EXCEEDANCES / max(beyond, 1.0))
    else:
        needed = paths_needed(asked.tail_level, LEAST_EXCEEDANCES)
    return Finding(number, rule, asked.label, asked.pool, Verdict.INCONCLUSIVE, message, paths_needed=needed)


def exact(number: int, baseline: Baseline, verdict: Verdict, message: str) -> Finding:
    """An exact rule's finding."""
    reference = baseline.content_hash[:16]
    return Finding(number, EXACT, "all results", "", verdict, message, reference=reference, method="content hash")


def identical(number: int, rule: Check, asked: Statistic, figure: Figure) -> Finding:
    """A regression's finding where every number of the run is the baseline's."""
    value = percent(figure.value, 3) if asked.above is not None else asked.words(figure.value)
    message = "every number of the run is that of the baseline"
    return Finding(
        number,
        rule.rule,
        asked.label,
        asked.pool,
        Verdict.PASS,
        message,
        value=value,
        reference=value,
        shown="none",
        method="content hash",
        figures={"value": figure.value, "baseline": figure.value, "change_low": 0.0, "change_high": 0.0},
    )


class _Words:
    """Changes as a share of what was there before, or as amounts where there was nothing."""

    def __init__(self, asked: Statistic, before: float) -> None:
        self.asked = asked
        self.before = abs(before)

    def size(self, amount: float) -> str:
        """10%, or $5,000 of a figure that was zero."""
        if self.before == 0.0:
            return percent(amount) if self.asked.above is not None else self.asked.words(amount)
        return rate(amount / self.before)

    def change(self, amount: float | None) -> str | None:
        """+3.1%."""
        if amount is None:
            return None
        shown = percent(abs(amount) / self.before, 3) if self.before else self.size(abs(amount))
        return ("+" if amount >= 0.0 else "-") + shown


def _between(low: str | None, high: str | None) -> str:
    """``1% to 2%``, ``over 1%``, ``under 2%``."""
    if low is None and high is None:
        return ""
    if low is None:
        return f"under {high}"
    return f"over {low}" if high is None else f"{low} to {high}"
