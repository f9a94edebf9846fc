"""Rows of tissues.csv for acquisitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from spora_build.errors import Place, Problem
from spora_build.submission.columns import sort_columns
from spora_build.submission.sheet import find_sheet
from spora_build.submission.tissues import OPTIONAL, REQUIRED
from spora_build.workflows.drafting.append_rows import read_readable_sheet
from spora_build.workflows.drafting.find_acquisitions import Acquisition
from spora_build.workflows.drafting.guess_modality import Guess
from spora_build.workflows.drafting.known_patients import KnownPatients

COLUMNS = (*REQUIRED, *OPTIONAL)


@dataclass(frozen=True)
class ListedImage:
    """A row of the sheet as it is now."""

    image: str
    series: str
    modality: str


def listed_images(root: Path) -> list[ListedImage]:
    """What tissues.csv lists already, whether or not its rows are complete.

    Raises InvalidDataError where a row cannot be read: it may list any of the files.
    """
    path, _ = find_sheet(root, "tissues")
    if path is None:
        return []
    sheet = read_readable_sheet(path, root)
    columns = sort_columns(sheet, COLUMNS)
    return [
        ListedImage(
            image=(columns.cell(row, "image") or "").replace("\\", "/").removeprefix("./"),
            series=columns.cell(row, "series") or "",
            modality=(columns.cell(row, "modality") or "").strip(),
        )
        for row in sheet.rows
    ]


def series_of(image: Acquisition) -> str:
    """How the sheet calls an acquisition among those of its file; empty where it is the only one."""
    return "" if image.is_alone else image.roi.name or str(image.roi.series)


def find_listed(image: Acquisition, listed: Sequence[ListedImage]) -> ListedImage | None:
    """The row that lists an acquisition, under any of its files."""
    files = {image.file, *image.copies}
    own = {series_of(image), str(image.roi.series)}
    for row in listed:
        if row.image in files and (image.is_alone or row.image != image.file or row.series in own):
            return row
    return None


def draft_rows(
    images: Sequence[Acquisition],
    guesses: Mapping[Acquisition, Guess],
    patients: KnownPatients,
    cell_masks: Mapping[Acquisition, str],
    tissue_masks: Mapping[Acquisition, str],
    tissues: Mapping[Acquisition, str],
    mpps: Mapping[Acquisition, float],
) -> list[dict[str, str]]:
    """One row for each acquisition; what nobody but a person knows is empty. ``mpps``: of files that have none."""
    rows = []
    for image in images:
        rows.append(
            {
                "image": image.file,
                "patient": patients.of(image),
                "modality": guesses[image].modality,
                "series": series_of(image),
                "tissue": tissues.get(image, ""),
                "mpp": f"{mpps[image]:g}" if image in mpps and image.roi.mpp is None else "",
                "cell_mask": cell_masks.get(image, ""),
                "tissue_mask": tissue_masks.get(image, ""),
            }
        )
    return rows


def to_fill_in(
    images: Sequence[Acquisition], guesses: Mapping[Acquisition, Guess], rows: Sequence[Mapping[str, str]]
) -> list[Problem]:
    """What a person has to fill in or look at before the sheet can be used."""
    place = Place(file="tissues.csv")
    problems = []
    named = sum(1 for row in rows if row["patient"])
    if named < len(rows):
        what = f"rows without a patient: {len(rows) - named} of {len(rows)}."
        problems.append(Problem("W-INIT-030", what, "fill in the column patient: only you know it.", place))
    if named:
        what = f"rows with the patient that clinical.csv names for the file: {named} of {len(rows)}."
        problems.append(Problem("W-INIT-031", what, "check them.", place))
    for image, row in zip(images, rows, strict=True):
        at = Place(file=image.file)
        guess = guesses[image]
        if not guess.modality:
            problems.append(
                Problem("W-INIT-032", f"its modality is not known: {guess.doubt}.", "fill in the column modality.", at)
            )
        elif guess.doubt:
            problems.append(
                Problem("W-INIT-033", f"taken for {guess.modality}: {guess.doubt}.", "check the column modality.", at)
            )
        if image.roi.mpp is None and not row["mpp"]:
            what = "the file has no pixel size that can be believed."
            problems.append(
                Problem(
                    "W-INIT-034", what, "fill in the column mpp, or [mpp_override] in spora.toml for a modality.", at
                )
            )
    return problems
