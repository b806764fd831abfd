"""``tailstress doctor``: whether this installation can be trusted with a run."""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from stress.cli.options import available_threads, console, json_option, print_json
from stress.errors import ExitCode

_PACKAGES = ("numpy", "numba", "llvmlite", "scipy", "pandas", "pyarrow", "pydantic", "matplotlib", "click", "rich")

_LEAST_DISK = 2**30
"""Bytes to have free: 100,000 paths of october-2025 take about 100 MB, one version of the compiled kernels 20 MB."""

_PHILOX_PI = (
    (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0),
    (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
)
"""Counter and key, and the words Philox4x32-10 makes of them: a known answer of Random123 (Salmon et al. 2011)."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at; ``problem`` says what to do when it is not right."""

    name: str
    value: str
    problem: str | None = None


@click.command(epilog="Example: tailstress doctor --warm")
@click.option("--warm", is_flag=True, help="Compile every kernel now instead of during the first run.")
@json_option
def command(warm: bool, as_json: bool) -> None:
    """Check this installation: versions, processor, compiled kernels, arithmetic, disk.

    Exits with 1 when something would spoil a run. The kernels are compiled once for each version and processor and then
    kept; --warm does so now.
    """
    findings = []
    for finding in _examine(warm):
        findings.append(finding)
        if not as_json:
            _show(finding)
    healthy = all(finding.problem is None for finding in findings)
    if as_json:
        print_json({"healthy": healthy, "findings": [asdict(finding) for finding in findings]})
    if not healthy:
        click.get_current_context().exit(ExitCode.CHECK_FAILED)


def _show(finding: Finding) -> None:
    mark = "[green]ok [/green]" if finding.problem is None else "[red]bad[/red]"
    terminal = console(stderr=False)
    terminal.print(f"{mark} {finding.name:<12} ", end="")
    terminal.print(finding.value, markup=False, soft_wrap=True)
    if finding.problem is not None:
        terminal.print(f"    {finding.problem}", markup=False, soft_wrap=True)


def _examine(warm: bool) -> Iterator[Finding]:
    yield from _versions()
    yield from _machine()
    yield from _disk()
    yield _random_numbers()
    yield from _kernels(warm)


def _versions() -> Iterator[Finding]:
    import stress

    yield Finding("tailstress", f"{stress.__version__}, {Path(stress.__file__).parent}")
    yield Finding("python", sys.version.split()[0])
    versions: list[str] = []
    for package in _PACKAGES:
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            yield Finding(package, "missing", "install tailstress again with its dependencies")
    yield Finding("packages", ", ".join(versions))


def _machine() -> Iterator[Finding]:
    from stress import provenance

    system = provenance.platform()
    wide = [name for name in ("avx2", "fma", "avx512f", "neon", "sve") if name in system["cpu_features"]]
    yield Finding("processor", f"{system['cpu']} ({', '.join(wide) or 'no vector extensions'}), {system['machine']}")
    yield Finding("threads", str(available_threads()))


def _disk() -> Iterator[Finding]:
    from stress.kernels import jit

    for name, folder in (("disk", Path.cwd()), ("cache disk", jit.CACHE_FOLDER)):
        free = shutil.disk_usage(folder).free
        problem = None if free >= _LEAST_DISK else f"less than 1 GiB is free in {folder}"
        yield Finding(name, f"{free / 2**30:.1f} GiB free in {folder}", problem)


def _random_numbers() -> Finding:
    import numpy as np

    from stress.kernels.philox import philox

    counter, expected = _PHILOX_PI
    words = tuple(int(word) for word in philox(*(np.uint32(word) for word in counter)))
    problem = None if words == expected else f"the generator returned {words}: this compiler cannot be trusted"
    return Finding("generator", "Philox4x32-10 known answer", problem)


def _kernels(warm: bool) -> Iterator[Finding]:
    from stress.kernels import jit

    yield Finding("kernels", f"digest {jit.DIGEST[:16]}")
    if jit.CACHE_FOLDER.parent == Path(tempfile.gettempdir()):
        yield Finding(
            "cache", f"{jit.CACHE_FOLDER}, for this start only", "set TAILSTRESS_CACHE_DIR to a writable folder"
        )
    if not jit.COMPILED:
        yield Finding("compiler", "off (NUMBA_DISABLE_JIT)", "runs would take a thousand times as long: unset it")
        return
    if not (warm or _is_warm(jit.CACHE_FOLDER)):
        yield Finding("compiled", "not yet: 'tailstress doctor --warm' does it now, otherwise the first run")
        return
    from stress import engine

    start = time.perf_counter()
    engine.warm()
    seconds = time.perf_counter() - start
    size = sum(file.stat().st_size for file in jit.CACHE_FOLDER.rglob("*") if file.is_file())
    yield Finding(
        "compiled", f"a tiny simulation in {seconds:.1f} s, {size / 2**20:.1f} MiB kept in {jit.CACHE_FOLDER}"
    )


def _kept(folder: Path) -> str:
    """What compiled kernels take on disk; those of other versions are never removed by themselves."""

    def mebibytes(folders: Iterable[Path]) -> float:
        return sum(f.stat().st_size for each in folders for f in each.rglob("*") if f.is_file()) / 2**20

    others = [other for other in folder.parent.iterdir() if other.is_dir() and other != folder]
    text = f"{mebibytes([folder]):.0f} MiB kept in {folder}"
    if others:
        text += f"; {mebibytes(others):.0f} MiB of {len(others)} other versions beside it may be deleted"
    return text


def _is_warm(folder: Path) -> bool:
    """Whether the entry points of both stages have been compiled and kept."""
    return all(any(folder.rglob(f"*{entry}*.nbc")) for entry in ("simulate", "run_block"))
