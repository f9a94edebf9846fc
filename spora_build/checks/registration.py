"""What modalities and masks that share a tissue_id have in common."""

from __future__ import annotations

from collections.abc import Iterator

from spora_build.checks.broken_rows import broken_rows
from spora_build.checks.core import NotApplicableError, Violation, rule
from spora_build.checks.view import DatasetView
from spora_build.store.layout import resolution_folder

OF_THE_TISSUE = ("patient_id", "specimen_id", "dataset", "biopsy_id", "split")


@rule("V801", remedy="Register the images to the same grid, or give them tissue ids of their own.")
def registered_images_share_a_size(view: DatasetView) -> Iterator[Violation]:
    """Images of all modalities that share a tissue_id share height and width at a pixel size."""
    for (tissue, mpp), images in sorted(view.images_at.items()):
        sizes = {image.shape[1:] for image in images if image.shape}
        if len(sizes) > 1:
            yield Violation(f"{resolution_folder(mpp)}", f"{tissue}: {sorted(sizes)}")


@rule("V802", needs=["V103", "V117"], remedy="Write exact, or give unregistered images tissue ids of their own.")
def shared_ids_are_registered(view: DatasetView) -> Iterator[Violation]:
    """A tissue_id with several modalities is registered: its alignment is never "no alignment"."""
    rows = view.tissues.rows
    shared = rows["tissue_id"].duplicated(keep=False) & rows["tissue_id"].notna()
    yield from broken_rows(view.tissues, shared & (rows["alignment"] == "no alignment"), "not aligned")


@rule("V803", needs=["V103"], remedy="Give all rows of a tissue the same values.")
def rows_of_a_tissue_agree(view: DatasetView) -> Iterator[Violation]:
    """Rows of one tissue_id agree in patient_id, specimen_id, dataset, biopsy_id and split."""
    rows = view.tissues.rows
    for name in (name for name in OF_THE_TISSUE if name in rows.columns):
        disagree = rows.groupby("tissue_id")[name].nunique(dropna=False) > 1
        if disagree.any():
            yield Violation(view.tissues.place, f"{name} of {int(disagree.sum())} tissue(s)")


@rule("V804", needs=["V103"], remedy="Give every patient's biopsies ids of their own.")
def biopsies_have_one_patient(view: DatasetView) -> Iterator[Violation]:
    """A biopsy_id belongs to one patient."""
    if "biopsy_id" not in view.tissues.rows.columns:
        raise NotApplicableError("tissues.parquet has no column biopsy_id")
    shared = view.tissues.rows.groupby("biopsy_id")["patient_id"].nunique() > 1
    if shared.any():
        yield Violation(view.tissues.place, f"{int(shared.sum())} biopsies of several patients")
