"""Sheets drafted from what raw files say."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from spora_build.errors import InvalidDataError, Problem, UsageError
from spora_build.model.modality import Modality
from spora_build.workflows.convert import ConvertRequest, prepare
from spora_build.workflows.drafting.init import Draft, draft, write_templates
from tests.readers.imc_files import Acquisition, write_mcd
from tests.workflows.conftest import convert
from tests.workflows.lab_folder import (
    MIBI_MARKERS,
    brightfield,
    fill_in,
    labels,
    noise,
    read_rows,
    write_mibi,
    write_ome,
    write_tiff,
)


def codes(result: Draft) -> set[str]:
    return {problem.code for problem in result.problems}


def of(result: Draft, code: str) -> list[Problem]:
    return [problem for problem in result.problems if problem.code == code]


def rows_of(raw: Path) -> dict[str, dict[str, str]]:
    return {
        row["image"] + (f"#{row['series']}" if row["series"] else ""): row for row in read_rows(raw / "tissues.csv")
    }


def fingerprints(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_mibi_folder_needs_only_patients(tmp_path: Path, key_file: Path) -> None:
    raw = write_mibi(tmp_path / "study")
    result = draft(raw)
    rows = rows_of(raw)
    assert list(rows) == ["fov1", "fov2"]
    assert [row["modality"] for row in rows.values()] == ["mibi", "mibi"]
    assert rows["fov1"]["cell_mask"] == "segmentation/fov1_whole_cell.tiff"
    assert {row["patient"] for row in rows.values()} == {""}
    assert {"W-INIT-030", "W-INIT-004"} <= codes(result)
    panel = {row["channel"]: row for row in read_rows(raw / "panel_mibi.csv")}
    assert list(panel) == sorted(MIBI_MARKERS, key=str.casefold)
    assert panel["Au"]["keep"] == "no"
    assert (panel["SMA"]["marker"], panel["SMA"]["uniprot_id"]) == ("ACTA2", "P62736")
    assert (panel["HH3"]["marker"], panel["HH3"]["is_nuclear_marker"]) == ("H3", "yes")
    assert panel["panCK"]["uniprot_id"] == ""
    assert panel["panCK"]["proposal"].startswith("open: ")
    fill_in(raw / "tissues.csv", patient="P{}")
    dataset = convert(raw, tmp_path, key_file, name="smith2023novel")
    channels = pd.read_parquet(next(dataset.rglob("channels.parquet")))
    assert list(channels["channel_name"]) == ["CD4", "CD45RO", "dsDNA", "H3", "panCK", "ACTA2", "VIM"]
    assert list(channels["uniprot_id"]) == ["P01730", "P08575-4", "", "P68431", "", "P62736", "P08670"]
    assert list(channels["is_nuclear_marker"]) == [False, False, True, True, False, False, False]


def test_blank_patients_stop_a_conversion_with_a_clear_problem(tmp_path: Path, key_file: Path) -> None:
    raw = write_mibi(tmp_path / "study")
    draft(raw)
    with pytest.raises(InvalidDataError) as caught:
        prepare(ConvertRequest(raw=raw, out=tmp_path, name="smith2023novel", key_file=key_file))
    blank = [p for p in caught.value.problems if p.code == "E-TISSUE-003"]
    assert [(p.place.file, p.place.row, p.place.column) for p in blank] == [
        ("tissues.csv", 2, "patient"),
        ("tissues.csv", 3, "patient"),
    ]


def test_an_acquisition_in_three_formats_counts_once(tmp_path: Path, key_file: Path) -> None:
    raw = tmp_path / "raw"
    (raw / "mcd").mkdir(parents=True)
    names = ("CD4_7((8))", "DNA1_9((3))", "80ArAr")
    metals = (("Nd", 142), ("Ir", 191), ("ArAr", 80))
    shots = [
        Acquisition(
            noise(3, 40, 44, seed=n, dtype=np.float32), n, "ROI_001" if n == 1 else "tumour, edge", names, metals
        )
        for n in (1, 2)
    ]
    write_mcd(raw / "mcd/slide 1.mcd", shots)
    write_tiff(raw / "steinbock/img/slide 1_001.tiff", shots[0].pixels)
    write_tiff(raw / "steinbock/img/slide 1_002.tiff", shots[1].pixels)
    write_tiff(raw / "steinbock/masks/slide 1_002.tiff", labels(40, 44))
    write_tiff(raw / "steinbock/img/slide 2_001.tiff", shots[0].pixels)
    result = draft(raw)
    rows = rows_of(raw)
    assert list(rows) == [
        "mcd/slide 1.mcd#ROI_001_1",
        "mcd/slide 1.mcd#tumour, edge_2",
        "steinbock/img/slide 2_001.tiff",
    ]
    assert rows["mcd/slide 1.mcd#tumour, edge_2"]["cell_mask"] == "steinbock/masks/slide 1_002.tiff"
    assert len(of(result, "N-INIT-001")) == 2
    panel = read_rows(raw / "panel_imc.csv")
    assert [(row["channel"], row["marker"], row["keep"]) for row in panel] == [
        ("Nd142", "CD4", "yes"),
        ("Ir191", "DNA1", "yes"),
        ("ArAr80", "ArAr80", "no"),
    ]
    (raw / "steinbock/img/slide 2_001.tiff").unlink()
    rest = [row for row in (raw / "tissues.csv").read_text().splitlines(keepends=True) if "slide 2" not in row]
    (raw / "tissues.csv").write_text("".join(rest))
    fill_in(raw / "tissues.csv", patient="P1")
    dataset = convert(raw, tmp_path, key_file, name="smith2023novel")
    assert list(pd.read_parquet(next(dataset.rglob("channels.parquet")))["channel_name"]) == ["CD4", "DNA1"]


def test_names_of_a_labs_panel_go_before_labels_of_the_file(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    names, metals = ("Cytoker_651((3356))", "H3K27Ac_19((33))", "x"), (("Pr", 141), ("Yb", 172), ("Sm", 147))
    write_mcd(raw / "a.mcd", [Acquisition(noise(3, 20, 20, dtype=np.float32), labels=names, metals=metals)])
    panel = "channel,name,keep,deepcell\nPr141,Cytokeratin 5,1,2\nYb172,H3K27Ac,1,1\nSm147,CD8a,0,\n"
    (raw / "panel.csv").write_text(panel)
    draft(raw)
    drafted = read_rows(raw / "panel_imc.csv")
    assert [(r["channel"], r["marker"], r["is_nuclear_marker"], r["keep"]) for r in drafted] == [
        ("Pr141", "KRT5", "no", "yes"),
        ("Yb172", "H3K27ac", "yes", "yes"),
        ("Sm147", "CD8A", "no", "no"),
    ]
    assert (raw / "panel.csv").read_text() == panel


def test_one_metal_with_two_antibodies_is_listed_by_name(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    for file, label in (("a.mcd", "CD4"), ("b.mcd", "CD8a")):
        shot = Acquisition(noise(1, 20, 20, dtype=np.float32), labels=(label,), metals=(("Pr", 141),))
        write_mcd(raw / file, [shot])
    draft(raw)
    assert [row["channel"] for row in read_rows(raw / "panel_imc.csv")] == ["CD4", "CD8a"]


def test_registered_pairs_share_a_tissue_and_others_do_not(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    write_ome(raw / "codex/core1.ome.tif", noise(2, 60, 80), ("DAPI", "CD4"), 0.5)
    write_tiff(raw / "he/core1.tif", brightfield(120, 160), 0.25)
    write_ome(raw / "codex/core2.ome.tif", noise(2, 60, 80), ("DAPI", "CD4"), 0.5)
    write_tiff(raw / "he/core2.tif", brightfield(200, 160), 0.25)
    result = draft(raw)
    rows = rows_of(raw)
    assert rows["codex/core1.ome.tif"]["tissue"] == rows["he/core1.tif"]["tissue"] == "core1"
    assert rows["codex/core2.ome.tif"]["tissue"] == rows["he/core2.tif"]["tissue"] == ""
    assert {row["modality"] for row in rows.values()} == {"codex", "he"}
    assert len(of(result, "W-INIT-010")) == len(of(result, "N-INIT-011")) == 1


def test_run_again_it_adds_new_files_only_and_changes_no_byte(tmp_path: Path) -> None:
    raw = write_mibi(tmp_path / "study", ("fov1",))
    draft(raw)
    fill_in(raw / "tissues.csv", patient="ä1")
    for sheet in ("tissues.csv", "panel_mibi.csv"):
        text = (raw / sheet).read_text().replace(",", ";") if sheet == "tissues.csv" else (raw / sheet).read_text()
        (raw / sheet).write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").rstrip().encode())
    (raw / "spora.toml").write_text('name = "smith2023novel"\n')
    before = fingerprints(raw)
    assert [w.rows for w in draft(raw).written] == [0, 0, 0]
    assert fingerprints(raw) == before

    old = {name: (raw / name).read_bytes() for name in ("tissues.csv", "panel_mibi.csv", "spora.toml")}
    write_mibi(raw, ("fov2",))
    write_tiff(raw / "fov2/CD68.tiff", noise(64, 72, dtype=np.uint8), 0.5)
    result = draft(raw)
    assert [(w.file, w.rows, w.is_new) for w in result.written] == [
        ("tissues.csv", 1, False),
        ("panel_mibi.csv", 1, False),
        ("spora.toml", 0, False),
    ]
    new = {name: (raw / name).read_bytes() for name in old}
    assert all(new[name].startswith(old[name]) for name in old)
    assert new["spora.toml"] == old["spora.toml"]
    added = new["tissues.csv"][len(old["tissues.csv"]) :].decode()
    assert added.startswith("\r\nfov2;;mibi;")
    assert added.endswith("\r\n")
    assert new["panel_mibi.csv"][len(old["panel_mibi.csv"]) :].decode().startswith("\r\nCD68,CD68,P34810,no,")


def test_a_sheet_in_utf_16_stays_in_utf_16(tmp_path: Path) -> None:
    raw = write_mibi(tmp_path / "study", ("fov1",))
    draft(raw)
    text = (raw / "tissues.csv").read_text()
    (raw / "tissues.csv").write_bytes(text.encode("utf-16"))
    write_mibi(raw, ("fov2",))
    draft(raw)
    lines = (raw / "tissues.csv").read_bytes().decode("utf-16").splitlines()
    assert [line.split(",")[0] for line in lines] == ["image", "fov1", "fov2"]
    assert "\ufeff" not in "".join(lines)


def test_a_modality_that_a_person_fills_in_gets_its_panel_on_the_next_run(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    write_ome(raw / "a.ome.tif", noise(2, 30, 30), ("DAPI", "CD4"))
    assert "W-INIT-032" in codes(draft(raw))
    assert not list(raw.glob("panel_*"))
    fill_in(raw / "tissues.csv", modality="CyCIF")
    draft(raw)
    assert [row["marker"] for row in read_rows(raw / "panel_cycif.csv")] == ["DAPI", "CD4"]
    assert len(read_rows(raw / "tissues.csv")) == 1


def test_masks_are_known_by_name_and_by_content(tmp_path: Path) -> None:
    raw = tmp_path / "codex"
    write_ome(raw / "one/image.ome.tif", noise(2, 40, 48), ("DAPI", "CD4"))
    write_tiff(raw / "one/result.tif", labels(40, 48, np.int32))
    write_ome(raw / "two/image.ome.tif", noise(2, 40, 48), ("DAPI", "CD4"))
    write_tiff(raw / "two/tissue_mask.tif", (labels(40, 48) > 0).astype(np.uint8) * 255)
    write_tiff(raw / "two/cell_mask.tif", labels(40, 48, np.int32))
    write_tiff(raw / "two/photo.tif", noise(40, 48))
    write_tiff(raw / "masks/nobody_mask.tif", labels(20, 20))
    result = draft(raw)
    rows = rows_of(raw)
    assert rows["one/image.ome.tif"]["cell_mask"] == "one/result.tif"
    assert rows["two/image.ome.tif"]["cell_mask"] == "two/cell_mask.tif"
    assert rows["two/image.ome.tif"]["tissue_mask"] == "two/tissue_mask.tif"
    assert "two/photo.tif" in rows
    assert [p.place.file for p in of(result, "W-INIT-002")] == ["masks/nobody_mask.tif"]
    assert [p.place.file for p in of(result, "W-INIT-003")] == ["one/result.tif"] or not of(result, "W-INIT-003")


def test_a_folder_of_single_channel_images_is_no_field_of_view(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    for core in ("core_A", "core_B"):
        write_ome(raw / f"img/{core}.ome.tif", noise(2, 40, 48), ("DAPI", "CD4"))
        write_tiff(raw / f"cells/{core}.tif", labels(40, 48))
    draft(raw)
    rows = rows_of(raw)
    assert list(rows) == ["img/core_A.ome.tif", "img/core_B.ome.tif"]
    assert [row["cell_mask"] for row in rows.values()] == ["cells/core_A.tif", "cells/core_B.tif"]


def test_channels_without_names_follow_a_list_beside_them(tmp_path: Path, key_file: Path) -> None:
    raw = tmp_path / "raw"
    write_tiff(raw / "reg001_montage.tif", noise(3, 64, 64), 0.5)
    (raw / "channelnames.txt").write_text("DAPI-01\nCD8\nDAPI-02\n")
    result = draft(raw)
    assert {"W-INIT-025", "W-INIT-033"} <= codes(result)
    rows = read_rows(raw / "panel_codex.csv")
    assert [(row["channel"], row["marker"], row["keep"]) for row in rows] == [
        ("", "DAPI", "yes"),
        ("", "CD8A", "yes"),
        ("", "DAPI_2", "no"),
    ]
    fill_in(raw / "tissues.csv", patient="P{}")
    dataset = convert(raw, tmp_path, key_file, name="smith2023novel")
    assert list(pd.read_parquet(next(dataset.rglob("channels.parquet")))["channel_name"]) == ["DAPI", "CD8A"]


def test_pictures_of_fluorescence_are_left_out_and_bright_ones_taken_for_stains(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    write_tiff(raw / "composite.tif", brightfield(60, 60, level=5), 0.5)
    write_tiff(raw / "slide7.tif", brightfield(60, 60), 0.5)
    write_tiff(raw / "s1_ihc_CD3E.tif", brightfield(60, 60), 0.5)
    write_tiff(raw / "s2_IHC.tif", brightfield(60, 60), 0.5)
    result = draft(raw)
    rows = rows_of(raw)
    assert {name: row["modality"] for name, row in rows.items()} == {
        "s1_ihc_CD3E.tif": "ihc_CD3E",
        "s2_IHC.tif": "",
        "slide7.tif": "he",
    }
    assert [p.place.file for p in of(result, "W-INIT-033")] == ["s1_ihc_CD3E.tif", "slide7.tif"]
    assert [p.place.file for p in of(result, "N-INIT-035")] == ["composite.tif"]


def test_a_pixel_size_that_a_file_lacks_is_left_blank_and_said(tmp_path: Path) -> None:
    raw = tmp_path / "imc"
    write_ome(raw / "a.ome.tif", noise(2, 30, 30), ("CD4", "CD68"), mpp=None)
    result = draft(raw)
    assert rows_of(raw)["a.ome.tif"]["mpp"] == ""
    assert [p.place.file for p in of(result, "W-INIT-034")] == ["a.ome.tif"]


@pytest.mark.parametrize(
    ("clinical", "files", "patients"),
    [
        ("Patient ID,Sample,age\nQX-1,core_7,61\nQX-2,core_9,62\n", ("core_7", "core_9"), ["QX-1", "QX-2"]),
        ("patient,age\nABC12,61\nABC13,62\n", ("ABC12_roi1", "ABC123_roi1"), ["ABC12", ""]),
        ("patient,age\n1,61\n2,62\n", ("core_1", "core_2"), ["", ""]),
        ("patient,image\nABC12,a.ome.tif\nABC13,a.ome.tif\n", ("a",), [""]),
        ("sample,age\ncore_7,61\n", ("core_7",), [""]),
    ],
)
def test_patients_are_filled_in_only_where_the_clinical_table_plainly_names_them(
    tmp_path: Path, clinical: str, files: tuple[str, ...], patients: list[str]
) -> None:
    raw = tmp_path / "imc"
    for name in files:
        write_ome(raw / f"{name}.ome.tif", noise(2, 30, 30), ("CD4", "CD68"))
    (raw / "clinical.csv").write_text(clinical)
    result = draft(raw)
    assert [row["patient"] for row in read_rows(raw / "tissues.csv")] == patients
    shown = "".join(problem.what + problem.remedy for problem in result.problems)
    assert not any(patient in shown for patient in patients if patient)


def test_datasets_and_private_folders_are_passed_over(tmp_path: Path) -> None:
    raw = tmp_path / "imc"
    write_ome(raw / "a.ome.tif", noise(2, 30, 30), ("CD4", "CD68"))
    write_ome(raw / "smith2023novel/x.ome.tif", noise(2, 30, 30), ("CD4", "CD68"))
    (raw / "smith2023novel/tissues.parquet").write_bytes(b"")
    write_ome(raw / "smith2023novel.private/y.ome.tif", noise(2, 30, 30), ("CD4", "CD68"))
    write_ome(raw / ".hidden/z.ome.tif", noise(2, 30, 30), ("CD4", "CD68"))
    assert draft(raw).images == 1


def test_a_damaged_file_is_reported_and_the_rest_drafted(tmp_path: Path) -> None:
    raw = tmp_path / "imc"
    good = write_ome(raw / "a.ome.tif", noise(2, 30, 30), ("CD4", "CD68"))
    (raw / "b.ome.tif").write_bytes(good.read_bytes()[:-2000])
    (raw / "c.mcd").write_bytes(b"nothing")
    result = draft(raw)
    assert "a.ome.tif" in rows_of(raw)
    assert "c.mcd" in {p.place.file for p in result.problems if p.severity == "error"}


def test_a_folder_without_images_or_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="E-INIT-003"):
        draft(tmp_path)
    with pytest.raises(UsageError, match="E-INIT-002"):
        draft(tmp_path / "none")
    assert not list(tmp_path.iterdir())


def test_templates_are_headers_without_rows_and_never_overwrite(tmp_path: Path) -> None:
    (tmp_path / "spora.toml").write_text("# mine\n")
    result = write_templates(tmp_path, Modality("imc"))
    assert [(w.file, w.is_new) for w in result.written] == [
        ("tissues.csv", True),
        ("panel_imc.csv", True),
        ("spora.toml", False),
    ]
    assert (tmp_path / "tissues.csv").read_text().startswith("image,patient,modality,series,tissue")
    assert len((tmp_path / "panel_imc.csv").read_text().splitlines()) == 1
    assert (tmp_path / "spora.toml").read_text() == "# mine\n"
    (tmp_path / "tissues.csv").write_text("mine")
    write_templates(tmp_path, Modality("he"))
    assert (tmp_path / "tissues.csv").read_text() == "mine"


def test_a_workbook_in_the_place_of_a_sheet_is_refused(tmp_path: Path) -> None:
    raw = write_mibi(tmp_path / "study", ("fov1",))
    (raw / "tissues.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(UsageError, match="E-SHEET-001"):
        draft(raw)
    assert not (raw / "tissues.csv").exists()


@pytest.mark.parametrize("sheet", ["tissues.csv", "panel_mibi.csv"])
def test_nothing_is_added_to_a_sheet_that_cannot_be_read_in_full(tmp_path: Path, sheet: str) -> None:
    """A row that cannot be read may list the very file that would be added."""
    raw = write_mibi(tmp_path / "study")
    draft(raw)
    with (raw / sheet).open("a") as file:
        file.write("fov3,P3\n")
    write_mibi(raw, ("fov3",))
    before = fingerprints(raw)
    with pytest.raises(InvalidDataError, match="E-SHEET-007"):
        draft(raw)
    assert fingerprints(raw) == before


def test_the_same_folder_gives_the_same_bytes(tmp_path: Path) -> None:
    drafts = []
    for name in ("one", "two"):
        raw = write_mibi(tmp_path / name / "study")
        draft(raw)
        drafts.append([(raw / sheet).read_bytes() for sheet in ("tissues.csv", "panel_mibi.csv", "spora.toml")])
    assert drafts[0] == drafts[1]


def test_multi_file_sets_are_one_image(tmp_path: Path) -> None:
    raw = tmp_path / "codex"
    raw.mkdir()
    tifffile.imwrite(raw / "s.ome.tif", noise(2, 30, 30), metadata={"axes": "CYX", "Channel": {"Name": ["A", "B"]}})
    draft(raw)
    assert len(read_rows(raw / "tissues.csv")) == 1
