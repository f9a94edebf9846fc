"""A dataset as the checks see it: everything read once, when first asked for, metadata only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from spora_build.checks.mask_file import MaskFile
from spora_build.checks.stored_image import StoredImage
from spora_build.checks.table_file import TableFile
from spora_build.model.modality import MULTIPLEX_NAMES, Modality
from spora_build.store.layout import INSTANCES, Layout, parse_resolution_folder, resolution_folder

TISSUE_MASKS = "tissue_masks"
CELL_MASKS = "cell_masks"


@dataclass(frozen=True)
class Tiling:
    """Both tables of one tile size of one strategy."""

    mpp: float
    strategy: str
    size_px: int
    coordinates: TableFile
    stats: TableFile


@dataclass(frozen=True)
class Standardization:
    """One folder ``standardization/<method>/<spec>``."""

    modality: Modality
    mpp: float
    method: str
    spec: str
    place: str
    tables: dict[str, TableFile] = field(compare=False)
    """By file name without ``.parquet``: ``image_level_upper_quantiles``…"""


@dataclass(frozen=True)
class DatasetView:
    """One dataset on disk, ours or anybody's, whole or in parts. Never writes."""

    root: Path
    is_gene_symbol: Callable[[str], bool] | None = None
    """Whether a name is an approved gene symbol; None where nobody knows."""
    _cache: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def layout(self) -> Layout:
        """Where the dataset keeps what."""
        return Layout(self.root)

    def place(self, path: Path) -> str:
        """Path relative to the dataset, with ``/``."""
        return path.relative_to(self.root).as_posix()

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """The result of ``make``, made at the first call with this key."""
        if key not in self._cache:
            self._cache[key] = make()
        return self._cache[key]

    def entries(self, folder: Path) -> list[Path]:
        """What lies in a folder, by name; nothing where there is no folder."""
        found: list[Path] = self.once(("entries", folder), lambda: sorted(folder.iterdir()) if folder.is_dir() else [])
        return found

    def folders(self, folder: Path) -> list[Path]:
        """Folders in a folder, by name, hidden ones left out."""
        return [entry for entry in self.entries(folder) if entry.is_dir() and not entry.name.startswith(".")]

    def table(self, path: Path) -> TableFile:
        """A table, whether it exists or not."""
        found: TableFile = self.once(("table", path), lambda: TableFile(path, self.place(path)))
        return found

    @property
    def tissues(self) -> TableFile:
        """``metadata/tissues.parquet``."""
        return self.table(self.layout.tissues_table)

    @property
    def cells(self) -> TableFile:
        """``metadata/cells.parquet``."""
        return self.table(self.layout.cells_table)

    @cached_property
    def tissue_modalities(self) -> pd.DataFrame:
        """Columns tissue_id and modality of tissues.parquet as text, rows with a null left out."""
        if not self.tissues.has(["tissue_id", "modality"]):
            return pd.DataFrame({"tissue_id": [], "modality": []}, dtype=object)
        return self.tissues.rows[["tissue_id", "modality"]].dropna().astype(str)

    @cached_property
    def tissue_ids(self) -> frozenset[str]:
        """Every tissue of tissues.parquet."""
        return frozenset(self.tissue_modalities["tissue_id"])

    def tissues_of(self, modality: Modality) -> frozenset[str]:
        """Tissues that tissues.parquet has of a modality."""
        by_modality: dict[str, frozenset[str]] = self.once(
            "by modality",
            lambda: {str(m): frozenset(ids) for m, ids in self.tissue_modalities.groupby("modality")["tissue_id"]},
        )
        return by_modality.get(modality.name, frozenset())

    @cached_property
    def modalities(self) -> list[Modality]:
        """Modalities that have a folder with a well-formed name."""
        found = [Modality(name) for name in (*MULTIPLEX_NAMES, "he") if (self.root / name).is_dir()]
        for folder in self.folders(self.root / "ihc"):
            try:
                modality = Modality(folder.name)
            except ValueError:
                continue
            if modality.name.startswith("ihc_"):
                found.append(modality)
        return found

    @property
    def panels(self) -> list[Modality]:
        """Multiplex modalities that have a folder."""
        return [modality for modality in self.modalities if modality.is_multiplex]

    def resolutions(self, folder: Path) -> list[float]:
        """Pixel sizes of the well-named resolution folders in a folder, ascending."""
        found = (parse_resolution_folder(entry.name) for entry in self.folders(folder))
        return sorted(mpp for mpp in set(found) if mpp is not None and (folder / resolution_folder(mpp)).is_dir())

    def channels(self, modality: Modality) -> TableFile:
        """``channels.parquet`` of a multiplex modality."""
        return self.table(self.layout.channels_table(modality))

    def channels_per_tissue(self, modality: Modality) -> TableFile:
        """``channels_per_tissue.parquet`` of a multiplex modality."""
        return self.table(self.layout.channels_per_tissue_table(modality))

    def measured(self, modality: Modality) -> dict[str, list[str]]:
        """Names of the channels that each tissue has, in table order; empty where the table is unusable."""

        def read() -> dict[str, list[str]]:
            frame = self.channels_per_tissue(modality).rows
            names = [str(name) for name in frame.columns]
            flags = (frame == True).to_numpy(dtype=bool)  # noqa: E712 (ones count too)
            return {
                str(tissue): [name for name, flag in zip(names, row, strict=True) if flag]
                for tissue, row in zip(frame.index, flags, strict=True)
            }

        found: dict[str, list[str]] = self.once(("measured", modality), read)
        return found

    @cached_property
    def images(self) -> list[StoredImage]:
        """Every image, by modality, pixel size and tissue."""
        return list(self._find_images())

    def _find_images(self) -> Iterator[StoredImage]:
        for modality in self.modalities:
            for mpp in self.resolutions(self.layout.modality(modality)):
                for entry in self.entries(self.layout.resolution(modality, mpp) / "images"):
                    if entry.name.endswith(".ome.zarr") and not entry.name.startswith("."):
                        tissue = entry.name.removesuffix(".ome.zarr")
                        yield StoredImage(entry, self.place(entry), modality, mpp, tissue)

    def images_of(self, modality: Modality) -> list[StoredImage]:
        """Images of one modality."""
        return [image for image in self.images if image.modality == modality]

    @cached_property
    def images_at(self) -> dict[tuple[str, float], list[StoredImage]]:
        """Images of each tissue at each pixel size, over the modalities."""
        found: dict[tuple[str, float], list[StoredImage]] = {}
        for image in self.images:
            found.setdefault((image.tissue_id, image.mpp), []).append(image)
        return found

    @cached_property
    def finest_mpp(self) -> dict[str, float]:
        """The finest pixel size at which each tissue has an image."""
        found: dict[str, float] = {}
        for tissue, mpp in self.images_at:
            found[tissue] = min(mpp, found.get(tissue, mpp))
        return found

    @property
    def mask_resolutions(self) -> list[float]:
        """Pixel sizes below ``segmentations``."""
        return self.resolutions(self.root / "segmentations")

    @cached_property
    def masks(self) -> list[MaskFile]:
        """Every mask, by pixel size, folder and tissue."""
        return list(self._find_masks())

    def _find_masks(self) -> Iterator[MaskFile]:
        for mpp in self.mask_resolutions:
            below = self.layout.segmentations(mpp)
            for folder in [below / TISSUE_MASKS, *self.folders(below / CELL_MASKS)]:
                for entry in self.entries(folder):
                    if entry.suffix == ".npz" and not entry.name.startswith("."):
                        yield MaskFile(entry, self.place(entry), mpp, folder.name, entry.stem)

    @cached_property
    def tissue_masks(self) -> dict[tuple[str, float], MaskFile]:
        """Tissue masks by tissue and pixel size."""
        return {(mask.tissue_id, mask.mpp): mask for mask in self.masks if mask.folder == TISSUE_MASKS}

    @cached_property
    def instance_masks(self) -> dict[tuple[str, float], MaskFile]:
        """Instance masks by tissue and pixel size."""
        return {(mask.tissue_id, mask.mpp): mask for mask in self.masks if mask.folder == INSTANCES}

    @property
    def task_masks(self) -> list[MaskFile]:
        """Masks of every task."""
        return [mask for mask in self.masks if mask.folder not in (TISSUE_MASKS, INSTANCES, "instances_virtues")]

    @property
    def task_folders(self) -> list[tuple[float, Path]]:
        """Folders of the tasks with their pixel size (the two kinds of instances left out)."""
        return [
            (mpp, folder)
            for mpp in self.mask_resolutions
            for folder in self.folders(self.layout.segmentations(mpp) / CELL_MASKS)
            if folder.name not in (INSTANCES, "instances_virtues")
        ]

    @cached_property
    def tilings(self) -> list[Tiling]:
        """Every tile size of every strategy at every pixel size."""
        found: list[Tiling] = []
        for mpp in self.resolutions(self.root / "tiling"):
            for folder in self.folders(self.root / "tiling" / resolution_folder(mpp)):
                sizes = {entry.name.partition("_tile_")[0] for entry in self.entries(folder) if "_tile_" in entry.name}
                for size in sorted(int(text) for text in sizes if text.isdecimal()):
                    coordinates = self.table(self.layout.tile_coordinates(mpp, folder.name, size))
                    stats = self.table(self.layout.tile_stats(mpp, folder.name, size))
                    found.append(Tiling(mpp, folder.name, size, coordinates, stats))
        return found

    @cached_property
    def standardizations(self) -> list[Standardization]:
        """Every standardization folder of every multiplex modality at every pixel size."""
        found: list[Standardization] = []
        for modality in self.panels:
            for mpp in self.resolutions(self.layout.modality(modality)):
                for method in self.folders(self.layout.resolution(modality, mpp) / "standardization"):
                    for spec in self.folders(method):
                        files = [entry for entry in self.entries(spec) if entry.suffix == ".parquet"]
                        tables = {entry.stem: self.table(entry) for entry in files}
                        found.append(Standardization(modality, mpp, method.name, spec.name, self.place(spec), tables))
        return found
