"""The second look at float32 pixels: exact values in the coarse bins that hold a quantile, moments of the rest."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.pixels.histogram import BINS, NAN_BIN, ZERO_BIN, keys_of, values_of
from spora_build.pixels.moments import Moments
from spora_build.pixels.quantile import quantile_of_counts, quantile_rank
from spora_build.pixels.standardize import Gap, Recipe, Sample

_SKIPPED = -128  # as in value_kernels, which is not imported here for numba's sake


def quantile_bins(coarse: NDArray[np.int64], q: float) -> tuple[int, ...]:
    """The coarse bins (one or two, ascending) of the values beside a quantile, from a channel's coarse counts (65536,).

    None for an empty sample.
    """
    total = int(coarse.sum())
    if total == 0:
        return ()
    rank = quantile_rank(total, q)
    found = np.searchsorted(np.cumsum(coarse), [rank.previous, rank.following], side="right")
    return tuple(sorted({int(bin_) for bin_ in found}))


def recipe_bins(coarse: NDArray[np.int64], recipe: Recipe) -> tuple[int, ...]:
    """All the bins that a recipe's quantiles need, ascending."""
    lower = () if recipe.lower is None else quantile_bins(coarse, recipe.lower)
    return tuple(sorted({*lower, *quantile_bins(coarse, recipe.upper)}))


def quantile_in_bins(coarse: NDArray[np.int64], values: NDArray[Any], counts: NDArray[np.int64], q: float) -> float:
    """``np.quantile`` of one channel's sample, from its coarse counts and the distinct values (ascending) in its bins.

    The type of the values, float32 or not, decides how numpy would interpolate. NaN for an empty sample and where a
    NaN was counted.
    """
    bins = quantile_bins(coarse, q)
    if not bins or coarse[NAN_BIN]:
        return math.nan
    bin_of = keys_of(values.astype(np.float32)) >> 16
    inside = (bin_of >= bins[0]) & (bin_of <= bins[-1])
    return quantile_of_counts(
        values[inside], counts[inside], q, offset=int(coarse[: bins[0]].sum()), total=int(coarse.sum())
    )


class FineCounter:
    """Counts windows of float32 pixels (C, h, w): value by value in some coarse bins, as moments in the gaps between.

    ``bins`` are those of each channel. Gaps are parted at zero; what lies above the last bin, and with
    ``from_zero`` (no lower quantile) what lies below zero, is only counted.
    """

    def __init__(self, bins: Sequence[Iterable[int]], *, from_zero: bool) -> None:
        self._bins = [tuple(sorted(set(each))) for each in bins]
        self._gaps = [_gaps(each) for each in self._bins]
        self._zones = np.stack(
            [_zones(each, gaps, from_zero) for each, gaps in zip(self._bins, self._gaps, strict=True)]
        )
        most = max(len(each) for each in self._bins)
        self._fine = np.zeros((len(self._bins), max(1, most), BINS), np.int64)
        self._plain = np.zeros((len(self._bins), most + 2, 3))
        self._log = np.zeros((len(self._bins), most + 2, 3))

    def add(self, pixels: NDArray[np.float32], mask: NDArray[np.bool_]) -> None:
        """Count the pixels where ``mask`` (h, w) is True."""
        from spora_build.pixels.value_kernels import count_fine

        pixels = np.ascontiguousarray(pixels)
        count_fine(pixels, pixels.view(np.uint32), mask, self._zones, self._fine, self._plain, self._log)

    def sample(self, channel: int, coarse: NDArray[np.int64]) -> Sample:
        """What was counted in one channel; ``coarse`` (65536,) are its coarse counts of the same pixels."""
        keys, counts = [np.empty(0, np.uint32)], [np.empty(0, np.int64)]
        for place, bin_ in enumerate(self._bins[channel]):
            low = np.flatnonzero(self._fine[channel, place])
            keys.append((low + (bin_ << 16)).astype(np.uint32))
            counts.append(self._fine[channel, place, low])
        gaps = []
        for place, (start, stop) in enumerate(self._gaps[channel]):
            count = int(coarse[start:stop].sum())
            if count:
                low, high = values_of(np.array([start << 16, (stop << 16) - 1], np.uint32)).tolist()
                skipped = self._zones[channel, start] == _SKIPPED
                plain = Moments(count, math.nan, math.nan) if skipped else _moments(self._plain[channel, place])
                log = plain if skipped else _moments(self._log[channel, place])
                gaps.append(Gap(low, high, plain, log))
        return Sample(values_of(np.concatenate(keys)), np.concatenate(counts), tuple(gaps))


def _gaps(bins: tuple[int, ...]) -> list[tuple[int, int]]:
    """Runs [start, stop) of coarse bins, none of them resolved, parted at zero."""
    edges = [0, *itertools.chain.from_iterable((bin_, bin_ + 1) for bin_ in bins), BINS]
    runs = []
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        runs += [(start, ZERO_BIN), (ZERO_BIN, stop)] if start < ZERO_BIN < stop else [(start, stop)]
    return [(start, stop) for start, stop in runs if start < stop]


def _zones(bins: tuple[int, ...], gaps: list[tuple[int, int]], from_zero: bool) -> NDArray[np.int8]:
    zones = np.full(BINS, _SKIPPED, np.int8)
    for place, (start, stop) in enumerate(gaps):
        if bins and stop <= bins[-1] and not (from_zero and stop <= ZERO_BIN):
            zones[start:stop] = -1 - place
    for place, bin_ in enumerate(bins):
        zones[bin_] = place
    return zones


def _moments(row: NDArray[np.float64]) -> Moments:
    return Moments(int(row[0]), float(row[1]), float(row[2]))
