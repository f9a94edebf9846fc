"""Severities that a user sets for single rules, from a TOML file."""

from __future__ import annotations

import tomllib
from pathlib import Path

from spora_build.checks.core import rules
from spora_build.errors import Place, Problem, Severity, UsageError


def read_severities(path: Path) -> dict[str, Severity]:
    """Severities by rule code, from the file's table ``[severity]``. Raises UsageError with every problem."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(_problem(path, f"this is no readable TOML file ({type(error).__name__}).")) from error
    table = content.get("severity")
    if not isinstance(table, dict):
        raise UsageError(_problem(path, "there is no table [severity]."))
    known = {rule.code for rule in rules()}
    problems = [_problem(path, f"there is no rule {code}.") for code in table if code not in known]
    problems += [
        _problem(path, f"{code} is {value!r}, not error, warning or note.")
        for code, value in table.items()
        if value not in list(Severity)
    ]
    if problems:
        raise UsageError(problems)
    return {code: Severity(value) for code, value in table.items()}


def _problem(path: Path, what: str) -> Problem:
    return Problem(
        "E-VALIDATE-001", what, 'write lines such as V444 = "error" below [severity].', Place(file=path.name)
    )
