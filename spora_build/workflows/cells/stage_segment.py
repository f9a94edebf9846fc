"""The segmentation stage: masks for tissues that have none, then their cells as of any other mask."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import pyarrow as pa

from spora_build.errors import EnvironmentFaultError, Place, Problem, UsageError
from spora_build.model.modality import Modality
from spora_build.model.report import Outcome, Status
from spora_build.pixels.nuclei import NucleiSettings
from spora_build.store.atomic import write_beside
from spora_build.store.image import open_image
from spora_build.store.layout import Layout
from spora_build.store.ledger import Ledger, fingerprint, fingerprint_file
from spora_build.store.tables import read_table
from spora_build.workflows.cells.jobs import CellsInput
from spora_build.workflows.cells.of_dataset import stored_source
from spora_build.workflows.cells.segment import STAGE, SegmentJob, provenance, segment_one
from spora_build.workflows.cells.sources import Annotations
from spora_build.workflows.cells.stage import run_cells
from spora_build.workflows.dataset.hold import holding
from spora_build.workflows.dataset.refuse import refuse_existing, refuse_unknown
from spora_build.workflows.running.existing import Existing
from spora_build.workflows.running.jobs import run_jobs
from spora_build.workflows.running.progress import ShowProgress, silent

COUNTED = ("imc", "mibi")
"""Modalities whose pixels are counts of ions."""


@holding
def run_segment(
    layout: Layout,
    settings: NucleiSettings,
    *,
    modality: str | None = None,
    nuclear: Collection[str] = (),
    only: Collection[str] = (),
    workers: int = 1,
    existing: Existing = Existing.REFRESH,
    show_progress: ShowProgress = silent,
) -> list[Outcome]:
    """Segment the tissues that have no instance mask, and those segmented here before with other settings or pixels.

    A mask that came from elsewhere stays, even with ``overwrite``, unless ``only`` names its tissue. ``nuclear`` are
    channel names; none: those that channels.parquet marks. Raises UsageError where there is nothing to see nuclei in.
    """
    chosen = _modality(layout, modality)
    names = tuple(nuclear) or _nuclear_channels(layout, chosen)
    settings = replace(settings, counts=chosen.name in COUNTED)
    jobs = _jobs(layout, chosen, names, settings)
    refuse_unknown(only, {job.tissue_id for job in jobs})
    jobs = [job for job in jobs if not only or job.tissue_id in only]
    mpps = layout.find_mask_resolutions()
    refuse_existing(existing, (layout.cell_mask(mpp, job.tissue_id) for job in jobs for mpp in mpps))
    ledger = Ledger.load(layout.private)
    prints = {job.tissue_id: _fingerprint(layout, job) for job in jobs}
    due = [job for job in jobs if _is_due(layout, ledger, job, prints[job.tissue_id], only, existing)]
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
    ledger.record([(_key(job.tissue_id), prints[job.tissue_id]) for job in made if job.tissue_id in good])
    _write_provenance(layout, [job for job in made if job.tissue_id in good])
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
    table = read_table(layout.channels_table(modality))
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


def _jobs(layout: Layout, modality: Modality, nuclear: tuple[str, ...], settings: NucleiSettings) -> list[SegmentJob]:
    """One for each tissue, at its finest stored pixel size."""
    known = set(read_table(layout.tissues_table)["tissue_id"])
    finest: dict[str, float] = {}
    for mpp in layout.find_resolutions(modality):
        for tissue in layout.find_images(modality, mpp):
            if tissue in known:
                finest.setdefault(tissue, mpp)
    folder = layout.private / "segmentation"
    jobs = []
    for tissue, mpp in sorted(finest.items()):
        there = open_image(layout.image(modality, mpp, tissue)).channel_names
        names = tuple(name for name in nuclear if name in there)
        jobs.append(SegmentJob(layout.root, tissue, modality, mpp, names, settings, folder / f"{tissue}.npz"))
    return jobs


def _key(tissue: str) -> str:
    return f"{STAGE}/{tissue}"


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
    ours = _key(job.tissue_id) in ledger.entries
    if not ours:
        return existing is Existing.OVERWRITE and job.tissue_id in only
    return existing is Existing.OVERWRITE or not ledger.matches(_key(job.tissue_id), value)


def _write_provenance(layout: Layout, jobs: list[SegmentJob]) -> None:
    """metadata/segmentation.json: what made the masks of which tissue; entries of former runs stay."""
    path = layout.metadata / "segmentation.json"
    told = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    told |= {job.tissue_id: provenance(job) for job in jobs}
    if told:
        with write_beside(path) as temporary:
            temporary.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _killed(job: SegmentJob, error: EnvironmentFaultError) -> Outcome:
    return Outcome(job.tissue_id, STAGE, Status.FAILED, error.problems)
