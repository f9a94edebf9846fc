"""Cells found by the place of their centre, for tables that know no labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spora_build.model.geometry import Size
from spora_build.pixels.numbering import Numbering
from spora_build.store.layout import Layout
from spora_build.store.mask_bands import read_mask_bands

NEAR_PX = 2.0
"""How far outside a cell's own radius its centre may lie: programs round, and count pixels from 0, ½ or 1."""


@dataclass(frozen=True)
class Grid:
    """Where a tissue's instance mask lies, and at which pixel size it came."""

    mpp: float
    size: Size
    mask_mpp: float

    def pixels_per(self, unit: Literal["px", "um"]) -> float:
        """Pixels of this grid per unit of a centre: micrometres, or pixels of the mask as it came."""
        return 1 / self.mpp if unit == "um" else self.mask_mpp / self.mpp


@dataclass(frozen=True)
class Found:
    """Cells of the mask by row of a table."""

    cell: NDArray[np.int64]
    """Number of the cell in the mask, 0 where there is none or another row lies nearer to it."""
    outside: int
    """Rows whose centre lies in no cell and near none."""
    crowded: int
    """Rows in a cell that another row is nearer to."""


def cells_at(
    layout: Layout, tissue_id: str, grid: Grid, cells: Numbering, row: NDArray[np.float64], col: NDArray[np.float64]
) -> Found:
    """The cell under each centre, given in pixels of the grid.

    A centre on background (of a bent cell, or by rounding) belongs to the cell with the nearest centroid, if that lies
    within the radius of a disc of the cell's area and two pixels. Of several centres in one cell, the one nearest to
    its centroid counts. Not finite: nowhere.
    """
    inside = np.isfinite(row) & np.isfinite(col)
    inside &= (
        (row > -NEAR_PX) & (col > -NEAR_PX) & (row < grid.size.height + NEAR_PX) & (col < grid.size.width + NEAR_PX)
    )
    cell = np.zeros(len(row), np.int64)
    places = np.flatnonzero(inside)
    at_row = np.clip(np.rint(row[places]).astype(np.int64), 0, grid.size.height - 1)
    at_col = np.clip(np.rint(col[places]).astype(np.int64), 0, grid.size.width - 1)
    cell[places] = _under(layout, tissue_id, grid, at_row, at_col)
    _nearest_centroid(cells, cell, row, col, places[cell[places] == 0])
    outside = int((cell == 0).sum())
    crowded = _one_row_each(cells, cell, row, col)
    return Found(cell, outside, crowded)


def _under(
    layout: Layout, tissue_id: str, grid: Grid, row: NDArray[np.int64], col: NDArray[np.int64]
) -> NDArray[np.int64]:
    order = np.argsort(row, kind="stable")
    found = np.zeros(len(row), np.int64)
    top = 0
    for band in read_mask_bands(layout.cell_mask(grid.mpp, tissue_id)):
        start, stop = np.searchsorted(row[order], (top, top + len(band)))
        here = order[start:stop]
        found[here] = band[row[here] - top, col[here]]
        top += len(band)
    return found


def _nearest_centroid(
    cells: Numbering,
    cell: NDArray[np.int64],
    row: NDArray[np.float64],
    col: NDArray[np.float64],
    missed: NDArray[np.int64],
) -> None:
    from scipy.spatial import cKDTree

    if not len(missed):
        return
    tree = cKDTree(np.c_[cells.centroid_row, cells.centroid_col])
    distance, nearest = tree.query(np.c_[row[missed], col[missed]])
    near = distance <= np.sqrt(cells.pixels[nearest] / np.pi) + NEAR_PX
    cell[missed[near]] = nearest[near] + 1


def _one_row_each(cells: Numbering, cell: NDArray[np.int64], row: NDArray[np.float64], col: NDArray[np.float64]) -> int:
    """Leave each cell to its nearest row, the first of equals; the number of rows that lost theirs."""
    rows = np.flatnonzero(cell)
    at = cell[rows] - 1
    distance = np.hypot(row[rows] - cells.centroid_row[at], col[rows] - cells.centroid_col[at])
    order = np.lexsort((rows, distance, at))
    again = np.flatnonzero(at[order][1:] == at[order][:-1]) + 1
    cell[rows[order[again]]] = 0
    return len(again)
