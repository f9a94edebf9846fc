"""The cells stage of a whole conversion, which most cohorts have no cells for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spora_build.model.report import Outcome
from spora_build.store.layout import Layout
from spora_build.submission import Submission
from spora_build.workflows.planning.plan import Plan


def convert_cells(layout: Layout, submission: Submission, plan: Plan, raw: Path, **options: Any) -> list[Outcome]:
    """Run the stage with the cells of the raw folder (see :func:`spora_build.workflows.cells.stage.run_cells`).

    Where neither the raw folder nor the dataset has any, none of its code is imported: pandas, which comes with it,
    takes longer than all tables of a small cohort.
    """
    if not _are_given(submission, plan) and not _are_stored(layout):
        return []
    from spora_build.workflows.cells.of_sheet import sheet_source
    from spora_build.workflows.cells.stage import run_cells

    return run_cells(layout, sheet_source(submission, plan, raw), **options)


def _are_given(submission: Submission, plan: Plan) -> bool:
    return submission.cells is not None or any(tissue.cell_mask is not None for tissue in plan.tissues)


def _are_stored(layout: Layout) -> bool:
    masks = any(layout.cell_masks(mpp).is_dir() for mpp in layout.find_mask_resolutions())
    return masks or layout.segmentation_record.exists()
