"""One tissue's rows of cells.parquet, and all of them merged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
import pyarrow.parquet as pq
from numpy.typing import NDArray

from spora_build.pixels.numbering import Numbering
from spora_build.store.atomic import write_beside
from spora_build.workflows.cells.annotations import TYPES
from spora_build.workflows.cells.jobs import CellsJob
from spora_build.workflows.planning.cell_columns import MEASURED, ORIGINAL, CellColumn

_ROWS = 1 << 16
"""Rows of a group: what is held in memory at once."""
_PANDAS = {pa.string(): "string", pa.int64(): "Int64", pa.float64(): "float64", pa.float32(): "float32"}


def write_part(
    job: CellsJob,
    cells: Numbering,
    mpp: float,
    columns: Mapping[str, pa.Array],
    intensities: Mapping[str, NDArray[np.float32]],
) -> None:
    """Write the rows of one tissue to ``job.part``; ``original_cell_id`` only where the mask called cells otherwise."""
    count = len(cells)
    data: dict[str, pa.Array] = {
        "tissue_id": pa.array([job.tissue_id], pa.string()).take(pa.array(np.zeros(count, np.int64))),
        "cell_id": pa.array(np.arange(1, count + 1, dtype=np.int64)),
        "area_um2": pa.array(cells.pixels * mpp**2),
        "centroid_row": pa.array(cells.centroid_row),
        "centroid_col": pa.array(cells.centroid_col),
    }
    if job.source.keeps_labels and not cells.is_original:
        data[ORIGINAL] = pa.array(cells.original.astype(np.int64))
    data |= columns
    data |= {name: pa.array(values, from_pandas=True) for name, values in intensities.items()}
    with write_beside(job.part) as temporary:
        table = pa.table(data)
        pq.write_table(table, temporary, row_group_size=_ROWS, use_dictionary=_texts(table.schema))


@dataclass(frozen=True)
class StoredRows:
    """The rows of one tissue as cells.parquet has them already."""

    table: Path
    tissue_id: str


Part = Path | StoredRows
"""Rows of one tissue: measured now or before, or taken over."""


def tissues_in(table: Path) -> frozenset[str]:
    """Tissues that a table of cells has rows of."""
    seen: set[str] = set()
    with pq.ParquetFile(table) as file:
        for batch in file.iter_batches(batch_size=_ROWS, columns=["tissue_id"]):
            seen.update(str(name) for name in pc.unique(batch.column(0)).to_pylist() if name is not None)
    return frozenset(seen)


def merge_parts(
    path: Path, parts: Sequence[Part], columns: Sequence[CellColumn], intensity_columns: Sequence[str]
) -> None:
    """Write cells.parquet from the tissues' parts, in their order, a group of rows at a time.

    Columns that a part lacks are null there. ``original_cell_id`` is there where any part has it, and equals cell_id
    where that part's mask was numbered 1…N already.
    """
    renumbered = any(isinstance(part, Path) and ORIGINAL in pq.read_schema(part).names for part in parts)
    schema = _schema(columns, intensity_columns, renumbered=renumbered)
    with (
        write_beside(path) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd", use_dictionary=_texts(schema)) as writer,
    ):
        for group in _groups(parts, schema):
            writer.write_table(group, row_group_size=_ROWS)


def _schema(columns: Sequence[CellColumn], intensity_columns: Sequence[str], *, renumbered: bool) -> pa.Schema:
    types = {"tissue_id": pa.string(), "cell_id": pa.int64(), **dict.fromkeys(MEASURED, pa.float64())}
    if renumbered:
        types[ORIGINAL] = pa.int64()
    types |= {column.name: TYPES[column.kind] for column in columns}
    types |= dict.fromkeys(intensity_columns, pa.float32())
    plain = pa.schema(list(types.items()))
    complete = {"cell_id", ORIGINAL}
    frame = pd.DataFrame(
        {name: pd.Series([], dtype="int64" if name in complete else _PANDAS[of]) for name, of in types.items()}
    )
    return plain.with_metadata(pa.Schema.from_pandas(frame, preserve_index=False).metadata)


def _texts(schema: pa.Schema) -> list[str]:
    """Columns that repeat themselves: measurements do not, and looking for repeats takes most of the time."""
    return [item.name for item in schema if pa.types.is_string(item.type)]


def _groups(parts: Sequence[Part], schema: pa.Schema) -> Iterator[pa.Table]:
    """Tables of ``_ROWS`` rows, the last one shorter: they do not end with tissues, which may be thousands."""
    waiting: list[pa.Table] = []
    count = 0
    for rows in (rows for part in parts for rows in _rows(part)):
        waiting.append(_aligned(rows, schema))
        count += rows.num_rows
        while count >= _ROWS:
            table = pa.concat_tables(waiting)
            yield table.slice(0, _ROWS)
            waiting, count = [table.slice(_ROWS)], count - _ROWS
    if count or not parts:
        yield pa.concat_tables(waiting) if waiting else schema.empty_table()


def _rows(part: Part) -> Iterator[pa.Table]:
    if isinstance(part, StoredRows):
        is_its = pc.field("tissue_id").cast(pa.string()) == part.tissue_id
        for batch in pyarrow.dataset.dataset(part.table).to_batches(filter=is_its, batch_size=_ROWS):
            yield pa.table(batch)
        return
    with pq.ParquetFile(part) as file:
        for batch in file.iter_batches(batch_size=_ROWS):
            yield pa.table(batch)


def _aligned(table: pa.Table, schema: pa.Schema) -> pa.Table:
    arrays = []
    for item in schema:
        if item.name in table.column_names:
            column = table.column(item.name)
            if pa.types.is_dictionary(column.type):
                column = column.cast(column.type.value_type)
            arrays.append(column.cast(item.type))
        elif item.name == ORIGINAL:
            arrays.append(table.column("cell_id"))
        else:
            arrays.append(pa.nulls(table.num_rows, item.type))
    return pa.table(arrays, schema=schema)
