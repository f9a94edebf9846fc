"""Files that instruments and other programs wrote: converted, and equal to what other libraries decode, bit for bit."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, NamedTuple

import imagecodecs
import numpy as np
import pytest
import readimc
import tifffile
import zarr
from numpy.typing import NDArray

from spora_build.workflows.build import build
from spora_build.workflows.convert import ConvertRequest, prepare
from spora_build.workflows.drafting.init import draft
from tests.workflows.lab_folder import fill_in

pytestmark = [pytest.mark.realdata, pytest.mark.slow]


class Case(NamedTuple):
    """Files of a raw folder, and what a person has to add to the drafted sheets beside patients."""

    files: tuple[str, ...]
    images: int
    modality: str = ""
    mpp: float | None = None


SLIDES = tuple(f"imc-bodenmiller/raw/20210305_NE_mockData{n}/20210305_NE_mockData{n}" for n in (1, 2))
CASES = {
    "mcd": Case(tuple(f"{slide}.mcd" for slide in SLIDES), 6),
    "imc txt": Case(tuple(f"{slide}_ROI_00{n}_{n}.txt" for slide in SLIDES for n in (1, 2, 3)), 6, "imc", 1.0),
    "steinbock": Case(("imc-bodenmiller/steinbock/img", "imc-bodenmiller/steinbock/panel.csv"), 6, "imc", 1.0),
    "codex": Case(("codex-crop",), 2, "codex", 0.5),
    "inform": Case(("inform-fihc4",), 1, "codex"),
    "mif": Case(("mif-csm/ABCM22001_B09_MiniCrop.tif", "mif-csm/ABCM22001_B14_MiniCrop.tif"), 2, "cycif", 0.5),
    "rgba": Case(("mif-csm/HE1_TEST.tiff",), 1, "he", 0.5),
    "svs": Case(("svs-cmu/cmu-1-small-region.svs",), 1),
    "ome he": Case(("ome-instanseg/HE_example.tif",), 1),
    "imagej": Case(("ome-instanseg/Fluorescence_example.tif",), 1, "codex", 0.5),
    "ihc": Case(("ihc-skimage/ihc.png",), 1, "ihc_FHL2", 0.5),
    "set of ome files": Case(("ome-viv",), 1, "codex", 0.5),
    "folder": Case(("ome-viv/multi-tiff",), 1, "mibi", 0.5),
}


@pytest.mark.parametrize("name", CASES)
def test_every_pixel(name: str, sample_data: Path, tmp_path: Path, key_file: Path) -> None:
    case = CASES[name]
    raw = copy(sample_data, case.files, tmp_path / "raw")
    if name == "set of ome files":  # the others of the folder have signed pixels, or are another case
        shutil.rmtree(raw / "ome-viv/multi-tiff")
        (raw / "ome-viv/multi-channel.ome.tif").unlink()
    draft(raw)
    fill_in(raw / "tissues.csv", patient="P{}", modality=case.modality, mpp="" if case.mpp is None else str(case.mpp))
    draft(raw)  # the panel, where the modality has only now been filled in
    request = ConvertRequest(
        raw=raw, out=tmp_path, name="smith2023novel", key_file=key_file, workers=1, overrides={"mpp": ["native"]}
    )
    conversion = prepare(request)
    assert not [outcome for outcome in build(conversion, request) if outcome.status == "failed"]
    images = [(tissue.tissue_id, image) for tissue in conversion.plan.tissues for image in tissue.images]
    assert len(images) == case.images
    for tissue_id, image in images:
        (stored,) = conversion.layout.root.glob(f"{image.modality.name.split('_')[0]}/**/images/{tissue_id}.ome.zarr")
        expected = decoded(image.path, image.series)[list(image.channels)]
        pixels = zarr.open_array(f"{stored}/0", mode="r")[:]
        assert pixels.dtype == expected.dtype.newbyteorder("=")
        np.testing.assert_array_equal(pixels, expected, err_msg=image.shown_name)


def copy(sample_data: Path, files: tuple[str, ...], raw: Path) -> Path:
    """The files below a new raw folder, writable."""
    for file in files:
        source = sample_data / file
        (raw / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, raw / file) if source.is_dir() else shutil.copy(source, raw / file)
    for path in (raw, *raw.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return raw


def decoded(path: Path, series: int) -> NDArray[Any]:
    """Channels first, as readimc, imagecodecs or tifffile decode the file, page by page; alpha left out."""
    if path.suffix == ".mcd":
        with readimc.MCDFile(path) as mcd:
            acquisitions = [a for slide in mcd.slides for a in slide.acquisitions]
            pixels: NDArray[Any] = mcd.read_acquisition(acquisitions[series])
            return pixels
    if path.suffix == ".txt":
        with readimc.TXTFile(path) as txt:
            return np.asarray(txt.read_acquisition())
    if path.suffix == ".png":
        return np.moveaxis(imagecodecs.png_decode(path.read_bytes()), -1, 0)
    if path.is_dir():
        return np.stack([tifffile.imread(file) for file in sorted(path.iterdir())])
    if "multifile" in path.name:
        return np.stack(
            [tifffile.imread(path.with_name(f"multifile-Z{n}.ome.tiff"), is_ome=False) for n in range(1, 6)]
        )
    with tifffile.TiffFile(path) as file:
        largest = max(page.aspage().size for page in file.pages)
        pages = [page.asarray() for page in file.pages if page.aspage().size == largest]
    return np.moveaxis(pages[0], -1, 0)[:3] if pages[0].ndim == 3 else np.stack(pages)
