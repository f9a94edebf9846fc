"""Quantiles from counts of values: to the last bit what ``np.quantile(pixels, q)`` gives for the pixels themselves.

numpy's default method is Hyndman & Fan's type 7: a virtual rank q · (n − 1), and a linear interpolation between the
two values beside it. Both are done here in numpy's own order of operations (numpy ≥ 2.4 for float32: the rank in
float64, the interpolation in float32).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Rank:
    """Where a quantile lies among n sorted values."""

    previous: int
    following: int
    weight: float
    """Of the following value."""


def quantile_rank(count: int, q: float) -> Rank:
    """The two places (from 0) beside the virtual rank of quantile ``q`` among ``count`` ≥ 1 values."""
    if count < 1 or not 0.0 <= q <= 1.0:
        raise ValueError(f"no quantile {q} of {count} values")
    virtual = (count - 1) * q
    if virtual >= count - 1:
        return Rank(count - 1, count - 1, virtual + 1.0)  # numpy counts the last place as −1
    previous = math.floor(virtual)
    return Rank(previous, previous + 1, virtual - previous)


def interpolate(previous: np.floating[Any], following: np.floating[Any], weight: float) -> np.floating[Any]:
    """Linear interpolation in the values' own float type, from the nearer side."""
    difference = following - previous
    if weight >= 0.5:
        return following - difference * (1 - weight)
    return previous + difference * weight


def quantile_of_counts(
    values: NDArray[Any], counts: NDArray[np.int64], q: float, offset: int = 0, total: int | None = None
) -> float:
    """``np.quantile`` of the sample that holds ``counts[i]`` times ``values[i]`` (ascending, integers or float32).

    The values may be a part of the sample that holds both neighbours of the quantile, with ``offset`` smaller values
    before it and ``total`` in all. NaN for an empty sample, and where a NaN is among the values (as the last one).
    """
    total = int(counts.sum()) if total is None else total
    if total == 0 or np.isnan(values[-1]):
        return math.nan
    rank = quantile_rank(total, q)
    ends = np.cumsum(counts) + offset
    previous, following = values[np.searchsorted(ends, [rank.previous, rank.following], side="right")]
    kind = np.float32 if values.dtype == np.float32 else np.float64
    with np.errstate(over="ignore", invalid="ignore"):
        return float(interpolate(kind(previous), kind(following), rank.weight))
