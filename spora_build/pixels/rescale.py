"""A source of pixels seen at another pixel size, window by window."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.model.geometry import Size, Window
from spora_build.model.roi import PixelSource
from spora_build.pixels.area_average import area_average
from spora_build.pixels.spans import Spans, cover, exact_scale

PIECE_BYTES = 8 << 20
"""Most source pixels held at once by one read where the source's blocks are no larger."""
LARGEST_BLOCK_BYTES = 64 << 20
"""Blocks up to here are held whole all the same, so that none is decoded twice."""


@dataclass(frozen=True)
class Rescaled:
    """Pixels of ``source`` averaged over areas of ``scale`` × ``scale`` source pixels.

    The grid starts at the image's corner: output pixel (i, j) covers the source rows [i·scale, (i + 1)·scale), the
    last one what is left of them. It is computed in one order of operations whatever the window, so that windows,
    bands and threads change no bit. A scale below 1 enlarges by the same rule.
    """

    source: PixelSource
    source_size: Size
    scale: float
    """Source pixels per output pixel along each axis: mpp / native mpp."""
    size: Size
    """Of the output. Rows and columns that lie wholly beyond the source repeat the last that does not; missing ones
    are cropped (registered images may differ by a pixel)."""
    source_block: Size | None = None
    """The piece the source stores together; None: the source's own ``block`` where it has one."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise ValueError(f"a scale is finite and positive, not {self.scale}")

    @cached_property
    def _scale(self) -> Fraction:
        return exact_scale(self.scale)

    @cached_property
    def _block(self) -> Size:
        block = self.source_block or getattr(self.source, "block", None) or Size(1, 1)
        return Size(min(block.height, self.source_size.height), min(block.width, self.source_size.width))

    @cached_property
    def _itemsize(self) -> int:
        return int(np.dtype(getattr(self.source, "dtype", np.float32)).itemsize)

    def _most_bytes(self, channels: int) -> int:
        block = self._block.height * self._block.width * channels * self._itemsize
        return block if PIECE_BYTES < block <= LARGEST_BLOCK_BYTES else PIECE_BYTES

    @property
    def block(self) -> Size:
        """The source's block in output pixels, rounded up: windows of several blocks decode little twice."""
        return Size(math.ceil(self._block.height / self._scale), math.ceil(self._block.width / self._scale))

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        """See :meth:`spora_build.model.roi.PixelSource.read`. Raises ValueError for a window outside the image."""
        if window.row_stop > self.size.height or window.col_stop > self.size.width:
            raise ValueError(f"{window} is not inside {self.size}")
        if (
            self._scale == 1
            and window.row_stop <= self.source_size.height
            and window.col_stop <= self.source_size.width
        ):
            return self.source.read(channels, window)
        rows = cover(self.source_size.height, self._scale, window.row, window.row_stop)
        cols = cover(self.source_size.width, self._scale, window.col, window.col_stop)
        out: NDArray[Any] | None = None
        for strip in self._strips(cols, len(channels)):
            part = cols.part(strip.start, strip.stop)
            for start, stop, pixels, first_row in self._bands(channels, rows, part):
                if out is None:
                    out = np.empty((len(channels), len(rows), len(cols)), pixels.dtype)
                area_average(
                    pixels,
                    rows.part(start, stop).shifted(first_row),
                    part.shifted(part.start),
                    out[:, start:stop, strip.start : strip.stop],
                )
                del pixels  # two pieces would be alive while the next one is read
        assert out is not None
        return out

    def _strips(self, cols: Spans, channels: int) -> Iterator[slice]:
        """Output columns in strips so narrow that a band of whole blocks, or of two output rows, is one piece."""
        most = self._most_bytes(channels)
        rows = max(self._block.height, 2 * math.ceil(self._scale) + 1)
        if rows * self._block.width * channels * self._itemsize > most:
            rows = 2 * math.ceil(self._scale) + 1
        widest = max(most // (rows * channels * self._itemsize), 1)
        count = math.ceil((cols.stop - cols.start) / widest)
        width = math.ceil(len(cols) / count)
        for start in range(0, len(cols), width):
            yield slice(start, min(start + width, len(cols)))

    def _bands(self, channels: Sequence[int], rows: Spans, cols: Spans) -> Iterator[tuple[int, int, NDArray[Any], int]]:
        """(first and last + 1 output row, source pixels, their first row); each source row is read once."""
        left, width = cols.start, cols.stop - cols.start
        step = max(1, self._most_bytes(len(channels)) // (len(channels) * width * self._itemsize))
        block = self._block.height if self._block.height <= step else 1
        row, done = rows.start, 0
        kept: NDArray[Any] | None = None  # source rows just above ``row`` that output rows not yet done need
        while done < len(rows):
            stop = min(rows.stop, (row + step) // block * block)
            pixels = self.source.read(channels, Window(row, left, stop - row, width))
            ready = int(np.searchsorted(rows.last, stop))
            astride = min(ready, int(np.searchsorted(rows.first, row)))
            if kept is not None and astride > done:
                needed = int(rows.last[astride - 1]) + 1 - row
                yield done, astride, np.concatenate([kept, pixels[:, :needed]], axis=1), row - kept.shape[1]
                done = astride
            if ready > done:
                yield done, ready, pixels, row
                done = ready
            if done < len(rows):
                begin = int(rows.first[done])
                if kept is not None and begin < row:
                    kept = np.concatenate([kept[:, kept.shape[1] - (row - begin) :], pixels], axis=1)
                elif begin < stop:
                    kept = pixels[:, begin - row :].copy()
                else:
                    kept = None
            del pixels
            row = stop
