"""Images that cannot be read by window: decoded whole, once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.model.geometry import Window
from spora_build.readers._segment_cache import SegmentCache

Decode = Callable[[], NDArray[Any]]


class WholeImage:
    """Pixels by window out of an image that ``decode`` gives whole, as (channels, height, width)."""

    def __init__(self, decode: Decode, cache: SegmentCache) -> None:
        self._decode = decode
        self._cache = cache

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        """See :class:`~spora_build.model.roi.PixelSource`."""
        image = self._cache.get(self, self._decode)
        rows, cols = window.slices
        return np.ascontiguousarray(image[:, rows, cols][list(channels)])
