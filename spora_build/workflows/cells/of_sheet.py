"""The cells of a raw folder: masks and table as the contributor gives them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from spora_build.model.privacy_rules import Privacy
from spora_build.submission import CellsTable, Submission
from spora_build.workflows.cells.annotations import CENTRE, TYPES
from spora_build.workflows.cells.jobs import CellsInput
from spora_build.workflows.cells.sources import CellsSource, by_tissue
from spora_build.workflows.planning.cell_columns import CellColumn
from spora_build.workflows.planning.cells import CellsPlan, changed
from spora_build.workflows.planning.plan import Plan, PlannedTissue


@dataclass(frozen=True)
class SheetAnnotations:
    """The contributor's table of cells, gate and types applied."""

    table: CellsTable
    plan: CellsPlan
    tissue_of: Mapping[str, str] = field(repr=False)
    """Value of the table's key to tissue id."""
    rules: Privacy
    secret: bytes | None = field(repr=False)

    def rows(self) -> Iterator[tuple[str, pa.Table]]:
        """See :class:`Annotations`."""
        for batch in self.table.batches():
            columns = changed(batch, self.table.columns, self.rules, self.secret)
            data = {c.name: typed(columns[self.plan.source_names[c.name]], c) for c in self.plan.columns}
            if self.table.unit is not None:
                data |= {name: pa.array(batch[name].to_numpy()) for name in CENTRE}
            cells = pa.table({"cell_id": pa.array(batch["cell_id"].to_numpy()), **data})
            yield from by_tissue(batch[self.table.key].map(self.tissue_of), cells)


def typed(values: pa.Array, column: CellColumn) -> pa.Array:
    """Text as the type of its column; a decimal comma is a point, a per cent sign is left out."""
    if column.kind == "text":
        return values
    numbers = pc.replace_substring_regex(values, r"\s*%$", "")
    return pc.cast(pc.replace_substring(numbers, ",", "."), TYPES[column.kind])


def sheet_source(submission: Submission, plan: Plan, raw: Path) -> CellsSource:
    """Masks, annotations and tasks of a conversion."""
    settings, table = submission.settings, submission.cells
    annotations = None
    if table is not None:
        tissue_of = _tissues(plan, table)
        annotations = SheetAnnotations(table, plan.cells, tissue_of, settings.privacy, plan.cells.secret)
    masks = {tissue.tissue_id: _input(tissue, raw) for tissue in plan.tissues if tissue.cell_mask is not None}
    return CellsSource(
        masks,
        annotations,
        plan.cells.columns,
        plan.cells.tasks,
        settings.cells,
        has_labels=table is None or table.has_labels,
        unit=None if table is None else table.unit,
    )


def _input(tissue: PlannedTissue, raw: Path) -> CellsInput:
    assert tissue.cell_mask is not None
    shown = tissue.cell_mask.resolve().relative_to(raw.resolve()).as_posix()
    own = tissue.images[tissue.cell_mask_image]
    images = (own, *(image for image in tissue.images if image is not own))
    natives = tuple((image.native_mpp, image.size) for image in images)
    return CellsInput(tissue.cell_mask, shown, tissue.cell_mask_mpp, natives=natives)


def _tissues(plan: Plan, table: CellsTable) -> dict[str, str]:
    """Tissue id of every value of the table's key."""
    if table.key == "tissue":
        return {t.sheet_tissue: t.tissue_id for t in plan.tissues if t.sheet_tissue is not None}
    return {image.shown_name: tissue.tissue_id for tissue in plan.tissues for image in tissue.images}
