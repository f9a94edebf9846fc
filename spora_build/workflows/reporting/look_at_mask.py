"""A tissue mask seen small, and counted in the squares that the image's pixels will be sampled from."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.model.geometry import Size, Window
from spora_build.store.mask import read_mask_header
from spora_build.store.mask_bands import read_mask_bands

SMALL_PX = 512


@dataclass(frozen=True)
class MaskLook:
    """What one pass over a mask found."""

    size: Size
    small: NDArray[np.bool_]
    """Every ``step``-th pixel, at most 512 a side."""
    tissue_px: int
    squares: NDArray[np.int64]
    """Tissue pixels of each square of the grid (rows, cols)."""

    @property
    def share(self) -> float:
        """Share of the field that is tissue."""
        return self.tissue_px / (self.size.height * self.size.width)


def mask_size(path: Path) -> Size:
    """Height and width of a mask. Raises InvalidDataError where the file is no mask of two axes."""
    shape, _ = read_mask_header(path)
    if len(shape) != 2 or 0 in shape:
        raise InvalidDataError(
            Problem("E-REPORT-003", "this is no mask of two axes.", "run the stage again.", Place(file=path.name))
        )
    return Size(*shape)


def look_at_mask(path: Path, size: Size, square_px: int) -> MaskLook:
    """Read a mask (of an image of this size) once, in bands. Raises InvalidDataError."""
    step = max(1, math.ceil(max(size.height, size.width) / SMALL_PX))
    small: list[NDArray[np.bool_]] = []
    starts = np.arange(0, size.width, square_px)
    squares: list[NDArray[np.int64]] = []
    row, total = 0, 0
    for band in read_mask_bands(path, square_px):
        inside = band != 0
        small.append(inside[(-row + step // 2) % step :: step, step // 2 :: step].copy())
        squares.append(np.add.reduceat(inside.sum(axis=0, dtype=np.int64), starts))
        total += int(squares[-1].sum())
        row += len(band)
    return MaskLook(size, np.concatenate(small), total, np.stack(squares))


def whole_field(size: Size, square_px: int) -> MaskLook:
    """The look of a field that is tissue everywhere, for images without a mask."""
    rows = np.diff(np.append(np.arange(0, size.height, square_px), size.height))
    cols = np.diff(np.append(np.arange(0, size.width, square_px), size.width))
    step = max(1, math.ceil(max(size.height, size.width) / SMALL_PX))
    small = np.ones((max(1, size.height // step), max(1, size.width // step)), np.bool_)
    return MaskLook(size, small, size.height * size.width, np.outer(rows, cols).astype(np.int64))


def choose_squares(squares: NDArray[np.int64], most: int) -> NDArray[np.bool_]:
    """Squares with tissue, at most ``most``, evenly spaced in row-major order."""
    places = np.flatnonzero(squares)
    if len(places) > most:
        places = places[np.linspace(0, len(places) - 1, most).round().astype(np.int64)]
    chosen = np.zeros(squares.size, np.bool_)
    chosen[places] = True
    return chosen.reshape(squares.shape)


def chosen_windows(
    path: Path | None, size: Size, square_px: int, chosen: NDArray[np.bool_]
) -> Iterator[tuple[Window, NDArray[np.bool_]]]:
    """Each chosen square as a window of the image and its part of the mask."""
    for at, band in enumerate(_bands(path, size, square_px)):
        for place in np.flatnonzero(chosen[at]):
            col = int(place) * square_px
            mask = np.ascontiguousarray(band[:, col : col + square_px] != 0)
            yield Window(at * square_px, col, *mask.shape), mask


def _bands(path: Path | None, size: Size, square_px: int) -> Iterator[NDArray[Any]]:
    if path is not None:
        yield from read_mask_bands(path, square_px)
        return
    for row in range(0, size.height, square_px):
        yield np.ones((min(square_px, size.height - row), size.width), np.bool_)
