"""Quantiles, means and variances of pixels, worked out here a second time so that the stored ones can be compared.

Independent of what writes the statistics: whole-number pixels by counting every value, other pixels by numpy.quantile
in float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
EPSILON = 1e-8
"""Added to the width of the clipping range before dividing by it, as the recipe says."""


@dataclass(frozen=True)
class Recipe:
    """A standardization: the method and the levels of its quantiles."""

    method: str
    """``quantile_clipping`` or ``quantile_clipping_log1p``."""
    upper: float
    lower: float | None


@dataclass(frozen=True)
class Moments:
    """Count, mean and sum of squared deviations of a channel's pixels after the recipe's transform."""

    count: int
    mean: float
    squares: float

    def merge(self, other: Moments) -> Moments:
        """Those of both sets of pixels (Chan et al. 1979)."""
        count = self.count + other.count
        if count == 0:
            return self
        shift = other.mean - self.mean
        mean = self.mean + shift * other.count / count
        return Moments(count, mean, self.squares + other.squares + shift**2 * self.count * other.count / count)

    @property
    def std(self) -> float:
        """Population standard deviation; NaN of no pixels."""
        return float(np.sqrt(self.squares / self.count)) if self.count else float("nan")


@dataclass(frozen=True)
class Sample:
    """Pixels of one channel: values, each with how often it occurs."""

    values: Floats
    counts: NDArray[np.int64] | None
    """None where every value occurs once."""

    @property
    def count(self) -> int:
        """Number of pixels."""
        return int(self.counts.sum()) if self.counts is not None else len(self.values)

    def quantile(self, level: float) -> float:
        """The quantile with linear interpolation, NaN of no pixels."""
        if self.count == 0:
            return float("nan")
        if self.counts is None:
            return float(np.quantile(self.values, level))
        ends = np.cumsum(self.counts)
        rank = level * (self.count - 1)
        low, high = (
            self.values[np.searchsorted(ends, n, side="right")] for n in (int(rank), min(int(rank) + 1, self.count - 1))
        )
        return float(low + (high - low) * (rank - int(rank)))

    def moments(self, recipe: Recipe) -> Moments:
        """Moments after clipping and rescaling (or log1p)."""
        if self.count == 0:
            return Moments(0, 0.0, 0.0)
        upper = self.quantile(recipe.upper)
        lower = self.quantile(recipe.lower) if recipe.lower is not None else 0.0
        pixels = np.clip(self.values, lower, upper)
        if recipe.method == "quantile_clipping_log1p":
            pixels = np.log1p(pixels)
        else:
            pixels = (pixels - lower) / (upper - lower + EPSILON)
        weights = self.counts if self.counts is not None else np.ones(1)
        mean = float((pixels * weights).sum() / self.count)
        return Moments(self.count, mean, float((weights * (pixels - mean) ** 2).sum()))


class ValueCounts:
    """How often each value of uint8 or uint16 pixels occurs, by channel."""

    def __init__(self, channels: int, dtype: np.dtype[Any]) -> None:
        self._counts = np.zeros((channels, int(np.iinfo(dtype).max) + 1), dtype=np.int64)

    def add(self, pixels: NDArray[Any]) -> None:
        """Count pixels of shape (channels, n)."""
        for row, values in zip(self._counts, pixels, strict=True):
            row += np.bincount(values, minlength=len(row))

    def sample(self, channel: int) -> Sample:
        """All pixels of a channel."""
        present = np.flatnonzero(self._counts[channel])
        return Sample(present.astype(np.float64), self._counts[channel][present])
