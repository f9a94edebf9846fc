"""What a good tissues.csv says."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from spora_build.errors import ExitCode, UsageError
from spora_build.model.modality import Modality
from spora_build.submission import read_submission
from spora_build.submission.tissues import read_tissues
from tests.submission.raw_folder import TISSUES, make_raw_folder


def test_rows_of_a_good_sheet(tmp_path: Path) -> None:
    rows, problems = read_tissues(make_raw_folder(tmp_path))
    assert problems == []
    first, second, third, fourth = rows
    assert (first.row, first.image, first.path) == (2, "images/a_imc.tif", tmp_path / "images" / "a_imc.tif")
    assert (first.patient, first.tissue, first.biopsy) == ("0017", "T1", "B1")
    assert (first.modality, second.modality) == (Modality("imc"), Modality("he"))
    assert (first.mpp, second.mpp, third.mpp) == (1.0, 0.5, None)
    assert (first.cell_mask, first.tissue_mask) == (tmp_path / "masks" / "a.tif", tmp_path / "masks" / "a_tissue.png")
    assert (first.series, third.series, fourth.series) == (None, 0, "ROI_002")
    assert (first.split, third.split, first.alignment, third.alignment) == ("train", "test", "exact", None)
    assert [row.metadata for row in rows] == [{"tumor_site": v} for v in ("lung", "lung", "node, left", None)]


def test_a_row_shows_no_identifier_when_printed(tmp_path: Path) -> None:
    rows, _ = read_tissues(make_raw_folder(tmp_path))
    assert not [word for word in ("0017", "T1", "B1", "lung", str(tmp_path)) if word in repr(rows[0])]


@pytest.mark.parametrize("header", ["IMAGE,Patient,Modality,Series,", "Image , patient, modality,series,"])
def test_headers_in_any_spelling(tmp_path: Path, header: str) -> None:
    make_raw_folder(tmp_path)
    text = TISSUES.replace("image,patient,modality,series,", header).replace(
        "cell_mask,tissue_mask", "Cell Mask,tissueMask"
    )
    (tmp_path / "tissues.csv").write_text(text)
    rows, problems = read_tissues(tmp_path)
    assert (len(rows), problems) == (4, [])
    assert rows[0].tissue_mask is not None


def test_paths_with_backslashes_dots_and_links_inside(tmp_path: Path) -> None:
    make_raw_folder(tmp_path)
    (tmp_path / "link.tif").symlink_to(tmp_path / "images" / "a_he.tif")
    (tmp_path / "folder.ome.zarr").mkdir()
    (tmp_path / "tissues.csv").write_text(
        "image,patient,modality\n.\\images\\a_imc.tif,1,imc\nlink.tif,1,he\nfolder.ome.zarr,1,codex\n"
    )
    rows, problems = read_tissues(tmp_path)
    assert problems == []
    assert [row.image for row in rows] == ["images/a_imc.tif", "link.tif", "folder.ome.zarr"]


def test_a_name_with_letters_composed_otherwise_is_found(tmp_path: Path) -> None:
    (tmp_path / unicodedata.normalize("NFD", "größe.tif")).touch()
    (tmp_path / "tissues.csv").write_text(f"image,patient,modality\n{unicodedata.normalize('NFC', 'größe.tif')},1,he\n")
    rows, problems = read_tissues(tmp_path)
    assert (len(rows), problems) == (1, [])


def test_the_same_file_through_a_link_counts_twice(tmp_path: Path) -> None:
    make_raw_folder(tmp_path)
    (tmp_path / "link.tif").symlink_to(tmp_path / "images" / "a_he.tif")
    (tmp_path / "tissues.csv").write_text("image,patient,modality\nimages/a_he.tif,1,he\nlink.tif,1,he\n")
    assert [(p.code, p.place.row) for p in read_tissues(tmp_path)[1]] == [("E-TISSUE-009", 3)]


def test_folders_behind_links_are_inside_or_not(tmp_path: Path) -> None:
    root, outside = tmp_path / "raw", tmp_path / "outside"
    make_raw_folder(root)
    outside.mkdir()
    (outside / "a.tif").touch()
    (root / "away").symlink_to(outside)
    (root / "near").symlink_to(root / "images")
    (root / "tissues.csv").write_text(
        "image,patient,modality\naway/a.tif,1,he\nnear/a_he.tif,1,he\nimages/a_he.tif,1,he\nimages/a_imc.tif,1,imc\n"
    )
    rows, problems = read_tissues(root)
    assert [row.image for row in rows] == ["near/a_he.tif", "images/a_he.tif", "images/a_imc.tif"]
    assert [(p.code, p.place.row) for p in problems] == [("E-TISSUE-006", 2), ("E-TISSUE-009", 4)]


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    make_raw_folder(tmp_path)
    (tmp_path / "tissues.csv").write_text(
        "image,patient,modality,mpp\nnone.tif,,xray,0\nimages/a_he.tif,1,he,abc\nimages/a_he.tif,1,he,1\n"
    )
    found = [(p.code, p.place.row) for p in read_tissues(tmp_path)[1]]
    assert sorted(found) == [
        ("E-TISSUE-003", 2),
        ("E-TISSUE-007", 2),
        ("E-TISSUE-009", 4),
        ("E-TISSUE-011", 2),
        ("E-TISSUE-012", 2),
        ("E-TISSUE-012", 3),
    ]


def test_a_missing_folder_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        read_submission(tmp_path / "nowhere")
    assert error.value.exit_code is ExitCode.USAGE
    assert str(tmp_path) not in str(error.value)
