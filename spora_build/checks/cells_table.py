"""``metadata/cells.parquet``: one row per cell."""

from __future__ import annotations

from collections.abc import Iterator

from spora_build.checks.broken_rows import broken_rows, listed
from spora_build.checks.core import NotApplicableError, Violation, rule
from spora_build.checks.mask_file import MaskFile
from spora_build.checks.table_file import Kind
from spora_build.checks.tissues_table import EMPTY_TEXTS, NAN_TEXTS, text_equal_to
from spora_build.checks.view import DatasetView
from spora_build.errors import Severity


@rule("V201", remedy="Run `spora-build cells` again.")
def cells_table(view: DatasetView) -> Iterator[Violation]:
    """Where there are instance masks, there is a readable metadata/cells.parquet."""
    if view.cells.exists and view.cells.frame is None:
        yield Violation(view.cells.place, "damaged")
    elif not view.cells.exists and view.instance_masks:
        yield Violation(view.cells.place, "missing")
    elif not view.cells.exists:
        raise NotApplicableError("there are no cells")


@rule("V202", needs=["V201"], remedy="Write both as columns: table.reset_index().")
def cells_columns(view: DatasetView) -> Iterator[Violation]:
    """In cells.parquet, tissue_id and cell_id are columns."""
    missing = {"tissue_id", "cell_id"} - set(view.cells.rows.columns)
    if missing:
        yield Violation(view.cells.place, f"missing: {listed(missing)}")


@rule("V203", needs=["V202"], remedy="Write tissue_id as text and cell_id as int64.")
def cells_types(view: DatasetView) -> Iterator[Violation]:
    """In cells.parquet, tissue_id is text and cell_id an integer."""
    for name, kind in (("tissue_id", Kind.TEXT), ("cell_id", Kind.INTEGER)):
        if view.cells.kinds[name] is not kind:
            yield Violation(view.cells.place, f"column {name!r} holds {view.cells.kinds[name]}")


@rule("V204", needs=["V202"], remedy="Fill in the ids or drop the rows.")
def cell_ids_are_complete(view: DatasetView) -> Iterator[Violation]:
    """Every cell has a tissue_id and a cell_id."""
    for name in ("tissue_id", "cell_id"):
        yield from broken_rows(view.cells, view.cells.rows[name].isna(), f"no {name}")


@rule("V205", needs=["V202"], remedy="Keep one row per cell.")
def cell_ids_are_unique(view: DatasetView) -> Iterator[Violation]:
    """A cell_id occurs once within a tissue."""
    yield from broken_rows(view.cells, view.cells.rows.duplicated(["tissue_id", "cell_id"]), "repeated cell")


@rule("V206", needs=["V203", "V204"], remedy="Use the label in the instance mask, which starts at 1.")
def cell_ids_are_labels(view: DatasetView) -> Iterator[Violation]:
    """A cell_id is at least 1: 0 is the background of the instance mask."""
    yield from broken_rows(view.cells, view.cells.rows["cell_id"] < 1, "cell_id below 1")


@rule("V207", needs=["V103", "V202"], remedy="Add the tissues to tissues.parquet or drop their cells.")
def cells_have_a_tissue(view: DatasetView) -> Iterator[Violation]:
    """Every cell belongs to a tissue of tissues.parquet."""
    unknown = ~view.cells.rows["tissue_id"].isin(view.tissue_ids) & view.cells.rows["tissue_id"].notna()
    yield from broken_rows(view.cells, unknown, "unknown tissue")


@rule("V208", needs=["V202"], remedy="Add the masks, or drop the cells.")
def cells_have_a_mask(view: DatasetView) -> Iterator[Violation]:
    """Every tissue with cells has an instance mask."""
    if not view.instance_masks:
        raise NotApplicableError("there are no instance masks")
    with_mask = {tissue for tissue, _ in view.instance_masks}
    missing = set(view.cells.text("tissue_id").unique()) - with_mask
    for tissue in sorted(missing & view.tissue_ids):
        yield Violation(view.cells.place, f"{tissue} has cells but no instance mask")


@rule("V209", needs=["V202"], severity=Severity.WARNING, remedy="Run `spora-build cells` for these tissues.")
def masks_have_cells(view: DatasetView) -> Iterator[Violation]:
    """Every tissue with cells in its instance mask has cells in cells.parquet."""
    with_cells = set(view.cells.text("tissue_id").unique())
    for (tissue, _), mask in sorted(view.instance_masks.items()):
        if tissue not in with_cells and _has_cells(mask):
            yield Violation(mask.place)


def _has_cells(mask: MaskFile) -> bool:
    labels = mask.read()
    return labels is not None and bool(labels.any())


@rule("V210", needs=["V201"], remedy="Write real nulls (None) for missing labels.")
def no_nan_text_in_cells(view: DatasetView) -> Iterator[Violation]:
    """Missing values of cells.parquet are real nulls, never the text "nan"."""
    yield from text_equal_to(view.cells, NAN_TEXTS)


@rule("V211", needs=["V201"], severity=Severity.WARNING, remedy="Write real nulls where a label is missing.")
def no_empty_text_in_cells(view: DatasetView) -> Iterator[Violation]:
    """Missing values of cells.parquet are real nulls, not empty text, "None" or "NA"."""
    yield from text_equal_to(view.cells, EMPTY_TEXTS)


@rule("V212", needs=["V202"], severity=Severity.WARNING, remedy="Write labels as text, numbers as numbers.")
def cells_columns_are_plain(view: DatasetView) -> Iterator[Violation]:
    """Columns of cells.parquet hold text, numbers or truth values, nothing nested."""
    odd = [name for name, kind in view.cells.kinds.items() if kind is Kind.OTHER]
    if odd:
        yield Violation(view.cells.place, listed(odd))
