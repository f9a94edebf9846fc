"""A raw folder so small that it is built in seconds, and yet has something for every stage."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tifffile

NAME = "tiny2026cohort"
KEY = hashlib.sha256(b"a key for faults").hexdigest()
TISSUES = ("a", "b", "c")
HEIGHT_PX, WIDTH_PX = 300, 290


def write_tiny_cohort(folder: Path) -> Path:
    """Two registered tissues of IMC and H&E and one of IMC alone: two pixel sizes, a drawn mask, cells with types."""
    folder.mkdir()
    rows = []
    for number, name in enumerate(TISSUES):
        rng = np.random.default_rng(number)
        blob = np.zeros((HEIGHT_PX, WIDTH_PX), bool)
        blob[20 : 260 - 10 * number, 30:270] = True
        imc = (rng.random((3, HEIGHT_PX, WIDTH_PX)) * 50 * blob + rng.random((3, HEIGHT_PX, WIDTH_PX))).astype(
            "float32"
        )
        imc[2] = 0  # a channel without signal
        tifffile.imwrite(folder / f"{name}_imc.tif", imc, photometric="minisblack", metadata=None)
        labels = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint16)
        for cell in range(12):
            labels[30 + 16 * cell : 40 + 16 * cell, 40:60] = cell + 1
        tifffile.imwrite(folder / f"{name}_cells.tif", labels, metadata=None)
        mask = f"{name}_tissue.tif" if name == "b" else ""
        if mask:
            tifffile.imwrite(folder / mask, blob.astype(np.uint8) * 255, metadata=None)
        rows.append(
            (f"{name}_imc.tif", f"patient {number % 2}", "imc", f"core {name}", "0.5", f"{name}_cells.tif", mask)
        )
        if name != "c":
            he = np.where(blob[..., None], (180, 90, 150), (243, 242, 244)).astype(np.int16)
            he += rng.integers(-6, 7, he.shape, dtype=np.int16)
            tifffile.imwrite(folder / f"{name}_he.tif", he.astype(np.uint8), photometric="rgb", metadata=None)
            rows.append((f"{name}_he.tif", f"patient {number % 2}", "he", f"core {name}", "0.5", "", ""))
    _write(folder / "tissues.csv", ["image", "patient", "modality", "tissue", "mpp", "cell_mask", "tissue_mask"], rows)
    _write(folder / "panel_imc.csv", ["channel", "marker"], [(1, "CD3E"), (2, "CD4"), (3, "CD8A")])
    cells = [(f"core {name}", cell, "T" if cell % 3 else "B") for name in TISSUES for cell in range(1, 13)]
    _write(folder / "cells.csv", ["tissue", "cell_id", "cell_type"], cells)
    (folder / "spora.toml").write_text(f'name = "{NAME}"\n[cells]\ntasks = ["cell_type"]\n')
    return folder


def environment(**more: str) -> Mapping[str, str]:
    """Of a process that builds it: the same ids in every build."""
    return {**os.environ, "SPORA_BUILD_ID_KEY": KEY, **more}


def digests(root: Path) -> dict[str, str]:
    """Of every file below a folder."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def _write(path: Path, header: list[str], rows: list[tuple[object, ...]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
