"""How often each value occurs, channel by channel, in the masked pixels of one window after the other.

Integers of 8 and 16 bits are counted value by value. A float32 has too many values for that: what is counted is the
upper sixteen bits of its place in the order of all float32 (its *coarse* bin); :mod:`spora_build.pixels.fine_counts`
then looks inside the one or two bins that matter. Floats that are all whole numbers from 0 to 65535, as ions are
counted, are counted value by value too. Counts of windows and of tissues add up.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 65536
ZERO_BIN = 0x8000
"""Coarse bin of zero; besides it holds only subnormal numbers below 1e-40."""
NAN_BIN = 0xFFFF
_PIECE_PX = 65536
WORTH_COMPILING = 800_000_000
"""Values of one process from which :func:`add_values` is faster compiled: numba takes half a second or one to be ready,
then a third of the time."""
COUNTED = tuple(np.dtype(name) for name in ("uint8", "uint16", "int8", "int16"))
"""Types whose values are counted one by one."""


def is_counted(dtype: np.dtype[Any]) -> bool:
    """Whether every value of the type has a bin of its own."""
    return dtype in COUNTED


def value_counts(channels: int, dtype: np.dtype[Any]) -> NDArray[np.int64]:
    """Zeros, shape (channels, number of values of an integer type)."""
    limits = np.iinfo(dtype)
    return np.zeros((channels, int(limits.max) - int(limits.min) + 1), np.int64)


def add_values(
    counts: NDArray[np.int64], pixels: NDArray[Any], mask: NDArray[np.bool_], *, compiled: bool = False
) -> None:
    """Count integer ``pixels`` (C, h, w) where ``mask`` (h, w) is True, by numpy or by compiled code."""
    lowest = int(np.iinfo(pixels.dtype).min)
    if compiled:
        from spora_build.pixels.value_kernels import count_values

        for plane, row in zip(pixels, counts, strict=True):
            count_values(plane, mask, lowest, row)
        return
    everywhere = bool(mask.all())
    for plane, row in zip(pixels, counts, strict=True):
        values = plane.ravel() if everywhere else plane[mask]
        for start in range(0, len(values), _PIECE_PX):  # bincount makes eight bytes of each value
            piece = values[start : start + _PIECE_PX]
            found = np.bincount(np.subtract(piece, lowest, dtype=np.int64) if lowest else piece)
            row[: len(found)] += found


def distinct(counts: NDArray[np.int64], dtype: np.dtype[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """(values that occur, ascending, in their own type; how often) from one channel's row of :func:`value_counts`."""
    bins = np.flatnonzero(counts)
    return (bins + int(np.iinfo(dtype).min)).astype(dtype), counts[bins]


def coarse_counts(channels: int) -> NDArray[np.int64]:
    """Zeros, shape (channels, 65536): how often each pattern of the upper sixteen bits occurs, in order of value."""
    return np.zeros((channels, BINS), np.int64)


def add_coarse(coarse: NDArray[np.int64], pixels: NDArray[np.float32], mask: NDArray[np.bool_]) -> None:
    """Count float32 ``pixels`` (C, h, w) where ``mask`` (h, w) is True."""
    from spora_build.pixels.value_kernels import count_coarse

    count_coarse(np.ascontiguousarray(pixels).view(np.uint32), mask, coarse)


def add_floats(
    counts: NDArray[np.int64], is_coarse: NDArray[np.bool_], pixels: NDArray[np.float32], mask: NDArray[np.bool_]
) -> None:
    """Count float32 ``pixels`` (C, h, w) where ``mask`` (h, w) is True.

    ``is_coarse`` (C,): what the rows of ``counts`` (C, 65536) are counts of, coarse bins or whole numbers. A channel
    begins with whole numbers and stays with them until another number comes.
    """
    from spora_build.pixels.value_kernels import are_whole, count_whole

    pixels = np.ascontiguousarray(pixels)
    for channel, plane in enumerate(pixels):
        if not is_coarse[channel] and not are_whole(plane, mask):
            found = distinct(counts[channel], np.dtype(np.uint16))
            counts[channel] = coarse_of(*found)
            is_coarse[channel] = True
        if is_coarse[channel]:
            add_coarse(counts[channel : channel + 1], plane[None], mask)
        else:
            count_whole(plane, mask, counts[channel])


def keys_of(values: NDArray[np.float32]) -> NDArray[np.uint32]:
    """The position of each value in the order of all float32: −0 as 0, every NaN last."""
    bits = (values + np.float32(0)).view(np.uint32)  # −0 + 0 is 0
    keys = np.where(bits >> 31 != 0, ~bits, bits | np.uint32(0x80000000))
    return np.where(np.isnan(values), np.uint32(0xFFFFFFFF), keys)


def values_of(keys: NDArray[np.uint32]) -> NDArray[np.float32]:
    """The inverse of :func:`keys_of`."""
    bits = np.where(keys >> 31 != 0, keys & np.uint32(0x7FFFFFFF), ~keys)
    return bits.astype(np.uint32).view(np.float32)


def coarse_of(values: NDArray[Any], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """One channel's coarse counts (65536,) of a sample given by its distinct values (all exact as float32)."""
    return coarse_row(coarse_bins(values), counts)


def coarse_bins(values: NDArray[Any]) -> NDArray[np.int64]:
    """The coarse bin of each value (all exact as float32)."""
    return (keys_of(values.astype(np.float32)) >> 16).astype(np.int64)


def coarse_row(bins: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Coarse counts (65536,) of a channel; a bin may come several times."""
    coarse = np.zeros(BINS, np.int64)
    np.add.at(coarse, bins, counts)
    return coarse
