"""Means of even blocks, against sums in 64 bits."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from spora_build.pixels.area_average import area_average
from spora_build.pixels.paired_average import pairs_fit
from spora_build.pixels.spans import cover


def exact_means(pixels: NDArray[Any], rows: int, cols: int) -> NDArray[Any]:
    """Blocks of whole and cut size, by integers alone, halves to even."""
    _, height, width = pixels.shape
    down, across = np.arange(0, height, rows), np.arange(0, width, cols)
    sums = np.add.reduceat(np.add.reduceat(pixels.astype(np.int64), down, axis=1), across, axis=2)
    areas = np.minimum(rows, height - down)[:, None] * np.minimum(cols, width - across)
    whole, rest = sums // areas, sums % areas
    up = (2 * rest > areas) | ((2 * rest == areas) & (whole % 2 == 1))
    return (whole + up).astype(pixels.dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("rows", "cols"), [(2, 2), (1, 2), (3, 4), (16, 16), (128, 128), (256, 256)])
@pytest.mark.parametrize("values", ["largest", "few", "any"])
def test_means_are_exact_at_the_limits_of_every_type(dtype: type, rows: int, cols: int, values: str) -> None:
    rng = np.random.default_rng(rows)
    most = np.iinfo(dtype).max
    lowest = {"largest": most, "few": most - 1, "any": 0}[values]
    pixels = rng.integers(lowest, most, (3, 2 * rows + 1, 3 * cols + 3), dtype, endpoint=True)
    down = cover(pixels.shape[1], Fraction(rows), 0, 3)
    across = cover(pixels.shape[2], Fraction(cols), 0, -(-pixels.shape[2] // cols))
    np.testing.assert_array_equal(area_average(pixels, down, across), exact_means(pixels, rows, cols))
    flipped = pixels[:, ::-1, ::-1]
    np.testing.assert_array_equal(area_average(flipped, down, across), exact_means(flipped, rows, cols))


def test_the_order_of_bytes_does_not_matter() -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (2, 8, 8), np.uint16)
    spans = cover(8, Fraction(4), 0, 2)
    swapped = area_average(pixels.astype(">u2"), spans, spans)
    np.testing.assert_array_equal(swapped.astype(np.uint16), area_average(pixels, spans, spans))


def test_which_blocks_are_added_in_pairs() -> None:
    assert pairs_fit(np.dtype(np.uint8), 128, 128) and not pairs_fit(np.dtype(np.uint8), 129, 128)
    assert pairs_fit(np.dtype(np.uint16), 256, 2) and not pairs_fit(np.dtype(np.uint16), 2, 3)
    assert not pairs_fit(np.dtype(np.float32), 2, 2) and not pairs_fit(np.dtype(np.uint32), 2, 2)
