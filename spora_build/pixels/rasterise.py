"""Polygons as labels: a pixel belongs to a cell where its centre lies inside."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spora_build.model.geometry import Size

Rings = tuple[NDArray[np.float64], ...]


@dataclass(frozen=True)
class LabelledShape:
    """Polygons with holes under one label; rings (n, 2) of (x, y) from the image's corner, the outer one first."""

    label: int
    polygons: tuple[Rings, ...]

    @property
    def first_row(self) -> int:
        """First row of pixels that it may cover."""
        return math.floor(min(float(rings[0][:, 1].min()) for rings in self.polygons))

    @property
    def stop_row(self) -> int:
        """Row after the last that it may cover."""
        return math.ceil(max(float(rings[0][:, 1].max()) for rings in self.polygons)) + 1


def label_bands(shapes: Sequence[LabelledShape], size: Size, rows: int) -> Iterator[NDArray[np.uint32]]:
    """The labels in bands of ``rows`` rows, 0 where there is no shape; of shapes that overlap the last one shows."""
    first = np.array([shape.first_row for shape in shapes], np.int64)
    stop = np.array([shape.stop_row for shape in shapes], np.int64)
    for top in range(0, size.height, rows):
        band = np.zeros((min(rows, size.height - top), size.width), np.uint32)
        for at in np.flatnonzero((first < top + len(band)) & (stop > top)).tolist():
            for rings in shapes[at].polygons:
                _draw(band, top, rings, shapes[at].label)
        yield band


def _draw(band: NDArray[np.uint32], top: int, rings: Rings, label: int) -> None:
    """Draw one polygon, its holes left out, into the rows of the band."""
    from skimage.draw import polygon

    left = max(0, math.floor(rings[0][:, 0].min()))
    right = min(band.shape[1], math.ceil(rings[0][:, 0].max()) + 1)
    low = max(0, math.floor(rings[0][:, 1].min()) - top)
    high = min(len(band), math.ceil(rings[0][:, 1].max()) + 1 - top)
    if left >= right or low >= high:
        return
    inside = np.zeros((high - low, right - left), bool)
    for at, ring in enumerate(rings):
        # skimage counts from the centre of the first pixel, GeoJSON from its corner
        drawn = polygon(ring[:, 1] - 0.5 - top - low, ring[:, 0] - 0.5 - left, inside.shape)  # type: ignore[no-untyped-call]
        inside[drawn] = at == 0
    band[low:high, left:right][inside] = label
