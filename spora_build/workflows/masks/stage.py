"""The mask stage with its memory: masks are made again where images or settings changed; a person's own stay."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from spora_build.errors import EnvironmentFaultError, Problem
from spora_build.model.modality import Modality
from spora_build.model.report import Outcome, Status
from spora_build.pixels.mask_settings import MaskSettings
from spora_build.store.coarse import drop_pictures
from spora_build.store.layout import Layout
from spora_build.store.ledger import Ledger, fingerprint
from spora_build.store.tables import read_table
from spora_build.workflows.dataset.cohort import tissue_ids
from spora_build.workflows.dataset.hold import holding
from spora_build.workflows.dataset.inputs import identify
from spora_build.workflows.dataset.outputs import (
    are_former,
    image_print,
    made_entry,
    mask_key,
    mask_print,
    replaced_entry,
)
from spora_build.workflows.dataset.refuse import refuse_existing, refuse_unknown
from spora_build.workflows.dataset.roster import withdraw
from spora_build.workflows.dataset.sizes import image_values, largest_first
from spora_build.workflows.masks.work import STAGE, MaskJob, mask_need, mask_one, plan_masks
from spora_build.workflows.running.existing import Existing
from spora_build.workflows.running.jobs import run_jobs
from spora_build.workflows.running.progress import ShowProgress, silent


@holding
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
    sheet. Masks that came from one then stay as they are, and so do masks that nobody here has made, unless they are to
    be overwritten; a person's own, only where ``only`` names the tissue too. Notes say what stays.
    """
    ledger = Ledger.load(layout.private)
    known = tissue_ids(layout)
    masks = user_masks or {}
    jobs = plan_masks(
        layout, settings, {t: path for t, (path, _) in masks.items()}, {t: name for t, (_, name) in masks.items()}
    )
    jobs = [job for job in jobs if job.tissue_id in known]
    refuse_unknown(only, {job.tissue_id for job in jobs})
    jobs = [job for job in jobs if not only or job.tissue_id in only]
    refuse_existing(existing, (layout.tissue_mask(mpp, job.tissue_id) for job in jobs for _, mpp in job.images))
    stays = {} if user_masks is not None else _staying(ledger, jobs, only, existing)
    jobs = [_spread(layout, job) if job.tissue_id in stays else job for job in jobs]
    passed = _passed_channels(layout)
    prints = {job.tissue_id: _fingerprint(layout, ledger, job, passed) for job in jobs}
    due = largest_first(
        [job for job in jobs if _is_due(layout, ledger, job, prints[job.tissue_id], existing, stays)],
        lambda job: image_values(layout.image(*image, job.tissue_id) for image in job.images),
    )
    by_tissue = {job.tissue_id: job for job in due}
    withdraw(layout, by_tissue)
    ledger.record(replaced_entry(ledger, mask_key(job.tissue_id), _masks(layout, job)) for job in due)
    ledger.begin(mask_key(tissue) for tissue in by_tissue)
    with show_progress("tissue masks", len(due)) as bar:

        def heard(outcome: Outcome) -> None:
            if outcome.status is Status.DONE:
                job = by_tissue[outcome.tissue_id]
                owner = "person" if job.user_mask else "found"
                key = mask_key(job.tissue_id)
                made = made_entry(ledger, key, _masks(layout, job))
                ledger.record([(key, prints[job.tissue_id]), made, (_owner_key(job), owner)])
            bar.advance()

        made = run_jobs(mask_one, due, workers=workers, on_killed=_killed, on_result=heard, need=mask_need)
    if not only:  # of masks that stay or could not be made, and of tissues that left
        drop_pictures(layout)
    kept = [
        Outcome(job.tissue_id, STAGE, Status.SKIPPED, stays.get(job.tissue_id, ()))
        for job in jobs
        if job.tissue_id not in by_tissue
    ]
    return sorted([*made, *kept], key=lambda outcome: outcome.tissue_id)


def _killed(job: MaskJob, error: EnvironmentFaultError) -> Outcome:
    return Outcome(job.tissue_id, STAGE, Status.FAILED, error.problems)


def _owner_key(job: MaskJob) -> str:
    return f"{STAGE}-owner/{job.tissue_id}"


def _passed_channels(layout: Layout) -> dict[Modality, list[str]]:
    """Channels that the foreground is looked for in: another tissue of the cohort may change which."""
    found = {}
    for modality in layout.find_modalities():
        path = layout.channels_table(modality)
        if modality.is_multiplex and path.is_file():
            table = read_table(path)
            if {"channel_name", "qc_pass"} <= set(table.column_names):
                rows = zip(table["channel_name"].to_pylist(), table["qc_pass"].to_pylist(), strict=True)
                found[modality] = sorted(str(name) for name, ok in rows if ok)
    return found


_METHOD_VERSION = 3
"""Another one makes masks that were found before anew."""


def _fingerprint(layout: Layout, ledger: Ledger, job: MaskJob, passed: Mapping[Modality, Sequence[str]]) -> str:
    images = [(str(m), mpp, image_print(layout, ledger, m, mpp, job.tissue_id)) for m, mpp in job.images]
    if job.user_mask is not None:
        return fingerprint(images, identify(ledger, job.shown_name, job.user_mask))
    names = [passed.get(modality, ()) for modality in sorted({modality for modality, _ in job.images})]
    return fingerprint(_METHOD_VERSION, images, job.settings, names)


def _staying(
    ledger: Ledger, jobs: Sequence[MaskJob], only: Collection[str], existing: Existing
) -> dict[str, tuple[Problem, ...]]:
    """Tissues whose masks were not found here and so stay where they are, with what to say of it."""
    stays: dict[str, tuple[Problem, ...]] = {}
    for job in jobs:
        owner = ledger.entries.get(_owner_key(job))
        if existing is Existing.OVERWRITE and (owner is None or job.tissue_id in only):
            continue
        if owner is None:
            stays[job.tissue_id] = (_OF_UNKNOWN_ORIGIN,) if existing is Existing.REFRESH else ()
        elif owner == "person":
            stays[job.tissue_id] = (_OF_A_PERSON,) if existing is Existing.OVERWRITE else ()
    return stays


def _spread(layout: Layout, job: MaskJob) -> MaskJob:
    """A mask that stays and is there at some pixel sizes only is what the others are made of."""
    mpps = {mpp for _, mpp in job.images}
    there = sorted(mpp for mpp in mpps if mask_print(layout, mpp, job.tissue_id) != "missing")
    if not there or len(there) == len(mpps):
        return job
    path = layout.tissue_mask(there[0], job.tissue_id)
    return replace(job, user_mask=path, shown_name=path.name)


_OF_UNKNOWN_ORIGIN = Problem(
    "N-MASK-018",
    "a tissue mask that was not made here, of which nobody knows whether a person drew it, stays as it is.",
    "nothing to do, or add --existing overwrite to find the tissue anew.",
)
_OF_A_PERSON = Problem(
    "N-MASK-019",
    "a tissue mask that a person gave in tissues.csv stays as it is.",
    "nothing to do, or name the tissue with --only as well to replace its mask until the next convert.",
)


def _is_due(
    layout: Layout, ledger: Ledger, job: MaskJob, value: str, existing: Existing, stays: Collection[str]
) -> bool:
    there = all(mask_print(layout, mpp, job.tissue_id) != "missing" for mpp in {mpp for _, mpp in job.images})
    key = mask_key(job.tissue_id)
    if not there:
        return True
    if job.tissue_id in stays:
        return False
    if existing is Existing.OVERWRITE:
        return True
    if existing is Existing.SKIP:
        return ledger.was_begun(key)
    return not ledger.matches(key, value) or are_former(ledger, key, _masks(layout, job))


def _masks(layout: Layout, job: MaskJob) -> list[Path]:
    return [layout.tissue_mask(mpp, job.tissue_id) for mpp in sorted({mpp for _, mpp in job.images})]
