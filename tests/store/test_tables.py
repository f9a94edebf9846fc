"""Tables against pandas's own: what pandas reads back, and what lies in the file, are as if pandas had written them."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spora_build.errors import InvalidDataError
from spora_build.store.columns import (
    bool_column,
    float_column,
    int_column,
    read_ints,
    repeated_text_column,
    text_column,
)
from spora_build.store.pandas_schema import as_table, index_field
from spora_build.store.tables import read_frame, read_table, write_table

COLUMNS = {
    "text": (text_column, "string", ["b", "a", "Ki-67 é\u2009µ"]),
    "text with gaps": (text_column, "string", [None, "", "x"]),
    "no text": (text_column, "string", [None, None, None]),
    "int": (int_column, "int64", [3, -(2**63), 2**63 - 1]),
    "float": (float_column, "float64", [0.1, -math.inf, 5e-324]),
    "float with gaps": (float_column, "float64", [math.nan, 1.5, math.nan]),
    "no float": (float_column, "float64", [math.nan, math.nan, math.nan]),
    "bool": (bool_column, "bool", [True, False, True]),
}
IDS = ["t_2", "t_10", "t_1"]
CHANNELS = ["DNA1", "CD3/ε", "tissue_id", "index", "__index_level_0__0", "0", " "]


def _frame(columns: dict[str, Any], rows: int = 3, *, index: bool) -> pd.DataFrame:
    """The same table as pandas holds it."""
    ids = pd.Index(IDS[:rows], dtype=pd.StringDtype(), name="tissue_id") if index else None
    return pd.DataFrame({name: pd.Series(of[2][:rows], dtype=of[1]) for name, of in columns.items()}).set_axis(
        ids if index else pd.RangeIndex(rows)
    )


def _table(columns: dict[str, Any], rows: int = 3, *, index: bool) -> pa.Table:
    ids = ("tissue_id", text_column(IDS[:rows])) if index else None
    return as_table({name: make(values[:rows]) for name, (make, _, values) in columns.items()}, index=ids)


def _both(tmp_path: Path, table: pa.Table, frame: pd.DataFrame, *, index: bool) -> tuple[Path, Path]:
    ours, theirs = tmp_path / "ours.parquet", tmp_path / "theirs.parquet"
    write_table(ours, table)
    frame.to_parquet(theirs, engine="pyarrow", index=index, compression="zstd")
    return ours, theirs


def _assert_same(ours: Path, theirs: Path) -> None:
    """Frames and dtypes, indices and the stored values with their nulls."""
    mine, pandas = pd.read_parquet(ours, engine="pyarrow"), pd.read_parquet(theirs, engine="pyarrow")
    pd.testing.assert_frame_equal(mine, pandas, check_exact=True, check_column_type=True, check_index_type=True)
    assert mine.index.name == pandas.index.name
    assert mine.columns.dtype == pandas.columns.dtype
    assert list(mine.dtypes) == list(pandas.dtypes)
    stored = pq.ParquetFile(ours).read()  # pandas 2 stores string for large_string
    assert stored.equals(pq.ParquetFile(theirs).read().cast(stored.schema), check_metadata=False)


@pytest.mark.parametrize("index", [False, True])
@pytest.mark.parametrize("rows", [0, 1, 3])
def test_pandas_reads_what_it_would_have_written(tmp_path: Path, rows: int, index: bool) -> None:
    table, frame = _table(COLUMNS, rows, index=index), _frame(COLUMNS, rows, index=index)
    _assert_same(*_both(tmp_path, table, frame, index=index))


@pytest.mark.parametrize("index", [False, True])
@pytest.mark.parametrize("name", COLUMNS)
def test_columns_one_by_one(tmp_path: Path, name: str, index: bool) -> None:
    one = {name: COLUMNS[name]}
    ours, theirs = _both(tmp_path, _table(one, index=index), _frame(one, index=index), index=index)
    _assert_same(ours, theirs)
    column = pq.ParquetFile(ours).metadata.row_group(0).column(0)
    assert column.compression == "ZSTD"
    assert column.statistics.null_count == int(_frame(one, index=index).isna().to_numpy().sum())


@pytest.mark.parametrize("index", [False, True])
def test_channels_may_be_called_as_anything(tmp_path: Path, index: bool) -> None:
    columns = dict.fromkeys(CHANNELS, COLUMNS["float with gaps"])
    ours, theirs = _both(tmp_path, _table(columns, index=index), _frame(columns, index=index), index=index)
    _assert_same(ours, theirs)
    assert list(pd.read_parquet(ours).columns) == CHANNELS
    field = index_field(read_table(ours))
    assert field == index_field(read_table(theirs))
    assert (field is not None) == index
    if field is not None:
        assert read_table(ours)[field].to_pylist() == IDS


def test_the_same_rows_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        write_table(tmp_path / name, _table(COLUMNS, index=True))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    again = tmp_path / "again"
    write_table(again, read_table(tmp_path / "one"))
    assert again.read_bytes() == (tmp_path / "one").read_bytes()


def test_frames_of_others_have_the_index_they_had(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    frame = pd.DataFrame({"a": [1, 2]}, index=["x", "y"])
    frame.to_parquet(path)
    assert read_table(path)[index_field(read_table(path))].to_pylist() == ["x", "y"]
    frame.reset_index(drop=True).to_parquet(path)
    assert index_field(read_table(path)) is None
    pq.write_table(pa.table({"a": [1]}), path)
    assert index_field(read_table(path)) is None


def test_texts_are_repeated() -> None:
    assert repeated_text_column(["a", "b", "c"], [2, 0, 1]).to_pylist() == ["a", "a", "c"]
    assert repeated_text_column([], []).to_pylist() == []


def test_whole_numbers_are_read_or_refused() -> None:
    for kind in (np.int64, np.int32, np.uint8):
        pieces = pa.chunked_array([pa.array(np.array([1, 2], kind)), pa.array(np.array([3], kind))])
        assert read_ints(pieces[1:]).tolist() == [2, 3]
    assert read_ints(int_column([])).tolist() == []
    for wrong in (pa.array([1, None]), pa.array([1.0]), pa.array(["1"])):
        with pytest.raises(TypeError):
            read_ints(wrong)


@pytest.mark.parametrize("read", [read_table, read_frame])
def test_what_is_no_table_is_told(tmp_path: Path, read: Any) -> None:
    path = tmp_path / "table.parquet"
    with pytest.raises(InvalidDataError, match="missing or damaged"):
        read(path)
    write_table(path, _table(COLUMNS, index=False))
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InvalidDataError, match="missing or damaged"):
        read(path)


def test_a_damaged_note_to_pandas_is_told(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    table = _table(COLUMNS, index=False)
    write_table(path, table.replace_schema_metadata({"pandas": '{"columns": [1], "index_columns": []}'}))
    with pytest.raises(InvalidDataError, match="missing or damaged"):
        read_frame(path)


def test_damage_anywhere_is_told_or_harms_nothing(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    write_table(path, _table(COLUMNS, index=True))
    whole, random = path.read_bytes(), np.random.default_rng(0)
    told = 0
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[random.integers(len(whole))] = random.integers(256)
        path.write_bytes(damaged)
        try:
            table = read_table(path)
        except InvalidDataError:
            told += 1
        else:
            index_field(table)
            table.to_pydict()
    assert told


def test_tables_need_no_pandas(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from spora_build.store.columns import *
from spora_build.store.pandas_schema import as_table, index_field
from spora_build.store.tables import read_table, write_table
path = Path(sys.argv[1])
columns = {"t": text_column(["a", None]), "i": int_column([1, 2])}
columns |= {"f": float_column([1, None]), "b": bool_column([0, 1])}
write_table(path, as_table(columns, index=("tissue_id", repeated_text_column(["x", "y"], [1, 1]))))
table = read_table(path)
assert index_field(table) == "tissue_id"
table = table.filter(bool_column([True, False]))
assert table.to_pylist() == [{"t": "a", "i": 1, "f": 1.0, "b": False, "tissue_id": "x"}]
assert read_ints(table["t"].combine_chunks().dictionary_encode().indices).tolist() == [0]
print("pandas" in sys.modules)
"""
    command = [sys.executable, "-c", script, str(tmp_path / "table.parquet")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "False"
