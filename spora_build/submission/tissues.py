"""``tissues.csv``: which image is which patient's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

from spora_build.errors import Problem
from spora_build.model.modality import MULTIPLEX_NAMES, Modality
from spora_build.submission.columns import CONTRACT_NAMES, Columns, naming_hint, sort_columns
from spora_build.submission.problems import problem
from spora_build.submission.raw_paths import RawPaths
from spora_build.submission.sheet import SheetRow, find_sheet, read_sheet
from spora_build.submission.spelling import closest, looks_rewritten
from spora_build.submission.tissue_rules import check_rows
from spora_build.submission.values import parse_number

REQUIRED = ("image", "patient", "modality")
OPTIONAL = ("series", "tissue", "biopsy", "mpp", "cell_mask", "cell_mask_mpp", "tissue_mask", "split", "alignment")
MAX_MPP = 100.0
"""Coarser than any microscope: such a number is in nanometres or dots per inch."""

Split = Literal["train", "test"]
Alignment = Literal["exact", "no alignment"]


@dataclass(frozen=True)
class ImageRow:
    """One row of tissues.csv: one image of one tissue."""

    row: int
    """Row as a spreadsheet counts: the header is row 1."""
    image: str
    """Path relative to the raw folder, with ``/``."""
    path: Path = field(repr=False)
    """Absolute path of an existing file or folder inside the raw folder."""
    patient: str = field(repr=False)
    """Raw patient identifier: never leaves the contributor's machine. Empty where the sheet has none, which is an
    error of the sheet: the row is kept so that what else is wrong with it is told at once."""
    modality: Modality
    series: int | str | None = None
    """Which acquisition of the file: its name, or its position counted from 0. None: the only one."""
    tissue: str | None = field(default=None, repr=False)
    """Rows with the same text are one registered tissue."""
    biopsy: str | None = field(default=None, repr=False)
    mpp: float | None = None
    """Pixel size in µm that goes before what the file says."""
    cell_mask: Path | None = field(default=None, repr=False)
    cell_mask_mpp: float | None = None
    """Pixel size of the cell mask in µm, where it is not that of an image of the tissue."""
    tissue_mask: Path | None = field(default=None, repr=False)
    split: Split | None = None
    alignment: Alignment | None = None
    metadata: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    """Every other column, by its snake_case name; the same keys in every row."""


def read_tissues(root: Path) -> tuple[tuple[ImageRow, ...], list[Problem]]:
    """The rows of ``root/tissues.csv`` that can be understood, in order, and every problem of the sheet."""
    path, problems = find_sheet(root, "tissues")
    if path is None:
        return (), problems or [problem("E-TISSUE-001")]
    sheet = read_sheet(path, root)
    problems += sheet.problems
    if not sheet.headers:
        return (), problems
    columns = sort_columns(sheet, (*REQUIRED, *OPTIONAL), reserved=CONTRACT_NAMES, likely=OPTIONAL)
    missing = [name for name in REQUIRED if name not in columns.known]
    problems += [
        problem("E-TISSUE-002", sheet.file, sheet.header_row, name=name, hint=naming_hint(columns, name))
        for name in missing
    ]
    problems += [p for p in columns.problems if not (missing and p.code == "E-SHEET-016")]
    if missing:
        return (), problems
    paths = RawPaths(root)
    images: list[ImageRow] = []
    for row in sheet.rows:
        image, found = _image_row(row, columns, paths, sheet.file)
        problems += found
        if image is not None:
            images.append(image)
    faulty = {(p.place.row, p.place.column) for p in problems}
    problems += check_rows(images, sheet.file, faulty)
    return tuple(images), problems


def _image_row(row: SheetRow, columns: Columns, paths: RawPaths, file: str) -> tuple[ImageRow | None, list[Problem]]:
    """The row as a value, None where image or modality fail it; other cells that fail count as empty."""
    number = row.number
    problems = [
        problem("E-TISSUE-003", file, number, name, name=name) for name in REQUIRED if columns.cell(row, name) is None
    ]
    image, path = "", None
    text = columns.cell(row, "image")
    if text is not None:
        image, path, fault = paths.find(text, file, number, "image")
        problems += [fault] if fault else []
    masks: dict[str, Path | None] = {}
    for name in ("cell_mask", "tissue_mask"):
        text, masks[name] = columns.cell(row, name), None
        if text is not None:
            _, masks[name], fault = paths.find(text, file, number, name)
            problems += [fault] if fault else []
    modality = _modality(columns.cell(row, "modality"), file, number, problems)
    mpp = _mpp(columns.cell(row, "mpp"), file, number, "mpp", problems)
    mask_mpp = _mpp(columns.cell(row, "cell_mask_mpp"), file, number, "cell_mask_mpp", problems)
    series = _series(columns.cell(row, "series"), file, number, problems)
    split = _choice(columns.cell(row, "split"), ("train", "test"), "E-TISSUE-014", file, number, "split", problems)
    alignment = _choice(
        columns.cell(row, "alignment"), ("exact", "no alignment"), "E-TISSUE-015", file, number, "alignment", problems
    )
    patient = columns.cell(row, "patient")
    if patient is not None and looks_rewritten(patient):
        problems.append(problem("W-TISSUE-025", file, number, "patient"))
    if path is None or modality is None:
        return None, problems
    row_value = ImageRow(
        row=number,
        image=image,
        path=path,
        patient=patient or "",
        modality=modality,
        series=series,
        tissue=columns.cell(row, "tissue"),
        biopsy=columns.cell(row, "biopsy"),
        mpp=mpp,
        cell_mask=masks["cell_mask"],
        cell_mask_mpp=mask_mpp,
        tissue_mask=masks["tissue_mask"],
        split=cast("Split | None", split),
        alignment=cast("Alignment | None", alignment),
        metadata=columns.metadata(row),
    )
    return row_value, problems


def _modality(text: str | None, file: str, row: int, problems: list[Problem]) -> Modality | None:
    if text is None:
        return None
    try:
        return Modality.parse(text)
    except ValueError:
        near = closest(text, (*MULTIPLEX_NAMES, "he"))
        suggestion = f"; did you mean {near!r}?" if near else ""
        problems.append(problem("E-TISSUE-011", file, row, "modality", text, suggestion=suggestion))
        return None


def _mpp(text: str | None, file: str, row: int, column: str, problems: list[Problem]) -> float | None:
    if text is None:
        return None
    try:
        mpp = parse_number(text)
    except ValueError:
        mpp = 0.0
    if mpp <= 0:
        problems.append(problem("E-TISSUE-012", file, row, column, text))
        return None
    if mpp > MAX_MPP:
        problems.append(problem("E-TISSUE-013", file, row, column, text, mpp=mpp))
        return None
    return mpp


def _series(text: str | None, file: str, row: int, problems: list[Problem]) -> int | str | None:
    if text is None:
        return None
    if re.fullmatch(r"(0|[1-9]\d{0,8})(\.0+)?", text):
        return int(text.split(".")[0])
    if re.fullmatch(r"-\d+(\.0+)?", text):
        problems.append(problem("E-TISSUE-026", file, row, "series", text))
        return None
    return text


def _choice(
    text: str | None, choices: tuple[str, ...], code: str, file: str, row: int, column: str, problems: list[Problem]
) -> str | None:
    if text is None:
        return None
    word = " ".join(re.split(r"[\s_-]+", text.lower()))
    if word in choices:
        return word
    problems.append(problem(code, file, row, column, text))
    return None
