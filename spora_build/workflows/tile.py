"""The tiling stage: which tissue masks are tiled how, and the work on one of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.model.geometry import Size
from spora_build.model.modality import Modality
from spora_build.pixels.tile_settings import Tiling, TilingSettings
from spora_build.pixels.tiling import tile_mask
from spora_build.store.layout import Layout
from spora_build.store.mask import read_mask_header
from spora_build.store.mask_bands import read_mask_bands

TRAINING_MPP = 1.0
TRAINING_SIZES_PX = (128, 224)
STAINING_SIZE_PX = 256
"""Tiles of virtual staining, at the native pixel size of H&E."""


@dataclass(frozen=True)
class TileRequest:
    """Tiles of one kind at one pixel size."""

    mpp: float
    settings: TilingSettings
    modality: Modality | None = None
    """Only tissues that have an image of this modality there; None: every tissue with a mask."""


@dataclass(frozen=True)
class TileJob:
    """One tissue to be tiled in one way."""

    tissue_id: str
    mpp: float
    settings: TilingSettings
    mask_path: Path


@dataclass(frozen=True)
class TileResult:
    """The tiles of one tissue and how they came about."""

    tissue_id: str
    mpp: float
    settings: TilingSettings
    tiling: Tiling


def default_requests(layout: Layout, template: TilingSettings | None = None) -> tuple[TileRequest, ...]:
    """128 and 224 px at 1.0 mpp for every mask there; 256 px at the lowest mpp of H&E for the tissues that have it.

    ``template`` gives strategy, stride and thresholds; its size is ignored. What the dataset has no pixels for is left
    out.
    """
    template = template or TilingSettings(TRAINING_SIZES_PX[0])
    requests = []
    if TRAINING_MPP in layout.find_mask_resolutions():
        requests += [TileRequest(TRAINING_MPP, replace(template, size_px=size)) for size in TRAINING_SIZES_PX]
    he = Modality("he")
    resolutions = layout.find_resolutions(he)
    if resolutions:
        requests.append(TileRequest(resolutions[0], replace(template, size_px=STAINING_SIZE_PX), he))
    return tuple(requests)


def plan_tiles(layout: Layout, requests: Iterable[TileRequest]) -> list[TileJob]:
    """One job per request and tissue whose mask is there, tissues sorted within a request."""
    jobs = []
    for request in requests:
        tissues = layout.find_tissue_masks(request.mpp)
        if request.modality is not None:
            pictured = set(layout.find_images(request.modality, request.mpp))
            tissues = [tissue for tissue in tissues if tissue in pictured]
        jobs += [
            TileJob(tissue, request.mpp, request.settings, layout.tissue_mask(request.mpp, tissue))
            for tissue in tissues
        ]
    return jobs


def tile_one(job: TileJob) -> TileResult:
    """Tile one tissue, reading its mask once, in bands. Raises InvalidDataError where the mask is damaged."""
    shape, _ = read_mask_header(job.mask_path)
    if len(shape) != 2 or min(shape) < 1:
        raise InvalidDataError(
            Problem(
                "E-TILE-007",
                "this tissue mask has no pixels in two dimensions.",
                "delete the file and run `spora-build mask` again.",
                Place(file=job.mask_path.name),
            )
        )
    tiling = tile_mask(read_mask_bands(job.mask_path), Size(*shape), job.settings)
    return TileResult(job.tissue_id, job.mpp, job.settings, tiling)
