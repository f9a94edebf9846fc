"""``init``: draft the sheets of a raw folder from what its files say."""

from __future__ import annotations

import csv
import io
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from spora_build.errors import Place, Problem, Severity, UsageError
from spora_build.model.modality import Modality
from spora_build.submission.sheet import find_sheet
from spora_build.submission.templates import read_template
from spora_build.workflows.drafting.append_rows import append_rows, read_readable_sheet, write_sheet
from spora_build.workflows.drafting.find_acquisitions import Acquisition, find_acquisitions
from spora_build.workflows.drafting.find_masks import pair_masks, split_masks
from spora_build.workflows.drafting.guess_modality import Guess, guess_modality
from spora_build.workflows.drafting.known_patients import known_patients
from spora_build.workflows.drafting.lab_panels import find_lab_panels
from spora_build.workflows.drafting.mcmicro import cell_tables_note
from spora_build.workflows.drafting.panel import COLUMNS as PANEL_COLUMNS
from spora_build.workflows.drafting.panel import draft_panel, is_listed
from spora_build.workflows.drafting.registered_pairs import registered_tissues
from spora_build.workflows.drafting.same_acquisition import merge_copies
from spora_build.workflows.drafting.steinbock_images import imc_pixel_sizes
from spora_build.workflows.drafting.tissues import COLUMNS as TISSUE_COLUMNS
from spora_build.workflows.drafting.tissues import ListedImage, draft_rows, find_listed, listed_images, to_fill_in

TISSUES_FILE, SETTINGS_FILE = "tissues.csv", "spora.toml"


@dataclass(frozen=True)
class Written:
    """What happened to one sheet."""

    file: str
    rows: int
    """Rows written; 0 for a sheet that was complete already."""
    is_new: bool


@dataclass(frozen=True)
class Draft:
    """What ``init`` did."""

    written: tuple[Written, ...]
    images: int
    """Acquisitions found, those listed before too."""
    problems: tuple[Problem, ...]


def draft(root: Path) -> Draft:
    """Write or complete ``tissues.csv``, ``panel_<modality>.csv`` and ``spora.toml`` of a raw folder.

    Nothing that stands in a sheet is changed: what is new is added below it. Raises UsageError where there is no folder
    or no image in it, InvalidDataError where an existing sheet cannot be read.
    """
    if not root.is_dir():
        raise _usage("E-INIT-002", "there is no such folder.", "name the folder that holds the images.", root)
    found, problems = find_acquisitions(root)
    found, masks, more = split_masks(found)
    problems += more
    found, more = merge_copies(found)
    problems += more
    listed = listed_images(root)
    imc = imc_pixel_sizes(root, found)
    guesses = {image: _known_or_guess(image, find_listed(image, listed), root, imc) for image in found}
    found, more = _without_pictures(found, guesses)
    problems += more
    if not found:
        none = _usage("E-INIT-003", "no image was found.", "run `spora-build inspect` on it to see why.", root)
        raise UsageError([*none.problems, *problems])
    new = [image for image in found if find_listed(image, listed) is None]
    pairing = pair_masks(found, masks)
    tissues, more = registered_tissues(found, {image: guess.modality for image, guess in guesses.items()})
    rows = draft_rows(new, guesses, known_patients(root), pairing.cell, pairing.tissue, tissues, imc)
    tables = cell_tables_note(root)
    if tables is not None and not (root / SETTINGS_FILE).exists():
        problems.append(tables)
    if new:
        problems += [*pairing.problems, *more, *to_fill_in(new, guesses, rows)]
    panels: dict[str, list[dict[str, str]]] = {}
    for modality in _multiplex(guesses[image] for image in found):
        panels[modality], more = _new_panel_rows(root, modality, [i for i in found if guesses[i].modality == modality])
        problems += more
    written = [_write(root, TISSUES_FILE, TISSUE_COLUMNS, rows)]
    written += [_write(root, f"panel_{modality}.csv", PANEL_COLUMNS, panels[modality]) for modality in panels]
    written.append(_write_settings(root))
    return Draft(tuple(written), len(found), tuple(problems))


def write_templates(root: Path, modality: Modality) -> Draft:
    """Write the empty sheets for a modality: headers without rows. Sheets that are there already stay.

    Raises UsageError where there is no such folder.
    """
    if not root.is_dir():
        raise _usage("E-INIT-002", "there is no such folder.", "name the folder that is to hold the images.", root)
    written = [_write(root, TISSUES_FILE, TISSUE_COLUMNS, [], even_empty=True)]
    if modality.is_multiplex:
        header = next(csv.reader(io.StringIO(read_template("panel_imc.csv"))))
        written.append(_write(root, f"panel_{modality}.csv", header, [], even_empty=True))
    written.append(_write_settings(root))
    return Draft(tuple(written), 0, ())


def _known_or_guess(image: Acquisition, row: ListedImage | None, root: Path, imc: Container[Acquisition]) -> Guess:
    """The modality that the sheet gives, which goes before any guess."""
    if row is not None and row.modality:
        try:
            return Guess(Modality.parse(row.modality).name)
        except ValueError:
            return Guess("", "tissues.csv names one that spora does not have")
    return Guess("imc") if image in imc else guess_modality(image, root)


def _without_pictures(
    found: Sequence[Acquisition], guesses: Mapping[Acquisition, Guess]
) -> tuple[list[Acquisition], list[Problem]]:
    pictures = [image for image in found if guesses[image].is_picture_only]
    problems = [
        Problem(
            "N-INIT-035",
            f"{guesses[i].doubt}; it is not listed.",
            "nothing; the raw image is what counts.",
            Place(file=i.file),
        )
        for i in pictures
    ]
    return [image for image in found if image not in pictures], problems


def _multiplex(guesses: Iterable[Guess]) -> list[str]:
    names = {guess.modality for guess in guesses if guess.modality}
    return sorted(name for name in names if Modality(name).is_multiplex)


def _new_panel_rows(
    root: Path, modality: str, images: Sequence[Acquisition]
) -> tuple[list[dict[str, str]], list[Problem]]:
    """Rows for the channels that no panel sheet of the modality lists."""
    folders = [root]
    for image in images:
        folder = image.path if image.path.is_dir() else image.path.parent
        folders += [parent for parent in (folder, *folder.parents) if parent.is_relative_to(root)]
    folders += sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    rows, problems = draft_panel(modality, images, find_lab_panels(root, folders))
    path, _ = find_sheet(root, f"panel_{modality}")
    if path is None:
        return rows, problems
    sheet = read_readable_sheet(path, root)
    position = next((i for i, header in enumerate(sheet.headers) if header.lower() == "channel"), None)
    channels = [row.cells[position] or "" for row in sheet.rows] if position is not None else []
    if sheet.rows and not any(channels):  # by position: nothing can be told apart
        return [], []
    rows = [row for row in rows if not is_listed(row, channels)]
    return rows, problems if rows else []


def _write(
    root: Path, name: str, columns: Sequence[str], rows: Sequence[Mapping[str, str]], *, even_empty: bool = False
) -> Written:
    path, problems = find_sheet(root, Path(name).stem)
    if path is None and any(problem.severity is Severity.ERROR for problem in problems):
        raise UsageError(problems)
    if path is None:
        if rows or even_empty:
            write_sheet(root / name, columns, rows)
        return Written(name, len(rows), is_new=True)
    if rows:
        append_rows(path, root, rows)
    return Written(path.name, len(rows), is_new=False)


def _write_settings(root: Path) -> Written:
    path = root / SETTINGS_FILE
    if path.exists():
        return Written(SETTINGS_FILE, 0, is_new=False)
    with path.open("x", encoding="utf-8", newline="") as file:
        file.write(read_template(SETTINGS_FILE))
    return Written(SETTINGS_FILE, 1, is_new=True)


def _usage(code: str, what: str, remedy: str, root: Path) -> UsageError:
    return UsageError(Problem(code, what, remedy, Place(file=root.name)))
