"""What steinbock's ``images.csv`` says of the images beside it: IMC, in TIFFs without a pixel size of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from spora_build.submission.columns import sort_columns
from spora_build.submission.sheet import read_sheet
from spora_build.submission.values import parse_number
from spora_build.workflows.drafting.find_acquisitions import Acquisition

_FILE = "images.csv"
_COLUMNS = ("image", "width_px", "height_px", "acquisition_width_um", "acquisition_height_um")
_TOLERANCE = 0.01


def imc_pixel_sizes(root: Path, images: Iterable[Acquisition]) -> dict[Acquisition, float]:
    """Pixel size (µm) of every image that an ``images.csv`` in its folder or the one above lists as an acquisition.

    Only where the header is as large as the list says, and both axes agree: width in µm over width in pixels.
    """
    lists: dict[Path, dict[str, tuple[int, int, float]]] = {}
    found = {}
    for image in images:
        folder = (root / image.file).parent
        for place in (folder, folder.parent):
            if place != root and root not in place.parents:
                continue
            if place not in lists:
                lists[place] = dict(_rows(place / _FILE, root))
            listed = lists[place].get(PurePosixPath(image.file).name)
            if listed is not None and listed[:2] == image.roi.shape[1:]:
                found[image] = listed[2]
                break
    return found


def _rows(path: Path, root: Path) -> Iterator[tuple[str, tuple[int, int, float]]]:
    """File name, and its height and width in pixels and pixel size."""
    if not path.is_file():
        return
    sheet = read_sheet(path, root)
    columns = sort_columns(sheet, _COLUMNS)
    if not columns.known.keys() >= set(_COLUMNS):
        return
    for row in sheet.rows:
        try:
            width, height, width_um, height_um = (parse_number(columns.cell(row, name) or "") for name in _COLUMNS[1:])
        except ValueError:
            continue
        name = columns.cell(row, "image")
        if name and min(width, height, width_um, height_um) > 0:
            mpp = width_um / width
            if abs(height_um / height - mpp) <= _TOLERANCE * mpp:
                yield name, (round(height), round(width), mpp)
