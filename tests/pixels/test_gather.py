"""Pictures gathered on the way, against the same rows averaged by numpy block by block."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from spora_build.model.geometry import Size, Window, rescaled_size
from spora_build.pixels.gather import ROWS, Gathering
from spora_build.pixels.rescale import Rescaled
from tests.store.sources import ArraySource


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("factor", [1, 2, 4, 8, 64])
@pytest.mark.parametrize(("height", "width"), [(700, 513), (257, 1100), (256, 256), (100, 70)])
def test_a_gathered_picture_is_the_average_of_the_whole(dtype: type, factor: int, height: int, width: int) -> None:
    rng = np.random.default_rng(height + factor)
    pixels = (rng.random((3, height, width)) * 250).astype(dtype)
    size = Size(height, width)
    grid = rescaled_size(size, 0.5, 0.5 * factor)
    source = ArraySource(pixels)
    gathering = Gathering(source, size, factor, grid)
    windows = [Window(row, col, 256, 512).clip(size) for row in range(0, height, 256) for col in range(0, width, 512)]
    rng.shuffle(windows)  # type: ignore[arg-type]
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(lambda window: gathering.read([2, 0], window), windows))
    for window, part in zip(windows, read, strict=True):
        np.testing.assert_array_equal(part, pixels[(slice(None), *window.slices)][[2, 0]])
    assert gathering.picture is not None and gathering.picture.dtype == dtype
    every = factor // ROWS or 1
    for row, col in rng.integers(0, (grid.height, grid.width), (200, 2)):
        block = pixels[[2, 0], row * factor : (row + 1) * factor : every, col * factor : (col + 1) * factor]
        assert block.shape[1] <= ROWS
        mean = block.mean(axis=(1, 2), dtype=np.float64)
        if np.issubdtype(dtype, np.integer):
            np.testing.assert_array_equal(gathering.picture[:, row, col], np.rint(mean))
        else:
            np.testing.assert_allclose(gathering.picture[:, row, col], mean, rtol=1e-6)


@pytest.mark.parametrize("factor", [2, 4])
def test_low_blocks_are_averaged_whole(factor: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 60000, (2, 300, 517), np.uint16)
    size, source = Size(300, 517), ArraySource(pixels)
    grid = rescaled_size(size, 0.5, 0.5 * factor)
    gathering = Gathering(source, size, factor, grid)
    gathering.read([0, 1], Window(0, 0, 300, 517))
    whole = Rescaled(source, size, float(factor), grid).read([0, 1], Window(0, 0, grid.height, grid.width))
    assert gathering.picture is not None and gathering.picture.tobytes() == whole.tobytes()


def test_what_was_not_read_is_zero() -> None:
    pixels = np.ones((1, 512, 512), np.uint8)
    gathering = Gathering(ArraySource(pixels), Size(512, 512), 4, Size(128, 128))
    assert gathering.picture is None
    gathering.read([0], Window(256, 0, 256, 256))
    assert gathering.picture is not None
    assert gathering.picture[0, 64:, :64].all() and gathering.picture.sum() == 64 * 64


def test_blocks_are_never_cut() -> None:
    gathering = Gathering(ArraySource(np.ones((1, 512, 512), np.uint8)), Size(512, 512), 8, Size(64, 64))
    with pytest.raises(ValueError, match="blocks of 8"):
        gathering.read([0], Window(4, 0, 100, 100))
