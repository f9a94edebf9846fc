"""What can go wrong in a user's eyes: problems, and the errors that stop a command with an exit code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What the process returns; the same in every output format."""

    OK = 0
    INVALID_DATA = 1
    USAGE = 2
    PARTIAL = 3
    PRIVACY = 4
    ENVIRONMENT = 5
    INTERRUPTED = 130


class Severity(StrEnum):
    """How much a problem matters: an error stops, a warning asks for a look, a note only tells."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Place:
    """Where a problem is, as a person would look it up."""

    file: str | None = None
    """File name relative to the raw folder or the dataset, never an absolute path."""
    row: int | None = None
    """Row as a spreadsheet counts: the header is row 1."""
    column: str | None = None
    value: str | None = None
    """The offending text. Left None where the text may identify a patient."""

    def __str__(self) -> str:
        parts = [self.file or ""]
        if self.row is not None:
            parts.append(f"row {self.row}")
        if self.column is not None:
            parts.append(f"column {self.column!r}")
        text = " ".join(part for part in parts if part)
        if self.value is not None:
            text = f"{text} ({self.value!r})" if text else repr(self.value)
        return text


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: what, where and what to do about it."""

    code: str
    """Stable code such as ``E-MPP-002`` (first letter E, W or N for error, warning, note)."""
    what: str
    """One sentence saying what is wrong."""
    remedy: str
    """One sentence saying what the user does now."""
    place: Place = field(default_factory=Place)

    @property
    def severity(self) -> Severity:
        """Severity, read from the code's first letter."""
        return {"E": Severity.ERROR, "W": Severity.WARNING, "N": Severity.NOTE}[self.code[0]]

    def __str__(self) -> str:
        place = str(self.place)
        where = f"{place}: " if place else ""
        return f"{self.code} {where}{self.what} Fix: {self.remedy}"


class SporaBuildError(Exception):
    """Base of every error that a command shows without a traceback."""

    exit_code: ClassVar[ExitCode] = ExitCode.INVALID_DATA

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[SporaBuildError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


class InvalidDataError(SporaBuildError):
    """The data breaks a rule (exit 1)."""


class UnreadableFileError(InvalidDataError):
    """A raw file is damaged, hostile or of an unknown kind (exit 1)."""


class UsageError(SporaBuildError):
    """The command or its options make no sense here (exit 2)."""

    exit_code = ExitCode.USAGE


class PartialError(SporaBuildError):
    """Some tissues failed; what was built is good (exit 3)."""

    exit_code = ExitCode.PARTIAL


class PrivacyError(SporaBuildError):
    """Something may identify a patient and nobody has decided about it (exit 4)."""

    exit_code = ExitCode.PRIVACY


class EnvironmentFaultError(SporaBuildError):
    """The machine is at fault: disk, memory, permissions, a missing codec or package (exit 5)."""

    exit_code = ExitCode.ENVIRONMENT
