"""An instance mask read once: how many cells, and their outlines where pictures are large enough to show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.pixels.outline import cell_edges
from spora_build.store.mask import read_mask_header
from spora_build.store.mask_bands import read_mask_bands
from spora_build.workflows.reporting.look_at_mask import mask_size

_TABLE = 1 << 26
_LEAST_PX = 24
"""Mean area of a cell, in pixels of the picture, from which outlines are more than a grey veil."""


@dataclass(frozen=True)
class Grid:
    """The pixels of a picture as shares of the field: (top, left) corner, and height and width of all of it."""

    top: float
    left: float
    height: float
    width: float
    rows: int
    cols: int


@dataclass(frozen=True)
class CellsLook:
    """What one pass over an instance mask found."""

    count: int
    edges: tuple[NDArray[np.bool_] | None, ...]
    """Per grid: the outlines; None where cells are too small in it, or absent."""


def look_at_cells(path: Path, grids: Sequence[Grid]) -> CellsLook:
    """Read the mask in bands, each grid by its nearest pixels. Raises InvalidDataError."""
    size, dtype = mask_size(path), read_mask_header(path)[1]
    rows = [_places(grid.top, grid.height, grid.rows, size.height) for grid in grids]
    cols = [_places(grid.left, grid.width, grid.cols, size.width) for grid in grids]
    seen: list[NDArray[Any]] = [np.zeros((grid.rows, grid.cols), dtype) for grid in grids]
    labels = _Labels()
    start = 0
    for band in read_mask_bands(path):
        labels.add(band)
        for at in range(len(grids)):
            here = np.flatnonzero((rows[at] >= start) & (rows[at] < start + len(band)))
            if len(here):
                seen[at][here] = band[rows[at][here] - start][:, cols[at]]
        start += len(band)
    return CellsLook(labels.count, tuple(_edges(picture) for picture in seen))


@dataclass
class _Labels:
    """Which labels occur: a table by label while they are small, and a sorted list of the others."""

    table: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(1, np.bool_))
    large: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    def add(self, band: NDArray[Any]) -> None:
        top = int(band.max())
        if top >= _TABLE or int(band.min()) < 0:
            self.large = np.union1d(self.large, band[(band >= _TABLE) | (band < 0)].astype(np.int64))
            band = band[(band >= 0) & (band < _TABLE)]
            top = int(band.max(initial=0))
        if top >= len(self.table):
            self.table = np.concatenate([self.table, np.zeros(top + 1 - len(self.table), np.bool_)])
        self.table[band] = True

    @property
    def count(self) -> int:
        return int(np.count_nonzero(self.table[1:])) + len(self.large)


def _places(first: float, extent: float, count: int, length: int) -> NDArray[np.int64]:
    """The mask's rows (or columns) at the centres of a picture's pixels."""
    centres = (first + (np.arange(count) + 0.5) / count * extent) * length
    return np.floor(centres).astype(np.int64).clip(0, length - 1)


def _edges(labels: NDArray[Any]) -> NDArray[np.bool_] | None:
    cells = np.unique(labels[labels != 0]).size
    if not cells or np.count_nonzero(labels) / cells < _LEAST_PX:
        return None
    return cell_edges(labels)
