"""The second look at float32 pixels: exact values in the coarse bins that hold a quantile, moments of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.pixels.histogram import BINS, NAN_BIN, ZERO_BIN, keys_of, values_of
from spora_build.pixels.moments import Moments
from spora_build.pixels.quantile import quantile_of_counts, quantile_rank
from spora_build.pixels.standardize import Recipe, Sample

_BELOW, _ABOVE, _BETWEEN = -1, -2, -3  # as in value_kernels, which is not imported here for numba's sake


@dataclass(frozen=True)
class Bins:
    """The coarse bins of one channel in which the recipe's quantiles lie, ascending; none for an empty sample."""

    upper: tuple[int, ...]
    lower: tuple[int, ...] = ()
    has_lower: bool = False

    @property
    def all(self) -> tuple[int, ...]:
        """Both together, ascending."""
        return tuple(sorted({*self.lower, *self.upper}))


def recipe_bins(coarse: NDArray[np.int64], recipe: Recipe) -> Bins:
    """The bins that a recipe's quantiles need, from one channel's coarse counts (65536,)."""
    upper = _quantile_bins(coarse, recipe.upper)
    if recipe.lower is None:
        return Bins(upper)
    return Bins(upper, _quantile_bins(coarse, recipe.lower), has_lower=True)


def quantile_in_bins(coarse: NDArray[np.int64], values: NDArray[Any], counts: NDArray[np.int64], q: float) -> float:
    """``np.quantile`` of one channel's sample, from its coarse counts and the distinct values (ascending) in its bins.

    The type of the values, float32 or not, decides how numpy would interpolate. NaN for an empty sample and where a
    NaN was counted.
    """
    if coarse[NAN_BIN]:
        return float("nan")
    bins = _quantile_bins(coarse, q)
    if not bins:
        return float("nan")
    bin_of = keys_of(values.astype(np.float32)) >> 16
    inside = (bin_of >= bins[0]) & (bin_of <= bins[-1])
    return quantile_of_counts(
        values[inside], counts[inside], q, offset=int(coarse[: bins[0]].sum()), total=int(coarse.sum())
    )


class FineCounter:
    """Counts windows of float32 pixels (C, h, w) into the bins of each channel."""

    def __init__(self, bins: Sequence[Bins]) -> None:
        self._bins = tuple(bins)
        places = max([1, *(len(each.all) for each in bins)])
        self._zones = np.stack([_zones(each) for each in bins])
        self._fine = np.zeros((len(bins), places, BINS), np.int64)
        self._between = np.zeros((len(bins), 3))
        self._between_log = np.zeros((len(bins), 3))

    def add(self, pixels: NDArray[np.float32], mask: NDArray[np.bool_]) -> None:
        """Count the pixels where ``mask`` (h, w) is True."""
        from spora_build.pixels.value_kernels import count_fine

        pixels = np.ascontiguousarray(pixels)
        count_fine(pixels, pixels.view(np.uint32), mask, self._zones, self._fine, self._between, self._between_log)

    def sample(self, channel: int, coarse: NDArray[np.int64]) -> Sample:
        """What was counted in one channel; ``coarse`` (65536,) are its coarse counts of the same pixels."""
        zones = self._zones[channel]
        keys, counts = [], []
        for place, bin_ in enumerate(self._bins[channel].all):
            low = np.flatnonzero(self._fine[channel, place])
            keys.append((low + (bin_ << 16)).astype(np.uint32))
            counts.append(self._fine[channel, place, low])
        return Sample(
            values_of(np.concatenate([np.empty(0, np.uint32), *keys])),
            np.concatenate([np.empty(0, np.int64), *counts]),
            below=int(coarse[zones == _BELOW].sum()),
            above=int(coarse[zones == _ABOVE].sum()),
            between=_moments(self._between[channel]),
            between_log=_moments(self._between_log[channel]),
        )


def _quantile_bins(coarse: NDArray[np.int64], q: float) -> tuple[int, ...]:
    total = int(coarse.sum())
    if total == 0:
        return ()
    rank = quantile_rank(total, q)
    found = np.searchsorted(np.cumsum(coarse), [rank.previous, rank.following], side="right")
    return tuple(sorted({int(bin_) for bin_ in found}))


def _zones(bins: Bins) -> NDArray[np.int8]:
    """What becomes of each coarse bin: its place in the fine counts, or below, between or above the bounds."""
    zones = np.full(BINS, _ABOVE, np.int8)
    if bins.upper:
        floor = bins.lower[-1] + 1 if bins.has_lower else ZERO_BIN
        zones[: bins.upper[0]] = _BETWEEN
        zones[: min(floor, bins.upper[0])] = _BELOW
        for place, bin_ in enumerate(bins.all):
            zones[bin_] = place
    return zones


def _moments(row: NDArray[np.float64]) -> Moments:
    return Moments(int(row[0]), float(row[1]), float(row[2]))
