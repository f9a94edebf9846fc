"""Reading tables as text: delimiters, encodings, row numbers, missing words."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spora_build.submission.sheet import Sheet, find_sheet, read_sheet


def sheet_of(tmp_path: Path, data: bytes | str, name: str = "t.csv") -> Sheet:
    path = tmp_path / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return read_sheet(path, tmp_path)


def cells(sheet: Sheet) -> list[tuple[str | None, ...]]:
    return [row.cells for row in sheet.rows]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_same_table_in_every_spelling(tmp_path: Path, delimiter: str, line_end: str, encoding: str) -> None:
    lines = [["id", "größe µm", "note"], ["007", '"0,5"', '"a;b\t, ""c"""'], ["  8 ", "", "N/A"]]
    text = line_end.join(delimiter.join(line) for line in lines) + line_end
    sheet = sheet_of(tmp_path, text.encode(encoding))
    assert sheet.problems == ()
    assert sheet.headers == ("id", "größe µm", "note")
    assert cells(sheet) == [("007", "0,5", 'a;b\t, "c"'), ("8", None, None)]


def test_semicolons_with_decimal_commas_in_every_cell(tmp_path: Path) -> None:
    sheet = sheet_of(tmp_path, "x;y;z\n1,5;2,5;3,5\n1,25;2,0;3,0\n")
    assert cells(sheet) == [("1,5", "2,5", "3,5"), ("1,25", "2,0", "3,0")]


def test_commas_with_lists_of_semicolons_in_cells(tmp_path: Path) -> None:
    assert sheet_of(tmp_path, "a,b\n1,x;y;z\n2,p;q\n").headers == ("a", "b")


def test_one_column_needs_no_delimiter(tmp_path: Path) -> None:
    assert cells(sheet_of(tmp_path, "patient\n01\n02\n")) == [("01",), ("02",)]


def test_excel_delimiter_line_counts_as_row_one(tmp_path: Path) -> None:
    sheet = sheet_of(tmp_path, "sep=;\r\na;b\r\n1;2\r\n")
    assert (sheet.header_row, sheet.headers, sheet.rows[0].number) == (2, ("a", "b"), 3)


def test_rows_are_counted_as_a_spreadsheet_does(tmp_path: Path) -> None:
    sheet = sheet_of(tmp_path, '\na,b\n1,"two\nlines\nmore"\n\n,\n2,x\n3\n')
    assert sheet.header_row == 2
    assert [(row.number, row.cells[0]) for row in sheet.rows] == [(3, "1"), (6, "2")]
    assert [(p.code, p.place.row) for p in sheet.problems] == [("E-SHEET-007", 7)]


def test_empty_columns_of_a_spreadsheet_export_are_no_problem(tmp_path: Path) -> None:
    sheet = sheet_of(tmp_path, "a,b,,\n1,2,,\n3,4\n5,6,,,,\n")
    assert (sheet.problems, cells(sheet)) == ((), [("1", "2"), ("3", "4"), ("5", "6")])


@pytest.mark.parametrize("word", ["", "NA", "N/A", "#N/A", "nan", "NaN", "null", "NULL", "None", "<NA>", " NA\u00a0"])
def test_words_read_as_missing(tmp_path: Path, word: str) -> None:
    assert cells(sheet_of(tmp_path, f"a,b\n1,{word}\n")) == [("1", None)]


@pytest.mark.parametrize("word", ["none", "Na", "0", "-", "unknown", "no", "NANOG", "na"])
def test_words_that_stay(tmp_path: Path, word: str) -> None:
    assert cells(sheet_of(tmp_path, f"a,b\n1,{word}\n")) == [("1", word)]


def test_invisible_space_around_cells_goes(tmp_path: Path) -> None:
    assert cells(sheet_of(tmp_path, "a,b\n\u00a0P01\u200b,\ufeff x y \n")) == [("P01", "x y")]


def test_windows_text_is_read_with_a_warning(tmp_path: Path) -> None:
    sheet = sheet_of(tmp_path, "a,b\n1,0.5 µm\n".encode("cp1252"))
    assert cells(sheet) == [("1", "0.5 µm")]
    assert [p.code for p in sheet.problems] == ["W-SHEET-005"]


def test_a_sheet_is_found_in_any_letter_case(tmp_path: Path) -> None:
    (tmp_path / "Tissues.TSV").write_text("a\n")
    (tmp_path / "tissues.csv~").write_text("a\n")
    path, problems = find_sheet(tmp_path, "tissues")
    assert path == tmp_path / "Tissues.TSV"
    assert problems == []


CELL = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=8).map(lambda text: "v" + text)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=8), st.sampled_from(",;\t"))
def test_whatever_the_csv_writer_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]], delimiter: str
) -> None:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter)
    writer.writerows([("x", "y", "z"), *rows])
    sheet = sheet_of(tmp_path_factory.mktemp("sheet"), stream.getvalue())
    assert sheet.problems == ()
    assert cells(sheet) == rows


@pytest.mark.realdata
def test_a_real_annotation_table_with_repeated_columns(sample_data: Path) -> None:
    folder = sample_data / "study-idr0170" / "experimentA"
    path = folder / "idr0170-experimentA-annotation.csv"
    sheet = read_sheet(path, folder)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        records = list(csv.reader(stream))
    assert {p.code for p in sheet.problems} <= {"E-SHEET-006"}
    assert len(sheet.rows) == len(records) - 1
    assert sheet.headers[0] == "Dataset Name"


@pytest.mark.realdata
def test_a_real_clinical_table(sample_data: Path) -> None:
    sheet = read_sheet(sample_data / "mif-csm" / "clinical.csv", sample_data)
    assert sheet.problems == ()
    assert sheet.headers == ("AGE", "MMRP_status", "DEATH", "OS_m", "Sample")
    assert sheet.rows[0].cells[4] == "Endo_TMA_IGO7T_Core[1,6,D]"


def test_a_sheet_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spora_build.submission.sheet.MAX_ROWS", 3)
    (tmp_path / "sheet.csv").write_text("a,b\n" + "1,2\n" * 5)
    sheet = read_sheet(tmp_path / "sheet.csv", tmp_path)
    assert [(problem.code, problem.place.row) for problem in sheet.problems] == [("E-SHEET-022", 5)]
    assert len(sheet.rows) == 3
