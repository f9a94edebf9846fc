"""The inner loops of nucleus segmentation, compiled. Import it where it is needed only."""

from __future__ import annotations

import numpy as np

from spora_build.pixels.area_kernel import compiled


@compiled
def climb(height, inside, most_steps, summit):  # type: ignore[no-untyped-def]
    """For every pixel inside, where the steepest way up ends: position in the window, row by row; -1 elsewhere.

    A step goes to the highest of the eight neighbours inside; of equals to the first in reading order. A way of more
    than ``most_steps`` ends nowhere (-1). ``summit`` (h, w) int64 is filled in.
    """
    rows, cols = height.shape
    for row in range(rows):
        for col in range(cols):
            summit[row, col] = -1
            if not inside[row, col]:
                continue
            at_row, at_col = row, col
            for _ in range(most_steps + 1):
                best_row, best_col = at_row, at_col
                best = height[at_row, at_col]
                for near_row in range(max(0, at_row - 1), min(rows, at_row + 2)):
                    for near_col in range(max(0, at_col - 1), min(cols, at_col + 2)):
                        if not inside[near_row, near_col]:
                            continue
                        value = height[near_row, near_col]
                        earlier = near_row < best_row or (near_row == best_row and near_col < best_col)
                        if value > best or (value == best and earlier):
                            best, best_row, best_col = value, near_row, near_col
                if best_row == at_row and best_col == at_col:
                    summit[row, col] = np.int64(at_row) * cols + at_col
                    break
                at_row, at_col = best_row, best_col


@compiled
def expand(labels, row_steps, col_steps, grown):  # type: ignore[no-untyped-def]
    """Give each pixel without label that of the first step (in the order given) that leads to one; fills ``grown``."""
    rows, cols = labels.shape
    for row in range(rows):
        for col in range(cols):
            label = labels[row, col]
            if label == 0:
                for step in range(len(row_steps)):
                    near_row, near_col = row + row_steps[step], col + col_steps[step]
                    if 0 <= near_row < rows and 0 <= near_col < cols and labels[near_row, near_col] != 0:
                        label = labels[near_row, near_col]
                        break
            grown[row, col] = label
