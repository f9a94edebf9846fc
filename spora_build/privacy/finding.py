"""What the gate tells about a column, and the line of spora.toml that decides it."""

from __future__ import annotations

from dataclasses import dataclass

from spora_build.errors import Place, Problem, Severity


@dataclass(frozen=True)
class Finding:
    """One reason why a column may identify a patient. Never a value."""

    code: str
    """E-PRIV-… refuses the build until somebody decides, W- and N- only tell."""
    table: str
    """``clinical``, ``tissues`` or ``cells``."""
    column: str | None
    """As the sheet names it; None where the finding is about several, or the name itself would identify somebody."""
    reason: str
    """A sentence without the full stop."""
    rows: int
    """Rows concerned."""
    remedy: str
    """A line for ``[privacy.columns]`` of spora.toml, or a sentence where no such line helps."""

    @property
    def is_line(self) -> bool:
        """Whether the remedy is a line of spora.toml."""
        return self.remedy.startswith('"')

    def problem(self) -> Problem:
        """The finding as a message."""
        remedy = self.remedy
        if self.is_line:
            remedy = (
                f"write {remedy} under [privacy.columns] of spora.toml,"
                ' or { allow = "your name", on = <date> } once you have looked at it.'
            )
        what = f"the column {self.reason}" if self.column is not None else self.reason
        rows = f" ({self.rows} row{'s' if self.rows != 1 else ''})" if self.rows else ""
        return Problem(self.code, f"{what}{rows}.", remedy, Place(file=self.table, column=self.column))


def unresolved(findings: tuple[Finding, ...]) -> tuple[Problem, ...]:
    """The findings that stop a build, as messages for a PrivacyError."""
    problems = (finding.problem() for finding in findings)
    return tuple(problem for problem in problems if problem.severity is Severity.ERROR)
