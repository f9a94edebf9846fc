"""Single stages and repair in a dataset that was fetched or made by hand: nothing is lost, nothing is silent."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import zarr

from spora_build.errors import UsageError
from spora_build.model.modality import Modality
from spora_build.model.report import Outcome
from spora_build.pixels.mask_settings import MaskSettings
from spora_build.pixels.nuclei import NucleiSettings
from spora_build.pixels.standardize import Recipe
from spora_build.store.layout import Layout
from spora_build.workflows.cells.of_dataset import stored_source
from spora_build.workflows.cells.stage import run_cells
from spora_build.workflows.cells.stage_segment import run_segment
from spora_build.workflows.dataset.repair import Fault, find_faults, repair
from spora_build.workflows.masks.stage import run_mask
from spora_build.workflows.running.existing import Existing
from spora_build.workflows.statistics.stage import run_stats
from spora_build.workflows.tiles.choose import choose_tiles
from spora_build.workflows.tiles.stage import run_tile
from spora_build.workflows.tiles.work import TileRequest

IMC = Modality("imc")
NAMES = ("hand2020made_aaaaaaaa_0000", "hand2020made_bbbbbbbb_0000")
SIDE = 300
CELL_COUNT = 5


def axis(name: str, kind: str) -> dict[str, str]:
    return {"name": name, "type": kind, **({"unit": "micrometer"} if kind == "space" else {})}


def write_image(layout: Layout, tissue: str, mpp: float, pixels: np.ndarray) -> None:
    """An image by zarr-python."""
    scale = [{"type": "scale", "scale": [1.0, mpp, mpp]}]
    axes = [axis("c", "channel"), axis("y", "space"), axis("x", "space")]
    multiscales = [{"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}]
    channels = {"channels": [{"label": name} for name in ("CD3E", "CD4")]}
    attributes = {"ome": {"version": "0.5", "multiscales": multiscales, "omero": channels}}
    group = zarr.create_group(layout.image(IMC, mpp, tissue), zarr_format=3, attributes=attributes)
    array = group.create_array(
        "0",
        shape=pixels.shape,
        dtype=pixels.dtype,
        chunks=(2, 256, 256),
        dimension_names=("c", "y", "x"),
    )
    array[:] = pixels


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Two tissues without shards, with drawn masks; one has cell masks, both have annotated cells, in categories."""
    layout = Layout(tmp_path / "hand2020made")
    rng = np.random.default_rng(0)
    drawn = np.zeros((SIDE, SIDE), bool)
    drawn[100:200, 100:200] = True
    for number, tissue in enumerate(NAMES):
        pixels = rng.integers(0, 20, (2, SIDE, SIDE)).astype(np.uint16)
        pixels[:, 40:260, 40:260] += 300
        write_image(layout, tissue, 1.0, pixels)
        labels = np.zeros((SIDE, SIDE), np.uint16)
        for cell in range(CELL_COUNT):
            labels[110 + 15 * cell : 118 + 15 * cell, 110:118] = cell + 1
        for path, mask in ((layout.tissue_mask(1.0, tissue), drawn), (layout.cell_mask(1.0, tissue), labels)):
            path.parent.mkdir(parents=True, exist_ok=True)
            if number == 0 or mask is drawn:
                np.savez(path, mask=mask)
    names = pd.Series(NAMES)
    layout.metadata.mkdir()
    tissues = {"tissue_id": names, "patient_id": names.str.slice(13, 21), "specimen_id": "0000", "modality": "imc"}
    pd.DataFrame({**tissues, "mpp": 1.0}).to_parquet(layout.tissues_table)
    channels = {"channel_name": ["CD3E", "CD4"], "qc_pass": True, "uniprot_id": "", "is_nuclear_marker": True}
    pd.DataFrame(channels).to_parquet(layout.channels_table(IMC))
    measured = pd.DataFrame(True, index=names.rename("tissue_id"), columns=["CD3E", "CD4"])
    measured.to_parquet(layout.channels_per_tissue_table(IMC))
    cells = {"tissue_id": names.repeat(CELL_COUNT), "cell_id": [*range(1, CELL_COUNT + 1)] * 2, "kind": [*"TBTBT"] * 2}
    pd.DataFrame(cells).astype({"tissue_id": "category", "kind": "category"}).to_parquet(layout.cells_table)
    return layout


def statuses(outcomes: list[Outcome]) -> list[str]:
    return [outcome.status.value for outcome in outcomes]


def codes(outcomes: list[Outcome]) -> set[str]:
    return {problem.code for outcome in outcomes for problem in outcome.problems}


def drawn_tissue(layout: Layout, tissue: str = NAMES[0]) -> int:
    """Pixels of a tissue mask."""
    with np.load(layout.tissue_mask(1.0, tissue)) as archive:
        return int(archive["mask"].sum())


def test_masks_of_unknown_origin_stay_and_it_is_said(layout: Layout) -> None:
    outcomes = run_mask(layout, MaskSettings())
    assert statuses(outcomes) == ["skipped", "skipped"]
    assert codes(outcomes) == {"N-MASK-018"}
    assert drawn_tissue(layout) == 100 * 100


def test_overwriting_overwrites_masks_of_unknown_origin(layout: Layout) -> None:
    assert statuses(run_mask(layout, MaskSettings(), existing=Existing.OVERWRITE)) == ["done", "done"]
    assert drawn_tissue(layout) == pytest.approx(220 * 220, rel=0.1)
    again = run_mask(layout, MaskSettings())
    assert (statuses(again), codes(again)) == (["skipped", "skipped"], set())


def test_a_mask_that_lacks_a_pixel_size_is_made_of_the_one_that_is_there(layout: Layout) -> None:
    write_image(layout, NAMES[0], 2.0, np.full((2, SIDE // 2, SIDE // 2), 7, np.uint16))
    run_mask(layout, MaskSettings())
    assert drawn_tissue(layout) == 100 * 100
    with np.load(layout.tissue_mask(2.0, NAMES[0])) as archive:
        assert archive["mask"].sum() == 50 * 50
        assert archive["mask"][50:100, 50:100].all()


@pytest.mark.parametrize("only", [(), NAMES[:1]])
def test_cells_that_are_not_measured_stay_in_the_table(layout: Layout, only: tuple[str, ...]) -> None:
    before = pd.read_parquet(layout.cells_table).astype({"tissue_id": str, "kind": str}).reset_index(drop=True)
    for _ in range(2):
        run_cells(layout, stored_source(layout), only=only)
        after = pd.read_parquet(layout.cells_table)
        pd.testing.assert_frame_equal(after[list(before)].astype({"kind": str}), before, check_dtype=False)
        assert after["area_um2"].notna().tolist() == [True] * CELL_COUNT + [False] * CELL_COUNT


def test_cells_of_a_tissue_that_fails_stay_in_the_table(layout: Layout) -> None:
    shutil.copy(layout.cell_mask(1.0, NAMES[0]), layout.cell_mask(1.0, NAMES[1]))
    layout.cell_mask(1.0, NAMES[0]).write_bytes(b"no mask")
    assert statuses(run_cells(layout, stored_source(layout))) == ["failed", "done"]
    cells = pd.read_parquet(layout.cells_table)
    assert cells.groupby("tissue_id").size().tolist() == [CELL_COUNT, CELL_COUNT]
    assert cells["kind"].tolist() == [*"TBTBT"] * 2


def test_skipping_measures_no_cells_that_the_table_has(layout: Layout) -> None:
    run_cells(layout, stored_source(layout, ()), existing=Existing.SKIP)
    before = layout.cells_table.read_bytes()
    assert statuses(run_cells(layout, stored_source(layout, ()), existing=Existing.SKIP)) == ["skipped"]
    assert layout.cells_table.read_bytes() == before


def test_cell_masks_from_elsewhere_stay_and_it_is_said(layout: Layout) -> None:
    before = layout.cell_mask(1.0, NAMES[0]).read_bytes()
    outcomes = run_segment(layout, NucleiSettings(), only=NAMES[:1])
    assert (statuses(outcomes), codes(outcomes)) == (["skipped"], set())
    outcomes = run_segment(layout, NucleiSettings(), existing=Existing.OVERWRITE)
    assert "N-SEG-004" in codes(outcomes)
    assert layout.cell_mask(1.0, NAMES[0]).read_bytes() == before


def tile_requests(layout: Layout) -> tuple[TileRequest, ...]:
    return choose_tiles(layout, sizes=[64], mpps=None, strategy="default", given={})


STAGES: dict[str, Callable[[Layout, Existing], list[Outcome]]] = {
    "mask": lambda layout, existing: run_mask(layout, MaskSettings(), existing=existing),
    "tile": lambda layout, existing: run_tile(layout, tile_requests(layout), existing=existing),
    "stats": lambda layout, existing: run_stats(layout, Recipe(), existing=existing),
    "cells": lambda layout, existing: run_cells(layout, stored_source(layout), existing=existing),
    "segment": lambda layout, existing: run_segment(layout, NucleiSettings(), existing=existing),
}


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_stops_where_it_would_write_over_something(layout: Layout, stage: str) -> None:
    if stage in ("tile", "stats"):
        assert set(statuses(STAGES[stage](layout, Existing.ERROR))) == {"done"}
    before = {path: path.read_bytes() for path in layout.root.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match="E-USE-004"):
        STAGES[stage](layout, Existing.ERROR)
    assert {path: path.read_bytes() for path in layout.root.rglob("*") if path.is_file()} == before


def test_a_tissue_that_is_not_there_is_refused(layout: Layout) -> None:
    for stage in (
        lambda: run_mask(layout, MaskSettings(), only=["typo"]),
        lambda: run_cells(layout, stored_source(layout), only=["typo"]),
        lambda: run_segment(layout, NucleiSettings(), only=["typo"]),
    ):
        with pytest.raises(UsageError, match="E-USE-009"):
            stage()


def test_a_repair_removes_nothing_that_it_cannot_make_again(layout: Layout) -> None:
    assert find_faults(layout) == []
    torn = layout.tissue_mask(1.0, NAMES[0])
    torn.write_bytes(torn.read_bytes()[:50])
    (layout.image(IMC, 1.0, NAMES[1]) / "0" / "zarr.json").write_bytes(b"{")
    before = {path: path.read_bytes() for path in layout.root.rglob("*") if path.is_file()}
    found = repair(layout)
    assert [finding.fault for finding in found] == [Fault.DAMAGED] * 2
    assert all(finding.is_kept for finding in found)
    assert {path: path.read_bytes() for path in layout.root.rglob("*") if path.is_file()} == before
    assert statuses(run_mask(layout, MaskSettings(), only=NAMES[:1])) == ["done"]
    torn.write_bytes(torn.read_bytes()[:50])
    assert [finding.path for finding in repair(layout) if not finding.is_kept] == [torn]
    assert not torn.exists()
