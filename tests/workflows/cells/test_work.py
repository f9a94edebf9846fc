"""Cell masks of every kind through the stage, against skimage and plain numpy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from skimage.measure import label, regionprops

from spora_build.errors import PrivacyError, Severity
from spora_build.model.report import Status
from spora_build.workflows.checking.validate import validate
from tests.workflows.raw_cells import Built, RawCells, draw_channels, draw_labels

LABELS = draw_labels()
CHANNELS = draw_channels(LABELS.shape)


def one_image(tmp_path: Path, labels: NDArray[Any], name: str = "m.tif", **options: Any) -> RawCells:
    """A raw folder of one image and its mask."""
    columns = {key: options.pop(key) for key in [k for k in options if k in ("mpp", "cell_mask_mpp")]}
    raw = RawCells(tmp_path / "raw").image("a.tif", CHANNELS, cell_mask=name, **columns)
    return raw.mask(name, labels, **options)


def assert_measured(built: Built, image: str, labels: NDArray[Any], channels: NDArray[Any], mpp: float = 1.0) -> None:
    """Rows of cells.parquet equal regionprops of the mask and the raw pixels."""
    cells = built.cells[built.cells["tissue_id"] == built.tissue(image)].reset_index(drop=True)
    props = regionprops(labels.astype(np.int64), np.moveaxis(channels, 0, -1).astype(np.float64))
    assert cells["cell_id"].tolist() == [prop.label for prop in props]
    assert np.allclose(cells["area_um2"], [prop.area * mpp**2 for prop in props], rtol=1e-12)
    assert np.allclose(cells[["centroid_row", "centroid_col"]], [prop.centroid for prop in props], rtol=1e-12)
    means = np.array([prop.intensity_mean for prop in props])
    assert np.allclose(cells.filter(like="intensity_"), means, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "uint32", "int64", "float32"])
def test_masks_of_any_number_type(tmp_path: Path, dtype: str) -> None:
    built = one_image(tmp_path, LABELS.astype(dtype)).run()
    assert np.array_equal(built.instances("a.tif"), LABELS)
    assert built.instances("a.tif").dtype == np.uint16
    assert_measured(built, "a.tif", LABELS, CHANNELS)
    assert "original_cell_id" not in built.cells


@pytest.mark.parametrize("name", ["m.npy", "m.npz", "m.png", "m.ome.tif"])
def test_masks_in_other_files(tmp_path: Path, name: str) -> None:
    assert np.array_equal(one_image(tmp_path, LABELS, name).run().instances("a.tif"), LABELS)


def test_axes_that_nobody_named(tmp_path: Path) -> None:
    raw = one_image(tmp_path, LABELS[None, None, None, :, :, None], metadata={"axes": "QQQYXQ"})
    assert np.array_equal(raw.run().instances("a.tif"), LABELS)


def test_gaps_in_labels_are_closed_and_the_old_numbers_kept(tmp_path: Path) -> None:
    gappy = np.where(LABELS % 3 == 0, 0, LABELS.astype(np.int64) * 1_000_003)
    built = (
        one_image(tmp_path, gappy.astype(np.uint32))
        .table(
            [
                {"image": "a.tif", "cell_id": cell, "kind": "even" if cell % 2 else "odd"}
                for cell in np.unique(gappy)[1:]
            ]
        )
        .run()
    )
    made = built.instances("a.tif")
    cells = built.cells
    assert sorted(cells["cell_id"]) == list(range(1, made.max() + 1))
    assert np.array_equal(np.r_[0, cells["original_cell_id"]][made], gappy)
    assert cells["kind"].tolist() == ["even" if cell % 2 else "odd" for cell in cells["original_cell_id"]]


def test_a_binary_mask_is_refused_with_the_reason(tmp_path: Path) -> None:
    built = one_image(tmp_path, ((LABELS > 0) * 255).astype(np.uint8)).run()
    assert built.codes == ["E-CELLS-024"]
    assert "one label (255) in 48 pieces" in built.outcomes[0].problems[0].what
    assert not built.layout.cells_table.exists()
    assert not built.layout.segmentations(1.0).exists()


def test_a_binary_mask_is_split_where_asked(tmp_path: Path) -> None:
    raw = one_image(tmp_path, ((LABELS > 0) * 255).astype(np.uint8))
    raw.settings = "[cells]\nsplit_components = true\n"
    built = raw.run()
    expected = label(LABELS > 0, connectivity=2)
    assert np.array_equal(built.instances("a.tif"), expected)
    assert_measured(built, "a.tif", expected, CHANNELS)
    assert set(built.cells["original_cell_id"]) == {255}


def test_background_and_border_labels(tmp_path: Path) -> None:
    mask = np.where(LABELS == 0, 1, LABELS.astype(np.int32) + 1)
    mask[:, ::15] = 0
    raw = one_image(tmp_path, mask)
    raw.settings = "[cells]\nbackground_label = 1\nborder_label = 0\n"
    built = raw.run()
    assert np.array_equal(built.instances("a.tif"), np.where(mask > 1, mask - 1, 0))
    assert built.cells["original_cell_id"].tolist() == (built.cells["cell_id"] + 1).tolist()


def test_a_background_that_counts_as_a_cell_is_doubted(tmp_path: Path) -> None:
    built = one_image(tmp_path, LABELS.astype(np.int32) + 1).run()
    assert "W-CELLS-027" in built.codes
    assert "label 1 covers" in str(built.outcomes[0].problems)


def test_labels_in_pieces_are_counted(tmp_path: Path) -> None:
    mask = LABELS.copy()
    for cell in range(1, 11):
        rows, cols = np.nonzero(mask == cell)
        mask[int(rows.mean()), cols.min() : cols.max() + 1] = 0
    built = one_image(tmp_path, mask).run()
    assert built.codes == ["W-CELLS-025"]
    assert "10 of 48 labels" in built.outcomes[0].problems[0].what


@pytest.mark.parametrize(
    ("mask", "code"),
    [
        (LABELS[:-1], "E-CELLS-020"),
        (LABELS.T, "E-CELLS-022"),
        (np.zeros_like(LABELS), "E-CELLS-023"),
        (LABELS - np.float32(0.5), "E-CELLS-007"),
        (LABELS.astype(np.int32) - 1, "E-CELLS-008"),
        (LABELS.astype(np.int64) << 32, "E-CELLS-008"),
        (np.stack([LABELS, LABELS]), "E-CELLS-003"),
    ],
)
def test_masks_that_cannot_be(tmp_path: Path, mask: NDArray[Any], code: str) -> None:
    built = one_image(tmp_path, mask).run()
    assert [outcome.status for outcome in built.outcomes] == [Status.FAILED]
    assert built.codes == [code]


def test_a_picture_in_colours_is_no_mask(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 255, (*LABELS.shape, 3)).astype(np.uint8)
    assert one_image(tmp_path, colours, "m.png").run().codes == ["E-CELLS-005"]
    grey = np.repeat(LABELS.astype(np.uint8)[..., None], 3, axis=2)
    assert np.array_equal(one_image(tmp_path / "grey", grey, "m.png").run().instances("a.tif"), LABELS)


def test_a_plane_is_chosen(tmp_path: Path) -> None:
    raw = one_image(tmp_path, np.stack([np.zeros_like(LABELS), LABELS]))
    raw.settings = "[cells]\nplane = 1\n"
    assert np.array_equal(raw.run().instances("a.tif"), LABELS)
    raw.settings = "[cells]\nplane = 7\n"
    assert "E-CELLS-004" in raw.run().codes


def test_a_mask_of_another_pixel_size_is_resampled_where_declared(tmp_path: Path) -> None:
    fine = LABELS.repeat(2, axis=0).repeat(2, axis=1)
    refused = one_image(tmp_path / "a", fine).run()
    assert refused.codes == ["E-CELLS-020"]
    built = one_image(tmp_path / "b", fine, cell_mask_mpp="0.5").run()
    assert np.array_equal(built.instances("a.tif"), LABELS)
    assert one_image(tmp_path / "c", fine, cell_mask_mpp="0.4").run().codes == ["E-CELLS-021"]


def test_finest_and_one_micron(tmp_path: Path) -> None:
    """H&E at 0.25, multiplex at 0.5 with its mask: labels at 0.25 and 1.0, intensities where they were measured."""
    he = np.full((180, 240, 3), 200, np.uint8)
    raw = RawCells(tmp_path / "raw")
    raw.image("m.tif", CHANNELS, 0.5, tissue="t", patient="p", cell_mask="mask.tif")
    raw.image("he.tif", he, 0.25, tissue="t", patient="p").mask("mask.tif", LABELS)
    raw.table([{"tissue": "t", "cell_id": cell, "kind": "ab"[cell % 2]} for cell in range(1, 49)])
    built = raw.run()
    fine = LABELS.repeat(2, axis=0).repeat(2, axis=1)
    assert np.array_equal(built.instances("m.tif", 0.25), fine)
    assert np.array_equal(built.instances("m.tif", 1.0), LABELS[1::2, 1::2])
    assert not built.layout.segmentations(0.5).exists()
    cells = built.cells
    props = regionprops(LABELS, np.moveaxis(CHANNELS, 0, -1).astype(np.float64))
    assert np.allclose(cells.filter(like="intensity_"), [prop.intensity_mean for prop in props], rtol=1e-6)
    assert np.allclose(cells["area_um2"], [prop.area * 0.25 for prop in props])
    assert np.allclose(cells["centroid_row"], [prop.centroid[0] for prop in regionprops(fine)])
    encoder = pd.read_parquet(built.layout.label_encoder(0.25, "kind"))
    assert encoder.to_dict("list") == {"name": ["background", "a", "b"], "id": [0, 1, 2]}
    kind = np.where(LABELS == 0, 0, LABELS % 2 + 1)
    assert np.array_equal(built.instances("m.tif", 1.0, "kind"), kind[1::2, 1::2])
    assert built.instances("m.tif", 1.0, "kind").dtype == np.uint8


def test_cells_lost_by_shrinking_are_counted(tmp_path: Path) -> None:
    tiny = np.zeros((64, 64), np.uint16)
    tiny[::8, ::8] = np.arange(1, 65).reshape(8, 8)
    tiny[1::8, 1::8] = np.arange(65, 129).reshape(8, 8)
    raw = RawCells(tmp_path / "raw").image("a.tif", draw_channels(tiny.shape), 0.5, cell_mask="m.tif")
    built = raw.mask("m.tif", tiny).run()
    assert sorted(np.unique(built.instances("a.tif", 1.0)))[1:] == list(range(65, 129))
    assert "N-CELLS-030" in built.codes
    assert "64 lost at 1 µm" in built.outcomes[0].detail


def test_more_than_65535_cells(tmp_path: Path) -> None:
    many = np.zeros((600, 600), np.uint32)
    many[::2, ::2] = np.arange(1, 90_001).reshape(300, 300)
    raw = RawCells(tmp_path / "raw").image("a.tif", draw_channels(many.shape), cell_mask="m.tif")
    built = raw.mask("m.tif", many).run()
    assert built.instances("a.tif").dtype == np.uint32
    assert np.array_equal(built.instances("a.tif"), many)
    assert len(built.cells) == 90_000


def test_mask_and_table_are_reconciled(tmp_path: Path) -> None:
    rows = [{"image": "a.tif", "cell_id": cell, "kind": "x"} for cell in [*range(5, 49), 900, 901]]
    built = one_image(tmp_path, LABELS).table(rows).run()
    assert {"W-CELLS-043", "N-CELLS-044"} <= set(built.codes)
    counts = pd.read_csv(built.layout.private / "cells" / "reconciliation.csv")
    assert counts.drop(columns="tissue_id").to_dict("records") == [
        {"in_mask_and_table": 44, "only_in_mask": 4, "only_in_table": 2}
    ]
    assert built.cells["kind"].isna().tolist() == [True] * 4 + [False] * 44
    listed = pd.read_csv(built.layout.private / "cells" / "only_in_table" / f"{built.tissue('a.tif')}.csv")
    assert listed["cell_id"].tolist() == [900, 901]


def test_ids_of_another_crop_are_caught(tmp_path: Path) -> None:
    rows = [{"image": "a.tif", "cell_id": cell, "kind": "x"} for cell in range(40, 400)]
    built = one_image(tmp_path, LABELS).table(rows).run()
    assert built.codes == ["E-CELLS-042"]


def test_missing_labels_are_real_nulls_and_numbers_are_numbers(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"image": "a.tif", "cell_id": c, "kind": "x" if c % 2 else "NA", "score": f"0,{c:02d}", "n": c, "z": f"0{c}"}
        for c in range(1, 49)
    ]
    built = one_image(tmp_path, LABELS).table(rows, sep=";").run()
    cells = built.cells
    assert cells["kind"].isna().sum() == 24
    assert cells["kind"].dtype == "string" or cells["kind"].dtype == "str"
    assert np.allclose(cells["score"], np.arange(1, 49) / 100)
    assert cells["n"].tolist() == list(range(1, 49))
    assert cells["z"].tolist() == [f"0{c}" for c in range(1, 49)]
    assert {path.name for path in built.layout.cell_masks(1.0).parent.iterdir()} == {"instances", "kind", "z"}


def test_a_cell_listed_under_both_images_is_refused(tmp_path: Path) -> None:
    raw = one_image(tmp_path, LABELS)
    raw.rows[0] |= {"tissue": "t", "patient": "p"}
    raw.image("he.tif", np.full((*LABELS.shape, 3), 200, np.uint8), tissue="t", patient="p")
    raw.table([{"image": name, "cell_id": c, "k": "x"} for name in ("a.tif", "he.tif") for c in range(1, 49)])
    assert raw.run().codes == ["E-CELLS-041"]


def test_identifying_columns_stop_the_plan(tmp_path: Path) -> None:
    raw = one_image(tmp_path, LABELS)
    raw.rows[0]["patient"] = "Harriet Quimby"
    raw.table([{"image": "a.tif", "cell_id": c, "donor": "Harriet Quimby"} for c in range(1, 49)])
    with pytest.raises(PrivacyError):
        raw.prepare()
    raw.settings = '[privacy.columns]\n"cells.donor" = "drop"\n'
    built = raw.run()
    assert "donor" not in built.cells
    assert not built.layout.cell_masks(1.0, "donor").exists()


def test_a_second_run_does_nothing_and_a_change_redoes_one(tmp_path: Path) -> None:
    raw = one_image(tmp_path, LABELS)
    raw.image("b.tif", CHANNELS + 1, cell_mask="n.tif").mask("n.tif", LABELS)
    rows = [{"image": name, "cell_id": c, "k": "xy"[c % 2]} for name in ("a.tif", "b.tif") for c in range(1, 49)]
    raw.table(rows)
    first = raw.run()
    before = first.layout.cells_table.read_bytes()
    again = raw.run()
    assert [outcome.status for outcome in again.outcomes] == [Status.SKIPPED] * 2
    rows[0]["k"] = "x"
    third = raw.table(rows).run()
    done = [outcome.tissue_id for outcome in third.outcomes if outcome.status is Status.DONE]
    assert done == [third.tissue("a.tif")]
    assert third.layout.cells_table.read_bytes() != before
    rows[0]["k"] = "y"
    assert raw.table(rows).run(existing="overwrite").layout.cells_table.read_bytes() == before


def test_a_task_that_nobody_asks_for_any_more_is_removed(tmp_path: Path) -> None:
    raw = one_image(tmp_path, LABELS)
    raw.table([{"image": "a.tif", "cell_id": c, "k": "xy"[c % 2], "l": "uv"[c % 2]} for c in range(1, 49)])
    built = raw.run()
    assert built.layout.cell_masks(1.0, "l").exists()
    raw.settings = '[cells]\ntasks = ["k"]\n'
    built = raw.run()
    assert not built.layout.cell_masks(1.0, "l").exists()
    assert built.layout.cell_masks(1.0, "k").exists()
    assert "l" in built.cells


def test_clusters_of_numbers_become_a_task_where_asked(tmp_path: Path) -> None:
    raw = one_image(tmp_path, LABELS)
    raw.table([{"image": "a.tif", "cell_id": c, "leiden": c % 3} for c in range(1, 49)])
    assert not raw.run().layout.cell_masks(1.0, "leiden").exists()
    raw.settings = '[cells]\ntasks = ["leiden"]\n'
    built = raw.run()
    assert np.array_equal(built.instances("a.tif", 1.0, "leiden"), np.where(LABELS > 0, LABELS % 3 + 1, 0))
    assert built.cells["leiden"].tolist() == [str(c % 3) for c in range(1, 49)]


def test_several_multiplex_modalities_and_tissues_without(tmp_path: Path) -> None:
    raw = RawCells(tmp_path / "raw")
    raw.image("a.tif", CHANNELS, tissue="t", patient="p", cell_mask="m.tif").mask("m.tif", LABELS)
    raw.image("b.tif", CHANNELS[:, ::-1], tissue="t", patient="p", modality="imc")
    raw.image("c.tif", CHANNELS, patient="q", cell_mask="n.tif").mask("n.tif", LABELS)
    built = raw.run()
    cells = built.cells.set_index("tissue_id")
    assert [n for n in cells if n.startswith("intensity_")] == [
        f"intensity_{m}_{c}" for m in ("imc", "codex") for c in ("DAPI", "CD3E", "CD8A")
    ]
    assert cells.loc[built.tissue("c.tif"), "intensity_imc_DAPI"].isna().all()
    props = regionprops(LABELS, np.moveaxis(CHANNELS[:, ::-1], 0, -1).astype(np.float64))
    of_imc = cells.loc[built.tissue("a.tif")].filter(like="intensity_imc")
    assert np.allclose(of_imc, [prop.intensity_mean for prop in props], rtol=1e-6)


def test_the_dataset_is_valid(tmp_path: Path) -> None:
    raw = one_image(tmp_path, (LABELS.astype(np.int32) * 7), mpp="0.5")
    raw.table([{"image": "a.tif", "cell_id": 7 * c, "k": "xy"[c % 2] if c % 5 else "NA"} for c in range(1, 49)])
    report = validate(raw.run().layout.root, deep=True)
    errors = [f for f in report.findings if f.severity is Severity.ERROR and f.code.startswith(("V2", "V5"))]
    assert not errors


def test_polygons_of_qupath_are_drawn(tmp_path: Path) -> None:
    def square(left: int, top: int, side: int) -> list[list[float]]:
        return [[left, top], [left + side, top], [left + side, top + side], [left, top + side], [left, top]]

    def feature(kind: str, of: str, coordinates: object) -> dict[str, object]:
        geometry = {"type": of, "coordinates": coordinates}
        return {"type": "Feature", "id": "x", "geometry": geometry, "properties": {"objectType": kind}}

    features = [
        feature("annotation", "Polygon", [square(0, 0, 80)]),
        feature("cell", "Polygon", [square(3, 5, 10), square(5, 7, 2)]),
        feature("cell", "MultiPolygon", [[square(30, 40, 6)], [square(40, 40, 6)]]),
        feature("cell", "Point", [1, 1]),
    ]
    raw = RawCells(tmp_path / "raw").image("a.tif", CHANNELS, cell_mask="c.geojson")
    (raw.root / "c.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    built = raw.run()
    expected = np.zeros(LABELS.shape, np.uint16)
    expected[5:15, 3:13] = 1
    expected[7:9, 5:7] = 0
    expected[40:46, 30:36] = expected[40:46, 40:46] = 2
    assert np.array_equal(built.instances("a.tif"), expected)
    assert built.cells["original_cell_id"].tolist() == [2, 3]
    assert_measured(built, "a.tif", expected, CHANNELS)
    assert "1 Point, 1 annotation" in built.outcomes[0].problems[0].what
    (raw.root / "c.geojson").write_text(json.dumps(feature("cell", "Polygon", [square(300, 5, 10)])))
    assert raw.run().codes == ["E-CELLS-013"]
    (raw.root / "c.geojson").write_text("[1]")
    assert raw.run().codes == ["E-READ-060"]
