"""TIFF files made for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tifffile
from numpy.typing import NDArray


def write(path: Path, pixels: NDArray[Any], **options: Any) -> None:
    """``tifffile.imwrite``, with ``byteorder`` and ``bigtiff`` among the options; no metadata unless given."""
    options.setdefault("metadata", None)
    tifffile.imwrite(path, pixels, **options)


def write_pyramid(path: Path, pixels: NDArray[Any], names: list[str], mpp: float, **options: Any) -> None:
    """An OME-TIFF of (C, H, W) with two reduced levels in SubIFDs; the levels hold other values than the image."""
    options = {"tile": (64, 64), "compression": "zlib", "photometric": "minisblack", **options}
    metadata = {
        "axes": "CYX",
        "Channel": {"Name": names},
        "PhysicalSizeX": mpp,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": mpp,
        "PhysicalSizeYUnit": "µm",
    }
    with tifffile.TiffWriter(path, ome=True) as tiff:
        tiff.write(pixels, subifds=2, metadata=metadata, **options)
        for step in (2, 4):
            tiff.write(pixels[:, ::step, ::step] // 2, subfiletype=1, metadata=None, **options)
