"""The inner loops that count pixel values, compiled. Import it only where pixels are counted: numba takes its time."""

from __future__ import annotations

import math

import numpy as np

from spora_build.pixels.area_kernel import compiled

SKIPPED = -128
"""The zone of values of which only the number matters."""


@compiled
def ordered_key(bits):  # type: ignore[no-untyped-def]
    """Bits of a float32 (uint32) → uint32 in the order of the values; −0 as 0, every NaN last."""
    if bits & np.uint32(0x7FFFFFFF) > np.uint32(0x7F800000):
        return np.uint32(0xFFFFFFFF)
    if bits & np.uint32(0x80000000):
        return np.uint32(0x80000000) if bits == np.uint32(0x80000000) else ~bits & np.uint32(0xFFFFFFFF)
    return bits | np.uint32(0x80000000)


@compiled
def are_whole(plane, mask):  # type: ignore[no-untyped-def]
    """Whether every masked pixel of a plane (h, w) of float32 is a whole number from 0 to 65535."""
    for row in range(mask.shape[0]):
        good = True
        for col in range(mask.shape[1]):
            value = plane[row, col]
            inside = value >= np.float32(0) and value <= np.float32(65535)
            whole = np.float32(np.int32(value)) == value if inside else False
            good &= whole or not mask[row, col]
        if not good:
            return False
    return True


@compiled
def count_whole(plane, mask, table):  # type: ignore[no-untyped-def]
    """Add one to table[value] for every masked pixel of a plane (h, w) of float32 that are all whole."""
    for row in range(mask.shape[0]):
        for col in range(mask.shape[1]):
            if mask[row, col]:
                table[np.int32(plane[row, col])] += 1


@compiled
def count_values(plane, mask, lowest, table):  # type: ignore[no-untyped-def]
    """Add one to table[value - lowest] for every masked pixel of a plane (h, w) of integers."""
    for row in range(mask.shape[0]):
        for col in range(mask.shape[1]):
            if mask[row, col]:
                table[plane[row, col] - lowest] += 1


@compiled
def count_coarse(bits, mask, coarse):  # type: ignore[no-untyped-def]
    """Add one to coarse[c, key >> 16] for every masked pixel of float32 given as its bits (C, h, w)."""
    for channel in range(bits.shape[0]):
        table = coarse[channel]
        for row in range(mask.shape[0]):
            for col in range(mask.shape[1]):
                if mask[row, col]:
                    table[ordered_key(bits[channel, row, col]) >> np.uint32(16)] += 1


@compiled
def count_fine(pixels, bits, mask, zones, fine, gaps, gaps_log):  # type: ignore[no-untyped-def]
    """Second pass over the same float32 pixels (C, h, w) and their bits.

    ``zones`` (C, 65536) int8 says what becomes of a coarse bin. Zone z ≥ 0: add one to fine[c, z, key & 65535].
    SKIPPED: nothing. Else: the value belongs to the gap −1 − z, and is added to the running (count, mean, sum of
    squared deviations) of x in ``gaps`` and of log1p(x) in ``gaps_log``, float64 (C, gaps, 3), window by window.
    """
    values = np.empty((gaps.shape[1], mask.size), np.float64)
    zero = np.uint32(0x80000000)
    for channel in range(pixels.shape[0]):
        zone_of, table = zones[channel], fine[channel]
        counts = np.zeros(gaps.shape[1], np.int64)
        zeros = np.zeros(gaps.shape[1], np.int64)
        for row in range(mask.shape[0]):
            for col in range(mask.shape[1]):
                if mask[row, col]:
                    key = ordered_key(bits[channel, row, col])
                    zone = zone_of[key >> np.uint32(16)]
                    if zone >= 0:
                        table[zone, key & np.uint32(0xFFFF)] += 1
                    elif zone != SKIPPED:
                        gap = -1 - zone
                        if key == zero:
                            zeros[gap] += 1
                        else:
                            values[gap, counts[gap]] = pixels[channel, row, col]
                            counts[gap] += 1
        for gap in range(gaps.shape[1]):
            these = values[gap, : counts[gap]]
            _add_moments(these, zeros[gap], gaps[channel, gap])
            for at in range(these.shape[0]):
                these[at] = math.log1p(these[at]) if these[at] > -1.0 else np.nan
            _add_moments(these, zeros[gap], gaps_log[channel, gap])


@compiled
def _add_moments(values, zeros, into):  # type: ignore[no-untyped-def]
    """Merge the moments of ``values`` and of so many zeros: Chan, Golub & LeVeque 1979, equation 2.1."""
    count = values.shape[0] + zeros
    if count == 0:
        return
    total = 0.0
    for at in range(values.shape[0]):
        total += values[at]
    mean = total / count
    deviations = zeros * mean * mean
    for at in range(values.shape[0]):
        deviations += (values[at] - mean) * (values[at] - mean)
    whole = into[0] + count
    shift = mean - into[1]
    into[1] += shift * count / whole
    into[2] += deviations + shift * shift * into[0] * count / whole
    into[0] = whole
