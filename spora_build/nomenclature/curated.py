"""Markers of spatial proteomics, looked at one by one: data/curated.csv."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from spora_build.nomenclature.fold import fold
from spora_build.nomenclature.proposal import Candidate, Confidence, Kind

CURATED_FILE = Path(__file__).parent / "data" / "curated.csv"
LABEL_SEPARATOR = " | "
CANDIDATE_SEPARATOR = "; "


@dataclass(frozen=True)
class CuratedMarker:
    """One row of the table."""

    labels: tuple[str, ...]
    """Spellings; those that :func:`fold` makes the same need not be listed twice."""
    marker: str
    """Name to propose; empty where the label itself is the name."""
    uniprot_id: str
    is_nuclear_marker: bool
    kind: Kind
    confidence: Confidence
    candidates: tuple[Candidate, ...]
    note: str


@cache
def curated_markers() -> tuple[CuratedMarker, ...]:
    """Every row, in the table's order."""
    with CURATED_FILE.open(encoding="utf-8", newline="") as file:
        return tuple(_marker(row) for row in csv.DictReader(file))


def find_curated(text: str) -> CuratedMarker | None:
    """The row that has a label of this spelling."""
    return _by_label().get(fold(text))


@cache
def _by_label() -> dict[str, CuratedMarker]:
    return {fold(label): marker for marker in curated_markers() for label in marker.labels}


def _marker(row: dict[str, str]) -> CuratedMarker:
    return CuratedMarker(
        labels=tuple(row["labels"].split(LABEL_SEPARATOR)),
        marker=row["marker"],
        uniprot_id=row["uniprot_id"],
        is_nuclear_marker=row["is_nuclear_marker"] == "yes",
        kind=Kind(row["kind"]),
        confidence=Confidence(row["confidence"]),
        candidates=tuple(Candidate(*part.split("=")) for part in row["candidates"].split(CANDIDATE_SEPARATOR) if part),
        note=row["note"],
    )
