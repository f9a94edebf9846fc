"""How much alike channels are, pixel by pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_HOT = 0.999
"""Pixels above this quantile are clipped: a handful of hot pixels would make or hide any correlation."""


def correlations(sample: NDArray[np.float32]) -> NDArray[np.float64]:
    """Pearson's r (C, C) between the rows of ``sample`` (C, n), each clipped at its 99.9th percentile.

    NaN where a channel is constant or there are fewer than three pixels.
    """
    channels, count = sample.shape
    if count < 3:
        return np.full((channels, channels), np.nan)
    values = sample.astype(np.float64)
    values = np.minimum(values, np.quantile(values, _HOT, axis=1, keepdims=True))
    values -= values.mean(axis=1, keepdims=True)
    length = np.sqrt((values**2).sum(axis=1))
    scale = np.abs(sample).max(axis=1).astype(np.float64)
    length[length <= 1e-9 * scale * np.sqrt(count)] = np.nan  # constant but for rounding
    # not a matrix product: BLAS adds up in an order that depends on its threads
    products = np.einsum("in,jn->ij", values, values)
    with np.errstate(invalid="ignore"):
        found: NDArray[np.float64] = products / np.outer(length, length)
    return found.clip(-1.0, 1.0)


def structure(planes: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How strongly each channel of (C, h, w) varies in ways that neighbours share, relative to its mean; 0 for noise.

    The root of the covariance between pixels beside each other (both inside ``mask``), over the mean.
    """
    score = np.zeros(len(planes))
    for at, plane in enumerate(planes):
        inside = plane[mask].astype(np.float64)
        if inside.size < 9 or not inside.mean() > 0:
            continue
        field = np.minimum(plane, np.quantile(inside, _HOT)).astype(np.float64)
        mean = field[mask].mean()
        field -= mean
        beside, below = mask[:, :-1] & mask[:, 1:], mask[:-1] & mask[1:]
        products = np.concatenate([(field[:, :-1] * field[:, 1:])[beside], (field[:-1] * field[1:])[below]])
        if products.size and mean > 0:
            score[at] = np.sqrt(max(0.0, products.mean())) / mean
    return score
