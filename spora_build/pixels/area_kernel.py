"""The inner loops of area averaging, compiled. Import it only where pixels are averaged: numba takes its time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function compiled without the interpreter's lock, kept on disk where there is a place for that."""
    fast: Callable[..., Any]
    try:
        fast = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # a read-only installation and no home folder: compiled anew in each process
        fast = numba.njit(nogil=True)(function)
    return fast


@compiled
def average(  # type: ignore[no-untyped-def]
    source,
    row_first,
    row_last,
    row_weights,
    row_unit,
    col_first,
    col_last,
    col_weights,
    col_unit,
    row_areas,
    col_areas,
    whole,
    out,
):
    """Fill ``out`` (C, h, w) with weighted means of ``source`` (C, H, W), C-contiguous, in float64.

    ``*_weights`` are float64 (n, 2), first and last; ``*_areas`` float64: total weights of the rows (h,) and
    columns (w,). ``whole``: round half to even. The order of operations of one output pixel depends on its
    own span alone.
    """
    height, width = out.shape[1], out.shape[2]
    left, right = col_first[0], col_last[width - 1] + 1
    line = np.empty(right - left, np.float64)
    sums = np.empty(width, np.float64)
    for channel in range(out.shape[0]):
        for row in range(height):
            first, last = row_first[row], row_last[row]
            _add_rows(source[channel], first, last, row_weights[row, 0], row_weights[row, 1], row_unit, left, line)
            for col in range(width):
                begin, end = col_first[col] - left, col_last[col] - left
                total = col_weights[col, 0] * line[begin]
                if end > begin:
                    for at in range(begin + 1, end):
                        total += col_unit * line[at]
                    total += col_weights[col, 1] * line[end]
                sums[col] = total
            _divide(sums, row_areas[row], col_areas, whole, out[channel, row])


@compiled
def _add_rows(plane, first, last, first_weight, last_weight, unit, left, line):  # type: ignore[no-untyped-def]
    count = line.shape[0]
    top = plane[first, left : left + count]
    for at in range(count):
        line[at] = first_weight * top[at]
    if last > first:
        for row in range(first + 1, last):
            middle = plane[row, left : left + count]
            for at in range(count):
                line[at] += unit * middle[at]
        bottom = plane[last, left : left + count]
        for at in range(count):
            line[at] += last_weight * bottom[at]


@compiled
def _divide(sums, tall, wide, whole, out):  # type: ignore[no-untyped-def]
    if whole:
        for at in range(sums.shape[0]):
            out[at] = np.rint(sums[at] / (tall * wide[at]))
    else:
        for at in range(sums.shape[0]):
            out[at] = sums[at] / (tall * wide[at])
