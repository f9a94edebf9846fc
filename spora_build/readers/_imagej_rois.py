"""Outlines of cells from ImageJ: one ROI (``.roi``) or those of the ROI manager (``.zip``)."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import EnvironmentFaultError, Place, Problem, UnreadableFileError
from spora_build.readers._geojson import Outline, Outlines

_AREAS = ("POLYGON", "RECT", "OVAL", "FREEHAND", "TRACED")
"""ImageJ's kinds of ROI that enclose pixels."""


def is_rois(path: Path) -> bool:
    """Whether the name says ImageJ ROIs."""
    return path.suffix.lower() in (".roi", ".zip")


def read_rois(path: Path) -> Outlines:
    """Every ROI that encloses pixels; its position in the file is its number. Raises UnreadableFileError.

    Raises EnvironmentFaultError where the package roifile is not installed.
    """
    try:
        import roifile
    except ImportError as error:
        raise EnvironmentFaultError(
            Problem(
                "E-ENV-023",
                "reading ROIs of ImageJ needs the package roifile, which is not installed.",
                "install it (pip install 'spora-build[imagej]'), or give a label image.",
                Place(file=path.name),
            )
        ) from error
    try:
        found = roifile.roiread(path)
        cells, left_out = [], dict[str, int]()
        for number, roi in enumerate(found if isinstance(found, list) else [found], start=1):
            polygons = _polygons(roi) if roi.roitype.name in _AREAS else ()
            if polygons:
                cells.append(Outline(number, polygons))
            else:
                kind = roi.roitype.name.lower()
                left_out[kind] = left_out.get(kind, 0) + 1
    except (OSError, ValueError, IndexError, KeyError, struct.error, zipfile.BadZipFile, zlib.error) as error:
        raise UnreadableFileError(
            Problem(
                "E-READ-061",
                "these are no ROIs of ImageJ.",
                "save them from the ROI manager (More › Save), or give a label image.",
                Place(file=path.name),
            )
        ) from error
    return Outlines(tuple(cells), left_out)


def _polygons(roi: Any) -> tuple[tuple[NDArray[np.float64], ...], ...]:
    """Rings of (x, y) from the image's corner, the holes of each with it."""
    rings = [np.asarray(ring, np.float64) for ring in roi.coordinates(multi=True)]
    rings = [ring for ring in rings if ring.ndim == 2 and len(ring) >= 3 and np.isfinite(ring).all()]
    outer = [at for at in range(len(rings)) if not any(_lies_in(rings[at], other) for other in rings)]
    holes = [at for at in range(len(rings)) if at not in outer]
    return tuple((rings[at], *(rings[h] for h in holes if _lies_in(rings[h], rings[at]))) for at in outer)


def _lies_in(ring: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    from skimage.measure import points_in_poly

    if ring is other:
        return False
    return bool(points_in_poly(ring, other).all())  # type: ignore[no-untyped-call]
