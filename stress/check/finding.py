"""What a check finds: one verdict per rule, and one exit code for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any

from stress.errors import ExitCode


class Verdict(Enum):
    """Answer to one rule."""

    PASS = "pass"
    IMPROVED = "improved"
    """Shown to be better than tolerated: the baseline should be refreshed."""
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    """Neither shown; more paths would decide."""
    NOT_COMPARABLE = "not comparable"
    """The rule cannot be put to these two runs; it neither passes nor fails."""


@dataclass(frozen=True)
class Finding:
    """The answer to one rule, with what it rests on."""

    number: int
    """Place of the rule in the scenario's checks, from 0."""
    rule: str
    subject: str
    """What is checked: ``required_fund 99.9%``, ``P(bad_debt > $0)``."""
    pool: str
    verdict: Verdict
    message: str
    """One sentence: why."""
    value: str = ""
    """The figure of this run."""
    reference: str = ""
    """What it is held against: the bound, or the baseline's figure with the tolerance."""
    shown: str = ""
    """Bounds of the figure, or of its change."""
    method: str = ""
    p_value: float | None = None
    """Of the figure being no worse than allowed, adjusted for the number of rules."""
    paths_needed: int | None = None
    """Paths that would decide an inconclusive rule."""
    figures: dict[str, float | None] = field(default_factory=dict)
    """Numbers behind the words, for --json."""
    explanation: tuple[str, ...] = ()
    """Paths and layers that moved."""
    file: str = ""
    line: int | None = None
    seconds: float = 0.0

    @property
    def line_of_figures(self) -> str:
        """``$20.6M (over $19.0M), at most $50.0M``, or the message where there is no figure."""
        if not self.value:
            return self.message
        if self.rule == "limit":
            return f"{self.value} ({self.shown}), {self.reference}"
        return f"{self.value}, baseline {self.reference}; change {self.shown}"

    @property
    def name(self) -> str:
        """How the rule is called where it stands alone."""
        pool = f", pool {self.pool}" if self.pool else ""
        return f"{self.rule}: {self.subject}{pool}"


@dataclass(frozen=True)
class Outcome:
    """All findings of one check."""

    scenario: str
    run: str
    """Folder that was checked."""
    baseline: str
    """File it was held against; empty without one."""
    paths: int
    seed: int
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    """Parts of the scenario that are not those of the baseline."""
    seconds: float = 0.0

    @property
    def exit_code(self) -> ExitCode:
        """Failure before what is not comparable before what is not decided.

        A single rule that cannot be put does not spoil the others; a baseline of another scenario does.
        """
        seen = {finding.verdict for finding in self.findings}
        if Verdict.FAIL in seen:
            return ExitCode.CHECK_FAILED
        if self.differences or seen == {Verdict.NOT_COMPARABLE}:
            return ExitCode.NOT_COMPARABLE
        return ExitCode.INCONCLUSIVE if Verdict.INCONCLUSIVE in seen else ExitCode.OK

    @property
    def headline(self) -> str:
        """``minimal: 1 fail, 3 pass (5,000 paths, seed 1)``."""
        order = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.NOT_COMPARABLE, Verdict.IMPROVED, Verdict.PASS)
        counts = {verdict: sum(finding.verdict is verdict for finding in self.findings) for verdict in order}
        words = ", ".join(f"{count} {verdict.value}" for verdict, count in counts.items() if count)
        return f"{self.scenario}: {words} ({self.paths:,} paths, seed {self.seed})"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        findings = [asdict(finding) | {"verdict": finding.verdict.value} for finding in self.findings]
        return asdict(self) | {"findings": findings, "exit_code": int(self.exit_code)}


def counted(findings: Sequence[Finding], verdict: Verdict) -> int:
    """How many findings have a verdict."""
    return sum(finding.verdict is verdict for finding in findings)
