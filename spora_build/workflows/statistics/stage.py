"""The standardization stage with its memory: a cohort's tables are made again where a tissue of it changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from spora_build.errors import EnvironmentFaultError, SporaBuildError
from spora_build.model.modality import Modality
from spora_build.model.report import Outcome, Status
from spora_build.pixels.histogram import WORTH_COMPILING
from spora_build.pixels.standardize import METHODS, Recipe
from spora_build.store.layout import Layout, resolution_folder
from spora_build.store.ledger import BEGUN, Ledger, fingerprint
from spora_build.store.seal import seal_table
from spora_build.store.tables import read_table
from spora_build.workflows.dataset.cohort import tissue_ids
from spora_build.workflows.dataset.hold import holding
from spora_build.workflows.dataset.outputs import image_print, image_state, mask_print
from spora_build.workflows.dataset.refuse import refuse_existing
from spora_build.workflows.dataset.sizes import image_values, largest_first
from spora_build.workflows.running.existing import Existing
from spora_build.workflows.running.guard import guarded
from spora_build.workflows.running.jobs import count_slots, run_jobs
from spora_build.workflows.running.progress import ShowProgress, silent
from spora_build.workflows.statistics.jobs import RefineJob, StatsJob, TissueMeasurement
from spora_build.workflows.statistics.tables import write_statistics
from spora_build.workflows.statistics.work import (
    fold_measurements,
    measure_one,
    plan_refinement,
    plan_stats,
    refine_one,
    stats_need,
)

STAGE = "stats"
_WEIGHT = {Status.SKIPPED: 0, Status.DONE: 1, Status.FAILED: 2}
"""What a tissue's outcome is where its modalities and pixel sizes ended differently: the heaviest."""


@holding
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
    multiplex = [modality for modality in layout.find_modalities() if modality.is_multiplex]
    cohorts = [(modality, mpp) for modality in multiplex for mpp in layout.find_resolutions(modality)]
    specs = sorted({*recipe.image_specs, recipe.global_spec})
    refuse_existing(
        existing,
        (layout.standardization(*cohort, method, spec) for cohort in cohorts for method in METHODS for spec in specs),
    )
    for modality, mpp in cohorts:
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
    """Statistics of the tissues that can be measured; of the others the outcomes say why they are left out."""
    kept = layout.private / "counts" / modality.name / resolution_folder(mpp)
    jobs = plan_stats(layout, modality, mpp, kept, tissue_ids(layout))
    if not jobs:
        return []
    panel = [str(name) for name in read_table(layout.channels_table(modality))["channel_name"].to_pylist()]
    jobs = [replace(job, state=image_state(job.image_path)) for job in jobs]
    inputs = {job.tissue_id: _inputs(layout, ledger, modality, mpp, job) for job in jobs}
    jobs = [replace(job, token=fingerprint(inputs[job.tissue_id], job.channel_names)) for job in jobs]
    key = f"{STAGE}/{modality}/{mpp!r}/{recipe.global_spec}"
    value = _value(layout, modality, mpp, recipe, panel, jobs, inputs)
    if _is_current(layout, modality, mpp, recipe, ledger.entries.get(key), value, existing):
        return [Outcome(job.tissue_id, STAGE, Status.SKIPPED) for job in jobs]
    values = {job.image_path: image_values([job.image_path]) for job in jobs}
    is_much = sum(values.values()) >= WORTH_COMPILING * min(count_slots(workers), len(jobs))
    jobs = [replace(job, compiled=is_much) for job in jobs]
    with show_progress(f"statistics {modality} {mpp:g} µm", len(jobs)) as bar:
        measured = run_jobs(
            _measure,
            largest_first(jobs, lambda job: values[job.image_path]),
            workers=workers,
            on_killed=_lost_measure,
            on_result=lambda _: bar.advance(),
            need=stats_need,
        )
    failed = [result for result in measured if isinstance(result, Outcome)]
    good = [result for result in measured if isinstance(result, TissueMeasurement)]
    while good:
        cohort = fold_measurements(panel, recipe, good)
        refinement = largest_first(plan_refinement(cohort), lambda job: image_values([job.measurement.job.image_path]))
        with show_progress(f"quantiles {modality} {mpp:g} µm", len(refinement)) as bar:
            refined = run_jobs(
                _refine,
                refinement,
                workers=workers,
                on_killed=_lost_refine,
                on_result=lambda _: bar.advance(),
                need=lambda job: stats_need(job.measurement.job),
            )
        lost = {result.tissue_id: result for result in refined if isinstance(result, Outcome)}
        failed += lost.values()
        good = [measurement for measurement in good if measurement.tissue_id not in lost]
        if not lost:
            break
    if good:
        ledger.begin([key])
        write_statistics(layout, modality, mpp, cohort)
        done = [measurement.job for measurement in good]
        ledger.record([(key, _value(layout, modality, mpp, recipe, panel, done, inputs))])
    return [*(Outcome(measurement.tissue_id, STAGE, Status.DONE) for measurement in good), *failed]


def _value(
    layout: Layout,
    modality: Modality,
    mpp: float,
    recipe: Recipe,
    panel: Sequence[str],
    jobs: Sequence[StatsJob],
    inputs: Mapping[str, str],
) -> str:
    """What the statistics are made of, and the seals of their tables as they stand."""
    folder = layout.resolution(modality, mpp) / "standardization"
    specs = sorted({*recipe.image_specs, recipe.global_spec})
    seals = [
        (path.relative_to(folder).as_posix(), seal_table(path))
        for spec in specs
        for path in sorted(folder.glob(f"*/{spec}/*.parquet"))
    ]
    made_of = sorted((job.tissue_id, job.channel_names, inputs[job.tissue_id]) for job in jobs)
    return fingerprint(recipe, list(panel), made_of, seals)


def _inputs(layout: Layout, ledger: Ledger, modality: Modality, mpp: float, job: StatsJob) -> str:
    image = image_print(layout, ledger, modality, mpp, job.tissue_id, job.state)
    return image + mask_print(layout, mpp, job.tissue_id)


def _is_current(
    layout: Layout, modality: Modality, mpp: float, recipe: Recipe, known: str | None, value: str, existing: Existing
) -> bool:
    folder = layout.resolution(modality, mpp) / "standardization"
    specs = {*recipe.image_specs, recipe.global_spec}
    there = all(any(folder.glob(f"*/{spec}/global_level_stds.parquet")) for spec in specs)
    if not there or existing is Existing.OVERWRITE:
        return False
    return known != BEGUN if existing is Existing.SKIP else known == value


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
