"""spora-build stats."""

from __future__ import annotations

from typing import Annotated

import typer

from spora_build.cli.options import Dataset, Jobs, OnExisting, Scheduler, SchedulerFile
from spora_build.workflows.running.existing import Existing


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("stats")(stats)


def stats(
    dataset: Dataset = None,
    upper_quantile: Annotated[float, typer.Option(help="Intensities are clipped at this quantile.")] = 0.99,
    lower_quantile: Annotated[float | None, typer.Option(help="And at this one below. Default: at zero.")] = None,
    existing: OnExisting = Existing.REFRESH,
    jobs: Jobs = 0,
    scheduler: Scheduler = None,
    scheduler_file: SchedulerFile = None,
) -> None:
    """Compute the standardization statistics of every multiplex modality of a dataset.

    Example: `spora-build stats`
    """
    from spora_build.cli.stages import finish, open_dataset
    from spora_build.pixels.standardize import Recipe
    from spora_build.workflows.statistics.stage import run_stats

    recipe = Recipe(upper_quantile, lower_quantile)
    finish(
        open_dataset(dataset),
        "stats",
        lambda layout, workers, show: run_stats(layout, recipe, workers=workers, existing=existing, show_progress=show),
        jobs,
        scheduler,
        scheduler_file,
    )
