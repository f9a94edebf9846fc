"""Nearest neighbour at pixel centres: which source pixel an output pixel shows. Labels are never blended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.model.geometry import Size


def nearest_places(length: int, scale: float, source_length: int) -> NDArray[np.int64]:
    """Source pixel under the centre of each of ``length`` output pixels of ``scale`` source pixels, ascending."""
    # a centre on the line between two pixels belongs to the one after it, whatever the last bit of the scale
    places = np.floor((np.arange(length) + 0.5) * scale + 1e-9).astype(np.int64)
    inside: NDArray[np.int64] = np.minimum(places, source_length - 1)
    return inside


def nearest_of_bands(
    bands: Iterable[NDArray[Any]], source_size: Size, scale: float, size: Size
) -> Iterator[NDArray[Any]]:
    """An image that comes from top to bottom in bands (h, W) at another pixel size, in bands again (of any height).

    ``scale`` is source pixels per output pixel. Memory is that of one band.
    """
    down = nearest_places(size.height, scale, source_size.height)
    across = nearest_places(size.width, scale, source_size.width)
    as_it_is = size.width == source_size.width and bool((across == np.arange(size.width)).all())
    top = 0
    for band in bands:
        start, stop = np.searchsorted(down, (top, top + len(band)))
        if stop > start:
            rows = down[start:stop] - top
            yield band[rows] if as_it_is else band[rows[:, None], across]
        top += len(band)


def of_height(bands: Iterable[NDArray[Any]], rows: int) -> Iterator[NDArray[Any]]:
    """The same image in bands of ``rows`` rows, the last one with what is left."""
    waiting: list[NDArray[Any]] = []
    count = 0
    for band in bands:
        at = 0
        while count + len(band) - at >= rows:
            part = band[at : at + rows - count]
            yield np.concatenate([*waiting, part]) if waiting else part
            at += rows - count
            waiting, count = [], 0
        if at < len(band):
            waiting.append(band[at:].copy())  # a band may be overwritten once the next one is asked for
            count += len(band) - at
    if waiting:
        yield np.concatenate(waiting)
