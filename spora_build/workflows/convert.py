"""The whole build: plan, images, tables, masks, cells, tiles, statistics."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from spora_build.errors import EnvironmentFaultError, Place, Problem, UsageError
from spora_build.model.modality import Modality
from spora_build.model.report import Outcome, Status
from spora_build.privacy.private_files import private_lock
from spora_build.store.layout import Layout
from spora_build.store.ledger import Ledger, fingerprint, fingerprint_file
from spora_build.submission import Settings, Submission, read_submission
from spora_build.workflows.give_ids import KeyMadeMeanwhileError, open_ids
from spora_build.workflows.jobs import Existing, default_workers, run_jobs, split_workers
from spora_build.workflows.make_plan import make_plan
from spora_build.workflows.plan import Plan, PlannedImage, PlannedOutput, PlannedTissue
from spora_build.workflows.progress import ShowProgress, silent
from spora_build.workflows.relint import decisions_entry
from spora_build.workflows.sources import source_entries
from spora_build.workflows.write_images import STAGE as IMAGES
from spora_build.workflows.write_images import ImagesJob, ImagesOutcome, write_tissue
from spora_build.workflows.write_tables import write_cohort_tables

FORMAT_VERSION = 1
"""Part of every fingerprint: raised when the same input would give other bytes, so that old work is redone."""
TABLES_WAIT_S = 600.0
"""Longest wait for another build of the same dataset to write its tables."""


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
    name = request.name or settings.name
    if name is None:
        raise UsageError(
            Problem(
                "E-NAME-002",
                "the dataset has no name yet.",
                "give --name, such as --name smith2023novel, or set name in spora.toml.",
            )
        )
    layout = Layout(request.out / name)
    _refuse_inside_raw(request.raw, layout.root)
    ids = open_ids(layout.private, settings, key_file=request.key_file)
    assign = ids.preview if request.dry_run else ids.give
    try:
        plan = make_plan(submission, name, partial(assign, name), ids.secret)
    except KeyMadeMeanwhileError:  # by another first build of this dataset: its key is there now
        return prepare(request)
    notes = ids.problems(submission, dry_run=request.dry_run)
    return Conversion(replace(plan, problems=(*plan.problems, *notes)), layout, settings, submission)


def write_images(
    conversion: Conversion, request: ConvertRequest, show_progress: ShowProgress = silent
) -> list[Outcome]:
    """Write the images that are missing or out of date, then the cohort's tables."""
    plan, layout, settings = conversion.plan, conversion.layout, conversion.settings
    ledger = Ledger.load(layout.private)
    ledger.record(source_entries(plan))
    prints = _fingerprints(conversion)
    jobs, outcomes = [], []
    workers = request.workers or default_workers()
    chosen = [tissue for tissue in plan.tissues if _is_chosen(tissue, request.only)]
    _refuse_unknown(request.only, plan)
    processes, threads = split_workers(workers, len(chosen))
    for tissue in chosen:
        wanted = tuple(
            (index, output.mpp)
            for index, image in enumerate(tissue.images)
            for output in image.outputs
            if _is_due(layout, ledger, prints, request.existing, tissue, image, output)
        )
        if wanted:
            jobs.append(
                ImagesJob(
                    layout.root,
                    tissue,
                    wanted,
                    codec=settings.codec,
                    pyramid=settings.pyramid,
                    zero_nonfinite=settings.nonfinite == "zero",
                    threads=threads,
                )
            )
        else:
            outcomes.append(Outcome(tissue.tissue_id, IMAGES, Status.SKIPPED))
    _refuse_full_disk(jobs, layout.root)
    jobs.sort(key=lambda job: -sum(image.size.height * image.size.width for image in job.tissue.images))
    with show_progress("images", len(jobs)) as bar:

        def heard(result: ImagesOutcome) -> None:
            if result.outcome.status is Status.DONE:
                job = by_tissue[result.outcome.tissue_id]
                ledger.record(_finished(job, result, prints))
            bar.advance()

        by_tissue = {job.tissue.tissue_id: job for job in jobs}
        results = run_jobs(
            write_tissue,
            jobs,
            workers=processes,
            on_killed=lambda job, error: ImagesOutcome(
                Outcome(job.tissue.tissue_id, IMAGES, Status.FAILED, error.problems)
            ),
            on_result=heard,
        )
    outcomes += [result.outcome for result in results]
    failed = {outcome.tissue_id for outcome in outcomes if outcome.status is Status.FAILED}
    with private_lock(layout.private, wait_s=TABLES_WAIT_S):  # of two builds at once the last one sees all images
        built = Plan(
            plan.dataset,
            tuple(t for t in plan.tissues if t.tissue_id not in failed and _is_complete(layout, t)),
            plan.panels,
            plan.problems,
        )
        if built.tissues:
            ledger.record([decisions_entry(settings.privacy)])
            write_cohort_tables(layout, built, _empty_channels(built, Ledger.load(layout.private)))
    return sorted(outcomes, key=lambda outcome: outcome.tissue_id)


def _refuse_inside_raw(raw: Path, root: Path) -> None:
    if root.resolve().is_relative_to(raw.resolve()):
        raise UsageError(
            Problem(
                "E-USE-003",
                "the dataset would be written into the raw folder.",
                "run the command from another folder, or give --out.",
            )
        )


def _fingerprints(conversion: Conversion) -> dict[tuple[str, Modality, float], str]:
    """Fingerprint of every image to write: its raw file and the settings that shape it."""
    settings = conversion.settings
    files: dict[Path, str] = {}
    prints = {}
    for tissue in conversion.plan.tissues:
        for image in tissue.images:
            if image.path not in files:
                files[image.path] = fingerprint_file(image.path)
            for output in image.outputs:
                prints[tissue.tissue_id, image.modality, output.mpp] = fingerprint(
                    FORMAT_VERSION,
                    files[image.path],
                    image.series,
                    image.channels,
                    image.channel_names,
                    image.native_mpp,
                    output,
                    settings.codec,
                    settings.pyramid,
                    settings.nonfinite,
                )
    return prints


def _ledger_key(tissue_id: str, modality: Modality, mpp: float) -> str:
    return f"{IMAGES}/{modality}/{mpp!r}/{tissue_id}"


def _nonzero_key(tissue_id: str, modality: Modality) -> str:
    return f"nonzero/{modality}/{tissue_id}"


def _finished(
    job: ImagesJob, result: ImagesOutcome, prints: Mapping[tuple[str, Modality, float], str]
) -> list[tuple[str, str]]:
    tissue_id = job.tissue.tissue_id
    images = job.tissue.images
    done = [
        (_ledger_key(tissue_id, images[at].modality, mpp), prints[tissue_id, images[at].modality, mpp])
        for at, mpp in job.wanted
    ]
    seen = [
        (_nonzero_key(tissue_id, images[at].modality), "".join("1" if value else "0" for value in values))
        for at, values in result.nonzero
    ]
    return seen + done


def _is_due(
    layout: Layout,
    ledger: Ledger,
    prints: Mapping[tuple[str, Modality, float], str],
    existing: Existing,
    tissue: PlannedTissue,
    image: PlannedImage,
    output: PlannedOutput,
) -> bool:
    path = layout.image(image.modality, output.mpp, tissue.tissue_id)
    if not path.exists() or existing is Existing.OVERWRITE:
        return True
    if existing is Existing.ERROR:
        raise UsageError(
            Problem(
                "E-USE-004",
                "there is an image already where one would be written.",
                "use --existing refresh, skip or overwrite.",
                Place(file=path.name),
            )
        )
    if existing is Existing.SKIP:
        return False
    key = _ledger_key(tissue.tissue_id, image.modality, output.mpp)
    return not ledger.matches(key, prints[tissue.tissue_id, image.modality, output.mpp])


def _is_chosen(tissue: PlannedTissue, only: Sequence[str]) -> bool:
    names = {tissue.tissue_id, *(image.shown_name for image in tissue.images)}
    return not only or not names.isdisjoint(only)


def _refuse_unknown(only: Sequence[str], plan: Plan) -> None:
    known = {t.tissue_id for t in plan.tissues} | {i.shown_name for t in plan.tissues for i in t.images}
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


def _is_complete(layout: Layout, tissue: PlannedTissue) -> bool:
    return all(
        layout.image(image.modality, output.mpp, tissue.tissue_id).exists()
        for image in tissue.images
        for output in image.outputs
    )


def _empty_channels(plan: Plan, ledger: Ledger) -> dict[Modality, list[str]]:
    """Channels that held nothing but zeros in every tissue that has them."""
    alive: dict[Modality, set[str]] = {modality: set() for modality in plan.panels}
    for tissue in plan.tissues:
        for image in tissue.images:
            if image.modality in alive:
                seen = ledger.entries.get(_nonzero_key(tissue.tissue_id, image.modality), "")
                flags = seen if len(seen) == len(image.channel_names) else "1" * len(image.channel_names)
                alive[image.modality] |= {n for n, flag in zip(image.channel_names, flags, strict=True) if flag == "1"}
    return {m: [name for name in panel.names if name not in alive[m]] for m, panel in plan.panels.items()}


def _refuse_full_disk(jobs: Sequence[ImagesJob], root: Path) -> None:
    needed = sum(
        image.bytes_per_px * output.size.height * output.size.width
        for job in jobs
        for index, image in enumerate(job.tissue.images)
        for output in image.outputs
        if (index, output.mpp) in job.wanted
    )
    existing = next(folder for folder in (root, *root.resolve().parents) if folder.exists())
    # even barely compressible pixels lose a fifth, so that only a certain shortage stops a build
    if needed * 0.5 > shutil.disk_usage(existing).free:
        raise EnvironmentFaultError(
            Problem(
                "E-ENV-001",
                f"the images need up to {needed / 1e9:.1f} GB and the disk has"
                f" {shutil.disk_usage(existing).free / 1e9:.1f} GB left.",
                "free some space, or write elsewhere with --out.",
            )
        )
