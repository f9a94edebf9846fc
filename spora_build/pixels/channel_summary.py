"""What one channel's counted pixels say: its quantiles, how much of it is nothing, and how much hit the ceiling."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.pixels.histogram import ZERO_BIN, values_of
from spora_build.pixels.quantile import quantile_of_counts

BINS = 40
"""Bars of a summary's histogram."""
_TOPS = tuple(2**bits - 1 for bits in (8, 10, 12, 14, 16))
"""Where detectors end: a pile of pixels at one of these values is no accident."""


@dataclass(frozen=True)
class ChannelSummary:
    """The intensities of one channel of one tissue, in the image's own units."""

    pixel_count: int
    """Finite pixels counted."""
    low: float
    """1st percentile; like the others NaN where nothing was counted."""
    median: float
    high: float
    """99th percentile."""
    minimum: float
    maximum: float
    zero_share: float
    """Share of pixels that are exactly zero."""
    top_share: float
    """Share of pixels at the end of an 8-, 10-, 12-, 14- or 16-bit range; 0 where the maximum is no such end."""
    start: float
    """Left edge of the histogram."""
    stop: float
    """Right edge of the histogram; its last bar also holds everything beyond."""
    bars: tuple[int, ...]
    """Counts of ``BINS`` bars of equal width."""

    @property
    def is_empty(self) -> bool:
        """True where every pixel has the same value: nothing was measured."""
        return self.pixel_count == 0 or self.minimum == self.maximum


def summarize(values: NDArray[Any], counts: NDArray[np.int64], clip: float | None = None) -> ChannelSummary:
    """Summarize the sample that holds ``counts[i]`` times ``values[i]`` (ascending; NaN and infinity are left out).

    The histogram reaches from the 0.1st percentile (or 0) to the 99.9th, further where that takes to show ``clip``.
    """
    finite = np.isfinite(values)
    values, counts = values[finite], counts[finite]
    total = int(counts.sum())
    if total == 0:
        nan = math.nan
        return ChannelSummary(0, nan, nan, nan, nan, nan, 0.0, 0.0, 0.0, 1.0, (0,) * BINS)
    low, median, high, bottom, top = (quantile_of_counts(values, counts, q) for q in (0.01, 0.5, 0.99, 0.001, 0.999))
    minimum, maximum = float(values[0]), float(values[-1])
    start = min(0.0, bottom)
    stop = max(top, clip * 1.1 if clip is not None and math.isfinite(clip) else top)
    if not stop > start:
        stop = start + 1.0
    return ChannelSummary(
        pixel_count=total,
        low=low,
        median=median,
        high=high,
        minimum=minimum,
        maximum=maximum,
        zero_share=int(counts[values == 0].sum()) / total,
        top_share=int(counts[-1]) / total if np.issubdtype(values.dtype, np.integer) and maximum in _TOPS else 0.0,
        start=start,
        stop=stop,
        bars=_bars(values, counts, start, stop),
    )


def coarse_sample(coarse: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """(values, counts) of a row of coarse counts: every pixel takes the middle of its bin, at most 0.4 % from its own.

    Zero stays zero.
    """
    bins = np.flatnonzero(coarse)
    keys = (bins.astype(np.uint32) << np.uint32(16)) | np.uint32(0x8000)
    return np.where(bins == ZERO_BIN, np.float32(0), values_of(keys)), coarse[bins]


def _bars(values: NDArray[Any], counts: NDArray[np.int64], start: float, stop: float) -> tuple[int, ...]:
    places = np.floor((values.astype(np.float64) - start) / (stop - start) * BINS)
    bars = np.zeros(BINS, np.int64)
    np.add.at(bars, places.clip(0, BINS - 1).astype(np.int64), counts)
    return tuple(int(count) for count in bars)
