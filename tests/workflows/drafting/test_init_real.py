"""Sheets drafted from files that instruments and other programs wrote, completed with patients alone, and converted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from spora_build.workflows.drafting.init import Draft, draft
from tests.workflows.conftest import convert
from tests.workflows.lab_folder import fill_in, read_rows

pytestmark = pytest.mark.realdata


def copy(sample_data: Path, name: str, to: Path) -> Path:
    raw = shutil.copytree(sample_data / name, to / name)
    for path in (raw, *raw.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return raw


def codes(result: Draft) -> set[str]:
    return {problem.code for problem in result.problems}


def channels_of(dataset: Path) -> pd.DataFrame:
    return pd.read_parquet(next(dataset.rglob("channels.parquet")))


def test_imc_needs_only_patients(sample_data: Path, tmp_path: Path, key_file: Path) -> None:
    """Each of six acquisitions is there as .mcd, .txt and steinbock's TIFF, with masks named after the TIFFs."""
    raw = copy(sample_data, "imc-bodenmiller", tmp_path)
    result = draft(raw)
    rows = read_rows(raw / "tissues.csv")
    assert result.images == len(rows) == 6
    assert {row["image"].rsplit(".", 1)[1] for row in rows} == {"mcd"}
    assert [row["series"] for row in rows] == ["ROI_001_1", "ROI_002_2", "ROI_003_3"] * 2
    assert all(row["cell_mask"].endswith(f"_00{row['series'][-1]}.tiff") for row in rows)
    assert all(Path(row["image"]).stem in row["cell_mask"] for row in rows)
    panel = {row["channel"]: row for row in read_rows(raw / "panel_imc.csv")}
    assert {channel: row["marker"] for channel, row in panel.items()} == {
        "Ag107": "Ag107",
        "Pr141": "KRT5",
        "Sm147": "Laminin",
        "Eu153": "YBX1",
        "Yb172": "H3K27ac",
    }
    assert panel["Yb172"]["is_nuclear_marker"] == "yes"
    fill_in(raw / "tissues.csv", patient="P{}")
    dataset = convert(raw, tmp_path, key_file, name="smith2023novel")
    channels = channels_of(dataset).set_index("channel_name")["uniprot_id"]
    assert channels.to_dict() == {"Ag107": "", "KRT5": "P13647", "Laminin": "", "YBX1": "P67809", "H3K27ac": "P68431"}
    assert len(pd.read_parquet(next(dataset.rglob("tissues.parquet")))) == 6


def test_a_steinbock_folder_needs_only_patients(sample_data: Path, tmp_path: Path, key_file: Path) -> None:
    """Its TIFFs name neither channels nor pixel size: panel.csv and images.csv do."""
    raw = copy(sample_data, "imc-bodenmiller/steinbock", tmp_path)
    draft(raw)
    rows = read_rows(raw / "tissues.csv")
    assert [(row["modality"], row["mpp"]) for row in rows] == [("imc", "1")] * 6
    fill_in(raw / "tissues.csv", patient="P{}")
    dataset = convert(raw, tmp_path, key_file, name="smith2023novel")
    assert list(channels_of(dataset)["channel_name"]) == ["Ag107", "KRT5", "Laminin", "YBX1", "H3K27ac"]


def test_a_slide_needs_only_patients(sample_data: Path, tmp_path: Path, key_file: Path) -> None:
    raw = copy(sample_data, "svs-cmu", tmp_path)
    assert "W-INIT-033" in codes(draft(raw))
    (row,) = read_rows(raw / "tissues.csv")
    assert (row["modality"], row["mpp"]) == ("he", "")
    fill_in(raw / "tissues.csv", patient="P{}")
    dataset = convert(raw, tmp_path, key_file, name="smith2023novel")
    assert pd.read_parquet(next(dataset.rglob("tissues.parquet")))["mpp"].tolist() == [0.499]


def test_codex_without_pixel_size_needs_patients_and_the_pixel_size(
    sample_data: Path, tmp_path: Path, key_file: Path
) -> None:
    raw = copy(sample_data, "codex-crop", tmp_path)
    result = draft(raw)
    assert {"W-INIT-003", "W-INIT-025", "W-INIT-033", "W-INIT-034"} <= codes(result)
    rows = read_rows(raw / "tissues.csv")
    assert [(row["image"], row["modality"], row["cell_mask"]) for row in rows] == [
        ("image.tiff", "codex", "segmentation.tiff"),
        ("input.tiff", "codex", ""),
    ]
    (raw / "LICENSE").unlink()
    fill_in(raw / "tissues.csv", patient="P{}")
    dataset = convert(raw, tmp_path, key_file, name="smith2023novel", overrides={"mpp_override.codex": 0.5})
    channels = channels_of(dataset)
    assert channels["channel_name"].tolist() == ["DAPI", "CD4", "CD8A", "FOXP3", "BCL6"]
    assert channels["uniprot_id"].tolist() == ["", "P01730", "P01732", "Q9BZS1", "P41182"]
    cells = pd.read_parquet(next(dataset.rglob("cells.parquet")))
    assert len(cells) == 56


@pytest.mark.parametrize(
    ("name", "modalities", "telling"),
    [
        ("inform-fihc4", [""], {"W-INIT-007", "W-INIT-032", "N-INIT-035"}),
        ("mif-csm", ["", "", "he"], {"W-INIT-032", "W-INIT-034"}),
        ("ome-viv", ["", "", ""], {"N-INIT-001", "W-INIT-032"}),
        ("ome-instanseg", ["", "he"], {"W-INIT-032"}),
        ("ihc-skimage", [""], {"W-INIT-032", "W-INIT-034"}),
    ],
)
def test_what_no_file_says_is_left_for_a_person(
    sample_data: Path, tmp_path: Path, name: str, modalities: list[str], telling: set[str]
) -> None:
    raw = copy(sample_data, name, tmp_path)
    result = draft(raw)
    rows = read_rows(raw / "tissues.csv")
    assert [row["modality"] for row in rows] == modalities
    assert {row["patient"] for row in rows} == {""}
    assert telling <= codes(result)
