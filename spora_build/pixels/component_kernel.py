"""The inner loop that follows the pieces of labels from row to row, compiled. Import it where it is needed only."""

from __future__ import annotations

import numpy as np

from spora_build.pixels.area_kernel import compiled


@compiled
def root_of(parents, piece):  # type: ignore[no-untyped-def]
    """The oldest piece that ``piece`` has grown together with; shortens the way there."""
    while parents[piece] != piece:
        parents[piece] = parents[parents[piece]]
        piece = parents[piece]
    return piece


@compiled
def follow(band, start, above_labels, above, pieces, parents, labels, sums, count):  # type: ignore[no-untyped-def]
    """Number the pieces of a band (h, W) of uint32 labels from row ``start`` on, 0 being no piece.

    ``above_labels`` and ``above`` (W,) are labels and pieces of the row above; they and ``pieces`` (h, W) are filled
    in. Touching by a corner is touching. ``parents``, ``labels`` and ``sums`` (n, 3: pixels, sum of rows in the band,
    sum of columns) grow with the pieces. Returns the row it stopped before, for want of room, and
    the number of pieces.
    """
    height, width = band.shape
    for row in range(start, height):
        if count + width > parents.shape[0]:
            return row, count
        for col in range(width):
            label = band[row, col]
            if label == 0:
                pieces[row, col] = -1
                continue
            piece = np.int64(-1)
            if col > 0 and band[row, col - 1] == label:
                piece = pieces[row, col - 1]
            for near in range(max(0, col - 1), min(width, col + 2)):
                if above_labels[near] == label:
                    other = root_of(parents, above[near])
                    if piece < 0:
                        piece = other
                    elif parents[piece] != other:
                        mine = root_of(parents, piece)
                        if mine < other:
                            parents[other] = mine
                        elif other < mine:
                            parents[mine] = other
            if piece < 0:
                piece = count
                parents[count] = count
                labels[count] = label
                count += 1
            pieces[row, col] = piece
            sums[piece, 0] += 1
            sums[piece, 1] += row
            sums[piece, 2] += col
        above_labels[:] = band[row]
        above[:] = pieces[row]
    return height, count
