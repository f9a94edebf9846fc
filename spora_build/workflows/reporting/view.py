"""``view``: a quick picture of one tissue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spora_build.checks.broken_rows import listed
from spora_build.checks.stored_image import StoredImage as ImageFile
from spora_build.checks.view import DatasetView
from spora_build.errors import EnvironmentFaultError, Problem, UsageError
from spora_build.model.geometry import Size
from spora_build.model.modality import Modality
from spora_build.pixels.composite import NUCLEAR
from spora_build.pixels.outline import polygons
from spora_build.report.values import LegendEntry
from spora_build.store.atomic import write_beside
from spora_build.store.image import open_image
from spora_build.workflows.reporting.choose_markers import choose_markers, look_at_structure, with_colors
from spora_build.workflows.reporting.jobs import StoredLevels, StructureJob
from spora_build.workflows.reporting.look_at_channels import SQUARE_PX
from spora_build.workflows.reporting.look_at_mask import look_at_mask, whole_field
from spora_build.workflows.reporting.look_at_modality import fitting_mask, level_for
from spora_build.workflows.reporting.picture_of import (
    ShownChannel,
    channel_names,
    find_limits,
    legend,
    measured,
    paint,
    read_planes,
)
from spora_build.workflows.reporting.plan import panel_of, wanted_markers
from spora_build.workflows.reporting.tables import read_panel

SIDE_PX = 1600
_LIMITS_PX = 512


@dataclass(frozen=True)
class TissuePicture:
    """One modality of a tissue as a picture."""

    modality: str
    rgb: NDArray[np.uint8]
    """(h, w, 3)."""
    legend: tuple[LegendEntry, ...]
    """Empty for brightfield."""


def find_tissue(view: DatasetView, text: str) -> str:
    """The tissue meant by its id or by a part that no other tissue's id has. Raises UsageError."""
    if text in view.tissue_ids:
        return text
    found = sorted(tissue for tissue in view.tissue_ids if text and text in tissue)
    if len(found) == 1:
        return found[0]
    what = f"{len(found)} tissues have ids with this part: {listed(found)}." if found else "no tissue has such an id."
    raise UsageError(Problem("E-VIEW-001", what, "give an id of tissues.parquet, or a part that only one id has."))


def images_of(view: DatasetView, tissue_id: str, modality: str | None) -> dict[Modality, list[ImageFile]]:
    """The tissue's images by modality, finest first. Raises UsageError where there is none."""
    found: dict[Modality, list[ImageFile]] = {}
    for image in sorted(view.images, key=lambda image: image.mpp):
        if image.tissue_id == tissue_id and modality in (None, image.modality.name):
            found.setdefault(image.modality, []).append(image)
    if not found:
        others = {image.modality.name for image in view.images if image.tissue_id == tissue_id}
        remedy = f"ask for {' or '.join(sorted(others))}." if others else "convert or download the tissue again."
        raise UsageError(Problem("E-VIEW-002", "the tissue has no such image.", remedy))
    return found


def draw_tissue(
    view: DatasetView,
    tissue_id: str,
    *,
    modality: str | None = None,
    markers: Sequence[str] = (),
    outline: bool = True,
    side_px: int = SIDE_PX,
) -> list[TissuePicture]:
    """A picture of every modality (or of one), its longer side at most ``side_px``. Raises SporaBuildError."""
    images = images_of(view, tissue_id, modality)
    wanted = wanted_markers({m: read_panel(view, m) for m in view.panels}, markers)
    return [_draw(view, own, wanted.get(name, ()), outline, side_px) for name, own in sorted(images.items())]


def _draw(
    view: DatasetView, files: Sequence[ImageFile], wanted: Sequence[str], outline: bool, side_px: int
) -> TissuePicture:
    modality = files[0].modality
    images = [open_image(file.path) for file in files]
    levels = StoredLevels(modality.name, tuple((file.mpp, file.path) for file in files))
    mpp, image = level_for(levels, images, side_px)
    file = next(file for file in files if file.mpp == mpp)
    mask_file = view.tissue_masks.get((file.tissue_id, mpp))
    mask_path = fitting_mask(mask_file.path if mask_file else None, image.size)
    mask = look_at_mask(mask_path, image.size, SQUARE_PX) if mask_path else whole_field(image.size, SQUARE_PX)
    shown: tuple[ShownChannel, ...] = ()
    if modality.is_multiplex:
        seen = look_at_structure(StructureJob(modality.name, file.path, mask_path))
        panel = read_panel(view, modality) or panel_of([seen], modality)
        names = wanted or choose_markers([channel for channel in panel if channel.name in seen.channel_names], [seen])
        shown = measured(image, with_colors(names, panel, {}))
    planes = read_planes(image, shown, max(1.0, max(image.size.height, image.size.width) / side_px))
    limits = find_limits(planes, shown, mask.small)
    rgb = paint(planes, shown, limits)
    if outline and mask_path:
        rgb = _with_outline(rgb, mask.small, (255, 255, 255) if modality.is_multiplex else (11, 61, 145))
    return TissuePicture(modality.name, rgb, legend(shown, limits))


def _with_outline(rgb: NDArray[np.uint8], mask: NDArray[np.bool_], color: tuple[int, int, int]) -> NDArray[np.uint8]:
    from PIL import Image, ImageDraw

    picture = Image.fromarray(rgb)
    pen = ImageDraw.Draw(picture)
    size = Size(picture.height, picture.width)
    for corners in polygons(mask):
        rows, cols = corners[:, 0] / mask.shape[0] * size.height, corners[:, 1] / mask.shape[1] * size.width
        pen.line(list(zip(cols.tolist(), rows.tolist(), strict=True)), fill=color, width=max(1, size.width // 600))
    return np.asarray(picture)


def picture_path(view: DatasetView, folder: Path, tissue_id: str, modality: str) -> Path:
    """``<tissue_id>_<modality>.png`` in a folder; beside the dataset where that folder is inside it."""
    root = view.root.resolve()
    if root == folder.resolve() or root in folder.resolve().parents:
        folder = root.parent
    return folder / f"{tissue_id}_{modality}.png"


def write_picture(path: Path, picture: TissuePicture) -> None:
    """Write the picture as PNG, whole or not at all."""
    from PIL import Image

    with write_beside(path) as temporary:
        Image.fromarray(picture.rgb).save(temporary, "PNG")


def _contrasts(files: Sequence[ImageFile]) -> list[tuple[float, float]]:
    """What is black and what is full colour of every channel, told by the coarsest image."""
    image = open_image(files[-1].path)
    every = [ShownChannel(name, NUCLEAR) for name in channel_names(image)]
    planes = read_planes(image, every, max(1.0, max(image.size.height, image.size.width) / _LIMITS_PX))
    limits = find_limits(planes, every, np.ones((1, 1), np.bool_))
    return [(low, high if high > low else low + 1) for low, high in limits]  # napari wants a range of an empty channel


def open_in_napari(view: DatasetView, tissue_id: str, modality: str | None = None) -> None:
    """Open the finest images, the tissue mask and the cells in napari; returns when its window is closed.

    Multiplex channels have the contrast and colours of the picture; those that it leaves out are there, hidden.

    Raises EnvironmentFaultError where napari is not installed.
    """
    try:
        import napari
    except ImportError as error:
        raise EnvironmentFaultError(
            Problem("E-VIEW-003", "napari is not installed.", "pip install 'spora-build[napari]', then run this again.")
        ) from error
    import zarr

    from spora_build.store.mask import read_mask

    viewer = napari.Viewer(title=tissue_id)
    images = images_of(view, tissue_id, modality)
    alone = not any(name.is_multiplex for name in images)  # else brightfield would hide the channels
    for name, files in images.items():
        file = files[0]
        array = zarr.open_array(file.path / "0", mode="r")
        scale = (file.mpp, file.mpp)
        if name.is_multiplex:
            colors = {entry.channel: entry.color for entry in _draw(view, files, (), False, _LIMITS_PX).legend}
            names = channel_names(open_image(file.path))
            viewer.add_image(
                array,
                channel_axis=0,
                name=list(names),
                scale=scale,
                contrast_limits=_contrasts(files),
                colormap=[colors.get(channel, "gray") for channel in names],
                blending="additive",
                visible=[channel in colors for channel in names],
            )
        else:
            viewer.add_image(
                np.moveaxis(np.asarray(array[:]), 0, -1), rgb=True, name=name.name, scale=scale, visible=alone
            )
    for (tissue, mpp), mask in sorted(view.tissue_masks.items(), key=lambda item: item[0][1]):
        if tissue == tissue_id:
            viewer.add_labels(read_mask(mask.path).astype(np.uint8), name="tissue", scale=(mpp, mpp), visible=False)
            break
    for (tissue, mpp), mask in sorted(view.instance_masks.items(), key=lambda item: item[0][1]):
        if tissue == tissue_id:
            viewer.add_labels(read_mask(mask.path).astype(np.int64), name="cells", scale=(mpp, mpp), visible=False)
            break
    napari.run()
