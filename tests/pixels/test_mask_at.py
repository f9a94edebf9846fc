"""One mask at many pixel sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from spora_build.model.geometry import Size, Window, rescaled_size
from spora_build.pixels.mask_at import mask_bands, nearest_bands, soften
from tests.pixels.drawn_tissue import blob, overlap


def mask_at(tissue: NDArray[np.bool_], working_mpp: float, size: Size, mpp: float) -> NDArray[np.bool_]:
    """All bands of a mask at another pixel size."""
    return np.concatenate(list(mask_bands(soften(tissue), working_mpp, size, mpp)))


class Plane:
    """An array as a source that counts the rows asked for."""

    def __init__(self, pixels: NDArray[Any]) -> None:
        self.pixels = pixels
        self.tallest = 0

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        self.tallest = max(self.tallest, window.height)
        return self.pixels[list(channels)][(slice(None), *window.slices)]


def nearest(mask: NDArray[Any], scale: float, size: Size, rows: int | None = None) -> NDArray[np.bool_]:
    planes = mask if mask.ndim == 3 else mask[None]
    return np.concatenate(
        list(nearest_bands(Plane(planes), range(len(planes)), Size(*planes.shape[1:]), scale, size, rows))
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.floats(0.1, 3.0), st.integers(0, 99))
def test_it_is_linear_interpolation_of_the_smoothed_mask(height: int, width: int, ratio: float, seed: int) -> None:
    tissue = ndimage.gaussian_filter(np.random.default_rng(seed).random((height, width)), 1.5) > 0.5
    size = rescaled_size(Size(height, width), 1.0, ratio)
    soft = ndimage.gaussian_filter(tissue.astype(np.float64), 1.0, mode="nearest")
    places = np.meshgrid(
        (np.arange(size.height) + 0.5) * ratio - 0.5, (np.arange(size.width) + 0.5) * ratio - 0.5, indexing="ij"
    )
    expected = ndimage.map_coordinates(soft, places, order=1, mode="nearest")
    found = mask_at(tissue, 4.0, size, 4.0 * ratio)
    clear = np.abs(expected - 0.5) > 1e-5
    np.testing.assert_array_equal(found[clear], (expected > 0.5)[clear])


def test_all_pixel_sizes_agree() -> None:
    tissue = blob(200, 250, reach=0.4, seed=1)
    fine = mask_at(tissue, 4.0, Size(3200, 4000), 0.25)
    truth = blob(3200, 4000, reach=0.4, seed=1)
    assert overlap(fine, truth) > 0.985
    for mpp in (0.5, 0.377, 1.0, 4.0, 7.3):
        size = rescaled_size(Size(3200, 4000), 0.25, mpp)
        mask = mask_at(tissue, 4.0, size, mpp)
        # the finest mask at the same places says the same, but for the pixels that the outline crosses
        rows = ((np.arange(size.height) + 0.5) * mpp / 0.25).astype(int).clip(0, 3199)
        cols = ((np.arange(size.width) + 0.5) * mpp / 0.25).astype(int).clip(0, 3999)
        assert (fine[np.ix_(rows, cols)] != mask).mean() < 2e-4 + 1e-3 * mpp
        assert mask.mean() == pytest.approx(fine.mean(), rel=0.01)


def test_a_whole_field_stays_whole_and_an_empty_one_empty() -> None:
    for value in (True, False):
        mask = np.full((15, 20), value)
        for mpp in (0.25, 1.0, 3.0, 40.0):
            assert (mask_at(mask, 1.0, rescaled_size(Size(15, 20), 1.0, mpp), mpp) == value).all()


def test_bands_change_nothing() -> None:
    tissue = blob(60, 70)
    whole = mask_at(tissue, 4.0, Size(480, 560), 0.5)
    for rows in (1, 7, 480, 1000):
        bands = list(mask_bands(soften(tissue), 4.0, Size(480, 560), 0.5, rows))
        assert all(len(band) <= rows for band in bands)
        np.testing.assert_array_equal(np.concatenate(bands), whole)


def test_bands_of_a_large_mask_are_small() -> None:
    bands = mask_bands(soften(blob(600, 600)), 25.0, Size(60_000, 60_000), 0.25)
    first = next(bands)
    assert first.nbytes <= 8 << 20
    assert first.shape[1] == 60_000


def test_a_persons_mask_is_sampled_at_pixel_centres() -> None:
    mask = np.array([[0, 1, 0, 0], [0, 0, 255, 0]], np.uint8)
    assert nearest(mask, 1.0, Size(2, 4)).tolist() == (mask > 0).tolist()
    np.testing.assert_array_equal(nearest(mask, 0.5, Size(4, 8)), (mask > 0).repeat(2, 0).repeat(2, 1))
    # a centre that falls on a line takes the pixel after it: rows 0–1 → row 1, columns 0–1 → 1, 2–3 → 3
    assert nearest(mask, 2.0, Size(1, 2)).tolist() == [[False, False]]
    third = np.arange(9).reshape(3, 3)
    assert nearest(third, 3.0, Size(1, 1)).tolist() == [[True]]  # the middle one, 4


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.2, 5.0), st.integers(1, 9))
def test_a_persons_mask_in_bands(height: int, width: int, scale: float, rows: int) -> None:
    mask = np.random.default_rng(0).integers(0, 2, (height, width)).astype(np.int32)
    size = rescaled_size(Size(height, width), 1.0, scale)
    found = nearest(mask, scale, size, rows)
    np.testing.assert_array_equal(found, nearest(mask, scale, size))
    for row in range(size.height):
        for col in range(size.width):
            y, x = (row + 0.5) * scale, (col + 0.5) * scale
            if min(abs(y - round(y)), abs(x - round(x))) > 1e-6:
                assert found[row, col] == (mask[min(int(y), height - 1), min(int(x), width - 1)] != 0)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "int64", "float32"])
def test_any_number_but_zero_is_tissue(dtype: str) -> None:
    mask = np.array([[0, 1], [1, 0]]).astype(dtype)
    assert nearest(mask, 1.0, Size(2, 2)).tolist() == [[False, True], [True, False]]


def test_not_a_number_is_no_tissue_and_any_colour_is() -> None:
    assert nearest(np.array([[np.nan, 2.0, -1.0]]), 1.0, Size(1, 3)).tolist() == [[False, True, True]]
    rgb = np.zeros((3, 1, 3), np.uint8)
    rgb[1, 0, 2] = 255
    assert nearest(rgb, 1.0, Size(1, 3)).tolist() == [[False, False, True]]


def test_a_persons_mask_is_read_in_bands() -> None:
    source = Plane(np.ones((1, 4000, 3000), np.uint8))
    for _ in nearest_bands(source, (0,), Size(4000, 3000), 0.25, Size(16_000, 12_000)):
        pass
    assert source.tallest < 800
