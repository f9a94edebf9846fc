"""From a dataset's tables and folders to the jobs of its report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from spora_build.checks.broken_rows import listed
from spora_build.checks.view import DatasetView
from spora_build.errors import EnvironmentFaultError, Problem, UsageError
from spora_build.model.modality import Modality
from spora_build.model.report import Outcome
from spora_build.pixels.composite import MARKERS
from spora_build.report.values import PanelChannel
from spora_build.submission.spelling import closest
from spora_build.transfer.mirror import Mirror
from spora_build.workflows.reporting.choose_markers import SAMPLE, choose_markers, look_at_structure, with_colors
from spora_build.workflows.reporting.jobs import Budget, LookJob, StoredLevels, Structure, StructureJob
from spora_build.workflows.reporting.picture_of import ShownChannel
from spora_build.workflows.reporting.tables import read_quantiles
from spora_build.workflows.running.guard import guarded
from spora_build.workflows.running.jobs import run_jobs
from spora_build.workflows.running.progress import ShowProgress


def plan_looks(view: DatasetView, shown: Mapping[Modality, Sequence[ShownChannel]]) -> list[LookJob]:
    """A job for each tissue of tissues.parquet that has an image, sorted by tissue."""
    levels: dict[str, dict[Modality, list[tuple[float, Path]]]] = defaultdict(lambda: defaultdict(list))
    for image in view.images:
        if image.tissue_id in view.tissue_ids:
            levels[image.tissue_id][image.modality].append((image.mpp, image.path))
    masks: dict[str, list[tuple[float, Path]]] = defaultdict(list)
    cells: dict[str, list[tuple[float, Path]]] = defaultdict(list)
    for found, kind in ((view.tissue_masks, masks), (view.instance_masks, cells)):
        for (tissue_id, mpp), mask in found.items():
            kind[tissue_id].append((mpp, mask.path))
    quantiles = {modality: read_quantiles(view, modality) for modality in view.panels}
    budget = Budget.of(sum(len(of_tissue) for of_tissue in levels.values()))
    return [
        LookJob(
            tissue_id,
            tuple(
                StoredLevels(
                    modality.name,
                    tuple(sorted(paths)),
                    tuple((mpp, _row(table, tissue_id)) for mpp, table in quantiles.get(modality, {}).items()),
                    tuple(shown.get(modality, ())),
                )
                for modality, paths in levels[tissue_id].items()
            ),
            tuple(sorted(masks[tissue_id])),
            min(cells[tissue_id])[1] if cells[tissue_id] else None,
            budget,
        )
        for tissue_id in sorted(levels)
    ]


def choose_shown(
    view: DatasetView,
    panels: Mapping[Modality, Sequence[PanelChannel]],
    wanted: Sequence[str],
    workers: int,
    show_progress: ShowProgress,
    mirror: Mirror | None = None,
) -> dict[Modality, tuple[ShownChannel, ...]]:
    """The channels of every modality's composites: those wanted that it has, else the ones with most structure.

    Raises UsageError where a wanted channel is in no panel, or too many are wanted.
    """
    chosen = wanted_markers(panels, wanted)
    jobs = [job for modality in panels if modality not in chosen for job in _sample(view, modality)]
    with show_progress("markers", len(jobs)) as bar:
        results = run_jobs(
            partial(_score, mirror), jobs, workers=workers, on_killed=_lost, on_result=lambda _: bar.advance()
        )
    seen = [result for result in results if isinstance(result, Structure)]
    for modality, panel in panels.items():
        if modality not in chosen:
            names = panel or panel_of(seen, modality)
            chosen[modality] = choose_markers(names, [one for one in seen if one.modality == modality.name])
    return {m: with_colors(names, panels[m], _medians(read_quantiles(view, m))) for m, names in chosen.items()}


def wanted_markers(
    panels: Mapping[Modality, Sequence[PanelChannel]], wanted: Sequence[str]
) -> dict[Modality, tuple[str, ...]]:
    """The wanted channels by modality, nuclear first; only the modalities that have one of them. Raises UsageError."""
    known = {channel.name for panel in panels.values() for channel in panel}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        near = [found for name in unknown if (found := closest(name, known))]
        meant = f"did you mean {' and '.join(near)}? " if near else ""
        what = f"no panel of the dataset has {', '.join(unknown)}."
        raise _usage(what, f"{meant}name channels of: {listed(known, limit=60)}.")
    chosen: dict[Modality, tuple[str, ...]] = {}
    order = {name: at for at, name in enumerate(wanted)}
    for modality, panel in panels.items():
        own = sorted((c for c in panel if c.name in order), key=lambda c: (not c.is_nuclear, order[c.name]))
        if len(own) - any(channel.is_nuclear for channel in own) > len(MARKERS):
            raise _usage(
                f"a composite has one nuclear channel and at most {len(MARKERS)} others.", "give fewer --marker."
            )
        if own:
            chosen[modality] = tuple(channel.name for channel in own)
    return chosen


def _sample(view: DatasetView, modality: Modality) -> list[StructureJob]:
    """Evenly spaced tissues, each at its coarsest pixel size."""
    coarsest = {image.tissue_id: image for image in sorted(view.images_of(modality), key=lambda image: image.mpp)}
    ids = sorted(coarsest)
    jobs = []
    for at in sorted({round(place) for place in np.linspace(0, len(ids) - 1, min(SAMPLE, len(ids)))}):
        image = coarsest[ids[at]]
        mask = view.tissue_masks.get((image.tissue_id, image.mpp))
        jobs.append(StructureJob(modality.name, image.path, mask.path if mask else None))
    return jobs


def here(mirror: Mirror | None, images: Sequence[Path]) -> AbstractContextManager[None]:
    """The pixels of these images, for as long as they are looked at."""
    return nullcontext() if mirror is None else mirror.at_hand(images)


def _score(mirror: Mirror | None, job: StructureJob) -> Structure | Outcome:
    """An image that cannot be read has no say in the choice; its own look reports it."""

    def score() -> Structure:
        with here(mirror, [job.image]):
            return look_at_structure(job)

    return guarded(job.image.name, "report", score)


def _lost(job: StructureJob, error: EnvironmentFaultError) -> Structure | Outcome:
    raise error


def panel_of(seen: Sequence[Structure], modality: Modality) -> tuple[PanelChannel, ...]:
    """A panel of the images' own names, for a dataset without channels.parquet."""
    names = dict.fromkeys(name for one in seen if one.modality == modality.name for name in one.channel_names)
    return tuple(PanelChannel(name, "", False, True) for name in names)


def _medians(quantiles: Mapping[float, pd.DataFrame]) -> dict[str, float]:
    """Median over the tissues of each channel's clipping quantile, at the coarsest pixel size that has them."""
    if not quantiles:
        return {}
    medians = quantiles[max(quantiles)].median(numeric_only=True)
    return {str(name): float(value) for name, value in medians.items() if np.isfinite(value)}


def _row(table: pd.DataFrame, tissue_id: str) -> tuple[tuple[str, float], ...]:
    if tissue_id not in table.index:
        return ()
    row = pd.to_numeric(pd.Series(table.loc[tissue_id]), errors="coerce")
    return tuple((str(name), float(value)) for name, value in row.items() if np.isfinite(value))


def _usage(what: str, remedy: str) -> UsageError:
    return UsageError(Problem("E-REPORT-001", what, remedy))
