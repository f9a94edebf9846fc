"""Composites by hand."""

from __future__ import annotations

import numpy as np
import pytest

from spora_build.pixels.composite import composite, contrast


def test_one_plane_is_its_colour() -> None:
    picture = composite(np.array([[[0, 10, 20, 30]]], np.uint16), [(10, 20)], [(200, 100, 0)])
    assert picture.tolist() == [[[0, 0, 0], [0, 0, 0], [200, 100, 0], [200, 100, 0]]]


def test_light_is_screened() -> None:
    picture = composite(np.full((2, 1, 1), 1, np.float32), [(0, 1), (0, 2)], [(255, 0, 128), (0, 0, 128)])
    blue = 255 * (1 - (1 - 128 / 255) * (1 - 64 / 255))
    assert picture[0, 0].tolist() == [255, 0, round(blue)]


def test_contrast_is_the_quantiles_of_the_tissue() -> None:
    rng = np.random.default_rng(0)
    plane, mask = rng.poisson(30, (40, 40)), rng.random((40, 40)) < 0.5
    plane[~mask] = 60_000
    assert contrast(plane, mask) == pytest.approx(np.quantile(plane[mask], [0.05, 0.995]).tolist())
    assert contrast(plane, np.zeros_like(mask))[1] == 60_000


def test_noise_stays_dark_below_the_floor() -> None:
    assert contrast(np.array([[0, 1, 2]]), np.ones((1, 3), bool), floor=90.0)[1] == 90


def test_a_constant_plane_is_no_division_by_zero() -> None:
    assert composite(np.zeros((1, 2, 2), np.uint8), [(0.0, 0.0)], [(255, 255, 255)]).max() == 0


def test_nan_and_infinity_are_no_trouble() -> None:
    plane = np.array([[np.nan, 0, 5, 10, np.inf]], np.float32)
    assert contrast(plane, np.ones(plane.shape, bool))[1] == pytest.approx(9.95)
    assert contrast(np.full((1, 2), np.nan), np.ones((1, 2), bool), floor=3.0) == (0, 3)
    picture = composite(plane[None], [(0, 10)], [(255, 255, 255)])
    assert picture[0, :, 0].tolist() == [0, 0, 128, 255, 255]
