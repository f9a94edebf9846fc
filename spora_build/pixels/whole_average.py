"""Means over whole pixels by numpy alone: no compiler takes its second and 130 MB for them.

To the last bit those of :mod:`spora_build.pixels.area_kernel`: sums of integers are exact, and floats are added in the
same order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.pixels.paired_average import PIECE_BYTES, average_pairs, exact_types, pairs_fit
from spora_build.pixels.spans import Spans

_MOST_SUMMED = 65536
"""Pixels of 16 bits whose sum fits 32 bits."""


def is_whole(dtype: np.dtype[Any], rows: Spans, cols: Spans) -> bool:
    """Whether :func:`average_whole` can do it: no pixel is cut, and the sums fit."""
    if not rows.unit == cols.unit == 1:
        return False
    if dtype.kind == "f":
        return dtype.itemsize >= 4
    return dtype.kind == "u" and dtype.itemsize <= 2 and rows.extent.max() * cols.extent.max() <= _MOST_SUMMED


def average_whole(source: NDArray[Any], rows: Spans, cols: Spans, out: NDArray[Any]) -> None:
    """Fill ``out`` (C, len(rows), len(cols)) with means of ``source`` (C, H, W), integers rounded half to even."""
    height, down = _regular(rows)
    width, across = _regular(cols)
    if down and across and pairs_fit(source.dtype, height, width):
        part = source[:, rows.start : rows.start + down * height, cols.start : cols.start + across * width]
        average_pairs(part, (height, width), out[:, :down, :across])
        if across < len(cols):
            _average(source, rows.part(0, down), cols.part(across, len(cols)), out[:, :down, across:])
        if down < len(rows):
            _average(source, rows.part(down, len(rows)), cols, out[:, down:])
    else:
        _average(source, rows, cols, out)


def _regular(spans: Spans) -> tuple[int, int]:
    """Length of the first span, and how many of that length follow one another from there."""
    step = int(spans.last[0]) + 1 - spans.start
    follows = spans.start + step * np.arange(len(spans), dtype=np.int64)
    regular = (spans.first == follows) & (spans.last + 1 == follows + step)
    return step, len(spans) if regular.all() else int(np.argmin(regular))


def _average(source: NDArray[Any], rows: Spans, cols: Spans, out: NDArray[Any]) -> None:
    areas = np.multiply.outer(rows.extent, cols.extent)
    is_float = source.dtype.kind == "f"
    kind, quotient = (np.float64, np.float64) if is_float else exact_types(source.dtype.itemsize, int(areas.max()))
    areas = areas.astype(quotient)
    source = source[:, rows.start : rows.stop, cols.start : cols.stop]
    rows, cols = rows.shifted(rows.start), cols.shifted(cols.start)
    down, across = _regular(rows), _regular(cols)
    planes = max(1, PIECE_BYTES // (rows.stop * cols.stop * source.itemsize))
    for first in range(0, len(source), planes):
        part, means = source[first : first + planes], out[first : first + planes]
        tall = np.empty((len(part), len(rows), cols.stop), kind)
        sums = np.empty((len(part), len(rows), len(cols)), kind)
        _add_up(part, rows, down, tall)
        _add_up(tall.swapaxes(1, 2), cols, across, sums.swapaxes(1, 2))
        if is_float:
            with np.errstate(invalid="ignore", over="ignore"):
                np.divide(sums, areas, out=means, casting="same_kind")
        else:
            np.rint(np.divide(sums, areas, dtype=quotient), out=means, casting="unsafe")


def _add_up(lines: NDArray[Any], spans: Spans, regular: tuple[int, int], sums: NDArray[Any]) -> None:
    """sums[:, i] = the sum of the lines in span i, in their order. ``lines`` (C, n, w), ``sums`` (C, len(spans), w)."""
    step, count = regular
    steps = lines[:, : count * step].reshape(len(lines), count, step, -1)
    sums[:, :count] = steps[:, :, 0]
    for at in range(1, step):
        np.add(sums[:, :count], steps[:, :, at], out=sums[:, :count])
    for place in range(count, len(spans)):  # at the image's end spans are cut, or repeated
        sums[:, place] = lines[:, spans.first[place]]
        for at in range(int(spans.first[place]) + 1, int(spans.last[place]) + 1):
            sums[:, place] += lines[:, at]
