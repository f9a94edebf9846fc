"""Acquisitions of .mcd files against readimc, against the numbers they were made of, and against damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from readimc import MCDFile

from spora_build.errors import UnreadableFileError
from spora_build.model.geometry import PixelSize, Size, Window
from spora_build.model.roi import Roi
from spora_build.readers import _mcd_pixels, imc_txt, mcd
from tests.readers.imc_files import Acquisition, imc_pixels, write_mcd, write_txt


def whole(roi: Roi) -> np.ndarray:
    return roi.read(range(roi.channel_count), Window(0, 0, roi.size.height, roi.size.width))


def codes(roi: Roi) -> list[str]:
    return [problem.code for problem in roi.problems]


def test_every_acquisition_with_its_names(tmp_path: Path) -> None:
    first = Acquisition(imc_pixels(seed=1), id=1, labels=("Cytoker_651((3356))Pr141", "", "DNA", "DNA"))
    second = Acquisition(imc_pixels(channels=2, height=3, width=20, seed=2), id=2, description="Tumour core")
    with mcd.open_rois(write_mcd(tmp_path / "a.mcd", [second, first])) as rois:
        assert [roi.name for roi in rois] == ["ROI_001_1", "Tumour core_2"]
        assert rois[0].channel_names == ("Cytoker_651((3356))Pr141", "Pr142", "DNA", "DNA")
        assert rois[0].channel_tags == ("Pr141", "Pr142", "Pr143", "Pr144")
        assert rois[1].size == Size(3, 20)
        assert rois[0].pixel_size == PixelSize(1.0, "mcd AblationDistanceBetweenShots")
        assert [roi.problems for roi in rois] == [(), ()]
        for roi, made in zip(rois, (first, second), strict=True):
            assert whole(roi).dtype == np.float32
            np.testing.assert_array_equal(whole(roi), made.pixels)


@pytest.mark.parametrize("piece_bytes", [1, 300, 1 << 20])
def test_windows_whatever_the_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece_bytes: int) -> None:
    monkeypatch.setattr(_mcd_pixels, "_PIECE_BYTES", piece_bytes)
    pixels = imc_pixels(channels=5, height=13, width=17)
    with mcd.open_rois(write_mcd(tmp_path / "a.mcd", [Acquisition(pixels)])) as [roi]:
        for window in (Window(0, 0, 13, 17), Window(12, 16, 1, 1), Window(4, 3, 6, 9)):
            np.testing.assert_array_equal(roi.read([4, 0, 4], window), pixels[[4, 0, 4], *window.slices])


def test_stopped_acquisition_reads_as_zero_and_says_so(tmp_path: Path) -> None:
    pixels = imc_pixels(height=6, width=8)
    path = write_mcd(tmp_path / "a.mcd", [Acquisition(pixels, order=np.arange(3 * 8 + 5))])
    expected = pixels.copy()
    expected.reshape(4, -1)[:, 3 * 8 + 5 :] = 0
    with mcd.open_rois(path) as [roi], MCDFile(path) as oracle:
        np.testing.assert_array_equal(whole(roi), expected)
        np.testing.assert_array_equal(whole(roi), oracle.read_acquisition(oracle.slides[0].acquisitions[0]))
        for window in (Window(3, 4, 2, 4), Window(4, 0, 2, 8), Window(3, 2, 1, 2)):
            np.testing.assert_array_equal(roi.read([1], window), expected[[1], *window.slices])
        assert codes(roi) == ["W-READ-122"]
        assert "19 of its 6 × 8 pixels" in roi.problems[0].what


def test_pixels_ablated_in_another_order(tmp_path: Path) -> None:
    pixels = imc_pixels(height=6, width=8)
    order = np.random.default_rng(3).permutation(48)
    with mcd.open_rois(write_mcd(tmp_path / "a.mcd", [Acquisition(pixels, order=order)])) as [roi]:
        np.testing.assert_array_equal(whole(roi), pixels)
        np.testing.assert_array_equal(roi.read([2], Window(2, 3, 3, 4)), pixels[[2], 2:5, 3:7])


def test_pixels_outside_the_image_are_refused_when_read(tmp_path: Path) -> None:
    made = Acquisition(imc_pixels(height=6, width=8), metadata={"MaxX": "6", "MaxY": "8"})
    with mcd.open_rois(write_mcd(tmp_path / "a.mcd", [made])) as [roi], pytest.raises(UnreadableFileError) as caught:
        whole(roi)
    assert caught.value.problems[0].code == "E-READ-126"


@pytest.mark.parametrize(
    ("x", "y", "mpp", "code"),
    [
        ("0.5", "0.5", 0.5, None),
        ("1", "2", None, "E-MPP-003"),
        ("0", "0", None, "E-MPP-004"),
        ("soon", "1", None, "E-MPP-004"),
        (None, None, None, "E-MPP-001"),
    ],
)
def test_pixel_size(tmp_path: Path, x: str | None, y: str | None, mpp: float | None, code: str | None) -> None:
    steps = {"AblationDistanceBetweenShotsX": x, "AblationDistanceBetweenShotsY": y}
    with mcd.open_rois(write_mcd(tmp_path / "a.mcd", [Acquisition(imc_pixels(), metadata=steps)])) as [roi]:
        assert (roi.pixel_size.mpp if roi.pixel_size else None) == mpp
        assert codes(roi) == ([code] if code else [])


DAMAGE = [
    {"DataEndOffset": "0"},
    {"DataEndOffset": "999999999"},
    {"DataStartOffset": "38"},
    {"DataStartOffset": "-4"},
    {"MaxX": "2"},
    {"MaxX": "0"},
    {"MaxX": "1000000000"},
    {"ValueBytes": "8"},
    {"SegmentDataFormat": "Integer"},
    {"MaxY": None},
]


@pytest.mark.parametrize("metadata", DAMAGE, ids=str)
def test_damaged_acquisition_comes_from_its_text_file(tmp_path: Path, metadata: dict[str, str | None]) -> None:
    sound = Acquisition(imc_pixels(seed=5), id=2)
    broken = Acquisition(imc_pixels(seed=4), id=1, metadata=metadata)
    path = write_mcd(tmp_path / "a.mcd", [broken, sound])
    write_txt(tmp_path / "a_ROI_001_1.txt", broken)
    with mcd.open_rois(path) as rois:
        assert [codes(roi) for roi in rois] == [["W-READ-127"], []]
        assert rois[0].pixel_size == rois[1].pixel_size
        assert rois[0].channel_names == rois[1].channel_names
        np.testing.assert_array_equal(whole(rois[0]), broken.pixels)


@pytest.mark.parametrize("metadata", DAMAGE, ids=str)
def test_damaged_acquisition_without_text_file(tmp_path: Path, metadata: dict[str, str | None]) -> None:
    sound, broken = Acquisition(imc_pixels(), id=2), Acquisition(imc_pixels(), id=1, metadata=metadata)
    with mcd.open_rois(write_mcd(tmp_path / "a.mcd", [broken, sound])) as [roi]:
        assert roi.name == "ROI_001_2"
        assert codes(roi) == ["W-READ-128"]
    write_mcd(tmp_path / "b.mcd", [broken])
    with pytest.raises(UnreadableFileError), mcd.open_rois(tmp_path / "b.mcd"):
        pass


def test_cut_off_anywhere_is_one_typed_error(tmp_path: Path) -> None:
    content = write_mcd(tmp_path / "a.mcd", [Acquisition(imc_pixels())]).read_bytes()
    end = content.rfind("</MCDSchema>".encode("utf-16-le"))
    cut = tmp_path / "cut.mcd"
    (tmp_path / "cut_ROI_001_1.txt").write_text("")
    for length in [0, 1, 30, 900, *range(1000, end, 397), end, end + 23]:
        cut.write_bytes(content[:length])
        assert mcd.can_read(cut)
        with pytest.raises(UnreadableFileError, match=r"cut_ROI_001_1\.txt"), mcd.open_rois(cut):
            pass


@pytest.mark.parametrize("seed", range(25))
def test_random_damage_to_the_description_is_typed(tmp_path: Path, seed: int) -> None:
    content = bytearray(write_mcd(tmp_path / "a.mcd", [Acquisition(imc_pixels())]).read_bytes())
    start = content.rfind("<MCDSchema".encode("utf-16-le"))
    random = np.random.default_rng(seed)
    for place in random.integers(start, len(content), 3):
        content[place] = random.integers(0, 256)
    (tmp_path / "a.mcd").write_bytes(content)
    try:
        with mcd.open_rois(tmp_path / "a.mcd") as rois:
            for roi in rois:
                whole(roi)
    except UnreadableFileError:
        pass


def test_entities_are_refused(tmp_path: Path) -> None:
    path = write_mcd(tmp_path / "a.mcd", [Acquisition(imc_pixels())], extra_xml="<Slide><ID>&lol;</ID></Slide>")
    with pytest.raises(UnreadableFileError), mcd.open_rois(path):
        pass
    bomb = "<!DOCTYPE MCDSchema [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;'>]>"
    path.write_bytes(("<MCDSchema" + bomb + "><ID>&b;</ID></MCDSchema>").encode("utf-16-le"))
    with pytest.raises(UnreadableFileError), mcd.open_rois(path):
        pass


def test_only_mcd_files(tmp_path: Path) -> None:
    (tmp_path / "folder.mcd").mkdir()
    (tmp_path / "a.txt").write_text("no")
    assert not mcd.can_read(tmp_path / "folder.mcd")
    assert not mcd.can_read(tmp_path / "a.txt")
    assert not mcd.can_read(tmp_path / "absent.mcd")


@pytest.mark.realdata
@pytest.mark.parametrize("number", [1, 2])
def test_real_file_equals_readimc_and_its_text_files(sample_data: Path, number: int) -> None:
    stem = f"20210305_NE_mockData{number}"
    path = sample_data / "imc-bodenmiller" / "raw" / stem / f"{stem}.mcd"
    with mcd.open_rois(path) as rois, MCDFile(path) as oracle:
        assert len(rois) == 3
        for roi, acquisition in zip(rois, oracle.slides[0].acquisitions, strict=True):
            assert whole(roi).tobytes() == np.ascontiguousarray(oracle.read_acquisition(acquisition)).tobytes()
            assert roi.channel_names == tuple(acquisition.channel_labels)
            assert roi.pixel_size is not None and roi.pixel_size.mpp == 1.0
            with imc_txt.open_rois(path.with_name(f"{stem}_{roi.name}.txt")) as [text]:
                assert text.channel_names == roi.channel_names
                assert text.channel_tags == roi.channel_tags
                np.testing.assert_allclose(whole(text), whole(roi), rtol=0, atol=0.0005)
