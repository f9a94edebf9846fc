"""Parquet tables, written whole or not at all, the same bytes for the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.store.atomic import write_beside
from spora_build.store.pandas_schema import index_field

if TYPE_CHECKING:
    import pandas as pd

_DAMAGE = (OSError, ValueError, TypeError, LookupError, AttributeError, NotImplementedError)
"""What pyarrow and pandas raise for damaged files."""


def write_table(path: Path, table: pa.Table) -> None:
    """Write a table as it is (see :func:`spora_build.store.pandas_schema.as_table`)."""
    with write_beside(path) as temporary:
        _write(table, temporary)


def table_bytes(table: pa.Table) -> bytes:
    """What :func:`write_table` writes of a small table."""
    sink = pa.BufferOutputStream()
    _write(table, sink)
    return bytes(sink.getvalue())


def _write(table: pa.Table, where: Path | pa.NativeFile) -> None:
    # floats seldom repeat themselves, and looking for repeats takes most of the time
    repeats = [field.name for field in table.schema if not pa.types.is_floating(field.type)]
    pq.write_table(table, where, compression="zstd", use_dictionary=repeats)


def read_table(path: Path) -> pa.Table:
    """Read a table; an index is a column like others. Raises InvalidDataError where it is missing or damaged."""
    try:
        with pq.ParquetFile(path) as file:  # pq.read_table would import pandas
            table = file.read()
        table.validate(full=True)  # else damaged texts, and the note to pandas, fail where somebody looks at them
        index_field(table)
    except _DAMAGE as error:
        raise _damaged(path) from error
    return table


def read_frame(path: Path) -> pd.DataFrame:
    """Read a table as a data frame. Raises InvalidDataError where it is missing or damaged."""
    import pandas as pd

    try:
        return pd.read_parquet(path, engine="pyarrow")
    except _DAMAGE as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> InvalidDataError:
    return InvalidDataError(
        Problem(
            "E-TABLE-001",
            "this table is missing or damaged.",
            "run the stage that writes it again.",
            Place(file=f"{path.parent.name}/{path.name}"),
        )
    )
