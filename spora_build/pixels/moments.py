"""Mean and variance that merge without loss: (count, mean, sum of squared deviations from the mean)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Moments:
    """The first two moments of a sample. Never a difference of large sums, so small deviations survive a large mean."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    """Sum of squared deviations from the mean."""

    @property
    def std(self) -> float:
        """Population standard deviation; NaN for an empty sample."""
        return math.sqrt(self.squares / self.count) if self.count else math.nan

    def merge(self, other: Moments) -> Moments:
        """Moments of both samples together (Chan, Golub & LeVeque 1979, equation 2.1)."""
        if not (self.count and other.count):
            return self if self.count else other
        count = self.count + other.count
        shift = other.mean - self.mean
        return Moments(
            count,
            self.mean + shift * (other.count / count),
            self.squares + other.squares + shift * shift * (self.count * other.count / count),
        )

    def scaled(self, origin: float, unit: float) -> Moments:
        """Moments of (x − origin) / unit."""
        return Moments(self.count, (self.mean - origin) / unit, self.squares / (unit * unit))


def moments_of(values: NDArray[np.float64], counts: NDArray[np.int64]) -> Moments:
    """Moments of the sample that holds ``counts[i]`` times ``values[i]``: two passes, mean first."""
    count = int(counts.sum())
    if count == 0:
        return Moments()
    mean = float((values * counts).sum() / count)
    return Moments(count, mean, float((np.square(values - mean) * counts).sum()))


def merged(parts: Iterable[Moments]) -> Moments:
    """Moments of all samples together, merged in the order given."""
    whole = Moments()
    for part in parts:
        whole = whole.merge(part)
    return whole
