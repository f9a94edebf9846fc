"""What the columns of the dataset's tables hold, without a value that may tell of a patient."""

from __future__ import annotations

import pandas as pd

from spora_build.checks.table_file import Kind, TableFile
from spora_build.checks.view import DatasetView
from spora_build.report.values import TableColumn, TableColumns

_MOST_CATEGORIES = 40
"""A column of cells with more different texts holds no categories."""
_MOST_SHOWN = 12


def read_columns(view: DatasetView) -> tuple[TableColumns, ...]:
    """Columns of tissues.parquet, and of cells.parquet with the counts of its categories."""
    found = [_columns(table, has_categories=table is view.cells) for table in (view.tissues, view.cells)]
    return tuple(table for table in found if table is not None)


def _columns(table: TableFile, *, has_categories: bool) -> TableColumns | None:
    if table.frame is None or table.frame.empty:
        return None
    columns = [_column(name, table, has_categories) for name in table.frame.columns]
    return TableColumns(table.path.name, len(table.frame), tuple(columns))


def _column(name: str, table: TableFile, has_categories: bool) -> TableColumn:
    values = table.rows[name]
    kind = table.kinds.get(name, Kind.OTHER)
    counts = values.value_counts() if kind in (Kind.TEXT, Kind.BOOL) else pd.Series(dtype=int)
    shown: tuple[tuple[str, int], ...] = ()
    if has_categories and name != "tissue_id" and len(counts) <= _MOST_CATEGORIES:
        ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
        shown = tuple((str(value), int(many)) for value, many in ordered[:_MOST_SHOWN])
    return TableColumn(name, str(kind), float(values.notna().mean()), int(values.nunique()), shown)
