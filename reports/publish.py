"""Run the built-in crises as they stand and write their published reports: ``python reports/publish.py``.

On one version of the kernels and one kind of processor the same bytes come out
every time; across processors the figures agree statistically.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from shutil import copytree, rmtree
from tempfile import TemporaryDirectory

import stress
from stress import engine
from stress.build import build
from stress.report import write_report
from stress.scenario import load_scenario

HERE = Path(__file__).resolve().parent
EVENTS = ("october-2025", "black-thursday-2020")
KEPT = ("report.md", "charts/*.svg")
"""The page and the charts it shows; the single-page HTML holds the same and is left to be made."""


def publish(name: str) -> None:
    """Write ``reports/NAME`` anew."""
    with TemporaryDirectory() as scratch:
        run, report = Path(scratch) / "run", Path(scratch) / "report"
        command = f"tailstress run {name} --report"
        engine.run(build(load_scenario(name)), run, threads=os.cpu_count() or 1, command=command)
        write_report(stress.load(run), report)
        rmtree(HERE / name, ignore_errors=True)
        kept = {file for pattern in KEPT for file in report.glob(pattern)}
        copytree(report, HERE / name, ignore=lambda folder, names: _left_out(Path(folder), names, kept))


def _left_out(folder: Path, names: list[str], kept: set[Path]) -> list[str]:
    return [name for name in names if (folder / name).is_file() and folder / name not in kept]


if __name__ == "__main__":
    for event in sys.argv[1:] or EVENTS:
        publish(event)
