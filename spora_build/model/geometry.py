"""Sizes, windows and pixel sizes, in pixels (``_px``) and micrometres (``_um``)."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Height and width of an image plane in pixels."""

    height: int
    width: int

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise ValueError(f"a size has at least one pixel a side, not {self.height} × {self.width}")


@dataclass(frozen=True)
class Window:
    """A rectangle of pixels: first row and column, height and width."""

    row: int
    col: int
    height: int
    width: int

    def __post_init__(self) -> None:
        if self.row < 0 or self.col < 0 or self.height < 1 or self.width < 1:
            raise ValueError(f"not a window inside an image: {self}")

    @property
    def row_stop(self) -> int:
        """First row after the window."""
        return self.row + self.height

    @property
    def col_stop(self) -> int:
        """First column after the window."""
        return self.col + self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """The window as numpy slices (rows, columns)."""
        return slice(self.row, self.row_stop), slice(self.col, self.col_stop)

    def clip(self, size: Size) -> Window:
        """The part inside an image of this size. Raises ValueError when nothing is left."""
        return Window(
            self.row, self.col, min(self.row_stop, size.height) - self.row, min(self.col_stop, size.width) - self.col
        )


@dataclass(frozen=True)
class PixelSize:
    """Microns per pixel (the same along both axes) and where that number comes from."""

    mpp: float
    origin: str
    """For people: ``OME-XML PhysicalSizeX``, ``tissues.csv``, ``TIFF XResolution``…"""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mpp) and self.mpp > 0):
            raise ValueError(f"a pixel size is finite and positive, not {self.mpp}")


def round_mpp(mpp: float) -> float:
    """mpp at five decimals: below any scanner's calibration, and short enough to name a folder."""
    return round(float(mpp), 5)


def rescaled_length(length_px: int, native_mpp: float, mpp: float) -> int:
    """Pixels at ``mpp`` of a side of ``length_px`` pixels at ``native_mpp``: max(1, round(length · native / mpp))."""
    return max(1, round(length_px * native_mpp / mpp))


def rescaled_size(size: Size, native_mpp: float, mpp: float) -> Size:
    """Size at ``mpp`` of an image of ``size`` at ``native_mpp``."""
    return Size(
        rescaled_length(size.height, native_mpp, mpp),
        rescaled_length(size.width, native_mpp, mpp),
    )
