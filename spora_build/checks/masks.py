"""Tissue masks, cell masks and task masks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spora_build.checks.broken_rows import listed
from spora_build.checks.core import NotApplicableError, Violation, rule
from spora_build.checks.mask_file import MaskFile
from spora_build.checks.table_file import Kind, TableFile
from spora_build.checks.tissues_table import NAN_TEXTS
from spora_build.checks.view import CELL_MASKS, TISSUE_MASKS, DatasetView
from spora_build.errors import Severity
from spora_build.store.layout import INSTANCES, resolution_folder

TORCH_TYPES = {"bool", "uint8", "int8", "int16", "int32", "int64"}
"""What torch.from_numpy takes in every torch and a category index can be."""


def _masks(view: DatasetView, folder: str | None = None) -> list[MaskFile]:
    found = [mask for mask in view.masks if folder is None or mask.folder == folder]
    if not found:
        raise NotApplicableError(f"there are no masks in {folder}" if folder else "there are no masks")
    return found


@rule("V501", remedy="Run `spora-build mask`.")
def tissue_mask_of_every_image(view: DatasetView) -> Iterator[Violation]:
    """Every tissue has a tissue mask at every pixel size it has an image at."""
    if not view.tissue_masks:
        raise NotApplicableError("there are no tissue masks")
    for tissue, mpp in sorted(view.images_at.keys() - view.tissue_masks.keys()):
        yield Violation(f"segmentations/{resolution_folder(mpp)}/{TISSUE_MASKS}/{tissue}.npz", "missing")


@rule("V502", remedy="Write the mask again: np.savez_compressed(path, mask=mask), two-dimensional.")
def masks_are_readable(view: DatasetView) -> Iterator[Violation]:
    """A mask is an .npz file with one two-dimensional array under the key "mask"."""
    for mask in _masks(view):
        if not mask.readable:
            yield Violation(mask.place)


@rule("V503", remedy="Write the mask as booleans.")
def tissue_mask_type(view: DatasetView) -> Iterator[Violation]:
    """A tissue mask is of dtype bool."""
    for mask in _masks(view, TISSUE_MASKS):
        if mask.dtype is not None and mask.dtype != np.bool_:
            yield Violation(mask.place, str(mask.dtype))


@rule("V504", remedy="Make the mask at the image's size, or move it to the folder of its pixel size.")
def mask_shape(view: DatasetView) -> Iterator[Violation]:
    """Every mask has the height and width of its tissue's images at that pixel size."""
    for mask in _masks(view):
        sizes = {image.shape[1:] for image in view.images_at.get((mask.tissue_id, mask.mpp), []) if image.shape}
        if mask.shape is not None and sizes and mask.shape not in sizes:
            yield Violation(mask.place, f"{mask.shape} beside an image of {sorted(sizes)[0]}")


@rule("V505", needs=["V103"], remedy="Delete the mask, or add the tissue to tissues.parquet.")
def masks_have_a_tissue(view: DatasetView) -> Iterator[Violation]:
    """Every mask belongs to a tissue of tissues.parquet."""
    for mask in _masks(view):
        if mask.tissue_id not in view.tissue_ids:
            yield Violation(mask.place)


@rule("V506", severity=Severity.WARNING, remedy="Move it out of the dataset.")
def stray_among_masks(view: DatasetView) -> Iterator[Violation]:
    """Folders of masks hold nothing but <tissue_id>.npz files."""
    for mpp in view.mask_resolutions:
        below = view.layout.segmentations(mpp)
        for folder in [below / TISSUE_MASKS, *view.folders(below / CELL_MASKS)]:
            for entry in view.entries(folder):
                allowed = entry.suffix == ".npz" or entry.name == "label_encoder.parquet"
                if not (entry.is_file() and allowed) and not entry.name.startswith("."):
                    yield Violation(view.place(entry))


@rule("V507", remedy="Move it out of cell_masks/: the reader takes every folder there for a task.")
def stray_in_cell_masks(view: DatasetView) -> Iterator[Violation]:
    """The folder cell_masks/ holds nothing but instances/ and the folders of tasks, each with masks."""
    for mpp in view.mask_resolutions:
        for entry in view.entries(view.layout.segmentations(mpp) / CELL_MASKS):
            if not entry.is_dir() or not any(file.suffix == ".npz" for file in view.entries(entry)):
                yield Violation(view.place(entry))


@rule("V508", severity=Severity.WARNING, remedy="Write the mask again: np.savez_compressed(path, mask=mask).")
def masks_are_compressed(view: DatasetView) -> Iterator[Violation]:
    """A mask's file holds the mask alone, compressed as np.savez_compressed does."""
    for mask in _masks(view):
        if mask.readable and not mask.is_compressed_alone:
            yield Violation(mask.place)


@rule("V511", remedy="Write labels as uint16, or uint32 above 65,535 cells.")
def instance_mask_type(view: DatasetView) -> Iterator[Violation]:
    """An instance mask is of an unsigned integer dtype."""
    for mask in _masks(view, INSTANCES):
        if mask.dtype is not None and mask.dtype.kind != "u":
            yield Violation(mask.place, str(mask.dtype))


@rule("V512", needs=["V203"], remedy="Write the mask as uint32.")
def instance_mask_holds_all_cells(view: DatasetView) -> Iterator[Violation]:
    """The dtype of an instance mask can hold every cell_id of its tissue."""
    largest = view.cells.rows.groupby("tissue_id")["cell_id"].max()
    for mask in _masks(view, INSTANCES):
        if mask.dtype is None or mask.dtype.kind not in "ui" or mask.tissue_id not in largest.index:
            continue
        if int(largest[mask.tissue_id]) > np.iinfo(mask.dtype).max:
            yield Violation(mask.place, f"{mask.dtype} and a cell_id of {largest[mask.tissue_id]}")


@rule("V513", remedy="Put the mask at the highest resolution; a resampled copy may stand beside it.")
def instances_at_highest_resolution(view: DatasetView) -> Iterator[Violation]:
    """Instance masks lie at the finest pixel size at which their tissue has an image."""
    for tissue in sorted({mask.tissue_id for mask in _masks(view, INSTANCES)}):
        finest = view.finest_mpp.get(tissue)
        if finest is not None and (tissue, finest) not in view.instance_masks:
            yield Violation(view.place(view.layout.cell_mask(finest, tissue)), "missing")


@rule("V521", remedy="Write label_encoder.parquet with the columns name and id.")
def label_encoder(view: DatasetView) -> Iterator[Violation]:
    """Every task folder has a label_encoder.parquet whose columns are literally name (text) and id (integer)."""
    if not view.task_folders:
        raise NotApplicableError("there are no task masks")
    for _, folder in view.task_folders:
        table = view.table(folder / "label_encoder.parquet")
        if table.frame is None:
            yield Violation(table.place, "damaged" if table.exists else "missing")
        elif list(table.rows.columns) != ["name", "id"]:
            yield Violation(table.place, f"columns {listed(table.rows.columns)}")
        elif (table.kinds["name"], table.kinds["id"]) != (Kind.TEXT, Kind.INTEGER):
            yield Violation(table.place, f"name holds {table.kinds['name']}, id {table.kinds['id']}")


@rule("V522", needs=["V521"], remedy="Give every category one name and one id.")
def label_encoder_is_unique(view: DatasetView) -> Iterator[Violation]:
    """Names and ids of a label encoder are complete and unique."""
    for _, folder in view.task_folders:
        table = view.table(folder / "label_encoder.parquet")
        for name in ("name", "id"):
            if table.rows[name].isna().any() or table.rows[name].duplicated().any() or _has_nan_text(table, name):
                yield Violation(table.place, name)


def _has_nan_text(table: TableFile, name: str) -> bool:
    return bool(table.text(name).str.strip().isin({"", *NAN_TEXTS}).any())


@rule("V523", remedy="Write the mask as uint8 or int32.")
def task_mask_type(view: DatasetView) -> Iterator[Violation]:
    """A task mask is of a dtype that torch takes: uint8, int8, int16, int32 or int64."""
    for mask in view.task_masks:
        if mask.dtype is not None and mask.dtype.name not in TORCH_TYPES:
            yield Violation(mask.place, str(mask.dtype))


@rule("V524", remedy="Add the instance mask, or delete the task mask.")
def task_masks_have_instances(view: DatasetView) -> Iterator[Violation]:
    """Every task mask has an instance mask beside it."""
    if not view.instance_masks:
        raise NotApplicableError("there are no instance masks")
    for mask in view.task_masks:
        if (mask.tissue_id, mask.mpp) not in view.instance_masks:
            yield Violation(mask.place)
