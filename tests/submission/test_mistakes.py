"""Each mistake that a raw folder can hold gives its own code, the right row and a remedy that helps."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from spora_build.errors import Severity
from spora_build.submission import read_submission
from spora_build.submission.problems import CATALOGUE
from spora_build.submission.sheet import MAX_COLUMNS, MAX_SHEET_MB
from tests.submission.raw_folder import CELLS, CLINICAL, PANEL, make_raw_folder

Spoil = Callable[[Path], None]
IDENTIFIERS = ("0017", "0018", "T1", "T2", "T3", "B1", "B2")


@dataclass(frozen=True)
class Mistake:
    """What is spoilt, and the one problem that must come of it."""

    code: str
    spoil: Spoil
    file: str | None
    row: int | None
    remedy: str
    """Words that the remedy must hold."""
    column: str | None = None
    also: tuple[str, ...] = ()
    """Codes that the same spoiling rightly brings with it."""


def edit(name: str, old: str, new: str) -> Spoil:
    """Replace a text that stands exactly once in a file."""

    def spoil(root: Path) -> None:
        text = (root / name).read_bytes().decode()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        (root / name).write_bytes(text.replace(old, new).encode())

    return spoil


def write(name: str, content: str | bytes) -> Spoil:
    """Write a whole file."""
    data = content.encode() if isinstance(content, str) else content
    return lambda root: void((root / name).write_bytes(data))


def void(_: object) -> None:
    """Nothing, where a lambda has to return None."""


def both(*spoils: Spoil) -> Spoil:
    """One after the other."""
    return lambda root: void([spoil(root) for spoil in spoils])


def link_outside(root: Path) -> None:
    outside = root.parent / "outside.tif"
    outside.write_bytes(b"II*\0")
    (root / "images" / "a_imc.tif").unlink()
    (root / "images" / "a_imc.tif").symlink_to(outside)


def link_sheet_outside(root: Path) -> None:
    outside = root.parent / "outside.csv"
    (root / "clinical.csv").rename(outside)
    (root / "clinical.csv").symlink_to(outside)


def pipe_for_sheet(root: Path) -> None:
    (root / "clinical.csv").unlink()
    os.mkfifo(root / "clinical.csv")


def pipe_for_image(root: Path) -> None:
    (root / "images" / "a_imc.tif").unlink()
    os.mkfifo(root / "images" / "a_imc.tif")


def sparse_clinical(root: Path) -> None:
    with (root / "clinical.csv").open("r+b") as stream:
        stream.truncate(MAX_SHEET_MB * 1_000_000 + 1)


def folder_for_sheet(root: Path) -> None:
    (root / "clinical.csv").unlink()
    (root / "clinical.csv").mkdir()


T, P, C, X, S = "tissues.csv", "panel_imc.csv", "clinical.csv", "cells.csv", "spora.toml"
MISTAKES = [
    # tables as such
    Mistake("E-SHEET-001", write(C, b"PK\x03\x04 not text"), C, None, "CSV UTF-8"),
    Mistake("E-SHEET-001", write(P, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), P, None, "panel_imc.csv"),
    Mistake("E-SHEET-001", both(lambda r: (r / C).unlink(), write("clinical.xlsx", "x")), "clinical.xlsx", None, "CSV"),
    Mistake("E-SHEET-001", write(X, b"PK\x03\x04 not text"), X, None, "cells.csv"),
    Mistake("E-SHEET-002", write(C, "  \n\n"), C, None, "fill it in"),
    Mistake("E-SHEET-002", write(X, ""), X, None, "fill it in"),
    Mistake("E-SHEET-003", edit(C, "12.5", "12\0.5"), C, None, "CSV UTF-8"),
    Mistake("E-SHEET-003", write(C, CLINICAL.encode("utf-16-le")), C, None, "CSV UTF-8"),
    Mistake("E-SHEET-004", write(C, CLINICAL.encode() + b"0017,\x81,f,12.5\n"), C, None, "CSV UTF-8"),
    Mistake("W-SHEET-005", write(C, CLINICAL.replace("Sex", "Größe").encode("cp1252")), C, None, "UTF-8"),
    Mistake("E-SHEET-006", edit(C, "Sex", "Age"), C, 1, "rename", "Age"),
    Mistake("E-SHEET-006", write(X, CELLS.replace("\n", ",x\n").replace("Type,x", "Type,Cell Type")), X, 1,
        "rename", "Cell Type"),
    Mistake("E-SHEET-007", edit(C, "0018,58,m,", "0018,58,m"), C, 3, "comma"),
    Mistake("E-SHEET-007", edit(C, "0018,58,m,", "0018,58,m,1,2"), C, 3, "double quotes"),
    Mistake("E-SHEET-007", edit(X, "T1,2,tumor", "T1,2,tumor,CD8"), X, 3, "comma"),
    Mistake("E-SHEET-008", edit(C, "0018,58", '"0018,58'), C, 3, "close it"),
    Mistake("E-SHEET-008", edit(C, "0018,58", '"00"18,58'), C, 3, "close it"),
    Mistake("E-SHEET-008", edit(X, "T2,1,NA", 'T2,1,"NA'), X, 4, "close it"),
    Mistake("E-SHEET-009", sparse_clinical, C, None, "cells.parquet"),
    Mistake("E-SHEET-010", write("clinical.tsv", "patient\tage\n"), C, None, "all but one"),
    Mistake("W-SHEET-011", edit(C, "12.5", "#DIV/0!"), C, 2, "formula", "OS (months)"),
    Mistake("E-SHEET-012", edit(C, "Sex", ""), C, 1, "row 1"),
    Mistake("E-SHEET-013", write(C, "patient,Age\n,\n"), C, None, "add the rows"),
    Mistake("E-SHEET-014", folder_for_sheet, C, None, "may read"),
    Mistake("E-SHEET-014", pipe_for_sheet, C, None, "may read"),
    Mistake("E-SHEET-020", link_sheet_outside, C, None, "file itself"),
    Mistake("E-SHEET-021", write(C, "patient" + "," * MAX_COLUMNS), C, None, "right file"),
    Mistake("E-SHEET-015", edit(C, "Age,Sex", "Age,age "), C, 1, "rename", "age"),
    Mistake("E-SHEET-016", edit(T, "Tumor Site", "Specimen ID"), T, 1, "rename", "Specimen ID"),
    Mistake("E-SHEET-016", edit(C, "OS (months)", "split"), C, 1, "rename", "split"),
    Mistake("E-SHEET-017", edit(C, "Sex", "***"), C, 1, "a to z", "***"),
    Mistake("W-SHEET-018", edit(T, ",biopsy,", ",bioppsy,"), T, 1, "'biopsy'", "bioppsy"),
    # tissues.csv
    Mistake("E-TISSUE-001", lambda r: (r / T).unlink(), None, None, "spora-build init"),
    Mistake("E-TISSUE-002", edit(T, "image,patient,", "image,Patient_ID,"), T, 1, "'patient_id'"),
    Mistake("E-TISSUE-003", edit(T, "images/a_he.tif,0017", "images/a_he.tif,NA"), T, 3, "fill it in", "patient"),
    Mistake("E-TISSUE-003", edit(T, "0017,H&E", "0017,"), T, 3, "fill it in", "modality"),
    Mistake("E-TISSUE-004", edit(T, "images/a_he.tif", "/data/a_he.tif"), T, 3, "relative", "image"),
    Mistake("E-TISSUE-004", edit(T, "images/a_he.tif", "C:\\data\\a_he.tif"), T, 3, "relative", "image"),
    Mistake("E-TISSUE-004", edit(T, "masks/b.tif", "s3://bucket/b.tif"), T, 4, "relative", "cell_mask"),
    Mistake("E-TISSUE-005", edit(T, "images/a_he.tif", "images/../../a_he.tif"), T, 3, "folder above", "image"),
    Mistake("E-TISSUE-006", link_outside, T, 2, "file itself", "image"),
    Mistake("E-TISSUE-008", pipe_for_image, T, 2, "devices", "image"),
    Mistake("E-TISSUE-007", edit(T, "images/a_he.tif", "images/A_HE.tif"), T, 3, "'images/a_he.tif'", "image"),
    Mistake("E-TISSUE-007", edit(T, "images/a_he.tif", "images/a-he.tiff"), T, 3, "'images/a_he.tif'", "image"),
    Mistake("E-TISSUE-007", edit(T, "images/a_he.tif", "a_he.tif"), T, 3, "'images/a_he.tif'", "image"),
    Mistake("E-TISSUE-007", edit(T, "masks/b.tif", "zzzz/" + "y" * 300), T, 4, "copied here", "cell_mask"),
    Mistake("E-TISSUE-009", edit(T, "ROI_002", "0"), T, 5, "series", "image"),
    Mistake("E-TISSUE-010", edit(T, ",ROI_002", ","), T, 5, "inspect", "series"),
    Mistake("E-TISSUE-011", edit(T, "H&E", "imcc"), T, 3, "'imc'", "modality"),
    Mistake("E-TISSUE-012", edit(T, '"0,5"', "0.5 µm"), T, 3, "plain number", "mpp"),
    Mistake("E-TISSUE-012", edit(T, '"0,5"', "-0.5"), T, 3, "plain number", "mpp"),
    Mistake("E-TISSUE-012", edit(T, '"0,5"', "inf"), T, 3, "plain number", "mpp"),
    Mistake("E-TISSUE-013", edit(T, '"0,5"', "500"), T, 3, "divided by 1000", "mpp"),
    Mistake("E-TISSUE-014", edit(T, ',"0,5",,,train', ',"0,5",,,validation'), T, 3, "train or test", "split"),
    Mistake("E-TISSUE-015", edit(T, ',"0,5",,,train,exact', ',"0,5",,,train,good'), T, 3, "no alignment", "alignment"),
    Mistake("E-TISSUE-016", edit(T, "he.tif,0017,H&E,,T1,B1", "he.tif,0018,H&E,,T1,B2"), T, 3, "same patient", "tissue",
        ("E-TISSUE-018", "E-TISSUE-020")),
    Mistake("E-TISSUE-017", edit(T, "H&E", "imc"), T, 3, "separate names", "tissue"),
    Mistake("E-TISSUE-018", edit(T, "B2,,,,test,,NA", "B2,,,,train,,NA"), T, 5, "every row", "split"),
    Mistake("E-TISSUE-018", edit(T, "B2,,,,test,,NA", "B2,,,,,,NA"), T, 5, "every row", "split"),
    Mistake("E-TISSUE-019", edit(T, "T2,B2", "T2,B1"), T, 4, "same patient", "biopsy"),
    Mistake("E-TISSUE-020", edit(T, "H&E,,T1,B1", "H&E,,T1,B9"), T, 3, "same biopsy", "biopsy"),
    Mistake("E-TISSUE-021", edit(T, ',"0,5",,,train,exact', ',"0,5",,,train,No_Alignment'), T, 3, "exact", "alignment"),
    Mistake("E-TISSUE-022", edit(T, '"0,5",,', '"0,5",masks/b.tif,'), T, 3, "keep one", "cell_mask", ("W-TISSUE-023",)),
    Mistake("W-TISSUE-023", edit(T, "T3,B2,,", "T3,B2,,masks/b.tif"), T, 5, "mixed up", "cell_mask",
        ("W-CELL-010",)),
    Mistake("W-TISSUE-024", edit(T, "0018,imc,ROI_002,T3,B2", "18,imc,ROI_002,T3,B7"), T, 5, "the same", "patient",
        ("W-CLIN-005",)),
    Mistake("W-TISSUE-025", edit(T, "0018,imc,ROI_002,T3,B2", "1.2E+10,imc,ROI_002,T3,B7"), T, 5, "text", "patient",
        ("W-CLIN-005",)),
    Mistake("E-TISSUE-026", edit(T, "ROI_002", "-1"), T, 5, "inspect", "series"),
    # panel_<modality>.csv
    Mistake("E-PANEL-001", write("panel_final.csv", PANEL), "panel_final.csv", None, "panel_imc.csv"),
    Mistake("E-PANEL-002", write("panel_he.csv", PANEL), "panel_he.csv", None, "delete"),
    Mistake("E-PANEL-003", edit(P, "channel,marker,", "channel,Marker Text,"), P, 1, "'marker_text'"),
    Mistake("E-PANEL-004", edit(P, "CD3E", ""), P, 3, "keep = no", "marker"),
    Mistake("E-PANEL-005", edit(P, "CD3E", "Iridium"), P, 3, "DAPI_1", "marker"),
    Mistake("E-PANEL-006", edit(P, "CD3E", "cd45ro"), P, 4, "alike", "marker"),
    Mistake("E-PANEL-007", edit(P, "CD3E", "CD3/CD8"), P, 3, "+", "marker"),
    Mistake("E-PANEL-008", edit(P, "Er170", "Ir191"), P, 3, "delete", "channel"),
    Mistake("E-PANEL-009", edit(P, "Er170", ""), P, 3, "whole column", "channel"),
    Mistake("E-PANEL-010", edit(P, "P07766", "CD3E_HUMAN"), P, 3, "P01730", "uniprot_id"),
    Mistake("E-PANEL-010", edit(P, "P07766", "P07766;P09693"), P, 3, "P01730", "uniprot_id"),
    Mistake("E-PANEL-011", edit(P, "Nein", "maybe"), P, 4, "true or false", "is_nuclear_marker"),
    Mistake("E-PANEL-012", edit(P, "CD3E", "9-Sep"), P, 3, "SEPTIN9", "marker"),
    Mistake("E-PANEL-013", both(lambda r: (r / P).rename(r / "markers.csv"),
        edit(T, "0018,imc,0", "0018,codex,0"), edit(T, "0018,imc,ROI", "0018,mibi,ROI")), "markers.csv", None,
        "panel_imc"),
    Mistake("W-PANEL-014", write("panel_codex.csv", PANEL), "panel_codex.csv", None, "delete"),
    Mistake("N-PANEL-015", write("panel.csv", "channel,name,keep\nIr191,DNA,1\n"), "panel.csv", None, "panel_imc.csv"),
    Mistake("E-PANEL-016", write(P, "channel,marker,keep\nIr191,DNA,no\n"), P, None, "keep = yes"),
    Mistake("E-PANEL-017", edit(P, "CD3E", "tissue_id"), P, 3, "rename", "marker"),
    # clinical.csv
    Mistake("E-CLIN-001", edit(C, "patient", "Patient ID"), C, 1, "'patient_id'"),
    Mistake("E-CLIN-002", edit(C, "0018", "NA"), C, 3, "delete the row", "patient"),
    Mistake("E-CLIN-003", write(C, CLINICAL + "0017,62,f,12.5\n"), C, 4, "one row per patient"),
    Mistake("W-CLIN-004", write(C, CLINICAL + "0018,58,m,7\n"), C, 4, "delete"),
    Mistake("W-CLIN-005", edit(C, "0018,58,m,\n", ""), C, None, "add the rows"),
    Mistake("W-CLIN-006", write(C, CLINICAL + "0099,70,f,3\n"), C, None, "correct their patient"),
    Mistake("E-CLIN-007", both(edit(C, "0017", "17"), edit(C, "0018", "18")), C, None, "leading zeros"),
    Mistake("E-CLIN-008", edit(C, "Sex", "tumor_site"), C, 1, "delete it from one", "tumor_site"),
    Mistake("W-CLIN-009", write(C, "patient,tissue,Age\n0017,T1,61\n0018,T2,58\n0018,T3,58\n"), C, 1, "delete",
        "patient"),
    Mistake("W-CLIN-010", both(write(C, "patient\n0017\n0018\n"), edit(S, '"clinical.Age" = { cap = 89 }',
        "")), C, 1, "add"),
    # cells.csv
    Mistake("E-CELL-001", edit(X, "tissue,", "Image Name,"), X, 1, "'image_name'"),
    Mistake("E-CELL-002", edit(X, "cell_id", "label"), X, 1, "label in the cell mask"),
    Mistake("E-CELL-003", edit(X, "T2,1,NA", "NA,1,NA"), X, 4, "fill it in", "tissue", ("W-CELL-010",)),
    Mistake("E-CELL-004", edit(X, "T1,2,", "T1,2.5,"), X, 3, "correct", "cell_id"),
    Mistake("E-CELL-004", edit(X, "T1,2,", "T1,0,"), X, 3, "correct", "cell_id"),
    Mistake("E-CELL-004", edit(X, "T1,2,", "T1,4294967296,"), X, 3, "correct", "cell_id"),
    Mistake("E-CELL-004", edit(X, "T1,2,", "T1,,"), X, 3, "correct", "cell_id"),
    Mistake("E-CELL-005", edit(X, "T1,2,", "T1,1.0,"), X, 3, "one row per cell", "cell_id"),
    Mistake("W-CELL-006", write(X, CELLS + "T9,1,tumor\n"), X, None, "correct their tissue"),
    Mistake("E-CELL-007", write(X, "image,cell_id,Cell Type\nfoo.tif,1,t\n"), X, None, "images/a_imc.tif"),
    Mistake("E-CELL-008", both(edit(T, "B2,,masks/b.tif", "B2,,"),
        write(X, "image,cell_id,cell_type\nimages/a_imc.tif,1,t\nimages\\b.mcd,1,t\n")),
        X, None, "column tissue", "image"),
    Mistake("E-CELL-009", both(lambda r: (r / X).rename(r / "cells.parquet")), "cells.parquet", None, "cells.csv"),
    Mistake("W-CELL-010", edit(X, "T2,1,NA\n", ""), X, None, "nothing needs doing"),
    Mistake("E-CELL-012", edit(S, "[cells]", '[cells]\ntable = "quant/*.csv"'), S, None, "quantification",
        "cells.table"),
    Mistake("E-CELL-014", both(edit(S, "[cells]", '[cells]\ntable = "c.h5ad"'), write("c.h5ad", "no HDF5")), "c.h5ad",
        None, "obs"),
    Mistake("E-CELL-013", both(edit(S, "[cells]", '[cells]\ntable = "c*.csv"'),
        lambda r: (r / "clinical.csv").unlink(), write("cellz.csv", "image,cell_id\nimages/a_imc.tif,9\n")),
        "cellz.csv", None, "one of the two", also=("W-SET-011",)),
    # spora.toml
    Mistake("E-SET-001", edit(S, "imc = 1.0", "imc = "), S, 5, "double quotes"),
    Mistake("E-SET-002", edit(S, "sizes = [128]", "size = [128]"), S, 8, "'sizes'", "tiling.size"),
    Mistake("E-SET-002", edit(S, "sizes = [128]", "min_k = 5"), S, 8, "[privacy]", "tiling.min_k"),
    Mistake("E-SET-002", edit(S, "sizes = [128]", "pyramid = true"), S, 8, "top of the file", "tiling.pyramid"),
    Mistake("E-SET-003", edit(S, "[128]", '"128"'), S, 8, "a whole number", "tiling.sizes"),
    Mistake("E-SET-003", edit(S, "[128]", "128\ntolerance = true"), S, 9, "a number", "tiling.tolerance"),
    Mistake("E-SET-003", edit(S, "[tiling]\nsizes = [128]", "[codec]"), S, 7, "text", "codec"),
    Mistake("E-SET-003", both(edit(S, 'mpp = ["native", 1.0]', "tiling = 3"), edit(S, "[tiling]\nsizes = [128]", "")),
        S, 2, "[tiling]", "tiling"),
    Mistake("E-SET-004", edit(S, "[128]", "[0]"), S, 8, "from 1", "tiling.sizes"),
    Mistake("E-SET-004", edit(S, "imc = 1.0", "imc = 0"), S, 5, "above 0", "mpp_override.imc"),
    Mistake("E-SET-004", edit(S, "[cells]", "[statistics]\nlower_quantile = 0.995\n[cells]"), S, 11, "below upper",
        "statistics.lower_quantile"),
    Mistake("E-SET-004", edit(S, "[cells]", "[cells]\nborder_label = 0"), S, 11, "another label", "cells.border_label"),
    Mistake("E-SET-005", edit(S, "sizes = [128]", 'strategy = "hexagonal"'), S, 8, '"grid"', "tiling.strategy"),
    Mistake("E-SET-006", edit(S, "smith2023novel", "Smith_2023"), S, 1, "smith2023novel", "name"),
    Mistake("E-SET-007", edit(S, '"clinical.Age"', '"age"'), S, 14, "clinical, tissues or cells",
        "privacy.columns.age"),
    Mistake("E-SET-008", edit(S, "{ cap = 89 }", '"remove"'), S, 14, "{ cap = 89 }", "privacy.columns.clinical.Age"),
    Mistake("E-SET-008", edit(S, "{ cap = 89 }", "{ bin = [60, 40] }"), S, 14, "bin", "privacy.columns.clinical.Age"),
    Mistake("E-SET-009", write(S, 'name = "müller2023novel"'.encode("cp1252")), S, None, "UTF-8"),
    Mistake("E-SET-010", edit(S, "imc = 1.0", "imaging = 1.0"), S, 5, "codex", "mpp_override.imaging"),
    Mistake("W-SET-011", edit(S, "clinical.Age", "clinical.Agee"), S, None, "'age'", "privacy.columns.clinical.agee"),
    Mistake("W-SET-011", edit(S, '"Cell Type"', '"Phenotype"'), S, None, "delete", "cells.tasks"),
]  # fmt: skip


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A good raw folder."""
    (tmp_path / "raw").mkdir()
    return make_raw_folder(tmp_path / "raw")


def test_the_good_folder_has_no_problem(raw: Path) -> None:
    assert read_submission(raw).problems == ()


@pytest.mark.parametrize("mistake", MISTAKES, ids=[f"{m.code}-{i}" for i, m in enumerate(MISTAKES)])
def test_a_mistake_gives_its_problem(raw: Path, mistake: Mistake) -> None:
    mistake.spoil(raw)
    problems = read_submission(raw).problems
    found = [p for p in problems if p.code == mistake.code]
    assert len(found) == 1, [str(p) for p in problems]
    assert {p.code for p in problems} == {mistake.code, *mistake.also}, [str(p) for p in problems]
    (problem,) = found
    place = problem.place
    assert (place.file, place.row, place.column) == (mistake.file, mistake.row, mistake.column), str(problem)
    assert mistake.remedy in problem.remedy, str(problem)
    assert "{" not in problem.what and "{}" not in problem.remedy


@pytest.mark.parametrize("mistake", MISTAKES, ids=[f"{m.code}-{i}" for i, m in enumerate(MISTAKES)])
def test_no_message_names_a_person_or_a_machine(raw: Path, mistake: Mistake) -> None:
    mistake.spoil(raw)
    for problem in read_submission(raw).problems:
        text = str(problem)
        assert str(raw) not in text
        if mistake.code != "E-SHEET-007":
            assert not [word for word in IDENTIFIERS if word in text], text
        if problem.place.column in ("patient", "biopsy", "tissue"):
            assert problem.place.value is None


def test_every_code_is_tested() -> None:
    untested = CATALOGUE.keys() - {mistake.code for mistake in MISTAKES}
    assert untested == {"E-CELL-011", "E-SHEET-022", "E-SHEET-023"}  # a Parquet column of lists, many and long rows


def test_only_errors_stop_and_warnings_have_a_remedy() -> None:
    for code, entry in CATALOGUE.items():
        assert Severity[{"E": "ERROR", "W": "WARNING", "N": "NOTE"}[code[0]]]
        assert entry.what.endswith((".", "?", "}"))
        assert entry.remedy.endswith((".", "}")), code
