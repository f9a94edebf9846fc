"""Raw folders as labs leave them, made by code, and sheets filled in as a person would."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

MIBI_MARKERS = ("Au", "CD4", "CD45RO", "dsDNA", "HH3", "SMA", "Vimentin", "panCK")


def labels(height: int, width: int, dtype: Any = np.uint16) -> NDArray[Any]:
    """Cells of 6 × 6 pixels with borders of 2, numbered from 1."""
    rows, cols = np.indices((height, width))
    number = (rows // 8) * ((width + 7) // 8) + cols // 8 + 1
    return np.where((rows % 8 < 6) & (cols % 8 < 6), number, 0).astype(dtype)


def noise(*shape: int, seed: int = 0, dtype: Any = np.uint16) -> NDArray[Any]:
    """A dark field with a bright square of tissue in it."""
    pixels = np.random.default_rng(seed).poisson(8, shape)
    pixels[..., shape[-2] // 4 : -shape[-2] // 4, shape[-1] // 4 : -shape[-1] // 4] += 90
    return pixels.astype(dtype)


def brightfield(height: int, width: int, level: int = 225) -> NDArray[np.uint8]:
    """Glass with a stained square on it."""
    picture = np.full((height, width, 3), level, np.uint8)
    picture[height // 4 : height // 2, width // 4 : width // 2] = (180, 90, 160)
    return picture


def write_ome(path: Path, pixels: NDArray[Any], names: tuple[str, ...] = (), mpp: float | None = 0.5) -> Path:
    """Write an OME-TIFF of channels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata: dict[str, Any] = {"axes": "CYX"}
    if names:
        metadata["Channel"] = {"Name": list(names)}
    if mpp is not None:
        metadata |= {f"PhysicalSize{axis}": mpp for axis in "XY"} | {f"PhysicalSize{axis}Unit": "µm" for axis in "XY"}
    tifffile.imwrite(path, pixels, ome=True, photometric="minisblack", metadata=metadata)
    return path


def write_tiff(path: Path, pixels: NDArray[Any], mpp: float | None = None) -> Path:
    """Write a plain TIFF."""
    path.parent.mkdir(parents=True, exist_ok=True)
    resolution = {} if mpp is None else {"resolution": (1e4 / mpp, 1e4 / mpp), "resolutionunit": "CENTIMETER"}
    kind = "rgb" if pixels.ndim == 3 and pixels.shape[-1] == 3 else "minisblack"
    tifffile.imwrite(path, pixels, metadata=None, photometric=kind, **resolution)  # type: ignore[arg-type]
    return path


def write_mibi(root: Path, fields: tuple[str, ...] = ("fov1", "fov2"), mpp: float | None = 0.5) -> Path:
    """A folder per field of view with one TIFF per marker, and a folder of masks."""
    for number, name in enumerate(fields):
        for index, marker in enumerate(MIBI_MARKERS):
            write_tiff(root / name / f"{marker}.tiff", noise(64, 72, seed=10 * number + index, dtype=np.uint8), mpp)
        write_tiff(root / "segmentation" / f"{name}_whole_cell.tiff", labels(64, 72))
        write_tiff(root / "segmentation" / f"{name}_nuclear.tiff", labels(64, 72))
    return root


def read_rows(path: Path) -> list[dict[str, str]]:
    """A sheet as its rows."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def fill_in(path: Path, **columns: str) -> None:
    """Write texts into empty cells of whole columns; ``{}`` becomes the number of the row."""
    rows = read_rows(path)
    for number, row in enumerate(rows, start=1):
        row |= {name: row[name] or text.format(number) for name, text in columns.items()}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
