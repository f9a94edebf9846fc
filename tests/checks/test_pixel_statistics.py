"""The second opinion on statistics agrees with numpy on all pixels at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spora_build.checks.pixel_statistics import Moments, Recipe, Sample, ValueCounts

LEVELS = st.sampled_from([0.0, 0.01, 0.5, 0.99, 0.999, 1.0])


@settings(max_examples=60, deadline=None)
@given(arrays(np.uint16, st.integers(1, 200)), LEVELS)
def test_quantiles_of_counts(pixels: np.ndarray, level: float) -> None:
    counts = ValueCounts(1, pixels.dtype)
    counts.add(pixels[None, : len(pixels) // 2])
    counts.add(pixels[None, len(pixels) // 2 :])
    expected = np.quantile(pixels.astype(np.float64), level)
    assert counts.sample(0).quantile(level) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 3), st.integers(2, 90))), st.sampled_from([None, 0.05]))
@pytest.mark.parametrize("method", ["quantile_clipping", "quantile_clipping_log1p"])
def test_moments(method: str, pixels: np.ndarray, lower: float | None) -> None:
    recipe = Recipe(method, 0.9, lower)
    counts = ValueCounts(len(pixels), pixels.dtype)
    counts.add(pixels)
    for channel, values in enumerate(pixels.astype(np.float64)):
        low, high = np.quantile(values, lower) if lower else 0.0, np.quantile(values, 0.9)
        clipped = np.clip(values, low, high)
        expected = np.log1p(clipped) if method.endswith("log1p") else (clipped - low) / (high - low + 1e-8)
        for found in (counts.sample(channel).moments(recipe), Sample(values, None).moments(recipe)):
            assert found.count == len(values)
            assert found.mean == pytest.approx(expected.mean(), rel=1e-9, abs=1e-12)
            assert found.std == pytest.approx(expected.std(), rel=1e-7, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e3, 1e3)), st.integers(0, 60))
def test_merged_moments_are_those_of_all(values: np.ndarray, cut: int) -> None:
    parts = [p for p in (values[:cut], values[cut:]) if len(p)]
    merged = Moments(0, 0.0, 0.0)
    for part in parts:
        merged = merged.merge(Moments(len(part), float(part.mean()), float(((part - part.mean()) ** 2).sum())))
    assert merged.mean == pytest.approx(values.mean(), rel=1e-9, abs=1e-9)
    assert merged.std == pytest.approx(values.std(), rel=1e-6, abs=1e-6)


def test_no_pixels_are_nan() -> None:
    assert np.isnan(Sample(np.array([]), None).quantile(0.5))
    assert np.isnan(Moments(0, 0.0, 0.0).std)
