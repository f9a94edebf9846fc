"""A folder of one TIFF per channel: names, order, odd files, clutter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from spora_build.errors import UnreadableFileError
from spora_build.model.geometry import Size, Window
from spora_build.model.roi import Roi
from spora_build.readers import find_reader, tiff_folder
from tests.readers.sample_makers import some_pixels


def write_channels(
    folder: Path, names: list[str], shape: tuple[int, int] = (40, 30), dtype: str = "uint8"
) -> np.ndarray:
    folder.mkdir(parents=True, exist_ok=True)
    pixels = some_pixels((len(names), *shape), dtype)
    for name, plane in zip(names, pixels, strict=True):
        tifffile.imwrite(folder / name, plane, metadata=None)
    return pixels


def whole(roi: Roi) -> np.ndarray:
    return roi.read(range(roi.channel_count), Window(0, 0, roi.size.height, roi.size.width))


def test_channels_are_named_after_files_in_natural_order(tmp_path: Path) -> None:
    pixels = write_channels(tmp_path / "fov1", ["Ch_10.tif", "Ch_2.tiff", "cd45.ome.tif", "CD3 (a).TIF"])
    with tiff_folder.open_rois(tmp_path / "fov1") as [roi]:
        assert roi.channel_names == ("CD3 (a)", "cd45", "Ch_2", "Ch_10")
        assert roi.size == Size(40, 30)
        assert not roi.is_rgb
        np.testing.assert_array_equal(whole(roi), pixels[[3, 2, 1, 0]])
        np.testing.assert_array_equal(roi.read([2, 0, 2], Window(5, 6, 7, 8)), pixels[[1, 3, 1], 5:12, 6:14])
        assert [problem.code for problem in roi.problems] == ["E-MPP-001"]
        assert roi.problems[0].place.file == "fov1"


def test_subfolder_and_clutter(tmp_path: Path) -> None:
    fov = tmp_path / "fov1"
    pixels = write_channels(fov / "TIFs", ["CD3.tif", "CD8.tif"])
    (fov / "notes.txt").write_text("x")
    (fov / "TIFs" / "._CD3.tif").write_bytes(b"II*\0")
    (fov / "TIFs" / "Thumbs.db").write_bytes(b"x")
    (fov / "TIFs" / "words.tif").write_bytes(b"no TIFF at all")
    found = find_reader(fov)
    assert found is not None and found.__name__ == tiff_folder.__name__
    with found.open_rois(fov) as [roi]:
        assert roi.channel_names == ("CD3", "CD8")
        np.testing.assert_array_equal(whole(roi), pixels)


def test_odd_files_are_named(tmp_path: Path) -> None:
    write_channels(tmp_path, ["a.tif", "b.tif", "c.tif"])
    write_channels(tmp_path, ["odd.tif"], shape=(41, 30))
    with pytest.raises(UnreadableFileError) as caught, tiff_folder.open_rois(tmp_path):
        pass
    assert caught.value.problems[0].code == "E-READ-114"
    assert "'odd.tif' (41 × 30)" in caught.value.problems[0].what
    assert "'a.tif'" not in caught.value.problems[0].what
    write_channels(tmp_path, ["odd.tif"], dtype="uint16")
    with (
        pytest.raises(UnreadableFileError, match=r"E-READ-115.*'odd\.tif' \(uint16\)"),
        tiff_folder.open_rois(tmp_path),
    ):
        pass


@pytest.mark.parametrize(
    ("name", "shape", "code"), [("rgb.tif", (8, 9, 3), "E-READ-113"), ("stack.tif", (5, 8, 9), "E-READ-113")]
)
def test_only_single_planes(tmp_path: Path, name: str, shape: tuple[int, ...], code: str) -> None:
    write_channels(tmp_path, ["a.tif", "b.tif"], shape=(8, 9))
    tifffile.imwrite(tmp_path / name, np.zeros(shape, np.uint8))
    with pytest.raises(UnreadableFileError, match=f"{code}.*{name}"), tiff_folder.open_rois(tmp_path):
        pass


def test_one_name_twice(tmp_path: Path) -> None:
    write_channels(tmp_path, ["CD3.tif", "cd3.tiff"])
    with pytest.raises(UnreadableFileError, match="E-READ-112"), tiff_folder.open_rois(tmp_path):
        pass


def test_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiff_folder, "MAX_CHANNELS", 3)
    write_channels(tmp_path, ["1.tif", "2.tif", "3.tif", "4.tif"])
    with pytest.raises(UnreadableFileError, match="E-READ-111"), tiff_folder.open_rois(tmp_path):
        pass


def test_damaged_member(tmp_path: Path) -> None:
    write_channels(tmp_path, ["a.tif", "b.tif"])
    content = (tmp_path / "b.tif").read_bytes()
    for length in (4, 8, 60, len(content) - 9):
        (tmp_path / "b.tif").write_bytes(content[:length])
        with pytest.raises(UnreadableFileError), tiff_folder.open_rois(tmp_path) as [roi]:
            whole(roi)


def test_pixel_size_of_all_files(tmp_path: Path) -> None:
    def write(name: str, mpp: float | None) -> None:
        options = {"resolution": (10_000 / mpp, 10_000 / mpp), "resolutionunit": 3} if mpp else {}
        tifffile.imwrite(tmp_path / name, np.zeros((4, 5), np.uint8), metadata=None, **options)

    write("a.tif", 0.5)
    write("b.tif", None)
    with tiff_folder.open_rois(tmp_path) as [roi]:
        assert roi.pixel_size is not None and roi.pixel_size.mpp == 0.5
        assert roi.problems == ()
    write("c.tif", 0.4)
    with tiff_folder.open_rois(tmp_path) as [roi]:
        assert roi.pixel_size is None
        assert [problem.code for problem in roi.problems] == ["E-MPP-008"]
    for name, mpp in (("a.tif", 0.39), ("b.tif", 0.39), ("c.tif", 0.39)):
        metadata = {"axes": "YX", "PhysicalSizeX": mpp, "PhysicalSizeY": mpp}
        tifffile.imwrite(tmp_path / name, np.zeros((4, 5), np.uint8), ome=True, metadata=metadata)
    with tiff_folder.open_rois(tmp_path) as [roi]:
        assert roi.pixel_size is not None and roi.pixel_size.mpp == 0.39


def test_folders_that_are_no_image(tmp_path: Path) -> None:
    assert not tiff_folder.can_read(tmp_path)
    write_channels(tmp_path, ["a.tif"])
    assert not tiff_folder.can_read(tmp_path)
    assert not tiff_folder.can_read(tmp_path / "a.tif")
    slides = tmp_path / "slides"
    slides.mkdir()
    for name in ("a.tif", "b.tif"):
        tifffile.imwrite(slides / name, np.zeros((8, 9, 3), np.uint8), photometric="rgb")
    assert not tiff_folder.can_read(slides)
    stacks = tmp_path / "stacks"
    stacks.mkdir()
    for name in ("a.tif", "b.tif"):
        tifffile.imwrite(stacks / name, np.zeros((5, 8, 9), np.uint8), photometric="minisblack")
    assert not tiff_folder.can_read(stacks)
    masks = tmp_path / "masks"
    for height in (8, 9, 10):
        write_channels(masks, [f"{height}.tif"], shape=(height, 9))
    assert not tiff_folder.can_read(masks)


def test_a_single_odd_file_is_left_to_open_rois(tmp_path: Path) -> None:
    write_channels(tmp_path, ["a.tif", "b.tif", "c.tif"])
    write_channels(tmp_path, ["odd.tif"], shape=(41, 30))
    assert tiff_folder.can_read(tmp_path)


@pytest.mark.realdata
def test_real_folder(sample_data: Path) -> None:
    folder = sample_data / "ome-viv" / "multi-tiff"
    assert tiff_folder.can_read(folder)
    with tiff_folder.open_rois(folder) as [roi]:
        assert roi.channel_names == ("Channel_0", "Channel_1", "Channel_2")
        expected = np.stack([tifffile.imread(folder / f"Channel_{index}.tif") for index in range(3)])
        np.testing.assert_array_equal(whole(roi), expected)
