"""A report that ``validate --json`` saved, read again."""

from __future__ import annotations

from pathlib import Path

from spora_build.checks.report import Report
from spora_build.errors import Place, Problem, UsageError


def read_report(path: Path) -> Report:
    """The report in a JSON file. Raises UsageError where the file holds none."""
    try:
        return Report.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            Problem(
                "E-VALIDATE-003",
                f"this is no report that validate saved ({type(error).__name__}).",
                "save one with `spora-build validate DATASET --json > report.json`.",
                Place(file=path.name),
            )
        ) from error
