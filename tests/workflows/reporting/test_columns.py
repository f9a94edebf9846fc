"""Columns of the tables: counted as pandas counts them, without values of patients."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from spora_build.checks.view import DatasetView
from spora_build.report.values import TableColumns
from spora_build.workflows.reporting.columns import read_columns
from tests.checks.build_dataset import build_dataset
from tests.checks.corruption import column, write


def columns_of(root: Path) -> dict[str, TableColumns]:
    return {table.name: table for table in read_columns(DatasetView(root))}


def test_both_tables(tmp_path: Path) -> None:
    root = build_dataset(tmp_path)
    found = columns_of(root)
    for name, table in found.items():
        frame = pd.read_parquet(root / "metadata" / name)
        assert table.count == len(frame)
        assert [c.name for c in table.columns] == list(frame.columns)
        assert [c.filled for c in table.columns] == [frame[c].notna().mean() for c in frame.columns]
        assert [c.distinct for c in table.columns] == [frame[c].nunique() for c in frame.columns]
    cells = {c.name: c for c in found["cells.parquet"].columns}
    assert (cells["cell_types"].kind, cells["cell_types"].values) == ("text", (("B", 3), ("T", 2)))
    assert cells["tissue_id"].values == cells["mean_CD3E"].values == ()


def test_no_value_of_a_patient(tmp_path: Path) -> None:
    assert all(not c.values for c in columns_of(build_dataset(tmp_path))["tissues.parquet"].columns)


def test_odd_columns_and_tables(tmp_path: Path) -> None:
    root = build_dataset(tmp_path)
    column("metadata/cells.parquet", "cell_types", [[at] for at in range(7)])(root)
    write("metadata/tissues.parquet")(root)
    (cells,) = columns_of(root).values()
    assert {c.name: c.kind for c in cells.columns}["cell_types"] == "other"


def test_free_text_of_cells_is_no_category(tmp_path: Path) -> None:
    root = build_dataset(tmp_path)
    many = pd.DataFrame({"tissue_id": "t", "cell_id": range(100), "notes": [f"note {at}" for at in range(100)]})
    many.to_parquet(root / "metadata/cells.parquet", index=False)
    assert columns_of(root)["cells.parquet"].columns[2].values == ()
