"""Outlines: of a tissue as polygons, of cells as pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_TOLERANCE_PX = 0.6
_SMALLEST_PX = 6.0
"""Islands and holes of a smaller area are left out."""
_MOST = 120
"""Polygons kept, the largest ones."""


def polygons(mask: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """Closed outlines (n, 2) of row and col, in pixels from the image's corner, largest first; holes among them."""
    from skimage.measure import approximate_polygon, find_contours

    found: list[tuple[float, NDArray[np.float64]]] = []
    contours: Any = find_contours(np.pad(mask, 1).astype(np.float32), 0.5)  # type: ignore[no-untyped-call]
    for contour in contours:
        corners: Any = approximate_polygon(contour, _TOLERANCE_PX) - 0.5  # type: ignore[no-untyped-call]  # one pixel of padding; centres to corners
        area = abs(_area(corners))
        if len(corners) > 3 and area >= _SMALLEST_PX:
            found.append((area, corners))
    found.sort(key=lambda pair: -pair[0])
    return [corners for _, corners in found[:_MOST]]


def _area(corners: NDArray[np.float64]) -> float:
    rows, cols = corners[:, 0], corners[:, 1]
    return float(np.dot(rows[:-1], cols[1:]) - np.dot(rows[1:], cols[:-1])) / 2


def cell_edges(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """(h, w): pixels of a cell that have a pixel of another cell or of the background to the right or below.

    Also their mirror: the first pixels of a cell after background, so that every outline is closed.
    """
    edges = np.zeros(labels.shape, np.bool_)
    beside, below = labels[:, :-1] != labels[:, 1:], labels[:-1] != labels[1:]
    edges[:, :-1] |= beside
    edges[:-1] |= below
    edges[:, 1:] |= beside & (labels[:, :-1] == 0)
    edges[1:] |= below & (labels[:-1] == 0)
    edges &= labels != 0
    return edges


def innermost(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """Row and col of the pixel deepest inside the mask (the first of equals); the middle of an empty one."""
    from scipy import ndimage

    if not mask.any():
        return mask.shape[0] // 2, mask.shape[1] // 2
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    best = depth >= depth.max() * 0.98
    rows, cols = np.nonzero(best)
    middle = (rows - rows.mean()) ** 2 + (cols - cols.mean()) ** 2
    at = int(np.argmin(middle))
    return int(rows[at]), int(cols[at])
