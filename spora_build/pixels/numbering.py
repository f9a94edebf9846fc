"""From the labels of a mask as it came to cells 1…N, with their sizes and centres."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.pixels.components import Pieces, find_pieces, piece_bands

_TABLE_LABELS = 1 << 24
"""Largest label that is looked up in a table (64 MB); larger ones are searched for."""


@dataclass(frozen=True)
class Numbering:
    """The cells of one mask; all arrays have one entry per cell, cell 1 first."""

    original: NDArray[np.uint32]
    """Label in the mask as it came."""
    pixels: NDArray[np.int64]
    centroid_row: NDArray[np.float64]
    """Mean row of its pixels, counted from 0 at the centre of the first."""
    centroid_col: NDArray[np.float64]
    pieces: NDArray[np.int64]
    """Connected pieces of the label (1 where each piece became a cell)."""
    split: Pieces | None = None
    """Set where each piece became a cell of its own."""

    def __len__(self) -> int:
        return len(self.original)

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint16, or uint32 above 65,535 cells."""
        return np.dtype(np.uint16 if len(self) <= 0xFFFF else np.uint32)

    @property
    def is_original(self) -> bool:
        """Whether cells are called as they came."""
        return self.split is None and bool((self.original == np.arange(1, len(self) + 1)).all())

    def bands(self, bands: Iterable[NDArray[np.uint32]], width: int) -> Iterator[NDArray[Any]]:
        """The mask renumbered; ``bands`` are those that the numbering was made from."""
        if self.split is not None:
            for band in piece_bands(bands, self.split, width):
                yield band.astype(self.dtype)
        elif self.is_original:
            for band in bands:
                yield band.astype(self.dtype)
        elif int(self.original.max()) <= _TABLE_LABELS:
            table = np.zeros(int(self.original.max()) + 1, self.dtype)
            table[self.original] = np.arange(1, len(self) + 1)
            for band in bands:
                yield table[band]
        else:
            for band in bands:
                found = np.searchsorted(self.original, band.ravel()).reshape(band.shape) + 1
                yield np.where(band == 0, 0, found).astype(self.dtype)


def number_cells(bands: Iterable[NDArray[np.uint32]], width: int, *, split: bool = False) -> Numbering:
    """Cells of a mask given in bands of labels (0 for none): labels in ascending order become 1…N.

    With ``split`` each connected piece becomes a cell, in the order in which a scan by rows meets it.
    """
    found = find_pieces(bands, width)
    if split:
        ones = np.ones(len(found.label), np.int64)
        return _numbering(found.label, found.pixels, found.row_sum, found.col_sum, ones, found)
    labels, cell = np.unique(found.label, return_inverse=True)
    totals = np.zeros((len(labels), 4), np.int64)
    np.add.at(totals, cell, np.stack([found.pixels, found.row_sum, found.col_sum, np.ones_like(found.pixels)], axis=1))
    return _numbering(labels, totals[:, 0], totals[:, 1], totals[:, 2], totals[:, 3], None)


def _numbering(
    labels: NDArray[np.uint32],
    pixels: NDArray[np.int64],
    row_sum: NDArray[np.int64],
    col_sum: NDArray[np.int64],
    pieces: NDArray[np.int64],
    split: Pieces | None,
) -> Numbering:
    return Numbering(labels, pixels.copy(), row_sum / pixels, col_sum / pixels, pieces.copy(), split)
