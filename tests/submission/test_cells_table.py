"""Tables of cells: read piece by piece, in text and in Parquet."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spora_build.submission import read_submission
from spora_build.submission.cells_source import CellsSource
from spora_build.submission.cells_table import CellsTable
from tests.submission.raw_folder import make_raw_folder


def cells_of(root: Path) -> tuple[CellsTable, list[str]]:
    submission = read_submission(root)
    assert submission.cells is not None, submission.problems
    return submission.cells, [problem.code for problem in submission.problems]


def records(table: pd.DataFrame) -> list[tuple[object, ...]]:
    return list(table.itertuples(index=False, name=None))


def test_a_good_table(tmp_path: Path) -> None:
    cells, _ = cells_of(make_raw_folder(tmp_path))
    assert (cells.key, cells.columns, cells.counts) == ("tissue", ("cell_type",), {"T1": 2, "T2": 1})
    table = cells.read()
    assert list(table.columns) == ["tissue", "cell_id", "cell_type"]
    assert str(table["cell_id"].dtype) == "int64"
    assert records(table) == [("T1", 1, "T cell"), ("T1", 2, "tumor"), ("T2", 1, None)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_spellings(tmp_path: Path, encoding: str, delimiter: str) -> None:
    make_raw_folder(tmp_path)
    lines = ["Tissue,Cell ID,cell type", "T2, 007 ,größe", "", 'T1,3.0," NA "']
    (tmp_path / "cells.csv").write_bytes("\r\n".join(lines).replace(",", delimiter).encode(encoding))
    cells, codes = cells_of(tmp_path)
    assert codes == (["W-SHEET-005"] if encoding == "cp1252" else [])
    assert records(cells.read()) == [("T2", 7, "größe"), ("T1", 3, None)]


def test_rows_keep_their_numbers_past_blank_ragged_and_long_ones(tmp_path: Path) -> None:
    make_raw_folder(tmp_path)
    text = 'tissue,cell_id,cell_type\nT1,1,"two\nlines"\n\nT1,2\nT1,x,a\nT1,1,b\n,,\n,5,c\nT2,1,d,e\nT2,y,f\n'
    (tmp_path / "cells.csv").write_text(text)
    submission = read_submission(tmp_path)
    found = {(p.code, p.place.row) for p in submission.problems}
    assert found == {
        ("E-SHEET-007", 4),
        ("E-CELL-004", 5),
        ("E-CELL-005", 6),
        ("E-CELL-003", 8),
        ("E-SHEET-007", 9),
        ("E-CELL-004", 10),
        ("W-CELL-010", None),
    }
    assert next(p for p in submission.problems if p.code == "E-CELL-005").what.startswith("row 2 ")


def test_row_numbers_over_many_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spora_build.submission.cells_source._BLOCK", 4096)
    path = tmp_path / "cells.csv"
    lines = ["tissue,cell_id,note"]
    for number in range(2, 5000):
        lines.append("" if number % 97 == 0 else f"T,{number}" if number % 113 == 0 else f"T,{number},x")
    path.write_text("\n".join(lines))
    source = CellsSource(path, "cells.csv")
    source.read_header()
    pieces = list(source.pieces())
    assert len(pieces) > 5
    pairs = [
        (int(number), int(cell))
        for piece in pieces
        for number, cell in zip(piece.numbers, piece.texts.column("cell_id").to_pylist(), strict=True)
    ]
    assert pairs == [(n, n) for n in range(2, 5000) if n % 97 and n % 113]
    ragged = [problem.place.row for problem in source.problems]
    assert ragged == [n for n in range(2, 5000) if n % 97 and n % 113 == 0]


def test_parquet_equals_text(tmp_path: Path) -> None:
    make_raw_folder(tmp_path)
    wanted = records(cells_of(tmp_path)[0].read())
    (tmp_path / "cells.csv").unlink()
    frame = pd.DataFrame(
        {
            "tissue": pd.Categorical(["T1", "T1", "T2"]),
            "cell_id": [1.0, 2.0, 1.0],
            "Cell Type": ["T cell", "tumor", None],
        }
    )
    frame.set_index("cell_id").to_parquet(tmp_path / "cells.parquet")
    cells, codes = cells_of(tmp_path)
    assert codes == []
    assert records(cells.read()) == wanted


def test_numbers_of_parquet_become_text_that_means_the_same(tmp_path: Path) -> None:
    make_raw_folder(tmp_path)
    (tmp_path / "cells.csv").unlink()
    values = [0.1, 1e-7, float("nan")]
    table = pa.table({"tissue": ["T1", "T1", "T2"], "cell_id": [1, 2, 1], "cell_type": values, "n": [1, None, 2]})
    pq.write_table(table, tmp_path / "cells.parquet")
    found = cells_of(tmp_path)[0].read()
    assert [None if v is None else float(v) for v in found["cell_type"]] == [0.1, 1e-7, None]
    assert list(found["n"]) == ["1", None, "2"]


def test_a_column_of_lists_is_refused(tmp_path: Path) -> None:
    make_raw_folder(tmp_path)
    (tmp_path / "cells.csv").unlink()
    table = pa.table({"tissue": ["T1", "T2"], "cell_id": [1, 1], "cell_type": ["a", "b"], "outline": [[1], [2]]})
    pq.write_table(table, tmp_path / "cells.parquet")
    submission = read_submission(tmp_path)
    assert [(p.code, p.place.column) for p in submission.problems] == [("E-CELL-011", "outline")]
    assert "leave it out" in submission.problems[0].remedy


def test_cells_of_unknown_images_are_counted_and_left_out(tmp_path: Path) -> None:
    make_raw_folder(tmp_path)
    with (tmp_path / "cells.csv").open("a") as stream:
        stream.write("T8,1,a\nT9,1,a\nT9,1,a\n")
    submission = read_submission(tmp_path)
    (problem,) = submission.problems
    assert problem.what == "3 of 6 cells lie in 2 tissue values that tissues.csv does not have."
    assert submission.cells is not None
    assert len(submission.cells.read()) == 3


def test_the_same_mistake_in_every_row_is_reported_a_hundred_times_at_most(tmp_path: Path) -> None:
    make_raw_folder(tmp_path)
    (tmp_path / "cells.csv").write_text("tissue,cell_id,cell_type\n" + "T1,1,a\n" * 500 + "T2,0,a\n" * 500)
    codes = [p.code for p in read_submission(tmp_path).problems]
    assert (codes.count("E-CELL-004"), codes.count("E-CELL-005")) == (100, 100)


@pytest.mark.realdata
def test_real_cells_equal_what_the_csv_module_reads(sample_data: Path, tmp_path: Path) -> None:
    with (sample_data / "mif-csm" / "phenotype_cells.csv").open(encoding="utf-8-sig", newline="") as stream:
        header, *rows = list(csv.reader(stream))
    make_raw_folder(tmp_path)
    with (tmp_path / "cells.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["tissue", "cell_id", *(f"column {i}" for i in range(len(header)))])
        writer.writerows(["T1", number, *row] for number, row in enumerate(rows, start=1))
    (tmp_path / "spora.toml").unlink()
    cells, _ = cells_of(tmp_path)
    missing = {"", "NA", "NaN", "nan", "NULL", "None"}
    wanted = [
        ("T1", number, *(None if cell.strip() in missing else cell.strip() for cell in row))
        for number, row in enumerate(rows, start=1)
    ]
    assert len(wanted) > 1000
    assert records(cells.read()) == wanted


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_line_ends(tmp_path: Path, line_end: str) -> None:
    make_raw_folder(tmp_path)
    lines = ["tissue,cell_id,cell_type", "T1,1,a", "", "T2,2,b", ""]
    (tmp_path / "cells.csv").write_bytes(line_end.join(lines).encode())
    cells, codes = cells_of(tmp_path)
    assert codes == []
    assert records(cells.read()) == [("T1", 1, "a"), ("T2", 2, "b")]


@pytest.mark.parametrize("text", ["tissue,cell_id,cell_type", "tissue,cell_id,cell_type\n\n,,\n"])
def test_a_header_alone(tmp_path: Path, text: str) -> None:
    make_raw_folder(tmp_path)
    (tmp_path / "cells.csv").write_text(text)
    assert [p.code for p in read_submission(tmp_path).problems] == ["E-SHEET-013"]


@pytest.mark.parametrize("filling", ["a", ",", '"'])
def test_a_row_without_an_end_is_told_from_a_piece_of_it(tmp_path: Path, filling: str) -> None:
    make_raw_folder(tmp_path)
    (tmp_path / "cells.csv").write_text("tissue,cell_id,cell_type\nT1,1,b\n" + filling * (20 << 20))
    found = {(p.code, p.place.row) for p in read_submission(tmp_path).problems}
    assert ("E-SHEET-023", 3) in found
