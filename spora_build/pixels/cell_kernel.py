"""The inner loop that adds up intensities by cell, compiled. Import it only where cells are measured."""

from __future__ import annotations

import numpy as np

from spora_build.pixels.area_kernel import compiled


@compiled
def add_by_cell(pixels, cells, sums):  # type: ignore[no-untyped-def]
    """Add pixels (C, h, w) to sums[c, cell − 1] (float64) where ``cells`` (h, w) is not 0."""
    for channel in range(pixels.shape[0]):
        total = sums[channel]
        for row in range(cells.shape[0]):
            for col in range(cells.shape[1]):
                cell = cells[row, col]
                if cell != 0:
                    total[np.int64(cell) - 1] += np.float64(pixels[channel, row, col])
