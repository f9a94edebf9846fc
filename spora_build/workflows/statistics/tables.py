"""The tables of standardization, written by the parent once every tissue has been counted."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spora_build.model.modality import Modality
from spora_build.pixels.fine_counts import quantile_in_bins, recipe_bins
from spora_build.pixels.histogram import coarse_bins, coarse_row
from spora_build.pixels.moments import Moments
from spora_build.pixels.quantile import quantile_of_counts
from spora_build.pixels.standardize import METHODS, Recipe, Sample, clipped_moments
from spora_build.store.atomic import write_beside
from spora_build.store.columns import float_column, text_column
from spora_build.store.layout import Layout
from spora_build.store.pandas_schema import as_table
from spora_build.store.tables import table_bytes
from spora_build.workflows.statistics.jobs import Cohort, TissueMeasurement
from spora_build.workflows.statistics.scratch import Counts, read_coarse, read_samples

Bounds = tuple[float | None, float]
"""Lower and upper quantile of one channel; the lower None where the recipe asks for none."""


class _Summary:
    """Means and deviations by one method: of each tissue, and of all that have finite ones together."""

    def __init__(self, cohort: Cohort) -> None:
        self.cohort = cohort
        self.means: list[NDArray[np.float64]] = []
        self.stds: list[NDArray[np.float64]] = []
        self.whole = dict.fromkeys(cohort.panel, Moments())

    def add(self, channel_names: Sequence[str], moments: Sequence[Moments]) -> None:
        """Add the next tissue."""
        self.means.append(np.array([_mean(own) for own in moments]))
        self.stds.append(np.array([own.std for own in moments]))
        for name, own in zip(channel_names, moments, strict=True):
            if math.isfinite(own.mean) and math.isfinite(own.squares):
                self.whole[name] = self.whole[name].merge(own)

    def tables(self) -> dict[str, bytes]:
        """By file name."""
        return {
            "global_level_means": _cohort_table(self.cohort, [_mean(own) for own in self.whole.values()]),
            "global_level_stds": _cohort_table(self.cohort, [own.std for own in self.whole.values()]),
            "image_level_means": _tissue_table(self.cohort, self.means),
            "image_level_stds": _tissue_table(self.cohort, self.stds),
        }


def write_statistics(layout: Layout, modality: Modality, mpp: float, cohort: Cohort) -> list[Path]:
    """Write the folders of both methods and of image-level and cohort-level quantiles; returns the tables' paths.

    Every tissue of floats must have had its second look. The image-level folder exists under both names in use, with
    the same bytes. A lower-quantile table is written only where the recipe has a lower quantile, since the reader clips
    by it wherever it finds one.
    """
    image_bounds, image_summaries, cohort_bounds = _look_at_tissues(cohort)
    of_cohort = _quantile_tables(
        "global", cohort, [_cohort_table(cohort, [b[at] for b in cohort_bounds.values()]) for at in (0, 1)]
    )
    of_image = _quantile_tables(
        "image", cohort, [_tissue_table(cohort, [[b[at] for b in row] for row in image_bounds]) for at in (0, 1)]
    )
    levels = (
        # the reader clips by the image level where it finds both; the cohort's are there to be known
        (of_image | of_cohort, cohort.recipe.image_specs, image_summaries),
        (of_cohort, (cohort.recipe.global_spec,), _summaries_within(cohort, cohort_bounds)),
    )
    written = []
    for quantiles, specs, summaries in levels:
        for method, summary in summaries.items():
            tables = quantiles | summary.tables()
            for spec in specs:
                folder = layout.standardization(modality, mpp, method, spec)
                with write_beside(folder, folder=True) as beside:  # means of one cohort never stand by stds of another
                    for name, content in sorted(tables.items()):
                        (beside / f"{name}.parquet").write_bytes(content)
                        written.append(folder / f"{name}.parquet")
    return written


def _quantile_tables(level: str, cohort: Cohort, both: Sequence[bytes]) -> dict[str, bytes]:
    """The upper quantiles of a level by file name, and the lower ones where the recipe has any."""
    lower, upper = both
    tables = {f"{level}_level_upper_quantiles": upper}
    return tables if cohort.recipe.lower is None else {f"{level}_level_lower_quantiles": lower, **tables}


def _look_at_tissues(cohort: Cohort) -> tuple[list[list[Bounds]], dict[str, _Summary], dict[str, Bounds]]:
    """Per tissue the bounds of its channels, by method the moments within them, and by channel the cohort's bounds.

    The latter are quantiles over all tissues together, as numpy has them for the pixels in one array.
    """
    bins = {name: recipe_bins(row, cohort.recipe) for name, row in zip(cohort.panel, cohort.coarse, strict=True)}
    kind = np.float32 if cohort.is_float else np.float64
    found: dict[str, Counts] = dict.fromkeys(cohort.panel, (np.empty(0, kind), np.empty(0, np.int64)))
    bounds = []
    summaries = {method: _Summary(cohort) for method in METHODS}
    for measurement in cohort.measurements:
        samples = read_samples(measurement)
        bounds.append(_tissue_bounds(measurement, samples, cohort.recipe))
        _summarise(summaries, measurement, samples, bounds[-1])
        for name, sample in zip(measurement.job.channel_names, samples, strict=True):
            inside = np.isin(coarse_bins(sample.values), bins[name])
            found[name] = _added(found[name], (sample.values[inside].astype(kind), sample.counts[inside]))
    of_cohort = {
        name: _bounds(cohort.recipe, partial(quantile_in_bins, coarse, *found[name]))
        for name, coarse in zip(cohort.panel, cohort.coarse, strict=True)
    }
    return bounds, summaries, of_cohort


def _tissue_bounds(measurement: TissueMeasurement, samples: Sequence[Sample], recipe: Recipe) -> list[Bounds]:
    coarse = read_coarse(measurement) if any(measurement.is_coarse) else []
    return [
        _bounds(
            recipe,
            partial(quantile_in_bins, coarse_row(*coarse[at]), sample.values, sample.counts)
            if is_coarse
            else partial(quantile_of_counts, sample.values, sample.counts),
        )
        for at, (sample, is_coarse) in enumerate(zip(samples, measurement.is_coarse, strict=True))
    ]


def _bounds(recipe: Recipe, quantile: Callable[[float], float]) -> Bounds:
    return (None if recipe.lower is None else quantile(recipe.lower), quantile(recipe.upper))


def _added(one: Counts, other: Counts) -> Counts:
    values, inverse = np.unique(np.concatenate([one[0], other[0]]), return_inverse=True)
    counts = np.zeros(len(values), np.int64)
    np.add.at(counts, inverse, np.concatenate([one[1], other[1]]))
    return values, counts


def _summaries_within(cohort: Cohort, bounds: Mapping[str, Bounds]) -> dict[str, _Summary]:
    """By method, within bounds that all tissues share."""
    summaries = {method: _Summary(cohort) for method in METHODS}
    for measurement in cohort.measurements:
        shared = [bounds[name] for name in measurement.job.channel_names]
        _summarise(summaries, measurement, read_samples(measurement), shared)
    return summaries


def _summarise(
    summaries: Mapping[str, _Summary],
    measurement: TissueMeasurement,
    samples: Sequence[Sample],
    bounds: Sequence[Bounds],
) -> None:
    for method, summary in summaries.items():
        moments = [clipped_moments(sample, *own, method) for sample, own in zip(samples, bounds, strict=True)]
        summary.add(measurement.job.channel_names, moments)


def _mean(moments: Moments) -> float:
    return moments.mean if moments.count else math.nan


def _cohort_table(cohort: Cohort, row: Sequence[float | None]) -> bytes:
    """One row, a float column per channel of the panel, no index."""
    columns = {name: float_column([value]) for name, value in zip(cohort.panel, row, strict=True)}
    return table_bytes(as_table(columns))


def _tissue_table(cohort: Cohort, rows: Sequence[Sequence[float | None] | NDArray[np.float64]]) -> bytes:
    """Index tissue_id, a float column per channel of the panel; NaN where a tissue lacks the channel."""
    place = {name: at for at, name in enumerate(cohort.panel)}
    table: NDArray[np.float64] = np.full((len(rows), len(place)), np.nan)
    for at, (measurement, row) in enumerate(zip(cohort.measurements, rows, strict=True)):
        table[at, [place[name] for name in measurement.job.channel_names]] = np.array(row, np.float64)
    columns = {name: float_column(table[:, at]) for name, at in place.items()}
    ids = text_column(m.tissue_id for m in cohort.measurements)
    return table_bytes(as_table(columns, index=("tissue_id", ids)))
