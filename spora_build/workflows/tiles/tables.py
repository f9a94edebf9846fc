"""The tables of tiles: written by the parent at the end of the tiling stage, and read back by its next run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.pixels.tile_settings import Tiling, TilingSettings, TilingStats
from spora_build.store.layout import Layout
from spora_build.store.tables import read_table, write_table
from spora_build.workflows.tiles.work import TileResult

_GRID_FIELDS = ("grid_candidate_count", "padded_height", "padded_width")
_INTEGERS = (
    *("mask_height", "mask_width", "num_tiles", "covered_valid_pixels", "total_valid_pixels", "candidate_count"),
    *("tile_size", "stride", *_GRID_FIELDS),
)
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
        write_table(coordinates, coordinates_frame(these))
        write_table(stats, stats_frame(these), index=True)
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
        corners = {
            str(tissue): group.sort_values("tile_id")[["row", "col"]].to_numpy(np.int64)
            for tissue, group in coordinates.groupby("tissue_id")
        }
        rows = stats.sort_index().to_dict(orient="index")
        return [
            _result(str(tissue), mpp, strategy, row, corners.get(str(tissue), np.empty((0, 2), np.int64)))
            for tissue, row in rows.items()
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidDataError(
            Problem(
                "E-TILE-008",
                "this table of tiles lacks columns or values.",
                "delete it and run `spora-build tile` again.",
                Place(file=f"{strategy}/{paths[1].name}"),
            )
        ) from error


def coordinates_frame(results: Sequence[TileResult]) -> pd.DataFrame:
    """Columns tissue_id, tile_id (0…n−1 in the order of selection), row, col (int64), in the order of the results."""
    counts = [len(result.tiling.coordinates) for result in results]
    corners = np.concatenate([np.empty((0, 2), np.int64), *(result.tiling.coordinates for result in results)])
    ids = [result.tissue_id for result, count in zip(results, counts, strict=True) for _ in range(count)]
    return pd.DataFrame(
        {
            "tissue_id": pd.Series(ids, dtype=pd.StringDtype()),
            "tile_id": np.concatenate([np.empty(0, np.int64), *(np.arange(count) for count in counts)]),
            "row": corners[:, 0],
            "col": corners[:, 1],
        }
    )


def stats_frame(results: Sequence[TileResult]) -> pd.DataFrame:
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
    index = pd.Index([result.tissue_id for result in results], dtype=pd.StringDtype(), name="tissue_id")
    frame = pd.DataFrame.from_records(rows, index=index)
    types = {**dict.fromkeys(_INTEGERS, "int64"), **dict.fromkeys(_FLOATS, "float64")}
    types |= dict.fromkeys(_TEXTS, pd.StringDtype())  # type: ignore[arg-type]
    return frame.astype({column: types[column] for column in frame.columns})


def _result(tissue_id: str, mpp: float, strategy: str, row: dict[Any, Any], corners: np.ndarray) -> TileResult:
    settings = TilingSettings(
        size_px=int(row["tile_size"]),
        stride_px=int(row["stride"]),
        strategy=strategy,
        tolerance=float(row["tolerance"]),
        coverage_goal=float(row["coverage_goal"]),
        min_gain_ratio=float(row["min_gain_ratio"]),
    )
    names = [field.name for field in fields(TilingStats) if settings.is_grid or field.name not in _GRID_FIELDS]
    return TileResult(tissue_id, mpp, settings, Tiling(corners, TilingStats(**{name: row[name] for name in names})))
