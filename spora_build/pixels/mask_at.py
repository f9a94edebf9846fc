"""A mask at another pixel size: a decision taken once, read off at the centres of any grid's pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from spora_build.model.geometry import Size, Window
from spora_build.model.roi import PixelSource
from spora_build.pixels.nearest import nearest_places

_BAND_PX = 8 << 20
_HALF = np.float32(0.5)
_ROUNDING_PX = 1.0
"""Smoothing of the outline, in working pixels."""


def soften(tissue: NDArray[np.bool_]) -> NDArray[np.float32]:
    """A mask (h, w) smoothed by a pixel of its own grid: where it exceeds one half, there is tissue."""
    from scipy import ndimage

    soft: NDArray[np.float32] = ndimage.gaussian_filter(tissue.astype(np.float32), _ROUNDING_PX, mode="nearest")
    return soft


def mask_bands(
    soft: NDArray[np.float32], working_mpp: float, size: Size, mpp: float, rows: int | None = None
) -> Iterator[NDArray[np.bool_]]:
    """What :func:`soften` made of a mask at ``working_mpp``, as a mask of ``size`` at ``mpp``, from top to bottom in
    bands of rows (``rows``, or about 8 Mi pixels).

    It is interpolated linearly at each pixel's centre and cut at one half. Both grids start at the image's corner;
    beyond the last centre the outermost value goes on. The outline is that of one function of the place, so that masks
    at all pixel sizes agree.
    """
    above, down = _between(size.height, mpp / working_mpp, soft.shape[0])
    before, right = _between(size.width, mpp / working_mpp, soft.shape[1])
    times = np.bincount(before, minlength=soft.shape[1])
    for start, stop in _bands(size, rows):
        out = np.empty((stop - start, size.width), np.bool_)
        row = start
        while row < stop:  # the rows between the same two rows of the working grid
            last = min(stop, int(np.searchsorted(above, above[row], side="right")))
            upper, lower = soft[above[row]], soft[min(above[row] + 1, len(soft) - 1)]
            _cut_lines(upper, lower, down[row:last], before, times, right, out[row - start : last - start])
            row = last
        yield out


def _cut_lines(
    upper: NDArray[np.float32],
    lower: NDArray[np.float32],
    down: NDArray[np.float32],
    before: NDArray[np.int64],
    times: NDArray[np.int64],
    right: NDArray[np.float32],
    out: NDArray[np.bool_],
) -> None:
    """Fill ``out`` (h, w): whether the bilinear surface between two lines of the grid exceeds one half.

    Pixel (i, j) lies ``down[i]`` of the way from ``upper`` to ``lower``, ``right[j]`` from column ``before[j]`` to the
    next, which never goes back; ``times`` says how often each column comes in ``before``.
    """
    above, below = upper > _HALF, lower > _HALF
    differs = above != below
    differs[:-1] |= (above[1:] != above[:-1]) | (below[1:] != below[:-1])
    out[:] = np.repeat(above, times)  # where all four corners lie on one side, so does what is between
    edge = np.flatnonzero(np.repeat(differs, times))
    if edge.size:
        at = before[edge]
        after = np.minimum(at + 1, len(upper) - 1)
        first, second = (upper[line] + (lower[line] - upper[line]) * down[:, None] for line in (at, after))
        out[:, edge] = first + (second - first) * right[edge] > _HALF


def nearest_bands(
    source: PixelSource,
    channels: Sequence[int],
    source_size: Size,
    scale: float,
    size: Size,
    rows: int | None = None,
) -> Iterator[NDArray[np.bool_]]:
    """A person's own mask (not 0 in any of ``channels``) at another pixel size, in bands.

    Each pixel is the source pixel under its centre, NaN counting as 0; ``scale`` is source pixels per output pixel.
    """
    down = nearest_places(size.height, scale, source_size.height)
    across = nearest_places(size.width, scale, source_size.width)
    left, width = int(across[0]), int(across[-1]) + 1 - int(across[0])
    for start, stop in _bands(size, rows or max(1, int(_BAND_PX / max(width * scale, size.width)))):
        top, height = int(down[start]), int(down[stop - 1]) + 1 - int(down[start])
        pixels = source.read(channels, Window(top, left, height, width))
        picked = pixels[:, (down[start:stop] - top)[:, None], across - left]
        yield ((picked != 0) & (picked == picked)).any(axis=0)


def _bands(size: Size, rows: int | None) -> Iterator[tuple[int, int]]:
    rows = rows or max(1, _BAND_PX // size.width)
    for start in range(0, size.height, rows):
        yield start, min(start + rows, size.height)


def _between(length: int, scale: float, source_length: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Source pixel before each output pixel's centre, and how far it lies from there to the next."""
    places = ((np.arange(length) + 0.5) * scale - 0.5).clip(0, source_length - 1)
    before = np.floor(places).astype(np.int64)
    return before, (places - before).astype(np.float32)
