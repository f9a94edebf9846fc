"""Spelling rules for names: datasets, columns, tissue ids."""

from __future__ import annotations

import re
import unicodedata

DATASET_NAME = re.compile(r"^[a-z]+[0-9]{4}[a-z0-9]+$")
PATIENT_ID = re.compile(r"^[a-z]{8}$")
SPECIMEN_ID = re.compile(r"^[0-9]{4}$")


def is_dataset_name(text: str) -> bool:
    """Whether the text is a dataset name in BibTeX-key form, such as ``schurch2020coordinated``."""
    return DATASET_NAME.match(text) is not None


def snake_case(text: str) -> str:
    """A column or folder name in lower snake_case: ``Overall Survival (months)`` → ``overall_survival_months``.

    Letters outside ASCII lose their accents; an empty result is the caller's to refuse.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", plain)
    spaced = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", spaced)
    return re.sub(r"[^0-9a-zA-Z]+", "_", spaced).strip("_").lower()


def tissue_id(dataset: str, patient_id: str, specimen_id: str) -> str:
    """``dataset_patientid_specimenid``. Raises ValueError where a part is malformed."""
    if not (is_dataset_name(dataset) and PATIENT_ID.match(patient_id) and SPECIMEN_ID.match(specimen_id)):
        raise ValueError("a tissue id is made of a dataset name, eight letters and four digits")
    return f"{dataset}_{patient_id}_{specimen_id}"
