"""Arrow tables that pandas reads back as it would its own: what its columns are, and which of them is the index.

The note in the schema is described at https://pandas.pydata.org/docs/development/developer.html. It names no versions
of libraries, so that the same rows are the same bytes with all of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import pyarrow as pa

_TYPES = {
    pa.large_string(): ("unicode", "string"),
    pa.int64(): ("int64", "int64"),
    pa.float64(): ("float64", "float64"),
    pa.bool_(): ("bool", "bool"),
}
"""What pandas calls a type, and its dtype of such a column."""
_SECOND_NAME = "__index_level_0__"
"""Field of an index that is called as one of the columns."""


def as_table(columns: Mapping[str, pa.Array], index: tuple[str, pa.Array] | None = None) -> pa.Table:
    """A table of columns of text (large_string), int64, float64 and bool; ``index`` is that of the data frame.

    Without one, rows are numbered.
    """
    fields = dict(columns)
    described = [_described(name, name, array) for name, array in columns.items()]
    index_fields = []
    if index is not None:
        name, array = index
        field = _SECOND_NAME if name in columns else name
        fields[field] = array
        described.append(_described(name, field, array))
        index_fields.append(field)
    note = {"index_columns": index_fields, "column_indexes": [], "columns": described}
    schema = pa.schema([(name, array.type) for name, array in fields.items()])
    return pa.Table.from_arrays(
        list(fields.values()), schema=schema.with_metadata({b"pandas": json.dumps(note).encode()})
    )


def index_field(table: pa.Table) -> str | None:
    """Name of the column that would be the index of a data frame; None where its rows are only numbered.

    Raises ValueError where the note is damaged.
    """
    note = table.schema.pandas_metadata or {}
    if not isinstance(note, dict) or not isinstance(note.get("index_columns", []), list):
        raise ValueError("the note for pandas is not as pandas has it")
    return next((name for name in note.get("index_columns", ()) if name in table.column_names), None)


def _described(name: str, field: str, array: pa.Array) -> dict[str, str | None]:
    pandas_type, numpy_type = _TYPES[array.type]
    return {
        "name": name,
        "field_name": field,
        "pandas_type": pandas_type,
        "numpy_type": numpy_type,
        "metadata": None,
    }
