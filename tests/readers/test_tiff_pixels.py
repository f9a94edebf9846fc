"""Every way TIFF stores pixels, read by window, against tifffile's own decode of the whole page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from spora_build.errors import UnreadableFileError
from spora_build.model.geometry import Window
from spora_build.model.roi import Roi
from spora_build.readers import _segment_cache, _tiff_page, tiff
from tests.readers.sample_makers import some_pixels

TILES = {"tile": (48, 64)}
STRIPS = {"rowsperstrip": 13}
ONE_STRIP = {"rowsperstrip": 131}
STORAGE: dict[str, dict[str, Any]] = {
    "raw tiles": TILES,
    "raw strips": STRIPS,
    "raw plane": ONE_STRIP,
    "big-endian raw": {**STRIPS, "byteorder": ">"},
    "big-endian tiles": {**TILES, "byteorder": ">", "compression": "zlib"},
    "bigtiff": {**TILES, "bigtiff": True, "compression": "zstd"},
    "bigtiff big-endian": {**STRIPS, "bigtiff": True, "byteorder": ">", "compression": "lzw"},
    "deflate": {**TILES, "compression": "zlib"},
    "deflate predictor": {**TILES, "compression": "zlib", "predictor": True},
    "deflate predictor big-endian": {**STRIPS, "compression": "zlib", "predictor": True, "byteorder": ">"},
    "lzw strips": {**STRIPS, "compression": "lzw"},
    "lzw plane": {**ONE_STRIP, "compression": "lzw", "predictor": True},
    "zstd": {**STRIPS, "compression": "zstd"},
    "packbits": {**STRIPS, "compression": "packbits"},
    "lzma": {**TILES, "compression": "lzma"},
    "lerc": {**TILES, "compression": "lerc"},
    "jpeg 2000": {**TILES, "compression": "jpeg2000"},
    "jpeg xl": {**TILES, "compression": "jpegxl"},
    "png": {**TILES, "compression": "png"},
}
INTEGERS_ONLY = {"jpeg 2000", "jpeg xl", "png"}
SHAPE = (3, 131, 150)
RNG = np.random.default_rng(3)


def all_pages(path: Path) -> NDArray[Any]:
    with tifffile.TiffFile(path) as file:
        return np.stack([page.asarray() for page in file.pages])


@contextmanager
def opened(path: Path) -> Iterator[Roi]:
    with tiff.open_rois(path) as rois:
        (roi,) = rois
        yield roi


def assert_windows(roi: Roi, expected: NDArray[Any]) -> None:
    """The whole image, one pixel, single strips or tiles, and windows at random places are those of ``expected``."""
    assert roi.read([0], Window(0, 0, 1, 1)).dtype == expected.dtype.newbyteorder("=")
    channels, height, width = expected.shape
    down, across = roi.block.height, roi.block.width
    windows = [Window(0, 0, height, width), Window(height - 1, width - 1, 1, 1)]
    windows += [Window(row, 0, down, across).clip(roi.size) for row in range(0, height, down)]
    windows.append(Window(0, (width - 1) // across * across, height, across).clip(roi.size))
    for _ in range(8):
        row, col = int(RNG.integers(height)), int(RNG.integers(width))
        windows.append(Window(row, col, int(RNG.integers(1, height - row + 1)), int(RNG.integers(1, width - col + 1))))
    for window in windows:
        np.testing.assert_array_equal(roi.read(range(channels), window), expected[:, *window.slices], str(window))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("storage", sorted(STORAGE))
def test_storage(tmp_path: Path, storage: str, dtype: str) -> None:
    if dtype == "float32" and storage in INTEGERS_ONLY:
        pytest.skip("a codec of integers")
    pixels = some_pixels(SHAPE, dtype)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, photometric="minisblack", metadata=None, **STORAGE[storage])
    decoded = all_pages(path)
    with opened(path) as roi:
        assert_windows(roi, decoded)
        if storage != "jpeg xl":
            np.testing.assert_array_equal(decoded, pixels)
        if "tile" in STORAGE[storage]:
            assert (roi.block.height, roi.block.width) == (48, 64)
        else:
            assert roi.block.width == 150


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("layout", [TILES, STRIPS, ONE_STRIP])
@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_samples_of_one_page(tmp_path: Path, planar: str, layout: dict[str, Any], compression: str | None) -> None:
    """RGB and five channels, side by side or one behind the other."""
    for samples, photometric in ((3, "rgb"), (5, "minisblack")):
        pixels = some_pixels((samples, 131, 150), "uint8")
        stored = np.moveaxis(pixels, 0, -1) if planar == "contig" else pixels
        path = tmp_path / f"{samples}.tif"
        tifffile.imwrite(
            path, stored, photometric=photometric, planarconfig=planar, compression=compression, metadata=None, **layout
        )
        with opened(path) as roi:
            assert roi.is_rgb == (samples == 3)
            assert_windows(roi, pixels)
            np.testing.assert_array_equal(roi.read([2, 0], Window(3, 4, 50, 60)), pixels[[2, 0], 3:53, 4:64])


@pytest.mark.parametrize(
    "options", [{}, {"compressionargs": {"level": 60}}, {"subsampling": (2, 2)}, {"tile": None, "rowsperstrip": 40}]
)
def test_jpeg_rgb(tmp_path: Path, options: dict[str, Any]) -> None:
    path = tmp_path / "a.tif"
    pixels = np.moveaxis(some_pixels((3, 131, 150), "uint8"), 0, -1)
    photometric = "ycbcr" if options.get("subsampling") else "rgb"
    if photometric == "ycbcr":
        options = {"photometric": "rgb", **options}
    options = {"photometric": "rgb", "tile": (48, 64), **options}
    tifffile.imwrite(path, pixels, compression="jpeg", metadata=None, **options)
    with opened(path) as roi:
        assert roi.is_rgb
        assert_windows(roi, np.moveaxis(all_pages(path)[0], -1, 0))


@pytest.mark.parametrize("bits", [1, 4, 12])
def test_packed_bits(tmp_path: Path, bits: int) -> None:
    path = tmp_path / "a.tif"
    pixels = np.random.default_rng(0).integers(0, 2**bits, (131, 150)).astype("uint16" if bits > 8 else "uint8")
    if bits == 1:
        tifffile.imwrite(path, pixels.astype(bool), photometric="minisblack", metadata=None)
    else:
        tifffile.imwrite(path, pixels, bitspersample=bits, photometric="minisblack", rowsperstrip=20, metadata=None)
    with opened(path) as roi:
        assert_windows(roi, pixels[np.newaxis])


def test_sparse_tiles_are_filled(tmp_path: Path) -> None:
    """Tiles that the file leaves out are zero, or what GDAL's tag says."""
    for nodata in (0, 9):
        path = tmp_path / "a.tif"

        def tiles() -> Iterator[bytes]:
            yield from (bytes([5]) * 48 * 64, b"", b"", bytes([6]) * 48 * 64)

        tags = [(42113, "s", 0, str(nodata), True)] if nodata else []
        tifffile.imwrite(
            path,
            tiles(),
            shape=(96, 128),
            dtype="uint8",
            tile=(48, 64),
            compression=None,
            photometric="minisblack",
            extratags=tags,
            metadata=None,
        )
        expected = np.full((1, 96, 128), nodata, "uint8")
        expected[0, :48, :64], expected[0, 48:, 64:] = 5, 6
        with opened(path) as roi:
            assert_windows(roi, expected)


def test_large_strip_is_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plane in one compressed strip is decoded once for many windows, held on disk where memory is bounded."""
    monkeypatch.setattr(_tiff_page, "KEEP_ABOVE_BYTES", 1000)
    pixels = some_pixels((4, 300, 310), "uint16")
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, compression="zlib", rowsperstrip=300, photometric="minisblack", metadata=None)
    with opened(path) as roi:
        source: Any = roi.source
        cache = source.planes[0].page.cache
        cache._bounds[False] = 2 * 300 * 310 * 2
        reads: list[int] = []
        file = source.planes[0].page.bytes
        original = file.read
        monkeypatch.setattr(file, "read", lambda offset, length: reads.append(offset) or original(offset, length))
        assert_windows(roi, pixels)
        for row in range(0, 300, 50):
            assert_equal = roi.read(range(4), Window(row, 7, 50, 100))
            np.testing.assert_array_equal(assert_equal, pixels[:, row : row + 50, 7:107])
        # the first read wants one pixel; three windows want the whole strip, which needs no cache
        assert len(reads) <= 4 + 3 * 4
        assert cache.memory_bytes <= 2 * 300 * 310 * 2
        assert cache.disk_bytes == 2 * 300 * 310 * 2
    assert cache.memory_bytes == cache.disk_bytes == 0


def test_windows_read_little_of_a_large_raw_plane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = some_pixels((1, 500, 400), "uint16")
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, rowsperstrip=500, photometric="minisblack", metadata=None)
    with opened(path) as roi:
        source: Any = roi.source
        file = source.planes[0].page.bytes
        lengths: list[int] = []
        original = file.read
        monkeypatch.setattr(file, "read", lambda offset, length: lengths.append(length) or original(offset, length))
        np.testing.assert_array_equal(roi.read([0], Window(10, 20, 30, 40)), pixels[:, 10:40, 20:60])
        assert sum(lengths) == 30 * 40 * 2


def test_cache_evicts_to_disk_and_then_forgets() -> None:
    cache = _segment_cache.SegmentCache(memory_bytes=100, disk_bytes=200)
    made: list[int] = []

    def make(key: int) -> NDArray[Any]:
        made.append(key)
        return np.full(80, key, np.uint8)

    for key in (0, 1, 2, 3):
        np.testing.assert_array_equal(cache.get(key, lambda key=key: make(key)), np.full(80, key))
    assert (cache.memory_bytes, cache.disk_bytes) == (80, 160)
    for key in (3, 2, 1):
        np.testing.assert_array_equal(cache.get(key, lambda key=key: make(key)), np.full(80, key))
    assert made == [0, 1, 2, 3]
    cache.get(0, lambda: make(0))
    assert made == [0, 1, 2, 3, 0]


HOSTILE = {
    "one tile of 2^31 pixels": (256, 257, 322, 323),
    "one strip of 2^31 pixels": (256, 257, 278),
}


@pytest.mark.parametrize("case", sorted(HOSTILE))
def test_hostile_sizes_are_refused_before_memory_is_asked(tmp_path: Path, case: str) -> None:
    path = tmp_path / "a.tif"
    layout = {"tile": (16, 16)} if 322 in HOSTILE[case] else {"rowsperstrip": 16}
    tifffile.imwrite(path, np.zeros((16, 16), "uint8"), compression="zlib", photometric="minisblack", **layout)
    with tifffile.TiffFile(path, mode="r+") as file:
        for code in HOSTILE[case]:
            file.pages[0].tags[code].overwrite(60_000 if file.pages[0].tags[code].dtype == 3 else 2**20, dtype=None)
    with pytest.raises(UnreadableFileError) as caught, opened(path) as roi:
        roi.read([0], Window(0, 0, 16, 16))
    assert caught.value.problems[0].code == "E-TIFF-001"


def test_raw_plane_beyond_the_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, some_pixels((1, 100, 100), "uint16"), photometric="minisblack", metadata=None)
    path.write_bytes(path.read_bytes()[:-10])
    with opened(path) as roi:
        roi.read([0], Window(0, 0, 10, 100))
        with pytest.raises(UnreadableFileError, match="ends at byte"):
            roi.read([0], Window(90, 0, 10, 100))


def test_reading_after_the_end_is_a_plain_error(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, some_pixels((1, 10, 10), "uint8"), photometric="minisblack", metadata=None)
    with opened(path) as roi:
        pass
    with pytest.raises(ValueError, match="closed"):
        roi.read([0], Window(0, 0, 1, 1))


def test_windows_beyond_the_image_are_plain_errors(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, some_pixels((1, 10, 10), "uint8"), photometric="minisblack", metadata=None)
    with opened(path) as roi, pytest.raises(ValueError, match="beyond"):
        roi.read([0], Window(0, 5, 1, 6))


@pytest.mark.parametrize("compression", ["webp", "jpeg2000", "jpegxl"])
@pytest.mark.parametrize("lossless", [True, False])
def test_rgb_in_codecs_of_slides(tmp_path: Path, compression: str, lossless: bool) -> None:
    """Against tifffile's decode; where the codec is lossless, against the pixels too."""
    path = tmp_path / "a.tif"
    pixels = np.kron(some_pixels((8, 10, 3), "uint8"), np.ones((16, 16, 1), np.uint8))
    arguments = {"webp": {"lossless": lossless}, "jpeg2000": {"reversible": lossless}, "jpegxl": {"lossless": lossless}}
    tifffile.imwrite(
        path,
        pixels,
        photometric="rgb",
        tile=(64, 64),
        compression=compression,
        compressionargs=arguments[compression] if lossless else {**arguments[compression], "level": 60},
        metadata=None,
    )
    with tiff.open_rois(path) as (roi,):
        assert roi.is_rgb
        read = roi.read([0, 1, 2], Window(0, 0, 128, 160))
    np.testing.assert_array_equal(read, np.moveaxis(tifffile.imread(path), -1, 0))
    if lossless:
        np.testing.assert_array_equal(read, np.moveaxis(pixels, -1, 0))
