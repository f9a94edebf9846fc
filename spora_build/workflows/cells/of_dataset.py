"""The cells that a dataset has: its instance masks measured again, its annotations kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from spora_build.errors import InvalidDataError, Place, Problem, UsageError
from spora_build.store.layout import INSTANCES, Layout
from spora_build.workflows.cells.sources import CellsSource, by_tissue
from spora_build.workflows.planning.cell_columns import MEASURED, CellColumn, CellTask, ColumnKind
from spora_build.workflows.planning.cells import MAX_CATEGORIES, task_of

_ROWS = 1 << 18
_WRITTEN = {"tissue_id", "cell_id", *MEASURED}


@dataclass(frozen=True)
class StoredAnnotations:
    """The annotation columns of cells.parquet."""

    layout: Layout
    columns: tuple[CellColumn, ...] = field(repr=False)

    def rows(self) -> Iterator[tuple[str, pa.Table]]:
        """See :class:`~spora_build.workflows.cells.sources.Annotations`."""
        names = [column.name for column in self.columns]
        with pq.ParquetFile(self.layout.cells_table) as file:
            for batch in file.iter_batches(batch_size=_ROWS, columns=["tissue_id", "cell_id", *names]):
                table = pa.table(batch)
                cells = {"cell_id": table.column("cell_id").cast(pa.int64())}
                cells |= {c.name: _plain(table.column(c.name), c.kind) for c in self.columns}
                yield from by_tissue(table.column("tissue_id").to_pandas(), pa.table(cells))


def stored_source(layout: Layout, tasks: tuple[str, ...] | None = None) -> CellsSource:
    """What the dataset itself knows of its cells; every column of cells.parquet that is not measured is an annotation.

    ``tasks`` are columns to make masks of, beside those that have masks already. None, and no masks: every column of
    few distinct texts. Raises InvalidDataError where cells.parquet is no table of cells, UsageError for a task that
    is no column of categories.
    """
    if not layout.cells_table.exists():
        return CellsSource()
    columns = _columns(layout)
    by_name = {column.name: column for column in columns}
    there = _tasks_there(layout, by_name)
    wanted = dict.fromkeys([*there, *(tasks or ())]) if there or tasks is not None else _categorical(columns)
    chosen: list[CellTask] = []
    for name in wanted:
        column = by_name.get(name)
        if column is None or column.categories is None or column.kind != "text":
            texts = _categorical(columns)
            raise UsageError(
                Problem(
                    "E-CELLS-061",
                    f"{name!r} is no column of cells.parquet with 1 to {MAX_CATEGORIES} distinct texts.",
                    f"choose among: {', '.join(texts) or 'none'}.",
                    Place(file="metadata/cells.parquet", column=name),
                )
            )
        chosen.append(task_of(column))
    return CellsSource(
        annotations=StoredAnnotations(layout, columns), columns=columns, tasks=tuple(chosen), reconciles=False
    )


def _columns(layout: Layout) -> tuple[CellColumn, ...]:
    try:
        schema = pq.read_schema(layout.cells_table)
        if not {"tissue_id", "cell_id"} <= set(schema.names):
            raise _no_table()
        found = []
        for item in schema:
            if item.name in _WRITTEN or item.name.startswith(("intensity_", "__index_level_")):
                continue
            kind = _kind(item.type)
            values = _distinct(layout, item.name) if kind == "text" else None
            found.append(CellColumn(item.name, kind, values))
    except (pa.ArrowException, OSError) as error:
        raise _no_table() from error
    return tuple(found)


def _kind(of: pa.DataType) -> ColumnKind:
    if pa.types.is_integer(of):
        return "int"
    return "float" if pa.types.is_floating(of) else "text"


def _plain(column: pa.ChunkedArray, kind: ColumnKind) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = pc.cast(column, column.type.value_type)
    return pc.cast(column, {"text": pa.string(), "int": pa.int64(), "float": pa.float64()}[kind])


def _distinct(layout: Layout, name: str) -> tuple[str, ...] | None:
    """Every text of a column, sorted; None where there are none or too many for categories."""
    seen: set[str] = set()
    with pq.ParquetFile(layout.cells_table) as file:
        for batch in file.iter_batches(batch_size=_ROWS, columns=[name]):
            column = _plain(pa.table(batch).column(name), "text")
            seen.update(value for value in pc.unique(column).to_pylist() if value is not None)
            if len(seen) > MAX_CATEGORIES:
                return None
    return tuple(sorted(seen)) or None


def _tasks_there(layout: Layout, columns: dict[str, CellColumn]) -> list[str]:
    there = {
        folder.name
        for mpp in layout.find_mask_resolutions()
        if (below := layout.cell_masks(mpp).parent).is_dir()
        for folder in below.iterdir()
        if folder.is_dir() and folder.name != INSTANCES
    }
    return [name for name in columns if name in there and columns[name].categories is not None]


def _categorical(columns: Sequence[CellColumn]) -> list[str]:
    return [column.name for column in columns if column.kind == "text" and column.categories is not None]


def _no_table() -> InvalidDataError:
    return InvalidDataError(
        Problem(
            "E-CELLS-060",
            "this is no table of cells with the columns tissue_id and cell_id.",
            "move it away and run `spora-build cells` again, or convert the raw folder again.",
            Place(file="metadata/cells.parquet"),
        )
    )
