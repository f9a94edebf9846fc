"""Slide scanners and spectral imagers: one scan, its pixel size and names, and nothing else of the file."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import tifffile

from spora_build.errors import UnreadableFileError
from spora_build.model.geometry import Window
from spora_build.readers import find_reader, mibi, ndpi, philips, qptiff, scn, svs, ventana
from tests.readers import slide_makers
from tests.readers.sample_makers import SAMPLES, some_pixels

MPP = {mibi: 0.39062, ndpi: 0.46, philips: 0.251, qptiff: 0.5077, scn: 0.5, svs: 0.499, ventana: 0.2325}


@pytest.mark.parametrize("reader", MPP)
def test_one_scan_with_its_pixel_size(reader: ModuleType, tmp_path: Path) -> None:
    sample = SAMPLES[reader.__name__.rpartition(".")[2]](tmp_path)
    with reader.open_rois(sample.path) as rois:
        (roi,) = rois
        assert roi.pixel_size is not None
        assert roi.pixel_size.mpp == MPP[reader]
        assert roi.problems == ()
        assert roi.is_rgb == (reader not in {mibi, qptiff})
        pixels = roi.read(range(roi.channel_count), Window(0, 0, roi.size.height, roi.size.width))
        assert not np.all(pixels == slide_makers.FORBIDDEN, axis=(1, 2)).any()
        np.testing.assert_array_equal(pixels, sample.expected)


@pytest.mark.parametrize("reader", MPP)
def test_nothing_of_the_header_but_names_crosses_over(reader: ModuleType, tmp_path: Path) -> None:
    """Names of slides and operators stay behind."""
    sample = SAMPLES[reader.__name__.rpartition(".")[2]](tmp_path)
    with reader.open_rois(sample.path) as (roi,):
        assert roi.name == ""
        assert "secret" not in repr((roi.name, roi.channel_names, roi.problems, roi.format))


def test_a_file_called_svs_is_judged_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "a.svs").write_text("no image")
    assert find_reader(tmp_path / "a.svs") is None
    slide_makers.write_svs(tmp_path / "b.tif")
    found = find_reader(tmp_path / "b.tif")
    assert found is not None
    assert found.__name__ == svs.__name__


@pytest.mark.parametrize(("reader", "name"), [(svs, "a.svs"), (ndpi, "a.ndpi"), (scn, "a.scn")])
def test_focus_stacks_are_refused(reader: ModuleType, name: str, tmp_path: Path) -> None:
    if reader is scn:
        slide_makers.write_scn(tmp_path / name, slices=3)
    elif reader is ndpi:
        slide_makers.write_ndpi(tmp_path / name, focal_planes=3)
    else:
        slide_makers.write_svs(tmp_path / name, focal_planes=3)
    with reader.open_rois(tmp_path / name) as (roi,):
        assert roi.problems[0].code == "E-TIFF-003"
        assert "3 × Z" in roi.problems[0].what
        with pytest.raises(UnreadableFileError):
            roi.read([0], Window(0, 0, 1, 1))


@pytest.mark.parametrize(("mpp", "code"), [("0", "E-MPP-004"), ("352.8", "E-MPP-002"), ("?", "E-MPP-001")])
def test_aperio_sizes_are_judged(mpp: str, code: str, tmp_path: Path) -> None:
    slide_makers.write_svs(tmp_path / "a.svs", mpp=mpp)
    with svs.open_rois(tmp_path / "a.svs") as (roi,):
        assert roi.pixel_size is None
        assert [problem.code for problem in roi.problems] == [code]


def test_qptiff_names_biomarker_before_fluorophore(tmp_path: Path) -> None:
    pixels = some_pixels((3, 150, 140), "uint8")
    slide_makers.write_qptiff(tmp_path / "a.qptiff", pixels, [("DAPI", ""), ("Opal 520", "CD3"), ("", "CD8")])
    with qptiff.open_rois(tmp_path / "a.qptiff") as (roi,):
        assert roi.channel_names == ("DAPI", "CD3", "CD8")
        assert roi.format == "QPTIFF"
        assert roi.modality_hint == "codex"


def test_mibi_names(tmp_path: Path) -> None:
    sample = SAMPLES["mibi"](tmp_path)
    with mibi.open_rois(sample.path) as (roi,):
        assert roi.channel_names == ("dsDNA", "CD45", "CD3")
        assert roi.modality_hint == "mibi"


def test_overlapping_tiles_are_refused(tmp_path: Path) -> None:
    slide_makers.write_bif(tmp_path / "a.bif", overlap=17)
    with pytest.raises(UnreadableFileError, match="stitched"), ventana.open_rois(tmp_path / "a.bif"):
        pass


def test_glass_that_philips_did_not_scan_is_white(tmp_path: Path) -> None:
    expected = slide_makers.write_philips(tmp_path / "a.tiff")
    with tifffile.TiffFile(tmp_path / "a.tiff", mode="r+") as file:
        counts = file.pages[0].tags[325]
        counts.overwrite([0, *counts.value[1:]])
    expected[:, :64, :64] = 255
    with philips.open_rois(tmp_path / "a.tiff") as (roi,):
        np.testing.assert_array_equal(roi.read(range(3), Window(0, 0, 192, 320)), expected)
