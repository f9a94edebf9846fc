"""The inner loop that brings a soft mask to a finer or coarser grid, compiled; import it only where it runs."""

from __future__ import annotations

from spora_build.pixels.area_kernel import compiled


@compiled
def cut_lines(soft, above, down, before, right, level, out):  # type: ignore[no-untyped-def]
    """Fill bool ``out`` (h, w): whether bilinear ``soft`` (H, W) exceeds ``level``.

    Output pixel (i, j) lies ``down[i]`` of the way from row ``above[i]`` to the next, ``right[j]`` from column
    ``before[j]`` to the next.
    """
    last_row, last_col = soft.shape[0] - 1, soft.shape[1] - 1
    line = soft[0].copy()
    for row in range(out.shape[0]):
        upper, lower, share = soft[above[row]], soft[min(above[row] + 1, last_row)], down[row]
        for at in range(line.shape[0]):
            line[at] = upper[at] + (lower[at] - upper[at]) * share
        for col in range(out.shape[1]):
            at = before[col]
            value = line[at] + (line[min(at + 1, last_col)] - line[at]) * right[col]
            out[row, col] = value > level
