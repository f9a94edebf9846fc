"""The cells stage with its memory: cells are made again where mask, images, annotations or tasks changed."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from spora_build.errors import EnvironmentFaultError, Place, Problem
from spora_build.model.modality import Modality
from spora_build.model.report import Outcome, Status
from spora_build.store.atomic import remove
from spora_build.store.columns import int_column, text_column
from spora_build.store.layout import INSTANCES, Layout
from spora_build.store.ledger import Ledger, fingerprint
from spora_build.store.pandas_schema import as_table
from spora_build.store.seal import seal_mask, seal_table
from spora_build.store.tables import read_frame, read_table, write_table
from spora_build.submission.settings_types import Cells
from spora_build.workflows.cells.jobs import CellsInput, CellsJob, CellsOutcome, Reconciliation
from spora_build.workflows.cells.part import Part, StoredRows, merge_parts, tissues_in
from spora_build.workflows.cells.reconciliation import count_key, write_reconciliation
from spora_build.workflows.cells.segmentation_record import forget_segmented
from spora_build.workflows.cells.sources import CellsSource, split_annotations
from spora_build.workflows.cells.work import COARSE_MPP, STAGE, cells_need, cells_one
from spora_build.workflows.dataset.hold import holding
from spora_build.workflows.dataset.inputs import identify
from spora_build.workflows.dataset.outputs import are_former, image_print, made_entry, replaced_entry
from spora_build.workflows.dataset.refuse import refuse_existing, refuse_unknown
from spora_build.workflows.dataset.roster import withdraw
from spora_build.workflows.dataset.sizes import image_values, largest_first
from spora_build.workflows.planning.cell_columns import CellTask
from spora_build.workflows.running.existing import Existing
from spora_build.workflows.running.jobs import run_jobs
from spora_build.workflows.running.progress import ShowProgress, silent

if TYPE_CHECKING:
    import pandas as pd

FORMAT_VERSION = 1
"""Raised when the same input would give other bytes."""


@holding
def run_cells(
    layout: Layout,
    source: CellsSource,
    *,
    only: Collection[str] = (),
    workers: int = 1,
    existing: Existing = Existing.REFRESH,
    show_progress: ShowProgress = silent,
) -> list[Outcome]:
    """Write cell masks, task masks and cells.parquet; one outcome per tissue that has cells.

    Tissues without a mask in ``source`` are measured with the instance mask they have; those with neither have no
    cells. What each mask and table had in common stands in ``cells/reconciliation.csv`` of the private folder.
    Where the source is the dataset itself, rows of tissues that are not measured now stay in the table as they are.
    """
    ledger = Ledger.load(layout.private)
    private = layout.private / "cells"
    tissues = read_frame(layout.tissues_table)
    images = _images(layout, tissues)
    refuse_unknown(only, images)
    tabled = frozenset() if source.reconciles or not layout.cells_table.exists() else tissues_in(layout.cells_table)
    masks = {**_stored_masks(layout, images), **{t: m for t, m in source.masks.items() if t in images}}
    if not masks and source.annotations is None:
        forget_segmented(layout, ledger, keep=frozenset(tissues["tissue_id"]), given=())
        return []
    annotations = split_annotations(source, private / "annotations")
    unseen = _rows_without_mask(annotations, masks) if source.reconciles else {}
    intensity_columns = _intensity_columns(layout)
    jobs = [
        CellsJob(
            root=layout.root,
            tissue_id=tissue,
            images=tuple(images[tissue]),
            measured=_measured(layout, tissue, images[tissue], tissues, len(intensity_columns) > 1),
            source=masks[tissue],
            rules=source.rules if tissue in source.masks else Cells(),
            annotations=annotations.get(tissue),
            has_labels=source.has_labels,
            unit=source.unit,
            columns=source.columns,
            tasks=source.tasks,
            part=private / "parts" / f"{tissue}.parquet",
        )
        for tissue in sorted(masks)
    ]
    prints = {job.tissue_id: _fingerprint(layout, ledger, job) for job in jobs}
    chosen = [job for job in jobs if not only or job.tissue_id in only]
    refuse_existing(existing, [layout.cells_table] if any(job.tissue_id in tabled for job in chosen) else [])
    due = largest_first(
        [job for job in chosen if _is_due(layout, ledger, job, prints[job.tissue_id], existing, tabled)],
        lambda job: image_values(layout.image(*image, job.tissue_id) for image in job.images),
    )
    withdraw(layout, {job.tissue_id for job in due})
    ledger.record(replaced_entry(ledger, _key(job.tissue_id), _masks(layout, job)) for job in due)
    ledger.begin(_key(job.tissue_id) for job in due)
    _remove_old_tasks(layout, ledger, source.tasks)
    _write_encoders(layout, jobs, source.tasks)
    with show_progress("cells", len(due)) as bar:
        by_tissue = {job.tissue_id: job for job in due}

        def heard(result: CellsOutcome) -> None:
            tissue = result.outcome.tissue_id
            if result.outcome.status is Status.DONE:
                job = by_tissue[tissue]
                # the stored mask itself may be the source: its fingerprint is that of what was just written
                is_own = job.source.mask.is_relative_to(layout.root)
                finished = [
                    (_key(tissue), _fingerprint(layout, ledger, job) if is_own else prints[tissue]),
                    made_entry(ledger, _key(tissue), _masks(layout, job)),
                ]
                if source.reconciles:
                    counts = result.reconciliation
                    told = f"{counts.both} {counts.mask_only} {counts.table_only}"
                    finished.append((count_key(tissue), told))
                ledger.record(finished)
            bar.advance()

        results = run_jobs(cells_one, due, workers=workers, on_killed=_killed, on_result=heard, need=cells_need)
    outcomes = [result.outcome for result in results]
    outcomes += [Outcome(job.tissue_id, STAGE, Status.SKIPPED) for job in chosen if job.tissue_id not in by_tissue]
    failed = {outcome.tissue_id for outcome in outcomes if outcome.status is Status.FAILED}
    parts = [job.part for job in jobs if job.tissue_id not in failed and seal_table(job.part) is not None]
    names = [name for columns in intensity_columns.values() for name in columns]
    if parts and (due or not ledger.matches("cells-table", _table_print(layout, parts))):
        current = {job.tissue_id for job in chosen} - failed
        if existing is Existing.SKIP:
            current &= by_tissue.keys()
        kept = [StoredRows(layout.cells_table, tissue) for tissue in sorted(tabled - current)]
        measured = [part for part in parts if part.stem not in tabled or part.stem in current]
        merge_parts(layout.cells_table, sorted([*measured, *kept], key=_tissue_of), source.columns, names)
        ledger.record([("cells-table", _table_print(layout, parts))])
    ledger.record([(count_key(tissue), f"0 0 {rows}") for tissue, rows in unseen.items()])
    write_reconciliation(layout, ledger, sorted({*masks, *unseen}))
    outcomes += [_without_mask(tissue, rows) for tissue, rows in unseen.items() if not only or tissue in only]
    given = {job.tissue_id for job in chosen if job.tissue_id in source.masks and job.source.keeps_labels} - failed
    forget_segmented(layout, ledger, keep=frozenset(tissues["tissue_id"]), given=given)
    return sorted(outcomes, key=lambda outcome: outcome.tissue_id)


def _tissue_of(part: Part) -> str:
    return part.tissue_id if isinstance(part, StoredRows) else part.stem


def _images(layout: Layout, tissues: pd.DataFrame) -> dict[str, list[tuple[Modality, float]]]:
    """Stored images of every tissue of the dataset."""
    known = set(tissues["tissue_id"])
    images: dict[str, list[tuple[Modality, float]]] = {}
    for modality in layout.find_modalities():
        for mpp in layout.find_resolutions(modality):
            for tissue in layout.find_images(modality, mpp):
                if tissue in known:
                    images.setdefault(tissue, []).append((modality, mpp))
    return images


def _stored_masks(layout: Layout, images: dict[str, list[tuple[Modality, float]]]) -> dict[str, CellsInput]:
    """Instance masks that lie at the finest pixel size of their tissue already."""
    found = {}
    for tissue, of in images.items():
        path = layout.cell_mask(min(mpp for _, mpp in of), tissue)
        if path.is_file():
            found[tissue] = CellsInput(path, path.name)
    return found


def _intensity_columns(layout: Layout) -> dict[Modality, list[str]]:
    """Column of every channel by multiplex modality, in the order of channels.parquet."""
    multiplex = [m for m in layout.find_modalities() if m.is_multiplex and layout.channels_table(m).is_file()]
    return {
        modality: [
            intensity_column(modality, str(name), len(multiplex) > 1)
            for name in read_table(layout.channels_table(modality))["channel_name"].to_pylist()
        ]
        for modality in multiplex
    }


def intensity_column(modality: Modality, channel: str, several: bool) -> str:
    """``intensity_CD3E``, or ``intensity_imc_CD3E`` in a dataset of several multiplex modalities."""
    return f"intensity_{modality}_{channel}" if several else f"intensity_{channel}"


def _measured(
    layout: Layout, tissue: str, images: Sequence[tuple[Modality, float]], tissues: pd.DataFrame, several: bool
) -> tuple[tuple[Modality, float, tuple[str, ...]], ...]:
    """Multiplex images at their native pixel size, or the finest that is stored."""
    from spora_build.store.image import open_image

    found = []
    for modality in sorted({modality for modality, _ in images if modality.is_multiplex}):
        stored = sorted(mpp for at, mpp in images if at == modality)
        rows = tissues[(tissues["tissue_id"] == tissue) & (tissues["modality"] == modality.name)]
        native = float(rows["mpp"].iloc[0]) if len(rows) and "mpp" in rows else stored[0]
        mpp = native if native in stored else stored[0]
        names = open_image(layout.image(modality, mpp, tissue)).channel_names
        found.append((modality, mpp, tuple(intensity_column(modality, name, several) for name in names)))
    return tuple(found)


def _key(tissue: str) -> str:
    return f"{STAGE}/{tissue}"


def _fingerprint(layout: Layout, ledger: Ledger, job: CellsJob) -> str:
    images = [(str(m), mpp, image_print(layout, ledger, m, mpp, job.tissue_id)) for m, mpp in job.images]
    mask = job.source.mask
    is_own = mask.is_relative_to(layout.root)
    return fingerprint(
        FORMAT_VERSION,
        images,
        seal_mask(mask) if is_own else identify(ledger, job.source.shown_name, mask),
        job.source.mask_mpp,
        job.source.natives,
        job.measured,
        _content(job.annotations),
        (job.has_labels, job.unit),
        job.columns,
        job.tasks,
        (job.rules.background_label, job.rules.border_label, job.rules.split_components, job.rules.plane),
    )


def _content(path: Path | None) -> str:
    """Annotations are split anew in each run: what they hold counts, not when."""
    return "" if path is None else hashlib.sha256(path.read_bytes()).hexdigest()


def _is_due(
    layout: Layout, ledger: Ledger, job: CellsJob, value: str, existing: Existing, tabled: Collection[str]
) -> bool:
    masks = _masks(layout, job)
    there = all(seal_mask(mask) is not None for mask in masks)
    has_rows = seal_table(job.part) is not None or (existing is Existing.SKIP and job.tissue_id in tabled)
    if not there or not has_rows or existing is Existing.OVERWRITE:
        return True
    if existing is Existing.SKIP:
        return ledger.was_begun(_key(job.tissue_id))
    return not ledger.matches(_key(job.tissue_id), value) or are_former(ledger, _key(job.tissue_id), masks)


def _masks(layout: Layout, job: CellsJob) -> list[Path]:
    folders = [INSTANCES, *(task.column for task in job.tasks)]
    return [layout.cell_mask(mpp, job.tissue_id, folder) for mpp in _mask_mpps(job) for folder in folders]


def _mask_mpps(job: CellsJob) -> list[float]:
    mpps = {mpp for _, mpp in job.images}
    return sorted({min(mpps), *(mpps & {COARSE_MPP})})


def _write_encoders(layout: Layout, jobs: Sequence[CellsJob], tasks: Sequence[CellTask]) -> None:
    for mpp in sorted({mpp for job in jobs for mpp in _mask_mpps(job)}):
        for task in tasks:
            classes = as_table({"name": text_column(task.names), "id": int_column(range(len(task.names)))})
            write_table(layout.label_encoder(mpp, task.column), classes)


def _remove_old_tasks(layout: Layout, ledger: Ledger, tasks: Sequence[CellTask]) -> None:
    """Take away task masks of former runs that nobody asks for any more; those that others made stay."""
    made = set(ledger.entries.get("cells-tasks", "").split())
    now = {task.column for task in tasks}
    for task in sorted(made - now):
        for mpp in layout.find_mask_resolutions():
            remove(layout.cell_masks(mpp, task))
    ledger.record([("cells-tasks", " ".join(sorted(now)))])


def _table_print(layout: Layout, parts: Sequence[Path]) -> str:
    return fingerprint([(part.name, seal_table(part)) for part in parts], seal_table(layout.cells_table))


def _rows_without_mask(annotations: Mapping[str, Path], masks: Collection[str]) -> dict[str, int]:
    """Rows of the table by tissue, where nothing says which pixels they are about."""
    return {
        tissue: pq.read_metadata(path).num_rows for tissue, path in sorted(annotations.items()) if tissue not in masks
    }


def _without_mask(tissue_id: str, rows: int) -> Outcome:
    problem = Problem(
        "W-CELLS-048",
        f"{rows} cells of the table are of this tissue, which has no cell mask: they are not in the dataset.",
        "give its mask in the column cell_mask, or run `spora-build segment` and convert again.",
        Place(file=tissue_id),
    )
    return Outcome(tissue_id, STAGE, Status.SKIPPED, (problem,))


def _killed(job: CellsJob, error: EnvironmentFaultError) -> CellsOutcome:
    failed = Outcome(job.tissue_id, STAGE, Status.FAILED, error.problems)
    return CellsOutcome(failed, Reconciliation(job.tissue_id))
