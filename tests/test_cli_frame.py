"""What every command shares: help, exit codes, messages, speed."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import pytest

import stress
from stress.cli import cli, main
from stress.cli.group import COMMANDS
from stress.cli.options import Count, available_threads
from stress.errors import IncompleteRun, MeaninglessInput, NotComparable, Problem, UsageError

HEAVY = ("numba", "pandas", "pyarrow", "matplotlib", "scipy")


def tailstress(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stress", *arguments]
    return subprocess.run(command, text=True, capture_output=True, check=False, **options)  # type: ignore[call-overload,no-any-return]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Replaces ``doctor`` by a command that calls the given function."""

    def replace(body: Callable[[], object]) -> None:
        def callback() -> None:
            body()

        params = list(cli.get_command(click.Context(cli), "doctor").params)  # type: ignore[union-attr]
        fake = click.Command("doctor", callback=callback, params=[p for p in params if p.name in {"debug", "no_color"}])
        monkeypatch.setitem(cli.commands, "doctor", fake)

    return replace


def raising(error: BaseException) -> Callable[[], None]:
    def body() -> None:
        raise error

    return body


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.split("Commands:\n")[1].split("\n\n")[0].splitlines()] == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"Usage: tailstress {name}")
    assert "--debug" in out


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    look = f"print([m for m in {HEAVY!r} if m in sys.modules])"
    code = f"import sys; from stress.cli import main; main({arguments!r}); {look}"
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_answers_at_once() -> None:
    def seconds() -> float:
        start = time.perf_counter()
        tailstress("--help")
        return time.perf_counter() - start

    assert min(seconds() for _ in range(5)) < 0.2


def test_version() -> None:
    assert tailstress("--version").stdout == f"tailstress {stress.__version__}\n"


def test_no_arguments_is_a_usage_error() -> None:
    done = tailstress()
    assert (done.returncode, done.stdout) == (2, "")
    assert "Commands:" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["repot"], "Did you mean 'report'?"),
        (["zzzz"], "Commands are run, size"),
        (["run"], "Missing argument 'SCENARIO'"),
        (["doctor", "--wram"], "--warm"),
        (["run", "x", "--paths", "1.5"], "not a whole number"),
        (["run", "x", "--paths", "0"], "at least 1"),
    ],
)
def test_usage_errors(arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert expected in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (UsageError("no such market"), 2, "error: no such market\n"),
        (IncompleteRun("no manifest"), 5, "error: no manifest\n"),
        (NotComparable("other seed"), 4, "error: other seed\n"),
        (
            OSError(errno.ENOSPC, "No space left on device", "x.parquet"),
            2,
            "error: x.parquet: No space left on device\n",
        ),
        (ZeroDivisionError("a\nb"), 70, "bug: ZeroDivisionError: a b (--debug shows the traceback)\n"),
        (KeyboardInterrupt(), 130, "\ninterrupted\n"),
    ],
)
def test_errors_become_exit_codes(
    command: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    message: str,
) -> None:
    command(raising(error))
    assert main(["doctor"]) == code
    assert capsys.readouterr().err == message


def test_every_mistake_of_a_file_is_one_line(command: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    problems = [Problem("b.yaml", 3, 7, "run.paths", "is negative"), Problem("a.yaml", None, None, "", "is empty")]
    command(raising(MeaninglessInput(problems)))
    assert main(["doctor"]) == 2
    assert capsys.readouterr().err == "a.yaml: is empty\nb.yaml:3:7: run.paths: is negative\n"


@pytest.mark.parametrize("arguments", [["--debug", "doctor"], ["doctor", "--debug"]], ids=" ".join)
def test_debug_shows_the_traceback(
    command: Callable[..., None], capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    command(raising(ZeroDivisionError("boom")))
    assert main(arguments) == 70
    err = capsys.readouterr().err
    assert err.startswith("Traceback")
    assert err.endswith("bug: ZeroDivisionError: boom\n")


def test_sigterm(command: Callable[..., None]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    command(lambda: (os.kill(os.getpid(), signal.SIGTERM), time.sleep(5)))
    assert main(["doctor"]) == 143
    assert signal.getsignal(signal.SIGTERM) is before


def test_exit_code_of_a_command(command: Callable[..., None]) -> None:
    command(lambda: click.get_current_context().exit(3))
    assert main(["doctor"]) == 3


def test_a_reader_that_went_away_is_no_bug() -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "stress", "--help"], stdout=write, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def test_no_color(command: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str | None, bool | None]] = []
    command(lambda: seen.append((os.environ.get("NO_COLOR"), click.get_current_context().color)))
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert main(["doctor"]) == 0
    monkeypatch.setenv("NO_COLOR", "")  # so that what the command sets is undone after the test
    assert main(["doctor", "--no-color"]) == 0
    monkeypatch.setenv("NO_COLOR", "1")
    assert main(["doctor"]) == 0
    assert seen == [(None, None), ("1", False), ("1", False)]


@pytest.mark.parametrize(("text", "number"), [("10_000", 10_000), ("1e4", 10_000), ("7", 7)])
def test_counts(text: str, number: int) -> None:
    assert Count()(text) == number


@pytest.mark.parametrize("text", ["", "x", "1.5", "nan", "inf", "1e400", "-1", "0", "99999999999999999999"])
def test_refused_counts(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Count()(text)


def test_threads_default_to_the_cores_of_this_process() -> None:
    assert 1 <= available_threads() <= (os.cpu_count() or 1)


def test_import_of_the_package_is_light(tmp_path: Path) -> None:
    code = f"import sys, stress; print([m for m in {(*HEAVY, 'numpy', 'click')!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True, cwd=tmp_path)
    assert done.stdout == "[]\n"
