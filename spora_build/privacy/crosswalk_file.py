"""The crosswalk as a CSV file that a person can search: one line per patient, tissue and biopsy."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field

from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.model.names import PATIENT_ID, SPECIMEN_ID, is_dataset_name
from spora_build.privacy.pseudonym import IdScheme

CROSSWALK_FILE = "crosswalk.csv"
_HEADER = ("kind", "patient", "original", "patient_id", "code")
_KINDS = {"patient": PATIENT_ID, "biopsy": PATIENT_ID, "tissue": SPECIMEN_ID}


@dataclass(frozen=True)
class Entry:
    """One identifier and its code."""

    kind: str
    """``patient``, ``tissue`` or ``biopsy``."""
    patient: str = field(repr=False)
    original: str = field(repr=False)
    """The raw name of what has the code; for a patient the same as ``patient``."""
    patient_id: str
    code: str
    """patient_id, specimen_id or biopsy_id."""


def render_entries(
    dataset: str | None, scheme: IdScheme | None, key_fingerprint: str, entries: Iterable[Entry]
) -> bytes:
    """The file's bytes: a header, a line ``build`` with dataset, scheme and key fingerprint, then the entries."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(_HEADER)
    writer.writerow(("build", dataset or "", scheme or "", "", key_fingerprint))
    writer.writerows((entry.kind, entry.patient, entry.original, entry.patient_id, entry.code) for entry in entries)
    return text.getvalue().encode("utf-8")


def parse_entries(content: bytes) -> tuple[str, IdScheme, str, tuple[Entry, ...]]:
    """Dataset, scheme, key fingerprint and entries. Raises InvalidDataError where a line is damaged."""
    row = 1
    try:
        lines = csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
        if tuple(next(lines)) != _HEADER:
            raise ValueError
        row = 2
        kind, dataset, scheme, _, fingerprint = next(lines)
        if kind != "build" or not is_dataset_name(dataset):
            raise ValueError
        entries: list[Entry] = []
        seen: set[tuple[str, str, str]] = set()
        for row, line in enumerate(lines, start=3):  # noqa: B007  (the row is told when a line is damaged)
            entry = Entry(*line)
            if not (_KINDS[entry.kind].match(entry.code) and PATIENT_ID.match(entry.patient_id)):
                raise ValueError
            if (name := (entry.kind, entry.patient, entry.original)) in seen:
                raise ValueError
            seen.add(name)
            entries.append(entry)
        return dataset, IdScheme(scheme), fingerprint, tuple(entries)
    except (ValueError, TypeError, KeyError, StopIteration, csv.Error):
        raise InvalidDataError(
            Problem(
                "E-ID-037",
                "the crosswalk is damaged or was changed by hand.",
                "restore it from a backup: ids cannot be given consistently without it.",
                Place(file=CROSSWALK_FILE, row=row),
            )
        ) from None
