"""``tailstress run`` over a fake cascade: what it prints, where it writes and how it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import stress
from stress.cli import main
from stress.cli.progress import Lines
from stress.errors import ExitCode
from tests import fake_plan

RUN = ["run", "minimal", "--paths", "200", "--seed", "3"]


@pytest.fixture(autouse=True)
def _fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_plan.install(monkeypatch, fake_plan.FakeCascade())
    monkeypatch.chdir(tmp_path)


def test_prints_a_table_and_the_folder_last(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(RUN) == ExitCode.OK
    out, err = capsys.readouterr()
    folder = Path(out.splitlines()[-1])
    assert folder.parent == Path("runs")
    assert folder.name.startswith("minimal-3-")
    run = stress.load(folder)
    run.verify()
    assert run.manifest["paths"] == 200
    assert run.manifest["seed"] == 3
    assert run.manifest["command"] == "tailstress run minimal --seed 3 --paths 200"
    for label in ("P(any bad debt)", "P(any ADL)", "P(any unpaid loss)", "required fund, 99% quantile", "depleted)"):
        assert label in out
    assert "100 %  200 of 200 paths" in err


def test_json_is_all_there_is_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*RUN, "--json", "-q", "-o", "here"]) == ExitCode.OK
    out, err = capsys.readouterr()
    said = json.loads(out)
    assert said["folder"] == "here"
    assert said["content_hash"] == stress.load("here").manifest["content_hash"]
    assert said["sizing"]["paths"] == 200
    assert err == ""


def test_overrides_are_in_the_command_that_repeats_the_run() -> None:
    assert main([*RUN, "-q", "-o", "here", "--set", "pools.main.liquidation.fee=1 %"]) == ExitCode.OK
    command = stress.load("here").manifest["command"]
    assert command == "tailstress run minimal --set 'pools.main.liquidation.fee=1 %' --seed 3 --paths 200"


def test_a_full_folder_needs_a_decision(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*RUN, "-q", "-o", "here"]) == ExitCode.OK
    before = stress.load("here").manifest["content_hash"]
    assert main([*RUN, "-q", "-o", "here"]) == ExitCode.INVALID
    assert "--resume" in capsys.readouterr().err
    assert main([*RUN, "-q", "-o", "here", "--resume"]) == ExitCode.OK
    assert main([*RUN, "-q", "-o", "here", "--force"]) == ExitCode.OK
    assert stress.load("here").manifest["content_hash"] == before
    assert main([*RUN, "-q", "-o", "here", "--force", "--resume"]) == ExitCode.INVALID


def test_another_seed_cannot_resume(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*RUN, "-q", "-o", "here"]) == ExitCode.OK
    code = main(["run", "minimal", "--paths", "200", "--seed", "4", "-q", "-o", "here", "--resume"])
    assert code == ExitCode.NOT_COMPARABLE
    assert "seed is 4, was 3" in capsys.readouterr().err


def test_a_path_that_is_not_finite_is_a_bug_with_its_number(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_plan.install(monkeypatch, fake_plan.FakeCascade(broken_path=0.0))
    assert main([*RUN, "-q", "-o", "here"]) == ExitCode.BUG
    err = capsys.readouterr().err
    assert "scenario minimal, seed 3, path" in err
    assert "Traceback" not in err


def test_lines_come_at_tenths_and_give_pace_and_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = iter([0.0, 1.0, 2.0, 3.0, 4.0])
    monkeypatch.setattr("stress.cli.progress.time.monotonic", lambda: next(seconds))
    lines = Lines()
    for done in (500, 510, 700, 705, 1_000):  # the first call tells what a resumed run keeps
        lines(done, 1_000)
    assert capsys.readouterr().err.splitlines() == [
        " 70 %  700 of 1,000 paths, 190 paths/s, 2 s left",
        "100 %  1,000 of 1,000 paths",
    ]
