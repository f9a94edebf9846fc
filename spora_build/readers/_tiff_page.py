"""One TIFF page as it is stored: a grid of strips or tiles, read by window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.model.geometry import Size, Window
from spora_build.readers._file_bytes import FileBytes, damaged
from spora_build.readers._samples import copy_sample
from spora_build.readers._segment_cache import KEEP_ABOVE_BYTES, SegmentCache
from spora_build.readers._tiff_file import unsupported
from spora_build.readers._tiff_segment import JPEG, SegmentDecoder, SegmentFiller, segment_decoder, segment_filler

MAX_SEGMENT_BYTES = 4 * 2**30
"""No strip or tile of a real file decodes to more."""
MAX_RATIO = 20_000
"""No codec in use packs real pixels better than this; asked only of segments over 64 MiB."""
RAW_ROWS = 256
"""Block height told of uncompressed strips: any rows can be read, a band of them in one go."""


@dataclass(frozen=True)
class StoredPage:
    """One page of a TIFF file: where each strip or tile is and how to decode it."""

    bytes: FileBytes
    offset: int
    """Offset of the page's pixels: what tells it from other pages of the file."""
    size: Size
    samples: int
    """Samples per pixel, in one plane each (``is_planar``) or side by side."""
    is_planar: bool
    dtype: np.dtype[Any]
    """Native byte order."""
    stored_dtype: np.dtype[Any]
    """Byte order of the file."""
    segment: Size
    """A strip (its rows × the full width) or a tile."""
    is_raw: bool
    """Uncompressed whole bytes: rows are read without reading the rest of the segment."""
    nodata: float
    """Value of segments that the file leaves out (sparse files)."""
    offsets: Sequence[int]
    counts: Sequence[int]
    decode: SegmentDecoder
    fill: SegmentFiller | None
    cache: SegmentCache

    @property
    def grid(self) -> tuple[int, int]:
        """Segments down and across one plane."""
        return -(-self.size.height // self.segment.height), -(-self.size.width // self.segment.width)

    @property
    def block(self) -> Size:
        """The piece that is decoded together, clipped to the page."""
        height = min(self.segment.height, self.size.height)
        if self.is_raw and self.segment.width >= self.size.width:
            height = min(height, RAW_ROWS)
        return Size(height, min(self.segment.width, self.size.width))

    def read_into(self, out: NDArray[Any], wanted: Sequence[tuple[int, int]], window: Window) -> None:
        """Fill ``out[i]`` with sample ``s`` of the window, for each (i, s) wanted. ``out``: (C, h, w)."""
        if not self.is_planar:
            self._read_plane(out, wanted, window, first_segment=0)
            return
        down, across = self.grid
        for index, sample in wanted:
            self._read_plane(out, [(index, 0)], window, first_segment=sample * down * across)

    def _read_plane(
        self, out: NDArray[Any], wanted: Sequence[tuple[int, int]], window: Window, first_segment: int
    ) -> None:
        across = self.grid[1]
        height, width = self.segment.height, self.segment.width
        for down in range(window.row // height, -(-window.row_stop // height)):
            top, bottom = max(window.row, down * height), min(window.row_stop, (down + 1) * height)
            for col in range(window.col // width, -(-window.col_stop // width)):
                left, right = max(window.col, col * width), min(window.col_stop, (col + 1) * width)
                segment = first_segment + down * across + col
                rows = slice(top - window.row, bottom - window.row)
                cols = slice(left - window.col, right - window.col)
                if len(wanted) == 1 and self._filled(segment, out[wanted[0][0], rows, cols]):
                    continue
                inside = (top - down * height, bottom - down * height, left - col * width, right - col * width)
                pixels = self._piece(segment, inside)
                for index, sample in wanted:
                    if pixels is None:
                        out[index, rows, cols] = self.nodata
                    else:
                        copy_sample(pixels, sample, out[index, rows, cols])

    def _filled(self, index: int, out: NDArray[Any]) -> bool:
        """Whether a segment of one sample could be decoded to where it belongs, which it has to fill."""
        offset, count = self.offsets[index], self.counts[index]
        return (
            self.fill is not None
            and self._contiguous_samples == 1
            and out.shape == (self.segment.height, self.segment.width)
            and out.flags.c_contiguous
            and count > 0
            and self.fill(self.bytes.read(offset, count), out[:, :, np.newaxis])
        )

    def _piece(self, index: int, inside: tuple[int, int, int, int]) -> NDArray[Any] | None:
        """Rows and columns ``inside`` one segment as (h, w, samples); None where the file leaves the segment out."""
        top, bottom, left, right = inside
        offset, count = self.offsets[index], self.counts[index]
        if count == 0:
            return None
        if self.is_raw:
            return self._raw_piece(offset, inside)
        if self._segment_bytes > KEEP_ABOVE_BYTES and not self._is_whole(inside):
            key = (id(self.bytes), self.offset, index)
            pixels = self.cache.get(key, lambda: self.decode(self.bytes.read(offset, count), index).copy())
        else:
            pixels = self.decode(self.bytes.read(offset, count), index)
        if pixels.shape[0] < bottom or pixels.shape[1] < right or pixels.shape[2] < self._contiguous_samples:
            raise damaged(self.bytes.name, f"strip or tile {index} holds fewer pixels than the header says")
        return pixels[top:bottom, left:right]

    def _raw_piece(self, offset: int, inside: tuple[int, int, int, int]) -> NDArray[Any]:
        top, bottom, left, right = inside
        channels = self._contiguous_samples
        pixel = channels * self.stored_dtype.itemsize
        row = self.segment.width * pixel
        if (right - left) * 2 >= self.segment.width:
            data = self.bytes.read(offset + top * row, (bottom - top) * row)
            band = np.frombuffer(data, self.stored_dtype).reshape(bottom - top, self.segment.width, channels)
            return band[:, left:right]
        length = (right - left) * pixel
        lines = [self.bytes.read(offset + y * row + left * pixel, length) for y in range(top, bottom)]
        return np.frombuffer(b"".join(lines), self.stored_dtype).reshape(bottom - top, right - left, channels)

    @property
    def _contiguous_samples(self) -> int:
        return 1 if self.is_planar else self.samples

    @property
    def _segment_bytes(self) -> int:
        return self.segment.height * self.segment.width * self._contiguous_samples * self.dtype.itemsize

    def _is_whole(self, inside: tuple[int, int, int, int]) -> bool:
        top, bottom, left, right = inside
        height = min(self.segment.height, self.size.height)
        return top == 0 and left == 0 and bottom >= height and right >= min(self.segment.width, self.size.width)


def stored_page(page: Any, file: FileBytes, cache: SegmentCache) -> StoredPage:
    """The storage of a ``tifffile.TiffPage``, checked against the file. Raises UnreadableFileError."""
    name = file.name
    if page.dtype is None or page.dtype.kind not in "iufb":
        bits = page.bitspersample if isinstance(page.bitspersample, int) else "mixed"
        raise unsupported(name, f"pixels are of a type that no image has here ({bits} bits, complex or unknown)")
    if page.imagedepth != 1 or (page.is_tiled and page.tiledepth != 1):
        raise unsupported(name, "the page is a volume (ImageDepth), not a plane")
    if page.imagelength < 1 or page.imagewidth < 1:
        raise damaged(name, f"a page has {page.imagelength} × {page.imagewidth} pixels")
    size = Size(int(page.imagelength), int(page.imagewidth))
    rows, cols = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, page.imagewidth)
    if rows < 1 or cols < 1:
        raise damaged(name, f"its strips or tiles have {rows} × {cols} pixels")
    stored = page.dtype.newbyteorder(page.parent.byteorder)
    made = StoredPage(
        bytes=file,
        offset=int(page.offset),
        size=size,
        samples=int(page.samplesperpixel),
        is_planar=page.planarconfig == 2 and page.samplesperpixel > 1,
        dtype=page.dtype.newbyteorder("="),
        stored_dtype=stored,
        segment=Size(int(rows), int(cols)),
        is_raw=(
            page.compression == 1
            and page.predictor == 1
            and page.fillorder == 1
            and page.bitspersample == page.dtype.itemsize * 8
        ),
        nodata=page.nodata,
        offsets=page.dataoffsets,
        counts=page.databytecounts,
        decode=segment_decoder(page, name),
        fill=segment_filler(page),
        cache=cache,
    )
    _check_segments(made, is_jpeg=page.compression in JPEG)
    return made


def _check_segments(page: StoredPage, *, is_jpeg: bool) -> None:
    name = page.bytes.name
    down, across = page.grid
    needed = down * across * (page.samples if page.is_planar else 1)
    if min(len(page.offsets), len(page.counts)) < needed:
        raise damaged(name, f"{needed} strips or tiles are needed, the header lists {len(page.offsets)}")
    numbers = (number for of in (page.offsets, page.counts) for number in of[:needed])
    if not all(type(number) is int or isinstance(number, Integral) for number in numbers):
        raise damaged(name, "the places of its strips or tiles are no whole numbers")
    if page.is_raw:
        return
    decoded = page.segment.height * page.segment.width * page.samples * page.dtype.itemsize
    if decoded > MAX_SEGMENT_BYTES:
        raise damaged(name, f"one strip or tile would take {decoded / 2**30:.0f} GiB of memory")
    largest = max(page.counts[:needed], default=0)
    if decoded > 64 * 2**20 and not is_jpeg and largest > 0 and decoded > largest * MAX_RATIO:
        raise damaged(name, f"a strip of {largest} bytes cannot hold {decoded / 2**20:.0f} MiB of pixels")
