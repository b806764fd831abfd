"""The first run compiles in two processes, and no later one asks for a second."""

from __future__ import annotations

from pathlib import Path

import pytest

from stress import compiling
from stress.build import Plan, build
from stress.kernels import jit
from stress.scenario import load_scenario

pytestmark = pytest.mark.skipif(not jit.COMPILED, reason="nothing to compile")


@pytest.fixture
def plan() -> Plan:
    return build(load_scenario("minimal", ["run.horizon=10m"], paths=1))


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """As if the kernels had to go to an empty folder; those of this process are compiled or loaded already."""
    monkeypatch.setattr(jit, "CACHE_FOLDER", tmp_path / "cache")
    monkeypatch.setattr(compiling.os, "cpu_count", lambda: 2)
    return tmp_path


def test_a_second_process_is_asked_for_prices(plan: Plan, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "_PRICES", f"open({str(cache / 'asked')!r}, 'w').close()")
    compiling.compile_kernels(plan)
    assert (cache / "asked").exists()


@pytest.mark.parametrize("door", compiling.DOORS)
def test_nothing_is_asked_where_a_kernel_is_kept(
    plan: Plan, cache: Path, monkeypatch: pytest.MonkeyPatch, door: str
) -> None:
    monkeypatch.setattr(compiling, "_PRICES", f"open({str(cache / 'asked')!r}, 'w').close()")
    (jit.CACHE_FOLDER / "kernels").mkdir(parents=True)
    (jit.CACHE_FOLDER / "kernels" / f"{door}-1.py311.nbi").touch()
    compiling.compile_kernels(plan)
    assert not (cache / "asked").exists()


def test_a_process_that_fails_or_cannot_start_is_no_error(
    plan: Plan, cache: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compiling, "_PRICES", "raise SystemExit('no')")
    compiling.compile_kernels(plan)
    monkeypatch.setattr(compiling.sys, "executable", str(cache / "nowhere"))
    compiling.compile_kernels(plan)
    assert capfd.readouterr() == ("", "")


def test_the_doors_are_what_a_run_keeps(plan: Plan) -> None:
    """In the folder of this process, after what compiles them has run."""
    compiling.compile_prices()
    compiling._compile_cascade(plan)
    assert all(compiling._is_kept(door) for door in compiling.DOORS)
