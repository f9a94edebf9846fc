"""spora-build mask."""

from __future__ import annotations

from typing import Annotated

import typer

from spora_build.cli.options import Dataset, Jobs, OnExisting, Scheduler, SchedulerFile
from spora_build.pixels.mask_settings import METHODS
from spora_build.workflows.running.existing import Existing


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("mask")(mask)


def mask(
    dataset: Dataset = None,
    method: Annotated[str, typer.Option(help=f"{', '.join(METHODS)}; full is the whole field.")] = "auto",
    threshold: Annotated[float | None, typer.Option(help="Where to cut, in place of the method's rule.")] = None,
    closing_um: Annotated[float | None, typer.Option(help="Gaps narrower than twice this are closed.")] = None,
    max_hole_um2: Annotated[float | None, typer.Option(help="Holes up to this area are filled.")] = None,
    min_speck_um2: Annotated[float | None, typer.Option(help="Pieces below this area are dust.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Tissue id; repeat for more.")] = None,
    existing: OnExisting = Existing.REFRESH,
    jobs: Jobs = 0,
    scheduler: Scheduler = None,
    scheduler_file: SchedulerFile = None,
) -> None:
    """Find the tissue in every image of a dataset; masks that a person gave, or that nobody here made, stay.

    With `--existing overwrite` the latter are replaced, and a person's where `--only` names the tissue too.

    Example: `spora-build mask --method otsu --only smith2023novel_abcdefgh_0000`
    """
    from spora_build.cli.stages import finish, open_dataset
    from spora_build.pixels.mask_settings import mask_settings
    from spora_build.workflows.masks.stage import run_mask

    given = {
        "threshold": threshold,
        "closing_um": closing_um,
        "max_hole_um2": max_hole_um2,
        "min_speck_um2": min_speck_um2,
    }
    settings = mask_settings(method, {key: value for key, value in given.items() if value is not None})
    finish(
        open_dataset(dataset),
        "mask",
        lambda layout, workers, show: run_mask(
            layout, settings, only=only or (), workers=workers, existing=existing, show_progress=show
        ),
        jobs,
        scheduler,
        scheduler_file,
    )
