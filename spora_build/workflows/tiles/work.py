"""The tiling stage: which tissue masks are tiled how, and the work on one of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.model.geometry import Size
from spora_build.pixels.tile_settings import Tiling, TilingSettings
from spora_build.pixels.tiling import tile_mask
from spora_build.store.layout import Layout
from spora_build.store.mask import read_mask_header
from spora_build.store.mask_bands import read_mask_bands
from spora_build.workflows.running.executors import PROCESS_BYTES

TRAINING_MPP = 1.0
TRAINING_SIZES_PX = (128, 224)
STAINING_SIZE_PX = 256
"""Tiles of virtual staining, at the native pixel size of H&E."""


_HELD_BYTES = 200_000_000


@dataclass(frozen=True)
class TileRequest:
    """Tiles of one kind at one pixel size, for every tissue with a mask there."""

    mpp: float
    settings: TilingSettings


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


def default_requests(
    layout: Layout, native_he_mpps: Sequence[float], template: TilingSettings | None = None
) -> tuple[TileRequest, ...]:
    """128 and 224 px at 1.0 mpp, and 256 px at each native pixel size of H&E.

    ``template`` gives strategy, stride and thresholds; its size is ignored. What has no masks is left out.
    """
    template = template or TilingSettings(TRAINING_SIZES_PX[0])
    stored = layout.find_mask_resolutions()
    sizes = [(TRAINING_MPP, size) for size in TRAINING_SIZES_PX]
    sizes += [(mpp, STAINING_SIZE_PX) for mpp in sorted(set(native_he_mpps))]
    return tuple(TileRequest(mpp, replace(template, size_px=size)) for mpp, size in sizes if mpp in stored)


def plan_tiles(layout: Layout, requests: Iterable[TileRequest]) -> list[TileJob]:
    """One job per request and tissue whose mask is there, tissues sorted within a request."""
    return [
        TileJob(tissue, request.mpp, request.settings, layout.tissue_mask(request.mpp, tissue))
        for request in requests
        for tissue in layout.find_tissue_masks(request.mpp)
    ]


def tile_need(job: TileJob) -> int:
    """Bytes of memory that a job may take: bands of the mask, and counts of its cells, of which a tile has many."""
    return PROCESS_BYTES + _HELD_BYTES


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
