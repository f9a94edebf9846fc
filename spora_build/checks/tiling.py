"""Tile coordinates and tile stats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spora_build.checks.broken_rows import broken_rows, listed
from spora_build.checks.core import NotApplicableError, Violation, rule
from spora_build.checks.table_file import Kind
from spora_build.checks.view import DatasetView, Tiling
from spora_build.errors import Severity
from spora_build.store.layout import resolution_folder

COORDINATES = ["tissue_id", "tile_id", "row", "col"]
STATS = [
    "mask_height", "mask_width", "tissue_mask_frac", "num_tiles", "coverage_ratio", "covered_valid_pixels",
    "total_valid_pixels", "candidate_count", "stop_reason", "tile_size", "stride", "tolerance", "coverage_goal",
    "min_gain_ratio", "tiling_method",
]  # fmt: skip
TEXT_STATS = {"stop_reason", "tiling_method"}
GRID_STATS = ["grid_candidate_count", "padded_height", "padded_width"]
STRICT_STRATEGY = "default"


def _tilings(view: DatasetView) -> list[Tiling]:
    if not view.tilings:
        raise NotApplicableError("there are no tiles")
    return view.tilings


@rule("V601", remedy="Run `spora-build tile` again.")
def tile_tables(view: DatasetView) -> Iterator[Violation]:
    """Tile coordinates and tile stats are readable and stand side by side."""
    for tiling in _tilings(view):
        for table in (tiling.coordinates, tiling.stats):
            if table.frame is None:
                yield Violation(table.place, "damaged" if table.exists else "missing")


@rule("V602", needs=["V601"], remedy="Write the columns tissue_id (text), tile_id, row, col (int64).")
def tile_columns(view: DatasetView) -> Iterator[Violation]:
    """Tile coordinates have the columns tissue_id (text), tile_id, row and col (int64)."""
    kinds = dict.fromkeys(COORDINATES, Kind.INTEGER) | {"tissue_id": Kind.TEXT}
    for tiling in _tilings(view):
        table = tiling.coordinates
        if not table.has(COORDINATES):
            yield Violation(table.place, f"missing: {listed(set(COORDINATES) - set(table.rows.columns))}")
        elif not table.rows.empty:
            odd = [name for name in COORDINATES if table.kinds[name] is not kinds[name]]
            odd += [name for name in COORDINATES[1:] if table.rows[name].dtype != np.int64 and name not in odd]
            if odd:
                yield Violation(table.place, f"types of {listed(odd)}")


@rule("V603", needs=["V602"], severity=Severity.WARNING, remedy="Write the table with index=False and these columns.")
def tile_index(view: DatasetView) -> Iterator[Violation]:
    """Tile coordinates have the default index and no other columns."""
    for tiling in _tilings(view):
        rows = tiling.coordinates.rows
        if list(rows.columns) != COORDINATES:
            yield Violation(tiling.coordinates.place, listed(rows.columns, limit=8))
        elif rows.index.name is not None or not np.array_equal(rows.index, np.arange(len(rows))):
            yield Violation(tiling.coordinates.place, "another index")


@rule("V604", needs=["V602"], remedy="Number the tiles of a tissue 0…n−1: the reader takes them by position.")
def tile_ids(view: DatasetView) -> Iterator[Violation]:
    """tile_id is 0…n−1 within a tissue."""
    for tiling in _tilings(view):
        ids = tiling.coordinates.rows.sort_values(["tissue_id", "tile_id"], kind="stable")
        wrong = ids["tile_id"].to_numpy() != ids.groupby("tissue_id").cumcount().to_numpy()
        tissues = int(ids.loc[wrong, "tissue_id"].nunique())
        if tissues:
            yield Violation(tiling.coordinates.place, f"{tissues} tissue(s)")


@rule("V605", needs=["V602"], remedy="Drop the repeated tiles and number the rest again.")
def tiles_are_unique(view: DatasetView) -> Iterator[Violation]:
    """No tile of a tissue is there twice."""
    for tiling in _tilings(view):
        repeated = tiling.coordinates.rows.duplicated(["tissue_id", "row", "col"])
        yield from broken_rows(tiling.coordinates, repeated, "repeated tile")


@rule("V606", needs=["V602"], remedy="Run `spora-build tile` again; the reader does not pad tiles of this strategy.")
def default_tiles_lie_inside(view: DatasetView) -> Iterator[Violation]:
    """Tiles of the strategy default lie inside their image."""
    for tiling in _tilings(view):
        if tiling.strategy == STRICT_STRATEGY:
            rows, heights, widths = _with_sizes(view, tiling)
            r, c = rows["row"].to_numpy(), rows["col"].to_numpy()
            outside = (r < 0) | (c < 0) | (r + tiling.size_px > heights) | (c + tiling.size_px > widths)
            yield from broken_rows(tiling.coordinates, outside, "tile crosses the border")


@rule("V607", needs=["V602"], remedy="Run `spora-build tile` again.")
def padded_tiles_touch(view: DatasetView) -> Iterator[Violation]:
    """Tiles of other strategies begin inside their image; the reader pads what lies beyond its border."""
    for tiling in _tilings(view):
        if tiling.strategy != STRICT_STRATEGY:
            rows, heights, widths = _with_sizes(view, tiling)
            r, c = rows["row"].to_numpy(), rows["col"].to_numpy()
            yield from broken_rows(
                tiling.coordinates, (r < 0) | (c < 0) | (r >= heights) | (c >= widths), "tile outside the image"
            )


def _with_sizes(view: DatasetView, tiling: Tiling) -> tuple[pd.DataFrame, NDArray[Any], NDArray[Any]]:
    """The coordinates with their image's height and width; NaN (never outside) where the size is unknown."""
    rows = tiling.coordinates.rows
    sizes = {tissue: _size(view, tissue, tiling.mpp) for tissue in rows["tissue_id"].unique()}
    found = np.array([sizes[tissue] for tissue in rows["tissue_id"]], dtype=float).reshape(-1, 2)
    return rows, found[:, 0], found[:, 1]


def _size(view: DatasetView, tissue: str, mpp: float) -> tuple[float, float]:
    """Height and width of a tissue at a pixel size, from its images or else its mask; NaN where unknown."""
    shapes = [image.shape[1:] for image in view.images_at.get((tissue, mpp), []) if image.shape]
    mask = view.tissue_masks.get((tissue, mpp))
    if mask is not None and mask.shape is not None:
        shapes.append(mask.shape)
    return min(shapes, default=(np.nan, np.nan))


@rule("V608", needs=["V103", "V602"], remedy="Run `spora-build tile` again.")
def tiles_have_a_tissue(view: DatasetView) -> Iterator[Violation]:
    """Tile coordinates and tile stats name tissues of tissues.parquet only."""
    for tiling in _tilings(view):
        unknown = ~tiling.coordinates.rows["tissue_id"].isin(view.tissue_ids)
        yield from broken_rows(tiling.coordinates, unknown, "unknown tissue")
        yield from broken_rows(tiling.stats, ~tiling.stats.rows.index.isin(view.tissue_ids), "unknown tissue")


@rule("V609", severity=Severity.WARNING, remedy="Move it out of the dataset.")
def stray_among_tiles(view: DatasetView) -> Iterator[Violation]:
    """Folders of tiling strategies hold nothing but <size>_tile_coordinates.parquet and <size>_tile_stats.parquet."""
    for mpp in view.resolutions(view.root / "tiling"):
        for folder in view.folders(view.root / "tiling" / resolution_folder(mpp)):
            known = {t.path for tiling in view.tilings for t in (tiling.coordinates, tiling.stats)}
            for entry in view.entries(folder):
                if entry not in known and not entry.name.startswith("."):
                    yield Violation(view.place(entry))


@rule("V611", needs=["V601"], remedy="Run `spora-build tile` again.")
def stats_columns(view: DatasetView) -> Iterator[Violation]:
    """Tile stats have an index tissue_id, each tissue once, and all the columns of the format."""
    for tiling in _tilings(view):
        table = tiling.stats
        missing = set(STATS) - set(table.rows.columns)
        if missing:
            yield Violation(table.place, f"missing: {listed(missing)}")
        if table.rows.index.name != "tissue_id" or table.rows.index.has_duplicates:
            yield Violation(table.place, "the index is not tissue_id, each once")


@rule("V618", needs=["V611"], remedy="Run `spora-build tile` again.")
def stats_types(view: DatasetView) -> Iterator[Violation]:
    """Tile stats hold numbers without nulls, stop_reason and tiling_method text."""
    for tiling in _tilings(view):
        table = tiling.stats
        for name in STATS if len(table.rows) else []:
            kinds = (Kind.TEXT,) if name in TEXT_STATS else (Kind.INTEGER, Kind.FLOAT)
            if table.kinds[name] not in kinds or table.rows[name].isna().any():
                yield Violation(table.place, f"column {name!r}")


@rule("V612", needs=["V602", "V618"], remedy="Run `spora-build tile` again.")
def stats_count_tiles(view: DatasetView) -> Iterator[Violation]:
    """num_tiles is the number of tiles, for every tissue in either table."""
    for tiling in _tilings(view):
        stated = tiling.stats.rows["num_tiles"].astype(int).to_dict()
        counted = tiling.coordinates.rows["tissue_id"].value_counts().to_dict()
        wrong = {t for t in stated.keys() | counted.keys() if stated.get(t, -1) != counted.get(t, 0)}
        if wrong:
            yield Violation(tiling.stats.place, listed(wrong))


@rule("V613", needs=["V618"], remedy="Run `spora-build tile` again.")
def stats_sizes(view: DatasetView) -> Iterator[Violation]:
    """mask_height and mask_width are those of the tissue mask, tile_size that of the file's name."""
    for tiling in _tilings(view):
        rows = tiling.stats.rows
        yield from broken_rows(tiling.stats, rows["tile_size"] != tiling.size_px, "another tile_size")
        for tissue, height, width in zip(rows.index, rows["mask_height"], rows["mask_width"], strict=True):
            mask = view.tissue_masks.get((str(tissue), tiling.mpp))
            if mask is not None and mask.shape is not None and mask.shape != (height, width):
                yield Violation(tiling.stats.place, f"{tissue}: {height} × {width}, mask {mask.shape}")


@rule("V614", needs=["V618"], remedy="Run `spora-build tile` again.")
def stats_ratios(view: DatasetView) -> Iterator[Violation]:
    """Ratios of tile stats are those of their pixel counts, and all lie between 0 and 1."""
    for tiling in _tilings(view):
        rows = tiling.stats.rows
        total, covered = (rows[n].to_numpy(float) for n in ("total_valid_pixels", "covered_valid_pixels"))
        area = rows["mask_height"].to_numpy(float) * rows["mask_width"].to_numpy(float)
        coverage = np.divide(covered, total, out=np.ones_like(total), where=total > 0)
        wrong = (covered > total) | (covered < 0) | (total > area)
        wrong |= ~np.isclose(rows["tissue_mask_frac"].to_numpy(float) * area, total, rtol=1e-6)
        wrong |= ~np.isclose(rows["coverage_ratio"].to_numpy(float), coverage, rtol=1e-6)
        yield from broken_rows(tiling.stats, wrong, "counts and ratios disagree")


@rule("V615", needs=["V618"], remedy="Run `spora-build tile` again.")
def stats_of_every_tissue(view: DatasetView) -> Iterator[Violation]:
    """Every tissue with a tissue mask at a pixel size has tile stats there, be it with no tiles."""
    for tiling in _tilings(view):
        masked = {tissue for tissue, mpp in view.tissue_masks if mpp == tiling.mpp}
        missing = masked - set(tiling.stats.rows.index.astype(str))
        if missing:
            yield Violation(tiling.stats.place, f"missing: {listed(missing)}")


@rule("V616", needs=["V618"], severity=Severity.WARNING, remedy="Run `spora-build tile` again.")
def stats_settings(view: DatasetView) -> Iterator[Violation]:
    """Settings in tile stats make sense: tiling_method is the folder's name, 0 ≤ tolerance < 1, stride ≥ 1.

    No fewer candidates than tiles.
    """
    for tiling in _tilings(view):
        rows = tiling.stats.rows
        wrong = (rows["tiling_method"].astype(str) != tiling.strategy) | (rows["stride"] < 1)
        for name in ("tolerance", "min_gain_ratio"):
            wrong |= ~((rows[name] >= 0) & (rows[name] < 1))
        wrong |= ~((rows["coverage_goal"] > 0) & (rows["coverage_goal"] <= 1))
        wrong |= rows["candidate_count"] < rows["num_tiles"]
        yield from broken_rows(tiling.stats, wrong, "settings")


@rule("V617", needs=["V618"], severity=Severity.WARNING, remedy="Run `spora-build tile` again.")
def stats_of_grids(view: DatasetView) -> Iterator[Violation]:
    """Tile stats of a grid have grid_candidate_count, padded_height and padded_width, all three or none."""
    for tiling in _tilings(view):
        present = set(GRID_STATS) & set(tiling.stats.rows.columns)
        if present and present != set(GRID_STATS):
            yield Violation(tiling.stats.place, f"missing: {listed(set(GRID_STATS) - present)}")
