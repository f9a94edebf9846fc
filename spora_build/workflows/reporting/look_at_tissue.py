"""One tissue as the report shows it: pictures, outlines and numbers of every modality, in flat memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from spora_build.errors import InvalidDataError
from spora_build.pixels.outline import innermost, polygons
from spora_build.report.values import ModalityLook, Picture, TissueLook
from spora_build.store.image import StoredImage, open_image
from spora_build.workflows.reporting.encode_picture import encode_lines
from spora_build.workflows.reporting.jobs import LookJob, StoredLevels
from spora_build.workflows.reporting.look_at_cells import Grid, look_at_cells
from spora_build.workflows.reporting.look_at_channels import SQUARE_PX
from spora_build.workflows.reporting.look_at_mask import MaskLook, look_at_mask, mask_size
from spora_build.workflows.reporting.look_at_modality import Rendered, look_at_modality

_DECIMALS = 4
"""Of outlines: a tenth of a pixel in the largest picture."""

Opened = tuple[StoredLevels, list[StoredImage]]


def look_at_tissue(job: LookJob) -> TissueLook:
    """Look at every image and mask of a tissue. What cannot be read is left out and said in ``problems``."""
    problems: list[str] = []
    opened: list[Opened] = []
    for stored in job.images:
        try:
            opened.append((stored, [open_image(path) for _, path in stored.levels]))
        except InvalidDataError as error:
            problems += _said(stored.modality, error)
    mask = _look_at_mask(job, opened, problems)
    centre = _centre(mask)
    detail_mpp = max((stored.levels[0][0] for stored, _ in opened), default=1.0)
    rendered: list[Rendered] = []
    for stored, images in opened:
        try:
            rendered.append(
                look_at_modality(stored, images, dict(job.tissue_masks), mask, centre, detail_mpp, job.budget)
            )
        except InvalidDataError as error:
            problems += _said(stored.modality, error)
    cells, looks = _with_cells(job, rendered, problems)
    height_um, width_um = _field_um(opened)
    return TissueLook(
        tissue_id=job.tissue_id,
        height_um=height_um,
        width_um=width_um,
        tissue_share=None if mask is None else mask.share,
        outline=() if mask is None else _outline(mask),
        cell_count=cells,
        modalities=looks,
        problems=tuple(problems),
    )


def _said(what: str, error: InvalidDataError) -> list[str]:
    return [f"{what}: {problem.what}" for problem in error.problems]


def _field_um(opened: Sequence[Opened]) -> tuple[float, float]:
    for stored, images in opened:
        mpp, size = stored.levels[0][0], images[0].size
        return size.height * mpp, size.width * mpp
    return 0.0, 0.0


def _look_at_mask(job: LookJob, opened: Sequence[Opened], problems: list[str]) -> MaskLook | None:
    """The coarsest mask that can be read: it says the same of the tissue as the others, for less reading."""
    for mpp, path in reversed(job.tissue_masks):
        try:
            size = mask_size(path)
            sizes = {i.size for s, images in opened for (at, _), i in zip(s.levels, images, strict=True) if at == mpp}
            if sizes - {size}:
                problems.append(f"the tissue mask at {mpp:g} µm has another shape than its image")
            return look_at_mask(path, size, SQUARE_PX)
        except InvalidDataError as error:
            problems += _said(f"tissue mask at {mpp:g} µm", error)
    if not job.tissue_masks:
        problems.append("there is no tissue mask: numbers are of the whole field")
    return None


def _centre(mask: MaskLook | None) -> tuple[float, float]:
    """Where the detail is taken, as shares of the field: as deep in the tissue as can be."""
    if mask is None:
        return 0.5, 0.5
    row, col = innermost(mask.small)
    return (row + 0.5) / mask.small.shape[0], (col + 0.5) / mask.small.shape[1]


def _outline(mask: MaskLook) -> tuple[tuple[tuple[float, float], ...], ...]:
    height, width = mask.small.shape
    return tuple(
        tuple((round(float(row) / height, _DECIMALS), round(float(col) / width, _DECIMALS)) for row, col in corners)
        for corners in polygons(mask.small)
    )


def _with_cells(
    job: LookJob, rendered: Sequence[Rendered], problems: list[str]
) -> tuple[int | None, tuple[ModalityLook, ...]]:
    """The number of cells, and the looks with cell outlines over their pictures."""
    looks = tuple(one.look for one in rendered)
    if job.cell_mask is None:
        return None, looks
    grids: list[Grid] = []
    for one in rendered:
        grids += [one.overview, *([one.detail] if one.detail else [])]
    try:
        found = look_at_cells(job.cell_mask, grids)
    except InvalidDataError as error:
        problems += _said("cell mask", error)
        return None, looks
    drawn = iter(found.edges)
    with_edges = []
    for one in rendered:
        overview, detail = next(drawn), next(drawn) if one.detail else None
        lines: list[Picture | None] = [None if e is None else encode_lines(e) for e in (overview, detail)]
        with_edges.append(replace(one.look, edges=lines[0], detail_edges=lines[1]))
    return found.count, tuple(with_edges)
