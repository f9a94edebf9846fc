"""Every stage of a conversion in its order."""

from __future__ import annotations

from pathlib import Path

from spora_build.model.report import Outcome, Status
from spora_build.pixels.mask_settings import mask_settings
from spora_build.pixels.standardize import Recipe
from spora_build.workflows.cells_of_sheet import sheet_source
from spora_build.workflows.choose_tiles import choose_tiles
from spora_build.workflows.convert import Conversion, ConvertRequest, write_images
from spora_build.workflows.jobs import default_workers
from spora_build.workflows.progress import ShowProgress, silent
from spora_build.workflows.stage_cells import run_cells
from spora_build.workflows.stage_mask import run_mask
from spora_build.workflows.stage_stats import run_stats
from spora_build.workflows.stage_tile import run_tile


def build(conversion: Conversion, request: ConvertRequest, show_progress: ShowProgress = silent) -> list[Outcome]:
    """Run every stage; a stage that cannot go on leaves what is finished, and says so in the outcomes."""
    outcomes = write_images(conversion, request, show_progress)
    if all(outcome.status is Status.FAILED for outcome in outcomes):
        return outcomes
    layout, settings, existing = conversion.layout, conversion.settings, request.existing
    workers = request.workers or default_workers()
    drawn = {
        t.tissue_id: (t.tissue_mask, _shown(t.tissue_mask, request)) for t in conversion.plan.tissues if t.tissue_mask
    }
    outcomes += run_mask(
        layout,
        mask_settings(settings.mask.method, settings.mask.options),
        user_masks=drawn,
        workers=workers,
        existing=existing,
        show_progress=show_progress,
    )
    source = sheet_source(conversion, request.raw)
    outcomes += run_cells(layout, source, workers=workers, existing=existing, show_progress=show_progress)
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
    outcomes += run_tile(layout, requests, workers=workers, existing=existing, show_progress=show_progress)
    recipe = Recipe(settings.statistics.upper_quantile, settings.statistics.lower_quantile)
    outcomes += run_stats(layout, recipe, workers=workers, existing=existing, show_progress=show_progress)
    return outcomes


def _shown(path: Path, request: ConvertRequest) -> str:
    """A file of the raw folder as its sheets write it."""
    return path.resolve().relative_to(request.raw.resolve()).as_posix()
