"""Means of blocks with an even number of columns, two columns in one addition: the bits of two small integers fit one.

Every other pixel is shifted out of a row read as integers of twice the width, and added to its neighbour there. Rows
are then added in that width, which has room for the sums of all the rows of a block.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

PIECE_BYTES = 1 << 20
"""Pixels worked on at a time: they stay in a core's own cache."""
_LONG = 8
"""Of so many columns the sum of each block in turn is faster than one column of all blocks after the other."""
_WIDE: dict[int, Any] = {1: np.uint16, 2: np.uint32}


def pairs_fit(dtype: np.dtype[Any], rows: int, cols: int) -> bool:
    """Whether blocks of ``rows`` × ``cols`` pixels of this type can be added two columns at a time."""
    return (
        dtype.isnative
        and dtype.kind == "u"
        and dtype.itemsize in _WIDE
        and cols % 2 == 0
        and rows * 2 <= 256**dtype.itemsize
    )


def average_pairs(source: NDArray[Any], block: tuple[int, int], out: NDArray[Any]) -> None:
    """Fill ``out`` (C, h, w) with the means of ``source`` (C, h × rows, w × cols), rounded half to even.

    ``block`` is (rows, cols), which :func:`pairs_fit`.
    """
    rows, cols = block
    sums, quotient = exact_types(source.dtype.itemsize, rows * cols)
    channels, height, width = source.shape
    most = max(1, PIECE_BYTES // (width * source.itemsize))
    step, planes = max(rows, most // rows * rows), max(1, most // height)
    for first in range(0, channels, planes):
        for top in range(0, height, step):
            part = source[first : first + planes, top : top + step]
            total = _add_columns(_add_rows(_add_pairs(part), rows), cols // 2, sums)
            means = np.divide(total, quotient(rows * cols), dtype=quotient)
            np.rint(
                means, out=out[first : first + planes, top // rows : (top + part.shape[1]) // rows], casting="unsafe"
            )


def exact_types(itemsize: int, area: int) -> tuple[Any, Any]:
    """The smallest types in which sums of so many unsigned integers are exact and their means round as exact ones do.

    The mean of ``area`` integers lies at least 1 / (2 × area) from a half that it is not. float32 keeps that apart
    where its 24 bits hold the value's own and as many more as the area has.
    """
    most = area * (256**itemsize - 1)
    return np.uint16 if most < 2**16 else np.uint32, np.float32 if area < 2 ** (24 - 8 * itemsize) else np.float64


def _add_pairs(pixels: NDArray[Any]) -> NDArray[Any]:
    if pixels.strides[-1] != pixels.itemsize:
        pixels = np.ascontiguousarray(pixels)
    wide = _WIDE[pixels.itemsize]
    pairs: NDArray[Any] = pixels.view(wide)
    added: NDArray[Any] = pairs >> wide(8 * pixels.itemsize)
    added += pairs & wide(256**pixels.itemsize - 1)
    return added


def _add_rows(lines: NDArray[Any], count: int) -> NDArray[Any]:
    channels, height, width = lines.shape
    if count == 1:
        return lines
    total: NDArray[Any] = np.einsum("crnw->crw", lines.reshape(channels, height // count, count, width))
    return total


def _add_columns(lines: NDArray[Any], count: int, dtype: Any) -> NDArray[Any]:
    total: NDArray[Any]
    if count >= _LONG:
        channels, height, width = lines.shape
        total = np.einsum("chwn->chw", lines.reshape(channels, height, width // count, count), dtype=dtype)
        return total
    total = lines[:, :, ::count].astype(dtype, copy=False)
    for at in range(1, count):
        total = np.add(total, lines[:, :, at::count], dtype=dtype, out=total if at > 1 else None)
    return total
