"""Area averaging of an array at any ratio: each output pixel is the mean of the source area it covers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.pixels.spans import Spans
from spora_build.pixels.whole_average import average_whole, is_whole


def area_average(source: NDArray[Any], rows: Spans, cols: Spans, out: NDArray[Any] | None = None) -> NDArray[Any]:
    """(C, len(rows), len(cols)) means of ``source`` (C, H, W), in its dtype; ``out`` is filled where given.

    Sums are float64 and, for integers of up to 16 bits, exact; a mean of integers is rounded half to even. A NaN
    makes every pixel that covers a part of it NaN. Raises TypeError where the dtype is no integer or float.
    """
    if source.dtype.kind not in "iuf":
        raise TypeError(f"pixels of type {source.dtype} have no mean")
    if out is None:
        out = np.empty((source.shape[0], len(rows), len(cols)), source.dtype)
    if source.dtype.itemsize == 2 and source.dtype.kind == "f":
        out[...] = area_average(source.astype(np.float32), rows, cols)
        return out
    if is_whole(source.dtype, rows, cols):
        average_whole(source, rows, cols, out)
        return out
    from spora_build.pixels.area_kernel import average

    # numba reads an array of any strides, but only contiguous rows at the speed of memory
    source = np.ascontiguousarray(source)
    average(
        source,
        rows.first,
        rows.last,
        _weights(rows),
        float(rows.unit),
        cols.first,
        cols.last,
        _weights(cols),
        float(cols.unit),
        rows.extent.astype(np.float64),
        cols.extent.astype(np.float64),
        source.dtype.kind in "iu",
        out,
    )
    return out


def _weights(spans: Spans) -> NDArray[np.float64]:
    return np.stack([spans.first_weight, spans.last_weight], axis=1).astype(np.float64)
