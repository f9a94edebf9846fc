"""The whole build: plan, images, tables, masks, cells, tiles, statistics."""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from secrets import token_bytes

from spora_build.errors import EnvironmentFaultError, PartialError, Place, Problem, UsageError
from spora_build.model.names import is_dataset_name
from spora_build.model.report import Outcome, Status
from spora_build.pixels.mask_settings import mask_settings
from spora_build.privacy.crosswalk import TissueCodes, TissueRequest
from spora_build.store.layout import Layout
from spora_build.store.ledger import Ledger
from spora_build.submission import Settings, Submission, read_submission
from spora_build.workflows.checking.relint import decisions_entry
from spora_build.workflows.dataset.hold import hold, make_dataset_folder
from spora_build.workflows.dataset.orphans import find_orphans, orphan_problems, wanted_by
from spora_build.workflows.dataset.roster import published, standing_patients, withdraw
from spora_build.workflows.dataset.sources import source_entries, withheld_entry
from spora_build.workflows.dataset.write_tables import write_cohort_tables
from spora_build.workflows.images.disk_space import refuse_full_disk
from spora_build.workflows.images.due import ImageWork
from spora_build.workflows.images.for_mask import mask_mpp
from spora_build.workflows.images.memory_need import image_need, images_need
from spora_build.workflows.images.parts import pick_large, raw_bytes, write_in_parts
from spora_build.workflows.images.write import STAGE as IMAGES
from spora_build.workflows.images.write import ImagesJob, ImagesOutcome, write_tissue
from spora_build.workflows.planning.give_ids import KeyMadeMeanwhileError, open_ids
from spora_build.workflows.planning.make_plan import make_plan
from spora_build.workflows.planning.plan import Plan, PlannedTissue
from spora_build.workflows.running.executors import fitting_threads
from spora_build.workflows.running.existing import Existing
from spora_build.workflows.running.free_memory import free_memory
from spora_build.workflows.running.jobs import default_workers, run_jobs, threads_each
from spora_build.workflows.running.progress import ShowProgress, silent


@dataclass(frozen=True)
class ConvertRequest:
    """What the user asked for."""

    raw: Path
    name: str | None = None
    """None: the name in spora.toml."""
    out: Path = field(default_factory=Path)
    overrides: Mapping[str, object] = field(default_factory=dict)
    """Settings from flags, by dotted key."""
    only: tuple[str, ...] = ()
    """Tissue ids, or image names as the sheet has them; empty for all."""
    workers: int = 0
    """0: one for each core."""
    existing: Existing = Existing.REFRESH
    key_file: Path | None = None
    verify_inputs: bool = False
    """Compare every byte of the raw files with what they were, not only size, time and both ends."""
    fail_fast: bool = False
    """Stop at the first tissue that fails."""
    prune: bool = False
    """Remove what stands in the dataset and no longer in the sheet."""
    dry_run: bool = False
    """Only plan: nothing is written, not even a key; where there is none yet, the ids shown are provisional."""


@dataclass(frozen=True)
class Conversion:
    """A planned build, ready to run."""

    plan: Plan
    layout: Layout
    settings: Settings
    submission: Submission = field(repr=False)


def prepare(request: ConvertRequest) -> Conversion:
    """Read sheets and headers and plan everything. Raises a SporaBuildError with all problems at once.

    A sound plan gives its tissues their ids for good: key and crosswalk are on disk when this returns, unless it is a
    dry run. A plan with errors leaves nothing behind.
    """
    submission = read_submission(request.raw, request.overrides)
    settings = submission.settings
    workers = request.workers or default_workers()
    name = request.name or settings.name or ""
    if not is_dataset_name(name):  # the ids cannot be looked up, and everything else that is wrong is told with it
        make_plan(submission, name, _no_codes, token_bytes(), workers)
    layout = Layout(request.out / name)
    _refuse_inside_raw(request.raw, layout.root)
    ids = open_ids(layout.private, settings, key_file=request.key_file, standing=standing_patients(layout))

    def assign(requests: Sequence[TissueRequest]) -> Sequence[TissueCodes]:
        if request.only:
            known = {codes.tissue_id for codes in ids.preview(name, requests)}
            _refuse_unknown(request.only, known | {row.image for row in submission.images})
        return ids.preview(name, requests) if request.dry_run else ids.give(name, requests)

    try:
        plan = make_plan(submission, name, assign, ids.secret, workers)
    except KeyMadeMeanwhileError:  # by another first build of this dataset: its key is there now
        return prepare(request)
    notes = ids.problems(submission, dry_run=request.dry_run)
    if layout.root.is_dir() and not request.prune:
        notes += orphan_problems(layout, find_orphans(layout, wanted_by(plan)))
    return Conversion(replace(plan, problems=(*plan.problems, *notes)), layout, settings, submission)


def write_images(
    conversion: Conversion, request: ConvertRequest, show_progress: ShowProgress = silent
) -> list[Outcome]:
    """Write the images that are missing or out of date, then the cohort's tables.

    Raises PartialError at the first failure where the request says so, UsageError and EnvironmentFaultError before
    anything is written.
    """
    with hold(conversion.layout):
        return _write_images(conversion, request, show_progress)


def _write_images(conversion: Conversion, request: ConvertRequest, show_progress: ShowProgress) -> list[Outcome]:
    plan, layout, settings = conversion.plan, conversion.layout, conversion.settings
    chosen = chosen_tissues(plan, request.only)
    stood = published(layout)
    ledger = Ledger.load(layout.private)
    ledger.record(source_entries(plan))
    work = ImageWork(layout, ledger, settings)
    work.look_at(chosen, verify=request.verify_inputs)
    wanted = {tissue.tissue_id: work.wanted(tissue, request.existing) for tissue in chosen}
    due = [tissue for tissue in chosen if wanted[tissue.tissue_id]]
    workers = request.workers or default_workers()
    masks = mask_settings(settings.mask.method, settings.mask.options)
    jobs = [
        ImagesJob(
            layout.root,
            tissue,
            wanted[tissue.tissue_id],
            states=tuple(work.states[image.path] for image in tissue.images),
            codec=settings.codec,
            pyramid=settings.pyramid,
            zero_nonfinite=settings.nonfinite == "zero",
            mask_mpp=mask_mpp(tissue, masks),
        )
        for tissue in due
    ]
    refuse_full_disk(jobs, layout.root)
    make_dataset_folder(layout)
    withdraw(layout, [job.tissue.tissue_id for job in jobs])
    ledger.begin(key for job in jobs for key in work.begin(job))
    jobs.sort(key=raw_bytes, reverse=True)
    large = pick_large(jobs, workers)
    small = [job for job in jobs if job not in large]
    threads = threads_each(workers, len(small))
    threads = fitting_threads(threads, [partial(image_need, image) for job in small for image in job.tissue.images])
    small = [replace(job, threads=threads) for job in small]
    by_tissue = {job.tissue.tissue_id: job for job in jobs}

    def note(result: ImagesOutcome) -> None:
        if result.outcome.status is Status.DONE:
            work.finish(by_tissue[result.outcome.tissue_id], result)
        elif request.fail_fast:
            raise PartialError(result.outcome.problems)

    results = write_in_parts(large, workers=workers, show_progress=show_progress)
    for result in results:
        note(result)
    with show_progress("images", len(small)) as bar:

        def heard(result: ImagesOutcome) -> None:
            note(result)
            bar.advance()

        results += run_jobs(write_tissue, small, workers=workers, on_killed=_killed, on_result=heard, need=images_need)
    free_memory()
    outcomes = [result.outcome for result in results]
    outcomes += [
        Outcome(t.tissue_id, IMAGES, Status.SKIPPED, work.doubts(t)) for t in chosen if t.tissue_id not in by_tissue
    ]
    failed = {outcome.tissue_id for outcome in outcomes if outcome.status is Status.FAILED}
    among = {tissue.tissue_id for tissue in chosen} - failed
    others = stood - {tissue.tissue_id for tissue in chosen}
    built = replace(
        plan,
        tissues=tuple(t for t in plan.tissues if t.tissue_id in among or (t.tissue_id in others and work.is_whole(t))),
    )
    if built.tissues:
        ledger.record([decisions_entry(settings.privacy), withheld_entry(plan.withheld)])
        write_cohort_tables(layout, built, work.empty_channels(built))
    return sorted(outcomes, key=lambda outcome: outcome.tissue_id)


def _killed(job: ImagesJob, error: EnvironmentFaultError) -> ImagesOutcome:
    return ImagesOutcome(Outcome(job.tissue.tissue_id, IMAGES, Status.FAILED, error.problems))


def _refuse_inside_raw(raw: Path, root: Path) -> None:
    if root.resolve().is_relative_to(raw.resolve()):
        raise UsageError(
            Problem(
                "E-USE-003",
                "the dataset would be written into the raw folder.",
                "run the command from another folder, or give --out.",
            )
        )


def chosen_tissues(plan: Plan, only: Collection[str]) -> tuple[PlannedTissue, ...]:
    """The tissues that ``only`` names by their id or by one of their images; all where it is empty."""
    if not only:
        return plan.tissues
    named = set(only)
    return tuple(t for t in plan.tissues if not named.isdisjoint({t.tissue_id, *(i.shown_name for i in t.images)}))


def _refuse_unknown(only: Sequence[str], known: Container[str]) -> None:
    unknown = [name for name in only if name not in known]
    if unknown:
        raise UsageError(
            Problem(
                "E-USE-005",
                f"--only names {len(unknown)} tissues or images that are not in the sheet.",
                "use a tissue id, or an image as tissues.csv writes it.",
                Place(file="tissues.csv", column="image"),
            )
        )


def _no_codes(requests: Sequence[TissueRequest]) -> Sequence[TissueCodes]:
    raise AssertionError("a plan with problems asks for no codes")
