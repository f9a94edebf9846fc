"""The greedy cover of a tissue by square tiles, with the tiles that spora-io's own loop selects."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.model.geometry import Size
from spora_build.pixels.cell_counts import axis_edges, count_cells, rectangle_sums
from spora_build.pixels.grid_tiling import grid_tiling
from spora_build.pixels.tile_settings import Tiling, TilingSettings, TilingStats


def tile_mask(bands: Iterable[NDArray[Any]], size: Size, settings: TilingSettings) -> Tiling:
    """Tile a mask of ``size`` given as bands of rows from top to bottom (a whole mask is one band).

    Nonzero is tissue. See :func:`greedy_tiling` and :func:`spora_build.pixels.grid_tiling.grid_tiling`.
    """
    return (grid_tiling if settings.is_grid else greedy_tiling)(bands, size, settings)


def greedy_tiling(bands: Iterable[NDArray[Any]], size: Size, settings: TilingSettings) -> Tiling:
    """Always the candidate that newly covers most tissue, the first in row-major order on a tie.

    Candidates lie on the lattice of the stride plus a last row and column flush with the border, and hold tissue in at
    least 1 − tolerance of their area. The cover ends when the coverage goal is reached and the best gain is below
    ceil(min_gain_ratio · size²). Every candidate is a union of cells between candidates' edges, so the mask itself is
    read once; gains only ever shrink, so the best is found by a heap whose entries are corrected when they surface.

    A tissue smaller than the tile gets none (``smaller_than_tile``): the reader slices tiles without padding.
    """
    tile = settings.size_px
    row_starts = _starts(size.height, tile, settings.step_px)
    col_starts = _starts(size.width, tile, settings.step_px)
    row_edges = axis_edges(size.height, row_starts, tile)
    col_edges = axis_edges(size.width, col_starts, tile)
    cells = count_cells(bands, row_edges, col_edges)
    total = int(cells.sum())

    def tiling(coordinates: list[tuple[int, int]], candidates: int, covered: int, reason: str) -> Tiling:
        stats = TilingStats(
            mask_height=size.height,
            mask_width=size.width,
            tissue_mask_frac=total / (size.height * size.width),
            num_tiles=len(coordinates),
            coverage_ratio=covered / total if total else 1.0,
            covered_valid_pixels=covered,
            total_valid_pixels=total,
            candidate_count=candidates,
            stop_reason=reason,
        )
        return Tiling(np.array(coordinates, np.int64).reshape(-1, 2), stats)

    if total == 0:
        return tiling([], 0, 0, "empty_mask")
    if tile > min(size.height, size.width):
        return tiling([], 0, 0, "smaller_than_tile")

    row_start, row_stop = np.searchsorted(row_edges, [row_starts, row_starts + tile])
    col_start, col_stop = np.searchsorted(col_edges, [col_starts, col_starts + tile])
    gains = rectangle_sums(cells, row_start, row_stop, col_start, col_stop).ravel()
    # The same division and comparison as spora-io's, so that a share exactly at the limit falls on the same side.
    keep = np.flatnonzero((gains > 0) & (gains / float(tile * tile) >= 1.0 - settings.tolerance))
    heap = list(zip((-gains[keep]).tolist(), keep.tolist(), strict=True))
    heapq.heapify(heap)
    row_slices = [slice(a, b) for a, b in zip(row_start.tolist(), row_stop.tolist(), strict=True)]
    col_slices = [slice(a, b) for a, b in zip(col_start.tolist(), col_stop.tolist(), strict=True)]

    least_gain = math.ceil(settings.min_gain_ratio * (tile * tile))
    aims_for_all = settings.coverage_goal >= 1.0
    chosen: list[tuple[int, int]] = []
    covered = 0
    reason = "candidates_exhausted"
    add = np.add.reduce
    while heap:
        remembered, candidate = heap[0]
        row, col = divmod(candidate, len(col_slices))
        part = cells[row_slices[row], col_slices[col]]
        gain = int(add(part, axis=None))
        if gain != -remembered:
            heapq.heapreplace(heap, (-gain, candidate))
            continue
        if gain == 0:
            reason = "no_gain"
            break
        if gain < least_gain and (aims_for_all or covered / total >= settings.coverage_goal):
            reason = "adaptive_stop"
            break
        heapq.heappop(heap)
        chosen.append((int(row_starts[row]), int(col_starts[col])))
        covered += gain
        part[...] = 0
    return tiling(chosen, len(keep), covered, reason)


def _starts(length_px: int, size_px: int, stride_px: int) -> NDArray[np.int64]:
    """First pixels of the candidates along one axis: the lattice, then the one flush with the border."""
    last = max(0, length_px - size_px)
    starts = np.arange(0, last + 1, stride_px, dtype=np.int64)
    return starts if starts[-1] == last else np.append(starts, last)
