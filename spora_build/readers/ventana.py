"""Ventana (Roche) BIF: the level-0 page, where its tiles lie side by side; overlapping tiles are refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spora_build.model.roi import Roi
from spora_build.readers._pixel_size import first_found, from_tiff, from_um
from spora_build.readers._tiff_file import first_page, no_tiff, open_tiff, pages_of, unsupported
from spora_build.readers._tiff_pixels import tiff_store
from spora_build.readers._tiff_roi import make_roi

KIND = "Ventana BIF"
PRIORITY = 5
_XMP = 700


def can_read(path: Path) -> bool:
    """A TIFF file with a page of XMP about an iScan scanner."""
    page = first_page(path)
    if page is None or _XMP not in page.tags:
        return False
    return page.software.startswith(("Ventana", "ScanOutputManager")) or page.description.startswith("Label_Image")


@contextmanager
def open_rois(path: Path) -> Iterator[list[Roi]]:
    """One Roi, the scan at full resolution. Raises UnreadableFileError, also where tiles would have to be stitched."""
    if first_page(path) is None:
        raise no_tiff(path)
    with tiff_store() as store:
        with open_tiff(path) as tiff:
            pages = pages_of(tiff, path.name)
            scans = [page for page in pages if re.match(r"level=0\b", page.description or "")]
            if not scans:
                raise unsupported(path.name, "no page of it says level=0", "export the slide as OME-TIFF.")
            said = "\n".join(_xmp(page) for page in pages)
            if any(int(overlap) for overlap in re.findall(r'Overlap[XY]\s*=\s*"(-?\d+)"', said)):
                what = "its tiles overlap and would have to be stitched"
                raise unsupported(path.name, what, "export the slide as a pyramidal OME-TIFF, for example with QuPath.")
            match = re.search(r'ScanRes\s*=\s*"([0-9.]+)"', said)
            mpp = float(match[1]) if match else None
            measured = first_found(from_um(mpp, mpp, "Ventana ScanRes", path.name), from_tiff(scans[0], path.name))
            roi = make_roi(store, [(path, scans[0])], file=path.name, measured=measured, kind=KIND)
        yield [roi]


def _xmp(page: Any) -> str:
    value = page.tags.valueof(_XMP)
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value or "")
