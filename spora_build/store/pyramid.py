"""Smaller copies of an image for viewers: each level is the area average of the level below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.model.geometry import Size, Window
from spora_build.model.roi import PixelSource

SMALLEST_PX = 256
"""A level that fits here is the last one."""


def level_sizes(size: Size) -> list[Size]:
    """Sizes of all levels, full resolution first; odd sides are rounded up."""
    sizes = [size]
    while max(sizes[-1].height, sizes[-1].width) > SMALLEST_PX:
        sizes.append(Size((sizes[-1].height + 1) // 2, (sizes[-1].width + 1) // 2))
    return sizes


def halve(pixels: NDArray[Any]) -> NDArray[Any]:
    """Means of 2 × 2 pixels of (C, H, W), exact, halves rounded to even; at an odd border of the 1 × 2 that exist."""
    odd = pixels.shape[1] % 2, pixels.shape[2] % 2
    if any(odd):
        # a repeated border has the same mean as the pixels that exist
        pixels = np.pad(pixels, ((0, 0), (0, odd[0]), (0, odd[1])), mode="edge")
    quads: Any = [pixels[:, row::2, col::2] for row in (0, 1) for col in (0, 1)]
    mean: Any
    if pixels.dtype.kind == "f":
        a, b, c, d = (quad.astype(np.float64) for quad in quads)
        mean = (a + b + c + d) * 0.25
    else:
        # whole quarters and remainders apart: nothing overflows, whatever the width of the integer
        a, b, c, d = (quad >> 2 for quad in quads)
        mean = a + b + c + d
        a, b, c, d = (quad & 3 for quad in quads)
        rest = a + b + c + d
        mean += rest >> 2
        mean += ((rest & 3) + 1 + (mean & 1)) >> 2
    halved: NDArray[Any] = mean.astype(pixels.dtype)
    return halved


@dataclass(frozen=True)
class Halved:
    """Another source at half its size."""

    source: PixelSource
    source_size: Size

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        """See PixelSource.read."""
        below = Window(2 * window.row, 2 * window.col, 2 * window.height, 2 * window.width)
        return halve(self.source.read(channels, below.clip(self.source_size)))
