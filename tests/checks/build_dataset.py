"""A small dataset without a flaw, written with zarr-python, pandas and numpy alone: none of the project's writers.

Two patients. ``P1`` has one tissue, registered between IMC (1.0 mpp) and H&E (0.5 and 1.0 mpp), with cells. ``P2`` has
an IMC tissue that lacks a channel, with cells, and a section stained for CD3E.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import zarr
from numpy.typing import NDArray

NAME = "smith2023novel"
REGISTERED = f"{NAME}_abcdefgh_0000"
IMC_ONLY = f"{NAME}_qrstuvwx_0000"
IHC_ONLY = f"{NAME}_qrstuvwx_0001"
CHANNELS = ["DAPI", "CD3E", "CD68", "PTPRC"]
GENES = {"CD3E", "CD68", "PTPRC"}
LACKING = "CD68"
"""The channel that IMC_ONLY lacks."""
SIZE = (260, 270)
"""Height and width at 1.0 mpp."""
FINE = (520, 540)
"""Height and width at 0.5 mpp."""
PARAMETERS = {"tolerance": 0.85, "coverage_goal": 1.0, "min_gain_ratio": 0.05}


def build_dataset(parent: Path) -> Path:
    """Write the dataset below a folder and return its root."""
    root = parent / NAME
    rng = np.random.default_rng(7)
    write_tissues(root)
    write_channels(root)
    registered = rng.poisson(40, (4, *SIZE)).astype(np.uint16)
    alone = rng.gamma(2.0, 3.0, (3, *SIZE)).astype(np.float32)
    rest = [name for name in CHANNELS if name != LACKING]
    write_image(root / "imc/1_0mpp/images" / f"{REGISTERED}.ome.zarr", registered, 1.0, CHANNELS)
    write_image(root / "imc/1_0mpp/images" / f"{IMC_ONLY}.ome.zarr", alone, 1.0, rest)
    rgb = np.repeat(rng.integers(150, 250, (3, 65, 1), dtype=np.uint8), 8, axis=1) * np.ones(FINE[1], dtype=np.uint8)
    write_image(root / "he/0_5mpp/images" / f"{REGISTERED}.ome.zarr", rgb, 0.5, ["R", "G", "B"])
    write_image(root / "he/1_0mpp/images" / f"{REGISTERED}.ome.zarr", rgb[:, ::2, ::2], 1.0, ["R", "G", "B"])
    write_image(root / "ihc/ihc_CD3E/1_0mpp/images" / f"{IHC_ONLY}.ome.zarr", rgb[:, ::2, ::2], 1.0, ["R", "G", "B"])
    masks = write_masks(root)
    write_tiles(root / "tiling/1_0mpp/default", 128, masks["1_0mpp"], [(0, 0), (132, 142), (64, 64)])
    write_tiles(root / "tiling/1_0mpp/default", 224, masks["1_0mpp"], [(0, 0), (36, 46)])
    write_tiles(root / "tiling/0_5mpp/default", 256, masks["0_5mpp"], [(0, 0), (264, 284)])
    write_tiles(root / "tiling/1_0mpp/grid_stride224", 224, masks["1_0mpp"], [(0, 0), (0, 224)], grid=True)
    images = {REGISTERED: dict(zip(CHANNELS, registered, strict=True)), IMC_ONLY: dict(zip(rest, alone, strict=True))}
    for method in ("quantile_clipping", "quantile_clipping_log1p"):
        for spec in ("uq_0.99", "uq_0.99_image"):
            folder = root / "imc/1_0mpp/standardization" / method / spec
            write_standardization(folder, images, masks["1_0mpp"], np.log1p if method.endswith("log1p") else None)
    return root


def write_tissues(root: Path) -> None:
    """Both tables of ``metadata``."""
    rows = [
        (REGISTERED, "abcdefgh", "0000", "imc", "exact", 1.0, "train", "aaaabbbb"),
        (REGISTERED, "abcdefgh", "0000", "he", "exact", 0.5, "train", "aaaabbbb"),
        (IMC_ONLY, "qrstuvwx", "0000", "imc", "no alignment", 1.0, "test", "ccccdddd"),
        (IHC_ONLY, "qrstuvwx", "0001", "ihc_CD3E", "no alignment", 1.0, "test", "ccccdddd"),
    ]
    columns = ["tissue_id", "patient_id", "specimen_id", "modality", "alignment", "mpp", "split", "biopsy_id"]
    tissues = pd.DataFrame(rows, columns=columns).assign(dataset=NAME, grade=["2", "2", None, None])
    (root / "metadata").mkdir(parents=True)
    tissues.to_parquet(root / "metadata/tissues.parquet", index=False)
    cells = pd.DataFrame(
        {
            "tissue_id": [REGISTERED] * 4 + [IMC_ONLY] * 3,
            "cell_id": [1, 2, 3, 4, 1, 2, 3],
            "cell_types": ["T", "B", None, "T", "B", "B", None],
            "mean_CD3E": np.linspace(0, 1, 7),
        }
    )
    cells.to_parquet(root / "metadata/cells.parquet", index=False)


def write_channels(root: Path) -> None:
    """Both channel tables of IMC."""
    channels = pd.DataFrame(
        {
            "channel_name": CHANNELS,
            "original_channel_name": ["dapi", "CD3", "CD68", "CD45RO"],
            "qc_pass": True,
            "uniprot_id": ["", "P07766", "P34810", "P08575-4"],
            "is_nuclear_marker": [True, False, False, False],
            "description": "",
        }
    )
    (root / "imc").mkdir(parents=True)
    channels.to_parquet(root / "imc/channels.parquet", index=False)
    measured = pd.DataFrame(True, index=pd.Index([REGISTERED, IMC_ONLY], name="tissue_id"), columns=CHANNELS)
    measured.loc[IMC_ONLY, LACKING] = False
    measured.to_parquet(root / "imc/channels_per_tissue.parquet")


def write_image(
    path: Path, pixels: NDArray[Any], mpp: float, labels: list[str], *, shard: int = 512, **options: Any
) -> None:
    """An OME-Zarr 0.5 group with the array ``0``."""
    axes = [{"name": "c", "type": "channel"}]
    axes += [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
    scale = [{"type": "scale", "scale": [1.0, mpp, mpp]}]
    ome = {
        "version": "0.5",
        "multiscales": [{"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}],
        "omero": {
            "channels": [
                {"label": name, "color": "FFFFFF", "window": {"start": 0, "end": 255, "min": 0, "max": 255}}
                for name in labels
            ]
        },
    }
    group = zarr.create_group(str(path), zarr_format=3, attributes={"ome": ome})
    settings = {
        "chunks": (len(pixels), 256, 256),
        "shards": (len(pixels), shard, shard),
        "dimension_names": ["c", "y", "x"],
        **options,
    }
    array = group.create_array("0", shape=pixels.shape, dtype=pixels.dtype, **settings)
    array[:] = pixels


def write_masks(root: Path) -> dict[str, dict[str, NDArray[np.bool_]]]:
    """Tissue, instance and task masks; returns the tissue masks by resolution folder and tissue."""
    coarse, fine = np.zeros(SIZE, dtype=bool), np.zeros(FINE, dtype=bool)
    coarse[5:-5, 5:-5] = True
    fine[10:-10, 10:-10] = True
    masks = {"1_0mpp": dict.fromkeys([REGISTERED, IMC_ONLY, IHC_ONLY], coarse), "0_5mpp": {REGISTERED: fine}}
    for resolution, by_tissue in masks.items():
        for tissue, mask in by_tissue.items():
            save(root / f"segmentations/{resolution}/tissue_masks/{tissue}.npz", mask)
    labels = np.zeros(FINE, dtype=np.uint16)
    for label, (row, col) in enumerate([(20, 20), (20, 100), (200, 200), (400, 60)], start=1):
        labels[row : row + 24, col : col + 30] = label
    single = labels[::2, ::2].copy()
    single[single == 4] = 0
    write_cells(root / "segmentations/0_5mpp/cell_masks", REGISTERED, labels)
    write_cells(root / "segmentations/1_0mpp/cell_masks", REGISTERED, labels[::2, ::2])
    write_cells(root / "segmentations/1_0mpp/cell_masks", IMC_ONLY, single)
    return masks


def write_cells(folder: Path, tissue: str, labels: NDArray[np.uint16]) -> None:
    """An instance mask and its mask of two categories."""
    save(folder / f"instances/{tissue}.npz", labels)
    save(folder / f"cell_types/{tissue}.npz", np.array([0, 1, 2, 0, 1], dtype=np.uint8)[labels])
    encoder = pd.DataFrame({"name": ["T", "B"], "id": [1, 2]})
    encoder.to_parquet(folder / "cell_types/label_encoder.parquet", index=False)


def save(path: Path, mask: NDArray[Any]) -> None:
    """A mask as numpy writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, mask=mask)


def write_tiles(
    folder: Path, size: int, masks: dict[str, NDArray[np.bool_]], corners: list[tuple[int, int]], *, grid: bool = False
) -> None:
    """The same tiles for every tissue, with stats counted from the mask."""
    folder.mkdir(parents=True, exist_ok=True)
    coordinates = [(tissue, i, *corner) for tissue in masks for i, corner in enumerate(corners)]
    table = pd.DataFrame(coordinates, columns=["tissue_id", "tile_id", "row", "col"])
    table.to_parquet(folder / f"{size}_tile_coordinates.parquet", index=False)
    rows = []
    for tissue, mask in masks.items():
        covered = np.zeros_like(mask)
        for row, col in corners:
            covered[row : row + size, col : col + size] = True
        row = {
            "tissue_id": tissue,
            "mask_height": mask.shape[0],
            "mask_width": mask.shape[1],
            "tissue_mask_frac": mask.mean(),
            "num_tiles": len(corners),
            "coverage_ratio": (covered & mask).sum() / mask.sum(),
            "covered_valid_pixels": (covered & mask).sum(),
            "total_valid_pixels": mask.sum(),
            "candidate_count": 9,
            "stop_reason": "fixed_grid_complete" if grid else "adaptive_stop",
            "tile_size": size,
            "stride": size if grid else size // 2,
            **PARAMETERS,
            "tiling_method": folder.name,
        }
        padded = {"grid_candidate_count": 4, "padded_height": 448, "padded_width": 448}
        rows.append(row | padded if grid else row)
    pd.DataFrame(rows).set_index("tissue_id").to_parquet(folder / f"{size}_tile_stats.parquet")


def write_standardization(
    folder: Path,
    images: dict[str, dict[str, NDArray[Any]]],
    masks: dict[str, NDArray[np.bool_]],
    log: Any,
    channels: list[str] = CHANNELS,
) -> None:
    """The three tables of a folder, straight from the recipe."""
    folder.mkdir(parents=True)
    upper = pd.DataFrame(np.nan, index=pd.Index(list(images), name="tissue_id"), columns=channels)
    pooled: dict[str, list[NDArray[Any]]] = {name: [] for name in channels}
    for tissue, planes in images.items():
        for name, plane in planes.items():
            pixels = plane[masks[tissue]].astype(np.float64)
            q = np.quantile(pixels, 0.99)
            upper.loc[tissue, name] = q
            clipped = np.clip(pixels, 0, q)
            pooled[name].append(log(clipped) if log else clipped / (q + 1e-8))
    upper.to_parquet(folder / "image_level_upper_quantiles.parquet")
    joined = {name: np.concatenate(parts) for name, parts in pooled.items()}
    for statistic in ("mean", "std"):
        row = pd.DataFrame([{name: getattr(pixels, statistic)() for name, pixels in joined.items()}])
        row.to_parquet(folder / f"global_level_{statistic}s.parquet")
