"""Outlines: areas of polygons, edges of cells one by one, depths by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from spora_build.pixels.outline import cell_edges, innermost, polygons


def disk(size: int, radius: float) -> np.ndarray:
    rows, cols = np.mgrid[:size, :size] + 0.5
    return np.hypot(rows - size / 2, cols - size / 2) < radius


def test_polygons_enclose_the_mask() -> None:
    mask = disk(200, 70) & ~disk(200, 20)
    mask[2:20, 3:40] = True
    picture = Image.new("L", (200, 200))
    pen = ImageDraw.Draw(picture)
    for value, corners in zip((1, 0, 1), polygons(mask), strict=True):  # disk, its hole, the bar: largest first
        pen.polygon([(col - 0.5, row - 0.5) for row, col in corners], fill=value)
    drawn = np.asarray(picture, bool)
    assert (drawn & mask).sum() / (drawn | mask).sum() > 0.97


def test_a_full_mask_is_the_border() -> None:
    (corners,) = polygons(np.ones((30, 50), bool))
    assert corners.min(axis=0) == pytest.approx([0, 0], abs=0.51)
    assert corners.max(axis=0) == pytest.approx([30, 50], abs=0.51)


def test_specks_are_left_out() -> None:
    mask = np.zeros((50, 50), bool)
    mask[10, 10] = True
    assert polygons(mask) == [] and polygons(np.zeros((5, 5), bool)) == []


def test_edges_are_between_labels_and_on_cells() -> None:
    labels = np.zeros((12, 14), np.uint32)
    labels[2:8, 2:7], labels[2:8, 7:12] = 5, 9
    edges = cell_edges(labels)
    assert not edges[labels == 0].any()
    for label in (5, 9):
        area = np.count_nonzero(labels == label)
        inner = (labels == label) & ~edges
        assert inner.any() and area > inner.sum()
        for row, col in zip(*np.nonzero(inner), strict=True):  # nothing inside touches another cell or the background
            assert {labels[row, col + 1], labels[row + 1, col]} == {label}
    assert edges[2:8, 2].all() and edges[2, 2:12].all() and edges[7, 2:12].all() and edges[2:8, 6].all()


def test_the_innermost_pixel_is_deep() -> None:
    mask = disk(101, 40)
    assert innermost(mask) == (50, 50)
    assert innermost(np.ones((20, 60), bool))[0] in (9, 10)
    assert innermost(np.zeros((8, 6), bool)) == (4, 3)
