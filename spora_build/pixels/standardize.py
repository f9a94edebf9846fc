"""Standardization: clip at quantiles, transform, and the mean and deviation of what comes out.

With bounds lower (0 where none is asked for) and upper of a channel:

- ``quantile_clipping``: (clip(x, lower, upper) − lower) / (upper − lower + 1e-8)
- ``quantile_clipping_log1p``: log1p(clip(x, lower, upper))

in float64, over the pixels of the tissue mask; deviations are those of the population.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import Place, Problem, UsageError
from spora_build.pixels.moments import Moments, merged, moments_of

CLIPPING = "quantile_clipping"
CLIPPING_LOG1P = "quantile_clipping_log1p"
METHODS = (CLIPPING, CLIPPING_LOG1P)
EPSILON = 1e-8


@dataclass(frozen=True)
class Recipe:
    """Which quantiles bound the values. Raises UsageError for what is none."""

    upper: float = 0.99
    lower: float | None = None
    """None: values are bounded by zero."""

    def __post_init__(self) -> None:
        if not 0.0 < self.upper <= 1.0:
            raise UsageError(_wrong("E-STATS-001", "upper-quantile", self.upper, "a number above 0 up to 1"))
        if self.lower is not None and not 0.0 <= self.lower < self.upper:
            raise UsageError(_wrong("E-STATS-002", "lower-quantile", self.lower, "a number from 0 to below the upper"))

    @property
    def image_specs(self) -> tuple[str, str]:
        """Folder names of image-level quantiles: the format page's and the reader's, such as ``uq_0.99_image``."""
        return self._stem, f"{self._stem}_image"

    @property
    def global_spec(self) -> str:
        """Folder name of cohort-level quantiles, such as ``uq_0.99_global``."""
        return f"{self._stem}_global"

    @property
    def _stem(self) -> str:
        return f"uq_{self.upper}" + ("" if self.lower is None else f"_lq_{self.lower}")


@dataclass(frozen=True)
class Gap:
    """Pixels of a channel whose values were not counted one by one, because no bound lies among them."""

    low: float
    """No value is smaller; NaN where the gap reaches down to minus infinity."""
    high: float
    """No value is larger; NaN where the gap reaches up to infinity."""
    plain: Moments
    """Of the values; NaN beside the count where every bound clips them."""
    log: Moments
    """Of log1p of the same."""


@dataclass(frozen=True)
class Sample:
    """The masked pixels of one channel, condensed without losing what clipping needs.

    Integers: every distinct value. Floats: the distinct values near the bounds, and gaps between them.
    """

    values: NDArray[Any]
    """Distinct values, ascending."""
    counts: NDArray[np.int64]
    gaps: tuple[Gap, ...] = ()


def transform(values: NDArray[Any], lower: float, upper: float, method: str) -> NDArray[np.float64]:
    """The recipe's transform of values of any shape, in float64 (the formulas stand at the top of this module)."""
    clipped = np.minimum(np.maximum(values.astype(np.float64), lower), upper)
    if method == CLIPPING:
        return (clipped - lower) / (upper - lower + EPSILON)
    if method == CLIPPING_LOG1P:
        logarithms: NDArray[np.float64] = np.log1p(clipped)
        return logarithms
    raise ValueError(f"no standardization method {method!r}")


def clipped_moments(sample: Sample, lower: float | None, upper: float, method: str) -> Moments:
    """Moments of a sample after clipping to the bounds and the transform of ``method``.

    No bound, nor zero where there is no lower one, lies inside a gap. Empty where the sample is empty or a bound NaN.
    """
    if math.isnan(upper) or (lower is not None and math.isnan(lower)):
        return Moments()
    floor = 0.0 if lower is None else lower
    below = sum(gap.plain.count for gap in sample.gaps if gap.high <= floor)
    above = sum(gap.plain.count for gap in sample.gaps if gap.low >= upper)
    kept = [gap for gap in sample.gaps if not (gap.high <= floor or gap.low >= upper)]
    values = np.concatenate([[-math.inf], sample.values.astype(np.float64), [math.inf]])
    counts = np.concatenate([[below], sample.counts, [above]])
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = moments_of(transform(values, floor, upper, method), counts)
    if method == CLIPPING:
        return merged([ends, *(gap.plain.scaled(floor, upper - floor + EPSILON) for gap in kept)])
    return merged([ends, *(gap.log for gap in kept)])


def _wrong(code: str, option: str, value: float, rule: str) -> Problem:
    return Problem(
        code, f"this {option} makes no standardization.", f"give {rule}.", Place(column=option, value=str(value))
    )
