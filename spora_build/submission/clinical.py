"""``clinical.csv``: what is known about patients, tissues or images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ClinicalKey = Literal["patient", "tissue", "image"]


@dataclass(frozen=True)
class ClinicalTable:
    """Clinical columns by key; all text, nothing guessed."""

    file: str
    key: ClinicalKey
    columns: tuple[str, ...]
    """snake_case, in the sheet's order, without the key."""
    rows: Mapping[str, Mapping[str, str | None]] = field(repr=False)
    """Key value (as in tissues.csv) to its columns; real None where missing."""
