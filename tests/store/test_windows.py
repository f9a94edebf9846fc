"""The plan of windows covers every pixel once, fits its memory and decodes blocks no more often than it must."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spora_build.model.geometry import Size
from spora_build.store.windows import CHUNK_PX, Region, plan_regions, shard_factor

sides = st.integers(1, 40_000)


def touched(regions: list[Region], block: Size, size: Size) -> float:
    """How often a block is decoded, on average."""
    count = sum(
        (-(-w.row_stop // block.height) - w.row // block.height)
        * (-(-w.col_stop // block.width) - w.col // block.width)
        for region in regions
        for w in region.windows()
    )
    return count / (math.ceil(size.height / block.height) * math.ceil(size.width / block.width))


@settings(max_examples=150, deadline=None)
@given(height=sides, width=sides, block_height=st.integers(1, 5000), block_width=st.integers(1, 50_000), data=st.data())
def test_every_pixel_is_in_one_window(
    height: int, width: int, block_height: int, block_width: int, data: st.DataObject
) -> None:
    size = Size(height, width)
    factor = shard_factor(size)
    pixel_bytes = data.draw(st.integers(1, 800))
    regions = plan_regions(size, factor, pixel_bytes, Size(block_height, block_width))
    area = 0
    corners = set()
    for region in regions:
        assert region.bounds.row % (factor * CHUNK_PX) == region.bounds.col % (factor * CHUNK_PX) == 0
        assert region.bounds.row_stop % (factor * CHUNK_PX) == 0 or region.bounds.row_stop == height
        assert region.bounds.col_stop % (factor * CHUNK_PX) == 0 or region.bounds.col_stop == width
        for window in region.windows():
            assert window.row % CHUNK_PX == window.col % CHUNK_PX == 0
            assert window.row_stop % CHUNK_PX == 0 or window.row_stop == height
            assert window.col_stop % CHUNK_PX == 0 or window.col_stop == width
            assert region.bounds.row <= window.row < window.row_stop <= region.bounds.row_stop
            assert region.bounds.col <= window.col < window.col_stop <= region.bounds.col_stop
            if block_width < width:
                assert window.height * window.width <= max(1024**2, 32 * 2**20 // pixel_bytes)
            area += window.height * window.width
            corners.add((window.row, window.col))
    assert area == height * width
    assert len(corners) == sum(1 for region in regions for _ in region.windows())


@pytest.mark.parametrize("factor_size", [Size(4096, 4096), Size(12_000, 12_000), Size(17_000, 15_500)])
@pytest.mark.parametrize("block", [Size(256, 256), Size(512, 512), Size(128, 256), Size(1024, 1024), Size(16, 20_000)])
@pytest.mark.parametrize("pixel_bytes", [3, 116])
def test_usual_blocks_are_decoded_once(factor_size: Size, block: Size, pixel_bytes: int) -> None:
    regions = plan_regions(factor_size, shard_factor(factor_size), pixel_bytes, block)
    assert touched(regions, block, factor_size) == 1.0


@pytest.mark.parametrize(("block", "most"), [(Size(240, 240), 1.16), (Size(300, 200), 1.25), (Size(7, 30_000), 1.03)])
def test_odd_blocks_are_hardly_decoded_twice(block: Size, most: float) -> None:
    size = Size(20_000, 20_000)
    assert touched(plan_regions(size, shard_factor(size), 3, block), block, size) <= most


def test_a_small_image_in_one_plane_is_read_at_once() -> None:
    size = Size(1000, 1000)
    (region,) = plan_regions(size, 4, 40 * 4, size)
    assert [(w.height, w.width) for w in region.windows()] == [(1000, 1000)]


@pytest.mark.parametrize(
    ("factor", "block", "pixel_bytes", "wanted"),
    [
        (4, 256, 3, Size(256, 1024)),
        (8, 256, 3, Size(256, 2048)),
        (8, 512, 3, Size(512, 2048)),
        (5, 256, 3, Size(256, 1280)),
        (7, 256, 16, Size(256, 256)),
        (8, 256, 16, Size(256, 1024)),
        (8, 256, 116, Size(256, 256)),
    ],
)
def test_small_windows_in_a_row_are_read_as_one(factor: int, block: int, pixel_bytes: int, wanted: Size) -> None:
    for region in plan_regions(Size(20_000, 20_000), factor, pixel_bytes, Size(block, block)):
        assert region.step == wanted


def test_there_is_work_for_several_workers() -> None:
    for block in (Size(512, 512), Size(240, 240)):
        assert len(plan_regions(Size(4096, 4096), 4, 3, block)) == 16


@pytest.mark.parametrize(
    ("size", "factor"),
    [
        (Size(1, 1), 4),
        (Size(10_240, 10_240), 4),
        (Size(10_241, 10_240), 5),
        (Size(102_400, 1024), 4),
        (Size(102_401, 1024), 5),
        (Size(60_000, 60_000), 24),
    ],
)
def test_shards_are_no_larger_than_the_rule_needs(size: Size, factor: int) -> None:
    assert shard_factor(size) == factor


@given(height=st.integers(1, 300_000), width=st.integers(1, 300_000))
def test_there_are_never_more_than_100_shards(height: int, width: int) -> None:
    def shards(factor: int) -> int:
        return math.ceil(height / (256 * factor)) * math.ceil(width / (256 * factor))

    factor = shard_factor(Size(height, width))
    assert shards(factor) <= 100
    assert factor == 4 or shards(factor - 1) > 100
