"""What the report takes from a dataset's tables: cohort, panels, tiles, quantiles, and how it was made."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spora_build import __version__
from spora_build.checks.view import DatasetView, Standardization, Tiling
from spora_build.model.modality import Modality
from spora_build.report.numbers import count, modality_name, size
from spora_build.report.values import CohortTissue, PanelChannel, TileLayer

_TILES_BYTES = 1_200_000
_TILE_BYTES = 17
_SETTINGS = ("stride", "tolerance", "coverage_goal", "min_gain_ratio")


def read_cohort(view: DatasetView) -> tuple[CohortTissue, ...]:
    """Every tissue of tissues.parquet, sorted by id."""
    rows = view.tissues.rows
    if not view.tissues.has(["tissue_id", "modality"]):
        return ()
    found = []
    for tissue_id, group in rows.dropna(subset=["tissue_id"]).groupby(rows["tissue_id"].astype(str), sort=True):
        patients = [str(value) for value in group.get("patient_id", pd.Series(dtype=object)).dropna()]
        splits = [str(value) for value in group.get("split", pd.Series(dtype=object)).dropna()]
        modalities = sorted({str(value) for value in group["modality"].dropna()})
        found.append(
            CohortTissue(
                str(tissue_id), patients[0] if patients else "", splits[0] if splits else "", tuple(modalities)
            )
        )
    return tuple(found)


def read_panel(view: DatasetView, modality: Modality) -> tuple[PanelChannel, ...]:
    """channels.parquet of a multiplex modality; empty where there is none that can be read."""
    table = view.channels(modality)
    if not table.has(["channel_name"]):
        return ()
    rows = table.rows
    names = [str(name) for name in rows["channel_name"]]
    uniprot = rows["uniprot_id"] if "uniprot_id" in rows else [None] * len(names)
    return tuple(
        PanelChannel(name, "" if pd.isna(accession) else str(accession), nuclear, passed)
        for name, accession, nuclear, passed in zip(
            names, uniprot, _flags(rows, "is_nuclear_marker", False), _flags(rows, "qc_pass", True), strict=True
        )
    )


def _flags(rows: pd.DataFrame, column: str, missing: bool) -> list[bool]:
    if column not in rows:
        return [missing] * len(rows)
    return [missing if pd.isna(value) else value in (True, 1, "True", "true") for value in rows[column]]


def read_quantiles(view: DatasetView, modality: Modality) -> dict[float, pd.DataFrame]:
    """Per pixel size: the table of upper quantiles (index tissue_id, a column per channel), where there is one."""
    found: dict[float, pd.DataFrame] = {}
    for spec in view.standardizations:
        table = spec.tables.get("image_level_upper_quantiles")
        if spec.modality == modality and table is not None and table.frame is not None and spec.mpp not in found:
            frame = table.frame.copy()
            frame.index = frame.index.astype(str)
            found[spec.mpp] = frame.loc[~frame.index.duplicated(), ~frame.columns.duplicated()]
    return found


def read_tile_layers(view: DatasetView) -> dict[str, tuple[TileLayer, ...]]:
    """Tiles of every size by tissue, in the order of their choice; as many are drawn as the page can hold."""
    tissues = max(1, len(view.tissue_ids))
    most = max(40, _TILES_BYTES // (_TILE_BYTES * tissues * max(1, len(view.tilings))))
    found: dict[str, list[TileLayer]] = {}
    for tiling in view.tilings:
        for tissue_id, layer in _layers(tiling, most):
            found.setdefault(tissue_id, []).append(layer)
    return {tissue_id: tuple(layers) for tissue_id, layers in found.items()}


def _layers(tiling: Tiling, most: int) -> Iterator[tuple[str, TileLayer]]:
    stats, tiles = tiling.stats.rows, tiling.coordinates
    if not {"mask_height", "mask_width"} <= set(stats.columns) or not tiles.has(["tissue_id", "row", "col"]):
        return
    by_tissue = dict(iter(tiles.rows.groupby(tiles.rows["tissue_id"].astype(str), sort=False)))
    for tissue_id, row in zip(stats.index.astype(str), stats.to_dict(orient="records"), strict=True):
        height, width = float(row["mask_height"]), float(row["mask_width"])
        if not (height > 0 and width > 0):
            continue
        own = by_tissue.get(tissue_id)
        corners = np.empty((0, 2)) if own is None else own[["row", "col"]].to_numpy(np.float64)
        ratio = row.get("coverage_ratio")
        yield (
            tissue_id,
            TileLayer(
                mpp=tiling.mpp,
                strategy=tiling.strategy,
                size_px=tiling.size_px,
                count=len(corners),
                coverage=None if ratio is None or pd.isna(ratio) else float(ratio),
                corners=tuple((float(r) / height, float(c) / width) for r, c in corners[:most]),
                height=tiling.size_px / height,
                width=tiling.size_px / width,
            ),
        )


def read_provenance(view: DatasetView) -> tuple[tuple[str, str], ...]:
    """Facts that the dataset's own tables and metadata tell about how it was made."""
    facts = [("Report made by", f"spora-build {__version__}")]
    files, nbytes = _size_on_disk(view.root)
    facts.append(("Size on disk", f"{size(nbytes)} in {count(files)} files"))
    for modality in view.modalities:
        images = view.images_of(modality)
        mpps = ", ".join(f"{mpp:g}" for mpp in view.resolutions(view.layout.modality(modality)))
        about = f"{count(len(images))} images at {mpps or 'no'} µm per pixel"
        if images and images[0].array:
            about += f"; {_storage(images[0].array)}"
        facts.append((f"{modality_name(modality.name)} images", about))
    if view.mask_resolutions:
        facts.append(("Tissue masks", f"at {', '.join(f'{mpp:g}' for mpp in view.mask_resolutions)} µm per pixel"))
    facts += _segmentation_facts(view.layout.segmentation_record)
    facts += [(f"Tiles of {t.size_px} px", _tile_settings(t)) for t in view.tilings]
    facts += _standardization_facts(view.standardizations)
    return tuple(facts)


def _segmentation_facts(record: Path) -> list[tuple[str, str]]:
    """How many tissues got their cells from which method; nothing where the record is none."""
    try:
        told = json.loads(record.read_text(encoding="utf-8"))
        made = Counter((str(of["method"]), str(of["software"])) for of in told.values())
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        return []
    return [
        (f"Cells by {method}", f"segmented in {count(tissues)} tissues; {software}")
        for (method, software), tissues in sorted(made.items())
    ]


def _size_on_disk(root: Path) -> tuple[int, int]:
    files = nbytes = 0
    for folder, _, names in os.walk(root):
        files += len(names)
        nbytes += sum(os.lstat(Path(folder) / name).st_size for name in names)
    return files, nbytes


def _storage(array: dict[str, Any]) -> str:
    parts = [str(array.get("data_type", "")), "OME-Zarr 0.5"]
    codecs = array.get("codecs")
    if isinstance(codecs, list) and codecs and isinstance(codecs[0], dict):
        sharding = codecs[0].get("configuration")
        if isinstance(sharding, dict) and "chunk_shape" in sharding:
            parts.append("chunks of " + " × ".join(str(side) for side in sharding["chunk_shape"]))
            inner = [c.get("name", "") for c in sharding.get("codecs", []) if isinstance(c, dict)]
            parts.append("codecs " + " + ".join(str(name) for name in inner))
    return ", ".join(part for part in parts if part)


def _tile_settings(tiling: Tiling) -> str:
    rows = tiling.stats.rows
    known = [name for name in _SETTINGS if name in rows.columns]
    settings = []
    for name in known:
        values = sorted({f"{float(value):g}" for value in rows[name].dropna()})
        settings.append(f"{name.replace('_', ' ')} {' or '.join(values)}")
    return "; ".join([f"at {tiling.mpp:g} µm per pixel", f"strategy {tiling.strategy}", *settings])


def _standardization_facts(found: list[Standardization]) -> list[tuple[str, str]]:
    specs: dict[str, set[str]] = {}
    for spec in found:
        key = f"{modality_name(spec.modality.name)} at {spec.mpp:g} µm"
        specs.setdefault(key, set()).add(f"{spec.method}/{spec.spec}")
    return [(f"Standardization, {key}", ", ".join(sorted(names))) for key, names in specs.items()]
