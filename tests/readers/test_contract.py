"""What every reader owes: run over all modules that ``readers()`` finds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spora_build.errors import Severity, UnreadableFileError
from spora_build.model.geometry import PixelSize, Size, Window
from spora_build.model.roi import Roi
from spora_build.readers import Reader, find_reader, readers
from tests.readers.sample_makers import SAMPLES, Sample

MODULES = {reader.__name__.rpartition(".")[2]: reader for reader in readers()}
BOTH = sorted(MODULES.keys() & SAMPLES.keys())


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sample]:
    """Every sample, made once."""
    return {name: SAMPLES[name](tmp_path_factory.mktemp(name)) for name in BOTH}


@pytest.fixture(params=BOTH)
def case(request: pytest.FixtureRequest, samples: dict[str, Sample]) -> Iterator[tuple[Reader, Sample, Roi]]:
    """A reader, its sample and the first acquisition, open."""
    reader, sample = MODULES[request.param], samples[request.param]
    with reader.open_rois(sample.path) as rois:
        yield reader, sample, rois[0]


def whole(size: Size) -> Window:
    return Window(0, 0, size.height, size.width)


def digest(path: Path) -> dict[str, str]:
    """Content and time of every file below a path."""
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() + str(file.stat().st_mtime_ns) for file in files}


def test_every_reader_has_a_sample() -> None:
    assert MODULES.keys() == SAMPLES.keys()


def test_finder_picks_the_reader(case: tuple[Reader, Sample, Roi]) -> None:
    reader, sample, _ = case
    found = find_reader(sample.path)
    assert found is not None
    assert found.__name__ == reader.__name__


def test_roi_tells_the_truth(case: tuple[Reader, Sample, Roi]) -> None:
    _, sample, roi = case
    assert (roi.channel_count, roi.size.height, roi.size.width) == sample.expected.shape
    assert roi.dtype == sample.expected.dtype
    assert roi.dtype.isnative
    assert roi.dtype.name in {"uint8", "uint16", "float32"}
    assert roi.block.height <= roi.size.height
    assert roi.block.width <= roi.size.width
    assert roi.format
    assert isinstance(roi.pixel_size, PixelSize) or any(p.code.startswith("E-MPP-") for p in roi.problems)
    for problem in roi.problems:
        assert problem.what and problem.remedy
        assert str(sample.path.parent) not in str(problem)


def test_whole_image_is_exact(case: tuple[Reader, Sample, Roi]) -> None:
    _, sample, roi = case
    pixels = roi.read(range(roi.channel_count), whole(roi.size))
    assert pixels.dtype == roi.dtype
    assert pixels.dtype.isnative
    np.testing.assert_array_equal(pixels, sample.expected)


def some_windows(size: Size, block: Size) -> list[Window]:
    """Corners, single pixels, whole blocks, borders of blocks and random windows."""
    rng = np.random.default_rng(1)
    height, width = size.height, size.width
    windows = [
        Window(0, 0, 1, 1),
        Window(height - 1, width - 1, 1, 1),
        Window(0, 0, 1, width),
        Window(0, width - 1, height, 1),
        Window(0, 0, block.height, block.width),
        Window(max(0, block.height - 1), max(0, block.width - 1), min(2, height - block.height + 1), 1),
    ]
    for _ in range(12):
        row, col = int(rng.integers(height)), int(rng.integers(width))
        windows.append(Window(row, col, int(rng.integers(1, height - row + 1)), int(rng.integers(1, width - col + 1))))
    return windows


def test_windows_equal_the_whole(case: tuple[Reader, Sample, Roi]) -> None:
    _, sample, roi = case
    for window in some_windows(roi.size, roi.block):
        pixels = roi.read(range(roi.channel_count), window)
        np.testing.assert_array_equal(pixels, sample.expected[:, *window.slices], err_msg=str(window))


def test_channels_in_any_order(case: tuple[Reader, Sample, Roi]) -> None:
    _, sample, roi = case
    last = roi.channel_count - 1
    for channels in ([last, 0], [0, 0, last], [last], list(range(last, -1, -1))):
        window = Window(0, 0, min(5, roi.size.height), min(7, roi.size.width))
        np.testing.assert_array_equal(roi.read(channels, window), sample.expected[channels][:, *window.slices])


def test_threads_read_the_same(case: tuple[Reader, Sample, Roi]) -> None:
    _, sample, roi = case
    windows = some_windows(roi.size, roi.block) * 3

    def is_right(window: Window) -> bool:
        pixels: Any = roi.read(range(roi.channel_count), window)
        return np.array_equal(pixels, sample.expected[:, *window.slices])

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(is_right, windows))


def test_results_belong_to_the_caller(case: tuple[Reader, Sample, Roi]) -> None:
    _, sample, roi = case
    window = whole(roi.size)
    pixels = roi.read([0], window)
    assert pixels.flags.writeable
    pixels[:] = 0
    np.testing.assert_array_equal(roi.read([0], window)[0], sample.expected[0])


@pytest.mark.parametrize("name", BOTH)
def test_opening_changes_nothing_and_leaks_nothing(name: str, samples: dict[str, Sample]) -> None:
    reader, sample = MODULES[name], samples[name]
    before = digest(sample.path)
    descriptors = Path("/proc/self/fd")
    with reader.open_rois(sample.path) as rois:
        rois[0].read([0], Window(0, 0, 1, 1))
    opened = len(list(descriptors.iterdir())) if descriptors.is_dir() else 0
    for _ in range(3):
        assert reader.can_read(sample.path)
        with reader.open_rois(sample.path) as rois:
            rois[0].read([0], Window(0, 0, 1, 1))
    assert digest(sample.path) == before
    if descriptors.is_dir():
        assert len(list(descriptors.iterdir())) <= opened


GARBAGE = {
    "empty": b"",
    "text": b"this is no image\n" * 50,
    "random": np.random.default_rng(0).bytes(5000),
    "zeros": bytes(4096),
    "tiff magic only": b"II*\0",
    "tiff with a wild offset": b"II*\0\xff\xff\xff\x7f" + bytes(64),
    "tiff with a loop": b"II*\0\x08\0\0\0\0\0\x08\0\0\0" + bytes(32),
    "bigtiff magic": b"II+\0\x08\0\0\0\xff\xff\xff\xff\xff\xff\xff\x0f",
    "png magic": b"\x89PNG\r\n\x1a\n" + bytes(50),
    "jpeg magic": b"\xff\xd8\xff\xe0" + bytes(50),
    "zip magic": b"PK\x03\x04" + bytes(50),
}


@pytest.mark.parametrize("name", sorted(MODULES))
@pytest.mark.parametrize("garbage", sorted(GARBAGE))
@pytest.mark.parametrize("suffix", [".tif", ".svs", ".png", ".jpg", ".txt", ".mcd", ".companion.ome", ""])
def test_garbage_is_refused_with_a_typed_error(name: str, garbage: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"garbage{suffix}"
    path.write_bytes(GARBAGE[garbage])
    refuses(MODULES[name], path)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_missing_and_empty_paths_are_refused(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "nothing"
    folder.mkdir()
    for path in (tmp_path / "absent.tif", folder):
        assert not MODULES[name].can_read(path)
        refuses(MODULES[name], path)


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.9, 0.99])
def test_truncated_files_never_read_wrong(name: str, share: float, samples: dict[str, Sample], tmp_path: Path) -> None:
    """Cut at any place, a file is refused, gives the right pixels or says that the acquisition is not whole."""
    sample = samples[name]
    if sample.path.is_dir():
        pytest.skip("a folder is cut by its own tests")
    path = tmp_path / sample.path.name
    content = sample.path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert isinstance(MODULES[name].can_read(path), bool)
    try:
        with MODULES[name].open_rois(path) as rois:
            roi = rois[0]
            pixels = roi.read(range(roi.channel_count), whole(roi.size))
    except UnreadableFileError:
        return
    if pixels.shape != sample.expected.shape:
        assert any(problem.severity is not Severity.NOTE and "-MPP-" not in problem.code for problem in roi.problems)
        return
    np.testing.assert_array_equal(pixels, sample.expected)


@pytest.mark.parametrize("name", BOTH)
def test_flipped_bytes_end_in_a_typed_error(name: str, samples: dict[str, Sample], tmp_path: Path) -> None:
    """Damage in the header or the pixels is refused, or changes pixels; it never ends in another exception."""
    sample = samples[name]
    if sample.path.is_dir():
        pytest.skip("a folder is damaged by its own tests")
    rng = np.random.default_rng(7)
    path = tmp_path / sample.path.name
    content = sample.path.read_bytes()
    for _ in range(25):
        damaged = bytearray(content)
        for place in rng.integers(0, len(content), 4):
            damaged[place] = int(rng.integers(256))
        for place in rng.integers(0, min(400, len(content)), 2):
            damaged[place] = int(rng.integers(256))
        path.write_bytes(damaged)
        assert isinstance(MODULES[name].can_read(path), bool)
        refuses(MODULES[name], path, may_succeed=True)


def refuses(reader: Reader, path: Path, *, may_succeed: bool = False) -> None:
    """Opening and reading ends in UnreadableFileError, or (where allowed) in pixels of the promised shape."""
    try:
        with reader.open_rois(path) as rois:
            for roi in rois[:3]:
                if roi.size.height * roi.size.width < 10_000_000:
                    roi.read([0], whole(roi.size))
    except UnreadableFileError as error:
        assert error.problems
        return
    assert may_succeed, "garbage was read as an image"
