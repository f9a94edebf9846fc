"""Area averaging against exact fractions, scikit-image, and itself in pieces."""

from __future__ import annotations

import math
import pickle
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.transform import downscale_local_mean

from spora_build.model.geometry import Size, Window, rescaled_size
from spora_build.pixels import rescale
from spora_build.pixels.rescale import Rescaled
from spora_build.pixels.spans import exact_scale


@dataclass
class ArraySource:
    """An array as a source that remembers what was asked of it."""

    pixels: NDArray[Any]
    block: Size = field(default_factory=lambda: Size(4, 4))
    asked: list[Window] = field(default_factory=list)

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        assert window.row_stop <= self.pixels.shape[1] and window.col_stop <= self.pixels.shape[2]
        self.asked.append(window)
        return self.pixels[list(channels)][(slice(None), *window.slices)]


def rescaled(pixels: NDArray[Any], scale: float, size: Size | None = None) -> Rescaled:
    source_size = Size(*pixels.shape[1:])
    return Rescaled(ArraySource(pixels), source_size, scale, size or rescaled_size(source_size, 1.0, scale))


def whole(view: Rescaled, channels: Sequence[int] = (0,)) -> NDArray[Any]:
    return view.read(channels, Window(0, 0, view.size.height, view.size.width))


def exact_overlaps(length: int, scale: Fraction, index: int) -> list[tuple[int, Fraction]]:
    """Source pixels under one output pixel by brute force over all of them."""
    begin, end = index * scale, (index + 1) * scale
    shares = [(at, min(end, Fraction(at + 1)) - max(begin, Fraction(at))) for at in range(length)]
    return [(at, share) for at, share in shares if share > 0]


def exact_mean(plane: NDArray[Any], scale: Fraction, row: int, col: int) -> Fraction:
    """Mean of the area under output pixel (row, col), without rounding."""
    rows, cols = exact_overlaps(plane.shape[0], scale, row), exact_overlaps(plane.shape[1], scale, col)
    total = sum((Fraction(plane[y, x].item()) * a * b for y, a in rows for x, b in cols), Fraction(0))
    return total / (sum(a for _, a in rows) * sum(b for _, b in cols))


SCALES = st.one_of(
    st.sampled_from([1.0, 2.0, 1.5, 2.5, 0.6 / 0.2, 1 / 0.37744, 1 / 0.325, 0.5 / 0.499, 7.0]),
    st.floats(1.0, 6.0),
    st.floats(0.3, 1.0),
)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), SCALES, st.sampled_from(["u1", "u2", "i1", "i2"]), st.randoms())
def test_integers_are_the_exact_mean_rounded_half_to_even(
    height: int, width: int, scale: float, dtype: str, random: Any
) -> None:
    info = np.iinfo(dtype)
    values = [random.choice([info.min, info.max, random.randint(info.min, info.max)]) for _ in range(height * width)]
    pixels = np.array(values, dtype).reshape(1, height, width)
    view = rescaled(pixels, scale)
    result = whole(view)
    assert result.dtype == dtype
    # both steps shown to be exact: the ratio as the fraction nearby, the mean as python rounds fractions
    ratio = exact_scale(scale)
    assert abs(ratio - Fraction(scale)) < Fraction(1, 10**13)
    for row in range(view.size.height):
        for col in range(view.size.width):
            mean = exact_mean(pixels[0], ratio, row, col)
            if ratio.denominator <= 100_000:
                assert result[0, row, col] == round(mean)
            else:
                assert abs(Fraction(int(result[0, row, col])) - mean) <= Fraction(1, 2) + Fraction(1, 10**6)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), SCALES, st.integers(0, 2**32 - 1))
def test_floats_are_the_exact_mean(height: int, width: int, scale: float, seed: int) -> None:
    pixels = np.random.default_rng(seed).lognormal(3, 2, (1, height, width)).astype(np.float32)
    view = rescaled(pixels, scale)
    result = whole(view)
    assert result.dtype == np.float32
    for row in range(view.size.height):
        for col in range(view.size.width):
            mean = float(exact_mean(pixels[0], exact_scale(scale), row, col))
            assert result[0, row, col] == pytest.approx(mean, rel=1e-7)


@pytest.mark.parametrize("ratio", [2, 3, 4, 7])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint16])
def test_whole_ratios_equal_scikit_image(ratio: int, dtype: type) -> None:
    pixels: NDArray[Any] = np.random.default_rng(ratio).integers(0, 65536, (2, 12 * ratio, 9 * ratio)).astype(dtype)
    local_mean: Any = downscale_local_mean
    expected = np.stack([local_mean(plane.astype(np.float64), (ratio, ratio)) for plane in pixels])
    result = whole(rescaled(pixels, float(ratio)), (0, 1))
    if dtype is np.uint16:
        np.testing.assert_array_equal(result, np.rint(expected).astype(np.uint16))
    else:
        np.testing.assert_allclose(result, expected, rtol=1e-6)


def test_ties_go_to_the_even_neighbour() -> None:
    pixels = np.array([[[0, 1, 1, 2, 254, 255], [0, 1, 1, 2, 254, 255]]], np.uint8)
    assert whole(rescaled(pixels, 2.0)).tolist() == [[[0, 2, 254]]]
    negative = np.array([[[-1, 0, -1, -2], [-1, 0, -1, -2]]], np.int8)
    assert whole(rescaled(negative, 2.0)).tolist() == [[[0, -2]]]


def test_a_ratio_of_two_decimals_is_what_it_looks_like() -> None:
    assert 0.6 / 0.2 != 3
    assert exact_scale(0.6 / 0.2) == 3
    assert exact_scale(1.0 / 0.37744) == Fraction(100_000, 37_744)
    pixels = np.array([[[np.nan, 1, 1, 5, 5, 5]] * 3], np.float32)
    result = whole(rescaled(pixels, 0.6 / 0.2))
    assert np.isnan(result[0, 0, 0]) and result[0, 0, 1] == 5  # no hair of a neighbour


def test_the_last_pixel_averages_only_what_is_inside() -> None:
    pixels = np.arange(1, 8, dtype=np.float32).reshape(1, 1, 7)
    assert whole(rescaled(pixels, 2.0, Size(1, 4))).tolist() == [[[1.5, 3.5, 5.5, 7.0]]]


@pytest.mark.parametrize("scale", [1.0, 2.0, 1 / 0.37744])
def test_one_row_and_column_more_repeat_the_edge_and_fewer_are_cropped(scale: float) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (1, 40, 50)).astype(np.uint8)
    covered = Size(math.ceil(40 / exact_scale(scale)), math.ceil(50 / exact_scale(scale)))
    plain = whole(rescaled(pixels, scale, covered))
    more = whole(rescaled(pixels, scale, Size(covered.height + 1, covered.width + 1)))
    np.testing.assert_array_equal(more, np.pad(plain, ((0, 0), (0, 1), (0, 1)), mode="edge"))
    fewer = whole(rescaled(pixels, scale, Size(covered.height - 1, covered.width - 1)))
    np.testing.assert_array_equal(fewer, plain[:, :-1, :-1])


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_windows_and_pieces_change_no_bit(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from([np.uint16, np.float32]))
    pixels = np.random.default_rng(7).lognormal(5, 2, (3, 61, 47)).clip(0, 60000).astype(dtype)
    scale = data.draw(SCALES)
    view = rescaled(pixels, scale)
    expected = whole(view, (2, 0))
    row, col = data.draw(st.integers(0, view.size.height - 1)), data.draw(st.integers(0, view.size.width - 1))
    window = Window(
        row, col, data.draw(st.integers(1, view.size.height - row)), data.draw(st.integers(1, view.size.width - col))
    )
    piece_bytes = rescale.PIECE_BYTES
    try:
        rescale.PIECE_BYTES = data.draw(st.integers(1, 20_000))
        result = view.read((2, 0), window)
    finally:
        rescale.PIECE_BYTES = piece_bytes
    np.testing.assert_array_equal(result, expected[(slice(None), *window.slices)])


@pytest.mark.parametrize("scale", [1 / 0.37744, 2.0, 16.0])
def test_a_read_is_done_in_bounded_pieces_and_reads_each_row_once(
    monkeypatch: pytest.MonkeyPatch, scale: float
) -> None:
    pixels = np.random.default_rng(1).integers(0, 9999, (1, 900, 300)).astype(np.uint16)
    view = rescaled(pixels, scale)
    expected = whole(view)
    source = view.source
    assert isinstance(source, ArraySource)
    source.asked.clear()
    monkeypatch.setattr(rescale, "PIECE_BYTES", 300 * 4 * 64)
    np.testing.assert_array_equal(whole(view), expected)
    assert len(source.asked) > 10
    assert max(window.height for window in source.asked) <= 64
    assert sum(window.height for window in source.asked) <= 900
    assert all(window.row_stop % 4 == 0 or window.row_stop == source.asked[-1].row_stop for window in source.asked)


def test_columns_are_split_where_a_band_of_all_of_them_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.random.default_rng(2).integers(0, 9999, (2, 40, 3000)).astype(np.uint16)
    view = rescaled(pixels, 2.5)
    expected = whole(view, (0, 1))
    monkeypatch.setattr(rescale, "PIECE_BYTES", 32_000)
    source = view.source
    assert isinstance(source, ArraySource)
    source.asked.clear()
    np.testing.assert_array_equal(whole(view, (0, 1)), expected)
    assert max(2 * 4 * window.height * window.width for window in source.asked) <= 33_000


def test_only_the_window_asked_for_is_read() -> None:
    view = rescaled(np.zeros((1, 100, 100), np.uint8), 4.0)
    view.read((0,), Window(5, 10, 2, 3))
    assert isinstance(view.source, ArraySource)
    assert view.source.asked == [Window(20, 40, 8, 12)]


def test_strides_and_byte_counts_of_all_kinds() -> None:
    interleaved = np.random.default_rng(5).integers(0, 256, (31, 41, 3)).astype(np.uint8)
    planar = np.ascontiguousarray(np.moveaxis(interleaved, -1, 0))
    np.testing.assert_array_equal(
        whole(rescaled(np.moveaxis(interleaved, -1, 0), 2.5), (0, 1, 2)), whole(rescaled(planar, 2.5), (0, 1, 2))
    )
    half = planar.astype(np.float16)
    assert whole(rescaled(half, 2.0)).dtype == np.float16
    np.testing.assert_allclose(whole(rescaled(half, 2.0)), whole(rescaled(planar.astype(np.float32), 2.0)), atol=0.1)
    with pytest.raises(TypeError):
        whole(rescaled(np.zeros((1, 4, 4), bool), 2.0))


def test_nan_spoils_what_covers_it_and_nothing_else() -> None:
    pixels = np.ones((1, 9, 9), np.float32)
    pixels[0, 4, 4] = np.nan
    result = whole(rescaled(pixels, 3.0))
    assert np.argwhere(np.isnan(result[0])).tolist() == [[1, 1]]


def test_enlarging_by_a_whole_number_repeats_pixels() -> None:
    pixels = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    np.testing.assert_array_equal(whole(rescaled(pixels, 0.5)), pixels.repeat(2, axis=1).repeat(2, axis=2))


def test_the_block_is_that_of_the_source_in_output_pixels() -> None:
    source = ArraySource(np.zeros((1, 1024, 1024), np.uint8), block=Size(256, 512))
    view = Rescaled(source, Size(1024, 1024), 2.5, Size(410, 410))
    assert view.block == Size(103, 205)
    assert Rescaled(source, Size(1024, 1024), 2.5, Size(410, 410), Size(9999, 100)).block == Size(410, 40)


def test_threads_may_share_a_view_and_a_copy_travels() -> None:
    pixels = np.random.default_rng(9).integers(0, 65536, (1, 300, 300)).astype(np.uint16)
    view = rescaled(pixels, 1 / 0.377)
    expected = whole(view)
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda row: view.read((0,), Window(row, 0, 1, view.size.width)), range(view.size.height)))
    np.testing.assert_array_equal(np.concatenate(rows, axis=1), expected)
    np.testing.assert_array_equal(whole(pickle.loads(pickle.dumps(view))), expected)


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="scale"):
        rescaled(np.zeros((1, 4, 4), np.uint8), -1.0, Size(1, 1))
    with pytest.raises(ValueError, match="not inside"):
        rescaled(np.zeros((1, 4, 4), np.uint8), 2.0).read((0,), Window(0, 0, 3, 1))


def test_a_read_only_installation_compiles_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba

    from spora_build.pixels.area_kernel import compiled

    njit = numba.njit

    def nowhere_to_write(*, cache: bool = False, **options: Any) -> Any:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return njit(**options)

    monkeypatch.setattr(numba, "njit", nowhere_to_write)
    assert compiled(_double)(21) == 42


def _double(value: int) -> int:
    return value * 2
