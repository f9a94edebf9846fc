"""Plain TIFF: what is a channel, what is a picture, what is left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from spora_build.errors import UnreadableFileError
from spora_build.model.geometry import Window
from spora_build.model.roi import Roi
from spora_build.readers import open_rois, tiff
from tests.readers.sample_makers import some_pixels


def whole(roi: Roi) -> NDArray[Any]:
    return roi.read(range(roi.channel_count), Window(0, 0, roi.size.height, roi.size.width))


def codes(roi: Roi) -> list[str]:
    return [problem.code for problem in roi.problems if problem.code != "E-MPP-001"]


@pytest.mark.parametrize("axes", ["QYX", "IYX", "SYX", "CYX", "ZYX", "TYX"])
def test_any_single_axis_is_the_channels(tmp_path: Path, axes: str) -> None:
    pixels = some_pixels((5, 20, 30), "uint16")
    metadata = None if axes in {"QYX", "SYX"} else {"axes": axes}
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="minisblack", metadata=metadata)
    with tiff.open_rois(tmp_path / "a.tif") as (roi,):
        assert (roi.channel_count, roi.is_rgb, codes(roi)) == (5, False, [])
        np.testing.assert_array_equal(whole(roi), pixels)


def test_real_stack_is_refused_with_its_axes(tmp_path: Path) -> None:
    pixels = some_pixels((3, 2, 20, 30), "uint16")
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="minisblack", metadata={"axes": "ZCYX"})
    tifffile.imwrite(tmp_path / "b.tif", pixels, imagej=True, metadata={"axes": "ZCYX"})
    for name in ("a.tif", "b.tif"):
        with tiff.open_rois(tmp_path / name) as (roi,):
            (problem,) = [problem for problem in roi.problems if problem.code == "E-TIFF-003"]
            assert "3 × Z" in problem.what
            assert "2 × C" in problem.what
            with pytest.raises(UnreadableFileError, match="E-TIFF-003"):
                roi.read([0], Window(0, 0, 1, 1))


@pytest.mark.parametrize("axes", ["CYX", "ZYX", "TYX"])
def test_imagej_hyperstack(tmp_path: Path, axes: str) -> None:
    pixels = some_pixels((4, 20, 30), "uint16")
    labels = ["DAPI", "CD3", "CD8", "CD20"]
    tifffile.imwrite(tmp_path / "a.tif", pixels, imagej=True, metadata={"axes": axes, "Labels": labels})
    with tiff.open_rois(tmp_path / "a.tif") as (roi,):
        assert roi.channel_names == tuple(labels)
        np.testing.assert_array_equal(whole(roi), pixels)


def test_imagej_planes_behind_one_header(tmp_path: Path) -> None:
    """Stacks beyond 4 GB have one page; tifffile writes the same when told to truncate."""
    pixels = some_pixels((4, 20, 30), "uint16")
    tifffile.imwrite(tmp_path / "a.tif", pixels, imagej=True, truncate=True, metadata={"axes": "CYX"})
    tifffile.imwrite(tmp_path / "b.tif", pixels, photometric="minisblack", metadata={"truncated": True}, truncate=True)
    for name in ("a.tif", "b.tif"):
        with tifffile.TiffFile(tmp_path / name) as file:
            assert len(file.pages) == 1
        with tiff.open_rois(tmp_path / name) as (roi,):
            np.testing.assert_array_equal(whole(roi), pixels)
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-700])
        with pytest.raises(UnreadableFileError, match="promises 4 planes"), tiff.open_rois(tmp_path / name):
            pass


@pytest.mark.parametrize("photometric", ["palette", "miniswhite", "minisblack"])
def test_colour_tables_do_not_make_colour(tmp_path: Path, photometric: str) -> None:
    pixels = some_pixels((3, 20, 30), "uint8")
    table = {"colormap": np.zeros((3, 256), "uint16")} if photometric == "palette" else {}
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for plane in pixels:
            file.write(plane, photometric=photometric, metadata=None, **table)
    with tiff.open_rois(tmp_path / "a.tif") as (roi,):
        assert not roi.is_rgb
        np.testing.assert_array_equal(whole(roi), pixels)


def test_seven_samples_called_rgb_are_channels(tmp_path: Path) -> None:
    pixels = some_pixels((7, 20, 30), "uint8")
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.moveaxis(pixels, 0, -1),
        photometric="rgb",
        planarconfig="contig",
        extrasamples=["unassalpha"] * 4,
        metadata=None,
    )
    with tiff.open_rois(tmp_path / "a.tif") as (roi,):
        assert (roi.is_rgb, roi.channel_count) == (False, 7)
        np.testing.assert_array_equal(whole(roi), pixels)


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_alpha_is_left_out(tmp_path: Path, planar: str) -> None:
    pixels = some_pixels((4, 20, 30), "uint8")
    stored = np.moveaxis(pixels, 0, -1) if planar == "contig" else pixels
    tifffile.imwrite(
        tmp_path / "a.tif", stored, photometric="rgb", planarconfig=planar, extrasamples=["unassalpha"], metadata=None
    )
    with tiff.open_rois(tmp_path / "a.tif") as (roi,):
        assert roi.is_rgb
        assert codes(roi) == ["N-TIFF-020"]
        np.testing.assert_array_equal(whole(roi), pixels[:3])


def test_several_pictures_are_several_rois(tmp_path: Path) -> None:
    pictures = some_pixels((2, 20, 30, 3), "uint8")
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for picture in pictures:
            file.write(picture, photometric="rgb", metadata=None)
    with tiff.open_rois(tmp_path / "a.tif") as rois:
        assert [roi.name for roi in rois] == ["page 1", "page 2"]
        for roi, picture in zip(rois, pictures, strict=True):
            np.testing.assert_array_equal(whole(roi), np.moveaxis(picture, -1, 0))


@pytest.mark.parametrize("is_marked", [True, False])
def test_pyramid_levels_are_never_channels(tmp_path: Path, is_marked: bool) -> None:
    pixels = some_pixels((2, 101, 203), "uint8")
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for plane in pixels:
            file.write(plane, photometric="minisblack", metadata=None)
        for step in (2, 4, 8):
            for plane in pixels:
                kind = {"subfiletype": 1} if is_marked else {}
                file.write(plane[::step, ::step], photometric="minisblack", metadata=None, **kind)
    with tiff.open_rois(tmp_path / "a.tif") as (roi,):
        assert codes(roi) == ["N-TIFF-021"]
        assert "6 smaller copies" in roi.problems[0].what
        np.testing.assert_array_equal(whole(roi), pixels)


@pytest.mark.parametrize("has_small_page", [True, False])
def test_a_base_that_calls_itself_a_copy_is_the_image(tmp_path: Path, has_small_page: bool) -> None:
    pixels = some_pixels((3, 96, 112), "uint16")
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        if has_small_page:
            file.write(pixels[0, ::2, ::2], photometric="minisblack", metadata=None)
        for plane in pixels:
            file.write(plane, photometric="minisblack", metadata=None, subfiletype=1)
    with tiff.open_rois(tmp_path / "a.tif") as (roi,):
        assert codes(roi) == ["W-TIFF-024", "N-TIFF-021"][: 1 + has_small_page]
        np.testing.assert_array_equal(whole(roi), pixels)


def test_other_pages_are_left_out_with_a_warning(tmp_path: Path) -> None:
    pixels = some_pixels((2, 100, 200), "uint16")
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(np.zeros((50, 60, 3), "uint8"), photometric="rgb", metadata=None)
        for plane in pixels:
            file.write(plane, photometric="minisblack", metadata=None)
        file.write(np.zeros((100, 200), "uint8"), photometric="minisblack", metadata=None)
    with tiff.open_rois(tmp_path / "a.tif") as (roi,):
        assert codes(roi) == ["W-TIFF-022"]
        np.testing.assert_array_equal(whole(roi), pixels)


def test_names_from_page_names_and_json(tmp_path: Path) -> None:
    """MCD Viewer names channels in PageName; tifffile in its JSON."""
    pixels = some_pixels((2, 10, 12), "uint16")
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for plane, name in zip(pixels, ["CD3(Er170Di)", "CD8 (Dy162Di)"], strict=True):
            tags = [(285, "s", 0, name, True)]
            file.write(plane, photometric="minisblack", extratags=tags, metadata=None)
    with tiff.open_rois(tmp_path / "a.tif") as (roi,):
        assert roi.channel_names == ("CD3(Er170Di)", "CD8 (Dy162Di)")
    said = json.dumps({"shape": [2, 10, 12], "axes": "CYX", "Channel": {"Name": ["a", "b"]}})
    with tifffile.TiffWriter(tmp_path / "b.tif", shaped=False) as file:
        file.write(pixels, photometric="minisblack", description=said, metadata=None)
    with tiff.open_rois(tmp_path / "b.tif") as (roi,):
        assert roi.channel_names == ("a", "b")


def test_wrong_number_of_names_is_a_warning(tmp_path: Path) -> None:
    said = json.dumps({"shape": [2, 10, 12], "Channel": {"Name": ["a", "b", "c"]}})
    with tifffile.TiffWriter(tmp_path / "b.tif", shaped=False) as file:
        file.write(some_pixels((2, 10, 12), "uint8"), photometric="minisblack", description=said, metadata=None)
    with tiff.open_rois(tmp_path / "b.tif") as (roi,):
        assert roi.channel_names == ()
        assert codes(roi) == ["W-TIFF-010"]


@pytest.mark.parametrize("photometric", ["separated", "cielab"])
def test_device_colours_are_refused(tmp_path: Path, photometric: str) -> None:
    samples = 4 if photometric == "separated" else 3
    pixels = some_pixels((20, 30, samples), "uint8")
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric=photometric, planarconfig="contig", metadata=None)
    with pytest.raises(UnreadableFileError, match="colours are"), tiff.open_rois(tmp_path / "a.tif"):
        pass


def test_masks_with_idle_axes(tmp_path: Path) -> None:
    labels = some_pixels((1, 1, 1, 20, 30, 1), "int32")
    tifffile.imwrite(tmp_path / "a.tif", labels, photometric="minisblack")
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.series[0].get_axes(squeeze=False).startswith("QQQYX")
    with tiff.open_rois(tmp_path / "a.tif") as (roi,):
        assert roi.channel_count == 1
        np.testing.assert_array_equal(whole(roi)[0], labels[0, 0, 0, :, :, 0])


@pytest.mark.parametrize("form", ["imagej", "shaped", "ome"])
@pytest.mark.parametrize("names", [6, 5])
def test_cycles_and_channels_are_channels_where_a_list_names_them(tmp_path: Path, form: str, names: int) -> None:
    pixels = some_pixels((2, 3, 20, 30), "uint16")
    path = tmp_path / "stitched" / "reg001.tif"
    path.parent.mkdir()
    kind = {"imagej": {"imagej": True}, "shaped": {}, "ome": {"ome": True}}[form]
    tifffile.imwrite(path, pixels, photometric="minisblack", metadata={"axes": "TCYX"}, **kind)  # type: ignore[arg-type]
    listed = [f"marker {n}" for n in range(names)]
    (tmp_path / "channelNames.txt").write_text("\n".join(listed) + "\n\n")
    with open_rois(path) as (roi,):
        if names == 6:
            assert (roi.channel_names, roi.modality_hint) == (tuple(listed), "codex")
            np.testing.assert_array_equal(whole(roi), pixels.reshape(6, 20, 30))
        else:
            assert "E-TIFF-003" in codes(roi)


def test_channels_before_cycles_stay_refused(tmp_path: Path) -> None:
    """The list goes cycle by cycle: planes in another order would get wrong names."""
    pixels = some_pixels((2, 3, 20, 30), "uint16")
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="minisblack", metadata={"axes": "CTYX"})
    (tmp_path / "channelnames.txt").write_text("\n".join("abcdef"))
    with open_rois(tmp_path / "a.tif") as (roi,):
        assert "E-TIFF-003" in codes(roi)
