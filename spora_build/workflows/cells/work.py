"""The cells of one tissue: a label mask in; masks, measurements and rows of cells.parquet out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from spora_build.errors import Place, Problem
from spora_build.model.geometry import Size, rescaled_size
from spora_build.model.report import Outcome, Status
from spora_build.pixels.nearest import nearest_of_bands
from spora_build.pixels.numbering import Numbering, number_cells
from spora_build.store.image import open_image
from spora_build.store.layout import Layout
from spora_build.store.mask import read_mask_header, write_mask_bands
from spora_build.store.mask_bands import read_mask_bands
from spora_build.workflows.cells.annotations import join_annotations
from spora_build.workflows.cells.by_centre import Grid
from spora_build.workflows.cells.intensities import measure_intensities
from spora_build.workflows.cells.jobs import CellsInput, CellsJob, CellsOutcome, Reconciliation
from spora_build.workflows.cells.mask_file import CellMaskFile, open_cell_mask
from spora_build.workflows.cells.mask_fit import doubts, fit_cell_mask, refuse_what_are_no_cells
from spora_build.workflows.cells.part import write_part
from spora_build.workflows.dataset.sizes import array_bytes
from spora_build.workflows.planning.cell_columns import CellTask
from spora_build.workflows.running.executors import PROCESS_BYTES
from spora_build.workflows.running.guard import guarded

STAGE = "cells"
COARSE_MPP = 1.0
"""Besides the finest, cell masks are kept where tissues are compared and trained on."""


_HELD_BYTES = 600_000_000
"""Bands of labels and pixels, and what is known of each of some millions of cells."""


def cells_need(job: CellsJob) -> int:
    """Bytes of memory that a job may take."""
    return PROCESS_BYTES + _HELD_BYTES + array_bytes(job.source.mask)


def cells_one(job: CellsJob) -> CellsOutcome:
    """Make everything about a tissue's cells; every error becomes part of the outcome."""
    result = guarded(job.tissue_id, STAGE, lambda: _cells(job))
    if isinstance(result, Outcome):
        return CellsOutcome(result, Reconciliation(job.tissue_id))
    return result


def grids_of(job: CellsJob) -> dict[float, Size]:
    """Size of the tissue's stored images at each mpp, finest first. Raises InvalidDataError."""
    layout = Layout(job.root)
    grids: dict[float, Size] = {}
    for modality, mpp in sorted(job.images, key=lambda image: image[1]):
        grids.setdefault(mpp, open_image(layout.image(modality, mpp, job.tissue_id)).size)
    return grids


def _cells(job: CellsJob) -> CellsOutcome:
    layout = Layout(job.root)
    place = Place(file=job.source.shown_name, column="cell_mask")
    grids = grids_of(job)
    finest, size = next(iter(grids.items()))
    with open_cell_mask(job.source.mask, job.source.shown_name, job.rules, _drawn_on(job.source)) as mask:
        problems = list(mask.problems)
        all_grids = {**dict(job.source.natives), **grids}
        mpp = fit_cell_mask(mask.size, all_grids, (finest, size), job.source.mask_mpp, place)
        cells = number_cells(_at(mask, mpp, finest, size), size.width, split=job.rules.split_components)
        refuse_what_are_no_cells(cells, place)
        problems += doubts(cells, size.height * size.width, place)
        path = layout.cell_mask(finest, job.tissue_id)
        if not (job.source.mask == path and cells.is_original and read_mask_header(path)[1] == cells.dtype):
            bands = cells.bands(_at(mask, mpp, finest, size), size.width)
            write_mask_bands(path, (size.height, size.width), cells.dtype, bands)
    columns, found = join_annotations(job, cells, Grid(finest, size, mpp))
    problems += found.problems
    for task in job.tasks:
        _write_task(job, task, finest, size, columns[task.column])
    lost: dict[float, int] = {}
    if COARSE_MPP in grids and finest != COARSE_MPP:
        lost[COARSE_MPP] = _shrink(job, cells, finest, grids)
        for task in job.tasks:
            _write_task(job, task, COARSE_MPP, grids[COARSE_MPP], columns[task.column])
    intensities: dict[str, NDArray[np.float32]] = {}
    for modality, at, names in job.measured:
        means = measure_intensities(layout, job.tissue_id, modality, at, finest, size, len(cells))
        intensities |= dict(zip(names, means, strict=True))
    write_part(job, cells, finest, columns, intensities)
    problems += _loss(lost, len(cells), job.tissue_id)
    outcome = Outcome(job.tissue_id, STAGE, Status.DONE, tuple(problems), _detail(len(cells), found.counts, lost))
    return CellsOutcome(outcome, found.counts)


def _drawn_on(source: CellsInput) -> Size | None:
    """Size of the image that polygons lie on: the one the sheet gives the mask with, or that at the declared mpp."""
    if not source.natives:
        return None
    mpp, size = source.natives[0]
    return size if source.mask_mpp is None else rescaled_size(size, mpp, source.mask_mpp)


def _at(mask: CellMaskFile, mpp: float, finest: float, size: Size) -> Iterator[NDArray[np.uint32]]:
    if mask.size == size and mpp == finest:
        return mask.bands()
    return nearest_of_bands(mask.bands(), mask.size, finest / mpp, size)


def _shrink(job: CellsJob, cells: Numbering, finest: float, grids: Mapping[float, Size]) -> int:
    """Write the instance mask at 1.0 mpp; the number of cells that fell between its pixel centres."""
    layout, size = Layout(job.root), grids[COARSE_MPP]
    left = np.zeros(len(cells) + 1, bool)

    def bands() -> Iterator[NDArray[Any]]:
        fine = read_mask_bands(layout.cell_mask(finest, job.tissue_id))
        for band in nearest_of_bands(fine, grids[finest], COARSE_MPP / finest, size):
            left[band] = True
            yield band

    path = layout.cell_mask(COARSE_MPP, job.tissue_id)
    write_mask_bands(path, (size.height, size.width), cells.dtype, bands())
    return len(cells) - int(left[1:].sum())


def _write_task(job: CellsJob, task: CellTask, mpp: float, size: Size, values: pa.Array) -> None:
    """The category of each pixel's cell, from the instance mask at the same pixel size."""
    layout = Layout(job.root)
    dtype = np.dtype(task.dtype)
    ids = {name: at for at, name in enumerate(task.names)}
    encoded = values.dictionary_encode()
    of_name = np.array([ids[name] for name in encoded.dictionary.to_pylist()] + [0], dtype)
    of_cell = np.zeros(len(values) + 1, dtype)
    of_cell[1:] = of_name[encoded.indices.fill_null(len(of_name) - 1).to_numpy(zero_copy_only=False)]
    bands = (of_cell[band] for band in read_mask_bands(layout.cell_mask(mpp, job.tissue_id)))
    write_mask_bands(layout.cell_mask(mpp, job.tissue_id, task.column), (size.height, size.width), dtype, bands)


def _loss(lost: Mapping[float, int], count: int, tissue_id: str) -> list[Problem]:
    return [
        Problem(
            "N-CELLS-030",
            f"{gone} of {count} cells are too small for a pixel of {mpp:g} µm and are not in the mask there.",
            "nothing to do: they are whole in the mask at the finest pixel size.",
            Place(file=tissue_id),
        )
        for mpp, gone in lost.items()
        if gone
    ]


def _detail(count: int, found: Reconciliation, lost: Mapping[float, int]) -> str:
    words = [f"{count} cells"]
    if found.both or found.table_only:
        words.append(
            f"{found.both} annotated, {found.mask_only} only in the mask, {found.table_only} only in the table"
        )
    words += [f"{gone} lost at {mpp:g} µm" for mpp, gone in lost.items() if gone]
    return "; ".join(words)
