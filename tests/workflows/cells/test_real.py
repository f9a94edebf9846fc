"""Cells of real files: masks and measurements that other people's programs made of the same pixels."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from tests.workflows.raw_cells import RawCells

pytestmark = pytest.mark.realdata


def test_steinbock_measured_the_same(sample_data: Path, tmp_path: Path) -> None:
    source = sample_data / "imc-bodenmiller" / "steinbock"
    raw = RawCells(tmp_path / "raw")
    raw.root.mkdir()
    names = sorted(path.name for path in (source / "img").iterdir())
    rows = []
    for name in names:
        raw.image(f"img/{name}", tifffile.imread(source / "img" / name), modality="imc", cell_mask=f"masks/{name}")
        raw.mask(f"masks/{name}", tifffile.imread(source / "masks_deepcell" / name))
        for row in pd.read_csv(source / "regionprops_deepcell" / f"{Path(name).stem}.csv").itertuples():
            rows.append({"image": f"img/{name}", "cell_id": row.Object, "eccentricity": row.eccentricity})
    (raw.root / "panel_imc.csv").write_text("channel,marker\n,Ag107\n,KRT5\n,LAMA1\n,YBX1\n,H3K27Ac\n")
    built = raw.table(rows).run()
    for name in names:
        cells = built.cells[built.cells["tissue_id"] == built.tissue(f"img/{name}")]
        shape = pd.read_csv(source / "regionprops_deepcell" / f"{Path(name).stem}.csv")
        means = pd.read_csv(source / "intensities_deepcell" / f"{Path(name).stem}.csv")
        assert cells["cell_id"].tolist() == shape["Object"].tolist()
        assert cells["area_um2"].tolist() == shape["area"].tolist()
        assert np.allclose(cells[["centroid_row", "centroid_col"]], shape[["centroid-0", "centroid-1"]], rtol=1e-12)
        assert np.allclose(cells.filter(like="intensity_"), means.drop(columns="Object"), rtol=1e-6)
        assert cells["eccentricity"].tolist() == shape["eccentricity"].tolist()


def test_inform_planes(sample_data: Path, tmp_path: Path) -> None:
    source = sample_data / "inform-fihc4"
    stem = "FIHC4__0929309_HP_IM3_2"
    raw = RawCells(tmp_path / "raw")
    raw.root.mkdir()
    for name in (f"{stem}_component_data.tif", f"{stem}_binary_seg_maps.tif"):
        shutil.copy(source / name, raw.root / name)
    image = f"{stem}_component_data.tif"
    raw.rows.append({"image": image, "patient": "p", "modality": "codex", "cell_mask": f"{stem}_binary_seg_maps.tif"})
    names = ("Alexa594", "Cy3", "Cy5", "DAPI", "FITC")
    (raw.root / "panel_codex.csv").write_text("channel,marker\n" + "".join(f",{name}\n" for name in names))
    with (source / f"{stem}_cell_seg_data.txt").open(encoding="utf-8") as file:
        inform = list(csv.DictReader(file, delimiter="\t"))
    raw.table([{"image": image, "cell_id": row["Cell ID"], "phenotype": row["Phenotype"]} for row in inform])
    built = raw.run()
    assert "N-CELLS-002" in built.codes
    nuclei, cytoplasm = tifffile.imread(source / f"{stem}_binary_seg_maps.tif")[1:3]
    mpp = built.layout.find_mask_resolutions()[0]
    assert np.array_equal(built.instances(image, mpp), np.where(nuclei > 0, nuclei, cytoplasm))
    assert built.cells["phenotype"].notna().sum() == len(inform) == 270
    raw.settings = '[cells]\nplane = "nucleus"\n'
    built = raw.run()
    areas = [int(row["Nucleus Area (pixels)"]) for row in inform]
    assert np.allclose(built.cells["area_um2"] / mpp**2, areas)


def test_crop_with_a_mask_of_64_bit_labels(sample_data: Path, tmp_path: Path) -> None:
    source = sample_data / "codex-crop"
    labels = tifffile.imread(source / "segmentation.tiff")
    raw = RawCells(tmp_path / "raw")
    raw.image("crop.tif", tifffile.imread(source / "image.tiff"), 0.5, cell_mask="segmentation.tiff")
    (raw.root / "panel_codex.csv").write_text("channel,marker\n" + "".join(f",M{number}\n" for number in range(5)))
    shutil.copy(source / "segmentation.tiff", raw.root)
    built = raw.run()
    assert np.array_equal(built.instances("crop.tif", 0.5), labels)
    assert len(built.cells) == 56
