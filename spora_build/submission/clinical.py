"""``clinical.csv``: what is known about patients, tissues or images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from spora_build.errors import Problem, Severity
from spora_build.submission.columns import CONTRACT_NAMES, SHEET_NAMES, Columns, naming_hint, sort_columns
from spora_build.submission.infer import infer_column
from spora_build.submission.problems import problem, rows_text
from spora_build.submission.sheet import Sheet, find_sheet, read_sheet
from spora_build.submission.spelling import loose_identifier
from spora_build.submission.tissues import ImageRow

__all__ = ["ClinicalKey", "ClinicalTable", "infer_column", "key_value", "read_clinical"]

ClinicalKey = Literal["patient", "tissue", "image"]
KEYS: tuple[ClinicalKey, ...] = ("image", "tissue", "patient")
"""The finest key that the table has joins it."""


@dataclass(frozen=True)
class ClinicalTable:
    """Clinical columns by key; all text, nothing guessed."""

    file: str
    key: ClinicalKey
    columns: tuple[str, ...]
    """snake_case, in the sheet's order, without the key."""
    rows: Mapping[str, Mapping[str, str | None]] = field(repr=False)
    """Key value (as in tissues.csv) to its columns; real None where missing."""

    def of(self, image: ImageRow) -> Mapping[str, str | None]:
        """The columns that belong to an image, all None where the table does not know it."""
        row = self.rows.get(key_value(image, self.key) or "")
        return row if row is not None else dict.fromkeys(self.columns)


def key_value(image: ImageRow, key: ClinicalKey) -> str | None:
    """What an image is called in a table with this key."""
    return {"patient": image.patient, "tissue": image.tissue, "image": image.image}[key]


def read_clinical(root: Path, images: Sequence[ImageRow]) -> tuple[ClinicalTable | None, list[Problem]]:
    """``root/clinical.csv`` and every problem in it, alone and beside tissues.csv. None where there is none."""
    path, problems = find_sheet(root, "clinical")
    if path is None:
        return None, problems
    sheet = read_sheet(path, root)
    problems += sheet.problems
    if not sheet.headers:
        return None, problems
    columns = sort_columns(sheet, KEYS, reserved=CONTRACT_NAMES | SHEET_NAMES)
    key = next((name for name in KEYS if name in columns.known), None)
    if key is None:
        hint = naming_hint(columns, "patient")
        return None, [*problems, problem("E-CLIN-001", sheet.file, sheet.header_row, hint=hint)]
    problems += columns.problems
    problems += [
        problem("W-CLIN-009", sheet.file, sheet.header_row, name, name=key) for name in columns.known if name != key
    ]
    if not columns.others:
        problems.append(problem("W-CLIN-010", sheet.file, sheet.header_row, name=key))
    rows, numbers, found = _merge_rows(sheet, columns, key)
    problems += found
    table = ClinicalTable(sheet.file, key, tuple(columns.others), rows)
    problems += _clashes(table, images, sheet.header_row)
    lost = [p for p in (*sheet.problems, *found) if p.severity is Severity.ERROR and p.code != "E-CLIN-003"]
    if not lost:  # else rows would be reported as missing that are there but could not be read
        problems += _unmatched(table, numbers, images)
    return table, problems


def _merge_rows(
    sheet: Sheet, columns: Columns, key: ClinicalKey
) -> tuple[dict[str, dict[str, str | None]], dict[str, int], list[Problem]]:
    """Columns by key, the first row of each key, and what is wrong."""
    rows: dict[str, dict[str, str | None]] = {}
    numbers: dict[str, int] = {}
    problems: list[Problem] = []
    for row in sheet.rows:
        value = columns.cell(row, key)
        if value is None:
            problems.append(problem("E-CLIN-002", sheet.file, row.number, key, name=key))
            continue
        if key == "image":
            value = value.replace("\\", "/").removeprefix("./")
        new = columns.metadata(row)
        if value not in rows:
            rows[value], numbers[value] = new, row.number
            continue
        old, other = rows[value], numbers[value]
        differing = [name for name in new if None not in (old[name], new[name]) and old[name] != new[name]]
        if differing:
            shown = ", ".join(differing[:5]) + (" …" if len(differing) > 5 else "")
            problems.append(problem("E-CLIN-003", sheet.file, row.number, other=other, name=key, columns=shown))
        else:
            problems.append(problem("W-CLIN-004", sheet.file, row.number, other=other, name=key))
            rows[value] = {name: old[name] if old[name] is not None else new[name] for name in new}
    return rows, numbers, problems


def _clashes(table: ClinicalTable, images: Sequence[ImageRow], header_row: int) -> list[Problem]:
    shared = [name for name in table.columns if images and name in images[0].metadata]
    return [
        problem("E-CLIN-008", table.file, header_row, name)
        for name in shared
        if any(
            None not in (image.metadata[name], table.of(image)[name]) and image.metadata[name] != table.of(image)[name]
            for image in images
        )
    ]


def _unmatched(table: ClinicalTable, numbers: Mapping[str, int], images: Sequence[ImageRow]) -> list[Problem]:
    """Both anti-joins, with rows and counts; identifiers are never echoed."""
    if not images or not table.rows:
        return []
    first_row: dict[str, int] = {}
    for image in images:
        value = key_value(image, table.key)
        if value:
            first_row.setdefault(value, image.row)
    if not first_row:  # no row has a patient yet, which the sheet of tissues tells
        return []
    without = [row for value, row in first_row.items() if value not in table.rows]
    alone = [value for value in table.rows if value not in first_row]
    almost = {loose_identifier(value) for value in first_row if value not in table.rows}
    near_rows = [numbers[value] for value in alone if loose_identifier(value) in almost]
    near = f" All but for spelling, {rows_text(near_rows)} would match." if near_rows else ""
    if len(alone) == len(table.rows):
        return [problem("E-CLIN-007", table.file, name=table.key, near=near)]
    problems: list[Problem] = []
    if without:
        rows, total = rows_text(without), len(first_row)
        problems.append(problem("W-CLIN-005", table.file, count=len(without), total=total, name=table.key, rows=rows))
    if alone:
        rows, total = rows_text([numbers[value] for value in alone]), len(table.rows)
        problems.append(
            problem("W-CLIN-006", table.file, count=len(alone), total=total, name=table.key, rows=rows, near=near)
        )
    return problems
