"""Every stage of a conversion in its order."""

from __future__ import annotations

from spora_build.model.report import Outcome, Status
from spora_build.workflows.choose_tiles import choose_tiles
from spora_build.workflows.convert import Conversion, ConvertRequest, write_images
from spora_build.workflows.jobs import default_workers
from spora_build.workflows.progress import ShowProgress, silent
from spora_build.workflows.stage_tile import run_tile


def build(conversion: Conversion, request: ConvertRequest, show_progress: ShowProgress = silent) -> list[Outcome]:
    """Run every stage; a stage that cannot go on leaves what is finished, and says so in the outcomes."""
    outcomes = write_images(conversion, request, show_progress)
    if not any(outcome.status is not Status.FAILED for outcome in outcomes):
        return outcomes
    layout, settings = conversion.layout, conversion.settings
    workers = request.workers or default_workers()
    return outcomes
