"""Zeiss CZI files, written by Zeiss's library."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spora_build.errors import UnreadableFileError
from spora_build.model.geometry import PixelSize, Size, Window
from spora_build.readers import czi, find_reader
from tests.readers.czi_files import add_level, write_czi
from tests.readers.sample_makers import some_pixels


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_scenes_channels_and_pixel_size(tmp_path: Path, dtype: str) -> None:
    one, two = some_pixels((3, 130, 170), dtype), some_pixels((3, 40, 30), dtype, seed=1)
    path = write_czi(tmp_path / "slide.czi", [((-20, -50), one), ((900, 1000), two)])
    found = find_reader(path)
    assert found is not None and found.__name__ == czi.__name__
    with czi.open_rois(path) as rois:
        assert [(roi.name, roi.size) for roi in rois] == [("scene 1", Size(130, 170)), ("scene 2", Size(40, 30))]
        for roi, pixels in zip(rois, (one, two), strict=True):
            assert roi.channel_names == ("DAPI", "CD3", "CD8")
            assert (roi.dtype, roi.is_rgb) == (np.dtype(dtype), False)
            assert roi.pixel_size == PixelSize(0.325, "CZI Scaling")
            np.testing.assert_array_equal(roi.read([0, 1, 2], Window(0, 0, *pixels.shape[1:])), pixels)
        np.testing.assert_array_equal(rois[0].read([2, 0], Window(70, 90, 33, 41)), one[[2, 0], 70:103, 90:131])


def test_colours_are_red_green_blue_and_unscanned_glass_is_white(tmp_path: Path) -> None:
    picture = some_pixels((64, 96, 3), "uint8")
    path = write_czi(tmp_path / "he.czi", [((0, 0), picture), ((0, 300), picture)], tile=(64, 48), names=())
    with czi.open_rois(path) as rois:
        assert len(rois) == 2
        assert rois[0].is_rgb and rois[0].channel_names == ()
        np.testing.assert_array_equal(rois[1].read([0, 1, 2], Window(0, 0, 64, 96)), np.moveaxis(picture, -1, 0))
        gap = replace(rois[0].source, scene=None)  # type: ignore[type-var]
        assert (gap.read([0, 1, 2], Window(0, 96, 64, 204)) == 255).all()


def test_only_full_resolution_is_read(tmp_path: Path) -> None:
    pixels = some_pixels((1, 110, 154), "uint16") | 1
    path = tmp_path / "pyramid.czi"
    add_level(path, ((5, 7), pixels), (55, 77))
    with czi.open_rois(path) as [roi]:
        np.testing.assert_array_equal(roi.read([0], Window(0, 0, 110, 154)), pixels)
        assert roi.block == Size(110, 154)


@pytest.mark.parametrize(("mpp", "code"), [(None, "E-MPP-001"), (352.8, "E-MPP-002"), (0.0, "E-MPP-004")])
def test_pixel_sizes_that_are_none(tmp_path: Path, mpp: float | None, code: str) -> None:
    path = write_czi(tmp_path / "a.czi", [((0, 0), some_pixels((3, 20, 20), "uint8"))], mpp=mpp)
    with czi.open_rois(path) as [roi]:
        assert roi.pixel_size is None
        assert [problem.code for problem in roi.problems] == [code]


def test_channels_without_names(tmp_path: Path) -> None:
    path = write_czi(tmp_path / "a.czi", [((0, 0), some_pixels((2, 20, 20), "uint8"))], names=())
    with czi.open_rois(path) as [roi]:
        assert (roi.channel_count, roi.channel_names) == (2, ())


def test_a_stack_of_slices_is_refused(tmp_path: Path) -> None:
    path = write_czi(tmp_path / "a.czi", [((0, 0), some_pixels((3, 20, 20), "uint8"))], z=(0, 1, 2))
    with czi.open_rois(path) as [roi]:
        assert [problem.code for problem in roi.problems] == ["E-TIFF-003"]
        with pytest.raises(UnreadableFileError, match="3 × Z"):
            roi.read([0], Window(0, 0, 1, 1))


def test_missing_package_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_czi(tmp_path / "a.czi", [((0, 0), some_pixels((3, 20, 20), "uint8"))])
    (tmp_path / "pylibCZIrw.py").write_text("raise ImportError")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert czi.can_read(path)
    with pytest.raises(UnreadableFileError, match=r"spora-build\[czi\]"), czi.open_rois(path):
        pass


@pytest.mark.parametrize(("axis", "value"), [(b"C", 1_946_321_408), (b"X", 1_900_000_000)])
def test_a_tile_where_none_can_be_is_refused_at_once(tmp_path: Path, axis: bytes, value: int) -> None:
    path = write_czi(tmp_path / "a.czi", [((0, 0), some_pixels((3, 20, 20), "uint8"))])
    content = path.read_bytes()
    old = struct.pack("<4si", axis, 2 if axis == b"C" else 0)
    before, found, after = content.rpartition(old)  # the last entry of the directory
    assert found
    path.write_bytes(before + struct.pack("<4si", axis, value) + after)
    with pytest.raises(UnreadableFileError, match="E-READ-171"), czi.open_rois(path):
        pass


def test_a_tile_that_claims_more_than_the_file_holds_is_refused(tmp_path: Path) -> None:
    """libCZI would ask for as much memory, and crash where it gets none."""
    path = write_czi(tmp_path / "a.czi", [((0, 0), some_pixels((3, 200, 20), "uint8"))])
    content = bytearray(path.read_bytes())
    at = content.index(b"ZISRAWSUBBLOCK") + 40
    content[at : at + 8] = struct.pack("<q", 1 << 40)
    path.write_bytes(content)
    with czi.open_rois(path) as [roi]:
        roi.read([0], Window(100, 0, 100, 20))
        with pytest.raises(UnreadableFileError, match="E-READ-171"):
            roi.read([0], Window(0, 0, 1, 1))
