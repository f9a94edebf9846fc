"""Philips TIFF: the scan of page 0; macro, label and lower levels are never read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spora_build.model.roi import Roi
from spora_build.readers._pixel_size import Measured, first_found, from_tiff, from_um
from spora_build.readers._tiff_file import first_page, no_tiff, open_tiff
from spora_build.readers._tiff_pixels import tiff_store
from spora_build.readers._tiff_roi import make_roi

KIND = "Philips TIFF"
PRIORITY = 5
_SPACING = re.compile(
    r'DICOM_PIXEL_SPACING"[^>]*>\s*(?:&quot;|")([^"&]+)(?:&quot;|")\s*(?:&quot;|")([^"&]+)(?:&quot;|")'
)


def can_read(path: Path) -> bool:
    """A tiled TIFF file that Philips' software wrote, with its XML in the first page."""
    page = first_page(path)
    return (
        page is not None and page.is_tiled and page.software.startswith("Philips") and "<DataObject" in page.description
    )


@contextmanager
def open_rois(path: Path) -> Iterator[list[Roi]]:
    """One Roi, the scan at full resolution. Raises UnreadableFileError."""
    head = first_page(path)
    if head is None:
        raise no_tiff(path)
    with tiff_store() as store:
        with open_tiff(path) as tiff:
            page = tiff.pages[0]
            page.nodata = 255  # tiles that were not scanned are left out of the file: bare glass is white
            measured = first_found(_measured(head.description, path.name), from_tiff(page, path.name))
            roi = make_roi(store, [(path, page)], file=path.name, measured=measured, kind=KIND)
        yield [roi]


def _measured(description: str, file: str) -> Measured:
    """The finest pixel spacing of the XML (mm; rows first): the scan itself is finer than its levels and the macro."""
    spacings = []
    for match in _SPACING.finditer(description):
        try:
            spacings.append((float(match[2]) * 1000, float(match[1]) * 1000))
        except ValueError:
            continue
    x_um, y_um = min(spacings, default=(None, None))
    return from_um(x_um, y_um, "Philips DICOM_PIXEL_SPACING", file)
