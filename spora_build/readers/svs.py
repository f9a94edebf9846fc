"""Aperio SVS: the scan of page 0; thumbnail, lower levels, label and macro are never read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spora_build.model.geometry import Size
from spora_build.model.roi import Roi
from spora_build.readers._pixel_size import Measured, first_found, from_tiff, from_um
from spora_build.readers._tiff_file import first_page, no_tiff, open_tiff, pages_of
from spora_build.readers._tiff_pixels import tiff_store
from spora_build.readers._tiff_roi import make_roi, refused_roi, stack_problem

KIND = "Aperio SVS"
_MPP = re.compile(r"\|\s*MPP\s*=\s*([-+0-9.,eE]+)")


def can_read(path: Path) -> bool:
    """A TIFF file whose first page is tiled and described by Aperio, whatever the file is called."""
    page = first_page(path)
    return page is not None and page.description.startswith("Aperio") and page.is_tiled


@contextmanager
def open_rois(path: Path) -> Iterator[list[Roi]]:
    """One Roi, the scan at full resolution. Raises UnreadableFileError."""
    if first_page(path) is None:
        raise no_tiff(path)
    with tiff_store() as store:
        with open_tiff(path) as tiff:
            pages = pages_of(tiff, path.name)
            scan = pages[0]
            measured = first_found(_measured(scan, path.name), from_tiff(scan, path.name))
            planes = [page for page in pages if page.is_tiled and page.shape == scan.shape and not page.is_reduced]
            if len(planes) > 1:
                size = Size(int(scan.imagelength), int(scan.imagewidth))
                problem = stack_problem({"Z": len(planes)}, path.name)
                rois = [refused_roi(problem, size, kind=KIND, pixel_size=measured.pixel_size)]
            else:
                rois = [make_roi(store, [(path, scan)], file=path.name, measured=measured, kind=KIND)]
        yield rois


def _measured(page: Any, file: str) -> Measured:
    """Pixel size of the description: one number for both axes."""
    match = _MPP.search(page.description)
    try:
        mpp = float(match[1].replace(",", ".")) if match else None
    except ValueError:
        mpp = float("nan")
    return from_um(mpp, mpp, "Aperio MPP", file)
