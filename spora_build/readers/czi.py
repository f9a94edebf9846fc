"""Zeiss CZI: every scene at full resolution, its mosaic put together by Zeiss's own libCZI if it is installed."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import Place, Problem, UnreadableFileError
from spora_build.model.geometry import Size, Window
from spora_build.model.roi import Roi
from spora_build.readers._czi_child import MAX_CHANNELS, CziChild, Rectangle
from spora_build.readers._czi_tiles import TileClaims
from spora_build.readers._czi_xml import CziDescription, read_description
from spora_build.readers._file_bytes import FileBytes
from spora_build.readers._tiff_roi import refused_roi, stack_problem

_MAGIC = b"ZISRAWFILE\0"
_DTYPES = {"Gray8": "uint8", "Gray16": "uint16", "Gray32Float": "float32", "Bgr24": "uint8", "Bgr48": "uint16"}
_STACK_AXES = "ZTRIHVB"
"""Slice, time, rotation, illumination, phase, view, block: a tissue has one of each."""
_EMPTY_SHARE = 1000
"""A scene that is so many times larger than all tiles together has a place that cannot be."""
_SMALLEST_BLOCK_PX = 256
_FAILURES = (RuntimeError, ValueError, IndexError, OverflowError, OSError, struct.error)
"""What libCZI's exceptions, and its death, become in Python."""


@dataclass(frozen=True)
class CziPixels:
    """The channels of one scene; glass that was never scanned is white in colour, fluorescence is 0 there."""

    child: CziChild
    claims: TileClaims
    scene: int | None
    row: int
    """Place of the scene on the slide, in pixels."""
    col: int
    is_rgb: bool
    file: str

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        """See :class:`~spora_build.model.roi.PixelSource`."""
        place = (self.col + window.col, self.row + window.row, window.width, window.height)
        try:
            self.claims.check(*place)
            if self.is_rgb:
                bgr = self.child.read(place, 0, self.scene, 1.0)
                return np.stack([bgr[:, :, 2 - channel] for channel in channels])
            planes = [self.child.read(place, c, self.scene, 0.0)[:, :, 0] for c in channels]
        except _FAILURES as error:
            raise _unreadable(self.file, "a part of it is damaged") from error
        return np.stack(planes)


def can_read(path: Path) -> bool:
    """Whether the file starts like a CZI file, whatever it is called."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


@contextmanager
def open_rois(path: Path) -> Iterator[list[Roi]]:
    """One Roi per scene. Label, overview and preview pictures are attachments and never read.

    Raises UnreadableFileError.
    """
    if not can_read(path):
        raise _unreadable(path.name, "it is no CZI file")
    with closing(FileBytes(path)) as content:
        try:
            claims = TileClaims(content)
            child = CziChild(path)
        except ImportError as error:
            raise _not_installed(path.name) from error
        except (*_FAILURES, UnreadableFileError) as error:
            raise _unreadable(path.name, "it is damaged, not copied whole, or one part of a file in several") from error
        with closing(child):
            try:
                rois = _rois(child, claims, path.name)
            except _FAILURES as error:
                raise _unreadable(path.name, "its description makes no sense") from error
            yield rois


def _rois(child: CziChild, claims: TileClaims, file: str) -> list[Roi]:
    header = child.describe()
    description = read_description(header.metadata, file)
    extent = header.extent
    sizes = {axis: extent[axis][1] - extent[axis][0] for axis in ("C", *_STACK_AXES) if axis in extent}
    channels = sizes.get("C", 1)
    if not header.tiles:
        raise ValueError("no tile at full resolution")
    covered = sum(height * width for height, width in header.tiles)
    places = header.scenes.values()
    if channels > MAX_CHANNELS or any(width * height > _EMPTY_SHARE * covered for _, _, width, height in places):
        raise _unreadable(file, "its tiles lie where none can be")
    kinds, tile = header.pixel_types, Size(*header.tiles[0])
    if len(kinds) != 1 or not kinds <= _DTYPES.keys():
        raise _unreadable(file, f"its channels hold {', '.join(sorted(kinds)) or 'nothing'}, which is not read")
    is_stack = any(size > 1 for axis, size in sizes.items() if axis != "C")
    problem = stack_problem(sizes, file) if is_stack else None
    return [
        _roi(child, claims, scene, place, next(iter(kinds)), channels, description, tile, problem, file)
        for scene, place in sorted(header.scenes.items())
    ]


def _roi(
    child: CziChild,
    claims: TileClaims,
    scene: int | None,
    place: Rectangle,
    pixel_type: str,
    channels: int,
    description: CziDescription,
    tile: Size,
    problem: Problem | None,
    file: str,
) -> Roi:
    col, row, width, height = place
    size = Size(height, width)
    name = description.scenes.get(scene, f"scene {scene + 1}") if scene is not None else ""
    if problem is not None:
        return refused_roi(problem, size, kind="CZI", name=name, pixel_size=description.measured.pixel_size)
    is_rgb = pixel_type.startswith("Bgr")
    if is_rgb and channels > 1:
        raise _unreadable(file, "it holds several pictures in colour of the same place")
    return Roi(
        name=name,
        channel_names=() if is_rgb else description.channels(channels),
        channel_count=3 if is_rgb else channels,
        size=size,
        dtype=np.dtype(_DTYPES[pixel_type]),
        is_rgb=is_rgb,
        pixel_size=description.measured.pixel_size,
        block=Size(
            min(max(tile.height, _SMALLEST_BLOCK_PX), size.height), min(max(tile.width, _SMALLEST_BLOCK_PX), size.width)
        ),
        source=CziPixels(child, claims, scene, row, col, is_rgb, file),
        format="CZI",
        problems=description.measured.problems,
    )


def _not_installed(file: str) -> UnreadableFileError:
    return UnreadableFileError(
        Problem(
            "E-READ-170",
            "CZI files are read with Zeiss's pylibCZIrw, which is not installed.",
            "install it with `pip install 'spora-build[czi]'`, or export the image as OME-TIFF.",
            Place(file=file),
        )
    )


def _unreadable(file: str, why: str) -> UnreadableFileError:
    remedy = "copy it again and compare the sizes, or export it from ZEN as OME-TIFF."
    return UnreadableFileError(Problem("E-READ-171", f"this CZI file cannot be read: {why}.", remedy, Place(file=file)))
