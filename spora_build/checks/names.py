"""Names of folders and columns, and what lies where nothing should."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from spora_build.checks.broken_rows import listed
from spora_build.checks.core import NotApplicableError, Violation, rule
from spora_build.checks.view import CELL_MASKS, TISSUE_MASKS, DatasetView
from spora_build.errors import Severity
from spora_build.model.modality import Modality
from spora_build.model.names import is_dataset_name, snake_case
from spora_build.store.atomic import TEMPORARY_SUFFIX
from spora_build.store.layout import parse_resolution_folder, resolution_folder

KNOWN_FOLDERS = {"metadata", "segmentations", "tiling", "ihc", "he", "imc", "codex", "cycif", "mibi"}
PANEL_TABLES = {"channels.parquet", "channels_per_tissue.parquet"}
METADATA_FILES = {"tissues.parquet", "cells.parquet", "checksums.sha256"}
"""The checksums are those of a published dataset."""
COMPANIONS = re.compile(r"(readme|licen[cs]e|citation|changelog)(\.[a-z]+)?", re.I)
"""Files that may lie beside the data: they tell people about it."""
MEANT_AS_RESOLUTION = re.compile(r"[0-9][0-9._]*.*|.*(mpp|µm|um)", re.I)


@rule("V001", remedy="Rename the folder, and the tissues with it, to a BibTeX key such as schurch2020coordinated.")
def dataset_name(view: DatasetView) -> Iterator[Violation]:
    """The dataset's folder is named lastnameyearfirsttitleword: lower-case letters, four digits, lower-case letters.

    spora-bench splits a tissue id on its underscores, so the name has none.
    """
    if not is_dataset_name(view.layout.name):
        yield Violation(".", f"{view.layout.name!r} is no such name")


@rule("V002", remedy="Rename the folder; the reader looks for the exact name and finds nothing otherwise.")
def folder_spelling(view: DatasetView) -> Iterator[Violation]:
    """The dataset's folders are named metadata, segmentations, tiling, he, imc, codex, cycif, mibi and ihc, exactly."""
    for folder in view.folders(view.root):
        if folder.name not in KNOWN_FOLDERS and _means_a_folder(folder.name):
            yield Violation(view.place(folder), "looks like one of these, but is not spelled so")


def _means_a_folder(name: str) -> bool:
    """Whether one of the format's folders is meant: another case, number or name of it."""
    try:
        return Modality.parse(name).name != name or name.startswith("ihc_")
    except ValueError:
        return name.lower().rstrip("s ") in {known.rstrip("s") for known in KNOWN_FOLDERS}


@rule("V003", severity=Severity.WARNING, remedy="Move it out of the dataset.")
def unknown_entry(view: DatasetView) -> Iterator[Violation]:
    """The dataset's folder holds no folders but those of the format, and no files but a readme or a licence.

    Hidden files are left out.
    """
    folders = view.folders(view.root)
    for entry in view.entries(view.root):
        known = entry.name in KNOWN_FOLDERS or _means_a_folder(entry.name) if entry in folders else _is_companion(entry)
        if not known:
            yield Violation(view.place(entry))


def _is_companion(entry: Path) -> bool:
    return entry.name.startswith(".") or entry.name.endswith(TEMPORARY_SUFFIX) or bool(COMPANIONS.fullmatch(entry.name))


@rule("V004", severity=Severity.WARNING, remedy="Run `spora-build repair`, then the interrupted stage again.")
def unfinished_files(view: DatasetView) -> Iterator[Violation]:
    """Nothing is left over from an interrupted build."""
    for folder in _format_folders(view):
        for entry in view.entries(folder):
            if entry.name.endswith(TEMPORARY_SUFFIX):
                yield Violation(view.place(entry))


def _format_folders(view: DatasetView) -> Iterator[Path]:
    pending = [view.root]
    while pending:
        folder = pending.pop()
        yield folder
        pending += [entry for entry in view.folders(folder) if not entry.name.endswith(".ome.zarr")]


@rule("V005", remedy="Rename it to the pixel size as Python prints it: 1 → 1_0mpp, 0.37744 → 0_37744mpp.")
def resolution_folder_spelling(view: DatasetView) -> Iterator[Violation]:
    """Resolution folders are named by their pixel size: str(float(mpp)) with the point as an underscore, then mpp."""
    for parent in _resolution_parents(view):
        for folder in view.folders(parent):
            mpp = parse_resolution_folder(folder.name)
            meant = MEANT_AS_RESOLUTION.fullmatch(folder.name) is not None
            wrong = resolution_folder(mpp) != folder.name if mpp is not None else meant
            if wrong or mpp == 0:
                yield Violation(view.place(folder))


def _resolution_parents(view: DatasetView) -> list[Path]:
    below = [view.root / "segmentations", view.root / "tiling"]
    return [view.layout.modality(modality) for modality in view.modalities] + below


@rule("V006", severity=Severity.WARNING, remedy="Move it out of the dataset.")
def stray_entries(view: DatasetView) -> Iterator[Violation]:
    """Folders of metadata, modalities, segmentations and tiling hold nothing but what the format puts there."""
    yield from _unknown(view, view.root / "metadata", METADATA_FILES)
    for modality in view.modalities:
        folder = view.layout.modality(modality)
        yield from _strays(view, folder, PANEL_TABLES if modality.is_multiplex else set())
        for mpp in view.resolutions(folder):
            inside = {"images", "standardization"} if modality.is_multiplex else {"images"}
            yield from _unknown(view, view.layout.resolution(modality, mpp), inside)
    yield from _strays(view, view.root / "segmentations", set())
    yield from _strays(view, view.root / "tiling", set())
    for mpp in view.mask_resolutions:
        yield from _unknown(view, view.layout.segmentations(mpp), {TISSUE_MASKS, CELL_MASKS})


def _strays(view: DatasetView, folder: Path, tables: set[str]) -> Iterator[Violation]:
    names = {entry.name for entry in view.folders(folder) if entry.name.endswith("mpp")}
    yield from _unknown(view, folder, names | tables)


def _unknown(view: DatasetView, folder: Path, known: set[str]) -> Iterator[Violation]:
    for entry in view.entries(folder):
        if entry.name not in known and not entry.name.endswith(TEMPORARY_SUFFIX):
            yield Violation(view.place(entry))


@rule("V007", remedy="Move it out of ihc/: the reader takes every entry there for a marker and stops.")
def stray_in_ihc(view: DatasetView) -> Iterator[Violation]:
    """The folder ihc/ holds nothing but folders named ihc_<MARKER> with images in them, hidden files included."""
    if not (view.root / "ihc").is_dir():
        raise NotApplicableError("there is no ihc/ folder")
    good = {modality.name for modality in view.modalities}
    for entry in view.entries(view.root / "ihc"):
        if not entry.is_dir() or entry.name not in good:
            yield Violation(view.place(entry))
        elif not view.images_of(Modality(entry.name)):
            yield Violation(view.place(entry), "no images")


@rule("V008", severity=Severity.WARNING, remedy="Rename the folder in lower snake_case.")
def folder_names(view: DatasetView) -> Iterator[Violation]:
    """Folders of tasks, tiling strategies and standardization methods are named in snake_case."""
    named = [folder for _, folder in view.task_folders]
    for mpp in view.resolutions(view.root / "tiling"):
        named += view.folders(view.root / "tiling" / resolution_folder(mpp))
    for modality in view.panels:
        for mpp in view.resolutions(view.layout.modality(modality)):
            named += view.folders(view.layout.resolution(modality, mpp) / "standardization")
    for folder in named:
        if snake_case(folder.name) != folder.name:
            yield Violation(view.place(folder))


@rule("V009", severity=Severity.WARNING, remedy="Rename the columns in lower snake_case (marker names may stay).")
def column_names(view: DatasetView) -> Iterator[Violation]:
    """Columns of tissues.parquet and cells.parquet are named in snake_case, except names of markers."""
    markers = {name for modality in view.panels for name in view.channels(modality).text("channel_name")}
    is_gene = view.is_gene_symbol or (lambda _: False)  # the panel may not be downloaded
    for table in (view.tissues, view.cells):
        odd = [c for c in map(str, table.rows.columns) if not _is_good_column(c, lambda n: n in markers or is_gene(n))]
        if odd:
            yield Violation(table.place, listed(odd))


def _is_good_column(name: str, is_marker: Callable[[str], bool]) -> bool:
    if is_marker(name) or snake_case(name) == name:
        return True
    words = name.split("_")
    parts = [("_".join(words[:at]), "_".join(words[at:])) for at in range(1, len(words))]
    return any((is_marker(a) and snake_case(b) == b) or (is_marker(b) and snake_case(a) == a) for a, b in parts)
