"""Watch pixels as they pass: the range of each channel, and a stop at the first NaN or infinity."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import Place, Problem, UnreadableFileError
from spora_build.model.geometry import Window
from spora_build.model.roi import PixelSource


@dataclass
class WatchedPixels:
    """A pixel source that remembers which of its channels ever held a value other than zero."""

    source: PixelSource
    channels: Sequence[int]
    place: Place
    zero_nonfinite: bool = False
    """Write 0 instead of NaN and infinity; otherwise they are refused."""
    nonzero: NDArray[np.bool_] = field(init=False)
    nonfinite: int = field(init=False, default=0)
    """How many NaN and infinite values were replaced (windows read twice count twice)."""
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.nonzero = np.zeros(len(self.channels), dtype=bool)

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        """See :meth:`PixelSource.read`; ``channels`` are those given at the start. Raises UnreadableFileError."""
        if tuple(channels) != tuple(self.channels):
            raise ValueError("other channels than are watched")
        pixels = self.source.read(channels, window)
        if pixels.dtype.kind == "f":
            pixels = self._without_nonfinite(pixels)
        for place, plane in enumerate(pixels):
            if not self.nonzero[place] and plane.any():
                self.nonzero[place] = True  # threads may only ever agree
        return pixels

    def _without_nonfinite(self, pixels: NDArray[Any]) -> NDArray[Any]:
        # NaN survives both, so two reductions prove a window clean without a mask as large as the window
        if np.isfinite(pixels.min()) and np.isfinite(pixels.max()):
            return pixels
        bad = ~np.isfinite(pixels)
        count = int(bad.sum())
        if not self.zero_nonfinite:
            raise UnreadableFileError(
                Problem(
                    "E-READ-020",
                    f"{count} values in one part of the image are NaN or infinite.",
                    'export the image without them, or set nonfinite = "zero" in spora.toml to write 0 instead.',
                    self.place,
                )
            )
        with self._lock:
            self.nonfinite += count
        return np.where(bad, pixels.dtype.type(0), pixels)
