"""A small picture of an image, gathered while its pixels pass on to where they are written.

It is for looking at: of blocks that are more than four rows high, four rows are averaged, which tells as much of tissue
for a fraction of the work.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.model.geometry import Size, Window
from spora_build.model.roi import PixelSource
from spora_build.pixels.area_average import area_average
from spora_build.pixels.paired_average import average_pairs, pairs_fit
from spora_build.pixels.spans import Spans, cover

ROWS = 4
"""Of a block, evenly spaced from its first on, that are averaged: all of them where it is no higher."""


@dataclass
class Gathering:
    """A pixel source that averages what is read of it over blocks of ``factor`` × ``factor`` pixels.

    The bits are the same in whatever order and by however many threads the windows are read. Pixels that were not read
    are 0.
    """

    source: PixelSource
    source_size: Size
    factor: int
    """Windows start at multiples of it, and end at one or at the image's end."""
    size: Size
    """Of the picture: of no pixel beyond the source."""
    picture: NDArray[Any] | None = field(init=False, default=None)
    """(C, size.height, size.width), in the dtype of the source; None before anything is read."""
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        """See :meth:`PixelSource.read`; always of the same channels."""
        if window.row % self.factor or window.col % self.factor:
            raise ValueError(f"{window} does not start at blocks of {self.factor} pixels")
        pixels = self.source.read(channels, window)
        with self._lock:
            if self.picture is None:
                self.picture = np.zeros((len(channels), self.size.height, self.size.width), pixels.dtype)
        every = max(1, self.factor // ROWS)
        lines = pixels[:, ::every]
        if self._takes_pairs(window, pixels.dtype, every):
            top, left = window.row // self.factor, window.col // self.factor
            picture = self.picture[:, top : window.row_stop // self.factor, left : window.col_stop // self.factor]
            average_pairs(lines, (self.factor // every, self.factor), picture)
            return pixels
        top, rows = self._blocks(window.row, window.row_stop, self.source_size.height, self.size.height, every)
        left, cols = self._blocks(window.col, window.col_stop, self.source_size.width, self.size.width)
        if len(rows) and len(cols):
            area_average(lines, rows, cols, self.picture[:, top : top + len(rows), left : left + len(cols)])
        return pixels

    def _takes_pairs(self, window: Window, dtype: np.dtype[Any], every: int) -> bool:
        """Whether a window is whole blocks of the picture that are averaged pair by pair, without a look at spans."""
        height, width = self.size.height * self.factor, self.size.width * self.factor
        is_whole = window.height % self.factor == window.width % self.factor == 0
        is_inside = window.row_stop <= height and window.col_stop <= width
        return is_whole and is_inside and pairs_fit(dtype, self.factor // every, self.factor)

    def _blocks(self, start: int, stop: int, source_length: int, length: int, every: int = 1) -> tuple[int, Spans]:
        """The first block of a window, and all of them as spans of each ``every``-th line of the window."""
        first, last = start // self.factor, min(-(-stop // self.factor), length)
        lines = cover(-(-source_length // every), Fraction(self.factor, every), first, last)
        return first, lines.shifted(start // every)
