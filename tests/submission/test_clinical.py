"""Clinical tables joined by patient, tissue or image."""

from __future__ import annotations

from pathlib import Path

from spora_build.submission import read_submission
from tests.submission.raw_folder import make_raw_folder


def test_joined_by_patient_with_zeros_in_front(tmp_path: Path) -> None:
    submission = read_submission(make_raw_folder(tmp_path))
    table = submission.clinical
    assert table is not None
    assert (table.key, table.columns) == ("patient", ("age", "sex", "os_months"))
    assert table.of(submission.images[0]) == {"age": "061", "sex": "f", "os_months": "12.5"}
    assert table.of(submission.images[3]) == {"age": "58", "sex": "m", "os_months": None}


def test_joined_by_image_whatever_the_slashes(tmp_path: Path) -> None:
    make_raw_folder(tmp_path)
    (tmp_path / "clinical.csv").write_text("Image,Age\n.\\images\\a_imc.tif,1\nimages/a_he.tif,2\nimages/b.mcd,3\n")
    submission = read_submission(tmp_path)
    assert submission.problems == ()
    assert submission.clinical is not None
    assert [submission.clinical.of(image)["age"] for image in submission.images] == ["1", "2", "3", "3"]


def test_the_finest_key_joins_and_an_image_without_a_row_has_nothing(tmp_path: Path) -> None:
    make_raw_folder(tmp_path)
    (tmp_path / "clinical.csv").write_text("patient,tissue,age\n0017,T1,1\n0018,T2,2\n")
    submission = read_submission(tmp_path)
    assert [p.code for p in submission.problems] == ["W-CLIN-009", "W-CLIN-005"]
    assert "1 of 3 tissue" in submission.problems[1].what
    assert "row 5 of tissues.csv" in submission.problems[1].what
    assert submission.clinical is not None
    assert [submission.clinical.of(image)["age"] for image in submission.images] == ["1", "1", "2", None]


def test_rows_that_complete_each_other_are_merged(tmp_path: Path) -> None:
    make_raw_folder(tmp_path)
    (tmp_path / "clinical.csv").write_text("patient,age,sex\n0017,1,\n0018,2,m\n0017,,f\n")
    submission = read_submission(tmp_path)
    assert [p.code for p in submission.problems] == ["W-CLIN-004"]
    assert submission.clinical is not None
    assert submission.clinical.rows["0017"] == {"age": "1", "sex": "f"}


def test_near_misses_are_named_by_row(tmp_path: Path) -> None:
    make_raw_folder(tmp_path)
    (tmp_path / "clinical.csv").write_text("patient,age\n0017,1\n18,2\n99,3\n")
    messages = {p.code: p.what for p in read_submission(tmp_path).problems}
    assert messages["W-CLIN-006"] == (
        "2 of 3 rows match nothing in tissues.csv: rows 3, 4. All but for spelling, row 3 would match."
    )


def test_a_column_of_both_sheets_that_agrees_is_no_problem(tmp_path: Path) -> None:
    make_raw_folder(tmp_path)
    (tmp_path / "clinical.csv").write_text("patient,age,tumor site\n0017,1,lung\n0018,2,\n")
    assert read_submission(tmp_path).problems == ()
