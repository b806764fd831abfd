"""Means and expected shortfalls held against a baseline."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import stress
from stress.check import Verdict, check, create_baseline
from stress.check.baseline import Baseline, checks_of, text
from stress.check.limit import mean_terms
from stress.check.metrics import Sample
from stress.check.regression import Comparison, mean_tail
from stress.check.rules import require_sound
from stress.errors import InvalidInput
from stress.scenario import load_scenario
from stress.scenario.checks import rule_of
from tests import fake_run, weighted
from tests.fake_run import Fake

RULES: tuple[dict[str, Any], ...] = (
    {"rule": "regression", "metric": "bad_debt", "within": 0.1},
    {"rule": "regression", "metric": "bad_debt", "shortfall": 0.99, "within": 0.1},
    {"rule": "regression", "metric": "required_fund", "shortfall": 0.95, "within": 0.1},
)


def made(folder: Path, **fake: Any) -> stress.Run:
    return stress.load(fake_run.write(folder, Fake(checks=RULES, **fake)))


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> stress.Run:
    return made(tmp_path_factory.mktemp("before") / "run")


@pytest.fixture(scope="module")
def baseline(before: stress.Run) -> Baseline:
    return create_baseline(before, checks_of(before), "first")


def verdicts(run: stress.Run, baseline: Baseline) -> set[Verdict]:
    return {finding.verdict for finding in check(run, checks_of(run), baseline).findings}


@pytest.mark.parametrize(
    ("scale", "verdict"),
    [(8e6, Verdict.PASS), (8.1e6, Verdict.PASS), (10e6, Verdict.FAIL), (6e6, Verdict.IMPROVED)],
)
def test_means_and_shortfalls_are_told_apart(
    baseline: Baseline, tmp_path: Path, scale: float, verdict: Verdict
) -> None:
    assert verdicts(made(tmp_path / "run", scale=scale), baseline) == {verdict}


def test_other_random_numbers_decide_less_and_say_how_many_paths_would(baseline: Baseline, tmp_path: Path) -> None:
    outcome = check(made(tmp_path / "run", seed=8), checks_of(made(tmp_path / "again")), baseline)
    assert {finding.verdict for finding in outcome.findings} == {Verdict.INCONCLUSIVE}
    assert all(finding.method.startswith("independent runs") for finding in outcome.findings)
    assert all(finding.paths_needed and finding.paths_needed > 10_000 for finding in outcome.findings)


def test_a_finding_shows_the_figure_and_its_change(before: stress.Run, baseline: Baseline, tmp_path: Path) -> None:
    now = made(tmp_path / "run", scale=10e6)
    outcome = check(now, checks_of(now), baseline)
    mean, shortfall = outcome.findings[:2]
    assert (mean.subject, shortfall.subject) == ("bad_debt mean", "bad_debt ES 99%")
    assert mean.figures["value"] == pytest.approx(now.paths["bad_debt"].mean())
    assert mean.figures["baseline"] == pytest.approx(before.paths["bad_debt"].mean())
    for finding in (mean, shortfall):
        change = (finding.figures["value"] or 0.0) - (finding.figures["baseline"] or 0.0)
        assert finding.figures["change_low"] is not None
        assert finding.figures["change_high"] is not None
        assert finding.figures["change_low"] < change < finding.figures["change_high"]
        assert finding.method.startswith("paired paths")


def test_a_shortfall_is_explained_by_the_paths_of_its_tail(baseline: Baseline, tmp_path: Path) -> None:
    """Losses that grow alike stay in the tail: a hundred paths are the worst percent before and after."""
    now = made(tmp_path / "run", scale=10e6)
    explanation = check(now, checks_of(now), baseline, explained=True).findings[1].explanation
    assert any("of the worst paths changed" in line for line in explanation)
    assert not any(line.startswith(("came into the tail", "left it")) for line in explanation)


def test_few_losses_are_too_few(tmp_path: Path) -> None:
    few = made(tmp_path / "run", paths=1_000, share=0.006)
    kept = create_baseline(few, checks_of(few), "few")
    now = made(tmp_path / "now", paths=1_000, share=0.006, scale=9e6)
    finding = check(now, checks_of(now), kept).findings[0]
    assert finding.verdict is Verdict.INCONCLUSIVE


def test_weighted_means_are_paired_by_their_weights(before: stress.Run, tmp_path: Path) -> None:
    number, weight, component = weighted.draw(weighted.severity(before), 6_000, 1)
    drawn = weighted.write(before, tmp_path / "drawn", number, weight, component)
    kept = create_baseline(drawn, checks_of(drawn), "weighted")
    worse = made(tmp_path / "worse", scale=10e6)
    now = weighted.write(worse, tmp_path / "now", number, weight, component)
    for run, verdict in ((drawn, Verdict.PASS), (now, Verdict.FAIL)):
        outcome = check(run, checks_of(run), kept)
        assert {finding.verdict for finding in outcome.findings} == {verdict}
    assert (outcome.findings[0].figures["value"] or 0.0) == pytest.approx(worse.paths["bad_debt"].mean(), rel=0.1)
    again = weighted.resampled(before, tmp_path / "again", 6_000, seed=2)
    methods = {finding.method for finding in check(again, checks_of(again), kept).findings}
    assert all(method.startswith("independent") for method in methods)
    assert len(text(kept)) < 100_000


def missed(repetitions: int, paired: bool, level: float) -> tuple[float, float]:
    """Shares of the repetitions in which the lower, and the upper bound of a change is missed."""
    rng = np.random.default_rng(4)
    factor, found = 1.3, np.zeros(2)
    big = np.where(rng.random(2_000_000) < 0.1, rng.pareto(2.5, 2_000_000), 0.0)
    truth = (factor - 1.0) * float(mean_terms(Sample(big), level).mean())
    for _ in range(repetitions):
        old, other = (np.where(rng.random(4_000) < 0.1, rng.pareto(2.5, 4_000), 0.0) for _ in range(2))
        now = factor * (old if paired else other)
        change = Comparison(mean_tail(Sample(old), level), Sample(now), paired).mean(0.0, 0.05, level)
        assert change.paired == paired
        assert change.low is not None
        assert change.high is not None
        found += change.low > truth, change.high < truth
    return found[0] / repetitions, found[1] / repetitions


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("level", [0.0, 0.95])
def test_bounds_of_a_change_are_missed_as_rarely_as_they_claim(paired: bool, level: float) -> None:
    """At most 5 % each; 200 repetitions have a standard error of 1.5 %."""
    assert max(missed(200, paired, level)) <= 0.05 + 3.0 * math.sqrt(0.05 * 0.95 / 200)


def test_limits_read_a_shortfall(before: stress.Run) -> None:
    values = np.sort(before.paths["bad_debt"])[-100:]
    for bound, verdict in ((0.5, Verdict.FAIL), (2.0, Verdict.PASS), (1.0, Verdict.INCONCLUSIVE)):
        rule = rule_of({"metric": "bad_debt", "shortfall": 0.99, "at_most": bound * float(values.mean())})
        finding = check(before, [rule]).findings[0]
        assert finding.verdict is verdict
        assert finding.figures["value"] == pytest.approx(values.mean())


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("{rule: regression, metric: bad_debt, level: 99%, shortfall: 99%, within: 5%}", "is read alone"),
        ("{metric: depletion, shortfall: 99%, at_most: 5%}", "is an expected shortfall, but a probability is checked"),
        ("{rule: regression, metric: bad_debt, within: 5%, worse: lower}", "means are compared where more is worse"),
        ("{rule: regression, metric: fund_low, within: 5%}", "means are compared where more is worse, not of fund_low"),
    ],
)
def test_rules_that_no_run_could_answer_are_refused(tmp_path: Path, rule: str, words: str) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(f"format: 1\nname: own\nextends: [minimal]\nchecks:\n  - {rule}\n")
    with pytest.raises(InvalidInput, match=words):
        require_sound(load_scenario(file))
