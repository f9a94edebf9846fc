"""One maker of sample files for every reader: ``SAMPLES[module name](folder)`` writes a file and says what is in it.

To add a reader, add a function here and name it in ``SAMPLES``; ``test_contract.py`` does the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.readers import tiff_makers


class Sample(NamedTuple):
    """A file (or folder) and the pixels of its first acquisition."""

    path: Path
    expected: NDArray[Any]
    """(C, H, W), dtype as the Roi promises."""


def some_pixels(shape: tuple[int, ...], dtype: str, seed: int = 0) -> NDArray[Any]:
    """Pixels that differ from their neighbours, from plane to plane and along both axes."""
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return (rng.random(shape) * 100).astype(dtype)
    return rng.integers(0, min(np.iinfo(dtype).max, 60_000) + 1, shape).astype(dtype)


def tiff(folder: Path) -> Sample:
    """A plain stack of uint16 in tiles with a predictor."""
    pixels = some_pixels((3, 130, 170), "uint16")
    path = folder / "stack.tif"
    tiff_makers.write(path, pixels, tile=(64, 48), compression="zlib", predictor=True, photometric="minisblack")
    return Sample(path, pixels)


def ome_tiff(folder: Path) -> Sample:
    """Four channels of uint16 with a pyramid in SubIFDs."""
    pixels = some_pixels((4, 150, 140), "uint16")
    path = folder / "cells.ome.tif"
    tiff_makers.write_pyramid(path, pixels, names=["DAPI", "CD3", "CD8", "CD20"], mpp=0.5)
    return Sample(path, pixels)


SAMPLES: dict[str, Callable[[Path], Sample]] = {
    "ome_tiff": ome_tiff,
    "tiff": tiff,
}
"""Module name of a reader → its maker."""
