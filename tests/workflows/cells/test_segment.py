"""Segmentation of a dataset that has no masks, and how well it does on real tissue."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from spora_build.checks.view import DatasetView
from spora_build.errors import UsageError
from spora_build.example.tissue import draw_multiplex, make_tissue
from spora_build.model.geometry import Size, Window
from spora_build.model.report import Status
from spora_build.pixels.nuclei import NucleiSettings, find_levels, segment, stain
from spora_build.segmenters import Planes
from spora_build.segmenters.nuclei import SEGMENTER
from spora_build.store.image import open_image
from spora_build.workflows.cells.stage_segment import run_segment, settings_of
from spora_build.workflows.reporting.tables import read_provenance
from tests.pixels.match_cells import Match, match
from tests.segmenters import stand_ins
from tests.workflows.raw_cells import Built, RawCells

TISSUES = {f"{name}.tif": make_tissue(300, 420, seed) for seed, name in enumerate("abc", start=1)}


@pytest.fixture
def built(tmp_path: Path) -> Built:
    """Three tissues, the first with a mask and annotations."""
    raw = RawCells(tmp_path / "raw")
    for seed, (name, tissue) in enumerate(TISSUES.items()):
        given = {"cell_mask": "mask.tif"} if name == "a.tif" else {}
        raw.image(name, draw_multiplex(tissue, seed)[:3], 0.5, **given)
    raw.mask("mask.tif", TISSUES["a.tif"].labels)
    types = TISSUES["a.tif"].types
    raw.table([{"image": "a.tif", "cell_id": cell, "kind": kind} for cell, kind in enumerate(types, start=1)])
    return raw.run()


def test_tissues_without_masks_get_cells_and_others_keep_theirs(built: Built) -> None:
    given = built.cells
    outcomes = run_segment(built.layout, NucleiSettings())
    segmented = {o.tissue_id for o in outcomes if o.stage == "segment" and o.status is Status.DONE}
    assert segmented == {built.tissue("b.tif"), built.tissue("c.tif")}
    for name in ("b.tif", "c.tif"):
        made = built.instances(name, 0.5)
        assert match(made, TISSUES[name].labels).f1 > 0.95
        assert np.array_equal(np.unique(made), np.arange(made.max() + 1))
        assert built.instances(name, 1.0, "kind").max() == 0
    cells = built.cells
    kept = cells[cells["tissue_id"] == built.tissue("a.tif")].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept[given.columns], given)
    assert "original_cell_id" not in cells
    told = json.loads((built.layout.metadata / "segmentation.json").read_text())
    assert set(told) == segmented
    assert told[built.tissue("b.tif")]["nuclear_channels"] == ["DAPI"]
    facts = dict(read_provenance(DatasetView(built.layout.root)))
    assert facts["Cells by nuclei"].startswith("segmented in 2 tissues; spora-build ")
    again = run_segment(built.layout, NucleiSettings())
    assert {outcome.status for outcome in again} == {Status.SKIPPED}


def test_other_settings_segment_again_and_old_labels_lose_their_annotations(built: Built) -> None:
    run_segment(built.layout, NucleiSettings(expand_um=0))
    cells = built.cells
    ours = cells["tissue_id"] == built.tissue("b.tif")
    cells.loc[ours, "kind"] = "mine"
    cells.to_parquet(built.layout.cells_table)
    small = built.instances("b.tif", 0.5)
    run_segment(built.layout, NucleiSettings(expand_um=2))
    assert (built.instances("b.tif", 0.5) > 0).sum() > (small > 0).sum()
    after = built.cells.set_index("tissue_id")["kind"]
    assert after.loc[built.tissue("b.tif")].isna().all()
    assert after.loc[built.tissue("a.tif")].notna().all()


def test_any_tile_size_gives_the_same_labels(built: Built) -> None:
    image = open_image(built.layout.image(built.layout.find_modalities()[0], 0.5, built.tissue("b.tif")))
    planes = Planes(image.size, 0.5, lambda window: image.read([0], window), nuclear=1)
    settings = NucleiSettings(background_um=6)
    made = [
        np.concatenate(list(replace(SEGMENTER, tile_px=tile_px).label_bands(planes, settings)))
        for tile_px in (1024, 128, 97)
    ]
    assert np.array_equal(made[0], made[1])
    assert np.array_equal(made[0], made[2])


def test_a_trained_model_with_weights_of_the_user(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_ins.install(tmp_path / "packages", monkeypatch)
    (tmp_path / "cpsam").write_text("weights")
    outcomes = run_segment(
        built.layout,
        settings_of("cellpose", {"weights": tmp_path / "cpsam"}),
        method="cellpose",
        bodies=["CD3E", "CD8A"],
        only=[built.tissue("b.tif")],
        workers=2,
    )
    stand_ins.uninstall()
    assert not [outcome for outcome in outcomes if outcome.status is Status.FAILED]
    made = built.instances("b.tif", 0.5)
    assert made.max() > 10
    assert (built.cells["tissue_id"] == built.tissue("b.tif")).sum() == made.max()
    told = json.loads((built.layout.metadata / "segmentation.json").read_text())[built.tissue("b.tif")]
    assert (told["method"], told["weights"]["name"]) == ("cellpose", "cpsam")
    assert (told["nuclear_channels"], told["body_channels"]) == (["DAPI"], ["CD3E", "CD8A"])


def test_a_mask_that_comes_later_is_the_labs_own(tmp_path: Path) -> None:
    """Nothing tells any more that it was segmented here, and other settings leave it alone."""
    raw = RawCells(tmp_path / "raw")
    for seed, (name, tissue) in enumerate(TISSUES.items()):
        raw.image(name, draw_multiplex(tissue, seed)[:3], 0.5)
    first = raw.run()
    assert first.outcomes == []
    run_segment(first.layout)
    record = first.layout.segmentation_record
    assert set(json.loads(record.read_text())) == {first.tissue(name) for name in TISSUES}
    assert [outcome.tissue_id for outcome in raw.run().outcomes] == sorted(json.loads(record.read_text()))
    raw.rows[0]["cell_mask"] = "mask.tif"
    raw.mask("mask.tif", TISSUES["a.tif"].labels)
    built = raw.run()
    assert set(json.loads(record.read_text())) == {built.tissue("b.tif"), built.tissue("c.tif")}
    run_segment(built.layout, NucleiSettings(expand_um=1))
    assert np.array_equal(built.instances("a.tif", 0.5), TISSUES["a.tif"].labels)


def test_what_cannot_be_segmented(built: Built) -> None:
    with pytest.raises(UsageError, match="E-SEG-002"):
        run_segment(built.layout, NucleiSettings(), modality="imc")
    with pytest.raises(UsageError, match="E-SEG-006"):
        run_segment(built.layout, nuclear=["HH3"])
    with pytest.raises(UsageError, match="E-SEG-005"):
        run_segment(built.layout, bodies=["CD3E"])
    with pytest.raises(UsageError, match="E-SEG-011"):
        run_segment(built.layout, method="cellpose")
    for options, code in (({"level": 2.0, "weights": "w"}, "E-SEG-007"), ({"expand_um": -1.0}, "E-SEG-008")):
        with pytest.raises(UsageError, match=code):
            settings_of("nuclei", options)


def of_image(pixels: np.ndarray, mpp: float, settings: NucleiSettings) -> np.ndarray:
    levels = find_levels([pixels], mpp, settings)
    height, width = pixels.shape[1:]
    plane = stain(pixels, levels.scales, settings)
    return segment(plane, Window(0, 0, height, width), Size(height, width), mpp, settings, levels)


@pytest.mark.realdata
def test_nuclei_of_inform(sample_data: Path) -> None:
    """docs/segmentation.md tells these numbers."""
    stem = sample_data / "inform-fihc4" / "FIHC4__0929309_HP_IM3_2"
    dapi = tifffile.imread(f"{stem}_component_data.tif", series=0)[3:4]
    true = tifffile.imread(f"{stem}_binary_seg_maps.tif")[1]
    found = match(of_image(dapi, 0.497, NucleiSettings(expand_um=0)), true)
    assert found.f1 >= 0.70
    assert found.ap50 >= 0.54


@pytest.mark.realdata
def test_cells_of_deepcell(sample_data: Path) -> None:
    """docs/segmentation.md tells these numbers."""
    folder = sample_data / "imc-bodenmiller" / "steinbock"
    total = Match(0, 0, 0)
    for path in sorted((folder / "img").iterdir()):
        made = of_image(tifffile.imread(path)[4:5], 1.0, NucleiSettings(counts=True, expand_um=1))
        total += match(made, tifffile.imread(folder / "masks_deepcell" / path.name))
    assert total.both + total.true_only == 169
    assert total.f1 >= 0.46
