"""Which files a partial download takes."""

from __future__ import annotations

import pytest

from spora_build.errors import UsageError
from spora_build.workflows.bucket.fetch_selection import Selection, choose

ROWS = [("a_x_0000", "imc"), ("a_x_0000", "he"), ("a_y_0000", "imc"), ("a_y_0001", "ihc_CD3E")]
PATHS = [
    "metadata/tissues.parquet",
    "metadata/cells.parquet",
    "imc/channels.parquet",
    "imc/channels_per_tissue.parquet",
    "imc/0_5mpp/images/a_x_0000.ome.zarr/0/c/0/0/0",
    "imc/1_0mpp/images/a_x_0000.ome.zarr/zarr.json",
    "imc/1_0mpp/images/a_y_0000.ome.zarr/zarr.json",
    "imc/1_0mpp/standardization/quantile_clipping/uq_0.99/global_level_means.parquet",
    "he/1_0mpp/images/a_x_0000.ome.zarr/zarr.json",
    "ihc/ihc_CD3E/1_0mpp/images/a_y_0001.ome.zarr/zarr.json",
    "segmentations/0_5mpp/tissue_masks/a_x_0000.npz",
    "segmentations/1_0mpp/tissue_masks/a_x_0000.npz",
    "segmentations/1_0mpp/tissue_masks/a_y_0000.npz",
    "segmentations/1_0mpp/tissue_masks/a_y_0001.npz",
    "segmentations/1_0mpp/cell_masks/instances/a_y_0000.npz",
    "segmentations/1_0mpp/cell_masks/cell_types/label_encoder.parquet",
    "tiling/0_5mpp/default/256_tile_stats.parquet",
    "tiling/1_0mpp/default/128_tile_stats.parquet",
]
TABLES = [p for p in PATHS if p.startswith("metadata/") or "/channels" in p]


def taken(**parts: list[object]) -> list[str]:
    selection = choose(ROWS, PATHS, **parts)  # type: ignore[arg-type]
    return [path for path in PATHS if selection.takes(path)]


def left_out(**parts: list[object]) -> set[str]:
    return set(PATHS) - set(taken(**parts))


def test_nothing_asked_for_is_everything() -> None:
    assert choose(ROWS, PATHS) == Selection()
    assert taken() == PATHS


def test_a_modality_brings_the_masks_of_its_tissues() -> None:
    assert left_out(modalities=["imc"]) == {
        "he/1_0mpp/images/a_x_0000.ome.zarr/zarr.json",
        "ihc/ihc_CD3E/1_0mpp/images/a_y_0001.ome.zarr/zarr.json",
        "segmentations/1_0mpp/tissue_masks/a_y_0001.npz",
    }
    assert "ihc/ihc_CD3E/1_0mpp/images/a_y_0001.ome.zarr/zarr.json" in taken(modalities=["ihc_CD3E"])
    assert not [path for path in taken(modalities=["H&E"]) if path.startswith("imc")]


def test_a_pixel_size_leaves_the_others_out() -> None:
    assert left_out(mpps=[1.0]) == {path for path in PATHS if "0_5mpp" in path}


def test_a_tissue_comes_with_all_tables() -> None:
    out = left_out(tissues=["a_x_0000"])
    assert out == {path for path in PATHS if "a_y_" in path}
    assert not out & set(TABLES)
    assert "segmentations/1_0mpp/cell_masks/cell_types/label_encoder.parquet" not in out


def test_parts_narrow_each_other() -> None:
    found = taken(modalities=["imc"], mpps=[1.0], tissues=["a_y_0000"])
    assert [path for path in found if "a_" in path.rpartition("/")[2] or ".ome.zarr" in path] == [
        "imc/1_0mpp/images/a_y_0000.ome.zarr/zarr.json",
        "segmentations/1_0mpp/tissue_masks/a_y_0000.npz",
        "segmentations/1_0mpp/cell_masks/instances/a_y_0000.npz",
    ]


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({"modalities": ["confocal"]}, "E-FETCH-001"),
        ({"modalities": ["codex"]}, "E-FETCH-001"),
        ({"mpps": [0.25]}, "E-FETCH-001"),
        ({"tissues": ["a_z_0000"]}, "E-FETCH-001"),
        ({"tissues": ["a_y_0000"], "modalities": ["he"]}, "E-FETCH-002"),
    ],
)
def test_what_is_not_there_is_told(parts: dict[str, list[object]], code: str) -> None:
    with pytest.raises(UsageError, match=code):
        taken(**parts)
