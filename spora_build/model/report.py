"""What a stage did: small results that workers return instead of pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from spora_build.errors import Problem


class Status(StrEnum):
    """How one piece of work ended."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True)
class Outcome:
    """The end of one piece of work on one tissue."""

    tissue_id: str
    stage: str
    """``images``, ``mask``, ``tile``, ``stats``, ``cells``."""
    status: Status
    problems: tuple[Problem, ...] = field(default_factory=tuple)
    detail: str = ""
    """For the final table: a few words such as ``imc 0_5mpp, 1_0mpp``."""
