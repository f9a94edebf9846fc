"""The canonical tree: the only file that knows where a dataset keeps what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spora_build.model.modality import MULTIPLEX_NAMES, Modality
from spora_build.store.atomic import PRIVATE_SUFFIX

INSTANCES = "instances"
_RESOLUTION = re.compile(r"^(\d+)_(\d+(?:e-\d+)?)mpp$")


def resolution_folder(mpp: float) -> str:
    """Folder name of a pixel size: 1 → ``1_0mpp``, 0.37744 → ``0_37744mpp``."""
    return str(float(mpp)).replace(".", "_") + "mpp"


def parse_resolution_folder(name: str) -> float | None:
    """Pixel size of a folder name, None where it is no resolution folder."""
    match = _RESOLUTION.match(name)
    return float(f"{match[1]}.{match[2]}") if match else None


@dataclass(frozen=True)
class Layout:
    """Paths below a dataset's folder. Nothing here touches the disk except the ``find_`` methods."""

    root: Path
    roster: Path | None = None
    """The table of tissues while a build is under way; None where the one in ``metadata`` counts."""

    @property
    def name(self) -> str:
        """The dataset's name: that of its folder."""
        return self.root.resolve().name

    @property
    def private(self) -> Path:
        """What must never be shared (key, crosswalk, ledger): a folder beside the dataset."""
        return self.root.resolve().with_name(f"{self.name}{PRIVATE_SUFFIX}")

    @property
    def metadata(self) -> Path:
        """Folder of the cohort's tables."""
        return self.root / "metadata"

    @property
    def segmentation_record(self) -> Path:
        """What made the instance masks of tissues that were segmented here (JSON, by tissue id)."""
        return self.metadata / "segmentation.json"

    @property
    def tissues_table(self) -> Path:
        """One row per (tissue, modality)."""
        return self.roster or self.metadata / "tissues.parquet"

    @property
    def cells_table(self) -> Path:
        """One row per cell."""
        return self.metadata / "cells.parquet"

    @property
    def checksums(self) -> Path:
        """SHA-256 of every file, as ``sha256sum`` writes it; made when a dataset is published."""
        return self.metadata / "checksums.sha256"

    def modality(self, modality: Modality) -> Path:
        """Folder of one modality."""
        return self.root / modality.folder

    def resolution(self, modality: Modality, mpp: float) -> Path:
        """Folder of one modality at one pixel size."""
        return self.modality(modality) / resolution_folder(mpp)

    def image(self, modality: Modality, mpp: float, tissue_id: str) -> Path:
        """OME-Zarr group of one image; its pixels are the array ``0`` inside."""
        return self.resolution(modality, mpp) / "images" / f"{tissue_id}.ome.zarr"

    def channels_table(self, modality: Modality) -> Path:
        """Channels of a multiplex modality."""
        return self.modality(modality) / "channels.parquet"

    def channels_per_tissue_table(self, modality: Modality) -> Path:
        """Which tissue has which channel."""
        return self.modality(modality) / "channels_per_tissue.parquet"

    def standardization(self, modality: Modality, mpp: float, method: str, spec: str) -> Path:
        """Folder of one standardization spec, for example method ``quantile_clipping``, spec ``uq_0.99``."""
        return self.resolution(modality, mpp) / "standardization" / method / spec

    def segmentations(self, mpp: float) -> Path:
        """Masks at one pixel size, shared by registered modalities."""
        return self.root / "segmentations" / resolution_folder(mpp)

    def tissue_mask(self, mpp: float, tissue_id: str) -> Path:
        """Boolean mask of one tissue."""
        return self.segmentations(mpp) / "tissue_masks" / f"{tissue_id}.npz"

    def cell_masks(self, mpp: float, task: str = INSTANCES) -> Path:
        """Folder of the cell masks of one task (``instances`` for the labels themselves)."""
        return self.segmentations(mpp) / "cell_masks" / task

    def cell_mask(self, mpp: float, tissue_id: str, task: str = INSTANCES) -> Path:
        """Cell mask of one tissue."""
        return self.cell_masks(mpp, task) / f"{tissue_id}.npz"

    def label_encoder(self, mpp: float, task: str) -> Path:
        """Names and ids of the categories of a task."""
        return self.cell_masks(mpp, task) / "label_encoder.parquet"

    def tiling(self, mpp: float, strategy: str) -> Path:
        """Folder of one tiling strategy at one pixel size."""
        return self.root / "tiling" / resolution_folder(mpp) / strategy

    def tile_coordinates(self, mpp: float, strategy: str, size_px: int) -> Path:
        """Table of tiles."""
        return self.tiling(mpp, strategy) / f"{size_px}_tile_coordinates.parquet"

    def tile_stats(self, mpp: float, strategy: str, size_px: int) -> Path:
        """Table of how each tissue was tiled."""
        return self.tiling(mpp, strategy) / f"{size_px}_tile_stats.parquet"

    def find_modalities(self) -> list[Modality]:
        """Modalities that have a folder, multiplex first, then he, then IHC by name."""
        found = [Modality(name) for name in (*MULTIPLEX_NAMES, "he") if (self.root / name).is_dir()]
        ihc = self.root / "ihc"
        if ihc.is_dir():
            found += [
                Modality(entry.name)
                for entry in sorted(ihc.iterdir())
                if entry.is_dir() and entry.name.startswith("ihc_")
            ]
        return found

    def find_resolutions(self, modality: Modality) -> list[float]:
        """Pixel sizes a modality is stored at, ascending."""
        return sorted(_resolutions_below(self.modality(modality)))

    def find_mask_resolutions(self) -> list[float]:
        """Pixel sizes that have a segmentations folder, ascending."""
        return sorted(_resolutions_below(self.root / "segmentations"))

    def find_tissue_masks(self, mpp: float) -> list[str]:
        """Tissue ids that have a tissue mask there, sorted."""
        folder = self.segmentations(mpp) / "tissue_masks"
        if not folder.is_dir():
            return []
        return sorted(entry.stem for entry in folder.iterdir() if entry.suffix == ".npz")

    def find_images(self, modality: Modality, mpp: float) -> list[str]:
        """Tissue ids that have an image there, sorted."""
        folder = self.resolution(modality, mpp) / "images"
        if not folder.is_dir():
            return []
        return sorted(
            entry.name.removesuffix(".ome.zarr") for entry in folder.iterdir() if entry.name.endswith(".ome.zarr")
        )


def _resolutions_below(folder: Path) -> Iterator[float]:
    if folder.is_dir():
        for entry in folder.iterdir():
            mpp = parse_resolution_folder(entry.name)
            if mpp is not None and entry.is_dir():
                yield mpp
