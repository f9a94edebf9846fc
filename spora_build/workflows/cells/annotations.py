"""Annotations of one tissue's cells, joined to the cells of its mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.pixels.numbering import Numbering
from spora_build.store.atomic import make_folder
from spora_build.store.layout import Layout
from spora_build.workflows.cells.by_centre import NEAR_PX, Grid, cells_at
from spora_build.workflows.cells.jobs import CellsJob, Reconciliation
from spora_build.workflows.planning.cell_columns import CellColumn

TYPES = {"text": pa.string(), "int": pa.int64(), "float": pa.float64()}
CENTRE = ("_row", "_col")
"""Columns of the private annotations with the place of a cell's centre."""
_FOREIGN = 0.5
"""Share of the table's cells, and of the mask's, below which the two are not of the same image."""


@dataclass(frozen=True)
class Joined:
    """How mask and table agree."""

    counts: Reconciliation
    problems: tuple[Problem, ...] = field(default=())


def join_annotations(job: CellsJob, cells: Numbering, grid: Grid) -> tuple[dict[str, pa.Array], Joined]:
    """The annotation columns, one entry per cell of the mask, null where the table has none; and how the two agree.

    The table's cell_id is the label in the mask as it came (the number of the piece where the mask was split); a table
    without labels is joined by the places of the centres. Raises InvalidDataError where most cells of the table are
    not in this mask, or a label is there twice.
    """
    if job.annotations is None:
        nothing = {column.name: pa.nulls(len(cells), TYPES[column.kind]) for column in job.columns}
        return nothing, Joined(Reconciliation(job.tissue_id, mask_only=len(cells)))
    table = pq.read_table(job.annotations)
    problems: list[Problem] = []
    cell = _by_label(job, table, cells) if job.has_labels else _by_centre(job, table, cells, grid, problems)
    both = int((cell > 0).sum())
    counts = Reconciliation(job.tissue_id, both, len(cells) - both, len(cell) - both)
    if both < _FOREIGN * len(cell) and both < _FOREIGN * len(cells):
        raise _foreign(job, counts, table, cells)
    if job.has_labels and job.unit is not None and both:
        problems += _far_from_their_places(job, table, cell, cells, grid)
    _list_unknown(job, table, cell)
    rows = np.full(len(cells), -1, np.int64)
    rows[cell[cell > 0] - 1] = np.flatnonzero(cell)
    take = pa.array(np.where(rows < 0, 0, rows), mask=rows < 0)
    joined = {c.name: _whole(table.column(c.name)).take(take) for c in job.columns}
    return joined, Joined(counts, (*problems, *_told(job, counts)))


def _by_label(job: CellsJob, table: pa.Table, cells: Numbering) -> NDArray[np.int64]:
    """Number of the cell of each row, 0 for a label that the mask lacks."""
    ids = table.column("cell_id").to_numpy()
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
    labels = _labels(cells)
    at = np.minimum(np.searchsorted(labels, ids), len(labels) - 1)
    return np.where(labels[at] == ids, at + 1, 0)


def _labels(cells: Numbering) -> NDArray[np.int64]:
    """What the table calls cell 1, 2…, ascending."""
    if cells.split is not None:
        return np.arange(1, len(cells) + 1)
    return cells.original.astype(np.int64)


def _centres(job: CellsJob, table: pa.Table, grid: Grid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    assert job.unit is not None
    scale = grid.pixels_per(job.unit)
    row, col = (table.column(name).to_numpy() * scale for name in CENTRE)
    return row, col


def _by_centre(
    job: CellsJob, table: pa.Table, cells: Numbering, grid: Grid, problems: list[Problem]
) -> NDArray[np.int64]:
    """Number of the cell at each row's centre, 0 where there is none."""
    row, col = _centres(job, table, grid)
    found = cells_at(Layout(job.root), job.tissue_id, grid, cells, row, col)
    if found.crowded:
        problems.append(
            Problem(
                "W-CELLS-047",
                f"{found.crowded} rows of the table lie in a cell of the mask that another row is nearer to; they are"
                " left out.",
                "check that table and mask are of one segmentation; the private folder lists the rows in"
                " cells/only_in_table.",
                Place(file=job.tissue_id),
            )
        )
    return found.cell


def _far_from_their_places(
    job: CellsJob, table: pa.Table, cell: NDArray[np.int64], cells: Numbering, grid: Grid
) -> list[Problem]:
    """Whether labels that agree stand for other cells: their centres then lie elsewhere, in pixels or micrometres."""
    known = np.flatnonzero(cell)
    at = cell[known] - 1
    places = np.stack([table.column(name).to_numpy()[known] for name in CENTRE])
    centres = np.stack([cells.centroid_row[at], cells.centroid_col[at]])
    allowed = np.sqrt(cells.pixels[at] / np.pi) + NEAR_PX
    for scale in (grid.pixels_per("px"), grid.pixels_per("um")):
        for turned in (places, places[::-1]):
            distance = np.hypot(*(turned * scale - centres))
            if np.nanmedian(distance - allowed) <= 0:
                return []
    return [
        Problem(
            "W-CELLS-045",
            "the centres that the table gives do not lie in the cells of their labels: the labels of another image or"
            " crop, which happen to be the same numbers?",
            "check that the mask is the one that the table was measured with.",
            Place(file=job.source.shown_name, column="cell_mask"),
        )
    ]


def _list_unknown(job: CellsJob, table: pa.Table, cell: NDArray[np.int64]) -> None:
    """Cells of the table that the mask lacks, where the contributor can look them up."""
    path = job.part.parent.with_name("only_in_table") / f"{job.tissue_id}.csv"
    unknown = table.filter(pa.array(cell == 0))
    if len(unknown):
        names = ["cell_id"] if job.has_labels else list(CENTRE)
        make_folder(path.parent, mode=0o700)
        unknown.select(names).to_pandas().to_csv(path, index=False)
    else:
        path.unlink(missing_ok=True)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    array = column.combine_chunks()
    return array if isinstance(array, pa.Array) else pa.concat_arrays(array.chunks)


def _foreign(job: CellsJob, counts: Reconciliation, table: pa.Table, cells: Numbering) -> InvalidDataError:
    ids, labels = table.column("cell_id").to_numpy(), _labels(cells)
    what = f"of {len(ids)} cells in the table only {counts.both} lie in one of the {len(labels)} cells of the mask: "
    what += "another image or crop, or centres in another unit."
    remedy = "give the mask of this image; name the unit in the headers of the centres (Centroid X µm, Centroid X px)."
    if job.has_labels:
        what = f"of {len(ids)} cells in the table (ids {ids.min()} to {ids.max()}) only {counts.both} are among the"
        what += f" {len(labels)} labels of the mask ({labels.min()} to {labels.max()}): they are not of one image."
        remedy = "give the mask that the table was measured with (of the whole image, or of this very crop)."
    return InvalidDataError(Problem("E-CELLS-042", what, remedy, Place(file=job.source.shown_name, column="cell_mask")))


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
    """Write one tissue's annotations, sorted so that the file depends on the content alone."""
    table = pa.concat_tables(batches)
    centre = [name for name in CENTRE if name in table.column_names]
    table = table.sort_by([(name, "ascending") for name in ("cell_id", *centre)])
    make_folder(path.parent, mode=0o700)
    names = dict.fromkeys(["cell_id", *centre, *(column.name for column in columns)])
    pq.write_table(table.select([*names]), path)
