"""The kernels against a second implementation, on the cases of the model and on random venues."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import conformance, naive
from tests.conformance import compare as given_case
from tests.naive.compare import differences, on_a_knife_edge
from tests.naive.furnish import furnished
from tests.venues import cases, sample

Json = dict[str, Any]

OWN = sorted((Path(__file__).parent / "cases").glob("*.json"))
GIVEN = sorted((Path(__file__).resolve().parents[2] / "shared" / "conformance").glob("*.json"))
FIXED = settings(derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow], deadline=None)
FURNISHED = st.builds(furnished, cases(), st.integers(0, 2**32))


def read(file: Path) -> Json:
    case: Json = json.loads(file.read_text(encoding="utf-8"))
    return case


@pytest.mark.parametrize("file", OWN + GIVEN, ids=lambda file: file.stem)
def test_cases_of_the_model(file: Path) -> None:
    case = read(file)
    assert given_case.differences(case, naive.play(case["input"])) == []


def check(case: Json) -> None:
    found = differences(case, conformance.play(case), naive.play(case))
    assert not found or on_a_knife_edge(case, naive.play), found


@settings(FIXED, max_examples=60)
@given(cases())
def test_random_venues(case: Json) -> None:
    check(case)


@settings(FIXED, max_examples=60)
@given(FURNISHED)
def test_furnished_venues(case: Json) -> None:
    check(case)


@pytest.mark.slow
@settings(FIXED, max_examples=1500)
@given(st.one_of(cases(), FURNISHED))
def test_many_random_venues(case: Json) -> None:
    check(case)


def test_few_cases_are_decided_by_rounding() -> None:
    """What lets a difference pass would let one case in ten pass, and has to in one of a hundred."""
    drawn = sample(300)
    differ = [case for case in drawn if differences(case, conformance.play(case), naive.play(case))]
    weathers = {json.dumps(case["markets"]) for case in differ}  # neighbours differ in idle rules
    assert len(weathers) <= 2
    assert sum(on_a_knife_edge(case, naive.play) for case in drawn) <= 30


def test_another_rule_is_another_result() -> None:
    """The comparison itself: in most venues a rule that is left out shows."""
    shown = 0
    for case in sample(100):
        other = copy.deepcopy(case)
        for pool in other["pools"]:
            pool["layers"] = []
        shown += bool(differences(case, naive.play(case), {**naive.play(case), "pools": naive.play(other)["pools"]}))
    assert shown >= 50
