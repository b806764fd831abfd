"""A run that is stopped, kindly or not, and resumed, ends with the rows of one that was not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import stress
from stress import engine, store
from stress.errors import IncompleteRun
from tests import fake_plan

RUN = ["run", "minimal", "--paths", "200", "--threads", "2"]
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> stress.Run:
    folder = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as monkeypatch:
        fake_plan.install(monkeypatch, fake_plan.FakeCascade())
        engine.run(fake_plan.plan(folder), folder / "run")
    return stress.load(folder / "run")


def begin(folder: Path, delay: float = 0.02) -> subprocess.Popen[str]:
    """A run in its own process, past its first part when this returns."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fake_plan", str(folder), str(delay), "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line.split()[0]) > 0:
            return process
    raise AssertionError("the run ended before its first block")


def resume(folder: Path) -> engine.RunResult:
    with pytest.MonkeyPatch.context() as monkeypatch:
        fake_plan.install(monkeypatch, fake_plan.FakeCascade())
        return engine.run(fake_plan.plan(folder.parent), folder, threads=2, resume=True)


def same_rows(folder: Path, undisturbed: stress.Run) -> bool:
    run = stress.load(folder)
    run.verify()
    return run.manifest == undisturbed.manifest


def test_killed_and_resumed(tmp_path: Path, undisturbed: stress.Run) -> None:
    process = begin(tmp_path / "run")
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    with pytest.raises(IncompleteRun, match="--resume"):
        stress.load(tmp_path / "run")
    result = resume(tmp_path / "run")
    assert 0 < result.kept < 200
    assert same_rows(tmp_path / "run", undisturbed)


def test_killed_again_and_again(tmp_path: Path, undisturbed: stress.Run) -> None:
    folder = tmp_path / "run"
    for _ in range(2):
        process = begin(folder) if not folder.exists() else _again(folder)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    resume(folder)
    assert same_rows(folder, undisturbed)


def _again(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fake_plan", str(folder), "0.05", "1"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_ctrl_c_stops_within_two_seconds_and_leaves_whole_parts(tmp_path: Path, undisturbed: stress.Run) -> None:
    process = begin(tmp_path / "run", delay=0.05)
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    code = process.wait(10)
    assert time.monotonic() - sent < 2.0
    assert code in (-signal.SIGINT, 130)
    assert not (tmp_path / "run" / store.MANIFEST).exists()
    assert not list((tmp_path / "run").rglob("*.tmp"))
    assert 0 < resume(tmp_path / "run").kept < 200
    assert same_rows(tmp_path / "run", undisturbed)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_command_says_how_to_resume(tmp_path: Path, number: signal.Signals, code: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fake_plan", "cli", "0.1", *RUN, "-o", str(tmp_path / "run")],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (tmp_path / "run" / store.LOG).exists():
        assert process.poll() is None
        time.sleep(0.05)
    sent = time.monotonic()
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert time.monotonic() - sent < 2.0
    assert process.returncode == code
    assert f"tailstress run minimal --seed 1 --paths 200 -o {tmp_path / 'run'} --resume" in said
    assert "Traceback" not in said


def test_interrupted_in_the_same_process(
    tmp_path: Path, undisturbed: stress.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(done: int, total: int) -> None:
        if done > 100:
            os.kill(os.getpid(), signal.SIGINT)

    fake_plan.install(monkeypatch, fake_plan.FakeCascade(0.001))
    with pytest.raises(KeyboardInterrupt):
        engine.run(fake_plan.plan(tmp_path), tmp_path / "run", threads=2, progress=interrupt)
    resume(tmp_path / "run")
    assert same_rows(tmp_path / "run", undisturbed)
