"""Which cells of a sheet a message may repeat: in a row whose cells have slipped, any column holds a name."""

from __future__ import annotations

import re

from spora_build.submission.spelling import closest

FILE_COLUMNS = frozenset({"image", "cell_mask", "tissue_mask"})
"""Columns that name raw files: messages call the files so."""
_OF_PEOPLE = re.compile(r"(^|/)(tissues|clinical)\.|cell", re.IGNORECASE)
_SHORT_NUMBER = re.compile(
    r"[<>~≈]?\s*[-+]?(\d{1,4}([.,]\d{0,6})?|[.,]\d{1,6})\s*(µm|um|nm|mm|px|%|microns?|mpp)?(/\s*(px|pixel))?"
)
_EXPECTED = (
    *("imc", "codex", "cycif", "mibi", "he", "h&e", "ihc", "if", "mif", "fluorescence", "multiplex", "brightfield"),
    *("train", "test", "training", "testing", "val", "validation", "exact", "no alignment", "aligned", "registered"),
    *("yes", "no", "true", "false", "none", "nan", "inf", "maybe"),
)


def may_be_shown(value: str, file: str | None, column: str | None) -> bool:
    """Whether a cell is nobody's: of a panel or of settings, a file, a short number, nearly an expected word."""
    if file is None or not _OF_PEOPLE.search(file) or column in FILE_COLUMNS:
        return True
    return _SHORT_NUMBER.fullmatch(value) is not None or closest(value, _EXPECTED, cutoff=0.75) is not None
