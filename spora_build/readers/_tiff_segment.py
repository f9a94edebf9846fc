"""Decode one strip or tile of a TIFF page."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.readers._codestream_size import declared_pixels
from spora_build.readers._file_bytes import damaged

JPEG = {6, 7, 34892, 33007}
_NEW_JPEG = 7
_INTO_A_BUFFER = {5, 8, 32773, 32946, 50000}
"""LZW, deflate, PackBits, deflate, zstd: bytes in, bytes out into a buffer of ours."""

MAX_BUFFER_BYTES = 8 * 2**20
"""Larger segments get an array of their own: every reading thread keeps one buffer of at most this."""

_buffers = threading.local()

SegmentDecoder = Callable[[bytes, int], NDArray[Any]]
"""Stored bytes and the segment's index → array (rows, columns, samples), native byte order.

The array may be a buffer that the same thread's next call overwrites, and hold a sample more than the page has.
"""

SegmentFiller = Callable[[bytes, NDArray[Any]], bool]
"""Fill a contiguous array (rows, columns, samples) with the stored bytes of one segment. False, and the array of no
meaning, where they hold more or less than that, or are damaged: rules of their own, which the decoder knows."""


def segment_decoder(page: Any, name: str) -> SegmentDecoder:
    """How the segments of a ``tifffile.TiffPage`` are decoded; the file may be closed afterwards."""
    extra = {"jpegtables": page.jpegtables, "jpegheader": page.jpegheader} if page.compression in JPEG else {}
    from_file = page.decode if page.compression in JPEG else None  # looks into a strip; for others it can be made later
    height, width = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, page.imagewidth)
    limit = 4 * max(height * width, 64 * 64)

    def decode_generally(data: bytes, index: int) -> NDArray[Any]:
        if (declared_pixels(data) or 0) > limit:
            raise damaged(name, f"strip or tile {index} declares far more pixels than its place has")
        try:
            array = (from_file or page.decode)(data, index, **extra)[0]
        except MemoryError:
            raise
        except Exception as error:  # every codec has errors of its own
            raise damaged(name, f"strip or tile {index} cannot be decoded ({type(error).__name__})") from error
        return np.asarray(array[0])

    if page.compression == _NEW_JPEG:
        return _jpeg_decoder(page, decode_generally) or decode_generally
    return _buffered_decoder(page, decode_generally) or decode_generally


def _buffered_decoder(page: Any, otherwise: SegmentDecoder) -> SegmentDecoder | None:
    """Decoder into one reused buffer per thread, a third faster than a fresh array each; None where it does not fit."""
    fill = segment_filler(page)
    if fill is None:
        return None
    native = page.dtype.newbyteorder("=")
    samples = page.samplesperpixel if page.planarconfig == 1 else 1
    height, width = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, page.imagewidth)
    strips = 0 if page.is_tiled else -(-page.imagelength // height)
    last_rows = page.imagelength - (strips - 1) * height
    if height * width * samples * native.itemsize > MAX_BUFFER_BYTES:
        return None

    def decode(data: bytes, index: int) -> NDArray[Any]:
        rows = last_rows if strips and index % strips == strips - 1 else height
        array: NDArray[Any] = _buffer(rows * width * samples * native.itemsize).view(native)
        array = array.reshape(rows, width, samples)
        return array if fill(data, array) else otherwise(data, index)

    return decode


def segment_filler(page: Any) -> SegmentFiller | None:
    """How segments of a ``tifffile.TiffPage`` are decoded to where they belong; None where a codec needs more."""
    import imagecodecs
    import tifffile

    if (
        page.compression not in _INTO_A_BUFFER
        or page.dtype is None
        or page.bitspersample != page.dtype.itemsize * 8
        or page.fillorder != 1
        or page.predictor not in {1, 2}
        or (page.predictor == 2 and page.dtype.kind not in "iu")
    ):
        return None
    decompress = tifffile.TIFF.DECOMPRESSORS[page.compression]
    is_native = page.dtype.newbyteorder(page.parent.byteorder).isnative
    has_predictor = page.predictor == 2

    def fill(data: bytes, out: NDArray[Any]) -> bool:
        try:
            filled = len(memoryview(decompress(data, out=out.reshape(-1).view(np.uint8))).cast("B"))
        except (RuntimeError, ValueError):
            return False
        if filled != out.nbytes:
            return False
        if not is_native:
            out.byteswap(inplace=True)
        if has_predictor:
            imagecodecs.delta_decode(out, axis=1, out=out)
        return True

    return fill


def _jpeg_decoder(page: Any, otherwise: SegmentDecoder) -> SegmentDecoder | None:
    """Decoder of colour JPEG into one reused buffer per thread; None where it does not fit.

    Twice as fast as into a fresh array each. A fourth sample of no meaning makes a pixel one word of 32 bits: see
    :func:`spora_build.readers._samples.copy_sample`.
    """
    import imagecodecs

    height, width = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, page.imagewidth)
    if (
        page.photometric not in {_RGB, _YCBCR}
        or page.extrasamples
        or page.planarconfig != 1
        or page.samplesperpixel != 3
        or page.dtype != np.uint8
        or page.jpegheader is not None
        or height * width * 4 > MAX_BUFFER_BYTES
    ):
        return None
    spaces = imagecodecs.JPEG8.CS
    stored = spaces.RGB if page.photometric == _RGB and not page.is_jfif else None  # as tifffile has it
    tables = page.jpegtables

    def decode(data: bytes, index: int) -> NDArray[Any]:
        buffer = _buffer(height * width * 4).reshape(height, width, 4)
        try:
            imagecodecs.jpeg8_decode(data, tables=tables, colorspace=stored, outcolorspace=spaces.EXT_RGBX, out=buffer)
        except (RuntimeError, ValueError):
            return otherwise(data, index)  # another size, or no such JPEG: rules of their own
        return buffer

    return decode


_RGB, _YCBCR = 2, 6


def _buffer(size: int) -> NDArray[Any]:
    """The first ``size`` bytes of this thread's buffer."""
    buffer: NDArray[Any] | None = getattr(_buffers, "bytes", None)
    if buffer is None or buffer.size < size:
        buffer = _buffers.bytes = np.empty(size, np.uint8)
    return buffer[:size]
