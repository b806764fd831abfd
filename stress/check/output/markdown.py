"""An outcome as Markdown, for a comment on a pull request or the summary of a CI job."""

from __future__ import annotations

import re

from stress.check.finding import Outcome, Verdict
from stress.check.output.table import needs_words, remarks, sentence

MARKS = {
    Verdict.PASS: "✅ pass",
    Verdict.IMPROVED: "🔵 improved",
    Verdict.FAIL: "❌ fail",
    Verdict.INCONCLUSIVE: "⚠️ inconclusive",
    Verdict.NOT_COMPARABLE: "⚠️ not comparable",
}


def render(outcome: Outcome) -> str:
    """Headline, table, and a list of what does not pass."""
    lines = [f"### {_plain(outcome.headline)}", ""]
    lines += [f"{_plain(remark)}  " for remark in remarks(outcome)]
    lines += [
        "| verdict | rule | pool | figure | now | against | bounds |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for finding in outcome.findings:
        cells = (finding.rule, finding.pool, finding.subject, finding.value, finding.reference, finding.shown)
        lines.append(f"| {MARKS[finding.verdict]} | " + " | ".join(map(_plain, cells)) + " |")
    told = [finding for finding in outcome.findings if needs_words(finding)]
    if told:
        lines.append("")
    for finding in told:
        lines.append(f"- **{_plain(finding.name)}**: {_plain(sentence(finding))}")
        lines += [f"  - {_plain(line)}" for line in finding.explanation]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, in a table cell too."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(text.split()))
