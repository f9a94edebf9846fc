"""The standardization stage: how often each value occurs in each tissue.

    jobs = plan_stats(layout, modality, mpp, kept)
    measurements = [measure_one(job) for job in jobs]           # in workers
    cohort = fold_measurements(panel, recipe, measurements)     # in the parent
    for job in plan_refinement(cohort):                         # in workers; none where pixels are integers
        refine_one(job)
    write_statistics(layout, modality, mpp, cohort)             # in the parent (module stats_tables)

Integers, and floats that are whole numbers, are counted value by value in one pass. Other floats need a second look at
the pixels once it is known, for the whole cohort, in which narrow ranges of values the quantiles lie. Counts are kept:
where image and mask stay as they are, another recipe needs no look at the pixels. Memory is that of one window and of
the counts of one tissue.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.model.geometry import Window
from spora_build.model.modality import Modality
from spora_build.pixels.fine_counts import FineCounter, recipe_bins
from spora_build.pixels.histogram import (
    ZERO_BIN,
    add_floats,
    add_values,
    coarse_counts,
    coarse_row,
    distinct,
    is_counted,
    value_counts,
)
from spora_build.pixels.standardize import Recipe
from spora_build.store.image import StoredImage, open_image
from spora_build.store.layout import Layout
from spora_build.store.mask import read_mask_header
from spora_build.store.mask_bands import read_mask_bands
from spora_build.store.pandas_schema import index_field
from spora_build.store.tables import read_table
from spora_build.workflows.dataset.outputs import image_state
from spora_build.workflows.running.executors import PROCESS_BYTES
from spora_build.workflows.running.free_memory import free_memory
from spora_build.workflows.statistics.jobs import Cohort, RefineJob, StatsJob, TissueMeasurement
from spora_build.workflows.statistics.scratch import (
    find_measurement,
    has_samples,
    read_coarse,
    write_counts,
    write_samples,
)

_WINDOW_BYTES = 4 << 20
_HELD_BYTES, _CHANNEL_BYTES = 100_000_000, 8 << 20
"""At most: windows and the mask's bands, and the counts of each channel."""


def plan_stats(
    layout: Layout, modality: Modality, mpp: float, kept: Path, tissues: Collection[str] | None = None
) -> list[StatsJob]:
    """One job per image of the modality at ``mpp``, sorted by tissue; channels as channels_per_tissue.parquet has them.

    ``tissues``: the cohort, None for every image there is. Raises InvalidDataError where the table does not name one.
    """
    measured = read_measured_channels(layout, modality)
    jobs = []
    for tissue_id in layout.find_images(modality, mpp):
        if tissues is not None and tissue_id not in tissues:
            continue
        if tissue_id not in measured:
            raise InvalidDataError(
                Problem(
                    "E-STATS-003",
                    "an image has no row in this table, so its channels have no names.",
                    "run `spora-build convert` again for this tissue.",
                    Place(file=f"{modality.folder}/{layout.channels_per_tissue_table(modality).name}"),
                )
            )
        jobs.append(stats_job(layout, modality, mpp, tissue_id, measured[tissue_id], kept))
    return jobs


def stats_job(
    layout: Layout, modality: Modality, mpp: float, tissue_id: str, channel_names: Sequence[str], kept: Path
) -> StatsJob:
    """The job of one tissue whose channels are known, for a dataset that has no tables yet."""
    image, mask = layout.image(modality, mpp, tissue_id), layout.tissue_mask(mpp, tissue_id)
    return StatsJob(tissue_id, tuple(channel_names), image, mask, kept)


def read_measured_channels(layout: Layout, modality: Modality) -> dict[str, tuple[str, ...]]:
    """Channels of each tissue, in panel order, from channels_per_tissue.parquet. Raises InvalidDataError."""
    table = read_table(layout.channels_per_tissue_table(modality))
    columns = table.to_pydict()
    tissues = columns.pop(index_field(table) or "tissue_id", ())
    return {
        str(tissue): tuple(name for name, measured in columns.items() if measured[row])
        for row, tissue in enumerate(tissues)
    }


def measure_one(job: StatsJob) -> TissueMeasurement:
    """Count the values of a tissue's masked pixels, or find what an earlier run counted; the counts stay on disk.

    Raises InvalidDataError where image and mask do not fit each other, the pixels are of a type that is not counted, or
    the image has changed meanwhile.
    """
    kept = find_measurement(job)
    if kept is not None:
        return kept
    image = _open(job)
    channels = image.channel_count
    is_float = not is_counted(image.dtype)
    counts = coarse_counts(channels) if is_float else value_counts(channels, image.dtype)
    is_coarse = np.zeros(channels, bool)
    pixel_count = 0
    for pixels, mask in _windows(image, job):
        if is_float:
            add_floats(counts, is_coarse, pixels, mask)
        else:
            add_values(counts, pixels, mask, compiled=job.compiled)
        pixel_count += int(np.count_nonzero(mask))
    rows = [distinct(row, np.dtype(np.uint16) if is_float else image.dtype) for row in counts]
    empty = [
        not np.delete(row, ZERO_BIN).any() if coarse else not values.any()
        for row, (values, _), coarse in zip(counts, rows, is_coarse, strict=True)
    ]
    found = TissueMeasurement(job, is_float, tuple(is_coarse.tolist()), pixel_count, tuple(empty))
    _refuse_changed(job)
    write_counts(found, rows)
    free_memory()
    return found


def stats_need(job: StatsJob) -> int:
    """Bytes of memory that either look at a tissue may take."""
    return PROCESS_BYTES + _HELD_BYTES + len(job.channel_names) * _CHANNEL_BYTES


def empty_channels(panel: Sequence[str], measurements: Sequence[TissueMeasurement]) -> tuple[str, ...]:
    """Channels of the panel that were measured somewhere and are zero in every masked pixel of every tissue."""
    measured = {name for m in measurements for name in m.job.channel_names}
    filled = {name for m in measurements for name, empty in zip(m.job.channel_names, m.empty, strict=True) if not empty}
    return tuple(name for name in panel if name in measured - filled)


def fold_measurements(panel: Sequence[str], recipe: Recipe, measurements: Sequence[TissueMeasurement]) -> Cohort:
    """Add up what the first look found. Holds the counts of one tissue at a time beside the sum."""
    place = {name: at for at, name in enumerate(panel)}
    coarse = coarse_counts(len(place))
    in_order = tuple(sorted(measurements, key=lambda m: m.tissue_id))
    for measurement in in_order:
        for name, (bins, counts) in zip(measurement.job.channel_names, read_coarse(measurement), strict=True):
            np.add.at(coarse[place[name]], bins, counts)
    return Cohort(tuple(panel), recipe, in_order, coarse)


def plan_refinement(cohort: Cohort) -> list[RefineJob]:
    """A second look for each tissue with floats that are no whole numbers, sorted by tissue."""
    bins = {name: recipe_bins(row, cohort.recipe) for name, row in zip(cohort.panel, cohort.coarse, strict=True)}
    return [
        RefineJob(m, cohort.recipe, tuple(bins[name] for name in m.job.channel_names))
        for m in cohort.measurements
        if any(m.is_coarse)
    ]


def refine_one(job: RefineJob) -> str:
    """Count a tissue's pixels finely where its own and the cohort's quantiles lie; returns the tissue's id."""
    source = job.measurement.job
    if has_samples(job):
        return source.tissue_id
    coarse = [coarse_row(*counts) for counts in read_coarse(job.measurement)]
    bins = [{*own, *recipe_bins(row, job.recipe)} for own, row in zip(job.cohort_bins, coarse, strict=True)]
    counter = FineCounter(bins, from_zero=job.recipe.lower is None)
    for pixels, mask in _windows(_open(source), source):
        counter.add(pixels, mask)
    _refuse_changed(source)
    write_samples(job, [counter.sample(at, row) for at, row in enumerate(coarse)])
    return source.tissue_id


def _open(job: StatsJob) -> StoredImage:
    """The image, once it is certain that it can be counted under its mask."""
    image = open_image(job.image_path)
    shape, _ = read_mask_header(job.mask_path)
    if not is_counted(image.dtype) and image.dtype != np.float32:
        raise _misfit(
            "E-STATS-004",
            f"pixels of type {image.dtype} are not standardized.",
            "convert the tissue from pixels of 8 or 16 bits or from float32.",
            job,
        )
    if image.channel_count != len(job.channel_names):
        raise _misfit(
            "E-STATS-005",
            f"the image has {image.channel_count} channels and the channel tables give it {len(job.channel_names)}.",
            "convert the tissue again.",
            job,
        )
    if shape != (image.size.height, image.size.width):
        raise _misfit(
            "E-STATS-006",
            f"the image has {image.size.height} × {image.size.width} pixels and its tissue mask has another shape.",
            "delete the mask and run `spora-build mask` again.",
            job,
        )
    return image


def _refuse_changed(job: StatsJob) -> None:
    """Before counts are kept: pieces that were taken away while they were read would count as zeros."""
    if job.state and image_state(job.image_path) != job.state:
        raise _misfit(
            "E-STATS-007",
            "the image changed while it was measured.",
            "run the same command again when nothing else changes the dataset.",
            job,
        )


def _misfit(code: str, what: str, remedy: str, job: StatsJob) -> InvalidDataError:
    return InvalidDataError(Problem(code, what, remedy, Place(file=job.image_path.name)))


def _windows(image: StoredImage, job: StatsJob) -> Iterator[tuple[NDArray[Any], NDArray[np.bool_]]]:
    """Pixels (C, h, w) and mask (h, w) of each window that holds tissue; each chunk of the image is decoded once."""
    block, every = image.block, range(image.channel_count)
    column_bytes = image.channel_count * block.height * block.width * image.dtype.itemsize
    width = block.width * max(1, _WINDOW_BYTES // column_bytes)
    row = 0
    for band in read_mask_bands(job.mask_path, block.height):
        for col in range(0, image.size.width, width):
            mask = np.ascontiguousarray(band[:, col : col + width] != 0)
            if mask.any():
                yield image.read(every, Window(row, col, *mask.shape)), mask
        row += len(band)
