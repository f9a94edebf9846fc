"""Pixel sources for the tests of the image store."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.model.geometry import Size, Window


@dataclass
class ArraySource:
    """An array in memory that remembers every window it was asked for."""

    pixels: NDArray[Any]
    asked: list[Window] = field(default_factory=list)

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        """See PixelSource.read."""
        assert window.row_stop <= self.pixels.shape[1]
        assert window.col_stop <= self.pixels.shape[2]
        self.asked.append(window)
        return self.pixels[(list(channels), *window.slices)]

    def decodes(self, block: Size) -> float:
        """How often a block was decoded on average: 1.0 is the least."""
        touched = sum(
            (-(-w.row_stop // block.height) - w.row // block.height)
            * (-(-w.col_stop // block.width) - w.col // block.width)
            for w in self.asked
        )
        _, height, width = self.pixels.shape
        return touched / (-(-height // block.height) * -(-width // block.width))


@dataclass
class FailingSource:
    """Zeros until the window of this row and column, which raises."""

    channel_count: int
    row: int
    col: int
    seen: threading.Event = field(default_factory=threading.Event)

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        """See PixelSource.read."""
        if window.row <= self.row < window.row_stop and window.col <= self.col < window.col_stop:
            raise OSError("the disk went away")
        return np.ones((len(channels), window.height, window.width), np.uint8)


def noise(shape: tuple[int, int, int], dtype: str, seed: int = 0) -> NDArray[Any]:
    """Counts with empty stretches, values over the whole range and, for floats, NaN, infinity and negative zero."""
    rng = np.random.default_rng(seed)
    pixels = rng.poisson(2.0, shape).astype(dtype)
    pixels[:, ::7, ::5] = rng.integers(0, 255, pixels[:, ::7, ::5].shape)
    if pixels.dtype.kind == "f":
        pixels *= np.float32(0.1)
        pixels.reshape(-1)[:3] = [np.nan, np.inf, -0.0][: pixels.size]
    return pixels
