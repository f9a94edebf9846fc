"""Tissue pixels per cell of the grid that the edges of all candidate tiles make, from one scan of a mask."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MAX_ROWS = 255
"""Rows that can be summed in uint8 without overflow: several times faster than in a wider type."""


def axis_edges(length_px: int, starts: NDArray[np.int64], size_px: int) -> NDArray[np.int64]:
    """Where candidates begin or end along one axis, clipped to it: ascending, from 0 to ``length_px``."""
    edges = np.concatenate([[0, length_px], starts, starts + size_px])
    return np.unique(np.clip(edges, 0, length_px)).astype(np.int64)


def count_cells(
    bands: Iterable[NDArray[Any]], row_edges: NDArray[np.int64], col_edges: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Nonzero pixels in each cell, shape (len(row_edges) − 1, len(col_edges) − 1).

    ``bands`` are the mask from top to bottom, each of shape (any number of rows, W), bool or numeric: a whole mask is
    one band. Memory is the cells' plus one row. Raises ValueError where the bands do not add up to the edges' extent.
    """
    height, width = int(row_edges[-1]), int(col_edges[-1])
    counts = np.zeros((len(row_edges) - 1, len(col_edges) - 1), np.int64)
    row = 0
    for band in bands:
        if band.ndim != 2 or band.shape[1] != width or row + band.shape[0] > height:
            raise ValueError(f"a band of shape {band.shape} at row {row} does not fit a mask of {height} × {width}")
        stop = row + band.shape[0]
        cell = int(np.searchsorted(row_edges, row, side="right")) - 1
        start = row
        while start < stop:
            end = min(stop, int(row_edges[cell + 1]), start + _MAX_ROWS)
            counts[cell] += _row_of_cells(band[start - row : end - row], col_edges)
            cell += end == row_edges[cell + 1]
            start = end
        row = stop
    if row != height:
        raise ValueError(f"the bands hold {row} rows of {height}")
    return counts


def _row_of_cells(rows: NDArray[Any], col_edges: NDArray[np.int64]) -> NDArray[np.int64]:
    tissue = rows if rows.dtype == bool else rows != 0
    per_column = np.add.reduce(tissue.view(np.uint8), axis=0, dtype=np.uint8)
    sums: NDArray[np.int64] = np.add.reduceat(per_column, col_edges[:-1], dtype=np.int64)
    return sums


def rectangle_sums(
    counts: NDArray[np.int64],
    row_start: NDArray[np.int64],
    row_stop: NDArray[np.int64],
    col_start: NDArray[np.int64],
    col_stop: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Sums of counts[row_start[i]:row_stop[i], col_start[j]:col_stop[j]] for every i and j: (len(i), len(j))."""
    integral = np.zeros((counts.shape[0] + 1, counts.shape[1] + 1), np.int64)
    np.cumsum(counts, axis=0, out=integral[1:, 1:])
    np.cumsum(integral[1:, 1:], axis=1, out=integral[1:, 1:])
    by_rows = integral[row_stop] - integral[row_start]
    sums: NDArray[np.int64] = by_rows[:, col_stop] - by_rows[:, col_start]
    return sums
