"""The standardization stage with its memory: a cohort's tables are made again where a tissue of it changed."""

from __future__ import annotations

import tempfile
from pathlib import Path

from spora_build.errors import EnvironmentFaultError, SporaBuildError
from spora_build.model.modality import Modality
from spora_build.model.report import Outcome, Status
from spora_build.pixels.standardize import Recipe
from spora_build.store.layout import Layout
from spora_build.store.ledger import Ledger, fingerprint, fingerprint_file
from spora_build.store.tables import read_table
from spora_build.workflows.cohort import tissue_ids
from spora_build.workflows.guard import guarded
from spora_build.workflows.jobs import Existing, run_jobs
from spora_build.workflows.progress import ShowProgress, silent
from spora_build.workflows.stats import fold_measurements, measure_one, plan_refinement, plan_stats, refine_one
from spora_build.workflows.stats_jobs import RefineJob, StatsJob, TissueMeasurement
from spora_build.workflows.stats_tables import write_statistics

STAGE = "stats"
_WEIGHT = {Status.SKIPPED: 0, Status.DONE: 1, Status.FAILED: 2}
"""What a tissue's outcome is where its modalities and pixel sizes ended differently: the heaviest."""


def run_stats(
    layout: Layout,
    recipe: Recipe,
    *,
    workers: int = 1,
    existing: Existing = Existing.REFRESH,
    show_progress: ShowProgress = silent,
) -> list[Outcome]:
    """Compute the standardization of every multiplex modality at every pixel size; one outcome per tissue."""
    ledger = Ledger.load(layout.private)
    ends: dict[str, Outcome] = {}
    for modality in layout.find_modalities():
        if not modality.is_multiplex:
            continue
        for mpp in layout.find_resolutions(modality):
            outcomes = _one_cohort(layout, modality, mpp, recipe, ledger, workers, existing, show_progress)
            for outcome in outcomes:
                before = ends.get(outcome.tissue_id, outcome)
                ends[outcome.tissue_id] = max(before, outcome, key=lambda end: _WEIGHT[end.status])
    return [ends[tissue] for tissue in sorted(ends)]


def _one_cohort(
    layout: Layout,
    modality: Modality,
    mpp: float,
    recipe: Recipe,
    ledger: Ledger,
    workers: int,
    existing: Existing,
    show_progress: ShowProgress,
) -> list[Outcome]:
    """A cohort whose statistics lack one of its tissues would be wrong for all: a failure leaves the old tables."""
    known = tissue_ids(layout)
    with tempfile.TemporaryDirectory(prefix="spora-build-") as scratch:
        jobs = [job for job in plan_stats(layout, modality, mpp, Path(scratch)) if job.tissue_id in known]
        if not jobs:
            return []
        value = fingerprint(recipe, [(j.tissue_id, j.channel_names, _inputs(j)) for j in jobs])
        key = f"{STAGE}/{modality}/{mpp!r}/{recipe.global_spec}"
        if _is_current(layout, modality, mpp, recipe, ledger.matches(key, value), existing):
            return [Outcome(job.tissue_id, STAGE, Status.SKIPPED) for job in jobs]
        panel = [str(name) for name in read_table(layout.channels_table(modality))["channel_name"]]
        with show_progress(f"statistics {modality} {mpp:g} µm", len(jobs)) as bar:
            measured = run_jobs(
                _measure, jobs, workers=workers, on_killed=_lost_measure, on_result=lambda _: bar.advance()
            )
        failed = [result for result in measured if isinstance(result, Outcome)]
        if failed:
            return failed
        cohort = fold_measurements(panel, recipe, [m for m in measured if isinstance(m, TissueMeasurement)])
        refinement = plan_refinement(cohort)
        with show_progress(f"quantiles {modality} {mpp:g} µm", len(refinement)) as bar:
            refined = run_jobs(
                _refine, refinement, workers=workers, on_killed=_lost_refine, on_result=lambda _: bar.advance()
            )
        failed = [result for result in refined if isinstance(result, Outcome)]
        if failed:
            return failed
        write_statistics(layout, modality, mpp, cohort)
        ledger.record([(key, value)])
    return [Outcome(job.tissue_id, STAGE, Status.DONE) for job in jobs]


def _inputs(job: StatsJob) -> str:
    try:
        return fingerprint_file(job.image_path) + fingerprint_file(job.mask_path)
    except OSError:
        return "missing"


def _is_current(
    layout: Layout, modality: Modality, mpp: float, recipe: Recipe, matches: bool, existing: Existing
) -> bool:
    folder = layout.resolution(modality, mpp) / "standardization"
    specs = {*recipe.image_specs, recipe.global_spec}
    there = all(any(folder.glob(f"*/{spec}/global_level_stds.parquet")) for spec in specs)
    if not there or existing is Existing.OVERWRITE:
        return False
    return matches or existing is Existing.SKIP


def _measure(job: StatsJob) -> TissueMeasurement | Outcome:
    return guarded(job.tissue_id, STAGE, lambda: measure_one(job))


def _refine(job: RefineJob) -> str | Outcome:
    return guarded(job.measurement.tissue_id, STAGE, lambda: refine_one(job))


def _lost_measure(job: StatsJob, error: EnvironmentFaultError) -> TissueMeasurement | Outcome:
    return _lost(job.tissue_id, error)


def _lost_refine(job: RefineJob, error: EnvironmentFaultError) -> str | Outcome:
    return _lost(job.measurement.tissue_id, error)


def _lost(tissue_id: str, error: SporaBuildError) -> Outcome:
    return Outcome(tissue_id, STAGE, Status.FAILED, error.problems)
