"""Slides of 3DHISTECH (.mrxs), Hamamatsu (.vms, .vmu) and Sakura (.svslide), read by OpenSlide if it is installed."""

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
from spora_build.readers._pixel_size import Measured, from_um

_STARTS = {
    ".vms": b"[Virtual Microscope Specimen]",
    ".vmu": b"[Uncompressed Virtual Microscope Specimen]",
    ".svslide": b"SQLite format 3\0",
}
_SMALLEST_BLOCK_PX = 256
_PIECE_PX = 2048
"""Side of what is read at once: OpenSlide gives four bytes per pixel beside our three."""


@dataclass(frozen=True)
class SlidePixels:
    """Red, green and blue of level 0; what was never scanned has the slide's background colour."""

    slide: Any
    background: tuple[int, int, int]
    file: str

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        """See :class:`~spora_build.model.roi.PixelSource`."""
        pixels = np.empty((len(channels), window.height, window.width), np.uint8)
        for row in range(0, window.height, _PIECE_PX):
            for col in range(0, window.width, _PIECE_PX):
                part = pixels[:, row : row + _PIECE_PX, col : col + _PIECE_PX]
                rgb = self._read_piece(window.row + row, window.col + col, part.shape[1], part.shape[2])
                part[...] = np.moveaxis(rgb[:, :, list(channels)], -1, 0)
        return pixels

    def _read_piece(self, row: int, col: int, height: int, width: int) -> NDArray[np.uint8]:
        import openslide
        from PIL import Image

        try:
            picture = self.slide.read_region((col, row), 0, (width, height))
        except openslide.OpenSlideError as error:
            raise _unreadable(self.file, "a part of the slide is damaged") from error
        if picture.getextrema()[3][0] == 255:
            return np.asarray(picture)
        paper = Image.new("RGBA", picture.size, (*self.background, 255))
        return np.asarray(Image.alpha_composite(paper, picture))


def can_read(path: Path) -> bool:
    """Whether the file is such a slide by its first bytes, or an ``.mrxs`` file beside its folder."""
    suffix = path.suffix.lower()
    if suffix == ".mrxs":
        return path.is_file() and path.with_suffix("").is_dir()
    start = _STARTS.get(suffix)
    try:
        with path.open("rb") as file:
            return start is not None and file.read(len(start)) == start
    except OSError:
        return False


@contextmanager
def open_rois(path: Path) -> Iterator[list[Roi]]:
    """The slide at full resolution; label and macro pictures are left alone. Raises UnreadableFileError."""
    if not can_read(path):
        raise _unreadable(path.name, "it is no slide of a kind that is read with OpenSlide")
    openslide = _openslide(path.name)
    try:
        slide = openslide.OpenSlide(path)
    except (openslide.OpenSlideError, OSError) as error:
        raise _unreadable(path.name, "OpenSlide finds it damaged or incomplete") from error
    with slide:
        yield [_roi(slide, path.name)]


def _roi(slide: Any, file: str) -> Roi:
    width, height = slide.dimensions
    properties = slide.properties
    size = Size(height, width)
    measured = _pixel_size(properties, file)
    background = properties.get("openslide.background-color", "FFFFFF")
    red, green, blue = bytes.fromhex(background) if len(background) == 6 else b"\xff\xff\xff"
    return Roi(
        name="",
        channel_names=(),
        channel_count=3,
        size=size,
        dtype=np.dtype(np.uint8),
        is_rgb=True,
        pixel_size=measured.pixel_size,
        block=Size(
            _block(properties.get("openslide.level[0].tile-height"), height),
            _block(properties.get("openslide.level[0].tile-width"), width),
        ),
        source=SlidePixels(slide, (red, green, blue), file),
        format=f"OpenSlide {properties.get('openslide.vendor', 'slide')}",
        problems=measured.problems,
    )


def _block(tile: str | None, side: int) -> int:
    """The smallest multiple of the slide's tile that is worth a call."""
    length = int(tile) if tile and tile.isdigit() and int(tile) > 0 else _SMALLEST_BLOCK_PX
    return min(side, -(-_SMALLEST_BLOCK_PX // length) * length)


def _pixel_size(properties: Any, file: str) -> Measured:
    sizes: list[float | None] = []
    for axis in "xy":
        text = properties.get(f"openslide.mpp-{axis}")
        sizes.append(float(text) if text else None)
    return from_um(sizes[0], sizes[1], "openslide.mpp", file)


def _openslide(file: str) -> Any:
    try:
        import openslide
    except (ImportError, OSError) as error:
        raise UnreadableFileError(
            Problem(
                "E-READ-160",
                "slides of this kind are read with OpenSlide, which is not installed.",
                "install it with `pip install 'spora-build[openslide]'`, or export the slide as OME-TIFF.",
                Place(file=file),
            )
        ) from error
    return openslide


def _unreadable(file: str, why: str) -> UnreadableFileError:
    return UnreadableFileError(
        Problem(
            "E-READ-161",
            f"this slide cannot be read: {why}.",
            "copy it again with all its files (an .mrxs has a folder of the same name, a .vms its JPEG files).",
            Place(file=file),
        )
    )
