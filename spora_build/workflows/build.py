"""Every stage of a conversion in its order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from spora_build.errors import PartialError
from spora_build.model.report import Outcome, Status
from spora_build.pixels.mask_settings import mask_settings
from spora_build.pixels.standardize import Recipe
from spora_build.workflows.cells.of_conversion import convert_cells
from spora_build.workflows.convert import Conversion, ConvertRequest, write_images
from spora_build.workflows.dataset.hold import hold
from spora_build.workflows.dataset.orphans import find_orphans, prune, wanted_by
from spora_build.workflows.dataset.outputs import doubt
from spora_build.workflows.dataset.roster import open_roster, publish, published, strike, withdraw
from spora_build.workflows.images.write import STAGE as IMAGES
from spora_build.workflows.masks.stage import run_mask
from spora_build.workflows.running.existing import Existing
from spora_build.workflows.running.jobs import default_workers
from spora_build.workflows.running.processes import keep_processes
from spora_build.workflows.running.progress import ShowProgress, silent
from spora_build.workflows.statistics.stage import run_stats
from spora_build.workflows.tiles.choose import choose_tiles
from spora_build.workflows.tiles.stage import run_tile


def build(conversion: Conversion, request: ConvertRequest, show_progress: ShowProgress = silent) -> list[Outcome]:
    """Run every stage; one outcome per tissue and stage.

    A tissue that fails in a stage is left out of the later ones and of all tables, and costs no other tissue. The
    public table of tissues is written last: see :mod:`spora_build.workflows.dataset.roster`.
    """
    with hold(conversion.layout), keep_processes():
        return _build(replace(conversion, layout=open_roster(conversion.layout)), request, show_progress)


def _build(conversion: Conversion, request: ConvertRequest, show_progress: ShowProgress) -> list[Outcome]:
    layout, settings = conversion.layout, conversion.settings
    workers = request.workers or default_workers()
    outcomes: list[Outcome] = []

    def add(ended: list[Outcome]) -> bool:
        """Take note of a stage's end; whether a tissue failed in it."""
        outcomes.extend(ended)
        failed = [outcome for outcome in ended if outcome.status is Status.FAILED]
        if failed and request.fail_fast:
            raise PartialError(problem for outcome in failed for problem in outcome.problems)
        if ended and ended[0].stage != IMAGES:
            strike(layout, {outcome.tissue_id for outcome in failed})
        doubt(layout, failed)
        return bool(failed)

    if request.prune:
        wanted = wanted_by(conversion.plan)
        withdraw(layout, published(layout) - wanted.keys())
        prune(layout, find_orphans(layout, wanted))
    add(write_images(conversion, request, show_progress))
    if all(outcome.status is Status.FAILED for outcome in outcomes):
        return outcomes
    drawn = {
        t.tissue_id: (t.tissue_mask, _shown(t.tissue_mask, request)) for t in conversion.plan.tissues if t.tissue_mask
    }
    masks = mask_settings(settings.mask.method, settings.mask.options)
    # with "error" the images have decided: what follows is made of new ones
    existing = Existing.REFRESH if request.existing is Existing.ERROR else request.existing
    common: dict[str, Any] = {"workers": workers, "existing": existing, "show_progress": show_progress}
    add(run_mask(layout, masks, user_masks=drawn, **common))
    add(convert_cells(layout, conversion.submission, conversion.plan, request.raw, **common))
    tiling = settings.tiling
    requests = choose_tiles(
        layout,
        sizes=tiling.sizes,
        mpps=tiling.mpp,
        strategy=tiling.strategy,
        given={
            "stride_px": tiling.stride,
            "tolerance": tiling.tolerance,
            "coverage_goal": tiling.coverage_goal,
            "min_gain_ratio": tiling.min_gain_ratio,
        },
    )
    add(run_tile(layout, requests, **common))
    recipe = Recipe(settings.statistics.upper_quantile, settings.statistics.lower_quantile)
    lost = add(run_stats(layout, recipe, **common))
    while lost:  # what was measured with a tissue that failed at another pixel size is measured again without it
        lost = add([o for o in run_stats(layout, recipe, **common) if o.status is Status.FAILED])
    publish(layout)
    return outcomes


def _shown(path: Path, request: ConvertRequest) -> str:
    """A file of the raw folder as its sheets write it."""
    return path.resolve().relative_to(request.raw.resolve()).as_posix()
