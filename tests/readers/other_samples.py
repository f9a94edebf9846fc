"""Sample files of the readers that are no TIFF readers, for ``SAMPLES`` in ``sample_makers.py``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

from tests.readers.czi_files import write_czi
from tests.readers.imc_files import Acquisition, imc_pixels, write_mcd, write_txt
from tests.readers.vms_files import write_vms
from tests.readers.zarr_files import write_ome_zarr

Made = tuple[Path, NDArray[Any]]


def random_pixels(shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    """Pixels that differ from their neighbours."""
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype=dtype)


def png_jpeg(folder: Path) -> Made:
    """A picture of 16 bits per colour, with alpha."""
    pixels = random_pixels((70, 90, 4), "uint16")
    (folder / "picture.png").write_bytes(imagecodecs.png_encode(pixels))
    return folder / "picture.png", np.moveaxis(pixels[:, :, :3], -1, 0)


def tiff_folder(folder: Path) -> Made:
    """Four channels beside a text file."""
    pixels = random_pixels((4, 60, 50), "uint8")
    for name, plane in zip(["CD3", "CD8", "CD20", "CD45"], pixels, strict=True):
        tifffile.imwrite(folder / f"{name}.tif", plane, metadata=None, compression="zlib", rowsperstrip=16)
    (folder / "notes.txt").write_text("not a channel")
    return folder, pixels


def mcd(folder: Path) -> Made:
    """Two acquisitions; the second has another size."""
    first = Acquisition(imc_pixels(channels=5, height=40, width=33))
    second = Acquisition(imc_pixels(channels=2, height=9, width=8), id=2)
    return write_mcd(folder / "slide.mcd", [first, second]), first.pixels


def imc_txt(folder: Path) -> Made:
    """Five channels; cut between two lines it would be a shorter acquisition, which the contract does not try."""
    acquisition = Acquisition(imc_pixels(channels=5, height=40, width=31))
    return write_txt(folder / "slide_ROI_001_1.txt", acquisition), acquisition.pixels


def ome_zarr(folder: Path) -> Made:
    """Three channels and a smaller level, Zarr format 3 with shards."""
    pixels = random_pixels((3, 90, 70), "uint16")
    channels = {"channels": [{"label": name} for name in ("DAPI", "CD3", "CD8")]}
    path = write_ome_zarr(folder / "image.ome.zarr", pixels, chunks=(3, 16, 16), shards=(3, 64, 64), omero=channels)
    return path, pixels


def openslide_slides(folder: Path) -> Made:
    """A Hamamatsu slide of one JPEG with restart markers, which only OpenSlide reads."""
    path = write_vms(folder, np.kron(random_pixels((16, 32, 3), "uint8"), np.ones((16, 16, 1), np.uint8)))
    return path, np.moveaxis(imagecodecs.jpeg8_decode((folder / "slide.jpg").read_bytes()), -1, 0)


def czi(folder: Path) -> Made:
    """Three channels in four tiles on a slide whose corner is not at 0, and a second scene of another size."""
    pixels = random_pixels((3, 130, 170), "uint16")
    path = write_czi(folder / "slide.czi", [((-20, -50), pixels), ((900, 1000), pixels[:, :40, :30])], tile=(80, 100))
    return path, pixels


OTHER_SAMPLES: dict[str, Callable[[Path], Made]] = {
    "czi": czi,
    "imc_txt": imc_txt,
    "mcd": mcd,
    "ome_zarr": ome_zarr,
    "openslide_slides": openslide_slides,
    "png_jpeg": png_jpeg,
    "tiff_folder": tiff_folder,
}
