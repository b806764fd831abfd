"""Puts every rule to a run, and to its baseline where the rule asks for one."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from stress.check import describe, exact, explain
from stress.check.baseline import Baseline, Figure, Series
from stress.check.finding import Finding, Outcome, Verdict
from stress.check.limit import answer, point
from stress.check.metrics import Sample, Statistic, read, statistic
from stress.check.regression import Change, Comparison, resting_on
from stress.check.statistics import Tally, holm
from stress.errors import UsageError
from stress.scenario.checks import EXACT, LIMIT, Check
from stress.sizing.estimate import LEAST_EXCEEDANCES, expected_exceedances

if TYPE_CHECKING:
    from stress.store import Run

Place = tuple[str, int | None]
"""File and line of a rule."""


@dataclass(frozen=True)
class Judged:
    """A finding before the p-values of all rules are known."""

    finding: Finding
    failing: float | None = None
    """p-value that decides between fail and inconclusive; None where nothing is tested."""
    tail: float = 0.05


def check(
    run: Run,
    checks: Sequence[Check],
    baseline: Baseline | None = None,
    *,
    baseline_file: str = "",
    places: Mapping[int, Place] | None = None,
    explained: bool = False,
) -> Outcome:
    """Put the rules to a run.

    Args:
        run: a complete run.
        checks: rules, as the scenario gives them.
        baseline: what regression and exact rules are held against.
        baseline_file: its name, for the outcome.
        places: file and line of rules by their number.
        explained: name the paths and layers that moved.

    Raises:
        UsageError: a rule needs a baseline and there is none, or asks for what the run does not have.
    """
    began = time.perf_counter()
    if not checks:
        raise UsageError("the scenario has no checks; write at least one, such as {rule: exact}, under 'checks:'")
    if baseline is None and any(rule.rule != LIMIT for rule in checks):
        raise UsageError("the scenario has rules that need a baseline; name its file with --baseline")
    judge = _Judge(run, baseline, explained)
    judged = [judge.timed(number, rule) for number, rule in enumerate(checks)]
    findings = []
    adjusted = iter(holm([one.failing for one in judged if one.failing is not None]))
    for one in judged:
        p_value = None if one.failing is None else next(adjusted)
        file, line = (places or {}).get(one.finding.number, ("", None))
        findings.append(replace(_settled(one, p_value), file=file, line=line))
    return Outcome(
        scenario=run.manifest["scenario_name"],
        run=str(run.folder),
        baseline=baseline_file,
        paths=run.manifest["paths"],
        seed=run.manifest["seed"],
        findings=tuple(findings),
        notes=tuple(judge.notes()),
        differences=judge.differences,
        seconds=time.perf_counter() - began,
    )


def _settled(judged: Judged, p_value: float | None) -> Finding:
    """A failure must stand after Holm's adjustment; else it is undecided."""
    finding = replace(judged.finding, p_value=p_value)
    if finding.verdict is Verdict.FAIL and p_value is not None and p_value > judged.tail:
        reason = f"{finding.message}, but not at p = {p_value:.2g}, adjusted for the number of rules"
        return replace(finding, verdict=Verdict.INCONCLUSIVE, message=reason)
    return finding if finding.verdict is Verdict.INCONCLUSIVE else replace(finding, paths_needed=None)


class _Judge:
    """One run, one baseline."""

    def __init__(self, run: Run, baseline: Baseline | None, explained: bool) -> None:
        self.run = run
        self.baseline = baseline
        self.explained = explained
        self.differences = () if baseline is None else differences(run.manifest, baseline)
        self.samples: dict[tuple[str, str, bool], Sample] = {}

    def notes(self) -> list[str]:
        """What a reader must know of the comparison."""
        if self.baseline is None or self.differences:
            return []
        found = []
        if not self.same_paths:
            found.append("other random numbers than the baseline's: the runs are independent, and less is decided")
        elif self.run.manifest["paths"] != self.baseline.paths:
            common = min(self.run.manifest["paths"], self.baseline.paths)
            found.append(f"the run has not as many paths as the baseline: paired over the first {common:,}")
        return found

    @property
    def same_paths(self) -> bool:
        """Whether a path of a number saw the same prices in both."""
        manifest, baseline = self.run.manifest, self.baseline
        return baseline is not None and (manifest["seed"], manifest["stream_layout"]) == (
            baseline.seed,
            baseline.stream_layout,
        )

    def timed(self, number: int, rule: Check) -> Judged:
        """A rule's finding with the time it took."""
        began = time.perf_counter()
        judged = self.rule(number, rule)
        return replace(judged, finding=replace(judged.finding, seconds=time.perf_counter() - began))

    def rule(self, number: int, rule: Check) -> Judged:
        """A rule's finding."""
        asked = None if rule.rule == EXACT else statistic(rule, self.run)
        if asked is not None and rule.rule == LIMIT:
            found = answer(rule, asked, self.sample(asked))
            return Judged(describe.limit(number, rule, asked, found), found.broken, 1.0 - rule.confidence)
        if self.baseline is None or self.differences:
            return Judged(describe.not_comparable(number, rule.rule, asked, "the baseline is of another scenario"))
        if asked is None:
            verdict, message = exact.compare(self.run, self.baseline)
            return Judged(describe.exact(number, self.baseline, verdict, message))
        return self.regression(number, rule, asked, self.baseline)

    def sample(self, asked: Statistic) -> Sample:
        """The column of a statistic, read once."""
        key = asked.metric, asked.pool, asked.flipped
        if key not in self.samples:
            self.samples[key] = read(self.run, asked)
        return self.samples[key]

    def regression(self, number: int, rule: Check, asked: Statistic, baseline: Baseline) -> Judged:
        """A figure against the baseline's."""
        found = baseline.find(asked)
        if found is None:
            reason = "the baseline does not have this figure; baseline update adds it"
            return Judged(describe.not_comparable(number, rule.rule, asked, reason))
        series, figure = found
        beyond = self._beyond(asked, baseline, figure)
        if beyond < LEAST_EXCEEDANCES:
            return Judged(describe.too_few(number, rule.rule, asked, beyond, self.run.manifest["paths"]))
        if self.run.manifest["content_hash"] == baseline.content_hash:
            return Judged(describe.identical(number, rule, asked, figure))
        comparison = Comparison(baseline.tail(series, figure), self.sample(asked), self.same_paths)
        return self._compared(number, rule, asked, (series, figure), comparison)

    def _beyond(self, asked: Statistic, baseline: Baseline, figure: Figure) -> float:
        """Paths that the quantile rests on in the poorer of the two runs; probabilities rest on all."""
        if asked.above is not None:
            return math.inf
        if asked.averaged and asked.shortfall is None:
            return float(min(figure.beyond, int(np.count_nonzero(self.sample(asked).values > 0.0))))
        before = expected_exceedances(baseline.paths, asked.tail_level)
        if not asked.averaged and figure.weight is not None and figure.square is not None:
            before = Tally(figure.beyond, figure.weight, figure.square).worth
        return min(before, resting_on(self.sample(asked), asked.tail_level))

    def _compared(
        self, number: int, rule: Check, asked: Statistic, known: tuple[Series, Figure], comparison: Comparison
    ) -> Judged:
        tail, figure = 1.0 - rule.confidence, known[1]
        scale = figure.value if rule.probability or asked.averaged else figure.threshold
        tolerance = max((rule.within or 0.0) * abs(scale), rule.or_amount or 0.0)
        if asked.averaged:
            change = comparison.mean(tolerance, tail, 0.0 if asked.shortfall is None else asked.tail_level)
        else:
            change = (comparison.share if rule.probability else comparison.quantile)(tolerance, tail)
        verdict = _verdict(change, tail)
        sample = self.sample(asked)
        explanation: tuple[str, ...] = ()
        if self.explained and verdict is not Verdict.PASS:
            explanation = tuple(explain.moved(self.run, asked, sample, *known, comparison.paired))
        finding = describe.regression(asked, figure, point(asked, sample), change, tolerance, verdict)
        return Judged(replace(finding, number=number, rule=rule.rule, explanation=explanation), change.worse, tail)


def differences(manifest: Mapping[str, Any], baseline: Baseline) -> tuple[str, ...]:
    """Parts of the scenario in which a run and a baseline differ, in words."""
    mine = {name: digest[:16] for name, digest in manifest["scenario_sections"].items()}
    theirs = baseline.sections
    words = []
    for name in sorted(mine.keys() | theirs.keys()):
        if name not in theirs:
            words.append(f"{name} is not in the baseline")
        elif name not in mine:
            words.append(f"{name} is in the baseline only")
        elif mine[name] != theirs[name]:
            words.append("the markets or pools, or their order, differ" if name == "order" else f"{name} differs")
    return tuple(words)


def _verdict(change: Change, tail: float) -> Verdict:
    if change.equal <= tail:
        return Verdict.PASS
    if change.worse <= tail:
        return Verdict.FAIL
    return Verdict.IMPROVED if change.better <= tail else Verdict.INCONCLUSIVE
