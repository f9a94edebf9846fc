"""Raw folders to measure on: made once per folder, the same for the same arguments.

Pixels are synthetic but compress and decode like real ones: smooth structures at the size of cells, dark background
around the tissue, shot noise. Large images repeat a field of 2048 pixels, which no codec of TIFF or Zarr can notice.
"""

from __future__ import annotations

import csv
import multiprocessing
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.store.mask import write_mask_bands

FIELD_PX = 2048
TILE_PX = 512
MADE_UP_PX = 1024
_HEMATOXYLIN, _EOSIN = (0.65, 0.70, 0.29), (0.07, 0.99, 0.11)
"""Optical density in red, green and blue: Ruifrok and Johnston, 2001."""


def multiplex_folder(folder: Path, channels: int, side: int, mpp: float = 0.5) -> Path:
    """One zlib-tiled OME-TIFF of uint16, one page per channel."""
    return _once(folder, lambda path: _one_image(path, "codex", channels, side, mpp))


def rgb_folder(folder: Path, side: int, mpp: float = 0.5) -> Path:
    """One H&E BigTIFF of JPEG tiles."""
    return _once(folder, lambda path: _one_image(path, "he", 3, side, mpp))


def cohort_folder(folder: Path, images: int, channels: int, height: int, width: int, kind: str) -> Path:
    """Many images at 1 µm: ``imc`` float32 counts, or another modality with uint16. Eight are distinct, the rest
    are hard links to them."""
    return _once(folder, lambda path: _cohort(path, images, channels, height, width, kind))


def made_up_image(channels: int, dtype: str, is_rgb: bool) -> NDArray[Any]:
    """(C, 1024, 1024) pixels as the files above hold them; RGB went through JPEG."""
    if is_rgb:
        import imagecodecs

        codecs: Any = imagecodecs
        field = np.ascontiguousarray(_stained_field()[:MADE_UP_PX, :MADE_UP_PX])
        jpeg = codecs.jpeg8_encode(field, level=85)
        return np.ascontiguousarray(np.moveaxis(codecs.jpeg8_decode(jpeg), 2, 0))
    return np.stack([_plane(at, MADE_UP_PX, MADE_UP_PX, np.dtype(dtype)) for at in range(channels)])


def mask_file(path: Path, side: int) -> Path:
    """A tissue mask of ``side``²: an uneven ellipse with holes, as an ``.npz``."""
    if not path.exists():
        _apart(_write_mask, path, side)
    return path


def _write_mask(path: Path, side: int) -> None:
    write_mask_bands(path, (side, side), np.dtype(bool), _mask_bands(side))


def _mask_bands(side: int) -> Iterator[NDArray[np.bool_]]:
    x = ((np.arange(side) / side - 0.5) / 0.42).astype(np.float32)
    for row in range(0, side, TILE_PX):
        y = ((np.arange(row, min(row + TILE_PX, side))[:, None] / side - 0.5) / 0.42).astype(np.float32)
        inside = np.hypot(x, y) < 1 + 0.08 * np.sin(5 * np.arctan2(y, x))
        yield inside & (np.sin(40 * x) * np.sin(30 * y) < 0.9)


def _once(folder: Path, make: Any) -> Path:
    if not folder.exists():
        unfinished = folder.with_name(folder.name + ".unfinished")
        unfinished.mkdir(parents=True)
        _apart(make, unfinished)
        unfinished.rename(folder)
    return folder


def _apart(make: Any, *args: Any) -> None:
    """In a process of its own: commands that are measured start with the peak memory of the one that starts them."""
    maker = multiprocessing.get_context("fork").Process(target=make, args=args)
    maker.start()
    maker.join()
    if maker.exitcode:
        raise RuntimeError(f"the input {args[0].name} could not be made")


def _one_image(folder: Path, modality: str, channels: int, side: int, mpp: float) -> None:
    name = "image.tif" if modality == "he" else "image.ome.tif"
    if modality == "he":
        _write_rgb(folder / name, side, mpp)
    else:
        _write_multiplex(folder / name, channels, side, side, mpp, np.dtype(np.uint16))
    _write_sheet(folder, [(name, "P1", modality)])


def _cohort(folder: Path, images: int, channels: int, height: int, width: int, modality: str) -> None:
    dtype = np.dtype(np.float32 if modality == "imc" else np.uint16)
    for at in range(min(8, images)):
        _write_multiplex(folder / f"core{at:05d}.ome.tif", channels, height, width, 1.0, dtype, seed=at)
    for at in range(8, images):
        os.link(folder / f"core{at % 8:05d}.ome.tif", folder / f"core{at:05d}.ome.tif")
    _write_sheet(folder, [(f"core{at:05d}.ome.tif", f"P{at // 2:05d}", modality) for at in range(images)])


def _write_sheet(folder: Path, rows: list[tuple[str, str, str]]) -> None:
    with (folder / "tissues.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("image", "patient", "modality"))
        writer.writerows(rows)
    (folder / "spora.toml").write_text('name = "bench2026speed"\n', encoding="utf-8")


def _write_multiplex(
    path: Path, channels: int, height: int, width: int, mpp: float, dtype: np.dtype[Any], seed: int = 0
) -> None:
    import tifffile

    small = max(height, width) <= TILE_PX * 2
    metadata = {
        "axes": "CYX",
        "Channel": {"Name": [f"M{at:02d}" for at in range(channels)]},
        "PhysicalSizeX": mpp,
        "PhysicalSizeY": mpp,
        "UUID": f"urn:uuid:00000000-0000-4000-8000-{seed:012d}",
    }
    shape = channels, height, width
    if small:
        planes = np.stack([_plane(seed * 1000 + at, height, width, dtype) for at in range(channels)])
        tile = (256, 256) if min(height, width) >= 256 else None
        tifffile.imwrite(path, planes, ome=True, tile=tile, compression="zlib", metadata=metadata)
        return
    with tifffile.TiffWriter(path, bigtiff=True, ome=True) as tiff:
        tiff.write(
            _tiles(shape, dtype, seed),
            shape=shape,
            dtype=dtype,
            tile=(TILE_PX, TILE_PX),
            compression="zlib",
            metadata=metadata,
        )


def _tiles(shape: tuple[int, int, int], dtype: np.dtype[Any], seed: int) -> Iterator[NDArray[Any]]:
    channels, height, width = shape
    for channel in range(channels):
        field = _plane(seed * 1000 + channel, FIELD_PX, FIELD_PX, dtype)
        for row in range(0, height, TILE_PX):
            for col in range(0, width, TILE_PX):
                rows, cols = min(TILE_PX, height - row), min(TILE_PX, width - col)
                top, left = row % FIELD_PX, col % FIELD_PX
                yield field[top : top + rows, left : left + cols]


def _plane(seed: int, height: int, width: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """One channel; beyond the twelfth they are earlier ones moved along."""
    distinct = _distinct_plane(seed % 12, height, width, dtype.name)
    return np.roll(distinct, (37 * (seed // 12), 53 * (seed // 12)), axis=(0, 1))


@lru_cache(maxsize=12)
def _distinct_plane(seed: int, height: int, width: int, dtype_name: str) -> NDArray[Any]:
    """Photon counts times a camera's gain (integers), or ion counts, mostly zero (floats)."""
    from scipy.ndimage import gaussian_filter

    dtype = np.dtype(dtype_name)
    rng = np.random.default_rng(seed)
    light = gaussian_filter(rng.standard_normal((height, width), dtype=np.float32), 6, mode="wrap")
    light = np.maximum(light / light.std(), 0.3)
    if dtype.kind == "f":
        return rng.poisson(np.maximum(light - 0.3, 0.1) * rng.uniform(0.05, 3)).astype(dtype)
    gain = 4 if dtype.itemsize > 1 else 1
    return (rng.poisson(light * rng.uniform(8, 150) + 4) * gain).clip(0, np.iinfo(dtype).max).astype(dtype)


def _write_rgb(path: Path, side: int, mpp: float) -> None:
    import tifffile

    field = _stained_field()
    pixels_per_cm = 1e4 / mpp
    with tifffile.TiffWriter(path, bigtiff=True) as tiff:
        tiff.write(
            _rgb_tiles(field, side),
            shape=(side, side, 3),
            dtype=np.uint8,
            photometric="rgb",
            tile=(TILE_PX, TILE_PX),
            compression="jpeg",
            compressionargs={"level": 85},
            resolution=(pixels_per_cm, pixels_per_cm),
            resolutionunit="CENTIMETER",
            metadata=None,
        )


def _stained_field() -> NDArray[np.uint8]:
    """(2048, 2048, 3) nuclei in stroma by the Beer–Lambert law, camera noise on top."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(0)

    def blobs(sigma: float) -> NDArray[np.float32]:
        noise = gaussian_filter(rng.standard_normal((FIELD_PX, FIELD_PX), dtype=np.float32), sigma, mode="wrap")
        return noise / noise.std()

    nuclei = 1 / (1 + np.exp(-8 * (blobs(5) - 1.1)))
    stroma = (0.35 + 0.12 * blobs(12)).clip(0.05)
    texture = 1 + 0.25 * blobs(1.2)
    density = (nuclei * texture)[..., None] * np.array(_HEMATOXYLIN) + (stroma * texture)[..., None] * np.array(_EOSIN)
    light = 244 * 10.0**-density + rng.normal(0, 2.5, density.shape)
    return light.clip(0, 255).astype(np.uint8)


def _rgb_tiles(field: NDArray[np.uint8], side: int) -> Iterator[NDArray[np.uint8]]:
    """Tissue inside an uneven ellipse, glass around it."""
    rng = np.random.default_rng(1)
    glass = rng.normal(244, 1.2, (TILE_PX, TILE_PX, 3)).clip(0, 255).astype(np.uint8)
    for row in range(0, side, TILE_PX):
        y = (np.arange(row, row + TILE_PX)[:, None] / side - 0.5) / 0.42
        for col in range(0, side, TILE_PX):
            x = (np.arange(col, col + TILE_PX) / side - 0.5) / 0.42
            inside = np.hypot(x, y) < 1 + 0.08 * np.sin(5 * np.arctan2(y, x))
            top, left = row % FIELD_PX, col % FIELD_PX
            yield np.where(inside[..., None], field[top : top + TILE_PX, left : left + TILE_PX], glass)[
                : side - row, : side - col
            ]
