"""spora-build cells."""

from __future__ import annotations

from typing import Annotated

import typer

from spora_build.cli.options import Dataset, Jobs, OnExisting, Scheduler, SchedulerFile
from spora_build.workflows.running.existing import Existing


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("cells")(cells)


def cells(
    dataset: Dataset = None,
    task: Annotated[
        list[str] | None, typer.Option(help="Column of cells.parquet to make a mask of; repeat for more.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Tissue id; repeat for more.")] = None,
    existing: OnExisting = Existing.REFRESH,
    jobs: Jobs = 0,
    scheduler: Scheduler = None,
    scheduler_file: SchedulerFile = None,
) -> None:
    """Measure the cells of a dataset again: areas, centres and intensities from its instance masks; annotations stay.

    Example: `spora-build cells --task cell_type`
    """
    from spora_build.cli.stages import finish, open_dataset
    from spora_build.workflows.cells.of_dataset import stored_source
    from spora_build.workflows.cells.stage import run_cells

    layout = open_dataset(dataset)
    source = stored_source(layout, tuple(task) if task else None)
    finish(
        layout,
        "cells",
        lambda layout, workers, show: run_cells(
            layout, source, only=only or (), workers=workers, existing=existing, show_progress=show
        ),
        jobs,
        scheduler,
        scheduler_file,
    )
