"""Which source pixels an output pixel covers along one axis, in exact fractions of a pixel."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

_DECIMALS = 100_000
"""Two pixel sizes of at most five decimals have a ratio whose denominator is hardly ever larger than this."""
_FINEST = 1 << 30
"""Any other ratio is met to the last bit of a float64; positions still fit an int64."""


@dataclass(frozen=True)
class Spans:
    """For each output pixel: first and last source pixel and how much of them counts, in units of 1/``unit`` pixel.

    Source pixels strictly between first and last count ``unit``. All arrays are int64 of one length.
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    """Inclusive. Where it equals first, ``last_weight`` is 0."""
    first_weight: NDArray[np.int64]
    last_weight: NDArray[np.int64]
    unit: int

    def __len__(self) -> int:
        return len(self.first)

    @property
    def start(self) -> int:
        """First source pixel that any of them covers."""
        return int(self.first[0])

    @property
    def stop(self) -> int:
        """Source pixel after the last that any of them covers."""
        return int(self.last[-1]) + 1

    @property
    def extent(self) -> NDArray[np.int64]:
        """Total weight of each output pixel."""
        between: NDArray[np.int64] = np.maximum(self.last - self.first - 1, 0)
        total: NDArray[np.int64] = self.first_weight + self.last_weight + self.unit * between
        return total

    def part(self, start: int, stop: int) -> Spans:
        """Those of the output pixels start to stop, counted from the first of these."""
        cut = slice(start, stop)
        return Spans(self.first[cut], self.last[cut], self.first_weight[cut], self.last_weight[cut], self.unit)

    def shifted(self, pixels: int) -> Spans:
        """The same with source pixels counted from ``pixels``."""
        return Spans(self.first - pixels, self.last - pixels, self.first_weight, self.last_weight, self.unit)


def exact_scale(scale: float) -> Fraction:
    """The simple fraction that a ratio of two pixel sizes stands for: 0.6 / 0.2 gives 3, not 2.9999999999999996."""
    simple = Fraction(scale).limit_denominator(_DECIMALS)
    if abs(float(simple) - scale) <= 1e-14 * scale:
        return simple
    return Fraction(scale).limit_denominator(_FINEST)


def cover(source_length: int, scale: Fraction, start: int, stop: int) -> Spans:
    """Spans of the output pixels start to stop of an axis with ``source_length`` pixels.

    Output pixel i covers [i·scale, (i + 1)·scale), cut at the source's end; those that lie wholly beyond the end
    repeat the last that does not.
    """
    step, unit = scale.numerator, scale.denominator
    end = source_length * unit
    index = np.minimum(np.arange(start, stop, dtype=np.int64), (end - 1) // step)
    begins = index * step
    ends = np.minimum(begins + step, end)
    first, last = begins // unit, (ends - 1) // unit
    alone = first == last
    first_weight = np.where(alone, ends - begins, (first + 1) * unit - begins)
    last_weight = np.where(alone, 0, ends - last * unit)
    return Spans(first, last, first_weight, last_weight, unit)
