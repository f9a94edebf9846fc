"""Columns of tables as Arrow arrays, made of their buffers and read from them.

pyarrow's own ways between Python and Arrow (``pyarrow.array``, ``scalar``, ``to_numpy``) import pandas wherever it is
installed: 0.35 s of CPU, which is more than all tables of a small cohort take to write.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray


def text_column(values: Iterable[str | None]) -> pa.Array:
    """Texts, null where None; large_string, as pandas stores them."""
    texts = list(values)
    encoded = [b"" if text is None else text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    missing = np.fromiter((text is None for text in texts), bool, len(texts))
    return _array(pa.large_string(), len(texts), missing, ends, b"".join(encoded))


def repeated_text_column(values: Sequence[str], counts: Sequence[int]) -> pa.Array:
    """Each text as many times as ``counts`` says."""
    return text_column(values).take(int_column(np.repeat(np.arange(len(values)), counts)))


def int_column(values: ArrayLike) -> pa.Array:
    """Whole numbers: int64."""
    numbers = np.ascontiguousarray(values, np.int64)
    return _array(pa.int64(), len(numbers), None, numbers)


def float_column(values: Sequence[float | None] | NDArray[np.float64]) -> pa.Array:
    """Numbers: float64, null where NaN or None, as pandas stores them."""
    numbers = np.array(values, np.float64)
    return _array(pa.float64(), len(numbers), np.isnan(numbers), numbers)


def bool_column(values: ArrayLike) -> pa.Array:
    """True or False."""
    flags = np.asarray(values, bool)
    return _array(pa.bool_(), len(flags), None, _bits(flags))


def read_ints(column: pa.Array | pa.ChunkedArray) -> NDArray[np.int64]:
    """Whole numbers of a column. Raises TypeError where one is missing or they are none."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if array.null_count or not pa.types.is_integer(array.type):
        raise TypeError(f"a column of {array.type} with {array.null_count} gaps holds no whole numbers")
    return np.from_dlpack(array).astype(np.int64)


def _array(kind: pa.DataType, length: int, missing: NDArray[np.bool_] | None, *buffers: Any) -> pa.Array:
    valid = None if missing is None or not missing.any() else pa.py_buffer(_bits(~missing))
    return pa.Array.from_buffers(kind, length, [valid, *map(pa.py_buffer, buffers)])


def _bits(flags: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.packbits(flags, bitorder="little")
