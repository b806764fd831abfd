"""Rules in scenario files: mistakes at their line, built-in rules, examples of the docs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from stress.check import load_baseline
from stress.check.baseline import MOST_BYTES, text
from stress.cli import main


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("{metric: required_fund, level: 99%, at_most: 30M}", ""),
        ("{metric: depletion, at_most: 0.1%}", ""),
        ("{metric: bad_debt, above: 0, at_least: 1%, at_most: 20%, confidence: 99%}", ""),
        ("{rule: regression, metric: bad_debt, level: 99%, within: 10%, or_amount: 5k}", ""),
        ("{rule: exact}", ""),
        ("{metric: bad_dept, at_most: 1}", "metric: unknown metric 'bad_dept'; did you mean 'bad_debt'?"),
        ("{metric: bad_debt}", "give at_most or at_least"),
        ("{metric: depletion, at_most: 5M}", "at_most: bounds a probability"),
        ("{metric: depletion, level: 99%, at_most: 5%}", "level: is a quantile, but a probability is checked"),
        ("{metric: bad_debt, level: 99%, within: 10%}", "within: is not read here"),
        ("{rule: regression, metric: bad_debt, within: 10%}", ""),
        ("{rule: regression, metric: bad_debt, shortfall: 99%, within: 10%}", ""),
        ("{rule: regression, metric: bad_debt, level: 99%}", "give the tolerated change"),
        ("{rule: regression, metric: bad_debt, level: 99%, within: 10%, at_most: 5}", "at_most: is not read here"),
        ("{rule: exact, metric: bad_debt}", "metric: is not read here"),
        ("{rule: exect}", "did you mean 'exact'"),
        ("{at_most: 5}", "metric: is missing"),
    ],
)
def test_rules_are_checked_at_their_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rule: str, message: str
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(f"format: 1\nname: mine\nextends: [minimal]\nchecks:\n  - {rule}\n")
    code = main(["validate", str(file)])
    errors = capsys.readouterr().err
    assert code == (2 if message else 0)
    assert message in errors
    assert not message or errors.startswith(f"{file}:5:")


def test_release_with_a_new_default_asks_the_same_question(tmp_path: Path) -> None:
    from stress.scenario import load_scenario

    file = tmp_path / "mine.yaml"
    file.write_text("format: 1\nname: mine\nextends: [minimal]\n")
    plain = load_scenario(file).sections
    assert load_scenario(file, ["run.max_rounds=100"]).sections == plain  # the default written out
    assert load_scenario(file, seed=9, paths=17).sections == plain
    assert load_scenario(file, ["sizing.depletion=2%"]).sections == plain
    deeper = load_scenario(file, ["markets.BTC.liquidity.depth=30M"]).sections
    assert {name for name in plain if plain[name] != deeper[name]} == {"markets.BTC"}


def test_built_in_scenarios_with_rules_have_a_committed_baseline(root: Path) -> None:
    """What they say is checked by .ci/run; here only that the files are whole and speak of these scenarios."""
    from stress.scenario import built_ins, load_scenario

    kept = {file.stem: load_baseline(file) for file in (root / "scenarios" / "baselines").glob("*.json")}
    ruled = {known.name for known in built_ins() if load_scenario(known.name).scenario.checks}
    assert kept
    assert kept.keys() <= ruled
    assert all(baseline.scenario == name for name, baseline in kept.items())
    assert all(len(text(baseline).encode()) < MOST_BYTES for baseline in kept.values())


def test_ci_examples_of_the_docs_are_yaml_and_their_rules_are_sound(root: Path, tmp_path: Path) -> None:
    import yaml

    from stress.scenario import load_scenario

    blocks = re.findall(r"```yaml\n(.*?)```", (root / "docs" / "regression.md").read_text(), re.DOTALL)
    rules, github_actions, gitlab = blocks
    assert "tailstress check" in json.dumps(yaml.safe_load(github_actions))
    assert "tailstress check" in json.dumps(yaml.safe_load(gitlab))
    file = tmp_path / "documented.yaml"
    file.write_text(f"format: 1\nname: documented\nextends: [minimal]\n{rules}")
    assert len(load_scenario(file).scenario.checks) == 9


def test_rules_of_a_resolved_scenario_are_those_of_the_file(tmp_path: Path) -> None:
    """A run keeps its scenario with every default written out, and is checked by it."""
    from stress.scenario import built_ins, load_scenario
    from stress.scenario.checks import rule_of

    for known in built_ins():
        loaded = load_scenario(known.name)
        assert tuple(rule_of(value) for value in loaded.canonical["checks"]) == loaded.scenario.checks
    resolved = tmp_path / "scenario.resolved.json"
    resolved.write_text(json.dumps(load_scenario("minimal").canonical))
    again = load_scenario(resolved)
    assert again.scenario.checks == load_scenario("minimal").scenario.checks
    assert again.sections == load_scenario("minimal").sections
