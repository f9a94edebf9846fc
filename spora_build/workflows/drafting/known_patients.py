"""Patients that the clinical table plainly names: never guessed, never shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from spora_build.submission.columns import fold
from spora_build.submission.sheet import find_sheet, read_sheet
from spora_build.workflows.drafting.find_acquisitions import Acquisition, stem

_PATIENT = (
    "patient",
    "patientid",
    "patientno",
    "patientnumber",
    "case",
    "caseid",
    "subject",
    "subjectid",
    "donor",
    "donorid",
)
_IMAGE = (
    "image", "imageid", "imagename", "imagefile", "file", "filename", "sample", "sampleid", "samplename", "core",
    "coreid", "roi", "roiid", "fov", "slide", "slideid", "acquisition", "tissue", "tissueid", "region",
)  # fmt: skip
_SHORTEST = 3


@dataclass(frozen=True)
class KnownPatients:
    """What a clinical table says about file names."""

    by_name: dict[str, str] = field(default_factory=dict, repr=False)
    """Names of images or samples to patients; ambiguous names are left out."""
    patients: tuple[str, ...] = field(default=(), repr=False)

    def of(self, image: Acquisition) -> str:
        """The patient of an image, empty where the table does not plainly name it.

        It does where a row's image or sample is the image's name, or where exactly one patient's identifier (of at
        least three letters and digits) is the name of the file or of its folder, or stands in it between signs.
        """
        parts = [PurePosixPath(image.file).name.casefold(), *(name.casefold() for name in sorted(image.names))]
        rows = {self.by_name[part] for part in parts if part in self.by_name}
        if len(rows) == 1:
            return rows.pop()
        folders = PurePosixPath(image.file).parts[:-1]
        found = {p for p in self.patients for text in (stem(image.file), *folders) if _stands_in(p, text)}
        return found.pop() if len(found) == 1 else ""


def known_patients(root: Path) -> KnownPatients:
    """Read ``clinical.csv`` of the raw folder; nothing where there is none or it has no column of patients."""
    path, _ = find_sheet(root, "clinical")
    if path is None:
        return KnownPatients()
    sheet = read_sheet(path, root)
    headers = [fold(header) for header in sheet.headers]
    patient = _first(headers, _PATIENT)
    if patient is None:
        return KnownPatients()
    image = _first(headers, _IMAGE)
    names: dict[str, set[str]] = {}
    patients: dict[str, None] = {}
    for row in sheet.rows:
        value = row.cells[patient]
        if value is None:
            continue
        patients[value] = None
        name = row.cells[image] if image is not None else None
        if name is not None:
            for text in {name.casefold(), PurePosixPath(name).name.casefold(), stem(name).casefold()}:
                names.setdefault(text, set()).add(value)
    return KnownPatients({name: next(iter(of)) for name, of in names.items() if len(of) == 1}, tuple(patients))


def _first(headers: Sequence[str], names: Sequence[str]) -> int | None:
    return next((headers.index(name) for name in names if name in headers), None)


def _stands_in(patient: str, text: str) -> bool:
    if len(re.sub(r"[\W_]", "", patient)) < _SHORTEST:
        return False
    return re.search(rf"(?<![^\W_]){re.escape(patient)}(?![^\W_])", text, re.IGNORECASE) is not None
