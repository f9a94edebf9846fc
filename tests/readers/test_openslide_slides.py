"""Slides through OpenSlide, against the JPEG inside them."""

from __future__ import annotations

import sys
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from spora_build.errors import UnreadableFileError
from spora_build.model.geometry import PixelSize, Window
from spora_build.readers import find_reader, openslide_slides
from tests.readers.sample_makers import some_pixels
from tests.readers.vms_files import write_vms


def made(folder: Path, mpp: float | None = 0.5) -> Path:
    return write_vms(folder, np.kron(some_pixels((8, 16, 3), "uint8"), np.ones((16, 16, 1), np.uint8)), mpp=mpp)


@pytest.mark.parametrize("piece", [2048, 50])
def test_pixels_and_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr(openslide_slides, "_PIECE_PX", piece)
    path = made(tmp_path)
    found = find_reader(path)
    assert found is not None and found.__name__ == openslide_slides.__name__
    expected = np.moveaxis(imagecodecs.jpeg8_decode((tmp_path / "slide.jpg").read_bytes()), -1, 0)
    with openslide_slides.open_rois(path) as [roi]:
        assert roi.is_rgb
        assert roi.pixel_size == PixelSize(0.5, "openslide.mpp")
        np.testing.assert_array_equal(roi.read([0, 1, 2], Window(0, 0, 128, 256)), expected)
        np.testing.assert_array_equal(roi.read([2, 0], Window(13, 21, 70, 101)), expected[[2, 0], 13:83, 21:122])


def test_no_pixel_size(tmp_path: Path) -> None:
    with openslide_slides.open_rois(made(tmp_path, mpp=None)) as [roi]:
        assert roi.pixel_size is None
        assert [problem.code for problem in roi.problems] == ["E-MPP-001"]


def test_what_was_not_scanned_has_the_background_colour() -> None:
    class Slide:
        def read_region(self, place: tuple[int, int], level: int, size: tuple[int, int]) -> Image.Image:
            picture = Image.new("RGBA", size, (0, 0, 0, 0))
            picture.putpixel((1, 0), (10, 20, 30, 255))
            return picture

    pixels = openslide_slides.SlidePixels(Slide(), (250, 240, 230), "a").read([0, 1, 2], Window(0, 0, 2, 3))
    assert pixels[:, 0, 1].tolist() == [10, 20, 30]
    assert pixels[:, 1, 2].tolist() == [250, 240, 230]


def test_missing_package_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openslide", None)
    path = made(tmp_path)
    assert openslide_slides.can_read(path)
    with pytest.raises(UnreadableFileError, match=r"spora-build\[openslide\]"), openslide_slides.open_rois(path):
        pass


def test_missing_and_damaged_parts(tmp_path: Path) -> None:
    path = made(tmp_path)
    picture = tmp_path / "slide.jpg"
    content = picture.read_bytes()
    for damaged in (b"", content[:100], content[: len(content) // 2]):
        picture.write_bytes(damaged)
        with pytest.raises(UnreadableFileError), openslide_slides.open_rois(path) as [roi]:
            roi.read([0], Window(0, 0, 128, 256))
    picture.unlink()
    with pytest.raises(UnreadableFileError), openslide_slides.open_rois(path):
        pass


def test_mrxs_needs_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "a.mrxs"
    path.write_bytes(b"\xff\xd8\xff")
    assert not openslide_slides.can_read(path)
    (tmp_path / "a").mkdir()
    assert openslide_slides.can_read(path)
    with pytest.raises(UnreadableFileError), openslide_slides.open_rois(path):
        pass
