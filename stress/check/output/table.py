"""An outcome as a table on a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stress.check.finding import Finding, Outcome, Verdict
from stress.scenario.checks import REGRESSION

STYLES = {
    Verdict.PASS: "green",
    Verdict.IMPROVED: "cyan",
    Verdict.FAIL: "bold red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.NOT_COMPARABLE: "yellow",
}


def render(outcome: Outcome, verbose: bool = False) -> RenderableType:
    """Headline, one row per rule, and under it why each rule that does not pass does not; verbose, by which method."""
    several = len({finding.pool for finding in outcome.findings if finding.pool}) > 1
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for k in range(3):
        table.add_column(no_wrap=k < 2)
    for finding in outcome.findings:
        pool = f", {finding.pool}" if several and finding.pool else ""
        verdict = Text(finding.verdict.value, STYLES[finding.verdict])
        table.add_row(verdict, Text(finding.subject + pool), Text(finding.line_of_figures))
        if verbose and finding.method:
            level = "" if finding.p_value is None else f"; p of keeping the rule {finding.p_value:.2g}"
            table.add_row("", "", Text(f"by {finding.method}{level}", "dim"))
    parts: list[RenderableType] = [Text(outcome.headline, "bold"), *map(Text, remarks(outcome)), table]
    for finding in outcome.findings:
        if needs_words(finding):
            parts.append(Text(f"\n{finding.name}: {sentence(finding)}", STYLES[finding.verdict]))
            parts += [Text(f"  {line}") for line in finding.explanation]
    return Group(*parts)


def remarks(outcome: Outcome) -> list[str]:
    """What holds for all rules: parts that differ, random numbers."""
    found = [f"note: {note}" for note in outcome.notes]
    if outcome.differences:
        found.append(f"not comparable with {outcome.baseline}: {'; '.join(outcome.differences)}")
        found.append("baseline update accepts the scenario as it is now")
    return found


def needs_words(finding: Finding) -> bool:
    """Whether a finding says more than its row."""
    if finding.explanation:
        return True
    return finding.verdict is not Verdict.PASS and sentence(finding) != finding.line_of_figures


def sentence(finding: Finding) -> str:
    """Why, and what would decide."""
    text = finding.message
    if finding.verdict is Verdict.INCONCLUSIVE:
        if finding.paths_needed is None:
            text += "; it lies so close that no number of paths is likely to decide"
        else:
            both = " in both runs" if finding.rule == REGRESSION else ""
            text += f"; about {finding.paths_needed:,} paths{both} would decide"
    return text
