"""Nuclei: any tiling gives the labels of the whole, drawn nuclei are found, the kernels equal plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import ndimage

from spora_build.example.tissue import draw_multiplex, make_tissue
from spora_build.model.geometry import Size, Window
from spora_build.pixels.nuclei import NucleiSettings, find_levels, halo_px, segment, stain
from spora_build.pixels.nuclei_kernel import climb, expand
from tests.pixels.match_cells import match

SETTINGS = NucleiSettings(background_um=6, max_radius_um=6)


def whole(plane: NDArray[np.float32], mpp: float, how: NucleiSettings = SETTINGS) -> NDArray[np.uint32]:
    size = Size(*plane.shape)
    levels = find_levels([plane[None]], mpp, how)
    return segment(stain(plane[None], levels.scales, how), Window(0, 0, *plane.shape), size, mpp, how, levels)


def test_drawn_nuclei_are_found() -> None:
    tissue = make_tissue(400, 400, seed=3)
    dapi = draw_multiplex(tissue, 3)[0].astype(np.float32)
    nuclei = np.where(tissue.nuclei, tissue.labels, 0)
    made = whole(dapi, 0.5, NucleiSettings(expand_um=0))
    assert match(made, nuclei).f1 > 0.95
    cells = whole(dapi, 0.5, NucleiSettings(expand_um=2))
    assert match(cells, tissue.labels).f1 > 0.95
    assert np.array_equal(np.where(made > 0, cells, 0), made)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 150), st.integers(0, 150), st.integers(20, 90), st.integers(20, 90))
def test_a_window_with_its_margin_gives_the_labels_of_the_whole(
    seed: int, row: int, col: int, height: int, width: int
) -> None:
    mpp = 1.0
    noise = np.random.default_rng(seed).random((240, 250)).astype(np.float32)
    plane = ndimage.gaussian_filter(noise, 2.5)
    levels = find_levels([plane[None]], mpp, SETTINGS)
    seen = stain(plane[None], levels.scales, SETTINGS)
    size = Size(*plane.shape)
    all_labels = segment(seen, Window(0, 0, *plane.shape), size, mpp, SETTINGS, levels)
    assert len(np.unique(all_labels)) > 100
    halo = halo_px(SETTINGS, mpp)
    top, left = max(0, row - halo), max(0, col - halo)
    window = Window(top, left, min(240, row + height + halo) - top, min(250, col + width + halo) - left)
    part = segment(seen[window.slices].copy(), window, size, mpp, SETTINGS, levels)
    inner = part[row - top : row - top + height, col - left : col - left + width]
    assert np.array_equal(inner, all_labels[row : row + height, col : col + width])


@settings(max_examples=60, deadline=None)
@given(arrays(np.float32, (7, 9), elements=st.sampled_from([0.0, 1.0, 2.0, 3.0])), arrays(np.bool_, (7, 9)))
def test_ways_up_end_where_plain_python_says(height: NDArray[np.float32], inside: NDArray[np.bool_]) -> None:
    def up(row: int, col: int) -> tuple[int, int]:
        near = [
            (r, c)
            for r in range(max(0, row - 1), min(7, row + 2))
            for c in range(max(0, col - 1), min(9, col + 2))
            if inside[r, c]
        ]
        return max(near, key=lambda at: (height[at], (-at[0], -at[1])))

    summit = np.empty(height.shape, np.int64)
    climb(height, inside, 100, summit)
    for row, col in np.ndindex(7, 9):
        if not inside[row, col]:
            assert summit[row, col] == -1
            continue
        at = (row, col)
        while up(*at) != at:
            at = up(*at)
        assert summit[row, col] == at[0] * 9 + at[1]


def test_expansion_is_nearest_within_the_radius() -> None:
    labels = np.zeros((40, 50), np.uint32)
    rng = np.random.default_rng(5)
    labels[rng.integers(0, 40, 12), rng.integers(0, 50, 12)] = np.arange(1, 13)
    rows, cols = (axis.ravel() for axis in np.mgrid[-4:5, -4:5])
    order = np.argsort(rows**2 + cols**2, kind="stable")
    order = order[(rows[order] ** 2 + cols[order] ** 2 <= 18.0) & (rows[order] ** 2 + cols[order] ** 2 > 0)]
    grown = np.empty_like(labels)
    expand(labels, rows[order], cols[order], grown)
    distance, places = ndimage.distance_transform_edt(labels == 0, return_indices=True)
    assert np.array_equal(grown > 0, distance <= np.sqrt(18.0))
    nearest = labels[tuple(places)]
    points = {int(label): np.argwhere(labels == label) for label in np.unique(labels)[1:]}
    for row, col in np.argwhere((grown > 0) & (grown != nearest)):  # ties only
        own = np.hypot(*(points[int(grown[row, col])] - (row, col)).T).min()
        assert own == pytest.approx(distance[row, col])


def test_nothing_in_an_empty_image() -> None:
    assert not whole(np.zeros((60, 60), np.float32), 0.5).any()
