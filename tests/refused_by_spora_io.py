"""What spora-io's loader stops at in datasets: every tissue, mask, tile and table, as its users load them.

    printf '%s\n' DATASET… | python tests/refused_by_spora_io.py

Prints a JSON list of messages for each dataset, empty where everything loads. Needs spora-io alone; used by
test_agreement_with_spora_io.py.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

MULTIPLEX = ("imc", "codex", "cycif", "mibi")
Step = tuple[str, Callable[[], object]]


def refusals(root: Path) -> list[str]:
    """Messages of every exception that loading raises."""
    from loguru import logger
    from spora_io.datasets import base

    logger.remove()
    base._TILE_COORDS_CACHE.clear()
    found = []
    for what, load in _steps(root):
        try:
            load()
        except Exception as error:  # noqa: BLE001 (anything that the library raises is a refusal)
            found.append(f"{what}: {type(error).__name__}: {error}".replace(str(root.parent), ""))
    return found


def _steps(root: Path) -> Iterator[Step]:
    from spora_io.datasets.compose import ComposedImagingDataset
    from spora_io.datasets.spora import SporaDataset

    folders = [root / name for name in ("he", *MULTIPLEX)] + sorted((root / "ihc").glob("ihc_*"))
    for folder in folders:
        for resolution in sorted(folder.glob("*mpp")):
            for spec in _specs(folder.name, resolution):
                for size in _tile_sizes(root, resolution):
                    yield from _of_one(root, folder.name, resolution, spec, size)
    common: dict[str, Any] = {"resolution": 1.0, "tile_size": 128, "verbose": False}
    if (root / "ihc").is_dir():
        yield "composed", lambda: ComposedImagingDataset(root.name, ["ihc"], path=root, **common)
    for size, strategy in ((128, "default"), (224, "grid_stride224")):
        if any(root.glob(f"tiling/1_0mpp/{strategy}/{size}_tile_coordinates.parquet")):
            settings = {**common, "tile_size": size, "tile_strategy": strategy, "datasets_dir": root.parent}
            yield strategy, lambda settings=settings: list(SporaDataset(root.name, **settings))


def _specs(modality: str, resolution: Path) -> list[str]:
    if modality not in MULTIPLEX:
        return [""]
    methods = [path for path in sorted(resolution.glob("standardization/quantile_clipping*/*")) if path.is_dir()]
    return ["identity", *(path.relative_to(resolution / "standardization").as_posix() for path in methods)]


def _tile_sizes(root: Path, resolution: Path) -> list[int | None]:
    paths = (root / "tiling" / resolution.name / "default").glob("*_tile_coordinates.parquet")
    return sorted(int(path.name.partition("_")[0]) for path in paths) or [None]


def _open(root: Path, modality: str, mpp: float, spec: str, size: int | None, **more: Any) -> Any:
    from spora_io.datasets import HEImagingDataset, MultiplexImagingDataset, SingleIHCImagingDataset

    common = {"path": root, "resolution": mpp, "tile_size": size, "verbose": False, **more}
    if modality == "he":
        return HEImagingDataset(root.name, **common)
    if modality.startswith("ihc_"):
        return SingleIHCImagingDataset(root.name, marker_name=modality, **common)
    cells = (root / "metadata/cells.parquet").exists()
    return MultiplexImagingDataset(root.name, modality, spec, load_cell_metadata=cells, **common)


def _of_one(root: Path, modality: str, resolution: Path, spec: str, size: int | None) -> Iterator[Step]:
    mpp = float(resolution.name.removesuffix("mpp").replace("_", "."))
    opened: list[Any] = []
    name = f"{modality} {resolution.name} {spec} {size}"
    yield f"{name} open", lambda: opened.append(_open(root, modality, mpp, spec, size))
    if not opened:
        return
    dataset = opened[0]
    plain = spec in ("", "identity")
    kinds = ("complete", "qc_filtered", "uniprot_filtered") if spec == "identity" else ("complete",)
    for tissue in dict.fromkeys(dataset.get_tissue_ids()):
        for kind in kinds:
            yield (
                f"{name} {kind}",
                lambda tissue=tissue, kind=kind: _finite(dataset.get_tissue(tissue, kind=kind).image),
            )
        for tile in range(len((dataset.tile_coordinates or {}).get(tissue, []))):
            yield (
                f"{name} tile",
                lambda tissue=tissue, tile=tile: _square(dataset.get_tile(tissue, tile, kind="complete"), size),
            )
        if plain:
            yield f"{name} masks", lambda tissue=tissue: _masks(root, dataset, tissue)
    if plain and dataset.tissue_metadata.get("split") is not None:
        for split in ("train", "test"):
            yield f"{name} {split}", lambda split=split: _open(root, modality, mpp, spec, size, split=split)


def _finite(image: Any) -> None:
    if not np.isfinite(np.asarray(image)).all():
        raise ValueError("not finite")


def _square(tile: Any, size: int | None) -> None:
    if tuple(tile.image.shape[1:]) != (size, size):
        raise ValueError(f"a tile of {tuple(tile.image.shape)}")


def _masks(root: Path, dataset: Any, tissue: str) -> None:
    shape = dataset._get_tissue_size(tissue)[1:]
    cells = root / "segmentations" / dataset.resolution / "cell_masks"
    found = [dataset.get_tissue_mask(tissue).mask] if dataset.tissue_masks_dir is not None else []
    if (cells / "instances" / f"{tissue}.npz").exists():
        found.append(dataset.get_cell_instance_mask(tissue).mask)
        for task in dataset.get_cell_task_mask_types():
            found.append(dataset.get_cell_task_mask(tissue, task).mask)
    if any(tuple(mask.shape) != shape for mask in found):
        raise ValueError("a mask of another shape than the image")


def main() -> None:
    """Answer each path on stdin with a line of JSON."""
    for line in sys.stdin:
        with redirect_stdout(sys.stderr):  # the library prints
            found = refusals(Path(line.strip()))
        sys.stdout.write(f"{json.dumps(found)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
