"""The tables of tiles: written by the parent at the end of the tiling stage, and read back by its next run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.pixels.tile_settings import Tiling, TilingSettings, TilingStats
from spora_build.store.columns import (
    float_column,
    int_column,
    read_ints,
    repeated_text_column,
    text_column,
)
from spora_build.store.layout import Layout
from spora_build.store.pandas_schema import as_table, index_field
from spora_build.store.tables import read_table, write_table
from spora_build.workflows.tiles.work import TileResult

_GRID_FIELDS = ("grid_candidate_count", "padded_height", "padded_width")
_FLOATS = ("tissue_mask_frac", "coverage_ratio", "tolerance", "coverage_goal", "min_gain_ratio")
_TEXTS = ("stop_reason", "tiling_method")


def write_tiles(layout: Layout, mpp: float, strategy: str, results: Sequence[TileResult]) -> list[Path]:
    """Write the coordinates and the stats table of every tile size among the results; returns the tables' paths.

    The tables hold these tissues and no other: give the results of the whole cohort (:func:`read_tiles` brings back
    those of an earlier run). Raises ValueError where a result belongs to another pixel size or strategy.
    """
    if any(result.mpp != mpp or result.settings.strategy != strategy for result in results):
        raise ValueError("every result of a table has its pixel size and strategy")
    written = []
    for size in sorted({result.settings.size_px for result in results}):
        these = sorted((r for r in results if r.settings.size_px == size), key=lambda r: r.tissue_id)
        coordinates, stats = layout.tile_coordinates(mpp, strategy, size), layout.tile_stats(mpp, strategy, size)
        write_table(coordinates, coordinates_table(these))
        write_table(stats, stats_table(these))
        written += [coordinates, stats]
    return written


def read_tiles(layout: Layout, mpp: float, strategy: str, size_px: int) -> list[TileResult]:
    """What :func:`write_tiles` wrote, sorted by tissue; empty where a table is missing.

    Raises InvalidDataError where a table is damaged.
    """
    paths = layout.tile_coordinates(mpp, strategy, size_px), layout.tile_stats(mpp, strategy, size_px)
    if not all(path.is_file() for path in paths):
        return []
    coordinates, stats = (read_table(path) for path in paths)
    try:
        corners = _corners(coordinates)
        ids = index_field(stats) or "tissue_id"
        rows = sorted(stats.to_pylist(), key=lambda row: str(row[ids]))
        if len({row[ids] for row in rows}) < len(rows):
            raise ValueError("a tissue has several rows")
        nothing = np.empty((0, 2), np.int64)
        return [_result(str(row[ids]), mpp, strategy, row, corners.get(str(row[ids]), nothing)) for row in rows]
    except (KeyError, TypeError, ValueError, NotImplementedError) as error:
        raise InvalidDataError(
            Problem(
                "E-TILE-008",
                "this table of tiles lacks columns or values.",
                "delete it and run `spora-build tile` again.",
                Place(file=f"{strategy}/{paths[1].name}"),
            )
        ) from error


def _corners(coordinates: pa.Table) -> dict[str, NDArray[np.int64]]:
    """Row and column of each tile by tissue, shape (n, 2), in the order of the tiles' ids."""
    tissues = coordinates["tissue_id"].combine_chunks().dictionary_encode()
    codes = read_ints(tissues.indices)
    tile_ids, rows, cols = (read_ints(coordinates[name]) for name in ("tile_id", "row", "col"))
    corners = np.column_stack([rows, cols])[np.lexsort((tile_ids, codes))]
    names = [str(name) for name in tissues.dictionary.to_pylist()]
    ends = np.cumsum(np.bincount(codes, minlength=len(names)))
    return dict(zip(names, np.split(corners, ends)[:-1], strict=True))


def coordinates_table(results: Sequence[TileResult]) -> pa.Table:
    """Columns tissue_id, tile_id (0…n−1 in the order of selection), row, col (int64), in the order of the results."""
    counts = [len(result.tiling.coordinates) for result in results]
    corners = np.concatenate([np.empty((0, 2), np.int64), *(result.tiling.coordinates for result in results)])
    tile_ids = np.concatenate([np.empty(0, np.int64), *(np.arange(count) for count in counts)])
    return as_table(
        {
            "tissue_id": repeated_text_column([result.tissue_id for result in results], counts),
            "tile_id": int_column(tile_ids),
            "row": int_column(corners[:, 0]),
            "col": int_column(corners[:, 1]),
        }
    )


def stats_table(results: Sequence[TileResult]) -> pa.Table:
    """Index tissue_id; the numbers of each tiling and then its settings, in the order of the results.

    The three columns of the grid are there only where the tiling is one.
    """
    rows: list[dict[str, Any]] = []
    for result in results:
        stats, settings = asdict(result.tiling.stats), result.settings
        grid = {name: stats.pop(name) for name in _GRID_FIELDS}
        rows.append(
            {
                **stats,
                "tile_size": settings.size_px,
                "stride": settings.step_px,
                "tolerance": settings.tolerance,
                "coverage_goal": settings.coverage_goal,
                "min_gain_ratio": settings.min_gain_ratio,
                "tiling_method": settings.strategy,
                **(grid if settings.is_grid else {}),
            }
        )
    columns = {name: _column(name)([row[name] for row in rows]) for name in (rows[0] if rows else ())}
    return as_table(columns, index=("tissue_id", text_column(result.tissue_id for result in results)))


def _column(name: str) -> Callable[[Any], pa.Array]:
    if name in _TEXTS:
        return text_column
    return float_column if name in _FLOATS else int_column


def _result(tissue_id: str, mpp: float, strategy: str, row: dict[str, Any], corners: NDArray[np.int64]) -> TileResult:
    settings = TilingSettings(
        size_px=int(row["tile_size"]),
        stride_px=int(row["stride"]),
        strategy=strategy,
        tolerance=float(row["tolerance"]),
        coverage_goal=float(row["coverage_goal"]),
        min_gain_ratio=float(row["min_gain_ratio"]),
    )
    names = [field.name for field in fields(TilingStats) if settings.is_grid or field.name not in _GRID_FIELDS]
    if any(row[name] is None for name in names):
        raise ValueError("a value is missing")
    return TileResult(tissue_id, mpp, settings, Tiling(corners, TilingStats(**{name: row[name] for name in names})))
