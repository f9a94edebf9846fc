"""Hamamatsu NDPI: the largest scanned page; macro, map and lower magnifications are never read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spora_build.model.geometry import Size
from spora_build.model.roi import Roi
from spora_build.readers._pixel_size import from_tiff
from spora_build.readers._tiff_file import first_page, no_tiff, open_tiff, pages_of, unsupported
from spora_build.readers._tiff_pixels import tiff_store
from spora_build.readers._tiff_roi import make_roi, refused_roi, samples_of, stack_problem

KIND = "Hamamatsu NDPI"
PRIORITY = 5
_FORMAT_FLAG, _MAGNIFICATION, _FOCUS = 65420, 65421, 65424


def can_read(path: Path) -> bool:
    """A TIFF file with Hamamatsu's private tags."""
    page = first_page(path)
    return page is not None and {_FORMAT_FLAG, _MAGNIFICATION} <= page.tags


@contextmanager
def open_rois(path: Path) -> Iterator[list[Roi]]:
    """One Roi, the scan at full resolution. A focus stack is refused. Raises UnreadableFileError."""
    if first_page(path) is None:
        raise no_tiff(path)
    with tiff_store() as store:
        with open_tiff(path) as tiff:
            pages = pages_of(tiff, path.name)
            # the macro image has magnification -1, the map of scanned areas -2
            scanned = [page for page in pages if (page.tags.valueof(_MAGNIFICATION) or 0) > 0]
            if not scanned:
                raise unsupported(path.name, "it holds no scanned image, only a macro or a map", "scan it again.")
            largest = max(scanned, key=lambda page: page.imagelength * page.imagewidth)
            like = [page for page in scanned if page.shape == largest.shape]
            measured = from_tiff(largest, path.name)
            depths = {page.tags.valueof(_FOCUS) for page in like}
            if len(like) > 1 and (len(depths) > 1 or samples_of(largest, path.name).is_rgb):
                size = Size(int(largest.imagelength), int(largest.imagewidth))
                problem = stack_problem({"Z": len(like)}, path.name)
                rois = [refused_roi(problem, size, kind=KIND, pixel_size=measured.pixel_size)]
            else:
                channels = [(path, page) for page in like]
                rois = [make_roi(store, channels, file=path.name, measured=measured, kind=KIND)]
        yield rois
