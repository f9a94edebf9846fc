"""spora-build tile."""

from __future__ import annotations

from typing import Annotated

import typer

from spora_build.cli.options import Dataset, Jobs, OnExisting, Scheduler, SchedulerFile
from spora_build.workflows.running.existing import Existing


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("tile")(tile)


def tile(
    dataset: Dataset = None,
    size: Annotated[
        list[int] | None,
        typer.Option(help="Tile side in px; repeat for more. Default: 128 and 224 at 1.0 mpp, 256 at H&E's own."),
    ] = None,
    mpp: Annotated[
        list[float] | None, typer.Option(help="Pixel size to tile at; repeat for more. Default: 1.0.")
    ] = None,
    strategy: Annotated[str, typer.Option(help="default: greedy cover; grid…: a regular grid.")] = "default",
    stride: Annotated[
        int | None, typer.Option(help="Step in px. Default: half a tile; a whole tile for a grid.")
    ] = None,
    tolerance: Annotated[float | None, typer.Option(help="Largest share of background in a tile.")] = None,
    coverage_goal: Annotated[float | None, typer.Option(help="Share of tissue to cover before stopping.")] = None,
    min_gain_ratio: Annotated[float | None, typer.Option(help="Smallest share a further tile must add.")] = None,
    existing: OnExisting = Existing.REFRESH,
    jobs: Jobs = 0,
    scheduler: Scheduler = None,
    scheduler_file: SchedulerFile = None,
) -> None:
    """Compute training tiles from the tissue masks of a dataset.

    Example: `spora-build tile --size 224 --stride 112`
    """
    from spora_build.cli.stages import finish, open_dataset
    from spora_build.workflows.tiles.choose import choose_tiles
    from spora_build.workflows.tiles.stage import run_tile

    given = {
        "stride_px": stride,
        "tolerance": tolerance,
        "coverage_goal": coverage_goal,
        "min_gain_ratio": min_gain_ratio,
    }
    layout = open_dataset(dataset)
    requests = choose_tiles(layout, sizes=size, mpps=mpp, strategy=strategy, given=given)
    finish(
        layout,
        "tile",
        lambda layout, workers, show: run_tile(
            layout, requests, workers=workers, existing=existing, show_progress=show
        ),
        jobs,
        scheduler,
        scheduler_file,
    )
