"""Moments after clipping and transform, against numpy on the pixels themselves in float64."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from spora_build.errors import UsageError
from spora_build.pixels.fine_counts import FineCounter, recipe_bins
from spora_build.pixels.histogram import add_coarse, add_values, coarse_counts, distinct, value_counts
from spora_build.pixels.moments import Moments, merged, moments_of
from spora_build.pixels.standardize import METHODS, Recipe, Sample, clipped_moments, transform

RECIPES = [Recipe(), Recipe(0.9), Recipe(1.0), Recipe(0.99, 0.01), Recipe(0.6, 0.4), Recipe(0.99, 0.0)]


def by_numpy(pixels: NDArray[Any], lower: float, upper: float, method: str) -> tuple[float, float]:
    """(mean, std) straight from the formulas."""
    clipped = np.clip(pixels.astype(np.float64), lower, upper)
    out = (clipped - lower) / (upper - lower + 1e-8) if method == "quantile_clipping" else np.log1p(clipped)
    return float(out.mean()), float(out.std())


def integer_sample(pixels: NDArray[Any], mask: NDArray[np.bool_]) -> Sample:
    """The sample of one channel (h, w)."""
    counts = value_counts(1, pixels.dtype)
    add_values(counts, pixels[None], mask)
    return Sample(*distinct(counts[0], pixels.dtype))


def float_sample(
    pixels: NDArray[np.float32], mask: NDArray[np.bool_], recipe: Recipe, others: Iterable[int] = ()
) -> Sample:
    """The sample of one channel (h, w), from windows of 16 rows; ``others`` are bins that it does not need."""
    coarse = coarse_counts(1)
    windows = [slice(row, row + 16) for row in range(0, len(pixels), 16)]
    for rows in windows:
        add_coarse(coarse, pixels[None, rows], mask[rows])
    fine = FineCounter([{*recipe_bins(coarse[0], recipe), *others}], from_zero=recipe.lower is None)
    for rows in windows:
        fine.add(pixels[None, rows], mask[rows])
    return fine.sample(0, coarse[0])


def bounds(pixels: NDArray[Any], recipe: Recipe) -> tuple[float | None, float]:
    """numpy's quantiles."""
    lower = None if recipe.lower is None else float(np.quantile(pixels, recipe.lower))
    return lower, float(np.quantile(pixels, recipe.upper))


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_integers(dtype: str, method: str, recipe: Recipe) -> None:
    rng = np.random.default_rng(5)
    pixels = rng.gamma(2, 20, (211, 97)).clip(0, 250).astype(dtype)
    mask = rng.random(pixels.shape) < 0.6
    lower, upper = bounds(pixels[mask], recipe)
    found = clipped_moments(integer_sample(pixels, mask), lower, upper, method)
    mean, std = by_numpy(pixels[mask], lower or 0.0, upper, method)
    assert found.count == mask.sum()
    assert found.mean == pytest.approx(mean, rel=1e-12)
    assert found.std == pytest.approx(std, rel=1e-12)


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["counts", "signed", "narrow", "subnormal", "constant"])
def test_floats(kind: str, method: str, recipe: Recipe) -> None:
    rng = np.random.default_rng(5)
    pixels = {
        "counts": rng.poisson(0.4, (211, 97)) * rng.random((211, 97)),
        "signed": rng.normal(0.2, 0.3, (211, 97)).clip(-0.9),
        "narrow": 4000 + rng.random((211, 97)),
        "subnormal": rng.random((211, 97)) * 1e-41,
        "constant": np.full((211, 97), 3.25),
    }[kind].astype(np.float32)
    mask = rng.random(pixels.shape) < 0.6
    lower, upper = bounds(pixels[mask], recipe)
    others = [0x3F00, 0x8000, 0x8100, 0xBE00, 0xBF80, 0xC000, 0xC57A][: len(kind)]
    found = clipped_moments(float_sample(pixels, mask, recipe, others), lower, upper, method)
    mean, std = by_numpy(pixels[mask], 0.0 if lower is None else lower, upper, method)
    assert found.count == mask.sum()
    assert found.mean == pytest.approx(mean, rel=1e-9)
    assert found.std == pytest.approx(std, rel=1e-9, abs=1e-15)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 12), st.sampled_from(RECIPES), st.sampled_from(METHODS))
def test_small_samples_of_floats(seed: int, count: int, recipe: Recipe, method: str) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.choice(np.array([-0.5, -0.0, 0.0, 1e-41, 0.1, 0.1001, 2, 300], np.float32), (1, count + 1))
    lower, upper = bounds(pixels, recipe)
    found = clipped_moments(float_sample(pixels, np.ones(pixels.shape, bool), recipe), lower, upper, method)
    mean, std = by_numpy(pixels, 0.0 if lower is None else lower, upper, method)
    assert found.mean == pytest.approx(mean, rel=1e-9, abs=1e-15)
    assert found.std == pytest.approx(std, rel=1e-6, abs=1e-9)


def test_moments_merge_as_if_never_parted() -> None:
    rng = np.random.default_rng(1)
    parts = [rng.normal(1e6, 1e-2, size) for size in (1, 0, 1000, 3, 50_000)]
    whole = merged(moments_of(part, np.ones(len(part), np.int64)) for part in parts)
    everything = np.concatenate(parts)
    assert whole.count == len(everything)
    assert whole.mean == pytest.approx(everything.mean(), rel=1e-15)
    assert whole.std == pytest.approx(everything.std(), rel=1e-8)  # squares minus squared mean would give nonsense


def test_what_is_empty_or_unknown_stays_so() -> None:
    nothing = Sample(np.empty(0, np.float32), np.empty(0, np.int64))
    assert math.isnan(Moments().std)
    for method in METHODS:
        assert clipped_moments(nothing, None, 3.0, method).count == 0
        assert clipped_moments(Sample(np.array([1]), np.array([5])), None, math.nan, method).count == 0


def test_a_channel_of_zeros() -> None:
    zeros = Sample(np.array([0], np.uint8), np.array([100]))
    for method in METHODS:
        assert clipped_moments(zeros, None, 0.0, method) == Moments(100, 0.0, 0.0)


def test_specs_are_named_as_the_page_and_the_reader_do() -> None:
    assert Recipe().image_specs == ("uq_0.99", "uq_0.99_image")
    assert Recipe().global_spec == "uq_0.99_global"
    assert Recipe(0.999, 0.01).image_specs == ("uq_0.999_lq_0.01", "uq_0.999_lq_0.01_image")


@pytest.mark.parametrize(("upper", "lower"), [(0.0, None), (1.1, None), (0.9, 0.9), (0.9, -0.1), (math.nan, None)])
def test_quantiles_that_bound_nothing_are_refused(upper: float, lower: float | None) -> None:
    with pytest.raises(UsageError):
        Recipe(upper, lower)


def test_unknown_methods_are_refused() -> None:
    with pytest.raises(ValueError, match="no standardization method"):
        transform(np.ones(3), 0, 1, "zscore")
