"""Labels of overlapping windows as those of one image: each cell comes from the tile that its centre lies in."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from spora_build.model.geometry import Size, Window
from spora_build.segmenters._planes import window_around

Look = Callable[[Window], NDArray[np.uint32]]
"""Labels (h, w) of a window, numbered anyhow."""


def stitched_bands(look: Look, size: Size, tile_px: int, margin_px: int) -> Iterator[NDArray[np.uint32]]:
    """Labels in bands of the image's width, numbered from 1 in the order of the tiles.

    Each tile is looked at with ``margin_px`` around it, and gives the cells whose centre of mass lies in the tile
    itself, whole. Where ``look`` says the same of a cell in every window that holds all of it, and no cell is longer
    than the margin, this is what one window of the whole image would give. A pixel that two tiles claim stays with the
    first, and a cell of which most is taken already is the same one seen again: it is left out.
    """
    count = 0
    top = 0  # first row of the canvas in the image
    canvas = np.zeros((0, size.width), np.uint32)
    for row in range(0, size.height, tile_px):
        stop = min(size.height, row + tile_px + margin_px)
        canvas = np.concatenate([canvas, np.zeros((stop - top - len(canvas), size.width), np.uint32)])
        for col in range(0, size.width, tile_px):
            window = window_around(row, col, tile_px, margin_px, size)
            labels = _of_tile(look(window), window, Window(row, col, tile_px, tile_px))
            part = canvas[window.row - top : window.row_stop - top, window.col : window.col_stop]
            count += _add(part, labels, count)
        done = size.height if row + tile_px >= size.height else max(top, row + tile_px - margin_px)
        yield canvas[: done - top]
        canvas, top = canvas[done - top :], done


def _of_tile(labels: NDArray[np.uint32], window: Window, tile: Window) -> NDArray[np.uint32]:
    """The cells whose centre lies in the tile, numbered 1…n; the others are gone."""
    found, cell = np.unique(labels, return_inverse=True)
    cell = cell.reshape(labels.shape)
    pixels = np.bincount(cell.ravel(), minlength=len(found))
    rows, cols = np.indices(labels.shape)
    row, col = (np.bincount(cell.ravel(), axis.ravel(), len(found)) / pixels for axis in (rows, cols))
    row, col = row + window.row, col + window.col
    ours = (found > 0) & (row >= tile.row) & (row < tile.row_stop) & (col >= tile.col) & (col < tile.col_stop)
    return np.where(ours, np.cumsum(ours), 0).astype(np.uint32)[cell]


def _add(canvas: NDArray[np.uint32], labels: NDArray[np.uint32], count: int) -> int:
    """Lay cells 1…n on the free pixels of the canvas, numbered on from ``count``; how many there are."""
    number = int(labels.max(initial=0))
    free = canvas == 0
    pixels = np.bincount(labels.ravel(), minlength=number + 1)
    left = np.bincount(labels[free], minlength=number + 1)
    kept = 2 * left > pixels
    kept[0] = False
    names = np.where(kept, np.cumsum(kept) + count, 0).astype(np.uint32)[labels]
    canvas[free] = names[free]
    return int(kept.sum())
