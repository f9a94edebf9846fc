"""Summaries of counted pixels against numpy on the pixels themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from spora_build.pixels.channel_summary import BINS, coarse_sample, summarize
from spora_build.pixels.histogram import add_coarse, coarse_counts


@settings(max_examples=60, deadline=None)
@given(arrays.arrays(np.uint16, st.integers(1, 300), elements=st.integers(0, 5000)))
def test_numbers_are_numpys(pixels: np.ndarray) -> None:
    found = summarize(*np.unique(pixels, return_counts=True))
    assert [found.low, found.median, found.high] == pytest.approx(np.quantile(pixels, [0.01, 0.5, 0.99]).tolist())
    assert (found.minimum, found.maximum) == (pixels.min(), pixels.max())
    assert found.zero_share == pytest.approx(np.mean(pixels == 0))
    assert found.is_empty == (len(set(pixels.tolist())) == 1)
    assert found.pixel_count == pixels.size


@settings(max_examples=60, deadline=None)
@given(arrays.arrays(np.uint16, st.integers(2, 300), elements=st.integers(0, 5000)))
def test_bars_are_numpys_histogram(pixels: np.ndarray) -> None:
    found = summarize(*np.unique(pixels, return_counts=True))
    inside = np.minimum(pixels.astype(float), found.stop)  # what lies beyond is in the last bar
    wanted, edges = np.histogram(inside, BINS, (found.start, found.stop))
    difference = np.abs(np.array(found.bars) - wanted)
    on_edge = np.isclose(pixels[:, None], edges[None, 1:-1], rtol=1e-12, atol=1e-9).any(axis=1).sum()
    assert sum(found.bars) == pixels.size
    assert difference.sum() <= 2 * on_edge  # an edge's neighbour may claim it, by rounding


def test_the_histogram_shows_the_clip() -> None:
    values, counts = np.unique(np.arange(100, dtype=np.uint16), return_counts=True)
    assert summarize(values, counts, clip=500.0).stop == pytest.approx(550)
    assert summarize(values, counts, clip=np.nan).stop < 100


@pytest.mark.parametrize(("top", "share"), [(255, 0.25), (4095, 0.25), (65535, 0.25), (4000, 0.0), (256, 0.0)])
def test_only_the_end_of_a_range_is_a_ceiling(top: int, share: float) -> None:
    values, counts = np.unique(np.array([0, 3, 7, top], np.uint16), return_counts=True)
    assert summarize(values, counts).top_share == share


def test_floats_have_no_ceiling() -> None:
    assert summarize(np.array([0, 255], np.float32), np.array([1, 9])).top_share == 0


def test_nothing_counted() -> None:
    found = summarize(np.empty(0, np.uint16), np.empty(0, np.int64))
    assert found.is_empty and np.isnan(found.median) and sum(found.bars) == 0


@settings(max_examples=40, deadline=None)
@given(arrays.arrays(np.float32, st.integers(1, 200), elements=st.floats(-1e4, 1e4, width=32, allow_subnormal=False)))
def test_coarse_samples_are_within_half_a_per_cent(pixels: np.ndarray) -> None:
    coarse = coarse_counts(1)
    add_coarse(coarse, pixels.reshape(1, 1, -1), np.ones((1, pixels.size), bool))
    values, counts = coarse_sample(coarse[0])
    expanded = np.repeat(values, counts)
    assert np.all(np.abs(expanded - np.sort(pixels)) <= 0.004 * np.abs(np.sort(pixels)))


def test_nan_and_infinity_are_left_out() -> None:
    pixels = np.array([[[1, 2, np.nan, np.inf, 3]]], np.float32)
    coarse = coarse_counts(1)
    add_coarse(coarse, pixels, np.ones((1, 5), bool))
    assert summarize(*coarse_sample(coarse[0])).pixel_count == 3
