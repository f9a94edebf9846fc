"""What a validation found: counted, worst first, in forms for machines and people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from spora_build.checks.core import Result, Status
from spora_build.errors import ExitCode, Severity

ORDER = (Severity.ERROR, Severity.WARNING, Severity.NOTE)
_TALLY = {Status.PASSED: "passed", Status.FAILED: "with findings", Status.SKIPPED: "skipped"}
MAX_PLACES = 10_000
"""A finding names at most this many places; its count is of all."""


@dataclass(frozen=True)
class FoundPlace:
    """One place of a finding."""

    path: str
    """Relative to the dataset."""
    detail: str

    def __str__(self) -> str:
        return f"{self.path}: {self.detail}" if self.detail else self.path


@dataclass(frozen=True)
class Finding:
    """A broken rule, with every place that breaks it."""

    code: str
    severity: Severity
    message: str
    """What must hold."""
    remedy: str
    count: int
    places: tuple[FoundPlace, ...]
    """The first ten thousand."""


@dataclass(frozen=True)
class CheckedRule:
    """A rule and how it ended."""

    code: str
    subject: str
    message: str
    status: Status
    reason: str
    """Why it was skipped."""


@dataclass(frozen=True)
class Report:
    """The end of a validation."""

    dataset: str
    deep: bool
    findings: tuple[Finding, ...]
    """Worst first, then by code."""
    checked: tuple[CheckedRule, ...]
    """Every rule, by code."""

    @classmethod
    def of(cls, dataset: str, results: Iterable[Result], severities: Mapping[str, Severity], *, deep: bool) -> Report:
        """Gather results, with severities overridden by code."""
        results = sorted(results, key=lambda result: result.rule.code)
        findings = [_finding(result, severities) for result in results if result.status is Status.FAILED]
        findings.sort(key=lambda finding: (ORDER.index(finding.severity), finding.code))
        checked = (CheckedRule(r.rule.code, r.rule.subject, r.rule.message, r.status, r.reason) for r in results)
        return cls(dataset, deep, tuple(findings), tuple(checked))

    def count(self, severity: Severity) -> int:
        """Number of rules broken with this severity."""
        return sum(finding.severity is severity for finding in self.findings)

    def tally(self, status: Status) -> int:
        """Number of rules that ended so."""
        return sum(rule.status is status for rule in self.checked)

    def exit_code(self, *, strict: bool = False) -> ExitCode:
        """1 where there is an error, or with ``strict`` a warning; 0 otherwise."""
        broken = self.count(Severity.ERROR) or (strict and self.count(Severity.WARNING))
        return ExitCode.INVALID_DATA if broken else ExitCode.OK

    def lines(self, places: int = 3) -> list[str]:
        """Plain text, one finding after another with its first places, then the tally."""
        text: list[str] = []
        for finding in self.findings:
            times = _plural(finding.count, "place")
            text.append(f"{finding.severity.upper()} {finding.code} {finding.message} ({times})")
            text += [f"    {place}" for place in finding.places[:places]]
            rest = finding.count - min(places, len(finding.places))
            text += [f"    and {rest} more"] if rest else []
            text.append(f"    Fix: {finding.remedy}")
        tally = ", ".join(f"{self.tally(status)} {_TALLY[status]}" for status in Status)
        counts = ", ".join(_plural(self.count(severity), severity) for severity in ORDER)
        return [*text, f"{self.dataset}: {counts}; rules: {tally}"]

    def to_json(self) -> str:
        """JSON that :meth:`from_json` reads back."""
        return json.dumps({"version": 1, **asdict(self)}, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Report:
        """Read what :meth:`to_json` wrote. Raises ValueError or KeyError on anything else."""
        content = json.loads(text)
        findings = tuple(
            Finding(
                **{
                    **finding,
                    "severity": Severity(finding["severity"]),
                    "places": tuple(FoundPlace(**place) for place in finding["places"]),
                }
            )
            for finding in content["findings"]
        )
        checked = tuple(CheckedRule(**{**rule, "status": Status(rule["status"])}) for rule in content["checked"])
        return cls(content["dataset"], content["deep"], findings, checked)


def _finding(result: Result, severities: Mapping[str, Severity]) -> Finding:
    rule = result.rule
    places = tuple(FoundPlace(v.place, v.detail) for v in result.violations[:MAX_PLACES])
    severity = severities.get(rule.code, rule.severity)
    return Finding(rule.code, severity, rule.message, rule.remedy, len(result.violations), places)


def _plural(count: int, word: str) -> str:
    return f"1 {word}" if count == 1 else f"{count} {word}s"
