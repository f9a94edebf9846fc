"""Annotations of one tissue's cells, joined to the cells of its mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.pixels.numbering import Numbering
from spora_build.workflows.cells_jobs import CellColumn, CellsJob, Reconciliation

TYPES = {"text": pa.string(), "int": pa.int64(), "float": pa.float64()}
_FOREIGN = 0.5
"""Share of the table's cells, and of the mask's, below which the two are not of the same image."""


@dataclass(frozen=True)
class Joined:
    """How mask and table agree."""

    counts: Reconciliation
    problems: tuple[Problem, ...] = field(default=())


def join_annotations(job: CellsJob, cells: Numbering) -> tuple[dict[str, pa.Array], Joined]:
    """The annotation columns, one entry per cell of the mask, null where the table has none; and how the two agree.

    The table's cell_id is the label in the mask as it came (the number of the piece where the mask was split). Raises
    InvalidDataError where most ids are not labels of this mask, or one is there twice.
    """
    if job.annotations is None:
        nothing = {column.name: pa.nulls(len(cells), TYPES[column.kind]) for column in job.columns}
        return nothing, Joined(Reconciliation(job.tissue_id, mask_only=len(cells)))
    table = pq.read_table(job.annotations)
    ids = table.column("cell_id").to_numpy()
    labels = np.arange(1, len(cells) + 1) if cells.split is not None else cells.original.astype(np.int64)
    _refuse_repeats(job, ids)
    at = np.minimum(np.searchsorted(labels, ids), len(labels) - 1)
    known = labels[at] == ids
    _list_unknown(job, ids[~known])
    counts = Reconciliation(job.tissue_id, int(known.sum()), len(cells) - int(known.sum()), len(ids) - int(known.sum()))
    if counts.both < _FOREIGN * len(ids) and counts.both < _FOREIGN * len(cells):
        raise _foreign(job, counts, ids, labels)
    rows = np.full(len(cells), -1, np.int64)
    rows[at[known]] = np.flatnonzero(known)
    take = pa.array(np.where(rows < 0, 0, rows), mask=rows < 0)
    joined = {c.name: _whole(table.column(c.name)).take(take) for c in job.columns}
    return joined, Joined(counts, tuple(_told(job, counts)))


def _list_unknown(job: CellsJob, ids: NDArray[Any]) -> None:
    """Cells of the table that the mask lacks, where the contributor can look them up."""
    path = job.part.parent.with_name("only_in_table") / f"{job.tissue_id}.csv"
    if len(ids):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text("\n".join(["cell_id", *map(str, ids.tolist())]) + "\n", encoding="utf-8")
    else:
        path.unlink(missing_ok=True)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    array = column.combine_chunks()
    return array if isinstance(array, pa.Array) else pa.concat_arrays(array.chunks)


def _refuse_repeats(job: CellsJob, ids: NDArray[Any]) -> None:
    repeated = len(ids) - len(np.unique(ids))
    if repeated:
        raise InvalidDataError(
            Problem(
                "E-CELLS-041",
                f"{repeated} cells of this tissue are in the table of cells more than once.",
                "keep one row per cell; registered images of one tissue share its cells.",
                Place(file=job.tissue_id),
            )
        )


def _foreign(job: CellsJob, counts: Reconciliation, ids: NDArray[Any], labels: NDArray[Any]) -> InvalidDataError:
    return InvalidDataError(
        Problem(
            "E-CELLS-042",
            f"of {len(ids)} cells in the table (ids {ids.min()} to {ids.max()}) only {counts.both} are among the"
            f" {len(labels)} labels of the mask ({labels.min()} to {labels.max()}): they are not of one image.",
            "give the mask that the table was measured with (of the whole image, or of this very crop).",
            Place(file=job.source.shown_name, column="cell_mask"),
        )
    )


def _told(job: CellsJob, counts: Reconciliation) -> list[Problem]:
    found = []
    total = counts.both + counts.mask_only
    if counts.table_only:
        found.append(
            Problem(
                "W-CELLS-043",
                f"{counts.table_only} cells of the table are not in the mask; the private folder lists them in"
                " cells/only_in_table.",
                "check that table and mask are of one segmentation; a cell without pixels cannot be in the dataset.",
                Place(file=job.tissue_id),
            )
        )
    if counts.mask_only:
        found.append(
            Problem(
                "N-CELLS-044",
                f"{counts.mask_only} of {total} cells of the mask are not in the table; they stay without annotation.",
                "nothing to do, or add them to the table.",
                Place(file=job.tissue_id),
            )
        )
    return found


def write_annotations(path: Path, batches: Sequence[pa.Table], columns: Sequence[CellColumn]) -> None:
    """Write one tissue's annotations, sorted by cell_id so that the file depends on the content alone."""
    table = pa.concat_tables(batches).sort_by("cell_id")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    pq.write_table(table.select(["cell_id", *(column.name for column in columns)]), path)
