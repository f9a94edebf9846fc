"""Folders as other programs leave them, drafted with nothing but patients left to fill in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
import zarr
from numpy.typing import NDArray

from spora_build.errors import UsageError
from spora_build.workflows.drafting.init import Draft, draft
from tests.readers.imc_files import Acquisition, write_mcd
from tests.workflows.conftest import convert
from tests.workflows.lab_folder import (
    MIBI_MARKERS,
    fill_in,
    labels,
    noise,
    read_rows,
    write_mibi,
    write_ome,
    write_tiff,
)

CYCLES = ("HOECHST1", "blank", "CD4", "HOECHST2", "FOXP3", "PD-1")


def codes(result: Draft) -> set[str]:
    return {problem.code for problem in result.problems}


def write_cycles(raw: Path) -> list[NDArray[Any]]:
    """Two CODEX hyperstacks of 2 cycles × 3 channels; their planes in the order of the list of names."""
    raw.mkdir(parents=True)
    stacks = [noise(2, 3, 50, 60, seed=region) for region in (1, 2)]
    for region, stack in enumerate(stacks, start=1):
        tifffile.imwrite(
            raw / f"reg{region:03d}_X01_Y01.tif",
            stack,
            imagej=True,
            metadata={"axes": "TCYX", "unit": "um"},
            resolution=(1 / 0.377, 1 / 0.377),
        )
    (raw / "exposure_times.txt").write_text("Cycle,CH1,CH2,CH3\n1,10,500,350\n2,10,500,350\n")
    return [stack.reshape(6, 50, 60) for stack in stacks]


def test_codex_cycles_and_a_list_of_names_need_only_patients(tmp_path: Path, key_file: Path) -> None:
    raw = tmp_path / "study"
    expected = write_cycles(raw)
    (raw / "channelnames.txt").write_text("\n".join(CYCLES) + "\n")
    draft(raw)
    rows = read_rows(raw / "tissues.csv")
    assert [(row["image"], row["modality"]) for row in rows] == [
        ("reg001_X01_Y01.tif", "codex"),
        ("reg002_X01_Y01.tif", "codex"),
    ]
    panel = read_rows(raw / "panel_codex.csv")
    assert [row["channel"] for row in panel] == list(CYCLES)
    assert [row["keep"] for row in panel] == ["yes", "no", "yes", "no", "yes", "yes"]
    fill_in(raw / "tissues.csv", patient="QX-{}")
    dataset = convert(raw, tmp_path, key_file, name="smith2023novel")
    tissues = pd.read_parquet(dataset / "metadata/tissues.parquet")
    assert tissues["mpp"].tolist() == [0.377, 0.377]
    stored = [
        zarr.open_array(f"{dataset}/codex/0_377mpp/images/{tissue}.ome.zarr/0", mode="r")[:]
        for tissue in tissues["tissue_id"]
    ]
    kept = [0, 2, 4, 5]
    for planes in expected:
        assert any(np.array_equal(image, planes[kept]) for image in stored)


def test_codex_cycles_without_the_list_say_what_is_missing(tmp_path: Path) -> None:
    write_cycles(tmp_path / "study")
    with pytest.raises(UsageError) as caught:
        draft(tmp_path / "study")
    assert [p.code for p in caught.value.problems] == ["E-INIT-003", "E-TIFF-003", "E-TIFF-003"]
    assert "channelnames.txt" in caught.value.problems[1].remedy


def test_folders_of_imctools_and_histocat_are_copies_of_the_mcd_with_masks(tmp_path: Path) -> None:
    raw = tmp_path / "study"
    (raw / "mcd").mkdir(parents=True)
    metals = (("Nd", 142), ("Ir", 191), ("ArAr", 80))
    shots = [
        Acquisition(noise(3, 40, 44, seed=n, dtype=np.float32), n, f"ROI_00{n}", ("CD4", "DNA1", "80ArAr"), metals)
        for n in (1, 2)
    ]
    write_mcd(raw / "mcd/slide1.mcd", shots)
    for n, shot in enumerate(shots, start=1):
        own = f"slide1_s0_a{n}_ac"
        for name, plane in zip(("142Nd_CD4", "191Ir_DNA1", "80ArAr"), shot.pixels, strict=True):
            write_tiff(raw / "histocat" / own / f"{name}.tiff", plane)
        write_tiff(raw / "tiffs" / f"{own}_full.tiff", shot.pixels)
        write_tiff(raw / "cpout" / f"{own}_ilastik_s2_Probabilities_mask.tiff", labels(40, 44))
    draft(raw)
    rows = read_rows(raw / "tissues.csv")
    assert [(row["image"], row["series"]) for row in rows] == [
        ("mcd/slide1.mcd", "ROI_001_1"),
        ("mcd/slide1.mcd", "ROI_002_2"),
    ]
    assert [row["cell_mask"] for row in rows] == [
        f"cpout/slide1_s0_a{n}_ac_ilastik_s2_Probabilities_mask.tiff" for n in (1, 2)
    ]


def test_a_mask_inside_a_histocat_folder_is_no_channel(tmp_path: Path) -> None:
    raw = tmp_path / "imc"
    for n in (1, 2):
        for name in ("142Nd_CD4", "191Ir_DNA1"):
            write_tiff(raw / f"slide1_s0_a{n}_ac" / f"{name}.tiff", noise(40, 44, dtype=np.float32))
        write_tiff(raw / f"slide1_s0_a{n}_ac" / f"slide1_s0_a{n}_ac_mask.tiff", labels(40, 44))
    draft(raw)
    rows = read_rows(raw / "tissues.csv")
    assert [(row["image"], row["cell_mask"]) for row in rows] == [
        (f"slide1_s0_a{n}_ac", f"slide1_s0_a{n}_ac/slide1_s0_a{n}_ac_mask.tiff") for n in (1, 2)
    ]
    assert [row["channel"] for row in read_rows(raw / "panel_imc.csv")] == ["142Nd_CD4", "191Ir_DNA1"]


@pytest.mark.parametrize("is_array", [False, True])
def test_the_output_folder_of_mcmicro(tmp_path: Path, is_array: bool) -> None:
    raw = tmp_path / "cycif"
    for sample in ("exemplar-001", "exemplar-002"):
        home = raw / sample
        write_ome(home / f"registration/{sample}.ome.tif", noise(3, 60, 80))
        write_ome(home / f"raw/{sample}-cycle-06.ome.tiff", noise(2, 30, 40))
        write_ome(home / f"illumination/{sample}-cycle-06-dfp.tif", noise(2, 30, 40, dtype=np.float32))
        name = sample
        if is_array:
            name = "1"
            write_ome(home / "dearray/1.tif", noise(3, 60, 80))
        for mask in ("cell", "nuclei"):
            write_ome(home / f"segmentation/unmicst-{name}/{mask}.ome.tif", labels(60, 80, np.int32)[np.newaxis])
        (home / "quantification").mkdir()
        (home / f"quantification/{name}--unmicst_cell.csv").write_text("CellID,DNA_1\n1,2\n")
        (home / "markers.csv").write_text(
            "channel_number,cycle_number,marker_name,remove\n1,1,DNA_1,\n2,1,AF488,TRUE\n3,1,CD4,\n"
        )
    result = draft(raw)
    assert {"N-INIT-036", "N-INIT-037"} <= codes(result)
    image = "dearray/1.tif" if is_array else "registration/{0}.ome.tif"
    folder = "unmicst-1" if is_array else "unmicst-{0}"
    assert [(row["image"], row["cell_mask"]) for row in read_rows(raw / "tissues.csv")] == [
        (f"{s}/{image}".format(s), f"{s}/segmentation/{folder}/cell.ome.tif".format(s))
        for s in ("exemplar-001", "exemplar-002")
    ]
    panel = read_rows(raw / "panel_cycif.csv")
    assert [(row["marker"], row["keep"]) for row in panel] == [("DNA1", "yes"), ("AF488", "no"), ("CD4", "yes")]


def test_mibi_points_with_a_subfolder_of_tiffs(tmp_path: Path) -> None:
    raw = tmp_path / "study"
    for number, point in enumerate(("Point1", "Point2")):
        for index, marker in enumerate(MIBI_MARKERS):
            write_tiff(raw / point / "TIFs" / f"{marker}.tif", noise(64, 64, seed=9 * number + index, dtype=np.uint8))
        write_tiff(raw / "masks" / f"{point}_whole_cell.tiff", labels(64, 64))
    draft(raw)
    assert [(row["image"], row["modality"], row["cell_mask"]) for row in read_rows(raw / "tissues.csv")] == [
        ("Point1", "mibi", "masks/Point1_whole_cell.tiff"),
        ("Point2", "mibi", "masks/Point2_whole_cell.tiff"),
    ]


def test_the_field_of_view_of_mibi_files_cut_into_markers_gives_the_pixel_size(tmp_path: Path) -> None:
    raw = write_mibi(tmp_path / "study", ("fov1",), mpp=None)
    for path in (raw / "fov1").iterdir():
        said = {"channel.target": path.stem, "image.type": "SIMS", "mibi.fov_size": 36}
        tifffile.imwrite(path, tifffile.imread(path), description=json.dumps(said), metadata=None)
    assert "W-INIT-034" not in codes(draft(raw))
