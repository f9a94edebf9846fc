"""Files written by instruments and other people's software, against tifffile's own decode of the pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from spora_build.errors import UnreadableFileError
from spora_build.model.geometry import Window
from spora_build.readers import open_labels, open_rois

pytestmark = pytest.mark.realdata


class Real(NamedTuple):
    """What a file is known to be."""

    file: str
    format: str
    pages: int
    mpp: float | None = None
    is_rgb: bool = False
    names: tuple[str, ...] = ()


INFORM = "inform-fihc4/FIHC4__0929309_HP_IM3_2_component_data.tif"
FILES = [
    Real("codex-crop/input.tiff", "TIFF", 5),
    Real("codex-crop/image.tiff", "TIFF", 5),
    Real("mif-csm/ABCM22001_B09_MiniCrop.tif", "TIFF", 7),
    Real("mif-csm/ABCM22001_B14_MiniCrop.tif", "TIFF", 7),
    Real("mif-csm/HE1_TEST.tiff", "TIFF", 1, is_rgb=True),
    Real(INFORM, "inForm component data", 5, 0.49715, names=("Alexa 594", "Cy3", "Cy5", "DAPI", "FITC")),
    Real("svs-cmu/cmu-1-small-region.svs", "Aperio SVS", 1, 0.499, is_rgb=True),
    Real("ome-instanseg/HE_example.tif", "OME-TIFF", 1, 0.50008, is_rgb=True),
    Real("ome-instanseg/Fluorescence_example.tif", "ImageJ TIFF", 2),
    Real("ome-viv/multi-tiff/Channel_0.tif", "ImageJ TIFF", 1),
    *[
        Real(f"imc-bodenmiller/steinbock/img/20210305_NE_mockData{slide}_00{n}.tiff", "ImageJ TIFF", 5)
        for slide in (1, 2)
        for n in (1, 2, 3)
    ],
]


def decoded(path: Path, pages: int) -> NDArray[Any]:
    """The first pages as tifffile decodes them, channels first, without alpha."""
    with tifffile.TiffFile(path) as file:
        arrays = [file.pages[index].asarray() for index in range(pages)]
    return np.moveaxis(arrays[0], -1, 0)[:3] if arrays[0].ndim == 3 else np.stack(arrays)


@pytest.mark.parametrize("real", FILES, ids=lambda real: Path(real.file).name)
def test_file(real: Real, sample_data: Path) -> None:
    path = sample_data / real.file
    expected = decoded(path, real.pages)
    with open_rois(path) as (roi,):
        assert (roi.format, roi.is_rgb, roi.channel_names) == (real.format, real.is_rgb, real.names)
        assert (roi.pixel_size.mpp if roi.pixel_size else None) == real.mpp
        size = roi.size
        pixels = roi.read(range(roi.channel_count), Window(0, 0, size.height, size.width))
        assert pixels.dtype == expected.dtype.newbyteorder("=")
        np.testing.assert_array_equal(pixels, expected)
        part = Window(size.height // 3, size.width // 4, size.height // 2, size.width // 2)
        np.testing.assert_array_equal(roi.read(range(roi.channel_count), part), expected[:, *part.slices])


@pytest.mark.parametrize("file", ["multifile.companion.ome", *[f"multifile-Z{n}.ome.tiff" for n in range(1, 6)]])
def test_set_of_files(file: str, sample_data: Path) -> None:
    folder = sample_data / "ome-viv"
    expected = np.stack([tifffile.imread(folder / f"multifile-Z{n}.ome.tiff", is_ome=False) for n in range(1, 6)])
    with open_rois(folder / file) as (roi,):
        assert roi.name == "multifile"
        np.testing.assert_array_equal(roi.read(range(5), Window(0, 0, 24, 18)), expected)


def test_negative_values_are_refused(sample_data: Path) -> None:
    path = sample_data / "ome-viv" / "multi-channel.ome.tif"
    expected = decoded(path, 3)
    with open_rois(path) as (roi,), pytest.raises(UnreadableFileError, match="E-READ-010"):
        roi.read(range(3), Window(0, 0, 167, 439))
    with open_labels(path) as (roi,):
        np.testing.assert_array_equal(roi.read(range(3), Window(0, 0, 167, 439)), expected)


def test_label_mask_keeps_its_integers(sample_data: Path) -> None:
    path = sample_data / "codex-crop" / "segmentation.tiff"
    with open_labels(path) as (roi,):
        assert roi.dtype == np.dtype("int64")
        labels = roi.read([0], Window(0, 0, 101, 101))
    np.testing.assert_array_equal(labels, decoded(path, 1))
    assert len(np.unique(labels)) == 57
