"""spora-build segment."""

from __future__ import annotations

from typing import Annotated

import typer

from spora_build.cli.options import Dataset, Jobs, OnExisting
from spora_build.workflows.running.existing import Existing


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("segment")(segment)


def segment(
    dataset: Dataset = None,
    modality: Annotated[
        str | None, typer.Option(help="Multiplex modality to see nuclei in, where there are several.")
    ] = None,
    nuclear: Annotated[
        list[str] | None, typer.Option(help="Nuclear channel; repeat for more. Default: those the panel marks.")
    ] = None,
    radius_um: Annotated[float, typer.Option(help="Radius of nuclei in micrometres.")] = 3.0,
    expand_um: Annotated[float, typer.Option(help="How far cells reach beyond their nuclei; 0 gives nuclei.")] = 2.0,
    level: Annotated[float, typer.Option(help="Share of the image's own threshold that nuclei are above.")] = 0.8,
    min_area_um2: Annotated[float, typer.Option(help="Smaller nuclei are left out.")] = 10.0,
    only: Annotated[list[str] | None, typer.Option(help="Tissue id; repeat for more.")] = None,
    existing: OnExisting = Existing.REFRESH,
    jobs: Jobs = 0,
) -> None:
    """Find cells in tissues that have no cell masks: nuclei from nuclear stains, and a rim around each.

    Example: `spora-build segment --nuclear DAPI --expand-um 3`
    """
    from spora_build.cli.stages import finish, open_dataset
    from spora_build.pixels.nuclei import NucleiSettings
    from spora_build.workflows.cells.stage_segment import run_segment

    try:
        settings = NucleiSettings(radius_um=radius_um, expand_um=expand_um, level=level, min_area_um2=min_area_um2)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    finish(
        open_dataset(dataset),
        "segment",
        lambda layout, workers, show: run_segment(
            layout,
            settings,
            modality=modality,
            nuclear=nuclear or (),
            only=only or (),
            workers=workers,
            existing=existing,
            show_progress=show,
        ),
        jobs,
    )
