"""A fixed grid of square tiles over a tissue; the last ones may cross the border and are padded by the reader."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.model.geometry import Size
from spora_build.pixels.cell_counts import axis_edges, count_cells, rectangle_sums
from spora_build.pixels.tile_settings import Tiling, TilingSettings, TilingStats


def grid_tiling(bands: Iterable[NDArray[Any]], size: Size, settings: TilingSettings) -> Tiling:
    """Tiles on the lattice of the stride, in row-major order, with tissue in at least 1 − tolerance of their area.

    The image is thought of as padded with background until the lattice reaches over its border.
    """
    tile = settings.size_px
    padded_height = _padded(size.height, tile, settings.step_px)
    padded_width = _padded(size.width, tile, settings.step_px)
    row_starts = np.arange(0, padded_height - tile + 1, settings.step_px, dtype=np.int64)
    col_starts = np.arange(0, padded_width - tile + 1, settings.step_px, dtype=np.int64)
    row_edges = axis_edges(size.height, row_starts, tile)
    col_edges = axis_edges(size.width, col_starts, tile)
    cells = count_cells(bands, row_edges, col_edges)
    total = int(cells.sum())

    row_start, row_stop = np.searchsorted(row_edges, np.minimum([row_starts, row_starts + tile], size.height))
    col_start, col_stop = np.searchsorted(col_edges, np.minimum([col_starts, col_starts + tile], size.width))
    tissue = rectangle_sums(cells, row_start, row_stop, col_start, col_stop)
    # The same division and comparison as spora-io's, so that a share exactly at the limit falls on the same side.
    keep = (tissue > 0) & (tissue / float(tile * tile) >= 1.0 - settings.tolerance)
    rows, cols = np.nonzero(keep)
    covered = int(
        cells[_covered_cells(cells.shape, row_start[rows], row_stop[rows], col_start[cols], col_stop[cols])].sum()
    )
    return Tiling(
        np.stack([row_starts[rows], col_starts[cols]], axis=1),
        TilingStats(
            mask_height=size.height,
            mask_width=size.width,
            tissue_mask_frac=total / (size.height * size.width),
            num_tiles=len(rows),
            coverage_ratio=covered / total if total else 1.0,
            covered_valid_pixels=covered,
            total_valid_pixels=total,
            candidate_count=len(rows),
            stop_reason="fixed_grid_complete" if total else "empty_mask",
            grid_candidate_count=keep.size,
            padded_height=padded_height,
            padded_width=padded_width,
        ),
    )


def _padded(length_px: int, size_px: int, stride_px: int) -> int:
    return size_px if length_px <= size_px else math.ceil((length_px - size_px) / stride_px) * stride_px + size_px


def _covered_cells(
    shape: tuple[int, ...],
    row_start: NDArray[np.int64],
    row_stop: NDArray[np.int64],
    col_start: NDArray[np.int64],
    col_stop: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Cells inside any of the rectangles, by a two-dimensional difference array."""
    steps = np.zeros((shape[0] + 1, shape[1] + 1), np.int64)
    np.add.at(steps, (row_start, col_start), 1)
    np.add.at(steps, (row_start, col_stop), -1)
    np.add.at(steps, (row_stop, col_start), -1)
    np.add.at(steps, (row_stop, col_stop), 1)
    covered: NDArray[np.bool_] = steps.cumsum(axis=0).cumsum(axis=1)[:-1, :-1] > 0
    return covered
