"""Polygons as labels, against matplotlib-free geometry: the centre of a pixel is inside or not."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.measure import points_in_poly

from spora_build.model.geometry import Size
from spora_build.pixels.rasterise import LabelledShape, label_bands

SIZE = Size(23, 31)
RINGS = st.lists(st.tuples(st.floats(-4, 34), st.floats(-4, 27)), min_size=3, max_size=8)


def centres() -> NDArray[np.float64]:
    rows, cols = np.mgrid[: SIZE.height, : SIZE.width] + 0.5
    return np.c_[cols.ravel(), rows.ravel()]


def draw(shapes: list[LabelledShape], rows: int) -> NDArray[np.uint32]:
    return np.concatenate(list(label_bands(shapes, SIZE, rows)))


def near_an_edge(ring: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Centres that rounding may put on either side."""
    points, near = centres(), np.zeros(SIZE.height * SIZE.width, bool)
    for a, b in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        along = b - a
        t = np.clip(((points - a) @ along) / max(float(along @ along), 1e-30), 0, 1)
        near |= np.hypot(*(points - a - t[:, None] * along).T) < 1e-6
    return near


@settings(max_examples=120, deadline=None)
@given(RINGS, st.integers(1, 25))
def test_a_pixel_is_inside_where_its_centre_is(points: list[tuple[float, float]], rows: int) -> None:
    ring = np.array(points)
    expected = points_in_poly(centres(), ring)
    made = draw([LabelledShape(7, ((ring,),))], rows).ravel() == 7
    assert not ((made != expected) & ~near_an_edge(ring)).any()


def test_holes_parts_and_overlaps() -> None:
    def square(left: float, top: float, side: float) -> NDArray[np.float64]:
        return np.array([[left, top], [left + side, top], [left + side, top + side], [left, top + side]])

    shapes = [
        LabelledShape(1, ((square(0, 0, 10), square(2, 2, 4)), (square(20, 20, 40),))),
        LabelledShape(5, ((square(8, 8, 4),),)),
    ]
    expected = np.zeros((SIZE.height, SIZE.width), np.uint32)
    expected[:10, :10] = 1
    expected[2:6, 2:6] = 0
    expected[20:, 20:] = 1
    expected[8:12, 8:12] = 5
    for rows in (1, 4, 23):
        assert np.array_equal(draw(shapes, rows), expected)
