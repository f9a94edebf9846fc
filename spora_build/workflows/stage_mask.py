"""The mask stage with its memory: masks are made again where images or settings changed; a person's own stay."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from spora_build.errors import EnvironmentFaultError
from spora_build.model.report import Outcome, Status
from spora_build.pixels.mask_settings import MaskSettings
from spora_build.store.layout import Layout
from spora_build.store.ledger import Ledger, fingerprint, fingerprint_file
from spora_build.workflows.cohort import tissue_ids
from spora_build.workflows.jobs import Existing, run_jobs
from spora_build.workflows.mask import STAGE, MaskJob, mask_one, plan_masks
from spora_build.workflows.progress import ShowProgress, silent


def run_mask(
    layout: Layout,
    settings: MaskSettings,
    *,
    user_masks: Mapping[str, tuple[Path, str]] | None = None,
    only: Collection[str] = (),
    workers: int = 1,
    existing: Existing = Existing.REFRESH,
    show_progress: ShowProgress = silent,
) -> list[Outcome]:
    """Write the tissue masks that are missing or out of date; one outcome per tissue.

    ``user_masks`` are a person's own by tissue id, with the name to call them in messages. None: this run knows no
    sheet, and masks that came from a sheet stay as they are.
    """
    ledger = Ledger.load(layout.private)
    known = tissue_ids(layout)
    masks = user_masks or {}
    jobs = plan_masks(
        layout, settings, {t: path for t, (path, _) in masks.items()}, {t: name for t, (_, name) in masks.items()}
    )
    jobs = [job for job in jobs if job.tissue_id in known and (not only or job.tissue_id in only)]
    prints = {job.tissue_id: _fingerprint(layout, job) for job in jobs}
    due = [job for job in jobs if _is_due(layout, ledger, job, prints[job.tissue_id], existing, user_masks is None)]
    by_tissue = {job.tissue_id: job for job in due}
    with show_progress("tissue masks", len(due)) as bar:

        def heard(outcome: Outcome) -> None:
            if outcome.status is Status.DONE:
                job = by_tissue[outcome.tissue_id]
                ledger.record(
                    [(_key(job), prints[job.tissue_id]), (_owner_key(job), "person" if job.user_mask else "found")]
                )
            bar.advance()

        made = run_jobs(mask_one, due, workers=workers, on_killed=_killed, on_result=heard)
    kept = [Outcome(job.tissue_id, STAGE, Status.SKIPPED) for job in jobs if job.tissue_id not in by_tissue]
    return sorted([*made, *kept], key=lambda outcome: outcome.tissue_id)


def _killed(job: MaskJob, error: EnvironmentFaultError) -> Outcome:
    return Outcome(job.tissue_id, STAGE, Status.FAILED, error.problems)


def _key(job: MaskJob) -> str:
    return f"{STAGE}/{job.tissue_id}"


def _owner_key(job: MaskJob) -> str:
    return f"{STAGE}-owner/{job.tissue_id}"


def _fingerprint(layout: Layout, job: MaskJob) -> str:
    images = [(str(m), mpp, fingerprint_file(layout.image(m, mpp, job.tissue_id))) for m, mpp in job.images]
    if job.user_mask is not None:
        return fingerprint(images, fingerprint_file(job.user_mask))
    return fingerprint(images, job.settings)


def _is_due(layout: Layout, ledger: Ledger, job: MaskJob, value: str, existing: Existing, without_sheet: bool) -> bool:
    there = all(layout.tissue_mask(mpp, job.tissue_id).exists() for mpp in {mpp for _, mpp in job.images})
    if not there:
        return True
    if without_sheet and ledger.entries.get(_owner_key(job), "person") == "person":
        return False
    if existing is Existing.OVERWRITE:
        return True
    return existing is not Existing.SKIP and not ledger.matches(_key(job), value)
