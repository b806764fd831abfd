"""An outcome for GitHub Actions: the summary of the step, and annotations at the lines of the rules."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from stress.check.finding import Finding, Outcome, Verdict
from stress.check.output import markdown
from stress.check.output.table import sentence

MOST_BYTES = 1 << 20
"""Largest summary of one step that GitHub takes."""
MOST_ANNOTATIONS = 10
"""Annotations of one kind that GitHub shows for a step; the rest are counted in the last."""

_KINDS = {
    Verdict.FAIL: "error",
    Verdict.INCONCLUSIVE: "warning",
    Verdict.NOT_COMPARABLE: "warning",
    Verdict.IMPROVED: "notice",
}


def workflow_commands(outcome: Outcome, workspace: Path | None = None) -> list[str]:
    """Workflow commands, at most ten of a kind."""
    by_kind: dict[str, list[str]] = {}
    for finding in outcome.findings:
        kind = _KINDS.get(finding.verdict)
        if kind is not None:
            by_kind.setdefault(kind, []).append(_command(kind, outcome, finding, workspace))
    shown = []
    for kind, commands in by_kind.items():
        if len(commands) <= MOST_ANNOTATIONS:
            shown += commands
            continue
        more = len(commands) - MOST_ANNOTATIONS + 1
        shown += [*commands[: MOST_ANNOTATIONS - 1], f"::{kind}::{more} more; see the summary of the step"]
    return shown


def _command(kind: str, outcome: Outcome, finding: Finding, workspace: Path | None) -> str:
    title = f"{outcome.scenario}: {finding.name} {finding.verdict.value}"
    properties = {"title": title}
    if finding.file and finding.line is not None:
        properties = {"file": _relative(finding.file, workspace), "line": str(finding.line), **properties}
    detail = "\n".join(dict.fromkeys([sentence(finding), finding.line_of_figures]))
    return f"::{kind} {','.join(f'{key}={_property(value)}' for key, value in properties.items())}::{_data(detail)}"


def _relative(file: str, workspace: Path | None) -> str:
    path = Path(file).resolve()
    if workspace is not None and path.is_relative_to(workspace.resolve()):
        return path.relative_to(workspace.resolve()).as_posix()
    return file


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def append_summary(outcome: Outcome, environment: Mapping[str, str] = os.environ) -> None:
    """Add the outcome to the summary of the step, if there is one and it has room."""
    place = environment.get("GITHUB_STEP_SUMMARY")
    if not place:
        return
    file = Path(place)
    taken = file.stat().st_size if file.is_file() else 0
    with file.open("a", encoding="utf-8", newline="\n") as stream:
        stream.write(fitting(markdown.render(outcome) + "\n", MOST_BYTES - taken))


def fitting(text: str, most: int) -> str:
    """Whole lines of a text, as many as fit, and a line that says so where some do not."""
    if len(text.encode()) <= most:
        return text
    last = "\nThe rest does not fit into the summary of a step.\n"
    kept, size = [], len(last.encode())
    for line in text.splitlines(keepends=True):
        size += len(line.encode())
        if size > most:
            break
        kept.append(line)
    return "".join([*kept, last]) if kept else ""
