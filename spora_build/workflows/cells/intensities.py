"""Mean intensity of every cell in every channel of a stored image, measured window by window."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.model.geometry import Size, Window
from spora_build.model.modality import Modality
from spora_build.pixels.nearest import nearest_of_bands, of_height
from spora_build.store.image import StoredImage, open_image
from spora_build.store.layout import Layout
from spora_build.store.mask_bands import read_mask_bands

_WINDOW_BYTES = 64 << 20
_SUM_BYTES = 1 << 30
"""Sums held at once: of more than two million cells in 58 channels the image is read again for the other channels."""


def measure_intensities(
    layout: Layout, tissue_id: str, modality: Modality, mpp: float, finest: float, size: Size, count: int
) -> NDArray[np.float32]:
    """(C, count) means of the channels of a tissue's image at ``mpp``, cell 1 first; NaN where one has no pixel there.

    The instance mask lies at ``finest`` mpp, where the tissue has ``size``; elsewhere its nearest pixels count.
    Sums are float64 in an order that depends on the image alone.
    """
    image = open_image(layout.image(modality, mpp, tissue_id))
    means = np.empty((image.channel_count, count), np.float32)
    at_once = max(1, _SUM_BYTES // (8 * count))
    for first in range(0, image.channel_count, at_once):
        channels = range(first, min(first + at_once, image.channel_count))
        bands = of_height(_bands(layout, tissue_id, mpp, finest, size, image.size), image.chunk.height)
        means[first : channels.stop] = _means(image, channels, bands, count)
    return means


def _means(image: StoredImage, channels: range, bands: Iterable[NDArray[Any]], count: int) -> NDArray[np.float64]:
    """(len(channels), count) means; ``bands`` of the mask are as high as the image's chunks."""
    from spora_build.pixels.cell_kernel import add_by_cell

    cols = _window_width(image)
    sums = np.zeros((len(channels), count), np.float64)
    pixels_of = np.zeros(count + 1, np.int64)
    row = 0
    for cells in bands:
        pixels_of += np.bincount(cells.ravel(), minlength=count + 1)
        for col in range(0, image.size.width, cols):
            part = cells[:, col : col + cols]
            if part.any():
                window = Window(row, col, len(part), part.shape[1])
                add_by_cell(image.read(channels, window), np.ascontiguousarray(part), sums)
        row += len(cells)
    with np.errstate(invalid="ignore", divide="ignore"):
        sums /= pixels_of[1:]
    return sums


def _bands(layout: Layout, tissue_id: str, mpp: float, finest: float, size: Size, grid: Size) -> Iterator[NDArray[Any]]:
    bands = read_mask_bands(layout.cell_mask(finest, tissue_id))
    if mpp == finest and grid == size:
        return bands
    return nearest_of_bands(bands, size, mpp / finest, grid)


def _window_width(image: StoredImage) -> int:
    """Whole chunks of some megabytes over all channels."""
    of_chunk = image.channel_count * image.chunk.height * image.chunk.width * image.dtype.itemsize
    return max(1, _WINDOW_BYTES // of_chunk) * image.chunk.width
