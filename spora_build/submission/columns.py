"""A sheet's columns: those that are known here, and the others under the name they get in the dataset."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from spora_build.errors import Problem
from spora_build.model.names import snake_case
from spora_build.submission.problems import problem
from spora_build.submission.sheet import Sheet, SheetRow
from spora_build.submission.spelling import closest

CONTRACT_NAMES = frozenset(
    [
        "tissue_id",
        "patient_id",
        "specimen_id",
        "biopsy_id",
        "cell_id",
        "tile_id",
        "dataset",
        "original_patient_id",
        "original_biopsy_id",
    ]
)
"""Columns that spora-build writes itself."""
SHEET_NAMES = frozenset(
    [
        "image",
        "patient",
        "modality",
        "series",
        "tissue",
        "biopsy",
        "mpp",
        "cell_mask",
        "cell_mask_mpp",
        "tissue_mask",
        "split",
        "alignment",
    ]
)
"""Columns that tissues.csv gives a meaning."""


@dataclass(frozen=True)
class Columns:
    """Where the cells of a row are."""

    known: Mapping[str, int]
    """Known name to position; absent columns are absent here."""
    others: Mapping[str, int]
    """snake_case name of every other column to position."""
    problems: tuple[Problem, ...]
    refused: tuple[str, ...] = ()
    """snake_case names of columns that may not be called so."""

    def cell(self, row: SheetRow, name: str) -> str | None:
        """The cell of a known column, None where the column or the cell is missing."""
        return row.cells[self.known[name]] if name in self.known else None

    def metadata(self, row: SheetRow) -> dict[str, str | None]:
        """The cells of all other columns."""
        return {name: row.cells[position] for name, position in self.others.items()}


def fold(header: str) -> str:
    """A header without letter case, spaces and signs: ``Cell Mask``, ``cell_mask``, ``cellMask`` agree."""
    return re.sub(r"[^a-z0-9]", "", header.lower())


def sort_columns(
    sheet: Sheet,
    known: Sequence[str],
    *,
    aliases: Mapping[str, str] | None = None,
    reserved: Collection[str] = (),
    likely: Collection[str] = (),
) -> Columns:
    """Sort a sheet's columns into known and other ones.

    ``aliases`` maps folded headers of other programs to known names; one that has a column of its own is meant as such.
    Other columns may not be called as one of ``reserved``; one that is spelt almost like an absent one of ``likely`` is
    reported as a probable slip.
    """
    by_fold = {fold(name): name for name in known}
    named = {by_fold.get(fold(header)) for header in sheet.headers}
    by_fold |= {other: name for other, name in (aliases or {}).items() if name not in named}
    found: dict[str, int] = {}
    others: dict[str, int] = {}
    headers: dict[str, str] = {}
    problems: list[Problem] = []
    refused: list[str] = []
    for position, header in enumerate(sheet.headers):
        meant = by_fold.get(fold(header))
        name = meant or snake_case(header)
        if not name:
            problems.append(problem("E-SHEET-017", sheet.file, sheet.header_row, header))
        elif name in headers:
            problems.append(
                problem("E-SHEET-015", sheet.file, sheet.header_row, header, other=headers[name], name=name)
            )
        elif meant:
            found[name], headers[name] = position, header
        elif name in reserved:
            remedy = f"rename the column (for example raw_{name}), or delete it."
            problems.append(problem("E-SHEET-016", sheet.file, sheet.header_row, header, name=name, remedy=remedy))
            refused.append(name)
        else:
            others[name], headers[name] = position, header
    absent = [name for name in likely if name not in found]
    for name, position in others.items():
        slip = closest(name, absent, cutoff=0.8)
        if slip:
            problems.append(problem("W-SHEET-018", sheet.file, sheet.header_row, sheet.headers[position], known=slip))
    return Columns(found, others, tuple(problems), tuple(refused))


def naming_hint(columns: Columns, name: str) -> str:
    """For a remedy: which of the other columns probably is the missing one, or nothing."""
    candidates = [*columns.others, *columns.refused]
    similar = [other for other in candidates if other.startswith(f"{name}_") or other.endswith(f"_{name}")]
    likely = similar[0] if similar else closest(name, candidates)
    return f" (rename column {likely!r} if that is it)" if likely else ""
