"""Broken tiles and standardization tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tests.checks.build_dataset import CHANNELS, IMC_ONLY, LACKING, NAME
from tests.checks.corruption import Corruption, cell, column, delete, rename, table, write

TILES = "tiling/1_0mpp/default/128_tile_coordinates.parquet"
STATS = "tiling/1_0mpp/default/128_tile_stats.parquet"
GRID = "tiling/1_0mpp/grid_stride224/224_tile_coordinates.parquet"
GRID_STATS = "tiling/1_0mpp/grid_stride224/224_tile_stats.parquet"
METHOD = "imc/1_0mpp/standardization/quantile_clipping"
UPPER = f"{METHOD}/uq_0.99_image/image_level_upper_quantiles.parquet"
MEANS = f"{METHOD}/uq_0.99_image/global_level_means.parquet"
STDS = f"{METHOD}/uq_0.99_image/global_level_stds.parquet"


def lower(value: float):
    """Add a table of lower quantiles above or below the upper ones."""

    def apply(root: Path) -> None:
        upper = pd.read_parquet(root / UPPER)
        upper.where(upper.isna(), value).to_parquet(root / UPPER.replace("upper", "lower"))

    return apply


def twice(path: str):
    return table(path, lambda f: pd.concat([f, f]), index=True)


C = Corruption
TILING = [
    C("V601", "no stats", delete(STATS)),
    C("V601", "no parquet", write(TILES)),
    C("V602", "no tile_id", table(TILES, lambda f: f.drop(columns="tile_id"))),
    C("V602", "rows as floats", column(TILES, "row", lambda s: s.astype(float))),
    C("V602", "int32", column(TILES, "col", lambda s: s.astype(np.int32))),
    C("V603", "another column", table(TILES, lambda f: f.assign(frac=1.0))),
    C("V603", "rows in another order than their index", table(TILES, lambda f: f.iloc[::-1], index=True)),
    C("V604", "tile_id from 1", column(TILES, "tile_id", lambda s: s + 1)),
    C("V604", "a gap", cell(TILES, 2, "tile_id", 5)),
    C("V605", "a tile twice", table(TILES, lambda f: f.assign(row=0, col=0))),
    C("V606", "a tile across the border", cell(TILES, 1, "row", 133)),
    C("V606", "a tile before the border", cell(TILES, 1, "col", -1)),
    C("V607", "a grid tile outside", cell(GRID, 1, "col", 300)),
    C("V608", "tiles of no tissue", cell(TILES, 0, "tissue_id", f"{NAME}_zzzzzzzz_0000")),
    C("V609", "a text among tiles", write("tiling/1_0mpp/default/readme.txt")),
    C("V611", "no stride", table(STATS, lambda f: f.drop(columns="stride"))),
    C("V611", "tissue_id as a column", table(STATS, lambda f: f.reset_index())),
    C("V618", "a count as text", column(STATS, "num_tiles", "3")),
    C("V618", "a null", cell(STATS, 0, "tolerance", None)),
    C("V612", "another number of tiles", cell(STATS, 0, "num_tiles", 2)),
    C("V612", "tiles without stats", table(STATS, lambda f: f.iloc[1:])),
    C("V613", "another mask_height", cell(STATS, 0, "mask_height", 259)),
    C("V613", "another tile_size", column(STATS, "tile_size", 224)),
    C("V614", "another coverage", cell(STATS, 0, "coverage_ratio", 0.5)),
    C("V614", "another share of tissue", cell(STATS, 0, "tissue_mask_frac", 0.5)),
    C("V615", "no stats of a tissue", table(STATS, lambda f: f.iloc[1:])),
    C("V616", "another method", column(STATS, "tiling_method", "grid")),
    C("V616", "a tolerance of 2", column(STATS, "tolerance", 2.0)),
    C("V616", "fewer candidates than tiles", column(STATS, "candidate_count", 1)),
    C("V617", "no padded_width", table(GRID_STATS, lambda f: f.drop(columns="padded_width"))),
    C("V621", "less tissue than tolerated", column(STATS, "tolerance", 0.0)),
    C("V622", "other pixel counts", cell(STATS, 0, "covered_valid_pixels", 7)),
    C("V953", "no tiles of 224", delete(TILES.replace("128", "224"), STATS.replace("128", "224"))),
]

STANDARDIZATION = [
    C("V701", "another method", rename(METHOD, METHOD.replace("clipping", "scaling"))),
    C("V702", "one name alone", delete(f"{METHOD}/uq_0.99")),
    C("V703", "names that differ", column(MEANS, CHANNELS[0], 0.5)),
    C("V704", "no means", delete(MEANS)),
    C("V705", "no parquet", write(MEANS)),
    C("V706", "another file", write(f"{METHOD}/uq_0.99/log.txt")),
    C("V707", "another order", table(UPPER, lambda f: f[CHANNELS[::-1]])),
    C("V707", "a channel less", table(MEANS, lambda f: f[CHANNELS[1:]])),
    C("V708", "whole numbers", column(MEANS, CHANNELS[0], 1)),
    C("V708", "objects of None", column(UPPER, CHANNELS[0], None)),
    C("V709", "no index name", table(UPPER, lambda f: f.rename_axis(None), index=True)),
    C("V709", "a tissue twice", twice(UPPER)),
    C("V710", "two rows", twice(STDS)),
    C("V711", "no row of an image", table(UPPER, lambda f: f.iloc[:1])),
    C("V711", "a row of no tissue", table(UPPER, lambda f: f.rename(index={IMC_ONLY: f"{NAME}_zzzzzzzz_0000"}))),
    C("V712", "NaN where measured", cell(UPPER, 0, "CD3E", np.nan)),
    C("V712", "infinity where measured", cell(UPPER, 0, "CD3E", np.inf)),
    C("V713", "a number where not measured", column(UPPER, LACKING, 1.5)),
    C("V714", "a mean of NaN", column(MEANS, "CD3E", np.nan)),
    C("V714", "a negative std", column(STDS, "CD3E", -1.0)),
    C("V715", "lower above upper", lower(1e6)),
    C("V721", "another quantile", column(UPPER, "CD3E", lambda s: s * 1.0001)),
    C("V722", "another mean", column(MEANS, "CD3E", lambda s: s * 1.01)),
    C("V722", "another std", column(STDS, "DAPI", lambda s: s * 0.99)),
    C("V903", "a quantile of 0", cell(UPPER, 0, "CD3E", 0.0)),
    C("V904", "a std of 0", column(STDS, "CD3E", 0.0)),
]

DERIVED_CORRUPTIONS = [*TILING, *STANDARDIZATION]
