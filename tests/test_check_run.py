"""Checks of whole runs: verdicts, exit codes, baselines, explanations, what is written for machines."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import numpy as np
import pytest

import stress
from stress.check import Verdict, check, create_baseline, load_baseline
from stress.check.baseline import MOST_BYTES, checks_of, text, write
from stress.check.output import github, junit, markdown
from stress.cli import main
from stress.errors import DamagedBaseline, UsageError
from tests import fake_run
from tests.fake_run import Fake

REGRESSION: dict[str, Any] = {"rule": "regression", "metric": "required_fund", "level": 0.99, "within": 0.1}
CHECKS: tuple[dict[str, Any], ...] = (
    REGRESSION,
    {"metric": "required_fund", "level": 0.99, "at_most": 50e6},
    {"metric": "depletion", "at_most": 0.05},
    {"rule": "regression", "metric": "depletion", "within": 0.2},
    {"rule": "regression", "metric": "fund_low", "level": 0.02, "within": 0.3},
    {"rule": "exact"},
)
Make = Callable[..., stress.Run]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Runs by what they look like, each written once; ``manifest`` overrides entries of the manifest."""
    known: dict[str, stress.Run] = {}

    def made(manifest: dict[str, Any] | None = None, **fake: Any) -> stress.Run:
        key = repr((manifest, sorted(fake.items())))
        if key not in known:
            folder = fake_run.write(tmp_path_factory.mktemp("run"), Fake(**{"checks": CHECKS, **fake}))
            if manifest:
                content = json.loads((folder / "manifest.json").read_text())
                (folder / "manifest.json").write_text(json.dumps(content | manifest))
            known[key] = stress.load(folder)
        return known[key]

    return made


@pytest.fixture(scope="module")
def baseline_file(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Baseline of the plain run."""
    run, file = make(), tmp_path_factory.mktemp("baseline") / "made-up.json"
    write(file, create_baseline(run, checks_of(run), "first"))
    return file


def verdicts(run: stress.Run, file: Path) -> list[Verdict]:
    outcome = check(run, checks_of(run), load_baseline(file))
    return [finding.verdict for finding in outcome.findings]


def test_an_unchanged_run_passes_exactly(make: Make, baseline_file: Path) -> None:
    run = make()
    outcome = check(run, checks_of(run), load_baseline(baseline_file))
    assert [finding.verdict for finding in outcome.findings] == [Verdict.PASS] * len(CHECKS)
    assert outcome.exit_code == 0


def test_a_larger_loss_fails_what_compares_and_keeps_its_limits(make: Make, baseline_file: Path) -> None:
    run = make(scale=10e6)
    failed = [Verdict.FAIL, Verdict.PASS, Verdict.PASS, Verdict.FAIL, Verdict.FAIL, Verdict.FAIL]
    assert verdicts(run, baseline_file) == failed


def test_a_slightly_larger_loss_passes(make: Make, baseline_file: Path) -> None:
    run = make(scale=8.1e6, manifest={"kernel_digest": "7" * 64})
    expected = [Verdict.PASS] * 5 + [Verdict.NOT_COMPARABLE]
    assert verdicts(run, baseline_file) == expected
    assert main(["check", str(run.folder), "--baseline", str(baseline_file)]) == 0


def test_a_smaller_loss_is_an_improvement(make: Make, baseline_file: Path) -> None:
    run = make(scale=5e6, checks=(REGRESSION,))
    assert verdicts(run, baseline_file) == [Verdict.IMPROVED]
    assert main(["check", str(run.folder), "--baseline", str(baseline_file)]) == 0


def test_a_limit_is_shown_to_be_broken_kept_or_neither(make: Make) -> None:
    run = make()
    value = create_baseline(run, (), "x").series[0].figures[0]
    assert value.low is not None
    assert value.high is not None
    bounds = {0.8 * value.low: Verdict.FAIL, value.value: Verdict.INCONCLUSIVE, 1.2 * value.high: Verdict.PASS}
    for bound, verdict in bounds.items():
        rule = {"metric": "required_fund", "level": 0.99, "at_most": bound}
        assert verdicts_of(run, rule) == [verdict]
        turned = {Verdict.FAIL: Verdict.PASS, Verdict.PASS: Verdict.FAIL}.get(verdict, verdict)
        assert verdicts_of(run, {"metric": "required_fund", "level": 0.99, "at_least": bound}) == [turned]
    assert verdicts_of(run, {"metric": "bad_debt", "at_most": 2e6}) == [Verdict.PASS]
    assert verdicts_of(run, {"metric": "bad_debt", "at_most": 4e5}) == [Verdict.FAIL]
    assert verdicts_of(run, {"metric": "bad_debt", "above": 0.0, "at_most": 0.02}) == [Verdict.FAIL]
    assert verdicts_of(run, {"metric": "unpaid", "above": 0.0, "at_most": 0.02}) == [Verdict.PASS]


def verdicts_of(run: stress.Run, *rules: dict[str, Any]) -> list[Verdict]:
    from stress.scenario.checks import rule_of

    return [finding.verdict for finding in check(run, [rule_of(rule) for rule in rules]).findings]


def test_too_few_paths_are_inconclusive_and_say_how_many_decide(make: Make, tmp_path: Path) -> None:
    run = make(paths=500, checks=(REGRESSION | {"level": 0.999},))
    file = tmp_path / "few.json"
    write(file, create_baseline(run, checks_of(run), "few"))
    (finding,) = check(run, checks_of(run), load_baseline(file)).findings
    assert (finding.verdict, finding.paths_needed) == (Verdict.INCONCLUSIVE, 10_000)
    assert main(["check", str(run.folder), "--baseline", str(file)]) == 3


def test_another_seed_is_independent_and_says_so(make: Make, baseline_file: Path) -> None:
    run = make(seed=8, checks=(REGRESSION | {"within": 0.5},))
    outcome = check(run, checks_of(run), load_baseline(baseline_file))
    assert outcome.findings[0].verdict is Verdict.PASS
    assert outcome.findings[0].method.startswith("independent runs")
    assert "independent" in outcome.notes[0]


def test_more_paths_than_the_baseline_are_paired_over_its_own(make: Make, tmp_path: Path) -> None:
    run = make(paths=10_000)
    shorter = create_baseline(make(paths=9_000), checks_of(run), "shorter")
    outcome = check(run, checks_of(run)[:1], shorter)
    assert outcome.findings[0].method.startswith("paired")
    assert "first 9,000" in outcome.notes[0]


def test_another_scenario_is_not_comparable(
    make: Make, baseline_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make(manifest={"scenario_sections": {"run": "1" * 64, "pools.main": "3" * 64}})
    assert main(["check", str(run.folder), "--baseline", str(baseline_file)]) == 4
    assert "pools.main differs" in " ".join(capsys.readouterr().out.split())  # the table wraps long paths
    outcome = check(run, checks_of(run), load_baseline(baseline_file))
    assert [f.verdict for f in outcome.findings][1:3] == [Verdict.PASS, Verdict.PASS]  # limits need no baseline


def test_a_broken_limit_outranks_what_is_not_comparable(make: Make, baseline_file: Path) -> None:
    sections = {"scenario_sections": {"run": "1" * 64, "pools.main": "4" * 64}}
    run = make(manifest=sections, checks=(REGRESSION, {"metric": "bad_debt", "at_most": 1.0}))
    assert check(run, checks_of(run), load_baseline(baseline_file)).exit_code == 1


@pytest.mark.parametrize(
    ("manifest", "verdict", "words"),
    [
        ({}, Verdict.FAIL, "equal scenario, seed, kernels"),
        ({"kernel_digest": "8" * 64}, Verdict.NOT_COMPARABLE, "kernels"),
        ({"environment": {"numpy": "9.9", "numba": "0.68.1"}}, Verdict.NOT_COMPARABLE, "statistical rules decide"),
    ],
)
def test_exact_rules_ask_for_equal_bytes_only_where_they_are_promised(
    make: Make, baseline_file: Path, manifest: dict[str, Any], verdict: Verdict, words: str
) -> None:
    run = make(scale=9e6, manifest=manifest, checks=({"rule": "exact"},))
    (finding,) = check(run, checks_of(run), load_baseline(baseline_file)).findings
    assert finding.verdict is verdict
    assert words in finding.message
    code = {Verdict.FAIL: 1, Verdict.NOT_COMPARABLE: 4}[verdict]
    assert main(["check", str(run.folder), "--baseline", str(baseline_file)]) == code


def test_exact_rules_allow_one_part_in_a_billion_on_another_processor(make: Make, baseline_file: Path) -> None:
    other = {"platform": {"python": "3.12", "numba": "0.68.1", "cpu_features": ["avx512f"]}}
    for scale, verdict in ((8e6 * (1 + 1e-11), Verdict.PASS), (8e6 * (1 + 1e-7), Verdict.NOT_COMPARABLE)):
        run = make(scale=scale, manifest=other, checks=({"rule": "exact"},))
        assert verdicts(run, baseline_file) == [verdict]


def test_many_rules_fail_together_only_at_a_lower_level(make: Make, baseline_file: Path) -> None:
    """A change that one rule alone would call a failure: among twenty it is not decided."""
    run = make(scale=9.1e6)
    alone = check(run, checks_of(run)[:1], load_baseline(baseline_file)).findings[0]
    rules = [checks_of(run)[0]] + [checks_of(run)[1]] * 400
    among = check(run, rules, load_baseline(baseline_file)).findings[0]
    assert alone.p_value is not None
    assert among.p_value is not None
    assert among.p_value == pytest.approx(min(1.0, 401 * alone.p_value))
    assert (alone.verdict is Verdict.FAIL) == (alone.p_value <= 0.05)
    assert (among.verdict is Verdict.FAIL) == (among.p_value <= 0.05)


# --- the baseline file -----------------------------------------------------------------------------------------------


def test_a_baseline_reads_back_as_it_was_written(make: Make, baseline_file: Path) -> None:
    baseline = load_baseline(baseline_file)
    assert text(baseline) == baseline_file.read_text()
    assert baseline.reason == "first"
    assert all(len(line) <= 130 for line in baseline_file.read_text().splitlines())
    levels = {(s.metric, f.level, f.above) for s in baseline.series for f in s.figures}
    assert {("required_fund", 0.99, None), ("bad_debt", 0.999, None), ("required_fund", None, 25e6)} <= levels
    tail = baseline.series[0].worst_paths
    frame = make().paths.sort_values("required_fund", ascending=False)
    assert tail[:100] == frame["path"].head(100).tolist()


def test_a_baseline_stays_small_and_then_compares_without_the_paths(make: Make) -> None:
    rules = tuple(REGRESSION | {"metric": metric, "level": 0.5} for metric in ("bad_debt", "adl_notional", "fund_low"))
    run = make(paths=60_000, checks=rules, share=0.9)
    baseline = create_baseline(run, checks_of(run), "large")
    assert len(text(baseline).encode()) < MOST_BYTES
    other = make(paths=60_000, checks=rules, share=0.9, scale=12e6)
    outcome = check(other, checks_of(other), baseline)
    assert outcome.findings[0].verdict is Verdict.FAIL
    assert outcome.findings[0].method.startswith("independent")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda text: text[:-40], "damaged baseline"),
        (lambda text: text.replace('"seed": 7', '"seed": 8'), "edited by hand"),
        (lambda text: text.replace('"seed": 7', '<<<<<<< HEAD\n"seed": 7'), "damaged baseline"),
        (lambda text: text.replace('"format": 1', '"format": 2'), "format 2 is not known"),
        (lambda text: "[1, 2]", "not a baseline"),
        (lambda text: "", "damaged baseline"),
    ],
)
def test_a_damaged_baseline_is_a_clear_error(
    make: Make,
    baseline_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    damage: Callable[[str], str],
    words: str,
) -> None:
    file = tmp_path / "damaged.json"
    file.write_text(damage(baseline_file.read_text()))
    with pytest.raises(DamagedBaseline, match=words):
        load_baseline(file)
    assert main(["check", str(make().folder), "--baseline", str(file)]) == 5
    assert capsys.readouterr().err.startswith(f"error: {file}")


def test_refreshing_a_baseline_keeps_the_rules_and_tells_what_changed(
    make: Make, baseline_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "base.json"
    file.write_text(baseline_file.read_text())
    run = make(scale=10e6, manifest={"kernel_digest": "9" * 64})
    assert main(["baseline", "update", str(file), str(run.folder)]) == 2  # a reason is asked for
    assert main(["baseline", "update", str(file), str(run.folder), "--reason", "deeper  book"]) == 0
    assert re.search(r"required_fund 99%.*\+25%", capsys.readouterr().out)
    assert load_baseline(file).reason == "deeper book"
    assert main(["check", str(run.folder), "--baseline", str(file)]) == 0
    assert main(["baseline", "show", str(file)]) == 0
    assert "deeper book" in capsys.readouterr().out
    assert main(["baseline", "show", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["reason"] == "deeper book"
    assert main(["baseline", "create", str(run.folder), "-o", str(file)]) == 2  # there is one already
    assert main(["baseline", "create", str(run.folder), "-o", str(file), "--force"]) == 0


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([{"metric": "bad_dept", "at_most": 1.0}], "did you mean 'bad_debt'"),
        ([{"metric": "bad_debt", "pool": "other", "at_most": 1.0}], "no pool 'other'"),
        ([{"rule": "exact"}], "--baseline"),
        ([], "no checks"),
    ],
)
def test_what_cannot_be_asked_is_a_usage_error(make: Make, rules: list[dict[str, Any]], words: str) -> None:
    from stress.scenario.checks import rule_of

    with pytest.raises(UsageError, match=words):
        check(make(), [rule_of(rule) for rule in rules])


def test_an_unlimited_fund_is_never_depleted_and_a_missing_one_cannot_be(make: Make) -> None:
    rules = ({"metric": "depletion", "at_most": 1e-9}, {"rule": "regression", "metric": "depletion", "within": 0.1})
    run = make(capital=float("inf"), checks=rules)
    expected = [Verdict.PASS, Verdict.NOT_COMPARABLE]
    outcome = check(run, checks_of(run), create_baseline(run, checks_of(run), "unlimited"))
    assert [finding.verdict for finding in outcome.findings] == expected
    without = make(capital=float("nan"), checks=rules[:1])
    with pytest.raises(UsageError, match="neither fund nor vault"):
        check(without, checks_of(without))


# --- what is written -------------------------------------------------------------------------------------------------


def test_explain_names_paths_and_layers(make: Make, baseline_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = make(scale=10e6)
    assert main(["check", str(run.folder), "--baseline", str(baseline_file), "--explain"]) == 1
    out = capsys.readouterr().out
    worst = int(run.paths["required_fund"].idxmax())
    assert re.search(rf"path {worst}: \$[\d.]+M -> \$[\d.]+M \(\+25%\)", out)
    assert re.search(r"layer adl: paid \$[\d.]+M -> \$[\d.]+M on average", out)


def test_json_holds_the_numbers(make: Make, baseline_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = make(scale=10e6)
    assert main(["check", str(run.folder), "--baseline", str(baseline_file), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["exit_code"] == 1
    assert document["findings"][0]["verdict"] == "fail"
    assert document["findings"][0]["figures"]["change_low"] > 0.0


@pytest.mark.parametrize("scale", [8e6, 8.2e6, 10e6])
def test_junit_files_validate(make: Make, baseline_file: Path, tmp_path: Path, scale: float) -> None:
    xmlschema = pytest.importorskip("xmlschema")
    run = make(scale=scale, manifest={"kernel_digest": "7" * 64} if scale == 8.2e6 else None)
    file = tmp_path / "checks.xml"
    main(["check", str(run.folder), "--baseline", str(baseline_file), "--junit", str(file), "--explain"])
    xmlschema.XMLSchema(str(Path(__file__).with_name("junit.xsd"))).validate(str(file))
    suite = Xml.parse(file).getroot()[0]
    outcome = check(run, checks_of(run), load_baseline(baseline_file))
    assert int(suite.attrib["tests"]) == len(suite.findall("testcase")) == len(CHECKS)
    assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure"))
    assert len(suite.findall("testcase/failure")) == sum(f.verdict is Verdict.FAIL for f in outcome.findings)
    assert len(suite.findall("testcase/skipped")) == sum(f.verdict is Verdict.NOT_COMPARABLE for f in outcome.findings)


def test_junit_survives_characters_that_xml_lacks(make: Make, baseline_file: Path) -> None:
    outcome = check(make(), checks_of(make()), load_baseline(baseline_file), baseline_file="a\x00b\x1b<&>.json")
    assert 'value="a?b?&lt;&amp;&gt;.json"' in junit.render(outcome)


def test_markdown_has_a_row_per_rule(make: Make, baseline_file: Path) -> None:
    run = make(scale=10e6)
    rendered = markdown.render(check(run, checks_of(run), load_baseline(baseline_file)))
    assert rendered.count("\n| ") == len(CHECKS) + 2
    assert "| ❌ fail | regression | main | required\\_fund 99% |" in rendered


def test_github_gets_a_summary_and_annotations_at_the_rules(
    make: Make, baseline_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make(scale=10e6)
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert main(["check", str(run.folder), "--baseline", str(baseline_file)]) == 1
    assert summary.read_text().startswith("### made-up: 4 fail")
    commands = [line for line in capsys.readouterr().err.splitlines() if line.startswith("::")]
    assert len(commands) == 4
    assert all(re.fullmatch(r"::error title=[^:,]+(%3A|%2C|[^:,])*::.+", command) for command in commands)
    places = {k: (str(tmp_path / "ci" / "scenario.yaml"), 40 + k) for k in range(len(CHECKS))}
    outcome = check(run, checks_of(run), load_baseline(baseline_file), places=places)
    assert github.workflow_commands(outcome, tmp_path)[0].startswith("::error file=ci/scenario.yaml,line=40,title=")


def test_github_shows_ten_annotations_of_a_kind_and_a_mebibyte(make: Make, baseline_file: Path) -> None:
    run = make(scale=10e6)
    outcome = check(run, checks_of(run)[:1] * 25, load_baseline(baseline_file))
    commands = github.workflow_commands(outcome)
    assert len(commands) == github.MOST_ANNOTATIONS
    assert "16 more" in commands[-1]
    long = github.fitting("é" * 50 + "\n" + "x" * 100 + "\n" * 3, 190)
    assert len(long.encode()) <= 190
    assert long.endswith("summary of a step.\n")
    assert github.fitting("short\n", 100) == "short\n"
    assert github.fitting("long " * 100, 10) == ""


# --- odd runs --------------------------------------------------------------------------------------------------------


def test_weighted_runs_are_checked_and_kept(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths with likelihood ratios: the baseline keeps them, and equal ones are paired."""
    from stress.check import baseline as baselines
    from stress.check import evaluate
    from stress.check.metrics import Sample, read

    ratios = np.where(np.random.default_rng(3).random(10_000) < 0.5, 0.5, 1.5)

    def weighted(run: stress.Run, asked: Any) -> Sample:
        return Sample(read(run, asked).values, ratios)

    monkeypatch.setattr(baselines, "read", weighted)
    monkeypatch.setattr(evaluate, "read", weighted)
    run, file = make(), tmp_path / "weighted.json"
    write(file, create_baseline(run, checks_of(run), "weighted"))
    kept = load_baseline(file)
    figure = kept.series[0].figures[0]
    assert figure.weight is not None
    assert figure.weight == pytest.approx(100.0, abs=1.5)
    assert kept.series[0].worst_weights is not None
    assert set(kept.series[0].worst_weights) == {0.5, 1.5}
    other = make(scale=10e6)
    findings = check(other, checks_of(other), kept).findings
    assert findings[0].method == "paired weighted paths: MOVER of gamma bounds"
    assert [finding.verdict for finding in findings[:3]] == [Verdict.FAIL, Verdict.PASS, Verdict.PASS]
    same = make(manifest={"content_hash": "0" * 64})
    assert check(same, checks_of(same), kept).findings[0].verdict is Verdict.PASS


def test_what_never_happens_is_not_a_number(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    never = {"metric": "first_decline_s", "level": 0.5, "at_least": 3600.0}
    run = make(checks=(never,))
    assert main(["check", str(run.folder)]) == 0
    assert "never" in capsys.readouterr().out
    assert main(["check", str(run.folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["findings"][0]["figures"]["value"] is None
    rule = {"rule": "regression", "metric": "first_decline_s", "level": 0.5, "within": 0.1}
    odd = make(checks=(rule,))
    with pytest.raises(UsageError, match="has no number"):
        create_baseline(odd, checks_of(odd), "never")


def test_a_finished_run_takes_no_options_of_a_scenario(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(make().folder), "--seed", "3", "--set", "run.horizon=1h"]) == 2
    assert "--set, --seed say how a scenario is run" in capsys.readouterr().err
