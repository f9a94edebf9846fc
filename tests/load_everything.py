"""Load a whole dataset with spora-io, as its users do: every tissue, mask, tile and standardization.

    python tests/load_everything.py DATASET

Prints one line of counts. Needs spora-io; used by test_spora_io.py and by hand.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import zarr

MULTIPLEX = ("imc", "codex", "cycif", "mibi")


def load_everything(root: Path) -> dict[str, int]:
    """Open every modality at every resolution and compare with plain zarr. Raises on any trouble."""
    from loguru import logger

    logger.remove()
    counts = dict.fromkeys(("datasets", "tissues", "masks", "tiles", "cell_masks", "task_masks", "standardized"), 0)
    for modality in sorted(pd.read_parquet(root / "metadata" / "tissues.parquet").modality.unique()):
        folder = root / ("ihc" if modality.startswith("ihc_") else "") / modality
        for resolution in sorted(folder.glob("*mpp")):
            mpp = float(resolution.name.removesuffix("mpp").replace("_", "."))
            for standardization in _standardizations(modality, resolution):
                _load(root, modality, mpp, standardization, resolution, counts)
    return counts


def _standardizations(modality: str, resolution: Path) -> list[str]:
    if modality not in MULTIPLEX:
        return [""]
    specs = sorted(resolution.glob("standardization/*/*image")) + sorted(resolution.glob("standardization/*/uq_0.99"))
    return ["identity", *(spec.relative_to(resolution / "standardization").as_posix() for spec in specs)]


def _open(root: Path, modality: str, mpp: float, standardization: str, tile_size: int | None) -> Any:
    from spora_io.datasets import HEImagingDataset, MultiplexImagingDataset, SingleIHCImagingDataset

    common = {"path": root, "resolution": mpp, "tile_size": tile_size, "verbose": False}
    if modality == "he":
        return HEImagingDataset(root.name, **common)
    if modality.startswith("ihc_"):
        return SingleIHCImagingDataset(root.name, marker_name=modality.removeprefix("ihc_"), **common)
    return MultiplexImagingDataset(
        root.name, modality, standardization, load_cell_metadata=(root / "metadata/cells.parquet").exists(), **common
    )


def _load(
    root: Path, modality: str, mpp: float, standardization: str, resolution: Path, counts: dict[str, int]
) -> None:
    tiling = root / "tiling" / resolution.name / "default"
    sizes = sorted(int(path.name.split("_")[0]) for path in tiling.glob("*_tile_coordinates.parquet"))
    dataset = _open(root, modality, mpp, standardization, sizes[0] if sizes else None)
    counts["datasets"] += 1
    present = {path.name.removesuffix(".ome.zarr") for path in (resolution / "images").glob("*.ome.zarr")}
    for tissue in [tissue for tissue in dataset.get_tissue_ids() if tissue in present]:
        plain = zarr.open(resolution / "images" / f"{tissue}.ome.zarr" / "0", mode="r")[:]
        if standardization in ("", "identity"):
            loaded = dataset.get_tissue(tissue, kind="complete", preprocess=False)
            assert np.array_equal(np.asarray(loaded.image), plain.astype(np.float32))
            mask = dataset.get_tissue_mask(tissue).mask
            assert mask.dtype == bool and mask.shape == plain.shape[1:] and mask.any()
            counts["tissues"] += 1
            counts["masks"] += 1
            _load_cells(root, dataset, tissue, resolution.name, plain.shape[1:], counts)
        else:
            standardized = dataset.get_tissue(tissue, kind="complete", preprocess=True)
            assert np.isfinite(np.asarray(standardized.image)).all()
            counts["standardized"] += 1
    for size in sizes:
        dataset = _open(root, modality, mpp, standardization, size)
        for tissue, corners in (dataset.tile_coordinates or {}).items():
            if tissue in present:
                for tile in range(len(corners)):
                    shape = tuple(dataset.get_tile(tissue, tile, kind="complete").image.shape)
                    assert shape[1:] == (size, size), (tissue, tile, shape)
                    counts["tiles"] += 1


def _load_cells(
    root: Path, dataset: Any, tissue: str, resolution: str, shape: tuple[int, ...], counts: dict[str, int]
) -> None:
    folder = root / "segmentations" / resolution / "cell_masks"
    if (folder / "instances" / f"{tissue}.npz").exists():
        mask = np.asarray(dataset.get_cell_instance_mask(tissue).mask)
        assert mask.shape == shape
        counts["cell_masks"] += 1
        for task in dataset.get_cell_task_mask_types():
            if (folder / task / f"{tissue}.npz").exists():
                of_task = dataset.get_cell_task_mask(tissue, task)
                assert tuple(of_task.mask.shape) == shape
                assert set(np.unique(np.asarray(of_task.mask))) <= {0, *of_task.mapping}
                counts["task_masks"] += 1


if __name__ == "__main__":
    sys.stdout.write(f"{load_everything(Path(sys.argv[1]))}\n")
