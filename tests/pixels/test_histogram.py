"""Counts of values under a mask, by numpy and compiled, against numpy's own sort."""

from __future__ import annotations

import numpy as np
import pytest

from spora_build.pixels.histogram import COUNTED, add_values, distinct, value_counts


@pytest.mark.parametrize("step", [1, -1])
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("dtype", COUNTED, ids=str)
def test_every_value_is_counted(dtype: np.dtype[np.int16], share: float, compiled: bool, step: int) -> None:
    rng = np.random.default_rng(7)
    limits = np.iinfo(dtype)
    windows = [rng.integers(limits.min, limits.max + 1, (2, 90, 1100)).astype(dtype) for _ in range(2)]
    windows[0][:, :40] = limits.max
    windows[1][:, :40] = limits.min
    masks = [rng.random((90, 1100)) < share for _ in windows]
    counts = value_counts(2, dtype)
    for pixels, mask in zip(windows, masks, strict=True):
        add_values(counts, pixels[:, ::step], mask, compiled=compiled)
    for channel, row in enumerate(counts):
        found, times = distinct(row, dtype)
        masked = [pixels[channel, ::step][mask] for pixels, mask in zip(windows, masks, strict=True)]
        wanted = np.unique(np.concatenate(masked), return_counts=True)
        assert found.dtype == dtype
        assert np.array_equal(found, wanted[0])
        assert np.array_equal(times, wanted[1])
