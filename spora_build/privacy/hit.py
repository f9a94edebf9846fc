"""What a detector says about a column."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Hit:
    """One suspicion: its code, why, and in how many rows. Never a value."""

    code: str
    reason: str
    """A sentence without the full stop, about the column."""
    rows: int
