"""CZI files by Zeiss's own writer, and by bytes what it cannot write: levels of a pyramid."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Scene = tuple[tuple[int, int], NDArray[Any]]
"""Row and column on the slide, and pixels: (C, H, W), or (H, W, 3) red, green and blue."""


def write_czi(
    path: Path,
    scenes: Sequence[Scene],
    *,
    tile: tuple[int, int] = (80, 100),
    names: Sequence[str] = ("DAPI", "CD3", "CD8"),
    mpp: float | None = 0.325,
    z: Sequence[int] = (0,),
) -> Path:
    """Write scenes in tiles; every slice of ``z`` has the same pixels."""
    from pylibCZIrw import czi

    with czi.create_czi(str(path), compression_options="zstd1:") as document:
        for number, (corner, pixels) in enumerate(scenes):
            is_rgb = pixels.shape[-1] == 3
            planes = [pixels[:, :, ::-1]] if is_rgb else [plane[:, :, np.newaxis] for plane in pixels]
            for c, plane in enumerate(planes):
                for slice_ in z:
                    _write_tiles(document, plane, corner, tile, {"C": c, "Z": slice_}, number)
        meters = None if mpp is None else mpp * 1e-6
        channels = dict(enumerate(names)) if names else None
        document.write_metadata("a", channel_names=channels, scale_x=meters, scale_y=meters)
    return path


def _write_tiles(
    document: Any, plane: NDArray[Any], corner: tuple[int, int], tile: tuple[int, int], at: dict[str, int], scene: int
) -> None:
    for row in range(0, plane.shape[0], tile[0]):
        for col in range(0, plane.shape[1], tile[1]):
            part = np.ascontiguousarray(plane[row : row + tile[0], col : col + tile[1]])
            document.write(data=part, plane=at, location=(corner[1] + col, corner[0] + row), scene=scene)


def add_level(path: Path, scene: Scene, size: tuple[int, int]) -> None:
    """Write a scene of one channel over its only smaller copy, a black picture of ``size``, stretched over all of it.

    The writer has no levels: the copy is written as a tile at full resolution, whose logical size is then made larger.
    """
    from pylibCZIrw import czi

    (row, col), pixels = scene
    with czi.create_czi(str(path)) as document:
        small = np.zeros((*size, 1), pixels.dtype)
        document.write(data=small, plane={"C": 0}, location=(col, row), scene=0)
        _write_tiles(document, pixels[0][:, :, np.newaxis], (row, col), pixels.shape[1:], {"C": 0}, 0)
    content = path.read_bytes()
    for axis, start, length, whole in ((b"X", col, size[1], pixels.shape[2]), (b"Y", row, size[0], pixels.shape[1])):
        old = struct.pack("<4siifi", axis, start, length, 0.0, length)
        assert content.count(old) == 2  # in the tile and in the directory
        content = content.replace(old, struct.pack("<4siifi", axis, start, whole, 0.0, length))
    path.write_bytes(content)
