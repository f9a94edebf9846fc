"""Connected pieces of every label of a mask that is read once from top to bottom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_ROOM = 1 << 14


@dataclass(frozen=True)
class Pieces:
    """The connected pieces of a mask, in the order in which a scan by rows meets them first.

    Touching by an edge or a corner is being connected (``skimage.measure.label`` with connectivity 2).
    """

    label: NDArray[np.uint32]
    """(n,) label of each."""
    pixels: NDArray[np.int64]
    """(n,) pixels of each."""
    row_sum: NDArray[np.int64]
    """(n,) sum over its pixels of the row, exact."""
    col_sum: NDArray[np.int64]
    part_of: NDArray[np.int64]
    """(m,) for each number that :func:`piece_bands` gives: position of its piece in the other arrays."""


class _Scan:
    """What is known after the rows seen so far."""

    def __init__(self, width: int) -> None:
        room = max(_ROOM, 2 * width)
        self.parents = np.zeros(room, np.int64)
        self.labels = np.zeros(room, np.uint32)
        self.sums = np.zeros((room, 3), np.int64)
        self.above_labels = np.zeros(width, np.uint32)
        self.above = np.full(width, -1, np.int64)
        self.count = 0
        self.rows = 0

    def take(self, band: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Number the pieces of the next band; -1 where there is no label."""
        from spora_build.pixels.component_kernel import follow

        pieces = np.empty(band.shape, np.int64)
        before = self.sums[: self.count, 0].copy()
        at = 0
        while True:
            at, self.count = follow(
                band, at, self.above_labels, self.above, pieces, self.parents, self.labels, self.sums, self.count
            )
            if at == len(band):
                break
            self._grow()
        grown = self.sums[: self.count, 0].copy()
        grown[: len(before)] -= before
        self.sums[: self.count, 1] += grown * self.rows  # the loop counts rows from the top of the band
        self.rows += len(band)
        return pieces

    def _grow(self) -> None:
        self.parents = np.concatenate([self.parents, np.zeros_like(self.parents)])
        self.labels = np.concatenate([self.labels, np.zeros_like(self.labels)])
        self.sums = np.concatenate([self.sums, np.zeros_like(self.sums)])


def find_pieces(bands: Iterable[NDArray[np.uint32]], width: int) -> Pieces:
    """The pieces of a mask given in bands (h, width) of labels, 0 for none; memory grows with pieces, not pixels."""
    scan = _Scan(width)
    for band in bands:
        scan.take(np.ascontiguousarray(band))
    parents = scan.parents[: scan.count].copy()
    while True:  # a parent is never younger than its child
        older = parents[parents]
        if np.array_equal(older, parents):
            break
        parents = older
    roots, part_of = np.unique(parents, return_inverse=True)
    sums = np.zeros((len(roots), 3), np.int64)
    np.add.at(sums, part_of, scan.sums[: scan.count])
    return Pieces(scan.labels[roots], sums[:, 0].copy(), sums[:, 1].copy(), sums[:, 2].copy(), part_of.astype(np.int64))


def piece_bands(bands: Iterable[NDArray[np.uint32]], pieces: Pieces, width: int) -> Iterator[NDArray[np.uint32]]:
    """The same mask again, each pixel with the number of its piece, 1…n in the order of ``pieces``."""
    scan = _Scan(width)
    numbers = np.concatenate([(pieces.part_of + 1).astype(np.uint32), np.zeros(1, np.uint32)])  # -1 is the last
    for band in bands:
        yield numbers[scan.take(np.ascontiguousarray(band))]
