"""A part of a report: some rules, from some severity on, at some places; or all of it with other severities."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from spora_build.checks.report import ORDER, Finding, Report
from spora_build.errors import Problem, Severity, UsageError


def with_severities(report: Report, severities: Mapping[str, Severity]) -> Report:
    """The report with the severity of single rules overridden by code, worst first again."""
    findings = [replace(found, severity=severities.get(found.code, found.severity)) for found in report.findings]
    findings.sort(key=lambda found: (ORDER.index(found.severity), found.code))
    return replace(report, findings=tuple(findings))


def narrow(report: Report, *, only: Collection[str] = (), least: Severity = Severity.NOTE, place: str = "") -> Report:
    """What a report says of some rules and places; its counts and exit code are those of what is left.

    ``only`` are rule codes, their beginnings (``V4``) or subjects (``tiling``); ``least`` the mildest severity that
    stays; ``place`` a text that the path must contain, such as a tissue id or a folder. Raises UsageError where
    ``only`` names no rule.
    """
    codes = {rule.code for rule in report.checked if not only or _is_named(rule.code, rule.subject, only)}
    _refuse_unknown(report, only)
    kept = [found for found in report.findings if found.code in codes]
    kept = [found for found in kept if ORDER.index(found.severity) <= ORDER.index(least)]
    findings = [found if not place else _at(found, place) for found in kept]
    return replace(
        report,
        findings=tuple(found for found in findings if found.count),
        checked=tuple(rule for rule in report.checked if rule.code in codes),
    )


def _is_named(code: str, subject: str, only: Collection[str]) -> bool:
    return any(code.startswith(text.upper()) or subject == text for text in only)


def _refuse_unknown(report: Report, only: Collection[str]) -> None:
    unknown = [text for text in only if not any(_is_named(r.code, r.subject, [text]) for r in report.checked)]
    if unknown:
        subjects = ", ".join(sorted({rule.subject for rule in report.checked}))
        raise UsageError(
            [
                Problem(
                    "E-VALIDATE-002",
                    f"no rule has the code or subject {text!r}.",
                    f"write a code (V402), its beginning (V4), or one of: {subjects}.",
                )
                for text in unknown
            ]
        )


def _at(found: Finding, place: str) -> Finding:
    """The finding at the places that contain a text; its count is theirs."""
    places = tuple(one for one in found.places if place in one.path or place in one.detail)
    return replace(found, count=len(places), places=places)
