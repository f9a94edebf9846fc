"""The tiling stage on a dataset that holds nothing but masks and image folders."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spora_build.errors import InvalidDataError
from spora_build.model.modality import Modality
from spora_build.pixels.tile_settings import TilingSettings
from spora_build.store.layout import Layout
from spora_build.store.mask import write_mask
from spora_build.workflows.tiles.tables import read_tiles, write_tiles
from spora_build.workflows.tiles.work import TileRequest, default_requests, plan_tiles, tile_one

A, B, C = (f"smith2023novel_abcdefg{letter}_0000" for letter in "abc")
STATS_COLUMNS = [
    "mask_height",
    "mask_width",
    "tissue_mask_frac",
    "num_tiles",
    "coverage_ratio",
    "covered_valid_pixels",
    "total_valid_pixels",
    "candidate_count",
    "stop_reason",
    "tile_size",
    "stride",
    "tolerance",
    "coverage_goal",
    "min_gain_ratio",
    "tiling_method",
]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Tissues A, B and C (tiny) at 1.0 mpp; A and B at 0.5; H&E images of A at 0.5 and of A and B at 1.0."""
    layout = Layout(tmp_path / "smith2023novel")
    rng = np.random.default_rng(1)
    for tissue, side in ((A, 600), (B, 410), (C, 100)):
        mask = np.zeros((side, side + 30), bool)
        mask[side // 5 :, : side // 2] = rng.random((side - side // 5, side // 2)) < 0.9
        write_mask(layout.tissue_mask(1.0, tissue), mask)
    for tissue in (A, B):
        write_mask(layout.tissue_mask(0.5, tissue), np.ones((600, 512), bool))
        layout.image(Modality("he"), 1.0, tissue).mkdir(parents=True)
    layout.image(Modality("he"), 0.5, A).mkdir(parents=True)
    return layout


def test_default_tiles(layout: Layout) -> None:
    jobs = plan_tiles(layout, default_requests(layout, [0.5]))
    assert [(job.mpp, job.settings.size_px, job.tissue_id) for job in jobs] == [
        *((1.0, size, tissue) for size in (128, 224) for tissue in (A, B, C)),
        *((0.5, 256, tissue) for tissue in (A, B)),
    ]
    template = TilingSettings(1, strategy="grid_half", tolerance=0.5)
    assert all(r.settings.tolerance == 0.5 and r.settings.is_grid for r in default_requests(layout, [0.5], template))


def test_a_dataset_without_pixels_at_one_micron_has_no_default_tiles_there(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "d")
    write_mask(layout.tissue_mask(0.5, A), np.ones((300, 300), bool))
    assert default_requests(layout, []) == ()


def test_tables(layout: Layout) -> None:
    jobs = plan_tiles(layout, default_requests(layout, [0.5]))
    results = [tile_one(pickle.loads(pickle.dumps(job))) for job in jobs]
    paths = write_tiles(layout, 1.0, "default", [r for r in reversed(results) if r.mpp == 1.0])
    assert [path.name for path in paths] == [
        *("128_tile_coordinates.parquet", "128_tile_stats.parquet"),
        *("224_tile_coordinates.parquet", "224_tile_stats.parquet"),
    ]
    coordinates, stats = pd.read_parquet(paths[0]), pd.read_parquet(paths[1])
    assert coordinates.columns.tolist() == ["tissue_id", "tile_id", "row", "col"]
    assert isinstance(coordinates.index, pd.RangeIndex)
    assert (coordinates.dtypes[["tile_id", "row", "col"]] == np.int64).all()
    assert set(coordinates.tissue_id) == {A, B}
    assert coordinates.tissue_id.is_monotonic_increasing
    for tissue, tiles in coordinates.groupby("tissue_id"):
        assert tiles.tile_id.tolist() == list(range(stats.num_tiles[tissue]))

    assert stats.index.name == "tissue_id"
    assert stats.index.tolist() == [A, B, C]
    assert stats.columns.tolist() == STATS_COLUMNS
    assert stats.stop_reason[C] == "smaller_than_tile"
    kinds = {name: dtype.kind for name, dtype in stats.dtypes.items()}
    assert {name for name, kind in kinds.items() if kind == "f"} == {
        *("tissue_mask_frac", "coverage_ratio", "tolerance", "coverage_goal", "min_gain_ratio")
    }
    assert {name for name, kind in kinds.items() if kind not in "if"} == {"stop_reason", "tiling_method"}
    assert stats[["tile_size", "stride", "tolerance", "coverage_goal", "min_gain_ratio"]].iloc[0].tolist() == [
        *(128, 64, 0.85, 1.0, 0.05)
    ]


def test_the_same_results_give_the_same_bytes_in_any_order(layout: Layout) -> None:
    results = [tile_one(job) for job in plan_tiles(layout, default_requests(layout, [0.5])) if job.mpp == 1.0]
    before = [path.read_bytes() for path in write_tiles(layout, 1.0, "default", results)]
    assert before == [path.read_bytes() for path in write_tiles(layout, 1.0, "default", results[::-1])]


@pytest.mark.parametrize("strategy", ["default", "grid_stride200"])
def test_tables_read_back(layout: Layout, strategy: str) -> None:
    request = TileRequest(1.0, TilingSettings(200, 200, strategy, tolerance=0.9))
    results = [tile_one(job) for job in plan_tiles(layout, [request])]
    _, stats = write_tiles(layout, 1.0, strategy, results)
    assert ("padded_height" in pd.read_parquet(stats).columns) == (strategy != "default")
    again = read_tiles(layout, 1.0, strategy, 200)
    assert [(r.tissue_id, r.mpp, r.settings, r.tiling.stats) for r in again] == [
        (r.tissue_id, r.mpp, r.settings, r.tiling.stats) for r in results
    ]
    assert all(np.array_equal(a.tiling.coordinates, b.tiling.coordinates) for a, b in zip(again, results, strict=True))
    assert read_tiles(layout, 1.0, strategy, 128) == []


def test_no_tile_in_any_tissue_still_makes_typed_tables(layout: Layout) -> None:
    request = TileRequest(1.0, TilingSettings(5000))
    paths = write_tiles(layout, 1.0, "default", [tile_one(job) for job in plan_tiles(layout, [request])])
    empty = pd.read_parquet(paths[0])
    assert len(empty) == 0
    assert empty.tissue_id.dtype == pd.StringDtype() or empty.tissue_id.dtype == "str"
    assert len(read_tiles(layout, 1.0, "default", 5000)) == 3


def test_results_of_another_kind_are_refused(layout: Layout) -> None:
    result = tile_one(plan_tiles(layout, default_requests(layout, [0.5]))[0])
    for mpp, strategy in ((0.5, "default"), (1.0, "grid")):
        with pytest.raises(ValueError, match="pixel size and strategy"):
            write_tiles(layout, mpp, strategy, [result])


def test_a_damaged_mask_is_a_problem(layout: Layout) -> None:
    layout.tissue_mask(1.0, A).write_bytes(b"junk")
    with pytest.raises(InvalidDataError):
        tile_one(plan_tiles(layout, default_requests(layout, [0.5]))[0])
    write_tiles(layout, 1.0, "default", [tile_one(plan_tiles(layout, default_requests(layout, [0.5]))[1])])
    stats = layout.tile_stats(1.0, "default", 128)
    whole = stats.read_bytes()
    pd.read_parquet(stats).drop(columns="stride").to_parquet(stats)
    with pytest.raises(InvalidDataError) as caught:
        read_tiles(layout, 1.0, "default", 128)
    assert caught.value.problems[0].code == "E-TILE-008"
    stats.write_bytes(whole)
    coordinates = layout.tile_coordinates(1.0, "default", 128)
    frame = pd.read_parquet(coordinates)
    frame.assign(tissue_id=[[tissue] for tissue in frame["tissue_id"]]).to_parquet(coordinates)
    with pytest.raises(InvalidDataError) as caught:
        read_tiles(layout, 1.0, "default", 128)
    assert caught.value.problems[0].code == "E-TILE-008"
