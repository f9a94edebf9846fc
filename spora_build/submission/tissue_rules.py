"""What the rows of tissues.csv must not say of each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from spora_build.errors import Problem
from spora_build.submission.problems import problem, rows_text
from spora_build.submission.raw_paths import resolved
from spora_build.submission.spelling import loose_identifier

if TYPE_CHECKING:
    from spora_build.submission.tissues import ImageRow


def check_rows(
    images: Sequence[ImageRow], file: str, faulty: Collection[tuple[int | None, str | None]] = ()
) -> list[Problem]:
    """Every contradiction between rows, in the sheet's order within each rule. Identifiers are never echoed.

    ``faulty`` are (row, column) of cells already reported, whose values count as missing: they contradict nothing.
    """
    with_series = [row for row in images if (row.row, "series") not in faulty]
    known = [row for row in images if row.patient]
    with_split = [row for row in known if (row.row, "split") not in faulty]
    return [
        *_repeated_images(with_series, file),
        *_one_value(known, file, "tissue", lambda r: r.tissue, lambda r: r.patient, "E-TISSUE-016"),
        *_repeated_modalities(images, file),
        *_one_value(with_split, file, "split", lambda r: r.patient, lambda r: r.split, "E-TISSUE-018"),
        *_one_value(known, file, "biopsy", lambda r: r.biopsy, lambda r: r.patient, "E-TISSUE-019"),
        *_one_value(images, file, "biopsy", lambda r: r.tissue, lambda r: r.biopsy, "E-TISSUE-020"),
        *_contradicting_alignments(images, file),
        *_masks(images, file, "cell_mask", lambda r: r.cell_mask),
        *_masks(images, file, "tissue_mask", lambda r: r.tissue_mask),
        *_almost_same_patients(known, file),
    ]


def _groups(images: Iterable[ImageRow], key: Callable[[ImageRow], Hashable]) -> Iterator[list[ImageRow]]:
    """Rows that agree in a key, which is not None; groups of two and more."""
    groups: defaultdict[Hashable, list[ImageRow]] = defaultdict(list)
    for row in images:
        found = key(row)
        if found is not None:
            groups[found].append(row)
    return (group for group in groups.values() if len(group) > 1)


def _repeated_images(images: Sequence[ImageRow], file: str) -> Iterator[Problem]:
    folders: dict[str, Path] = {}
    for group in _groups(images, lambda row: resolved(row.path, folders)):
        named = [row for row in group if row.series is not None]
        first: dict[str | None, int] = {}
        for row in group:
            series = None if row.series is None else str(row.series)
            if series in first:
                yield problem("E-TISSUE-009", file, row.row, "image", row.image, other=first[series])
            elif series is None and named:
                yield problem("E-TISSUE-010", file, row.row, "series", other=named[0].row)
            first.setdefault(series, row.row)


def _one_value(
    images: Sequence[ImageRow],
    file: str,
    column: str,
    key: Callable[[ImageRow], str | None],
    value: Callable[[ImageRow], str | None],
    code: str,
) -> Iterator[Problem]:
    for group in _groups(images, key):
        first = group[0]
        for row in group[1:]:
            if value(row) != value(first):
                yield problem(code, file, row.row, column, other=first.row)


def _repeated_modalities(images: Sequence[ImageRow], file: str) -> Iterator[Problem]:
    for group in _groups(images, lambda row: row.tissue and (row.tissue, row.modality)):
        for row in group[1:]:
            yield problem("E-TISSUE-017", file, row.row, "tissue", other=group[0].row, modality=row.modality)


def _contradicting_alignments(images: Sequence[ImageRow], file: str) -> Iterator[Problem]:
    for group in _groups(images, lambda row: row.tissue):
        for row in group:
            if row.alignment == "no alignment":
                other = next(r.row for r in group if r is not row)
                yield problem("E-TISSUE-021", file, row.row, "alignment", other=other)


def _masks(
    images: Sequence[ImageRow], file: str, name: str, mask: Callable[[ImageRow], Path | None]
) -> Iterator[Problem]:
    with_mask = [row for row in images if mask(row) is not None]
    for group in _groups(with_mask, lambda row: row.tissue):
        for row in group[1:]:
            if mask(row) != mask(group[0]):
                yield problem("E-TISSUE-022", file, row.row, name, other=group[0].row, name=name)
    for group in _groups(with_mask, mask):
        for row in group[1:]:
            if row.tissue is None or row.tissue != group[0].tissue:
                yield problem("W-TISSUE-023", file, row.row, name, other=group[0].row)


def _almost_same_patients(images: Sequence[ImageRow], file: str) -> Iterator[Problem]:
    spellings: defaultdict[str, dict[str, list[int]]] = defaultdict(dict)
    for row in images:
        spellings[loose_identifier(row.patient)].setdefault(row.patient, []).append(row.row)
    for patients in spellings.values():
        if len(patients) > 1:
            lists = list(patients.values())
            rows = " / ".join(rows_text(rows) for rows in lists)
            yield problem("W-TISSUE-024", file, lists[1][0], "patient", rows=rows)
