"""Pieces and numbers of cells against skimage.measure."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from skimage.measure import label, regionprops

from spora_build.model.geometry import Size
from spora_build.pixels.nearest import nearest_of_bands, nearest_places, of_height
from spora_build.pixels.numbering import number_cells

SHAPES = st.tuples(st.integers(1, 18), st.integers(1, 15))
MASKS = SHAPES.flatmap(
    lambda shape: arrays(np.uint32, shape, elements=st.sampled_from([0, 0, 1, 1, 2, 7, 4_000_000_000]))
)


def in_bands(mask: NDArray[np.uint32], rows: int) -> list[NDArray[np.uint32]]:
    return [mask[row : row + rows] for row in range(0, len(mask), rows)]


@settings(max_examples=150, deadline=None)
@given(MASKS, st.integers(1, 20))
def test_cells_are_those_of_regionprops(mask: NDArray[np.uint32], rows: int) -> None:
    cells = number_cells(in_bands(mask, rows), mask.shape[1])
    assert cells.original.tolist() == [value for value in np.unique(mask).tolist() if value]
    renumbered = np.concatenate(list(cells.bands(in_bands(mask, rows), mask.shape[1])))
    assert renumbered.dtype == np.uint16
    assert np.array_equal(np.r_[0, cells.original][renumbered], mask)
    props = regionprops(renumbered)
    assert cells.pixels.tolist() == [prop.area for prop in props]
    assert np.allclose(np.c_[cells.centroid_row, cells.centroid_col].ravel(), [c for p in props for c in p.centroid])
    pieces = [label(renumbered == cell, connectivity=2).max() for cell in range(1, len(cells) + 1)]
    assert cells.pieces.tolist() == pieces


@settings(max_examples=150, deadline=None)
@given(MASKS, st.integers(1, 20))
def test_split_cells_are_those_of_label(mask: NDArray[np.uint32], rows: int) -> None:
    cells = number_cells(in_bands(mask, rows), mask.shape[1], split=True)
    made = np.concatenate(list(cells.bands(in_bands(mask, rows), mask.shape[1])))
    # skimage numbers by the first pixel of a scan by rows too, but joins what it met in its own order
    expected = label(mask, background=0, connectivity=2)
    assert np.array_equal(made > 0, expected > 0)
    pairs = {(int(a), int(b)) for a, b in zip(made.ravel(), expected.ravel(), strict=True)}
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
    first = [int(np.flatnonzero(made.ravel() == cell)[0]) for cell in range(1, len(cells) + 1)]
    assert first == sorted(first)
    assert np.array_equal(np.r_[0, cells.original][made], mask)


def test_more_cells_than_a_uint16_holds() -> None:
    mask = np.arange(1, 70_001, dtype=np.uint32).reshape(280, 250)
    cells = number_cells(in_bands(mask, 7), 250)
    assert len(cells) == 70_000
    assert cells.is_original
    assert next(iter(cells.bands([mask], 250))).dtype == np.uint32


def test_room_grows_with_pieces() -> None:
    mask = np.zeros((600, 300), np.uint32)
    mask[::2, ::2] = 5
    cells = number_cells(in_bands(mask, 64), 300)
    assert cells.pieces.tolist() == [300 * 150]
    assert cells.pixels.tolist() == [300 * 150]


def test_spiral_is_one_piece() -> None:
    mask = np.zeros((41, 41), np.uint32)
    for ring in range(0, 20, 2):
        mask[ring, ring : 41 - ring] = mask[40 - ring, ring : 41 - ring] = 3
        mask[ring : 41 - ring, ring] = mask[ring : 41 - ring, 40 - ring] = 3
        if ring:
            mask[ring, ring - 1] = 3
    assert number_cells(in_bands(mask, 5), 41).pieces.tolist() == [label(mask, connectivity=2).max()]


@settings(max_examples=100, deadline=None)
@given(
    st.tuples(st.integers(1, 30), st.integers(1, 30)),
    st.tuples(st.integers(1, 30), st.integers(1, 30)),
    st.floats(0.2, 5),
    st.integers(1, 9),
    st.integers(1, 9),
)
def test_nearest_of_bands_is_nearest(
    source: tuple[int, int], out: tuple[int, int], scale: float, rows: int, again: int
) -> None:
    image = np.arange(source[0] * source[1], dtype=np.uint32).reshape(source)
    made = list(of_height(nearest_of_bands(in_bands(image, rows), Size(*source), scale, Size(*out)), again))
    assert all(len(band) == again for band in made[:-1])
    expected = image[nearest_places(out[0], scale, source[0])[:, None], nearest_places(out[1], scale, source[1])]
    assert np.array_equal(np.concatenate(made), expected)


@pytest.mark.parametrize("scale", [2.0, 0.5, 1 / 3, 0.37744, 2.65])
def test_up_and_down_again_loses_nothing(scale: float) -> None:
    mask = np.random.default_rng(0).integers(0, 50, (40, 30)).astype(np.uint32)
    fine = min(scale, 1 / scale)
    large = Size(round(40 / fine), round(30 / fine))
    up = list(nearest_of_bands([mask], Size(40, 30), fine, large))
    down = np.concatenate(list(nearest_of_bands(up, large, 1 / fine, Size(40, 30))))
    assert np.array_equal(down, mask)
