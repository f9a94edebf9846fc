"""What a message about a sheet may repeat: never what may be somebody's."""

from __future__ import annotations

from pathlib import Path

import pytest

from spora_build.submission import read_submission
from spora_build.submission.shown_value import may_be_shown
from tests.submission.raw_folder import make_raw_folder


@pytest.mark.parametrize("value", ["0,5 µm", "-1", "1.5", "IMCC", "mif", "val", "nan", "no alignment", "12 px"])
def test_slips_of_the_pen_are_shown(value: str) -> None:
    assert may_be_shown(value, "tissues.csv", "mpp")


@pytest.mark.parametrize(
    "value", ["Meier", "Meier, Anna", "P-017", "1048576", "1950-02-03", "756.1234.5678.97", "a@b.ch"]
)
def test_what_may_be_somebodys_is_not(value: str) -> None:
    for file in ("tissues.csv", "clinical.csv", "cells.tsv", "quantification/cell_table.parquet"):
        assert not may_be_shown(value, file, "modality")
    assert may_be_shown(value, "tissues.csv", "image"), "files are called as the sheet calls them"
    assert may_be_shown(value, "panel_imc.csv", "qc_pass"), "panels are about channels"


def test_a_row_whose_cells_have_slipped_shows_no_identifier(tmp_path: Path) -> None:
    root = make_raw_folder(tmp_path / "raw")
    lines = (root / "tissues.csv").read_text().splitlines()
    lines[0] += ",,"
    lines[1] = "images/a_imc.tif,Anna,Meier77,IMC,,Teich5,B1,1.0,masks/a.tif,,train,exact,lung"
    (root / "tissues.csv").write_text("\n".join(lines))
    problems = [problem for problem in read_submission(root).problems if problem.place.row == 2]
    assert {"modality", "mpp"} <= {problem.place.column for problem in problems}
    shown = " ".join(map(str, problems))
    assert not any(name in shown for name in ("Anna", "Meier77", "Teich5"))
