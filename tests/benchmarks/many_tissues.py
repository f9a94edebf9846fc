"""A cohort of many tissues without a flaw, fast: a few are written, the others are hard links to them.

Each has a multiplex image and an H&E, registered, at 1.0 mpp, a tissue mask and cells. There are tiles of three sizes
and both standardizations.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tests.checks.build_dataset import NAME, save, write_image, write_standardization, write_tiles

RESOLUTION = "1_0mpp"
MASKS = f"segmentations/{RESOLUTION}"


def tissue_ids(count: int) -> list[str]:
    """``count`` tissues of as many patients."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    return [f"{NAME}_{letters[i // 676]}{letters[i // 26 % 26]}{letters[i % 26]}aaaaa_0000" for i in range(count)]


def build_many(parent: Path, count: int, *, channels: int = 40, side: int = 260, models: int = 1) -> Path:
    """Write the cohort below a folder and return its root. ``models`` tissues have pixels of their own."""
    root = parent / NAME
    ids = tissue_ids(count)
    names = ["DAPI", *(f"M{i}" for i in range(1, channels))]
    cells = _write_models(root, ids[:models], names, side)
    folders = [root / f"{name}/{RESOLUTION}/images" for name in ("imc", "he")]
    folders += [root / f"{MASKS}/tissue_masks", root / f"{MASKS}/cell_masks/instances"]
    for at, tissue in enumerate(ids[models:]):
        for folder in folders:
            model = next(folder.glob(f"{ids[at % models]}.*"))
            _link(model, folder / model.name.replace(ids[at % models], tissue))
    rows = [(t, t.split("_")[1], "0000", m, "exact", NAME, 1.0) for t in ids for m in ("imc", "he")]
    columns = ["tissue_id", "patient_id", "specimen_id", "modality", "alignment", "dataset", "mpp"]
    (root / "metadata").mkdir(parents=True)
    pd.DataFrame(rows, columns=columns).to_parquet(root / "metadata/tissues.parquet", index=False)
    pd.DataFrame(
        [(t, label) for t in ids for label in range(1, cells + 1)], columns=["tissue_id", "cell_id"]
    ).to_parquet(root / "metadata/cells.parquet", index=False)
    _write_panel(root, ids, names)
    _repeat_tables(root, ids, models)
    return root


def _write_models(root: Path, ids: list[str], names: list[str], side: int) -> int:
    """Images, masks, tiles and standardization of the first tissues; returns the number of cells of each."""
    rows, cols = np.indices((side, side))
    mask = (rows - side / 2) ** 2 + (cols - side / 2) ** 2 < (0.48 * side) ** 2
    nuclei, count = _nuclei(mask)
    pixels: dict[str, dict[str, NDArray[np.float32]]] = {}
    for at, tissue in enumerate(ids):
        rng = np.random.default_rng(at)
        image = rng.poisson(2 + 20 * (nuclei > 0), (len(names), side, side)).astype(np.float32)
        write_image(root / f"imc/{RESOLUTION}/images/{tissue}.ome.zarr", image, 1.0, names)
        light = (np.where(mask, 200, 240) - 60 * (nuclei > 0) + rng.integers(-9, 9, (3, side, side))).astype(np.uint8)
        write_image(root / f"he/{RESOLUTION}/images/{tissue}.ome.zarr", light, 1.0, list("RGB"))
        save(root / f"{MASKS}/tissue_masks/{tissue}.npz", mask)
        save(root / f"{MASKS}/cell_masks/instances/{tissue}.npz", nuclei)
        pixels[tissue] = dict(zip(names, image, strict=True))
    masks = dict.fromkeys(ids, mask)
    for size in (128, 224, 256):
        write_tiles(
            root / f"tiling/{RESOLUTION}/default", size, masks, [(at, at) for at in range(0, side - size + 1, 32)]
        )
    for method in ("quantile_clipping", "quantile_clipping_log1p"):
        for spec in ("uq_0.99", "uq_0.99_image"):
            folder = root / f"imc/{RESOLUTION}/standardization" / method / spec
            write_standardization(folder, pixels, masks, np.log1p if method.endswith("log1p") else None, names)
    return count


def _nuclei(mask: NDArray[np.bool_]) -> tuple[NDArray[np.uint16], int]:
    """Squares of 8 pixels, 4 apart, in the tissue, labelled 1…n."""
    rows, cols = np.indices(mask.shape)
    inside = (rows % 12 < 8) & (cols % 12 < 8) & mask
    cells = (rows // 12) * (mask.shape[1] // 12 + 1) + cols // 12 + 1
    found, labels = np.unique(np.where(inside, cells, 0), return_inverse=True)
    return labels.reshape(mask.shape).astype(np.uint16), len(found) - 1


def _write_panel(root: Path, ids: list[str], names: list[str]) -> None:
    panel = {"channel_name": names, "qc_pass": True, "uniprot_id": ["", *["P07766"] * (len(names) - 1)]}
    is_nuclear = [name == "DAPI" for name in names]
    pd.DataFrame({**panel, "is_nuclear_marker": is_nuclear}).to_parquet(root / "imc/channels.parquet", index=False)
    matrix = pd.DataFrame(True, index=pd.Index(ids, name="tissue_id"), columns=names)
    matrix.to_parquet(root / "imc/channels_per_tissue.parquet")


def _repeat_tables(root: Path, ids: list[str], models: int) -> None:
    """Rows of the models in the tables of tiles and quantiles, repeated under the names of the others."""
    for path in [*root.glob("tiling/*/*/*.parquet"), *root.glob("imc/*/standardization/*/*/image*.parquet")]:
        table = pd.read_parquet(path)
        by_id = table.reset_index() if table.index.name else table
        groups = [group for _, group in by_id.groupby("tissue_id", sort=False)]
        repeated = pd.concat([groups[at % models].assign(tissue_id=tissue) for at, tissue in enumerate(ids)])
        if table.index.name:
            repeated.set_index("tissue_id").to_parquet(path)
        else:
            repeated.to_parquet(path, index=False)


def _link(model: Path, target: Path) -> None:
    if model.is_dir():
        shutil.copytree(model, target, copy_function=os.link)
    else:
        os.link(model, target)
