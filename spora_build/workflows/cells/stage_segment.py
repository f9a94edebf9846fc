"""The segmentation stage: masks for tissues that have none, then their cells as of any other mask."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import pyarrow as pa

from spora_build.errors import EnvironmentFaultError, Place, Problem, UsageError
from spora_build.model.modality import Modality
from spora_build.model.report import Outcome, Status
from spora_build.segmenters import BUILT_IN, find_segmenter
from spora_build.store.image import open_image
from spora_build.store.layout import Layout
from spora_build.store.ledger import Ledger, fingerprint, fingerprint_file
from spora_build.store.tables import read_frame
from spora_build.workflows.cells.jobs import CellsInput
from spora_build.workflows.cells.of_dataset import stored_source
from spora_build.workflows.cells.segment import STAGE, SegmentJob, provenance, segment_one
from spora_build.workflows.cells.segmentation_record import add_to_record, segment_key, was_segmented
from spora_build.workflows.cells.sources import Annotations
from spora_build.workflows.cells.stage import run_cells
from spora_build.workflows.dataset.hold import holding
from spora_build.workflows.dataset.refuse import refuse_existing, refuse_unknown
from spora_build.workflows.dataset.sizes import image_values, largest_first
from spora_build.workflows.running.existing import Existing
from spora_build.workflows.running.jobs import run_jobs
from spora_build.workflows.running.progress import ShowProgress, silent


@holding
def run_segment(
    layout: Layout,
    settings: Any = None,
    *,
    method: str = BUILT_IN,
    modality: str | None = None,
    nuclear: Collection[str] = (),
    bodies: Collection[str] = (),
    only: Collection[str] = (),
    workers: int = 1,
    existing: Existing = Existing.REFRESH,
    show_progress: ShowProgress = silent,
) -> list[Outcome]:
    """Segment the tissues that have no instance mask, and those segmented here before with other settings or pixels.

    ``settings`` are of the ``settings_type`` of the method (:mod:`spora_build.segmenters`); None: its defaults. A
    mask that came from elsewhere stays, even with ``overwrite``, unless ``only`` names its tissue. ``nuclear`` and
    ``bodies`` are channel names; no ``nuclear``: those that channels.parquet marks. Raises UsageError where there is
    nothing to see nuclei in, EnvironmentFaultError where the method's package is missing.
    """
    segmenter = find_segmenter(method)
    settings = segmenter.settings_type() if settings is None else settings
    chosen = _modality(layout, modality)
    _refuse_unknown(layout, chosen, (*nuclear, *bodies))
    names = tuple(nuclear) or _nuclear_channels(layout, chosen)
    if bodies and not segmenter.takes_bodies:
        raise _no_bodies(method)
    how = _How(method, settings, segmenter.provenance(settings), names, tuple(bodies))
    workers = 1 if segmenter.takes_all_cores else workers
    jobs = _jobs(layout, chosen, how)
    refuse_unknown(only, {job.tissue_id for job in jobs})
    jobs = [job for job in jobs if not only or job.tissue_id in only]
    mpps = layout.find_mask_resolutions()
    refuse_existing(existing, (layout.cell_mask(mpp, job.tissue_id) for job in jobs for mpp in mpps))
    ledger = Ledger.load(layout.private)
    prints = {job.tissue_id: _fingerprint(layout, job) for job in jobs}
    due = largest_first(
        [job for job in jobs if _is_due(layout, ledger, job, prints[job.tissue_id], only, existing)],
        lambda job: image_values([layout.image(job.modality, job.mpp, job.tissue_id)]),
    )
    with show_progress("segmentation", len(due)) as bar:
        outcomes = run_jobs(segment_one, due, workers=workers, on_killed=_killed, on_result=lambda _: bar.advance())
    done = {outcome.tissue_id for outcome in outcomes if outcome.status is Status.DONE}
    made = [job for job in due if job.tissue_id in done]
    source = stored_source(layout)
    if source.annotations is not None:
        # what was said of the cells of an old mask is not true of those of a new one
        source = replace(source, annotations=_Without(source.annotations, frozenset(done)))
    masks = {
        job.tissue_id: CellsInput(job.out, f"segmentation of {job.tissue_id}", job.mpp, keeps_labels=False)
        for job in made
    }
    cells = (
        run_cells(layout, replace(source, masks=masks), workers=workers, show_progress=show_progress) if made else []
    )
    good = {outcome.tissue_id for outcome in cells if outcome.status is not Status.FAILED}
    ledger = Ledger.load(layout.private)
    ledger.record([(segment_key(job.tissue_id), prints[job.tissue_id]) for job in made if job.tissue_id in good])
    add_to_record(layout, {job.tissue_id: provenance(job) for job in made if job.tissue_id in good})
    stays = (_FROM_ELSEWHERE,) if existing is Existing.OVERWRITE else ()
    skipped = [Outcome(job.tissue_id, STAGE, Status.SKIPPED, stays) for job in jobs if job not in due]
    return [*sorted([*outcomes, *skipped], key=lambda outcome: outcome.tissue_id), *cells]


_FROM_ELSEWHERE = Problem(
    "N-SEG-004",
    "a cell mask that was not segmented here stays as it is.",
    "nothing to do, or name the tissue with --only as well to replace its mask.",
)


@dataclass(frozen=True)
class _Without:
    """Annotations of all tissues but some."""

    annotations: Annotations
    tissues: frozenset[str]

    def rows(self) -> Iterator[tuple[str, pa.Table]]:
        """See :class:`Annotations`."""
        return ((tissue, cells) for tissue, cells in self.annotations.rows() if tissue not in self.tissues)


def _modality(layout: Layout, wanted: str | None) -> Modality:
    multiplex = [modality for modality in layout.find_modalities() if modality.is_multiplex]
    if wanted is None and len(multiplex) == 1:
        return multiplex[0]
    found = next((modality for modality in multiplex if modality.name == wanted), None)
    if found is None:
        names = ", ".join(modality.name for modality in multiplex) or "none"
        raise UsageError(
            Problem(
                "E-SEG-002",
                f"nuclei are looked for in one multiplex modality; this dataset has: {names}.",
                "say which with --modality.",
                Place(column="modality", value=wanted),
            )
        )
    return found


def _nuclear_channels(layout: Layout, modality: Modality) -> tuple[str, ...]:
    table = read_frame(layout.channels_table(modality))
    usable = table["is_nuclear_marker"].astype(bool) & table["qc_pass"].astype(bool)
    names = tuple(str(name) for name in table.loc[usable, "channel_name"])
    if not names:
        raise UsageError(
            Problem(
                "E-SEG-003",
                f"no channel of {modality} is marked as nuclear.",
                "name one with --nuclear, or fill in is_nuclear_marker in the panel and convert again.",
                Place(file=f"{modality}/channels.parquet", column="is_nuclear_marker"),
            )
        )
    return names


def _refuse_unknown(layout: Layout, modality: Modality, names: Collection[str]) -> None:
    known = [str(name) for name in read_frame(layout.channels_table(modality))["channel_name"]]
    for name in names:
        if name not in known:
            raise UsageError(
                Problem(
                    "E-SEG-006",
                    f"{modality} has no such channel.",
                    f"choose among: {', '.join(known)}.",
                    Place(column="channel_name", value=name),
                )
            )


@dataclass(frozen=True)
class _How:
    method: str
    settings: Any
    software: dict[str, Any]
    nuclear: tuple[str, ...]
    bodies: tuple[str, ...]


def settings_of(method: str, options: Mapping[str, Any]) -> Any:
    """Settings of a method from options by name. Raises UsageError for an option it lacks or a value that is none."""
    of = find_segmenter(method).settings_type
    known = [field.name for field in fields(of)]
    for name in options:
        if name not in known:
            raise UsageError(
                Problem(
                    "E-SEG-007",
                    f"the method {method} has no such option.",
                    f"its options are: {', '.join(known)}.",
                    Place(column=name),
                )
            )
    try:
        return of(**options)
    except ValueError as error:
        raise UsageError(
            Problem("E-SEG-008", f"{error}.", "correct the option.", Place(column="method", value=method))
        ) from None


def _no_bodies(method: str) -> UsageError:
    return UsageError(
        Problem(
            "E-SEG-005",
            "this method finds nuclei; channels of cell bodies are of no use to it.",
            "leave --body out, or choose a method that finds cells (cellpose, instanseg).",
            Place(column="method", value=method),
        )
    )


def _jobs(layout: Layout, modality: Modality, how: _How) -> list[SegmentJob]:
    """One for each tissue, at its finest stored pixel size."""
    known = set(read_frame(layout.tissues_table)["tissue_id"])
    finest: dict[str, float] = {}
    for mpp in layout.find_resolutions(modality):
        for tissue in layout.find_images(modality, mpp):
            if tissue in known:
                finest.setdefault(tissue, mpp)
    folder = layout.private / "segmentation"
    jobs = []
    for tissue, mpp in sorted(finest.items()):
        there = open_image(layout.image(modality, mpp, tissue)).channel_names
        nuclear, bodies = (tuple(name for name in names if name in there) for names in (how.nuclear, how.bodies))
        out = folder / f"{tissue}.npz"
        jobs.append(
            SegmentJob(layout.root, tissue, modality, mpp, nuclear, bodies, how.method, how.settings, how.software, out)
        )
    return jobs


def _fingerprint(layout: Layout, job: SegmentJob) -> str:
    image = layout.image(job.modality, job.mpp, job.tissue_id)
    return fingerprint(provenance(job), fingerprint_file(image))


def _is_due(
    layout: Layout, ledger: Ledger, job: SegmentJob, value: str, only: Collection[str], existing: Existing
) -> bool:
    there = any(layout.cell_mask(mpp, job.tissue_id).exists() for mpp in layout.find_mask_resolutions())
    if not there:
        return True
    if existing is Existing.SKIP:
        return False
    if not was_segmented(ledger, job.tissue_id):
        return existing is Existing.OVERWRITE and job.tissue_id in only
    return existing is Existing.OVERWRITE or not ledger.matches(segment_key(job.tissue_id), value)


def _killed(job: SegmentJob, error: EnvironmentFaultError) -> Outcome:
    return Outcome(job.tissue_id, STAGE, Status.FAILED, error.problems)
