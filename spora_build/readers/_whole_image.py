"""Images that cannot be read by window: decoded whole, once, and held while there is room."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.model.geometry import Window

Decode = Callable[[], NDArray[Any]]


class Shelf:
    """Room for a few decoded images; the one used longest ago makes way. Decodes one at a time."""

    def __init__(self, capacity: int = 1) -> None:
        self._capacity = capacity
        self._images: OrderedDict[object, NDArray[Any]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: object, decode: Decode) -> NDArray[Any]:
        """The image of this key, decoded now if it is not on the shelf."""
        with self._lock:
            image = self._images.get(key)
            if image is None:
                while len(self._images) >= self._capacity:
                    self._images.popitem(last=False)
                image = self._images[key] = decode()
            self._images.move_to_end(key)
            return image

    def clear(self) -> None:
        """Forget every image."""
        with self._lock:
            self._images.clear()


class WholeImage:
    """Pixels by window out of an image that ``decode`` gives whole, as (channels, height, width)."""

    def __init__(self, decode: Decode, shelf: Shelf) -> None:
        self._decode = decode
        self._shelf = shelf

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        """See :class:`~spora_build.model.roi.PixelSource`."""
        image = self._shelf.get(self, self._decode)
        rows, cols = window.slices
        return np.ascontiguousarray(image[:, rows, cols][list(channels)])
