"""The counts that the standardization stage keeps on disk while it runs: one or two files per tissue."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.pixels.histogram import coarse_counts, coarse_of
from spora_build.pixels.moments import Moments
from spora_build.pixels.standardize import Gap, Sample
from spora_build.store.arrays import read_arrays, write_arrays
from spora_build.workflows.stats_jobs import StatsJob, TissueMeasurement

Counts = tuple[NDArray[Any], NDArray[np.int64]]
"""Distinct values (or coarse bins) of one channel, ascending, and how often each occurs."""


def write_counts(job: StatsJob, channels: Sequence[Counts]) -> None:
    """Keep what the first look counted: values of integers, coarse bins of floats."""
    write_arrays(_counts_path(job), _packed(channels))


def read_coarse(measurement: TissueMeasurement) -> NDArray[np.int64]:
    """Coarse counts of each channel, (C, 65536), from the first look."""
    channels = _unpacked(read_arrays(_counts_path(measurement.job)))
    coarse = coarse_counts(len(channels))
    for row, (values, counts) in zip(coarse, channels, strict=True):
        if measurement.is_float:
            row[values] = counts
        else:
            row[:] = coarse_of(values, counts)
    return coarse


def write_samples(job: StatsJob, samples: Sequence[Sample]) -> None:
    """Keep what the second look found in each channel."""
    gaps = [
        (at, g.low, g.high, g.plain.count, g.plain.mean, g.plain.squares, g.log.mean, g.log.squares)
        for at, sample in enumerate(samples)
        for g in sample.gaps
    ]
    packed = _packed([(sample.values, sample.counts) for sample in samples])
    write_arrays(_samples_path(job), {**packed, "gaps": np.array(gaps, np.float64).reshape(-1, 8)})


def read_samples(measurement: TissueMeasurement) -> list[Sample]:
    """The sample of each channel: of integers from the first look, of floats from the second."""
    if not measurement.is_float:
        return [Sample(*channel) for channel in _unpacked(read_arrays(_counts_path(measurement.job)))]
    arrays = read_arrays(_samples_path(measurement.job))
    gaps: list[list[Gap]] = [[] for _ in measurement.job.channel_names]
    for at, low, high, count, mean, squares, log_mean, log_squares in arrays["gaps"].tolist():
        plain, log = Moments(int(count), mean, squares), Moments(int(count), log_mean, log_squares)
        gaps[int(at)].append(Gap(low, high, plain, log))
    return [Sample(*counts, tuple(own)) for counts, own in zip(_unpacked(arrays), gaps, strict=True)]


def _packed(channels: Sequence[Counts]) -> dict[str, NDArray[Any]]:
    counts = np.concatenate([counts for _, counts in channels])
    smallest = np.min_scalar_type(int(counts.max(initial=0)))
    return {
        "ends": np.cumsum([len(values) for values, _ in channels]),
        "values": np.concatenate([values for values, _ in channels]),
        "counts": counts.astype(smallest),
    }


def _unpacked(arrays: dict[str, NDArray[Any]]) -> list[Counts]:
    ends = arrays["ends"][:-1]
    counts = np.split(arrays["counts"].astype(np.int64), ends)
    return list(zip(np.split(arrays["values"], ends), counts, strict=True))


def _counts_path(job: StatsJob) -> Path:
    return job.scratch / f"{job.tissue_id}.counts.npz"


def _samples_path(job: StatsJob) -> Path:
    return job.scratch / f"{job.tissue_id}.samples.npz"
