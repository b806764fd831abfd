"""Who may import whom, how large a room may grow, and what must never be committed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stress.cli.group import COMMANDS

ROOT = Path(__file__).resolve().parents[1]

# What each part of stress/ may know of the others, in the order in which data flows. sizing and report start from the
# files of a run alone; cli may know everything and is known by nobody.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "scenario": {"errors"},
    "book": {"errors", "scenario", "kernels"},
    "imports": {"errors", "scenario", "book", "kernels"},
    "build": {"errors", "scenario", "book", "kernels"},
    "estimate": {"scenario", "book", "build"},
    "columns": {"kernels"},
    "provenance": {"build", "kernels"},
    "store": {"errors", "columns"},
    "sampling": {"build", "kernels", "scenario", "store"},
    "workers": {"errors", "build", "columns", "kernels", "sampling"},
    "compiling": {"build", "kernels", "scenario", "workers"},
    "records": {"build", "columns", "kernels", "sampling", "store", "workers"},
    "manifest": {"book", "build", "provenance", "store"},
    "weights": set(),
    "summary": {"columns", "store", "weights"},
    "engine": {"errors", "build", "columns", "compiling", "kernels", "scenario"}
    | {"manifest", "provenance", "records", "sampling", "store", "summary", "workers"},
    "shards": {"errors", "build", "engine", "provenance", "sampling", "scenario", "store", "workers"},
    "sizing": {"errors", "columns", "store", "weights"},
    "check": {"errors", "columns", "scenario", "store", "sizing", "weights"},
    "report": {"check"} | {"errors", "columns", "store", "sizing", "weights"},
    "calibrate": {"errors", "scenario", "book", "build", "kernels", "report"},
    "sweep": {"errors", "scenario", "build", "engine", "provenance", "sampling", "store", "sizing", "report"},
    "reverse": {"errors", "scenario", "build", "kernels", "records", "store", "sizing", "report"},
    "backtest": {"errors", "scenario", "build", "columns", "kernels", "records", "workers", "store", "sizing", "sweep"}
    | {"report"},
}
KNOW_EVERYTHING = {"__init__", "__main__", "cli"}
HEAVY = {"scenario": {"numpy", "numba", "pandas", "pyarrow", "matplotlib", "scipy"}, "sizing": {"numba", "matplotlib"}}


def modules(folder: str) -> Iterator[Path]:
    yield from sorted((ROOT / folder).rglob("*.py"))


def imports(source: Path, package: str) -> Iterator[str]:
    """Absolute names of everything a file imports, wherever in the file it does so."""
    parts = [package, *source.relative_to(ROOT / package.rpartition(".")[2]).with_suffix("").parts]
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            prefix = ".".join(parts[: -node.level]) + "." if node.level else ""
            module = prefix + (node.module or "")
            yield from (f"{module.rstrip('.')}.{alias.name}" for alias in node.names)


def part(source: Path) -> str:
    """First name below stress/: the room that a file belongs to."""
    return source.relative_to(ROOT / "stress").with_suffix("").parts[0]


def ids(paths: Iterator[Path]) -> list[object]:
    return [pytest.param(path, id=path.relative_to(ROOT).as_posix()) for path in paths]


@pytest.mark.parametrize("source", ids(modules("kernels")))
def test_kernels_import_only_numpy_numba_and_the_standard_library(source: Path) -> None:
    for name in imports(source, "kernels"):
        top = name.split(".")[0]
        assert top in {"kernels", "numpy", "numba", "llvmlite"} | set(sys.stdlib_module_names), name


@pytest.mark.parametrize("source", ids(p for p in modules("stress") if part(p) not in KNOW_EVERYTHING))
def test_data_flows_forward(source: Path) -> None:
    here = part(source)
    assert here in MAY_IMPORT, f"{here} is a new part of stress/: say in MAY_IMPORT what it may know"
    for name in imports(source, "stress"):
        top, *rest = name.split(".")
        assert top != "kernels", "the kernels are imported as stress.kernels"
        assert top not in HEAVY.get(here, set()), f"{here} must load fast and work without {top}"
        if top == "stress" and rest and rest[0] != "__version__":
            assert rest[0] in MAY_IMPORT[here] | {here}, f"{here} must not know {rest[0]}"


@pytest.mark.parametrize("source", [*ids(modules("kernels")), *ids(modules("stress")), *ids(modules("tests"))])
def test_rooms_stay_readable(source: Path) -> None:
    text = source.read_text(encoding="utf-8")
    assert text.count("\n") <= 500, "split the file by the things it names"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= 80, f"{node.name} has {lines} lines: name its steps"


def test_every_command_is_a_module_and_every_module_a_command() -> None:
    found = {p.stem for p in modules("stress/cli") if re.search(r"^def command\(|^command\b", p.read_text(), re.M)}
    assert found == set(COMMANDS)


def test_nothing_of_one_machine_is_committed() -> None:
    """Paths of somebody's home and addresses of package indexes would break on every other machine."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    machine = re.compile(r"(?<![\w.}/])/(home|Users|root|work|tmp|opt)/")
    index = re.compile(r"(?<!no-emit-)\b(index-url|trusted-host|find-links)\b|pypi\.org|pythonhosted")
    bad = []
    for name in set(listed.stdout.splitlines()) - {"tests/test_architecture.py"}:
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if machine.search(line) or index.search(line):
                bad.append(f"{name}:{number}: {line.strip()[:80]}")
    assert not bad, "\n".join(sorted(bad))
