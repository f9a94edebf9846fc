"""One modality of a tissue as the report shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spora_build.model.geometry import Size, Window
from spora_build.report.values import ModalityLook, Picture
from spora_build.store.image import StoredImage
from spora_build.workflows.reporting.encode_picture import encode, side_for
from spora_build.workflows.reporting.jobs import Budget, StoredLevels
from spora_build.workflows.reporting.look_at_cells import Grid
from spora_build.workflows.reporting.look_at_channels import SQUARE_PX, look_at_channels
from spora_build.workflows.reporting.look_at_mask import MaskLook, look_at_mask, mask_size, whole_field
from spora_build.workflows.reporting.picture_of import (
    Limits,
    ShownChannel,
    channel_names,
    find_limits,
    legend,
    measured,
    paint,
    read_planes,
    small_size,
)

OVERVIEW_PX = 900
DETAIL_PX = 360
_LINES_PX = 480
"""Cell outlines of an image smaller than this are drawn finer than its pixels, or they would hide its cells."""


@dataclass(frozen=True)
class Rendered:
    """A modality, and where its pictures lie in the field."""

    look: ModalityLook
    overview: Grid
    detail: Grid | None


def look_at_modality(
    stored: StoredLevels,
    images: Sequence[StoredImage],
    tissue_masks: dict[float, Path],
    tissue: MaskLook | None,
    centre: tuple[float, float],
    detail_mpp: float,
    budget: Budget,
) -> Rendered:
    """Measure the channels and draw the pictures; ``images`` are those of ``stored.levels``.

    ``centre`` is where the detail is taken, as shares of the field's height and width. Raises InvalidDataError.
    """
    side = side_for(budget.overview_bytes, OVERVIEW_PX)
    mpp, image = level_for(stored, images, side)
    mask_path = fitting_mask(tissue_masks.get(mpp), image.size)
    mask = look_at_mask(mask_path, image.size, SQUARE_PX) if mask_path else whole_field(image.size, SQUARE_PX)
    channels = look_at_channels(image, channel_names(image), mask_path, mask, dict(dict(stored.clips).get(mpp, ())))

    shown = measured(image, stored.shown)
    planes = read_planes(image, shown, max(1.0, max(image.size.height, image.size.width) / side))
    limits = find_limits(planes, shown, (tissue or mask).small)
    overview = encode(paint(planes, shown, limits), budget.overview_bytes)
    finest = images[0]
    field_um = finest.size.height * stored.levels[0][0], finest.size.width * stored.levels[0][0]
    detail, grid = _detail(stored, finest, shown, limits, centre, detail_mpp, budget)
    look = ModalityLook(
        modality=stored.modality,
        read_mpp=mpp,
        mpps=tuple(at for at, _ in stored.levels),
        height_px=finest.size.height,
        width_px=finest.size.width,
        dtype=str(image.dtype),
        counted_share=channels.counted_share,
        channels=channels.channels,
        pairs=channels.pairs,
        overview=overview,
        detail=detail,
        detail_um_per_px=grid.width * field_um[1] / detail.width_px if detail and grid else 0.0,
        legend=legend(shown, limits),
    )
    height, width = planes.shape[1:]
    finer = max(1, _LINES_PX // max(height, width)) if (height, width) == (image.size.height, image.size.width) else 1
    return Rendered(look, Grid(0.0, 0.0, 1.0, 1.0, height * finer, width * finer), grid)


def level_for(stored: StoredLevels, images: Sequence[StoredImage], side: int) -> tuple[float, StoredImage]:
    """The coarsest stored image that is no smaller than ``side`` pixels; the finest where all are."""
    levels = [(mpp, image) for (mpp, _), image in zip(stored.levels, images, strict=True)]
    serving = [level for level in levels if max(level[1].size.height, level[1].size.width) >= side]
    return serving[-1] if serving else levels[0]


def fitting_mask(path: Path | None, size: Size) -> Path | None:
    """The tissue mask, where there is one that fits the image. Raises InvalidDataError where it is damaged."""
    if path is None or mask_size(path) != size:
        return None
    return path


def _detail(
    stored: StoredLevels,
    finest: StoredImage,
    shown: Sequence[ShownChannel],
    limits: Limits,
    centre: tuple[float, float],
    detail_mpp: float,
    budget: Budget,
) -> tuple[Picture | None, Grid | None]:
    """A square of the finest image at ``detail_mpp``, the same for every modality of a tissue."""
    factor = max(1.0, detail_mpp / stored.levels[0][0])
    size = small_size(finest.size, factor)
    side = side_for(budget.detail_bytes, DETAIL_PX) if budget.detail_bytes else 0
    if not side or max(size.height, size.width) < 1.5 * side:
        return None, None
    height, width = min(side, size.height), min(side, size.width)
    window = Window(_first(centre[0], size.height, height), _first(centre[1], size.width, width), height, width)
    picture = paint(read_planes(finest, shown, factor, window), shown, limits)
    grid = Grid(
        window.row / size.height,
        window.col / size.width,
        window.height / size.height,
        window.width / size.width,
        window.height,
        window.width,
    )
    return encode(picture, budget.detail_bytes), grid


def _first(centre: float, length: int, side: int) -> int:
    """Where a window of ``side`` pixels begins so that it lies about ``centre`` and inside."""
    return max(0, min(length - side, round(centre * length - side / 2)))
