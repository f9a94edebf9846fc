"""The image that a segmenter looks at: some channels of a stored image, read window by window."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from spora_build.model.geometry import Size, Window

_SAMPLES = 8
"""Windows along each axis from which an image's levels are taken."""
_SAMPLE_PX = 256


@dataclass(frozen=True)
class Planes:
    """Nuclear planes first, then those that show cell bodies."""

    size: Size
    mpp: float
    read: Callable[[Window], NDArray[Any]] = field(repr=False)
    """Pixels (C, h, w) of a window, in the stored dtype."""
    nuclear: int
    """How many of the planes show nuclei; one at least."""
    counts: bool = False
    """Whether pixels count events (imaging mass cytometry, MIBI), whose noise grows with the square root."""

    def samples(self) -> Iterator[NDArray[Any]]:
        """Windows spread evenly over the image, whatever its tiling; together the whole of an image up to 2048 px."""
        rows, cols = (_starts(length) for length in (self.size.height, self.size.width))
        for row in rows:
            for col in cols:
                height, width = min(_SAMPLE_PX, self.size.height - row), min(_SAMPLE_PX, self.size.width - col)
                yield self.read(Window(row, col, height, width))


def window_around(row: int, col: int, tile_px: int, margin_px: int, size: Size) -> Window:
    """A tile with its margin, as far as the image reaches."""
    top, left = max(0, row - margin_px), max(0, col - margin_px)
    bottom, right = min(size.height, row + tile_px + margin_px), min(size.width, col + tile_px + margin_px)
    return Window(top, left, bottom - top, right - left)


def _starts(length: int) -> list[int]:
    count = min(_SAMPLES, -(-length // _SAMPLE_PX))
    if count == 1:
        return [0]
    return sorted({round(at * (length - _SAMPLE_PX) / (count - 1)) for at in range(count)})
