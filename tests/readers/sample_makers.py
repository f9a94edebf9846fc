"""One maker of sample files for every reader: ``SAMPLES[module name](folder)`` writes a file and says what is in it.

To add a reader, add a function here and name it in ``SAMPLES``; ``test_contract.py`` does the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.readers import slide_makers, tiff_makers
from tests.readers.other_samples import OTHER_SAMPLES, Made


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


def qptiff(folder: Path) -> Sample:
    """Three channels of uint16 with a pyramid, thumbnail, overview and label."""
    pixels = some_pixels((3, 150, 140), "uint16")
    names = [("DAPI", ""), ("Opal 520", "CD3"), ("Opal 690", "CD8")]
    return Sample(folder / "scan.qptiff", slide_makers.write_qptiff(folder / "scan.qptiff", pixels, names))


def mibi(folder: Path) -> Sample:
    """Three masses of float32 and an optical picture."""
    pixels = some_pixels((3, 96, 96), "float32")
    return Sample(folder / "fov1.tiff", slide_makers.write_mibi(folder / "fov1.tiff", pixels, ["dsDNA", "CD45", "CD3"]))


def _slide(name: str, write: Callable[[Path], NDArray[Any]]) -> Callable[[Path], Sample]:
    return lambda folder: Sample(folder / name, write(folder / name))


def _other(make: Callable[[Path], Made]) -> Callable[[Path], Sample]:
    return lambda folder: Sample(*make(folder))


SAMPLES: dict[str, Callable[[Path], Sample]] = {
    "mibi": mibi,
    "ndpi": _slide("scan.ndpi", slide_makers.write_ndpi),
    "ome_tiff": ome_tiff,
    "philips": _slide("scan.tiff", slide_makers.write_philips),
    "qptiff": qptiff,
    "scn": _slide("scan.scn", slide_makers.write_scn),
    "svs": _slide("scan.svs", slide_makers.write_svs),
    "tiff": tiff,
    "ventana": _slide("scan.bif", slide_makers.write_bif),
    **{name: _other(maker) for name, maker in OTHER_SAMPLES.items()},
}
"""Module name of a reader → its maker."""
