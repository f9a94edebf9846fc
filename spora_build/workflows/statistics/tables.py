"""The tables of standardization, written by the parent once every tissue has been counted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from spora_build.model.modality import Modality
from spora_build.pixels.fine_counts import quantile_in_bins, recipe_bins
from spora_build.pixels.histogram import keys_of
from spora_build.pixels.moments import Moments, merged
from spora_build.pixels.standardize import METHODS, Recipe, Sample, clipped_moments
from spora_build.store.atomic import write_beside
from spora_build.store.columns import float_column, text_column
from spora_build.store.layout import Layout
from spora_build.store.pandas_schema import as_table
from spora_build.store.tables import write_table
from spora_build.workflows.statistics.jobs import Cohort, TissueMeasurement
from spora_build.workflows.statistics.scratch import Counts, read_coarse, read_samples

Bounds = tuple[float | None, float]
"""Lower and upper quantile of one channel; the lower None where the recipe asks for none."""


def write_statistics(layout: Layout, modality: Modality, mpp: float, cohort: Cohort) -> list[Path]:
    """Write the folders of both methods and of image-level and cohort-level quantiles; returns the tables' paths.

    Every tissue of floats must have had its second look. The image-level folder exists under both names in use, with
    the same bytes. A lower-quantile table is written only where the recipe has a lower quantile, since the reader clips
    by it wherever it finds one.
    """
    image_bounds = [_tissue_bounds(measurement, cohort.recipe) for measurement in cohort.measurements]
    cohort_bounds = dict(zip(cohort.panel, _cohort_bounds(cohort), strict=True))
    shared = [[cohort_bounds[name] for name in m.job.channel_names] for m in cohort.measurements]
    of_cohort = _quantile_tables(
        "global", cohort, [_cohort_table(cohort, [b[at] for b in cohort_bounds.values()]) for at in (0, 1)]
    )
    of_image = _quantile_tables(
        "image", cohort, [_tissue_table(cohort, [[b[at] for b in row] for row in image_bounds]) for at in (0, 1)]
    )
    levels = (
        # the reader clips by the image level where it finds both; the cohort's are there to be known
        (of_image | of_cohort, cohort.recipe.image_specs, image_bounds),
        (of_cohort, (cohort.recipe.global_spec,), shared),
    )
    written = []
    for quantiles, specs, bounds in levels:
        moments = _moments(cohort, bounds)
        for at, method in enumerate(METHODS):
            tables = quantiles | _moment_tables(cohort, moments[at])
            for spec in specs:
                folder = layout.standardization(modality, mpp, method, spec)
                with write_beside(folder, folder=True) as beside:  # means of one cohort never stand by stds of another
                    for name, table in sorted(tables.items()):
                        write_table(beside / f"{name}.parquet", table)
                        written.append(folder / f"{name}.parquet")
    return written


def _quantile_tables(level: str, cohort: Cohort, both: Sequence[pa.Table]) -> dict[str, pa.Table]:
    """The upper quantiles of a level by file name, and the lower ones where the recipe has any."""
    lower, upper = both
    tables = {f"{level}_level_upper_quantiles": upper}
    return tables if cohort.recipe.lower is None else {f"{level}_level_lower_quantiles": lower, **tables}


def _tissue_bounds(measurement: TissueMeasurement, recipe: Recipe) -> list[Bounds]:
    samples, coarse = read_samples(measurement), read_coarse(measurement)

    def quantile(at: int, q: float) -> float:
        return quantile_in_bins(coarse[at], samples[at].values, samples[at].counts, q)

    lower = recipe.lower
    return [(None if lower is None else quantile(at, lower), quantile(at, recipe.upper)) for at in range(len(samples))]


def _cohort_bounds(cohort: Cohort) -> list[Bounds]:
    """Quantiles of each panel channel over all tissues together, as numpy has them for the pixels in one array."""
    place = {name: at for at, name in enumerate(cohort.panel)}
    bins = [recipe_bins(row, cohort.recipe) for row in cohort.coarse]
    kind = np.float32 if cohort.is_float else np.float64
    found: list[Counts] = [(np.empty(0, kind), np.empty(0, np.int64)) for _ in cohort.panel]
    for measurement in cohort.measurements:
        for name, sample in zip(measurement.job.channel_names, read_samples(measurement), strict=True):
            at = place[name]
            inside = np.isin(keys_of(sample.values.astype(np.float32)) >> 16, bins[at])
            found[at] = _added(found[at], (sample.values[inside].astype(kind), sample.counts[inside]))
    return [
        (
            None if cohort.recipe.lower is None else quantile_in_bins(coarse, values, counts, cohort.recipe.lower),
            quantile_in_bins(coarse, values, counts, cohort.recipe.upper),
        )
        for coarse, (values, counts) in zip(cohort.coarse, found, strict=True)
    ]


def _added(one: Counts, other: Counts) -> Counts:
    values, inverse = np.unique(np.concatenate([one[0], other[0]]), return_inverse=True)
    counts = np.zeros(len(values), np.int64)
    np.add.at(counts, inverse, np.concatenate([one[1], other[1]]))
    return values, counts


def _moments(cohort: Cohort, bounds: Sequence[Sequence[Bounds]]) -> list[list[list[Moments]]]:
    """Per method, tissue and channel of the tissue."""
    found: list[list[list[Moments]]] = [[] for _ in METHODS]
    for measurement, own in zip(cohort.measurements, bounds, strict=True):
        samples: list[Sample] = read_samples(measurement)
        for at, method in enumerate(METHODS):
            found[at].append([clipped_moments(s, *b, method) for s, b in zip(samples, own, strict=True)])
    return found


def _moment_tables(cohort: Cohort, moments: Sequence[Sequence[Moments]]) -> dict[str, pa.Table]:
    """Means and deviations per tissue and over all; a tissue whose moments are not finite is left out of the latter."""
    of_channel: dict[str, list[Moments]] = {name: [] for name in cohort.panel}
    for measurement, row in zip(cohort.measurements, moments, strict=True):
        for name, own in zip(measurement.job.channel_names, row, strict=True):
            if math.isfinite(own.mean) and math.isfinite(own.squares):
                of_channel[name].append(own)
    whole = [merged(parts) for parts in of_channel.values()]
    return {
        "global_level_means": _cohort_table(cohort, [_mean(m) for m in whole]),
        "global_level_stds": _cohort_table(cohort, [m.std for m in whole]),
        "image_level_means": _tissue_table(cohort, [[_mean(m) for m in row] for row in moments]),
        "image_level_stds": _tissue_table(cohort, [[m.std for m in row] for row in moments]),
    }


def _mean(moments: Moments) -> float:
    return moments.mean if moments.count else math.nan


def _cohort_table(cohort: Cohort, row: Sequence[float | None]) -> pa.Table:
    """One row, a float column per channel of the panel, no index."""
    return as_table({name: float_column([value]) for name, value in zip(cohort.panel, row, strict=True)})


def _tissue_table(cohort: Cohort, rows: Sequence[Sequence[float | None]]) -> pa.Table:
    """Index tissue_id, a float column per channel of the panel; NaN where a tissue lacks the channel."""
    place = {name: at for at, name in enumerate(cohort.panel)}
    table: NDArray[np.float64] = np.full((len(rows), len(place)), np.nan)
    for at, (measurement, row) in enumerate(zip(cohort.measurements, rows, strict=True)):
        table[at, [place[name] for name in measurement.job.channel_names]] = np.array(row, np.float64)
    columns = {name: float_column(table[:, at]) for name, at in place.items()}
    return as_table(columns, index=("tissue_id", text_column(m.tissue_id for m in cohort.measurements)))
