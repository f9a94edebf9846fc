"""PNG and JPEG against imagecodecs and the numbers they were made of."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from spora_build.errors import UnreadableFileError
from spora_build.model.geometry import PixelSize, Window
from spora_build.model.roi import Roi
from spora_build.readers import png_jpeg
from tests.readers.sample_makers import some_pixels


def whole(roi: Roi) -> np.ndarray:
    return roi.read(range(roi.channel_count), Window(0, 0, roi.size.height, roi.size.width))


def codes(roi: Roi) -> list[str]:
    return [problem.code for problem in roi.problems]


def save(path: Path, pixels: np.ndarray, **options: Any) -> Path:
    Image.fromarray(pixels).save(path, **options)
    return path


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize(("samples", "kept", "note"), [(1, 1, []), (2, 1, ["N"]), (3, 3, []), (4, 3, ["N"])])
def test_png_of_every_kind_keeps_every_bit(
    tmp_path: Path, dtype: str, samples: int, kept: int, note: list[str]
) -> None:
    pixels = some_pixels((23, 31, samples), dtype)
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(pixels if samples > 1 else pixels[:, :, 0].copy()))
    assert png_jpeg.can_read(tmp_path / "a.png")
    with png_jpeg.open_rois(tmp_path / "a.png") as [roi]:
        assert roi.dtype == np.dtype(dtype)
        assert roi.is_rgb == (kept == 3)
        assert roi.format == "PNG"
        assert [code[0] for code in codes(roi)[:-1]] == note
        assert codes(roi)[-1] == "E-MPP-001"
        np.testing.assert_array_equal(whole(roi), np.moveaxis(pixels, -1, 0)[:kept])
        np.testing.assert_array_equal(
            roi.read([kept - 1], Window(3, 4, 5, 6))[0], pixels[3:8, 4:10, kept - 1], strict=True
        )


def test_palettes_become_colour_or_gray(tmp_path: Path) -> None:
    colours = np.array([[255, 0, 0], [0, 255, 7], [9, 9, 9]], np.uint8)
    grays = np.array([[0, 0, 0], [77, 77, 77], [255, 255, 255]], np.uint8)
    indices = np.random.default_rng(0).integers(0, 3, (12, 13), dtype=np.uint8)
    for name, palette in (("colours", colours), ("grays", grays)):
        image = Image.fromarray(indices, mode="P")
        image.putpalette(palette.tobytes())
        image.save(tmp_path / f"{name}.png", transparency=0)
        with png_jpeg.open_rois(tmp_path / f"{name}.png") as [roi]:
            assert roi.is_rgb == (name == "colours")
            expected = np.moveaxis(palette[indices], -1, 0)
            np.testing.assert_array_equal(whole(roi), expected if roi.is_rgb else expected[:1])
            assert codes(roi)[0] == "N-READ-100"


def test_one_bit_is_black_and_white(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).random((9, 11)) > 0.5
    with png_jpeg.open_rois(save(tmp_path / "a.png", pixels)) as [roi]:
        np.testing.assert_array_equal(whole(roi)[0], pixels * np.uint8(255), strict=True)


@pytest.mark.parametrize("samples", [1, 3])
def test_jpeg_as_libjpeg_decodes_it(tmp_path: Path, samples: int) -> None:
    pixels = some_pixels((40, 50, 3), "uint8")[:, :, :samples].squeeze()
    path = save(tmp_path / "a.jpg", pixels, quality=90)
    with png_jpeg.open_rois(path) as [roi]:
        expected = imagecodecs.jpeg8_decode(path.read_bytes()).reshape(40, 50, samples)
        np.testing.assert_array_equal(whole(roi), np.moveaxis(expected, -1, 0))
        assert roi.format == "JPEG"
        assert roi.is_rgb == (samples == 3)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_orientation_is_told_and_not_applied(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = np.tile(np.arange(0, 240, 10, dtype=np.uint8), (16, 1))
    path = save(tmp_path / f"a.{suffix}", pixels, exif=exif)
    with png_jpeg.open_rois(path) as [roi]:
        assert (roi.size.height, roi.size.width) == (16, 24)
        assert np.abs(whole(roi)[0].astype(int) - pixels).max() <= 3
        assert codes(roi)[0] == "W-READ-101"
        assert "orientation 6" in roi.problems[0].what


@pytest.mark.parametrize(
    ("dpi", "mpp", "code"),
    [
        ((72, 72), None, "E-MPP-002"),
        ((300, 300), None, "E-MPP-002"),
        ((50_800, 50_800), 0.5, None),
        ((50_800, 25_400), None, "E-MPP-003"),
        (None, None, "E-MPP-001"),
    ],
)
def test_dots_per_inch(tmp_path: Path, dpi: tuple[int, int] | None, mpp: float | None, code: str | None) -> None:
    options = {"dpi": dpi} if dpi else {}
    with png_jpeg.open_rois(save(tmp_path / "a.png", some_pixels((9, 9), "uint8"), **options)) as [roi]:
        assert roi.pixel_size == (PixelSize(mpp, "PNG dots per inch") if mpp else None)
        assert codes(roi) == ([code] if code else [])


def test_further_pictures_are_told(tmp_path: Path) -> None:
    first, second = (Image.fromarray(some_pixels((9, 9, 3), "uint8", seed)) for seed in (1, 2))
    first.save(tmp_path / "a.png", save_all=True, append_images=[second])
    with png_jpeg.open_rois(tmp_path / "a.png") as [roi]:
        assert codes(roi)[0] == "W-READ-102"
        np.testing.assert_array_equal(whole(roi), np.moveaxis(np.asarray(first), -1, 0))


def test_device_colours_are_refused(tmp_path: Path) -> None:
    Image.new("CMYK", (9, 9)).save(tmp_path / "a.jpg")
    with pytest.raises(UnreadableFileError, match=r"E-READ-105.*CMYK"), png_jpeg.open_rois(tmp_path / "a.jpg"):
        pass


def test_decompression_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    content = bytearray(imagecodecs.png_encode(np.zeros((4, 4), np.uint8)))
    content[16:24] = np.array([40_000, 40_000], ">u4").tobytes()
    content[29:33] = crc_of(bytes(content[12:29]))
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UnreadableFileError, match="E-READ-106"), png_jpeg.open_rois(tmp_path / "a.png"):
        pass


def crc_of(chunk: bytes) -> bytes:
    return zlib.crc32(chunk).to_bytes(4, "big")


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_truncated(tmp_path: Path, suffix: str, dtype: str) -> None:
    pixels = some_pixels((60, 70, 3), dtype)
    content = imagecodecs.png_encode(pixels) if suffix == "png" else imagecodecs.jpeg8_encode(pixels.astype("uint8"))
    path = tmp_path / f"a.{suffix}"
    for share in (0.01, 0.1, 0.5, 0.9):
        path.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(UnreadableFileError), png_jpeg.open_rois(path) as [roi]:
            whole(roi)


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"II*\0")
    assert not png_jpeg.can_read(tmp_path / "a.png")
    assert not png_jpeg.can_read(tmp_path)
    assert not png_jpeg.can_read(tmp_path / "absent.png")


@pytest.mark.realdata
def test_real_ihc_picture(sample_data: Path) -> None:
    path = sample_data / "ihc-skimage" / "ihc.png"
    with png_jpeg.open_rois(path) as [roi]:
        assert roi.is_rgb and (roi.size.height, roi.size.width) == (512, 512)
        np.testing.assert_array_equal(whole(roi), np.moveaxis(imagecodecs.png_decode(path.read_bytes()), -1, 0))
        assert roi.pixel_size is None
