"""The tiling stage: tissue masks of a dataset in, tables of tiles out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np

from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.model.geometry import Size
from spora_build.model.modality import Modality
from spora_build.pixels.tile_settings import Tiling, TilingSettings, TilingStats
from spora_build.pixels.tiling import tile_mask
from spora_build.store.layout import Layout
from spora_build.store.mask import read_mask_header
from spora_build.store.mask_bands import read_mask_bands

TRAINING_MPP = 1.0
TRAINING_SIZES_PX = (128, 224)
STAINING_SIZE_PX = 256
"""Tiles of virtual staining, at the native pixel size of H&E."""
_GRID_FIELDS = ("grid_candidate_count", "padded_height", "padded_width")


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

    ``template`` gives strategy, stride and thresholds; its size is ignored. What a dataset has no pixels for is left out.
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


def write_tiles(layout: Layout, mpp: float, strategy: str, results: Sequence[TileResult]) -> list[Path]:
    """Write the coordinates and the stats table of every tile size among the results; returns the tables' paths.

    The tables hold these tissues and no other: give the results of the whole cohort (:func:`read_tiles` brings back
    those of an earlier run). Raises ValueError where a result belongs to another pixel size or strategy.
    """
    from spora_build.store.tables import write_table

    if any(result.mpp != mpp or result.settings.strategy != strategy for result in results):
        raise ValueError("every result of a table has its pixel size and strategy")
    written = []
    for size in sorted({result.settings.size_px for result in results}):
        these = sorted((r for r in results if r.settings.size_px == size), key=lambda r: r.tissue_id)
        coordinates, stats = layout.tile_coordinates(mpp, strategy, size), layout.tile_stats(mpp, strategy, size)
        write_table(coordinates, _coordinates_frame(these))
        write_table(stats, _stats_frame(these), index=True)
        written += [coordinates, stats]
    return written


def read_tiles(layout: Layout, mpp: float, strategy: str, size_px: int) -> list[TileResult]:
    """What :func:`write_tiles` wrote, sorted by tissue; empty where a table is missing.

    Raises InvalidDataError where a table is damaged.
    """
    from spora_build.store.tables import read_table

    paths = layout.tile_coordinates(mpp, strategy, size_px), layout.tile_stats(mpp, strategy, size_px)
    if not all(path.is_file() for path in paths):
        return []
    coordinates, stats = (read_table(path) for path in paths)
    try:
        corners = {
            str(tissue): group.sort_values("tile_id")[["row", "col"]].to_numpy(np.int64)
            for tissue, group in coordinates.groupby("tissue_id")
        }
        return [
            _result(str(tissue), mpp, strategy, row, corners.get(str(tissue), np.empty((0, 2), np.int64)))
            for tissue, row in stats.sort_index().to_dict(orient="index").items()
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidDataError(
            Problem(
                "E-TILE-008",
                "these tables of tiles lack columns or values.",
                "delete them and run `spora-build tile` again.",
                Place(file=f"{strategy}/{paths[1].name}"),
            )
        ) from error


def _coordinates_frame(results: Sequence[TileResult]):  # type: ignore[no-untyped-def]
    import pandas as pd

    counts = [len(result.tiling.coordinates) for result in results]
    corners = np.concatenate([np.empty((0, 2), np.int64), *(result.tiling.coordinates for result in results)])
    return pd.DataFrame(
        {
            "tissue_id": pd.array(
                np.repeat(np.array([result.tissue_id for result in results], object), counts), dtype=pd.StringDtype()
            ),
            "tile_id": np.concatenate([np.empty(0, np.int64), *(np.arange(count) for count in counts)]),
            "row": corners[:, 0],
            "col": corners[:, 1],
        }
    )
