"""An outcome as JUnit XML, valid for Ant's schema and for the stricter one of Jenkins.

A rule is a test case: a failure is a failure, an undecided rule an error, and a rule that could not be put is skipped.
"""

from __future__ import annotations

import datetime
import platform
import re
from pathlib import Path
from xml.etree import ElementTree as Xml

from stress.check.finding import Finding, Outcome, Verdict, counted
from stress.check.output.table import remarks, sentence

_TAGS = {Verdict.FAIL: "failure", Verdict.INCONCLUSIVE: "error", Verdict.NOT_COMPARABLE: "skipped"}
_REFUSED = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not have."""


def render(outcome: Outcome) -> str:
    """The document."""
    suites = Xml.Element("testsuites")
    suite = Xml.SubElement(
        suites,
        "testsuite",
        {
            "name": f"tailstress.{outcome.scenario}",
            "package": "tailstress",
            "id": "0",
            "tests": str(len(outcome.findings)),
            "failures": str(counted(outcome.findings, Verdict.FAIL)),
            "errors": str(counted(outcome.findings, Verdict.INCONCLUSIVE)),
            "skipped": str(counted(outcome.findings, Verdict.NOT_COMPARABLE)),
            "time": f"{outcome.seconds:.3f}",
            "timestamp": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            "hostname": _clean(platform.node() or "localhost"),
        },
    )
    _properties(suite, outcome)
    for finding in outcome.findings:
        _case(suite, outcome, finding)
    Xml.SubElement(suite, "system-out").text = _clean("\n".join([outcome.headline, *remarks(outcome)]))
    Xml.SubElement(suite, "system-err")
    Xml.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(suites, encoding="unicode") + "\n"


def _properties(suite: Xml.Element, outcome: Outcome) -> None:
    properties = Xml.SubElement(suite, "properties")
    known = {"paths": outcome.paths, "seed": outcome.seed, "baseline": outcome.baseline}
    for name, value in known.items():
        Xml.SubElement(properties, "property", {"name": name, "value": _clean(str(value))})


def _case(suite: Xml.Element, outcome: Outcome, finding: Finding) -> None:
    name = f"{finding.number}: {finding.name}"
    classname = f"tailstress.{outcome.scenario}.{finding.rule}"
    attributes = {"name": _clean(name), "classname": _clean(classname), "time": f"{finding.seconds:.3f}"}
    case = Xml.SubElement(suite, "testcase", attributes)
    tag = _TAGS.get(finding.verdict)
    if tag is None:
        return
    message = _clean(sentence(finding))
    if tag == "skipped":
        Xml.SubElement(case, tag, {"message": message})
        return
    text = "\n".join(dict.fromkeys([message, finding.line_of_figures, finding.method, *finding.explanation]))
    Xml.SubElement(case, tag, {"type": finding.verdict.value, "message": message}).text = _clean(text)


def _clean(text: str) -> str:
    return _REFUSED.sub("?", text)


def write(file: Path, outcome: Outcome) -> None:
    """Write the document."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(render(outcome), encoding="utf-8", newline="\n")
