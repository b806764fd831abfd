"""Cases of the model against the kernels: the project's own, and those kept beside the source tree."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import play
from tests.conformance.__main__ import main
from tests.conformance.compare import differences

OWN = sorted((Path(__file__).parent / "cases").glob("*.json"))
GIVEN = sorted((Path(__file__).resolve().parents[2] / "shared" / "conformance").glob("*.json"))


def read(file: Path) -> dict[str, Any]:
    case: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return case


@pytest.mark.interpreted
@pytest.mark.parametrize("file", OWN, ids=lambda file: file.stem)
def test_own_cases(file: Path) -> None:
    case = read(file)
    assert differences(case, play(case["input"])) == []


@pytest.mark.parametrize("file", GIVEN, ids=lambda file: file.stem)
def test_given_cases(file: Path) -> None:
    case = read(file)
    assert differences(case, play(case["input"])) == []


def test_a_wrong_number_is_found() -> None:
    """The comparison itself: every expected number of a case is looked at."""
    case = read(OWN[0])
    result = play(case["input"])
    for path in case["expected_by_hand"]:
        wrong = copy.deepcopy(case)
        wrong["expected_by_hand"][path] = 123.456
        assert [line.split(":")[0] for line in differences(wrong, result)] == [path]
    full = {"input": case["input"], "expected": {**result, "max_rounds_seen": 99, "more": 1, "log": ["anything"]}}
    assert [line.split(":")[0] for line in differences(full, result)] == ["max_rounds_seen", "more"]


def test_command_prints_one_object_per_case(root: Path) -> None:
    files = [str(file.relative_to(root)) for file in OWN[:2]]
    command = [sys.executable, "-m", "tests.conformance", *files]
    done = subprocess.run(command, cwd=root, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    assert [differences(read(file), result) for file, result in zip(OWN[:2], printed, strict=True)] == [[], []]


def test_command_ends_with_2_when_a_case_cannot_be_played(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unknown = read(OWN[0])["input"]
    unknown["pools"][0]["limit"] = {"type": "hope"}
    broken, refused = tmp_path / "broken.json", tmp_path / "refused.json"
    broken.write_text("{")
    refused.write_text(json.dumps({"input": unknown}))
    assert main([str(broken), str(refused), str(tmp_path / "absent.json"), str(OWN[1])]) == 2
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1
    assert differences(read(OWN[1]), json.loads(out)) == []
    lines = err.splitlines()
    assert [line.split(": ")[1] for line in lines] == ["JSONDecodeError", "Unsupported", "FileNotFoundError"]
    assert "rule hope" in lines[1]


def test_command_without_cases_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "CASE.json" in capsys.readouterr().err
