"""What a stage does about work that is there already."""

from __future__ import annotations

from enum import StrEnum


class Existing(StrEnum):
    """What to do about work that is there already."""

    REFRESH = "refresh"
    SKIP = "skip"
    OVERWRITE = "overwrite"
    ERROR = "error"
