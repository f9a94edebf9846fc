"""A report as JUnit XML, which continuous-integration services show rule by rule."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from spora_build.checks.core import Status
from spora_build.checks.report import Report
from spora_build.errors import Severity

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 forbids."""

MOST_PLACES = 100
"""A test case lists at most this many places; the JSON report has them all."""


def to_junit(report: Report) -> str:
    """One test case per rule: errors are failures, warnings and notes go to system-out, skipped rules say why."""
    findings = {finding.code: finding for finding in report.findings}
    suite = ElementTree.Element(
        "testsuite",
        name=f"spora-build validate {report.dataset}",
        tests=str(len(report.checked)),
        failures=str(report.count(Severity.ERROR)),
        errors="0",
        skipped=str(report.tally(Status.SKIPPED)),
    )
    for rule in report.checked:
        case = ElementTree.SubElement(suite, "testcase", classname=rule.subject, name=f"{rule.code} {rule.message}")
        finding = findings.get(rule.code)
        if finding is not None:
            text = _clean("\n".join([*map(str, finding.places[:MOST_PLACES]), f"Fix: {finding.remedy}"]))
            if finding.severity is Severity.ERROR:
                failure = ElementTree.SubElement(case, "failure", type=rule.code, message=finding.message)
                failure.text = text
            else:
                ElementTree.SubElement(case, "system-out").text = f"{finding.severity}: {text}"
        elif rule.status is Status.SKIPPED:
            ElementTree.SubElement(case, "skipped", message=_clean(rule.reason))
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _clean(text: str) -> str:
    return _NOT_XML.sub("�", text)
