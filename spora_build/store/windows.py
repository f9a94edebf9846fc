"""In which pieces an image is read and written: a function of its shape and of the source's blocks, nothing else.

The number of workers and the memory of the machine have no say, so they cannot change a byte of the result.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from spora_build.model.geometry import Size, Window

CHUNK_PX = 256
MIN_FACTOR = 4
"""Chunks along the side of a shard: the published datasets' choice, larger only where MAX_SHARDS asks for it."""
MAX_SHARDS = 100
"""Shards per image that the format allows."""

_ALWAYS_PX = 1024
"""A window may always have this side where that makes the source decode less twice."""
_TILED_BYTES = 32 * 2**20
_STRIPED_BYTES = 256 * 2**20
_JOINED_BYTES = 4 * 2**20
"""Small windows in a row are read as one up to this many bytes: a window costs calls of numpy and turns at Python's
lock whatever its size, and this much still stays in a processor's caches."""
_LARGEST_STEP = 16
_GOOD_ENOUGH = 1.02


@dataclass(frozen=True)
class Region:
    """Whole shards that one worker fills alone, and the steps in which it does."""

    bounds: Window
    """Clipped to the image; starts at a shard's corner."""
    step: Size
    """Size of a window, a multiple of the chunk."""

    def windows(self) -> Iterator[Window]:
        """Windows in row-major order; together they cover the region once."""
        for row in range(self.bounds.row, self.bounds.row_stop, self.step.height):
            for col in range(self.bounds.col, self.bounds.col_stop, self.step.width):
                yield Window(
                    row,
                    col,
                    min(self.step.height, self.bounds.row_stop - row),
                    min(self.step.width, self.bounds.col_stop - col),
                )


@dataclass(frozen=True)
class Part:
    """One of several equal parts of an image, for as many workers."""

    index: int
    count: int

    def of(self, regions: Sequence[Region]) -> Sequence[Region]:
        """This part's regions, which lie one after another; none where there are fewer regions than parts."""
        start, stop = (len(regions) * at // self.count for at in (self.index, self.index + 1))
        return regions[start:stop]


WHOLE = Part(0, 1)


def shard_factor(size: Size) -> int:
    """Chunks along the side of a shard: MIN_FACTOR, or the least that needs no more than MAX_SHARDS shards."""
    factor = MIN_FACTOR
    while math.ceil(size.height / (CHUNK_PX * factor)) * math.ceil(size.width / (CHUNK_PX * factor)) > MAX_SHARDS:
        factor += 1
    return factor


def plan_regions(size: Size, factor: int, pixel_bytes: int, block: Size) -> list[Region]:
    """Regions of an image, in row-major order.

    ``pixel_bytes`` counts all channels of one pixel; ``block`` is the piece that the source decodes at once. Windows
    are chosen so that blocks are decoded as few times as their memory allows: tens of megabytes each where the source
    is tiled, whatever the image's size; bands of full width where it is stored in strips or planes.
    """
    if block.width >= size.width:
        wide = _round_up(size.width, CHUNK_PX)
        rows = max(_ALWAYS_PX**2, _STRIPED_BYTES // pixel_bytes) // wide
        step = Size(_step(size.height, block.height, factor, rows // CHUNK_PX), wide)
        return _regions(size, step, Size(math.lcm(step.height, factor * CHUNK_PX), size.width))
    side = max(_ALWAYS_PX, math.isqrt(_TILED_BYTES // pixel_bytes)) // CHUNK_PX
    step = Size(
        _step(size.height, block.height, factor, _share(size.height, side)),
        _step(size.width, block.width, factor, _share(size.width, side)),
    )
    shard = factor * CHUNK_PX
    region = Size(math.lcm(step.height, shard), math.lcm(step.width, shard))
    most = _JOINED_BYTES // (step.height * pixel_bytes)
    return _regions(size, Size(step.height, _joined(step.width, region.width, most)), region)


def _regions(size: Size, step: Size, region: Size) -> list[Region]:
    return [
        Region(Window(row, col, region.height, region.width).clip(size), step)
        for row in range(0, size.height, region.height)
        for col in range(0, size.width, region.width)
    ]


def _share(length: int, most: int) -> int:
    """No more than a quarter of an image's side in a window, so that there is work for several workers."""
    return min(most, max(_ALWAYS_PX, length // 4) // CHUNK_PX)


def _step(length: int, block: int, factor: int, most: int) -> int:
    """The smallest side of a window, at most ``most`` chunks, that decodes hardly more than the best one does."""
    whole = math.ceil(length / CHUNK_PX)
    chunks = [
        n for n in range(1, min(most, whole, max(_LARGEST_STEP, factor)) + 1) if math.lcm(n, factor) <= 4 * factor
    ]
    if most >= whole:
        chunks.append(whole)
    sides = [n * CHUNK_PX for n in chunks] or [CHUNK_PX]
    best = min(_decodes(length, block, side) for side in sides)
    return next(side for side in sides if _decodes(length, block, side) <= best * _GOOD_ENOUGH)


def _joined(width: int, region_width: int, most: int) -> int:
    """The largest width that is whole windows of ``width``, at most ``most``, and fits a region without rest."""
    count = region_width // width
    return width * max((n for n in range(1, count + 1) if count % n == 0 and n * width <= most), default=1)


def _decodes(length: int, block: int, side: int) -> float:
    """How often a block is decoded, on average, when windows of this side follow one another."""
    if side >= length:
        return 1.0
    return (side + block - math.gcd(side, block)) / side


def _round_up(length: int, step: int) -> int:
    return -(-length // step) * step
