"""Tables of cells as other programs write them, joined to masks."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from skimage.measure import regionprops

from spora_build.model.report import Status
from tests.workflows.raw_cells import RawCells, draw_channels, draw_labels

LABELS = draw_labels()
PROPS = regionprops(LABELS)
KIND = ["tumor" if prop.label % 3 else "stroma" for prop in PROPS]


def two_images(tmp_path: Path, mpp: float = 1.0) -> RawCells:
    """Two images whose second mask lacks the first ten cells."""
    raw = RawCells(tmp_path / "raw")
    for name, labels in (("img/core_1.tif", LABELS), ("img/core_12.ome.tif", np.where(LABELS > 10, LABELS, 0))):
        mask = name.replace("img", "mask")
        raw.image(name, draw_channels(LABELS.shape), mpp, cell_mask=mask).mask(mask, labels)
    return raw


def kinds(raw: RawCells, image: str, column: str = "kind") -> list[object]:
    """Annotation of each cell of an image, in the order of its cells."""
    built = raw.run()
    assert not [outcome for outcome in built.outcomes if outcome.status is Status.FAILED], built.codes
    cells = built.cells
    return [None if pd.isna(v) else v for v in cells.loc[cells["tissue_id"] == built.tissue(image), column]]


def test_one_file_per_image_named_like_it(tmp_path: Path) -> None:
    """MCMICRO: quantification/<sample>--<segmenter>_cell.csv with CellID and X_centroid."""
    raw = two_images(tmp_path)
    for name, first in (("core_1", 0), ("core_12", 10)):
        rows = [
            {"CellID": p.label, "DAPI": 1.5, "X_centroid": p.centroid[1], "Y_centroid": p.centroid[0], "kind": kind}
            for p, kind in list(zip(PROPS, KIND, strict=True))[first:]
        ]
        raw.table(rows, f"quantification/{name}--unmicst_cell.csv")
    raw.settings = '[cells]\ntable = "quantification"\n'
    assert kinds(raw, "img/core_1.tif") == KIND
    assert kinds(raw, "img/core_12.ome.tif") == KIND[10:]


@pytest.mark.parametrize("unit", ["µm", "px"])
def test_qupath_has_no_labels_but_centres(tmp_path: Path, unit: str) -> None:
    raw = two_images(tmp_path, mpp=0.5)
    scale = 0.5 if unit == "µm" else 1.0
    rows = [
        {
            "Image": f"{image} - Series 0" if image == "core_12.ome.tif" else image,
            "Object ID": f"6c1f7a9e-0000-4000-8000-{prop.label:012d}",
            "Classification": kind,
            f"Centroid X {unit}": (prop.centroid[1] + 0.5) * scale,
            f"Centroid Y {unit}": (prop.centroid[0] + 0.5) * scale,
        }
        for image, first in (("core_1.tif", 0), ("core_12.ome.tif", 10))
        for prop, kind in list(zip(PROPS, KIND, strict=True))[first:]
    ]
    raw.table(rows, "measurements.tsv", sep="\t")
    raw.settings = '[cells]\ntable = "measurements.tsv"\n[privacy.columns]\n"cells.object_id" = "drop"\n'
    assert kinds(raw, "img/core_1.tif", "classification") == KIND
    assert kinds(raw, "img/core_12.ome.tif", "classification") == KIND[10:]


def test_centres_off_their_cells(tmp_path: Path) -> None:
    """A centre just outside finds its cell, two in one leave it to the nearer, one far away is told."""
    raw = two_images(tmp_path)
    rows = [{"image": "img/core_1.tif", "x": p.centroid[1], "y": p.centroid[0], "kind": "ok"} for p in PROPS]
    rows[0] |= {"x": rows[0]["x"] + 6.4, "kind": "shifted"}
    rows.append({**rows[5], "x": rows[5]["x"] + 2, "kind": "second"})
    rows.append({**rows[5], "x": 119.0, "y": 89.0, "kind": "nowhere"})
    raw.table(rows, "centres.csv")
    raw.settings = '[cells]\ntable = "centres.csv"\n'
    built = raw.run()
    cells = built.cells[built.cells["tissue_id"] == built.tissue("img/core_1.tif")]
    assert cells["kind"].tolist() == ["shifted"] + ["ok"] * 47
    assert {"W-CELLS-047", "W-CELLS-043"} <= set(built.codes)
    listed = pd.read_csv(
        built.layout.private / "cells" / "only_in_table" / f"{built.tissue('img/core_1.tif')}.csv", sep=","
    )
    assert len(listed) == 2


def test_rows_of_a_tissue_without_mask_are_told(tmp_path: Path) -> None:
    raw = RawCells(tmp_path / "raw").image("core_1.tif", draw_channels(LABELS.shape))
    raw.table([{"image": "core_1.tif", "x": c, "y": r, "kind": "a"} for r, c in (p.centroid for p in PROPS)], "t.csv")
    raw.settings = '[cells]\ntable = "t.csv"\n'
    built = raw.run()
    assert built.codes == ["W-CELLS-048"]
    assert not built.layout.cells_table.exists()
    told = pd.read_csv(built.layout.private / "cells" / "reconciliation.csv")
    assert told.iloc[0].tolist() == [built.tissue("core_1.tif"), 0, 0, len(PROPS)]
    raw.image("core_2.tif", draw_channels(LABELS.shape), cell_mask="m.tif").mask("m.tif", LABELS)
    assert built.tissue("core_1.tif") not in set(raw.run().cells["tissue_id"])
    raw.rows[0]["cell_mask"] = "m.tif"
    built = raw.run()
    assert "W-CELLS-048" not in built.codes
    told = pd.read_csv(built.layout.private / "cells" / "reconciliation.csv").set_index("tissue_id")
    assert told.loc[built.tissue("core_1.tif")].tolist() == [len(PROPS), 0, 0]


def test_centres_of_another_image_are_refused(tmp_path: Path) -> None:
    raw = two_images(tmp_path)
    rows = [{"image": "core_1", "x": p.centroid[1] * 40, "y": p.centroid[0] * 40, "kind": "a"} for p in PROPS]
    raw.table(rows, "centres.csv")
    raw.settings = '[cells]\ntable = "centres.csv"\n'
    assert "E-CELLS-042" in raw.run().codes


def test_the_same_numbers_of_another_crop_are_doubted(tmp_path: Path) -> None:
    raw = two_images(tmp_path)
    rng = np.random.default_rng(0)
    rows = [
        {"image": "core_1", "Object": p.label, "centroid-0": r, "centroid-1": c, "kind": "a"}
        for p, (r, c) in zip(PROPS, rng.permutation([p.centroid for p in PROPS]), strict=True)
    ]
    raw.table(rows, "other.csv")
    raw.settings = '[cells]\ntable = "other.csv"\n'
    assert "W-CELLS-045" in raw.run().codes
    raw.table(
        [{**r, "centroid-0": p.centroid[0], "centroid-1": p.centroid[1]} for r, p in zip(rows, PROPS, strict=True)],
        "other.csv",
    )
    assert "W-CELLS-045" not in raw.run().codes


def test_anndata(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    raw = two_images(tmp_path)
    raw.root.mkdir(exist_ok=True)
    with h5py.File(raw.root / "cells.h5ad", "w") as file:
        obs = file.create_group("obs")
        obs.attrs["column-order"] = ["sample", "label", "kind"]
        obs["label"] = np.arange(1, 49)
        for name, texts in (("sample", ["core_1"] * 48), ("kind", KIND)):
            categories, codes = np.unique(texts, return_inverse=True)
            group = obs.create_group(name)
            group["categories"] = categories.astype(object)
            group["codes"] = codes.astype(np.int8)
        file.create_group("obsm")["spatial"] = np.array([p.centroid[::-1] for p in PROPS])
    raw.settings = '[cells]\ntable = "*.h5ad"\n'
    assert kinds(raw, "img/core_1.tif") == KIND


@pytest.mark.realdata
def test_steinbock_folders(sample_data: Path, tmp_path: Path) -> None:
    source = sample_data / "imc-bodenmiller" / "steinbock"
    raw = RawCells(tmp_path / "raw")
    for path in sorted((source / "img").iterdir()):
        mask = f"masks/{path.name}"
        raw.image(f"img/{path.name}", tifffile.imread(path), modality="imc", cell_mask=mask)
        raw.mask(mask, tifffile.imread(source / "masks_deepcell" / path.name))
    (raw.root / "panel_imc.csv").write_text("channel,marker\n,Ag107\n,KRT5\n,LAMA1\n,YBX1\n,H3K27Ac\n")
    shutil.copytree(source / "regionprops_deepcell", raw.root / "regionprops")
    raw.settings = '[cells]\ntable = "regionprops/*.csv"\n'
    built = raw.run()
    assert not [code for code in built.codes if code[0] in "EW"]
    for path in sorted((source / "regionprops_deepcell").iterdir()):
        shape = pd.read_csv(path)
        cells = built.cells[built.cells["tissue_id"] == built.tissue(f"img/{path.stem}.tiff")]
        assert cells["area"].tolist() == shape["area"].tolist()
        assert cells["axis_major_length"].tolist() == shape["axis_major_length"].tolist()


@pytest.mark.realdata
@pytest.mark.parametrize("export", ["cell_seg_data", "comma_cell_seg_data"])
def test_inform_exports(sample_data: Path, tmp_path: Path, export: str) -> None:
    """Decimal points or commas, #N/A, per cent signs; the sample is named as the image begins."""
    source, stem = sample_data / "inform-fihc4", "FIHC4__0929309_HP_IM3_2"
    raw = RawCells(tmp_path / "raw")
    raw.root.mkdir()
    image, masks = f"{stem}_component_data.tif", f"{stem}_binary_seg_maps.tif"
    for name in (image, masks, f"{stem}_{export}.txt"):
        shutil.copy(source / name, raw.root / name)
    raw.rows.append({"image": image, "patient": "p", "modality": "codex", "cell_mask": masks})
    names = ("Alexa594", "Cy3", "Cy5", "DAPI", "FITC")
    (raw.root / "panel_codex.csv").write_text("channel,marker\n" + "".join(f",{name}\n" for name in names))
    raw.settings = '[cells]\ntable = "*_cell_seg_data.txt"\nplane = "Nucleus"\ntasks = ["phenotype"]\n'
    raw.settings += '[privacy.columns]\n"cells.path" = "drop"\n"cells.slide_id" = "drop"\n"cells.tma_sector" = "drop"\n'
    built = raw.run()
    assert not [code for code in built.codes if code[0] in "EW"], built.codes
    table = pd.read_csv(source / f"{stem}_cell_seg_data.txt", sep="\t", na_values="#N/A")
    cells = built.cells
    assert cells["phenotype"].tolist() == table["Phenotype"].tolist()
    assert np.allclose(cells["confidence"], [float(text.rstrip(" %")) for text in table["Confidence"]])
    assert np.allclose(
        cells["nucleus_dapi_mean_normalized_counts_total_weighting"],
        table["Nucleus DAPI Mean (Normalized Counts, Total Weighting)"],
    )
    mpp = built.layout.find_mask_resolutions()[0]
    encoder = pd.read_parquet(built.layout.label_encoder(mpp, "phenotype"))
    assert encoder["name"].tolist() == ["background", *sorted(set(table["Phenotype"]))]


@pytest.mark.parametrize("name", ["instances", "area_um2", "NUL", "com1"])
def test_no_task_is_called_as_something_else(tmp_path: Path, name: str) -> None:
    """As the masks themselves, a measurement, or a device of Windows."""
    raw = (
        RawCells(tmp_path / "raw").image("a.tif", draw_channels(LABELS.shape), cell_mask="m.tif").mask("m.tif", LABELS)
    )
    raw.table([{"image": "a.tif", "cell_id": prop.label, name: kind} for prop, kind in zip(PROPS, KIND, strict=True)])
    built = raw.run()
    assert built.cells[f"raw_{name.lower()}"].tolist() == KIND
    assert built.layout.cell_masks(1.0, f"raw_{name.lower()}").is_dir()
    assert not built.layout.cell_masks(1.0, name.lower()).is_dir() or name == "instances"
