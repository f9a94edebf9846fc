"""The counts that the standardization stage keeps in the private folder: one or two files per tissue.

Statistics by another recipe come from them without a look at the pixels, as long as image and mask stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import InvalidDataError
from spora_build.pixels.histogram import coarse_bins
from spora_build.pixels.moments import Moments
from spora_build.pixels.standardize import Gap, Sample
from spora_build.store.arrays import read_arrays, write_arrays
from spora_build.store.ledger import fingerprint
from spora_build.workflows.statistics.jobs import RefineJob, StatsJob, TissueMeasurement

Counts = tuple[NDArray[Any], NDArray[np.int64]]
"""Distinct values (or coarse bins) of one channel, ascending, and how often each occurs."""


def write_counts(measurement: TissueMeasurement, channels: Sequence[Counts]) -> None:
    """Keep what the first look counted: values, or coarse bins where the measurement says so."""
    job = measurement.job
    _forget(job, "counts")
    small = {
        "is_float": np.array([measurement.is_float]),
        "is_coarse": np.array(measurement.is_coarse),
        "pixel_count": np.array([measurement.pixel_count]),
        "empty": np.array(measurement.empty),
    }
    write_arrays(_counts_path(job), {**small, **_packed(channels)})


def find_measurement(job: StatsJob) -> TissueMeasurement | None:
    """What an earlier run found of the same pixels; None where it left nothing that can be read."""
    path = _counts_path(job)
    if not job.token or not path.exists():
        return None
    try:
        small = read_arrays(path)
        found = {name: tuple(small[name].tolist()) for name in ("is_float", "is_coarse", "pixel_count", "empty")}
    except (InvalidDataError, KeyError):
        return None
    if not len(found["is_coarse"]) == len(found["empty"]) == len(small["ends"]) == len(job.channel_names):
        return None
    return TissueMeasurement(job, found["is_float"][0], found["is_coarse"], found["pixel_count"][0], found["empty"])


def read_coarse(measurement: TissueMeasurement) -> list[Counts]:
    """Coarse bins of each channel, in which a bin may come several times, from the first look."""
    channels = _unpacked(read_arrays(_counts_path(measurement.job)))
    return [
        (values.astype(np.int64) if is_coarse else coarse_bins(values), counts)
        for (values, counts), is_coarse in zip(channels, measurement.is_coarse, strict=True)
    ]


def write_samples(job: RefineJob, samples: Sequence[Sample]) -> None:
    """Keep what the second look found in each channel."""
    source = job.measurement.job
    _forget(source, "samples")
    gaps = [
        (at, g.low, g.high, g.plain.count, g.plain.mean, g.plain.squares, g.log.mean, g.log.squares)
        for at, sample in enumerate(samples)
        for g in sample.gaps
    ]
    packed = _packed([(sample.values, sample.counts) for sample in samples])
    made_for = np.frombuffer(bytes.fromhex(_purpose(job)), np.uint8)
    write_arrays(_samples_path(source), {**packed, "gaps": np.array(gaps, np.float64).ravel(), "made_for": made_for})


def has_samples(job: RefineJob) -> bool:
    """Whether an earlier run left what this second look would find."""
    path = _samples_path(job.measurement.job)
    if not job.measurement.job.token or not path.exists():
        return False
    try:
        return read_arrays(path)["made_for"].tobytes() == bytes.fromhex(_purpose(job))
    except (InvalidDataError, KeyError):
        return False


def read_samples(measurement: TissueMeasurement) -> list[Sample]:
    """The sample of each channel: from the first look, or from the second where that was coarse."""
    first = _unpacked(read_arrays(_counts_path(measurement.job)))
    kind = np.float32 if measurement.is_float else None
    exact = [Sample(values if kind is None else values.astype(kind), counts) for values, counts in first]
    if not any(measurement.is_coarse):
        return exact
    arrays = read_arrays(_samples_path(measurement.job))
    gaps: list[list[Gap]] = [[] for _ in measurement.job.channel_names]
    for at, low, high, count, mean, squares, log_mean, log_squares in arrays["gaps"].reshape(-1, 8).tolist():
        plain, log = Moments(int(count), mean, squares), Moments(int(count), log_mean, log_squares)
        gaps[int(at)].append(Gap(low, high, plain, log))
    refined = [Sample(*counts, tuple(own)) for counts, own in zip(_unpacked(arrays), gaps, strict=True)]
    return [
        fine if is_coarse else one for one, fine, is_coarse in zip(exact, refined, measurement.is_coarse, strict=True)
    ]


def _purpose(job: RefineJob) -> str:
    return fingerprint(job.recipe, job.cohort_bins)


def _forget(job: StatsJob, what: str) -> None:
    for path in job.kept.glob(f"{job.tissue_id}.*{what}.npz"):
        path.unlink(missing_ok=True)


def _packed(channels: Sequence[Counts]) -> dict[str, NDArray[Any]]:
    """Counts of all channels, one after the other, in the smallest type that holds them."""
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
    return job.kept / f"{job.tissue_id}.{job.token}.counts.npz"


def _samples_path(job: StatsJob) -> Path:
    return job.kept / f"{job.tissue_id}.{job.token}.samples.npz"
