"""Template of a reader for one raw format: say here which, and the quirks it copes with.

Copy this file to ``spora_build/readers/<name>.py`` and fill in the two functions; the reader is then found by itself.
The example reads ``.npy`` files of shape (C, H, W).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import Place, Problem, UnreadableFileError
from spora_build.model.geometry import Size, Window
from spora_build.model.roi import Roi

PRIORITY = 0
"""Raise it where another reader would take these files too and do worse."""
_MAGIC = b"\x93NUMPY"


def can_read(path: Path) -> bool:
    """Whether this is a file of the format. Looks at the content, not the name, and never raises."""
    try:
        with path.open("rb") as stream:
            return stream.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


@contextmanager
def open_rois(path: Path) -> Iterator[list[Roi]]:
    """Every acquisition of the file, in file order; the file stays open inside the ``with``. Raises UnreadableFileError."""
    try:
        pixels = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise _unreadable(path) from error
    if pixels.ndim != 3 or pixels.dtype.kind not in "uif":
        raise _unreadable(path)
    channels, height, width = pixels.shape
    yield [
        Roi(
            name="",
            channel_names=(),
            channel_count=channels,
            size=Size(height, width),
            dtype=pixels.dtype.newbyteorder("="),
            is_rgb=False,
            pixel_size=None,  # the format has none: the contributor gives it in tissues.csv, and is told so
            block=Size(height, width),  # the piece that is decoded together: a tile, a strip, here the whole plane
            source=_Pixels(pixels),
            format="NumPy",
            problems=(_no_pixel_size(path),),
        )
    ]


@dataclass(frozen=True)
class _Pixels:
    """Reads windows straight from the file, safe from several threads."""

    pixels: NDArray[Any]

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        """Pixels of shape (len(channels), window.height, window.width), in native byte order."""
        rows, cols = window.slices
        planes = [self.pixels[channel, rows, cols] for channel in channels]
        return np.stack(planes).astype(self.pixels.dtype.newbyteorder("="), copy=False)


def _no_pixel_size(path: Path) -> Problem:
    return Problem("E-MPP-001", "the file has no pixel size.", "set mpp in tissues.csv.", Place(file=path.name))


def _unreadable(path: Path) -> UnreadableFileError:
    return UnreadableFileError(
        Problem(
            "E-NPY-001",
            "this is no NumPy file of shape (channels, height, width).",
            "save the image as such an array, or as OME-TIFF.",
            Place(file=path.name),
        )
    )
