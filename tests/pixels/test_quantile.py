"""Quantiles from counts against numpy's own from the pixels, to the last bit."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from spora_build.pixels.fine_counts import FineCounter, quantile_in_bins, recipe_bins
from spora_build.pixels.histogram import add_coarse, add_values, coarse_counts, coarse_of, distinct, value_counts
from spora_build.pixels.quantile import quantile_of_counts, quantile_rank
from spora_build.pixels.standardize import Recipe

QUANTILES = st.sampled_from([0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0]) | st.floats(0.0, 1.0)
INTEGERS = ("uint8", "uint16", "int8", "int16")
FLOAT_BITS = st.sampled_from([0, 1 << 31, 1, 0x807FFFFF, 0x7F7FFFFF, 0x3F800000, 0xBF800000]) | st.integers(
    0, 2**32 - 1
)


def numpy_quantile(pixels: NDArray[Any], q: float) -> float:
    """``np.quantile``; where numpy is older than 2.4, its present rule for float32, written out on sorted values."""
    from numpy.lib import _function_base_impl as numpys

    if pixels.dtype != np.float32 or "weak_q" in inspect.signature(numpys._quantile).parameters:
        with np.errstate(all="ignore"):
            return float(np.quantile(pixels, q))
    in_order, virtual = np.sort(pixels), (len(pixels) - 1) * q
    low = min(math.floor(virtual), len(pixels) - 1)
    a, b, t = in_order[low], in_order[min(low + 1, len(pixels) - 1)], virtual - low
    with np.errstate(all="ignore"):
        return float(b - (b - a) * (1 - t) if t >= 0.5 else a + (b - a) * t)


def counted(pixels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Distinct values and counts of one channel of integers, by the kernel."""
    counts = value_counts(1, pixels.dtype)
    add_values(counts, pixels.reshape(1, 1, -1), np.ones((1, pixels.size), bool))
    return distinct(counts[0], pixels.dtype)


def float_quantile(pixels: NDArray[np.float32], q: float) -> float:
    """The quantile by both passes, each window a part of the pixels."""
    coarse = coarse_counts(1)
    windows = np.array_split(pixels, 3)
    for window in windows:
        add_coarse(coarse, window.reshape(1, 1, -1), np.ones((1, window.size), bool))
    fine = FineCounter([recipe_bins(coarse[0], Recipe(upper=q))], from_zero=True)
    for window in windows:
        fine.add(window.reshape(1, 1, -1), np.ones((1, window.size), bool))
    sample = fine.sample(0, coarse[0])
    return quantile_in_bins(coarse[0], sample.values, sample.counts, q)


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(INTEGERS), QUANTILES)
def test_integers(data: st.DataObject, dtype: str, q: float) -> None:
    info = np.iinfo(dtype)
    # numpy itself overflows where neighbours are further apart than the type reaches
    low, high = (0, info.max) if info.min == 0 else (info.min // 2, info.max // 2)
    elements = st.integers(low, high) | st.integers(0, 3)
    pixels = data.draw(hnp.arrays(dtype, st.integers(1, 60), elements=elements))
    assert quantile_of_counts(*counted(pixels), q) == numpy_quantile(pixels, q)


@settings(max_examples=250, deadline=None)
@given(hnp.arrays("uint32", st.integers(1, 60), elements=FLOAT_BITS), st.floats(0.001, 1.0) | st.just(0.99))
def test_floats_of_every_kind(bits: NDArray[np.uint32], q: float) -> None:
    pixels = bits.view(np.float32)
    pixels = np.where(np.isfinite(pixels), pixels, np.float32(1.5))
    expected = numpy_quantile(pixels, q)
    assert float_quantile(pixels, q) == expected or (math.isnan(expected) and math.isnan(float_quantile(pixels, q)))


@pytest.mark.parametrize("q", [0.01, 0.5, 0.99, 0.9999])
@pytest.mark.parametrize("kind", ["counts", "normal", "ties", "tiny", "wide"])
def test_many_floats(kind: str, q: float) -> None:
    rng = np.random.default_rng(3)
    pixels = {
        "counts": rng.poisson(0.3, 1_000_003).astype(np.float32),
        "normal": rng.normal(100, 1e-3, 1_000_003).astype(np.float32),
        "ties": rng.choice(np.array([-1.5, 0.0, 2.25], np.float32), 1_000_003),
        "tiny": (rng.random(1_000_003) * 1e-42).astype(np.float32),
        "wide": np.exp(rng.normal(0, 15, 1_000_003)).astype(np.float32) * rng.choice([-1, 1], 1_000_003),
    }[kind].astype(np.float32)
    assert float_quantile(pixels, q) == numpy_quantile(pixels, q)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_many_integers(dtype: str) -> None:
    pixels = np.random.default_rng(3).normal(40, 20, 1_000_003).clip(0, 120).astype(dtype)
    for q in (0.01, 0.5, 0.99, 0.9999):
        assert quantile_of_counts(*counted(pixels), q) == numpy_quantile(pixels, q)


def test_integers_within_a_cohort_of_coarse_bins() -> None:
    pixels = np.random.default_rng(3).integers(0, 60_000, 20_001).astype(np.uint16)
    values, counts = counted(pixels)
    for q in (0.013, 0.5, 0.99):
        assert quantile_in_bins(coarse_of(values, counts), values, counts, q) == np.quantile(pixels, q)


def test_nan_and_nothing() -> None:
    assert math.isnan(float_quantile(np.array([1, math.nan, 2], np.float32), 0.5))
    assert math.isnan(float_quantile(np.array([1, -math.nan, 2], np.float32), 0.5))
    assert math.isnan(quantile_of_counts(np.empty(0, np.uint8), np.empty(0, np.int64), 0.5))
    with pytest.raises(ValueError, match="no quantile"):
        quantile_rank(0, 0.5)
    with pytest.raises(ValueError, match="no quantile"):
        quantile_rank(10, 1.5)


def test_infinities_are_values_like_others() -> None:
    pixels = np.array([-math.inf, -math.inf, 1, 2, 3, math.inf], np.float32)
    for q in (0.1, 0.5, 0.7):
        expected = numpy_quantile(pixels, q)
        assert float_quantile(pixels, q) == expected or math.isnan(expected)
